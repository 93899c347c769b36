import fc, { type Parameters, type Plugin } from 'fast-check'

/** Fixed seed, bounded time: a run that is cut off by its time has still tried what came before. */
export const bounded = <T>(seconds: number, runs = 20_000): Parameters<T> => ({
  seed: 20_260_115,
  numRuns: runs,
  // Its type says `unknown`, and it hands on what it is given.
  plugins: [fc.interruptAfterTimeLimit(seconds * 1000) as Plugin<unknown> & Plugin<T>],
})

/**
 * Rejects where the work goes on long after its deadline: after a timer of this same event loop, which is as late as the
 * work's own where the machine is slow.
 */
export async function endsWith<T>(timeoutMs: number, work: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  // Time in which the process was held up is given back to a run once; then it may wind up.
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it went on after its ${timeoutMs} ms`)), 2 * timeoutMs + 1_000)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
