import { setMaxListeners } from 'node:events'
import { DeadlineExceeded } from '../core/errors.ts'
import type { Check, Look, Looked, Observation, Watch } from '../core/probe.ts'
import { startLook, type References } from './look.ts'

/** Holds the watch of a check: opens and closes it, by what the runs of the check find. */
export interface Keeper {
  /** The look of the check: it asks the watch where that is trusted, and logs in otherwise. */
  readonly look: (look: Look) => Promise<Looked>
  /**
   * To be called after each run. Opens a watch where the target let us in, and closes it where it did not. Resolves when a
   * watch that it opened has ended: true where the target ended it. Then `endWas` must be called.
   */
  after(observation: Observation): Promise<boolean>
  /** Says whether the end of the watch was news. From then on another can be opened. */
  endWas(news: boolean): void
  /** Whether the target had no room for that run, and may have it now that the watch is closed: the run is no evidence. */
  gaveWay(observation: Observation): Promise<boolean>
  /** Settles when nothing is open any more, after `stop`. */
  ended(): Promise<void>
}

/** A timer may fire this much too early. */
const earlyMs = 50

/** After ends that were no news, a watch is opened at least once in this many intervals. */
export const rarest = 64

/**
 * A watch is opened at most as often as its check runs by itself. Where its end was no news (the server ends idle sessions,
 * or a proxy does), the time until the next one doubles, up to 64 intervals. A watch that lasted for that long, or an end
 * that was news, sets it back. A watch that cannot be opened is not reported: the next run finds out why.
 */
export function createKeeper(check: Check, references: () => References, stop: AbortSignal): Keeper {
  const { watch: spec, intervalMs, timeoutMs } = check
  const rarestMs = rarest * intervalMs
  let holdOffMs = intervalMs
  let openedAt = -Infinity
  let lastedMs = 0
  /** Set until the watch has ended and, if the target ended it, until `endWas`. */
  let current: { readonly life: AbortController; readonly lost: Promise<boolean> } | undefined
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

  /** From its opening to its end: whether the target ended it. */
  const hold = async (life: AbortController): Promise<boolean> => {
    openedAt = performance.now()
    const watch = await open(life)
    if (!watch) return false
    loggedInAt = openedAt
    watching = watch
    const close = (): void => void watch.close()
    life.signal.addEventListener('abort', close)
    if (life.signal.aborted) close()
    await watch.ended
    watching = undefined
    lastedMs = performance.now() - openedAt
    return !life.signal.aborted
  }

  const start = async (): Promise<boolean> => {
    const life = new AbortController()
    setMaxListeners(0, life.signal)
    const onStop = (): void => life.abort(stop.reason)
    stop.addEventListener('abort', onStop)
    current = { life, lost: hold(life) }
    const lost = await current.lost
    stop.removeEventListener('abort', onStop)
    if (!lost) current = undefined
    return lost
  }

  return {
    async look(look) {
      const isTrusted = performance.now() - loggedInAt < (spec?.trustedMs ?? 0) - earlyMs
      const answer = isTrusted ? await watching?.ask?.(look) : undefined
      if (answer) return answer
      const beganAt = performance.now()
      const looked = await check.look(look)
      if (spec?.stance(looked.seen) === 'open') loggedInAt = beganAt
      return looked
    },
    async after({ seen }) {
      if (!spec || seen === undefined || stop.aborted) return false
      const stance = spec.stance(seen)
      if (stance === 'no_room') holdOffMs = rarestMs
      if (stance === 'closed' || stance === 'no_room')
        current?.life.abort(new Error('the target did not let the last run in'))
      const mayOpen = stance === 'open' && !current && performance.now() >= openedAt + holdOffMs
      return mayOpen && start()
    },
    endWas(news) {
      holdOffMs = news || lastedMs >= rarestMs ? intervalMs : Math.min(2 * holdOffMs, rarestMs)
      current = undefined
    },
    async gaveWay({ seen }) {
      if (!spec || !current || !watching || seen === undefined || spec.stance(seen) !== 'in_the_way') return false
      const { life, lost } = current
      holdOffMs = rarestMs
      life.abort(new Error('there was no room for a run beside it'))
      await lost
      return true
    },
    async ended() {
      await current?.lost
    },
  }
}
