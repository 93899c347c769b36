import { constants, fstatSync, openSync, write, writeSync } from 'node:fs'
import { Socket } from 'node:net'
import { isatty } from 'node:tty'
import { codeOf } from '../core/errors.ts'
import { sleep } from '../core/clock.ts'
import { writeAll, type Write } from '../core/write-all.ts'

/** Standard output or standard error. */
interface Output {
  /** Rejects with the error of the system. One call at a time. */
  readonly write: Write
}

/**
 * Opens a descriptor so that no write blocks the event loop. Node's own streams do block: a terminal while it is
 * stopped (Ctrl-S), and a file as long as the disk takes. Node's stream of a pipe keeps everything that its reader does
 * not take.
 */
export function openOutput(fd: 1 | 2): Output {
  const direct = openAgain(fd) ?? (madeNonBlocking(fd) ? fd : undefined)
  return {
    async write(bytes) {
      try {
        return direct === undefined ? await written(fd, bytes) : writeSync(direct, bytes)
      } catch (error) {
        if (codeOf(error) === 'EAGAIN') return 0
        throw error
      }
    },
  }
}

/** Writes in another thread: a file may take long, and nothing says so before. */
const written = (fd: number, bytes: Uint8Array): Promise<number> =>
  new Promise((resolve, reject) => {
    write(fd, bytes, 0, bytes.length, null, (error, taken) => (error ? reject(error) : resolve(taken)))
  })

/**
 * The same pipe or terminal with a non-blocking descriptor of our own. Changing the given one would change it for every
 * process that shares it. Undefined if that fails: no Linux, no permission, no reader.
 */
function openAgain(fd: number): number | undefined {
  try {
    if (!fstatSync(fd).isFIFO() && !isatty(fd)) return undefined
    // A descriptor for reading must not become one for writing.
    writeSync(fd, new Uint8Array(0))
    return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY)
  } catch {
    return undefined
  }
}

/** Node does that when it makes a stream of a pipe or a socket (the journal). It makes a terminal blocking. */
function madeNonBlocking(fd: 1 | 2): boolean {
  try {
    const stat = fstatSync(fd)
    if (!stat.isFIFO() && !stat.isSocket()) return false
    const stream: NodeJS.WritableStream = fd === 1 ? process.stdout : process.stderr
    stream.on('error', () => undefined)
    return stream instanceof Socket
  } catch {
    return false
  }
}

/** Writes all bytes, even to a slow reader. Rejects with the error of the system, or with the reason of the signal. */
export const writeText = ({ write }: Output, text: string, stop: AbortSignal): Promise<void> =>
  writeAll(write, Buffer.from(text), async ms => {
    await sleep(ms, stop)
    stop.throwIfAborted()
  })
