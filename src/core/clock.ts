/** Smaller changes of the wall clock are its ordinary discipline. */
const stepMs = 1_000

/**
 * Returns by how many milliseconds the wall clock was set forward (or back, then negative) since the last call; 0 if it
 * only ran. Compares it with the monotonic clock, which cannot be set, and which stops while Linux sleeps.
 */
export function clockSteps(): () => number {
  const difference = (): number => Date.now() - performance.now()
  let before = difference()
  return () => {
    const step = difference() - before
    before += step
    return Math.abs(step) < stepMs ? 0 : step
  }
}

/** Resolves after the time, or when `stop` aborts. */
export const sleep = (ms: number, stop: AbortSignal): Promise<void> =>
  new Promise(resolve => {
    const done = (): void => {
      clearTimeout(timer)
      stop.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    if (stop.aborted) done()
    else stop.addEventListener('abort', done)
  })
