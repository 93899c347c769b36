import { lstat, open, rename, rm } from 'node:fs/promises'
import { codeOf } from '../core/errors.ts'
import type { Shown } from '../core/shown.ts'
import { inPlaceOf } from '../core/want.ts'
import { fileErrorText, readRegular } from './files.ts'

/** A file that one process reads at its start, and writes from then on. */
export interface StateFile {
  /** The text of the file; undefined where there is none. Rejects with an Error for the user, without the path. */
  read(): Promise<string | undefined>
  /** Replaces the file at once, so that a reader finds the old text or the new one. Rejects with an Error for the user. */
  write(text: Shown): Promise<void>
  /** Renames the file, so that it is kept and not read again. Gives its new path. Rejects with an Error for the user. */
  setAside(): Promise<string>
}

/** `maxBytes` are whole MiB. */
export function stateFile(path: string, maxBytes: number): StateFile {
  const next = `${path}.new`
  /** Which file was last seen there: read, written, or put there by somebody else. */
  let last: string | undefined
  return {
    async read() {
      try {
        const text = new TextDecoder().decode(await readRegular(path, maxBytes))
        last = await identityOf(path)
        return text
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return undefined
        throw inPlaceOf(new Error(fileErrorText(error)), error)
      }
    },
    async write(text) {
      try {
        // Said once for each file of another process: this one may have taken its place.
        const there = await identityOf(path)
        const isOfOther = there !== undefined && there !== last
        last = there
        if (isOfOther) throw Object.assign(new Error('another file'), { code: 'ESTALE' })
        // What a process left behind that was killed. A new file, so that nobody else has it open or reads it.
        await rm(next, { force: true })
        const handle = await open(next, 'wx', 0o600)
        try {
          await handle.writeFile(text)
          // Without it a power failure may leave an empty file.
          await handle.sync()
          // Another process with the same file has put its own one there, which may be half written.
          const [own, now] = [await handle.stat(), await lstat(next).catch(() => undefined)]
          if (own.ino !== now?.ino) throw Object.assign(new Error('another file'), { code: 'ESTALE' })
        } finally {
          await handle.close()
        }
        const own = await identityOf(next)
        await rename(next, path)
        last = own
      } catch (error) {
        // What another process writes there is left to it.
        if (!isOfAnother(error)) await rm(next, { force: true }).catch(() => undefined)
        throw inPlaceOf(new Error(writeErrorText(error)), error)
      }
    },
    async setAside() {
      const bad = `${path}.bad`
      try {
        await rename(path, bad)
      } catch (error) {
        throw inPlaceOf(new Error(writeErrorText(error)), error)
      }
      return bad
    },
  }
}

/** What differs between two files that were at one place; undefined where there is none. */
async function identityOf(path: string): Promise<string | undefined> {
  const { ino, mtimeMs, size } = (await lstat(path).catch(() => undefined)) ?? {}
  return ino === undefined ? undefined : [ino, mtimeMs, size].join()
}

/** Another process writes at the same time: it took away the new file, or made one first. */
const isOfAnother = (error: unknown): boolean => ['ESTALE', 'EEXIST'].includes(codeOf(error) ?? '')

/** Why a file cannot be written, without its path. */
function writeErrorText(error: unknown): string {
  const code = codeOf(error) ?? 'unknown error'
  if (isOfAnother(error)) return 'another process writes it too: give each exporter a file of its own'
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return 'there is no such folder'
    case 'EACCES':
    case 'EPERM':
      return 'permission denied: let the user the exporter runs as write to the folder'
    case 'EROFS':
      return 'the file system is read-only: mount a volume for the folder'
    case 'ENOSPC':
    case 'EDQUOT':
      return `there is no space left (${code})`
    default:
      return `cannot be written (${code})`
  }
}
