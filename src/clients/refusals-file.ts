import { lstat, mkdir, open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { readRegular } from './files.ts'

const refusal = z.object({
  login: z.string(),
  at: z.number(),
  count: z.int().min(1),
  chain: z.int().min(1),
  text: z.string().max(1_000),
})
const content = z.object({ key: z.string().min(32), roles: z.record(z.string(), refusal) })

/** The last refusal of each account. */
interface Refused {
  readonly key: string
  readonly accounts: Map<string, z.output<typeof refusal>>
}

/** A local disk takes milliseconds. A login must not wait for a disk that hangs. */
const usualPatienceMs = 500

/** The file has room for this many accounts with the longest texts. */
const mostAccounts = 500
const maxBytes = 1_048_576

/**
 * Stores refused logins in a folder that only this user may enter, for other processes of the same user. Best effort:
 * nothing is stored if the folder is another user's, not writable, or slower than `patienceMs`. It holds fingerprints, no
 * credentials.
 */
export function refusalsFile(folder: string, uid: number, patienceMs = usualPatienceMs) {
  const file = join(folder, 'refused-logins.json')

  /** Another user may have made a folder in /tmp first. */
  const isOurs = async (): Promise<boolean> => {
    const found = await lstat(folder)
    return found.isDirectory() && found.uid === uid && (found.mode & 0o077) === 0
  }

  const readAll = async (): Promise<Refused | undefined> => {
    if (!(await isOurs())) return undefined
    const bytes = await readRegular(file, maxBytes)
    const { key, roles } = content.parse(JSON.parse(bytes.toString('utf8')))
    return { key, accounts: new Map(Object.entries(roles)) }
  }

  const writeAll = async ({ key, accounts }: Refused): Promise<boolean> => {
    await mkdir(folder, { mode: 0o700 }).catch(() => undefined)
    if (!(await isOurs())) return false
    const newest = [...accounts].sort(([, a], [, b]) => b.at - a.at)
    const roles = Object.fromEntries(newest.slice(0, mostAccounts))
    const next = `${file}.${process.pid}`
    await rm(next, { force: true })
    const handle = await open(next, 'wx', 0o600)
    try {
      await handle.writeFile(JSON.stringify({ key, roles })).finally(() => handle.close())
      await rename(next, file)
    } catch (error) {
      // After a full disk the partial file is of no use.
      await rm(next, { force: true })
      throw error
    }
    return true
  }

  let last: Promise<unknown> = Promise.resolve()
  let hanging: Promise<unknown> | undefined
  /** Runs one work at a time; undefined if it fails or is too slow. None starts while one hangs: it holds a thread. */
  const patiently = async <T>(work: () => Promise<T>): Promise<T | undefined> => {
    if (hanging) return undefined
    const working = last.then(work).catch(() => undefined)
    last = working
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<'late'>(resolve => (timer = setTimeout(() => resolve('late'), patienceMs)))
    const done = await Promise.race([working, late])
    clearTimeout(timer)
    if (done !== 'late') return done
    hanging = working.finally(() => (hanging = undefined))
    return undefined
  }

  return {
    read: () => patiently(readAll),
    write: async (all: Refused) => (await patiently(() => writeAll(all))) ?? false,
  }
}
