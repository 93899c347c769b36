import { constants, createReadStream, type Stats } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { buffer } from 'node:stream/consumers'
import { unlessAborted } from '../core/abort.ts'
import { codeOf } from '../core/errors.ts'
import { inPlaceOf } from '../core/want.ts'

/** The text of a file, or an Error that says in words why not, without the path. */
export type ReadFile = (path: string, signal: AbortSignal) => Promise<string>

const maxBytes = 1_048_576

/**
 * Reads regular files of UTF-8 text up to 1 MiB, anew each time; a byte order mark is cut. A read that hangs (a dead
 * network file system) is left behind when the signal aborts, and joined by the next read of that path instead of
 * begun again: each one that hangs holds one of the four threads that all files share.
 */
export function fileReader(): ReadFile {
  const underWay = new Map<string, Promise<string>>()
  return async (path, signal) => {
    signal.throwIfAborted()
    let reading = underWay.get(path)
    if (!reading) {
      reading = read(path).finally(() => underWay.delete(path))
      underWay.set(path, reading)
    }
    return unlessAborted(signal, reading)
  }
}

/**
 * A mounted Kubernetes Secret changes by a symlink swap: while the path is walked, the folder the old link led to may be
 * removed (measured: 6 of 108,000 reads under constant swapping). The new one is there by then.
 */
const attempts = 3

async function read(path: string): Promise<string> {
  for (let attempt = 1; ; attempt++) {
    try {
      const bytes = await readRegular(path, maxBytes)
      return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    } catch (error) {
      if (codeOf(error) !== 'ENOENT' || attempt === attempts) throw inPlaceOf(new Error(inWords(error)), error)
    }
  }
}

/**
 * The bytes of a regular file, which has at most `maxBytes` (whole MiB) also where it grows meanwhile. Rejects with the
 * error of the system, or with one whose message stands for itself.
 */
export async function readRegular(path: string, maxBytes: number): Promise<Buffer> {
  // Before it is opened: there are devices that do something then.
  refuseIrregular(await stat(path))
  // A FIFO without a writer would block the thread in open(2) for ever.
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    refuseIrregular(await handle.stat())
    const bytes = await buffer(handle.createReadStream({ end: maxBytes, autoClose: false }))
    if (bytes.length > maxBytes) throw new Refused(`is larger than ${maxBytes / 1_048_576} MiB`)
    return bytes
  } finally {
    await handle.close()
  }
}

/** The first `maxBytes` and one more, if there are so many, of whatever kind of file it is. */
export const readBeginning = (path: string, maxBytes: number): Promise<Buffer> =>
  buffer(createReadStream(path, { end: maxBytes }))

function refuseIrregular(stats: Stats): void {
  if (stats.isDirectory()) throw new Refused('is a directory, not a file')
  if (!stats.isFile()) throw new Refused('is not a regular file')
}

/** An error whose message is for the user as it stands. */
class Refused extends Error {}

export const noSuchFile = 'there is no such file'

/** Why a file cannot be read, without its path. */
export function inWords(error: unknown): string {
  if (error instanceof Refused) return error.message
  const code = codeOf(error) ?? 'unknown error'
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return noSuchFile
    case 'EACCES':
    case 'EPERM':
      return 'permission denied: let the user the exporter runs as read it'
    case 'EISDIR':
      return 'is a directory, not a file'
    case 'ENXIO':
      return 'is not a regular file'
    case 'ERR_ENCODING_INVALID_ENCODED_DATA':
      return 'is not UTF-8 text'
    default:
      return `cannot be read (${code})`
  }
}
