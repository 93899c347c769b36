import { Worker, parentPort, workerData } from 'node:worker_threads'
import { unlessAborted } from './abort.ts'
import { ConfigError, codeOf, describeError } from './errors.ts'

/** A function of texts whose result can be copied to another thread. It is found there by its name. */
interface Task<Args extends readonly string[], Result> {
  readonly name: string
  readonly run: (...args: Args) => Result
}

/** Runs the task. Rejects with its error, or with the reason of the signal. */
export type Aside = <Args extends readonly string[], Result>(
  task: Task<Args, Result>,
  args: Args,
  signal: AbortSignal,
) => Promise<Result>

/** Runs the task at once in this thread: for a process that has nothing else to do. */
export const inPlace: Aside = ({ run }, args) => Promise.resolve().then(() => run(...args))

/** A text of this many characters takes some 50 ms, as long as the start of a thread. */
const smallChars = 32_768
/**
 * Limits of the heap of a thread, in MiB. 5,000 targets need less than 64 of `old`, and 6,400, the most a file can
 * hold, less than 80. A thread takes 107 MiB at most in all, for which a container of 256 MiB has room.
 */
const heapMiB = { old: 80, young: 8 }
const longestMs = 60_000

/**
 * Runs tasks with large texts in a thread of their own, so that checks and requests go on. The thread ends with the
 * task, the signal, a minute, or too much memory. `entry` is a program that calls `answerAside` where it is not the
 * main thread.
 */
export function inThread(entry: string): Aside {
  return async <Args extends readonly string[], Result>(
    task: Task<Args, Result>,
    args: Args,
    signal: AbortSignal,
  ): Promise<Result> => {
    signal.throwIfAborted()
    if (args.reduce((sum, { length }) => sum + length, 0) <= smallChars) return inPlace(task, args, signal)
    const worker = new Worker(entry, {
      workerData: { task: task.name, args } satisfies Order,
      env: {},
      resourceLimits: { maxOldGenerationSizeMb: heapMiB.old, maxYoungGenerationSizeMb: heapMiB.young },
    })
    let timer: ReturnType<typeof setTimeout> | undefined
    try {
      const work = new Promise<Answer>((resolve, reject) => {
        worker.on('message', resolve)
        worker.on('error', (error: unknown) => reject(new Error(`cannot be taken in: ${whyNot(error)}`)))
        worker.on('exit', () => reject(new Error('cannot be taken in: the thread that reads it has ended')))
        timer = setTimeout(() => reject(new Error('takes too long to be taken in')), longestMs)
      })
      const answer = await unlessAborted(signal, work)
      if ('result' in answer) return answer.result as Result
      throw answer.isConfig ? new ConfigError(answer.error) : new Error(answer.error)
    } finally {
      clearTimeout(timer)
      void worker.terminate()
    }
  }
}

const whyNot = (error: unknown): string =>
  codeOf(error) === 'ERR_WORKER_OUT_OF_MEMORY'
    ? `it takes more than ${heapMiB.old} MiB of memory, as no configuration does`
    : describeError(error)

interface Order {
  readonly task: string
  readonly args: readonly string[]
}
type Answer = { readonly result: unknown } | { readonly error: string; readonly isConfig: boolean }

/** What a thread of `inThread` does. */
export function answerAside(tasks: readonly Task<never, unknown>[]): void {
  const { task: name, args } = workerData as Order
  const task = tasks.find(one => one.name === name)
  const answer = (): Answer => {
    try {
      if (!task) throw new Error(`there is no task ${name}`)
      return { result: task.run(...(args as never)) }
    } catch (error) {
      const isConfig = error instanceof ConfigError
      return { error: isConfig ? error.message : describeError(error), isConfig }
    }
  }
  parentPort?.postMessage(answer())
}
