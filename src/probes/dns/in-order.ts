import { isUsable } from './dkim/key.ts'
import type { Complaint } from './refusals.ts'
import type { DnsSeen } from './seen.ts'

/** What a look found in order of what receivers complain of, in words; empty where it knows of nothing. */
export const inOrder = (seen: DnsSeen, complaints: readonly Complaint[]): string =>
  complaints.flatMap(one => found[one](seen) ?? []).join(', ')

const most = 5
const listed = (names: readonly string[]): string =>
  `${names.slice(0, most).join(' and ')}${names.length > most ? ` and ${names.length - most} more` : ''}`

const found: Readonly<Record<Complaint, (seen: DnsSeen) => string | undefined>> = {
  spf({ spf, envelope }) {
    if (spf.record !== 'found' || spf.errors.length > 0) return undefined
    const passing = spf.senders.filter(({ result }) => result === 'pass').map(({ address }) => address)
    if (passing.length < spf.senders.length) return undefined
    return passing.length === 0
      ? `the SPF record of ${envelope} is valid (no \`senders\` are set, so whom it lets in is not known)`
      : `SPF of ${envelope} passes for ${listed(passing)}`
  },
  dkim({ dkim }) {
    const usable = (dkim ?? []).filter(({ key }) => isUsable(key) === true).map(({ selector }) => selector)
    return usable.length === 0 ? undefined : `the DKIM key of ${listed(usable)} can be used`
  },
  dmarc: ({ dmarc }) =>
    dmarc.kind === 'found' && dmarc.policy !== undefined ? `the policy of DMARC is ${dmarc.policy}` : undefined,
  ptr({ ptr }) {
    const confirmed = ptr.filter(({ isConfirmed }) => isConfirmed === true).map(({ address }) => address)
    return confirmed.length === 0 ? undefined : `the name of ${listed(confirmed)} leads back to it`
  },
  domain: ({ envelopeDomain: { exists, name } }) => (exists === true ? `${name} is there` : undefined),
}
