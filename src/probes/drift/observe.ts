import { createHmac, randomBytes } from 'node:crypto'
import { isIPv4, isIPv6 } from 'node:net'
import { Unresolved, describeError } from '../../core/errors.ts'
import type { Look, Reference, Target } from '../../core/probe.ts'
import { looksLike } from '../../core/looks-like.ts'
import { doubtIn } from '../../core/url-doubt.ts'
import { addressesOf, hostIn, plain, type HostAndPort } from './host.ts'

export interface DriftTarget extends Target {
  /** By label. */
  readonly sources: Readonly<Record<string, Reference>>
  readonly compare: 'value' | 'host'
  /** The cluster whose primary the hosts should lead to. */
  readonly cluster?: string | undefined
}

/** What one look brought back. No value is in it, no hash of one, and no length. */
export interface DriftSeen {
  readonly sources: readonly SourceSeen[]
  /** Every two of them. */
  readonly pairs: readonly PairSeen[]
}

export interface SourceSeen {
  readonly label: string
  /** Why it could not be read; undefined where it could. */
  readonly unreadable: string | undefined
  /** Whether the host is at one of these places, by address or name; undefined where that is not known. */
  readonly isAt: ((places: readonly Place[]) => boolean | undefined) | undefined
}

export interface Place {
  readonly host: string
  readonly port: number
}

export interface PairSeen {
  readonly a: string
  readonly b: string
  /** Undefined where one of them is not known. */
  readonly agrees: boolean | undefined
  /** They differ in white space around the value, and in nothing else. */
  readonly onlySpace: boolean
}

/** A source with the fingerprints of its value, which stays where it was read. */
interface Taken extends SourceSeen {
  readonly value: string | undefined
  readonly trimmed: string | undefined
  /** Of all addresses of a host together, by family; undefined where they are not known, and of what is no host. */
  readonly addresses: Readonly<Record<4 | 6, string | undefined>> | undefined
}

/** Of this process alone: fingerprints made with it can be compared here, and are worth nothing anywhere else. */
const key = randomBytes(32)
const fingerprint = (text: string): string => createHmac('sha256', key).update(text).digest('base64')

/** Reads every source. One that cannot be read does not hide how the others compare. */
export async function observe({ sources, compare }: DriftTarget, look: Look): Promise<DriftSeen> {
  const take = compare === 'host' ? takeHost : takeValue
  const taken = await Promise.all(Object.entries(sources).map(entry => read(entry, look, take)))
  const pairs = taken.flatMap((a, i) => taken.slice(i + 1).map(b => compared(a, b)))
  return { sources: taken.map(({ label, unreadable, isAt }) => ({ label, unreadable, isAt })), pairs }
}

type Fingerprints = Omit<Taken, 'label'>
const nothing: Fingerprints = {
  unreadable: undefined,
  isAt: undefined,
  value: undefined,
  trimmed: undefined,
  addresses: undefined,
}

async function read(
  [label, reference]: [string, Reference],
  look: Look,
  take: (value: string, look: Look) => Promise<Fingerprints> | Fingerprints,
): Promise<Taken> {
  try {
    return { label, ...(await take(await look.secret(label, reference), look)) }
  } catch (error) {
    if (!(error instanceof Unresolved)) throw error
    return { ...nothing, label, unreadable: describeError(error) }
  }
}

const takeValue = (value: string): Fingerprints => ({
  ...nothing,
  value: fingerprint(value),
  trimmed: fingerprint(value.trim()),
})

function notAHost(value: string): string {
  const like = looksLike(value)
  return `is neither a host nor a URL with one${like === undefined ? '' : `; ${like}`}`
}

async function takeHost(value: string, look: Look): Promise<Fingerprints> {
  const doubt = doubtIn(value)
  if (doubt !== undefined) return { ...nothing, unreadable: doubt }
  const found = hostIn(value)
  if (!found) return { ...nothing, unreadable: notAHost(value) }
  if (found.password !== undefined) look.conceal(found.password)
  const addresses = await addressesOf(found.host, look)
  return {
    ...nothing,
    value: fingerprint(found.host),
    addresses: addresses && { 4: ofFamily(addresses, isIPv4), 6: ofFamily(addresses, isIPv6) },
    isAt: isAt(found, addresses),
  }
}

function ofFamily(addresses: readonly string[], isOne: (address: string) => boolean): string | undefined {
  const family = addresses.filter(isOne)
  return family.length === 0 ? undefined : fingerprint(family.join())
}

function isAt({ host, port }: HostAndPort, addresses: readonly string[] | undefined): SourceSeen['isAt'] {
  // Without a port of its own it leads to whatever port somebody adds.
  const asWritten = (place: Place): string => `${plain(place.host)} ${port === undefined ? '' : place.port}`
  const known = new Set([host, ...(addresses ?? [])].map(one => fingerprint(`${one} ${port ?? ''}`)))
  const resolved = addresses !== undefined
  return places => {
    const found = places.some(place => known.has(fingerprint(asWritten(place))))
    return found || resolved ? found : undefined
  }
}

function compared(a: Taken, b: Taken): PairSeen {
  const onlySpace = a.value !== b.value && a.trimmed !== undefined && a.trimmed === b.trimmed
  return { a: a.label, b: b.label, agrees: agree(a, b), onlySpace }
}

/** Two hosts agree when they are written alike, or lead to the same addresses of the families that both have. */
function agree(a: Taken, b: Taken): boolean | undefined {
  if (a.value === undefined || b.value === undefined) return undefined
  if (a.value === b.value) return true
  if (!a.isAt) return false
  const [of, other] = [a.addresses, b.addresses]
  if (!of || !other) return undefined
  const both = ([4, 6] as const).filter(family => of[family] !== undefined && other[family] !== undefined)
  return both.length > 0 && both.every(family => of[family] === other[family])
}
