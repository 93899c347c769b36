import { randomBytes } from 'node:crypto'
import { fingerprint } from '../core/fingerprint.ts'
import { checkId, type Check } from '../core/probe.ts'

/** What each check is about, by its id, as a fingerprint under a key of the file's own. */
export interface Definitions {
  readonly key: string
  readonly checks: ReadonlyMap<string, string>
}

/** A key for a file. */
export const newKey = (): string => randomBytes(16).toString('base64')

type Defined = Pick<Check, 'probe' | 'target' | 'config' | 'needs'>

/** The definitions of these checks. */
export const definitionsOf = (checks: readonly Defined[], key: string): Definitions => ({
  key,
  checks: new Map(checks.map(check => [checkId(check), fingerprint(meaningOf(check), key)])),
})

/** Whether a check is the one that was defined then. Without its definition that is not known. */
export function sameAs(before: Definitions | undefined, checks: readonly Defined[]): (id: string) => boolean {
  if (!before) return () => false
  const now = definitionsOf(checks, before.key).checks
  return id => now.has(id) && now.get(id) === before.checks.get(id)
}

/** How often it looks is no part of what a check is about. */
const notMeant: readonly string[] = ['interval', 'timeout', 'watch']
/** The one place of the file in which a value stands that may be a secret: whoever has the key could try guesses at it. */
const maybeSecret = 'default'

const meaningOf = ({ config, needs }: Defined): unknown => [
  Object.fromEntries(
    Object.entries(config)
      .filter(([name]) => !notMeant.includes(name))
      .map(([name, value]) => [name, plain(value)]),
  ),
  needs,
]

/** As JSON would have it, in one order of keys, without what may be a secret. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain)
  if (value instanceof RegExp) return String(value)
  if (value instanceof Map || value instanceof Set) return [...value].map(plain)
  if (typeof value !== 'object' || value === null) return value
  return Object.entries(value)
    .filter(([name, one]) => name !== maybeSecret && one !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, one]) => [name, plain(one)])
}
