import { getEventListeners } from 'node:events'
import { expect, vi } from 'vitest'
import { finding, reasonsOf, type Check, type Finding, type Look, type Observation } from '../../src/core/probe.ts'
import { run } from '../../src/monitor/run.ts'
import type { References } from '../../src/monitor/look.ts'

/** A check that does this when it is run. */
export const checkOf = (look: (look: Look) => Promise<Finding>, fields: Partial<Check> = {}): Check => {
  const target = fields.target ?? 'it'
  return {
    probe: 'fake',
    target,
    config: { name: target },
    intervalMs: 15_000,
    timeoutMs: 5_000,
    needs: [],
    look: async given => ({ seen: {}, finding: await look(given) }),
    ...fields,
  }
}

export const fine: Finding = finding('all is well', [], [])

/** A probe that heeds nothing and never ends. */
export const never = (): Promise<never> => new Promise<never>(() => undefined)

/** Ends as an I/O call does that is given the signal. */
export const untilAborted = (signal: AbortSignal): Promise<never> =>
  new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error))
  })

export const references = (value: References['value']): References => ({
  value,
  settings: () => Promise.reject(new Error('the test has no settings')),
  apiServer: () => Promise.reject(new Error('the test has no API server')),
  login: () => Promise.resolve({ token: undefined, failure: { kind: 'unresolved', text: 'the test has no login' } }),
})
export const noReferences = references(() => Promise.reject(new Error('the test has no references')))

export const sleep = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))
export const reason = reasonsOf({ refused: { verdict: 'fail', severity: 'high', meaning: '', remedy: 'fix it' } })

/** Runs a check while the (fake) clock goes on. Whatever came of it, nothing of it is left over. */
export async function timed(
  check: Check,
  given: References = noReferences,
  stop = new AbortController().signal,
): Promise<{ observation: Observation | undefined; took: number | undefined }> {
  const from = Date.now()
  let took: number | undefined
  const running = run(check, given, stop).finally(() => (took = Date.now() - from))
  await vi.advanceTimersByTimeAsync(60_000)
  const observation = await running
  expect(vi.getTimerCount()).toBe(0)
  expect(getEventListeners(stop, 'abort')).toEqual([])
  return { observation, took }
}

/** The same for a look that finds nothing wrong, if it comes to its end. */
export async function observed(look: (look: Look) => Promise<unknown>, given?: References): Promise<Observation> {
  const check = checkOf(async one => {
    await look(one)
    return fine
  })
  const { observation } = await timed(check, given)
  if (!observation) throw new Error('the run was not recorded')
  return observation
}

export const codesOf = ({ reasons }: Observation) => reasons.map(({ code, verdict }) => [code, verdict])
