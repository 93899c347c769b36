import { Unresolved, describeError } from '../../core/errors.ts'
import type { Look } from '../../core/probe.ts'
import type { Reference, Settings } from '../../core/reference.ts'
import { sourceOf } from '../../core/source.ts'
import { expectationOf, isSecret, type Expectation } from './expectation.ts'
import type { SettingsTarget } from './target.ts'

/** `verified`: compared with what is expected, and the same. `present`: only presence was asked for. */
export type SettingState = 'verified' | 'present' | 'absent' | 'different' | 'unreadable'

/** A row of the table of settings. The actual value is never in it. */
export interface SettingSeen {
  readonly name: string
  readonly state: SettingState
  /** Where the value comes from, as text; `default` where the application's own applies. */
  readonly source: string
  /** Undefined where only presence was asked for. */
  readonly expected: string | undefined
  readonly optional: boolean
  /** More about a value that is different or could not be read. */
  readonly why: string | undefined
}

export interface SettingsSeen {
  readonly settings: readonly SettingSeen[]
}

/** Reads the application's settings. What cannot be read does not hide the rest. */
export async function observe(target: SettingsTarget, look: Look): Promise<SettingsSeen> {
  const source = sourceOf(target.from)
  const all = fetched(source, look, () => look.settings('from', target.from))
  const rows = Object.entries(target.expect).map(async ([name, given]): Promise<SettingSeen> => {
    const expectation = expectationOf(given)
    const secret = isSecret(name, given)
    const value = expectation.from ? await fetchOne(expectation.from, look) : pick(await all, name)
    if (secret && value.got !== undefined) look.conceal(value.got)
    return {
      name,
      source: expectation.from ? sourceOf(expectation.from) : source,
      expected: secret ? undefined : expectation.equals,
      optional: expectation.optional ?? false,
      why: undefined,
      ...compare(value, expectation),
    }
  })
  const [settings] = await Promise.all([Promise.all(rows), all])
  return { settings }
}

/** What came of a fetch: a value, or why there is none; neither where the value is absent. */
interface Fetched<T> {
  readonly got?: T | undefined
  readonly why?: string
}

async function fetched<T>(source: string, look: Look, fetch: () => Promise<T>): Promise<Fetched<T>> {
  try {
    return { got: await fetch() }
  } catch (error) {
    if (!(error instanceof Unresolved)) throw error
    // The source stands beside it.
    const why = describeError(error).replace(`from: ${source}: `, '')
    look.failed(error, why)
    return { why }
  }
}

// The default is what a readable source without such a key gives: '' tells "absent" from "could not be read".
const fetchOne = (from: Reference, look: Look): Promise<Fetched<string>> =>
  fetched(sourceOf(from), look, () => look.secret('from', { ...from, default: from.default ?? '' }))

function pick({ got, why }: Fetched<Settings>, name: string): Fetched<string> {
  if (why !== undefined) return { why }
  const value = got && Object.hasOwn(got, name) ? got[name] : undefined
  return typeof value === 'object' ? value : { got: value }
}

type Outcome = Pick<SettingSeen, 'state'> & Partial<Pick<SettingSeen, 'why' | 'source'>>

function compare({ got = '', why }: Fetched<string>, { equals, default: fallback }: Expectation): Outcome {
  if (why !== undefined) return { state: 'unreadable', why }
  const isSet = got.trim() !== ''
  const value = isSet ? got : fallback
  if (value === undefined) return { state: 'absent' }
  const from = isSet ? {} : { source: 'default' }
  if (equals === undefined) return { ...from, state: 'present' }
  if (value === equals) return { ...from, state: 'verified' }
  const onlySpace = value.trim() === equals.trim()
  return { ...from, state: 'different', why: onlySpace ? 'differs only in white space around it' : undefined }
}
