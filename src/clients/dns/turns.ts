/** Lets only so many of the works run at a time, in the order in which they come. Rejects with the signal's reason. */
export function inTurns(most: number, signal: AbortSignal): <T>(work: () => Promise<T>) => Promise<T> {
  let running = 0
  const waiting: (() => void)[] = []
  const next = (): void => waiting.shift()?.()
  signal.addEventListener('abort', () => waiting.splice(0).forEach(go => go()), { once: true })
  return async work => {
    signal.throwIfAborted()
    if (running >= most) await new Promise<void>(resolve => waiting.push(resolve))
    signal.throwIfAborted()
    running++
    try {
      return await work()
    } finally {
      running--
      next()
    }
  }
}
