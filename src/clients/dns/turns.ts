/** Lets only so many of the works run at a time, in the order in which they come. Rejects with the signal's reason. */
export function inTurns(most: number, signal: AbortSignal): <T>(work: () => Promise<T>) => Promise<T> {
  let running = 0
  const waiting: (() => void)[] = []
  return async work => {
    // A work that ends hands its place on.
    if (running >= most) await new Promise<void>(resolve => waiting.push(resolve))
    else running++
    try {
      signal.throwIfAborted()
      return await work()
    } finally {
      const next = waiting.shift()
      if (next) next()
      else running--
    }
  }
}
