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
type Content = z.output<typeof content>

/** Room for 500 refusals with the longest texts. */
const maxBytes = 1_048_576

/**
 * Remembers refused logins in a folder of this user alone, for other processes of the same user. Best effort: where the
 * folder is another's, or cannot be written, nothing is remembered. There is no credential in it, only fingerprints.
 */
export function refusalsFile(folder: string, uid: number) {
  const file = join(folder, 'refused-logins.json')

  /** A folder in /tmp may have been put there by somebody else. */
  const isOurs = async (): Promise<boolean> => {
    const {
      uid: owner,
      mode,
      isDirectory,
    } = await lstat(folder).then(stat => ({
      uid: stat.uid,
      mode: stat.mode,
      isDirectory: stat.isDirectory(),
    }))
    return isDirectory && owner === uid && (mode & 0o077) === 0
  }

  const readAll = async (): Promise<Content | undefined> => {
    if (!(await isOurs())) return undefined
    const bytes = await readRegular(file, maxBytes)
    return content.parse(JSON.parse(bytes.toString('utf8')))
  }

  const writeAll = async (all: Content): Promise<boolean> => {
    await mkdir(folder, { mode: 0o700 }).catch(() => undefined)
    if (!(await isOurs())) return false
    const next = `${file}.${process.pid}`
    await rm(next, { force: true })
    const handle = await open(next, 'wx', 0o600)
    try {
      await handle.writeFile(JSON.stringify(all))
    } finally {
      await handle.close()
    }
    await rename(next, file)
    return true
  }

  return {
    read: () => readAll().catch(() => undefined),
    write: (all: Content) => writeAll(all).catch(() => false),
  }
}
