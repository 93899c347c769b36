import { writeAll, type Write } from './write-all.ts'

/** Lines of a log on their way out, in a bounded space. */
export interface LogLines {
  /** Takes a line, or drops it. Never throws, and waits for nothing. */
  readonly push: (line: string) => void
  /** How many lines were lost since the start. */
  readonly dropped: () => number
  /** Resolves when nothing is left to write, and after so many milliseconds at the latest. */
  readonly flush: (ms: number) => Promise<void>
}

/** What may wait for a slow reader: some 5,000 lines. */
const mostBytes = 1_048_576
/** How often it is tried to say what was lost, where no line comes that would bring it along. */
const againMs = 5_000

interface Entry {
  readonly bytes: Uint8Array
  /** How many lost lines it tells of; 0 of a line of the log. */
  readonly tells: number
}

/**
 * Writes lines in their order. One that the reader leaves no room for is lost, and so is one that cannot be written; as
 * soon as writing works again, `lostLine` says how many those were.
 */
export function createLogLines(write: Write, lostLine: (lost: number) => string): LogLines {
  const queue: Entry[] = []
  let bytesWaiting = 0
  let dropped = 0
  /** Lost, and not yet said. */
  let untold = 0
  /** A part of a line was written, and the rest of it was not. */
  let torn = false
  let isPumping = false
  let pumped: Promise<void> = Promise.resolve()
  let again: NodeJS.Timeout | undefined

  const lose = ({ tells }: Entry): void => {
    untold += tells || 1
    if (tells === 0) dropped++
  }

  const add = (line: string, tells: number): void => {
    const entry = { bytes: Buffer.from(line), tells }
    if (bytesWaiting + entry.bytes.length > mostBytes) {
      lose(entry)
      return
    }
    queue.push(entry)
    bytesWaiting += entry.bytes.length
    if (!isPumping) pumped = pump()
  }

  const tell = (): void => {
    clearTimeout(again)
    again = undefined
    const lost = untold
    untold = 0
    if (lost > 0) add(lostLine(lost), lost)
  }

  const noting: Write = async bytes => {
    const taken = await write(bytes)
    if (taken > 0) torn = taken < bytes.length
    return taken
  }

  /** Whether the line was written. What is left of a torn one must not run into it. */
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
      else if (queue.length === 0) tell()
    }
    isPumping = false
    if (untold > 0) again ??= setTimeout(tell, againMs).unref()
  }

  return {
    push(line) {
      tell()
      add(line, 0)
    },
    dropped: () => dropped,
    async flush(ms) {
      let timer: NodeJS.Timeout | undefined
      const late = new Promise<void>(resolve => (timer = setTimeout(resolve, ms)))
      await Promise.race([pumped, late])
      clearTimeout(timer)
    },
  }
}

const newline = Buffer.from('\n')

/** It keeps no process that has come to its end. */
const pause = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms).unref())
