import fc, { type Parameters, type Plugin } from 'fast-check'
import { waitFor } from '../servers/processes.ts'

/**
 * A longer run, with other inputs each time: `FUZZ_RUNS=100000 npx vitest run test/fuzz/http1.test.ts`. What fails names
 * its seed; `FUZZ_SEED` runs it again, `FUZZ_SECONDS` bounds the time of each test (300 if not given).
 */
const { FUZZ_RUNS, FUZZ_SEED, FUZZ_SECONDS } = process.env
const longRun = FUZZ_RUNS === undefined ? undefined : { runs: Number(FUZZ_RUNS), seconds: Number(FUZZ_SECONDS ?? 300) }

// Once, so that a test that is tried again gets what it failed with.
const seed = FUZZ_SEED === undefined ? (longRun ? Date.now() % 2 ** 31 : 20_260_115) : Number(FUZZ_SEED)

/** Milliseconds that a test of a fuzzer may take in all. Only for what hangs: `bounded` ends it long before. */
export const patienceMs = longRun ? 1000 * longRun.seconds + 120_000 : 120_000

/**
 * Fixed seed, bounded time: a run that is cut off by its time has still tried what came before. `runs` bounds the work as
 * well, so that a machine that is busy tries as much as another.
 */
export const bounded = <T>(seconds: number, runs = 20_000): Parameters<T> => ({
  seed,
  numRuns: longRun?.runs ?? runs,
  // Its type says `unknown`, and it hands on what it is given.
  plugins: [fc.interruptAfterTimeLimit((longRun?.seconds ?? seconds) * 1000) as Plugin<unknown> & Plugin<T>],
})

/** Some inputs, for what has to come to pass at least once and did not, since all were cut off by their time. */
export const sampled = <T>(arbitrary: fc.Arbitrary<T>): T[] => fc.sample(arbitrary, { seed, numRuns: 200 })
/** Milliseconds that one of these is given. */
export const patientMs = 5_000

/**
 * As `fc.assert`, over an `asyncProperty`: and waits for the run that is under way when the time is over, which fast-check
 * leaves behind.
 */
export async function assertAsync<T>(
  arbitrary: fc.Arbitrary<T>,
  property: (value: T) => Promise<void>,
  limits: Parameters<[T]>,
): Promise<void> {
  let underWay = Promise.resolve()
  const noted = fc.asyncProperty(arbitrary, value => (underWay = property(value)))
  await fc.assert(noted, limits)
  await underWay
}

/** Its deadline, the time that is given back, and that to wind up; and one more. */
const timersOfARun = 4

/**
 * Rejects where the work goes on long after its deadline: after a timer of this same event loop, which is as late as the
 * work's own where the machine is slow.
 */
export async function endsWith<T>(timeoutMs: number, work: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  // Time in which the process was held up is given back to a run once; then it may wind up.
  const limitMs = 2 * timeoutMs + 1_000
  const late = new Promise<never>((_, reject) => {
    // The work waits for one timer after the other, each as late as the machine is slow: so does this.
    const wait = (left: number): void => {
      const next = (): void => (left > 1 ? wait(left - 1) : reject(new Error(`it went on after its ${timeoutMs} ms`)))
      timer = setTimeout(next, limitMs / timersOfARun)
    }
    wait(timersOfARun)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

/**
 * Milliseconds of CPU that this process has taken since. A bound of it is one of work: time on a clock passes for others,
 * too.
 */
export function working(): () => number {
  const from = process.cpuUsage()
  return () => {
    const { user, system } = process.cpuUsage(from)
    return (user + system) / 1000
  }
}

/** Waits until it serves again: on a machine that is busy the time of one request may be over before it is read. */
export async function stillServes(ask: () => Promise<{ readonly status: number | undefined }>): Promise<void> {
  let last = ''
  const serves = async (): Promise<boolean> => {
    try {
      const { status } = await ask()
      last = `HTTP ${status ?? 'without a status'}`
      return status === 200
    } catch (error) {
      last = String(error)
      return false
    }
  }
  await waitFor(serves, { timeoutMs: 10_000, everyMs: 10, what: 'it serves' }).catch((error: unknown) => {
    throw new Error(`${String(error)}; the last time: ${last}`)
  })
}
