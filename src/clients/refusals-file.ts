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
  readonly accounts: Readonly<Record<string, z.output<typeof refusal>>>
}

/** A local disk takes milliseconds. A login must not wait for one that hangs. */
const patienceMs = 500

/** The file has room for so many with the longest texts. */
const mostAccounts = 500
const maxBytes = 1_048_576

/**
 * Remembers refused logins in a folder of this user alone, for other processes of the same user. Best effort: where the
 * folder is another's, cannot be written, or is slow, nothing is remembered. There is no credential in it, only fingerprints.
 */
export function refusalsFile(folder: string, uid: number) {
  const file = join(folder, 'refused-logins.json')

  /** A folder in /tmp may have been put there by somebody else. */
  const isOurs = async (): Promise<boolean> => {
    const found = await lstat(folder)
    return found.isDirectory() && found.uid === uid && (found.mode & 0o077) === 0
  }

  const readAll = async (): Promise<Refused | undefined> => {
    if (!(await isOurs())) return undefined
    const bytes = await readRegular(file, maxBytes)
    const { key, roles } = content.parse(JSON.parse(bytes.toString('utf8')))
    return { key, accounts: roles }
  }

  const writeAll = async ({ key, accounts }: Refused): Promise<boolean> => {
    await mkdir(folder, { mode: 0o700 }).catch(() => undefined)
    if (!(await isOurs())) return false
    const newest = Object.entries(accounts).sort(([, a], [, b]) => b.at - a.at)
    const roles = Object.fromEntries(newest.slice(0, mostAccounts))
    const next = `${file}.${process.pid}`
    await rm(next, { force: true })
    const handle = await open(next, 'wx', 0o600)
    try {
      await handle.writeFile(JSON.stringify({ key, roles })).finally(() => handle.close())
      await rename(next, file)
    } catch (error) {
      // What a full disk holds of it is of no use.
      await rm(next, { force: true })
      throw error
    }
    return true
  }

  let last: Promise<unknown> = Promise.resolve()
  let hanging: Promise<unknown> | undefined
  /** One after the other; undefined where it fails or takes too long. While one hangs no other is begun: it holds a thread. */
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
