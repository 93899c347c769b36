import { sleep } from './clock.ts'
import { writeAll, type Write } from './write-all.ts'

/** Log lines on their way out, in a bounded buffer. */
interface LogLines {
  /** Takes a line, or drops it. Never throws, and never waits. */
  readonly push: (line: string) => void
  /** How many lines were lost since the start. */
  readonly dropped: () => number
  /** Resolves when nothing is left to write, or after this many milliseconds. */
  readonly flush: (ms: number) => Promise<void>
}

/** Bytes that may wait for a slow reader: some 5,000 lines. */
const mostBytes = 1_048_576
/** How often it tries to report lost lines while no new line comes, in milliseconds. */
const againMs = 5_000

interface Entry {
  readonly bytes: Uint8Array
  /** How many lost lines it reports; 0 for a line of the log. */
  readonly reports: number
}

/**
 * Writes lines in their order. A line is lost if the reader leaves no room for it, or if it cannot be written. As soon
 * as writing works again, `lostLine` says how many were lost.
 */
export function createLogLines(write: Write, lostLine: (lost: number) => string): LogLines {
  const queue: Entry[] = []
  let bytesWaiting = 0
  let dropped = 0
  /** Lost, and not reported yet. */
  let unreported = 0
  /** Only the first part of a line was written. */
  let torn = false
  let isPumping = false
  let pumped: Promise<void> = Promise.resolve()
  let again: NodeJS.Timeout | undefined

  const lose = ({ reports }: Entry): void => {
    unreported += reports || 1
    if (reports === 0) dropped++
  }

  const add = (line: string, reports: number): void => {
    const entry = { bytes: Buffer.from(line), reports }
    if (bytesWaiting + entry.bytes.length > mostBytes) {
      lose(entry)
      return
    }
    queue.push(entry)
    bytesWaiting += entry.bytes.length
    if (!isPumping) pumped = pump()
  }

  const report = (): void => {
    clearTimeout(again)
    again = undefined
    const lost = unreported
    unreported = 0
    if (lost > 0) add(lostLine(lost), lost)
  }

  const noting: Write = async bytes => {
    const taken = await write(bytes)
    if (taken > 0) torn = taken < bytes.length
    return taken
  }

  /** Whether the line was written. It must not run into what is left of a torn one. */
  const writeOne = ({ bytes }: Entry): Promise<boolean> =>
    writeAll(noting, torn ? Buffer.concat([newline, bytes]) : bytes, pause).then(
      () => true,
      () => false,
    )

  const pump = async (): Promise<void> => {
    isPumping = true
    for (let entry = queue[0]; entry; entry = queue[0]) {
      const isWritten = await writeOne(entry)
      queue.shift()
      bytesWaiting -= entry.bytes.length
      if (!isWritten) lose(entry)
      else if (queue.length === 0) report()
    }
    isPumping = false
    if (unreported > 0) again ??= setTimeout(report, againMs).unref()
  }

  return {
    push(line) {
      report()
      add(line, 0)
    },
    dropped: () => dropped,
    async flush(ms) {
      const done = new AbortController()
      await Promise.race([pumped, sleep(ms, done.signal)])
      done.abort()
    },
  }
}

const newline = Buffer.from('\n')

/** Does not keep the process alive. */
const pause = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms).unref())
