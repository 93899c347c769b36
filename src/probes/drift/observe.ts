import { Unresolved, describeError } from '../../core/errors.ts'
import { fingerprint } from '../../core/fingerprint.ts'
import type { Look } from '../../core/probe.ts'
import type { Reference } from '../../core/reference.ts'
import { ledBy } from './host.ts'
import { leadsTo, sameLed, takeLed, type Place, type TakenLed } from './route.ts'
import type { DriftTarget } from './target.ts'

/** What one look saw. It has no value, no hash of one, and no length. */
export interface DriftSeen {
  readonly sources: readonly SourceSeen[]
  /** Every pair of sources. */
  readonly pairs: readonly PairSeen[]
}

export interface SourceSeen {
  readonly label: string
  /** Why it could not be read; undefined if it was. */
  readonly unreadable?: string | undefined
  /** Whether the host is at one of these places, by address or name; undefined if unknown. */
  readonly isAt?: ((places: readonly Place[]) => boolean | undefined) | undefined
}

export interface PairSeen {
  readonly a: string
  readonly b: string
  /** Undefined if one of them is unknown. */
  readonly agrees: boolean | undefined
  /** They differ only in white space around the value. */
  readonly onlySpace: boolean
  /** Why it is unknown whether they agree, if the reason is not just a name that did not resolve. */
  readonly why?: string | undefined
}

/** A source with the fingerprints of its value, which stays where it was read. */
interface Taken extends SourceSeen {
  readonly value?: string | undefined
  readonly trimmed?: string | undefined
  /** For a host or a URL. */
  readonly led?: TakenLed | undefined
}

/** Reads every source. If one cannot be read, the others are compared all the same. */
export async function observe({ sources, compare }: DriftTarget, look: Look): Promise<DriftSeen> {
  const take = compare === 'host' ? takeHost : takeValue
  const taken = await Promise.all(Object.entries(sources).map(entry => read(entry, look, take)))
  const pairs = taken.flatMap((a, i) => taken.slice(i + 1).map(b => compared(a, b)))
  return { sources: taken.map(({ label, unreadable, isAt }) => ({ label, unreadable, isAt })), pairs }
}

type Fingerprints = Omit<Taken, 'label'>

async function read(
  [label, reference]: [string, Reference],
  look: Look,
  take: (value: string, look: Look) => Promise<Fingerprints> | Fingerprints,
): Promise<Taken> {
  try {
    return { label, ...(await take(await look.secret(label, reference), look)) }
  } catch (error) {
    if (!(error instanceof Unresolved)) throw error
    return { label, unreadable: describeError(error) }
  }
}

const takeValue = (value: string): Fingerprints => ({ value: fingerprint(value), trimmed: fingerprint(value.trim()) })

async function takeHost(value: string, look: Look): Promise<Fingerprints> {
  const found = ledBy(value)
  if (typeof found === 'string') return { unreadable: found }
  for (const password of found.passwords) look.conceal(password)
  const led = await takeLed(found, look)
  return { value: fingerprint(value), led, isAt: places => leadsTo(led, places) }
}

function compared(a: Taken, b: Taken): PairSeen {
  const onlySpace = a.value !== b.value && a.trimmed !== undefined && a.trimmed === b.trimmed
  return { a: a.label, b: b.label, onlySpace, ...agree(a, b) }
}

function agree(a: Taken, b: Taken): Pick<PairSeen, 'agrees' | 'why'> {
  if (a.value === undefined || b.value === undefined) return { agrees: undefined }
  if (a.value === b.value) return { agrees: true }
  return a.led && b.led ? sameLed(a.led, b.led) : { agrees: false }
}
