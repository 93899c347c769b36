import { setMaxListeners } from 'node:events'
import { DeadlineExceeded } from './errors.ts'

/** A timer that is this late, in milliseconds, shows that the event loop was blocked or the process stopped. */
const heldUpMs = 200

interface Deadline {
  readonly signal: AbortSignal
  clear(): void
  /** The time does not count any more; the signal still aborts when `stop` does, until `clear`. */
  lift(): void
  /** How long the exporter was held up so far. */
  heldUpMs(): number
}

/** How often it is measured whether the exporter is held up, in milliseconds. */
const pulseMs = 250

/**
 * A signal that aborts when the time is up or when `stop` does. AbortSignal.any() and AbortSignal.timeout() leak on
 * Node 20 while listeners are attached, so this does without them. Time in which the exporter itself was held up is
 * given back once: no target is blamed for it.
 */
export function deadline(ms: number, stop: AbortSignal): Deadline {
  const controller = new AbortController()
  // One check may fetch many references at the same time.
  setMaxListeners(0, controller.signal)
  let timer: ReturnType<typeof setTimeout>
  const arm = (afterMs: number, onTime: (lateMs: number) => void): void => {
    const due = performance.now() + afterMs
    timer = setTimeout(() => onTime(performance.now() - due), afterMs)
  }
  const abort = (): void => controller.abort(new DeadlineExceeded(ms))
  // Timers come before what sockets hold: the answer may be there already, and it was the exporter that was held up.
  arm(ms, lateMs => (lateMs > heldUpMs ? arm(Math.min(lateMs, ms), abort) : abort()))
  const onStop = (): void => controller.abort(stop.reason)
  if (stop.aborted) onStop()
  else stop.addEventListener('abort', onStop)
  let beat = performance.now()
  let heldUp = 0
  const lateMs = (now: number): number => (now - beat > pulseMs + heldUpMs ? now - beat - pulseMs : 0)
  const pulse = setInterval(() => {
    const now = performance.now()
    heldUp += lateMs(now)
    beat = now
  }, pulseMs)
  return {
    signal: controller.signal,
    heldUpMs: () => heldUp + lateMs(performance.now()),
    lift: () => clearTimeout(timer),
    clear() {
      clearTimeout(timer)
      clearInterval(pulse)
      stop.removeEventListener('abort', onStop)
    },
  }
}
