import { bytesReader, fileErrorText, isPassed, readPassed, type ReadBytes } from '../clients/files.ts'
import { unlessAborted } from '../core/abort.ts'
import { deadline } from '../core/deadline.ts'
import { ConfigError, DeadlineExceeded, codeOf } from '../core/errors.ts'

/** How to read a file that is named on the command line. */
export interface Reading {
  /** Default: only the time limit ends it. */
  readonly signal?: AbortSignal
  /** Read once, so that it may be a pipe from the shell. */
  readonly once?: boolean
  /** For a file that is read again and again: a read that hangs is not started again. */
  readonly bytes?: ReadBytes
}

/** A file system that does not answer for this long is dead, in milliseconds. */
const readMs = 10_000
/**
 * If the exporter itself was held up for this long meanwhile, in milliseconds, it waits again, at most this often in
 * all.
 */
const heldUpMs = 1_000
const readings = 3

/** A file, not too large, as text. Throws a ConfigError that names the flag. */
export async function readText(
  file: string,
  flag: string,
  { signal = new AbortController().signal, once = false, bytes: read = bytesReader() }: Reading = {},
): Promise<string> {
  const from = async (limit: AbortSignal): Promise<Buffer> => {
    // A pipe takes as long as its writer.
    if (!(await unlessAborted(limit, isPassed(file)))) return read(file, limit)
    if (!once) throw new ConfigError(`${file}: ${notTwice(flag)}`)
    return readPassed(file, signal)
  }
  for (let reading = 1; ; reading++) {
    const limit = deadline(readMs, signal)
    try {
      const bytes = await from(limit.signal)
      return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    } catch (error) {
      signal.throwIfAborted()
      if (error instanceof ConfigError) throw error
      // The answer may be there by now, and a busy machine is no fault of the file system. The next turn joins the read
      // under way.
      const isOurs = error instanceof DeadlineExceeded && limit.heldUpMs() > heldUpMs
      if (!isOurs || reading === readings) throw new ConfigError(`${file}: ${unreadable(error, flag, isOurs)}`)
    } finally {
      limit.clear()
    }
  }
}

const notTwice = (flag: string): string =>
  `is not a regular file, and what is served is read again at each reload; give the path of a file with ${flag}`

function unreadable(error: unknown, flag: string, isOurs: boolean): string {
  if (isOurs) return 'could not be read in time: the exporter itself was held up; give it more CPU, and reload again'
  if (error instanceof DeadlineExceeded) return `cannot be read (${error.message}); its file system hangs`
  switch (codeOf(error) ?? '') {
    case 'ENOENT':
    case 'ENOTDIR':
      return `there is no such file; give its path with ${flag}`
    case 'EISDIR':
      return `is a directory; give the path of a file with ${flag}`
    case 'ENXIO':
      return `is not a regular file; give the path of one with ${flag}`
    case 'EACCES':
    case 'EPERM':
      return 'permission denied; let the user the exporter runs as read it'
    case 'EFBIG':
      return 'larger than 1 MiB; this is not a configuration file'
    case 'ERR_ENCODING_INVALID_ENCODED_DATA':
      return 'not UTF-8 text; save the file as UTF-8'
    default:
      return fileErrorText(error)
  }
}
