import { setMaxListeners } from 'node:events'
import { DeadlineExceeded } from '../core/errors.ts'
import type { Check, Look, Looked, Observation, Watch } from '../core/probe.ts'
import { startLook, type References } from './run.ts'

/** Keeps the watch of a check open, by what its runs find. */
export interface Keeper {
  /** The check's look: after a login of its own, or asked of the watch where that is trusted. */
  look(look: Look): Promise<Looked>
  /** After each run: opens a watch where the target let us in, and closes it where it did not. */
  after(observation: Observation): void
  /** Whether the target had no room for that run, but may have it now that the watch is closed: the run is no evidence. */
  gaveWay(observation: Observation): Promise<boolean>
  /** Settles when nothing is open any more, after `stop`. */
  ended(): Promise<void>
}

/** A timer may fire so much too early. */
const earlyMs = 50

/** After ends that told nothing a watch is opened at most this rarely, in intervals. */
export const rarest = 64

/**
 * A watch is not opened more often than its check runs by itself. `lost` is called when the target has ended it, and
 * finds out whether that told something. If not (the server ends idle sessions, or a proxy does), each end doubles the
 * time until the next watch, up to 64 intervals; a watch that lasted for so long, or an end that told something, sets
 * it back. Nothing is reported of a watch that cannot be opened: that is for the run to find out.
 */
export function keepWatch(
  check: Check,
  references: () => References,
  stop: AbortSignal,
  lost: () => Promise<boolean>,
): Keeper {
  const { watch: spec, intervalMs, timeoutMs } = check
  const rarestMs = rarest * intervalMs
  let holdOffMs = intervalMs
  let openedAt = -Infinity
  let current: { readonly life: AbortController; readonly done: Promise<void> } | undefined
  let watching: Watch<Looked> | undefined
  /** When the target last let us in. */
  let loggedInAt = -Infinity

  const open = async (life: AbortController): Promise<Watch<Looked> | undefined> => {
    const timer = setTimeout(() => life.abort(new DeadlineExceeded(timeoutMs)), timeoutMs)
    try {
      return await spec?.open(startLook(check, references(), life.signal).look)
    } catch {
      return undefined
    } finally {
      clearTimeout(timer)
    }
  }

  const tend = async (life: AbortController): Promise<void> => {
    openedAt = performance.now()
    const watch = await open(life)
    if (!watch) return
    loggedInAt = openedAt
    watching = watch
    const close = (): void => void watch.close()
    life.signal.addEventListener('abort', close)
    if (life.signal.aborted) close()
    await watch.ended
    watching = undefined
    if (life.signal.aborted) return
    const lasted = performance.now() - openedAt
    const news = await lost()
    holdOffMs = news || lasted >= rarestMs ? intervalMs : Math.min(2 * holdOffMs, rarestMs)
  }

  const start = (): void => {
    const life = new AbortController()
    setMaxListeners(0, life.signal)
    const onStop = (): void => life.abort(stop.reason)
    stop.addEventListener('abort', onStop)
    const done = tend(life).finally(() => {
      stop.removeEventListener('abort', onStop)
      current = undefined
    })
    current = { life, done }
  }

  return {
    async look(look) {
      const isTrusted = performance.now() - loggedInAt < (spec?.trustedMs ?? 0) - earlyMs
      const told = isTrusted ? await watching?.ask?.(look) : undefined
      if (told) return told
      const beganAt = performance.now()
      const looked = await check.look(look)
      if (spec?.stance(looked.seen) === 'open') loggedInAt = beganAt
      return looked
    },
    after({ seen }) {
      if (!spec || seen === undefined || stop.aborted) return
      const stance = spec.stance(seen)
      if (stance === 'no_room') holdOffMs = rarestMs
      if (stance === 'closed' || stance === 'no_room')
        current?.life.abort(new Error('the target did not let the last run in'))
      else if (stance === 'open' && !current && performance.now() >= openedAt + holdOffMs) start()
    },
    async gaveWay({ seen }) {
      if (!spec || !current || !watching || seen === undefined || spec.stance(seen) !== 'in_the_way') return false
      holdOffMs = rarestMs
      current.life.abort(new Error('there was no room for a run beside it'))
      await current.done
      return true
    },
    ended: async () => current?.done,
  }
}
