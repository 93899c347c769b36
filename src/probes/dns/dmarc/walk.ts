import type { Dns } from '../../../clients/dns/index.ts'
import { dmarcRecord, isDmarc, whyNoDmarc, type DmarcRecord } from './record.ts'

/** What is at `_dmarc` below a domain. */
export interface DmarcAt {
  readonly domain: string
  /** `_dmarc.example.com` */
  readonly name: string
  readonly isKnown: boolean
  /** The one record that counts; undefined if there is none, or more than one. */
  readonly record?: DmarcRecord | undefined
  /** Of records that receivers ignore. Completes "the record …". */
  readonly problem?: string | undefined
}

/** A walk asks for no more than eight names, so that a long name costs little (RFC 9989, 4.10). */
const mostNames = 8

async function dmarcAt(dns: Dns, domain: string): Promise<DmarcAt> {
  const at = { domain, name: nameOf(domain) }
  const answer = await dns.ask(at.name, 'TXT')
  if (answer.kind === 'failed') return { ...at, isKnown: false }
  const texts = answer.kind === 'found' ? answer.records : []
  const [text, ...more] = texts.filter(isDmarc)
  if (text !== undefined && more.length === 0) return { ...at, isKnown: true, record: dmarcRecord(text) }
  const problem =
    text === undefined
      ? texts.map(whyNoDmarc).find(why => why !== undefined)
      : `is there ${more.length + 1} times, so that receivers ignore all of them`
  return { ...at, isKnown: true, problem }
}

export const nameOf = (domain: string): string => `_dmarc.${domain}`

/** Walks up from a domain, as far as it goes (RFC 9989, 4.10): to a record that says what its domain is, or to the top. */
export async function walkUp(dns: Dns, domain: string): Promise<readonly DmarcAt[]> {
  // All at once: they are few, and a server that is silent costs the time of one.
  const steps = await Promise.all(namesFrom(domain).map(name => dmarcAt(dns, name)))
  const last = steps.findIndex(({ record }) => record !== undefined && record.psd !== 'u')
  return last < 0 ? steps : steps.slice(0, last + 1)
}

export function namesFrom(domain: string): readonly string[] {
  const labels = domain.split('.')
  const above = Math.min(labels.length, mostNames) - 1
  return [domain, ...Array.from({ length: above }, (_, at) => labels.slice(at - above).join('.'))]
}

/** The organizational domain of that from which the walk went (4.10.2); undefined if a step of it is not known. */
export function organizationIn(steps: readonly DmarcAt[]): string | undefined {
  const [start] = steps
  if (!start || !steps.every(({ isKnown }) => isKnown)) return undefined
  const top = steps.findLast(({ record }) => record !== undefined)
  if (!top) return start.domain
  const isSuffix = top.record?.psd === 'y' && top !== start
  return isSuffix
    ? start.domain
        .split('.')
        .slice(-top.domain.split('.').length - 1)
        .join('.')
    : top.domain
}

/** The record for mail of the domain from which the walk went: its own, that of its organizational domain, or that of its public suffix (4.10.1). */
export function recordIn(steps: readonly DmarcAt[]): (DmarcAt & { readonly record: DmarcRecord }) | undefined {
  const [start] = steps
  const organization = organizationIn(steps)
  const places = [
    start,
    steps.find(({ domain }) => domain === organization),
    steps.find(({ record }) => record?.psd === 'y'),
  ]
  for (const at of places) if (at?.record) return { ...at, record: at.record }
  return undefined
}
