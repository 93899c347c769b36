import { constants, type Stats } from 'node:fs'
import { open, stat, type FileHandle } from 'node:fs/promises'
import { Socket } from 'node:net'
import { addAbortSignal, type Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { unlessAborted } from '../core/abort.ts'
import { codeOf } from '../core/errors.ts'
import { inPlaceOf } from '../core/want.ts'

/** The text of a file, or an Error that says in words why not, without the path. */
export type ReadFile = (path: string, signal: AbortSignal) => Promise<string>

/** The bytes of a file, or an Error of which `fileErrorText` says why not. */
export type ReadBytes = (path: string, signal: AbortSignal) => Promise<Buffer>

const maxFileBytes = 1_048_576

/**
 * Reads regular files up to 1 MiB, anew each time. A read that hangs (a dead network file system) is left behind when the
 * signal aborts, and joined by the next read of that path instead of begun again: each one that hangs holds one of the
 * four threads that all files share.
 */
export function bytesReader(): ReadBytes {
  const underWay = new Map<string, Promise<Buffer>>()
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

/** The same, of UTF-8 text; a byte order mark is cut. */
export function fileReader(bytes = bytesReader()): ReadFile {
  return async (path, signal) => {
    try {
      return new TextDecoder('utf-8', { fatal: true }).decode(await bytes(path, signal))
    } catch (error) {
      if (signal.aborted) throw error
      throw inPlaceOf(new Error(fileErrorText(error)), error)
    }
  }
}

/**
 * A mounted Kubernetes Secret changes by a symlink swap: while the path is walked, the folder the old link led to may be
 * removed (measured: 6 of 108,000 reads under constant swapping). The new one is there by then. A file that is written to
 * meanwhile may be whole by then, too.
 */
const attempts = 3

async function read(path: string): Promise<Buffer> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await readRegular(path, maxFileBytes)
    } catch (error) {
      const isPassing = codeOf(error) === 'ENOENT' || codeOf(error) === 'EBUSY'
      if (!isPassing || attempt === attempts) throw error
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
    const before = await handle.stat()
    refuseIrregular(before)
    const bytes = await buffer(handle.createReadStream({ end: maxBytes, autoClose: false }))
    if (bytes.length > maxBytes) throw tooLarge(maxBytes)
    if (await hasChanged(handle, before)) throw new Refused('EBUSY', 'was written to while it was read')
    return bytes
  } finally {
    await handle.close()
  }
}

async function hasChanged(handle: FileHandle, { size, mtimeMs }: Stats): Promise<boolean> {
  const now = await handle.stat()
  return now.size !== size || now.mtimeMs !== mtimeMs
}

/** What a process is given already open by its shell: `-`, `/dev/stdin`, and what stands for `<(…)`. */
const descriptor = /^(?:-|\/dev\/stdin|\/(?:dev|proc\/self)\/fd\/(\d{1,5}))$/

/** Whether the path is that of a pipe, a terminal or the like that was open when the process began. */
export const isPassed = async (path: string): Promise<boolean> =>
  descriptor.test(path) && (path === '-' || !(await stat(path)).isFile())

/**
 * What comes out of a pipe or a terminal that was open when the process began, up to 1 MiB. It takes none of the threads:
 * it ends with the signal even where nothing comes.
 */
export async function readPassed(path: string, signal: AbortSignal): Promise<Buffer> {
  const fd = Number(descriptor.exec(path)?.[1] ?? 0)
  const stream: Readable = fd === 0 ? process.stdin : new Socket({ fd, readable: true, writable: false })
  const chunks: Buffer[] = []
  let length = 0
  try {
    for await (const chunk of addAbortSignal(signal, stream) as AsyncIterable<Buffer>) {
      chunks.push(chunk)
      length += chunk.length
      if (length > maxFileBytes) throw tooLarge(maxFileBytes)
    }
    return Buffer.concat(chunks)
  } finally {
    stream.destroy()
  }
}

function refuseIrregular(stats: Stats): void {
  if (stats.isDirectory()) throw new Refused('EISDIR', 'is a directory, not a file')
  if (!stats.isFile()) throw new Refused('ENXIO', 'is not a regular file')
}

/** An error whose message is for the user as it stands; with the code of the system that comes nearest. */
class Refused extends Error {
  readonly code: 'EISDIR' | 'EFBIG' | 'EBUSY' | 'ENXIO'
  constructor(code: Refused['code'], message: string) {
    super(message)
    this.code = code
  }
}

const tooLarge = (maxBytes: number): Refused => new Refused('EFBIG', `is larger than ${maxBytes / 1_048_576} MiB`)

export const noSuchFile = 'there is no such file'

/** Why a file cannot be read, without its path. */
export function fileErrorText(error: unknown): string {
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
    case 'ELOOP':
      return 'is a symbolic link that leads back to itself'
    case 'ERR_ENCODING_INVALID_ENCODED_DATA':
      return 'is not UTF-8 text'
    default:
      return `cannot be read (${code})`
  }
}
