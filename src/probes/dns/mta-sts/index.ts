import type { Dns } from '../../../clients/dns/index.ts'
import { createHash } from 'node:crypto'
import { addressesIn } from '../hosts/host.ts'
import { fetchPolicy, type FetchOptions } from './fetch.ts'
import { covers, readPolicy, type StsMode, type StsPolicy } from './policy.ts'
import { readReportsRecord, readStsRecord } from './record.ts'

/** MTA-STS (RFC 8461) and TLS-RPT (RFC 8460) of the envelope domain. It protects mail to it. */
export interface MtaStsSeen {
  readonly record: 'not_asked' | 'unanswered' | 'missing' | 'invalid' | 'found'
  /** Of a record that was found. */
  readonly id?: string | undefined
  /** Of a policy that could be read. */
  readonly mode?: StsMode | undefined
  /** Stands for the text of the policy: another text has another one. */
  readonly fingerprint?: string | undefined
  /** Since when the policy is another one under the same id, in milliseconds since the epoch. Known after several looks only. */
  readonly changedSince?: number | undefined
  /** What is wrong with record or policy: one sentence each, with its name in front. */
  readonly problems: readonly string[]
  /** Why it is not known what the policy says, though there is a record: one line. */
  readonly unread?: string | undefined
  readonly reports: 'not_asked' | 'unanswered' | 'missing' | 'invalid' | 'found'
  /** Of invalid reports: completes "the record …". */
  readonly reportsProblem?: string | undefined
}

/** By the configuration. */
export const mtaStsNotAsked: MtaStsSeen = { record: 'not_asked', problems: [], reports: 'not_asked' }

const mostServers = 10

/** The record, the policy that it announces, whether that covers the mail servers, and who gets reports. */
export async function lookAtMtaSts(dns: Dns, domain: string, options: FetchOptions): Promise<MtaStsSeen> {
  const [own, reports] = await Promise.all([lookAtPolicy(dns, domain, options), lookAtReports(dns, domain)])
  return { ...own, ...reports }
}

type Reports = Pick<MtaStsSeen, 'reports' | 'reportsProblem'>
type Own = Omit<MtaStsSeen, keyof Reports>

async function lookAtReports(dns: Dns, domain: string): Promise<Reports> {
  const answer = await dns.ask(`_smtp._tls.${domain}`, 'TXT')
  if (answer.kind === 'failed') return { reports: 'unanswered' }
  const read = readReportsRecord(answer.kind === 'found' ? answer.records : [])
  return { reports: read.kind, reportsProblem: read.kind === 'invalid' ? read.problem : undefined }
}

async function lookAtPolicy(dns: Dns, domain: string, options: FetchOptions): Promise<Own> {
  const name = `_mta-sts.${domain}`
  const answer = await dns.ask(name, 'TXT')
  if (answer.kind === 'failed') return { record: 'unanswered', problems: [] }
  const read = readStsRecord(answer.kind === 'found' ? answer.records : [])
  if (read.kind === 'missing') return { record: 'missing', problems: [] }
  if (read.kind === 'invalid') return { record: 'invalid', problems: [`the record ${name} ${read.problem}`] }
  const found = { record: 'found', id: read.id } as const
  const host = `mta-sts.${domain}`
  const { addresses, isWhole } = await addressesIn(dns, host)
  if (addresses.length === 0)
    return isWhole
      ? { ...found, problems: [`${host}, where the policy has to be, has no address`] }
      : { ...found, problems: [], unread: `${host} was not answered for` }
  const fetched = await fetchPolicy(host, addresses, options)
  if (fetched.kind === 'unread') return { ...found, problems: [], unread: fetched.text }
  if (fetched.kind === 'problem') return { ...found, problems: [fetched.problem] }
  const policy = readPolicy(fetched.text)
  const at = `the policy at https://${host}/.well-known/mta-sts.txt`
  if ('problem' in policy) return { ...found, problems: [`${at} ${policy.problem}`] }
  const fingerprint = createHash('sha256').update(fetched.text).digest('hex')
  const problems = (await notCovered(dns, domain, policy)).map(
    server => `${at} does not cover the mail server ${server}`,
  )
  return { ...found, mode: policy.mode, fingerprint, problems }
}

/** Mail servers of the domain that the policy does not name. Senders deliver nothing to them in the mode `enforce`. */
async function notCovered(dns: Dns, domain: string, policy: StsPolicy): Promise<readonly string[]> {
  const mx = policy.mode === 'none' ? undefined : await dns.ask(domain, 'MX')
  if (mx === undefined || mx.kind === 'failed') return []
  const servers = mx.kind === 'found' ? mx.records.map(({ exchange }) => exchange) : [domain]
  return [...new Set(servers)].filter(server => server !== '' && !covers(policy, server)).slice(0, mostServers)
}
