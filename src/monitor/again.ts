import type { Ran } from './run.ts'

/** The runs of a check that may come before its interval is over: see `againInMs` of a probe. */
export interface Again {
  /** After each run: forgets what the run before asked for. Calls `run` when this one asks for it, once. */
  after(ran: Pick<Ran, 'againInMs'>, run: () => unknown): void
  /** A regular run begins. */
  inTurn(): void
}

/** No run out of turn begins sooner after the run that asks for it, in milliseconds. */
export const leastAgainMs = 1_000
/** At most this many runs out of turn come between two regular runs, whatever is asked for. */
export const mostAgain = 4

/** Nothing comes after `stop`. */
export function createAgain(stop: AbortSignal): Again {
  let timer: ReturnType<typeof setTimeout> | undefined
  let left = mostAgain
  const cancel = (): void => clearTimeout(timer)
  stop.addEventListener('abort', cancel, { once: true })
  return {
    after({ againInMs }, run) {
      cancel()
      if (againInMs === undefined || left === 0 || stop.aborted) return
      timer = setTimeout(
        () => {
          left -= 1
          run()
        },
        Math.max(leastAgainMs, againInMs),
      )
      timer.unref()
    },
    inTurn: () => (left = mostAgain),
  }
}
