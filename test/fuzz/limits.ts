import fc, { type Parameters, type Plugin } from 'fast-check'

/** Fixed seed, bounded time: a run that is cut off by its time has still tried what came before. */
export const bounded = <T>(seconds: number, runs = 20_000): Parameters<T> => ({
  seed: 20_260_115,
  numRuns: runs,
  // Its type says `unknown`, and it hands on what it is given.
  plugins: [fc.interruptAfterTimeLimit(seconds * 1000) as Plugin<unknown> & Plugin<T>],
})
