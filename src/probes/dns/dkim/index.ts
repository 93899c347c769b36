import type { Dns } from '../../../clients/dns/index.ts'
import type { SesTokens } from '../../ses/tokens.ts'
import { keyIn, type DkimKey } from './key.ts'

/** A key of DKIM, where a selector leads. */
export interface DkimSeen {
  /** As in the configuration; or a token of SES. */
  readonly selector: string
  /** `s1._domainkey.app.example.com` */
  readonly name: string
  /** The domain that it signs for (`d=`): what is behind `_domainkey`. */
  readonly domain: string
  /** Set if it is one of the records that SES asks for. */
  readonly ses?: SesRecordSeen | undefined
  readonly key: DkimKey
}

/** A CNAME record that SES asks for (Easy DKIM). */
interface SesRecordSeen {
  /** Where it has to lead. */
  readonly target: string
  /** Where it leads: undefined if there is no such record, `unanswered` if that is not known. */
  readonly leadsTo: { readonly name: string } | 'unanswered' | undefined
}

interface DkimQuestion {
  readonly domain: string
  /** Undefined: not known. */
  readonly selectors: readonly string[] | undefined
  /** Undefined: not known, or there is no SES. */
  readonly tokens: SesTokens | undefined
}

/** One for each selector and each token of SES, by their names. Undefined if neither is known. */
export async function lookAtDkim(dns: Dns, question: DkimQuestion): Promise<readonly DkimSeen[] | undefined> {
  const { domain, selectors, tokens } = question
  if (selectors === undefined && tokens === undefined) return undefined
  const wanted = [
    ...(selectors ?? []).map(selector => ({ selector, name: nameOfKey(selector, domain) })),
    ...(tokens?.tokens ?? []).map(token => ({
      selector: token,
      name: nameOfKey(token, tokens?.identity ?? domain),
      target: tokens?.zone === undefined ? undefined : `${token}.${tokens.zone}`.toLowerCase(),
    })),
  ]
  // A token may be in `dkim` too. What SES asks for is known of the later one.
  const distinct = new Map(wanted.map(one => [one.name, one]))
  return Promise.all([...distinct.values()].map(one => lookAtKey(dns, one)))
}

interface Wanted {
  readonly selector: string
  readonly name: string
  readonly target?: string | undefined
}

async function lookAtKey(dns: Dns, { selector, name, target }: Wanted): Promise<DkimSeen> {
  const [key, leadsTo] = await Promise.all([keyAt(dns, name), target === undefined ? undefined : aliasAt(dns, name)])
  const ses = target === undefined ? undefined : { target, leadsTo }
  return { selector, name, domain: domainOfKey(name), ses, key }
}

async function keyAt(dns: Dns, name: string): Promise<DkimKey> {
  const answer = await dns.ask(name, 'TXT')
  if (answer.kind === 'failed') return { kind: 'unanswered' }
  return answer.kind === 'none' ? { kind: 'missing' } : keyIn(answer.records)
}

async function aliasAt(dns: Dns, name: string): Promise<SesRecordSeen['leadsTo']> {
  const answer = await dns.ask(name, 'CNAME')
  if (answer.kind === 'failed') return 'unanswered'
  const [alias] = answer.kind === 'found' ? answer.records : []
  return alias === undefined ? undefined : { name: alias }
}

const label = '._domainkey.'

/** Where a selector leads: `s1` (of the domain), or a whole name. */
function nameOfKey(selector: string, domain: string): string {
  const whole = selector.toLowerCase().replace(/\.$/, '')
  return whole.includes(label) ? whole : `${whole}${label}${domain}`
}

/** The domain of `d=` whose key is at such a name. */
const domainOfKey = (name: string): string => name.slice(name.indexOf(label) + label.length)
