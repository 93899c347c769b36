import { constants, type Stats } from 'node:fs'
import { open, stat, type FileHandle } from 'node:fs/promises'
import { Socket } from 'node:net'
import { addAbortSignal, type Readable } from 'node:stream'
import { unlessAborted } from '../core/abort.ts'
import { codeOf } from '../core/errors.ts'
import { inPlaceOf } from '../core/want.ts'

/** Reads the text of a file. Rejects with an Error that says why not, without the path. */
export type ReadFile = (path: string, signal: AbortSignal) => Promise<string>

/** Reads the bytes of a file. Rejects with an Error that `fileErrorText` puts into words. */
export type ReadBytes = (path: string, signal: AbortSignal) => Promise<Buffer>

const maxFileBytes = 1_048_576

/**
 * Reads regular files up to 1 MiB, without a cache. A read that hangs (a dead network file system) is left behind when
 * the signal aborts. The next read of that path joins it instead of starting another: each read that hangs holds one of
 * the four threads that all files share.
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

/** The same for UTF-8 text. A byte order mark is cut. */
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
 * A mounted Kubernetes Secret changes by a symlink swap. While the path is walked, the old folder may be removed
 * (measured: 6 of 108,000 reads under constant swapping). The new one is there by then. A file that is being written
 * may also be complete by then.
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
 * The bytes of a regular file of at most `maxBytes` (whole MiB), even if it grows meanwhile. Rejects with the error of
 * the system, or with one whose message is complete.
 */
export async function readRegular(path: string, maxBytes: number): Promise<Buffer> {
  // Before opening it: some devices do something when opened.
  refuseIrregular(await stat(path))
  // Opening a FIFO without a writer would block the thread for ever.
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const before = await handle.stat()
    refuseIrregular(before)
    const bytes = await allOf(handle, before.size, maxBytes)
    if (bytes.length > maxBytes) throw tooLarge(maxBytes)
    if (await hasChanged(handle, before)) throw new Refused('EBUSY', 'was written to while it was read')
    return bytes
  } finally {
    await handle.close()
  }
}

/** By reads of its own: a stream takes more CPU than the rest of it. At most one byte more than `maxBytes`. */
async function allOf(handle: FileHandle, size: number, maxBytes: number): Promise<Buffer> {
  // A byte more than it has: the read that brings less shows its end. Files of /proc have no size.
  let into = Buffer.allocUnsafe(Math.min(Math.max(size, 4_095), maxBytes) + 1)
  let length = 0
  for (;;) {
    const { bytesRead } = await handle.read(into, length, into.length - length, length)
    length += bytesRead
    if (bytesRead === 0 || length > maxBytes) return into.subarray(0, length)
    if (length === into.length) {
      const larger = Buffer.allocUnsafe(Math.min(2 * length, maxBytes + 1))
      into.copy(larger)
      into = larger
    }
  }
}

async function hasChanged(handle: FileHandle, { size, mtimeMs }: Stats): Promise<boolean> {
  const now = await handle.stat()
  return now.size !== size || now.mtimeMs !== mtimeMs
}

/** What a shell passes to a process already open: `-`, `/dev/stdin`, and the paths of `<(…)`. */
const descriptor = /^(?:-|\/dev\/stdin|\/(?:dev|proc\/self)\/fd\/(\d{1,5}))$/

/** Whether the path is a pipe, a terminal or the like that was open when the process began. */
export const isPassed = async (path: string): Promise<boolean> =>
  descriptor.test(path) && (path === '-' || !(await stat(path)).isFile())

/**
 * Reads a pipe or a terminal that was open when the process began, up to 1 MiB. It takes no thread, and ends with the
 * signal even if nothing comes.
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

/** An error whose message is for the user, with the nearest code of the system. */
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
