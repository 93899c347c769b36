import type { Dns } from '../../../clients/dns/index.ts'
import { isSpf, readRecord, type SpfRecord } from './record.ts'

/** What is at a name (RFC 7208, 4.4 and 4.5). */
export type Found =
  | { readonly kind: 'unanswered'; readonly text: string }
  /** `others`: TXT records that are meant as SPF, it seems, and are not. */
  | { readonly kind: 'missing'; readonly others: readonly string[] }
  | { readonly kind: 'several'; readonly count: number }
  | { readonly kind: 'found'; readonly text: string; readonly record: SpfRecord }

/** Looks for the SPF record of a name. */
export async function findRecord(dns: Dns, name: string): Promise<Found> {
  if (!isDomain(name)) return { kind: 'missing', others: [] }
  const answer = await dns.ask(name, 'TXT')
  if (answer.kind === 'failed') return { kind: 'unanswered', text: answer.text }
  const texts = answer.kind === 'found' ? answer.records : []
  const [text, ...more] = texts.filter(isSpf)
  if (text === undefined) return { kind: 'missing', others: texts.filter(isMeantAsSpf) }
  return more.length > 0
    ? { kind: 'several', count: more.length + 1 }
    : { kind: 'found', text, record: readRecord(text) }
}

/** Two labels or more, each of 1 to 63 characters (4.3). */
const isDomain = (name: string): boolean =>
  name.length <= 253 && name.includes('.') && !/[[\]]/.test(name) && name.split('.').every(isLabel)
const isLabel = (label: string): boolean => label.length > 0 && label.length < 64

/** In quotes, after a space, without one after the version, or of another version. */
const isMeantAsSpf = (text: string): boolean => /^["'\s]*v?\s*=?\s*spf\d/i.test(text)
