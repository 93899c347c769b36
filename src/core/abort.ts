/**
 * Returns the result of the work, or rejects with the reason of the signal as soon as it aborts (or `graceMs` later).
 * For work that cannot be cancelled. The listener is removed, and a late rejection of the work is ignored.
 */
export async function unlessAborted<T>(signal: AbortSignal, work: Promise<T>, graceMs = 0): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  let onAbort: (() => void) | undefined
  const aborted = new Promise<never>((_, reject) => {
    const fail = (): void => reject(signal.reason as Error)
    onAbort = () => {
      if (graceMs === 0) fail()
      else timer = setTimeout(fail, graceMs)
    }
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort)
  })
  try {
    return await Promise.race([work, aborted])
  } finally {
    clearTimeout(timer)
    if (onAbort) signal.removeEventListener('abort', onAbort)
    work.catch(() => undefined)
  }
}
