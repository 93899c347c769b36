import { unlessAborted } from '../core/abort.ts'
import { describeError } from '../core/errors.ts'
import type { Asker, Fetching } from '../monitor/look.ts'

/** A caller, and what it accepts. */
export interface Asking extends Fetching {
  readonly signal: AbortSignal
}

interface Shared<T> {
  readonly began: number
  readonly result: Promise<T>
  readonly controller: AbortController
  /** The run of each check that got the result. */
  readonly givenTo: WeakMap<object, object>
  waiting: number
  settled: boolean
}

/**
 * Shares fetches, by key: callers get the fetch under way or a recent result, failures too. A fetch ends when its last
 * caller has left; a caller that leaves gets an error that begins with `about`. New callers do not join a fetch that
 * began more than `joinMs` ago: it may hang. Results, which may be secrets, are kept for `keepMs` after the beginning.
 */
export function sharing<T>(
  joinMs = 1_000,
  keepMs = 1_000,
): (key: string, about: string, asking: Asking, fetch: (signal: AbortSignal) => Promise<T>) => Promise<T> {
  const latest = new Map<string, Shared<T>>()

  const forget = (key: string, one: Shared<T>): void => {
    if (latest.get(key) === one) latest.delete(key)
  }

  function begin(key: string, fetch: (signal: AbortSignal) => Promise<T>): Shared<T> {
    const controller = new AbortController()
    const result = fetch(controller.signal)
    const one: Shared<T> = {
      began: performance.now(),
      result,
      controller,
      givenTo: new WeakMap(),
      waiting: 0,
      settled: false,
    }
    latest.set(key, one)
    const settle = (): void => {
      one.settled = true
      setTimeout(() => forget(key, one), Math.max(0, keepMs - age(one))).unref()
    }
    result.then(settle, settle)
    return one
  }

  function leave(key: string, one: Shared<T>, { reason }: AbortSignal): void {
    one.waiting--
    if (one.waiting > 0 || one.settled) return
    forget(key, one)
    one.controller.abort(reason)
  }

  return async (key, about, { signal, maxAgeMs = 0, by, note }, fetch) => {
    if (signal.aborted) throw left(about, signal)
    const before = latest.get(key)
    const isNew = before && age(before) < (before.settled ? Math.min(maxAgeMs, keepMs) : joinMs) && isFor(before, by)
    const one = isNew ? before : begin(key, fetch)
    if (by) one.givenTo.set(by.check, by.run)
    if (one === before) note?.(`shared with another that asked ${age(one).toFixed(1)} ms before`)
    one.waiting++
    try {
      return await unlessAborted(signal, one.result)
    } catch (error) {
      throw error === signal.reason ? left(about, signal) : error
    } finally {
      leave(key, one, signal)
    }
  }
}

/** Whether no earlier run of the check got this result. */
function isFor({ givenTo }: Shared<unknown>, by: Asker | undefined): boolean {
  const run = by && givenTo.get(by.check)
  return run === undefined || run === by?.run
}

const age = ({ began }: Shared<unknown>): number => performance.now() - began
const left = (about: string, signal: AbortSignal): Error => new Error(`${about}: ${describeError(signal.reason)}`)
