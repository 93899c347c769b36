import type { Dns } from '../../../clients/dns/index.ts'
import type { Alignment, DmarcRecord, Policy, PolicyTag } from './record.ts'
import { refusedReports, type RefusedReports } from './reports.ts'
import { nameOf, organizationIn, recordIn, walkUp, type DmarcAt } from './walk.ts'

/** What receivers find for DMARC (RFC 9989): the record that applies to the domain, by a walk up the tree. */
export interface DmarcSeen {
  readonly kind: 'unanswered' | 'missing' | 'invalid' | 'found'
  /** Where it was found, such as `_dmarc.example.com`; of a missing one: where it was looked for first. */
  readonly name?: string | undefined
  /** Of an invalid one: completes "the record …". */
  readonly problem?: string | undefined
  /** The policy that applies to mail of the domain, and the tag it comes from; undefined if that is not known. */
  readonly policy?: Policy | undefined
  readonly tag?: PolicyTag | undefined
  readonly isTesting?: boolean | undefined
  /** Whether reports are asked for (`rua`), and addresses of other domains that do not agree to get them. */
  readonly reports?: boolean | undefined
  readonly refusedReports?: readonly RefusedReports[] | undefined
  /** What receivers ignore, in this record and in others on the way: each with the name of the record in front. */
  readonly ignored?: readonly string[] | undefined
  /** Tags that RFC 9989 took away. */
  readonly outdated?: readonly string[] | undefined
  readonly alignment?: { readonly spf: Alignment; readonly dkim: Alignment } | undefined
  /** The organizational domain of each domain that was looked at, by the walk; one that is not in it is not known. */
  readonly organizations?: ReadonlyMap<string, string> | undefined
}

export interface DmarcQuestion {
  /** Of `From`, and of the envelope. */
  readonly domain: string
  readonly envelope: string
  /** Those of `d=`. */
  readonly dkimDomains: readonly string[]
}

export async function lookAtDmarc(dns: Dns, question: DmarcQuestion): Promise<DmarcSeen> {
  const { domain } = question
  const steps = await walkUp(dns, domain)
  const found = recordIn(steps)
  // A record above may be that of the organizational domain only if all those between are known.
  const isKnown = steps[0]?.record !== undefined || steps.every(step => step.isKnown)
  if (!isKnown) return { kind: 'unanswered', name: nameOf(domain) }
  if (found?.record.unused !== undefined) return { kind: 'invalid', name: found.name, problem: found.record.unused }
  if (found === undefined) return withoutRecord(steps)
  const { name, record } = found
  const [policy, organizations, refused] = await Promise.all([
    policyFor(dns, domain, found),
    organizationsOf(dns, question),
    refusedReports(dns, found.domain, [...record.rua, ...record.ruf]),
  ])
  const ignoredHere = record.problems.map(problem => `${name} ${problem}`)
  return {
    kind: 'found',
    name,
    ...policy,
    isTesting: record.isTesting,
    reports: record.rua.length > 0,
    refusedReports: refused,
    ignored: [...ignoredHere, ...ignoredOn(steps)],
    outdated: record.outdated,
    alignment: record.alignment,
    organizations,
  }
}

function withoutRecord(steps: readonly DmarcAt[]): DmarcSeen {
  const [first] = steps
  const wrong = steps.find(({ problem }) => problem !== undefined)
  return wrong === undefined
    ? { kind: 'missing', name: first?.name }
    : { kind: 'invalid', name: wrong.name, problem: wrong.problem }
}

const ignoredOn = (steps: readonly DmarcAt[]): readonly string[] =>
  steps.flatMap(({ name, problem }) => (problem === undefined ? [] : [`${name} ${problem}`]))

/** RFC 9989, 4.10.1: `sp` and `np` are for domains below that of the record. */
async function policyFor(dns: Dns, domain: string, at: DmarcAt & { readonly record: DmarcRecord }) {
  const { policies } = at.record
  const firstOf = (...tags: readonly PolicyTag[]) => {
    const tag = tags.find(one => policies[one] !== undefined) ?? 'p'
    return { policy: policies[tag], tag }
  }
  if (at.domain === domain) return firstOf('p')
  const [existing, other] = [firstOf('sp'), firstOf('np', 'sp')]
  if (existing.policy === other.policy) return existing
  const isThere = await exists(dns, domain)
  if (isThere === undefined) return { policy: undefined, tag: undefined }
  return isThere ? existing : other
}

/** Whether the name is in DNS (RFC 9989, A.4). An alias is, even if it leads to a name that is not. */
async function exists(dns: Dns, domain: string): Promise<boolean | undefined> {
  const answer = await dns.ask(domain, 'A')
  if (answer.kind === 'failed') return undefined
  if (answer.kind === 'found' || answer.exists) return true
  const alias = await dns.ask(domain, 'CNAME')
  return alias.kind === 'failed' ? undefined : alias.kind === 'found'
}

/** They matter only where domains differ. */
async function organizationsOf(
  dns: Dns,
  { domain, envelope, dkimDomains }: DmarcQuestion,
): Promise<ReadonlyMap<string, string>> {
  const domains = [...new Set([domain, envelope, ...dkimDomains])]
  if (domains.length === 1) return new Map()
  const found = await Promise.all(domains.map(async one => [one, organizationIn(await walkUp(dns, one))] as const))
  return new Map(found.flatMap(([one, organization]) => (organization === undefined ? [] : [[one, organization]])))
}

/**
 * Whether a domain of the envelope (spf) or of `d=` (dkim) counts for mail of the domain `from` (RFC 9989, 4.10.2). Undefined:
 * not known, or there is no DMARC record, so that nothing has to align.
 */
export function aligns(seen: DmarcSeen, method: 'spf' | 'dkim', from: string, domain: string): boolean | undefined {
  if (domain === from) return true
  if (seen.kind !== 'found') return undefined
  if (seen.alignment?.[method] === 'strict') return false
  const [own, other] = [seen.organizations?.get(from), seen.organizations?.get(domain)]
  return own === undefined || other === undefined ? undefined : own === other
}
