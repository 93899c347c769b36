import { cases } from './cases.ts'
import type { DomainSeen, MailServerSeen } from '../hosts/domain.ts'
import { reason, type Reason } from '../reasons.ts'
import type { DnsSeen } from '../seen.ts'
import type { DnsTarget } from '../target.ts'

/** Whether the two domains exist, and whether bounces and replies have somewhere to go. */
export function domainReasons(
  { ownDomain, envelopeDomain }: Pick<DnsSeen, 'ownDomain' | 'envelopeDomain'>,
  target: Pick<DnsTarget, 'servers'>,
): Reason[] {
  const domains = ownDomain.name === envelopeDomain.name ? [envelopeDomain] : [envelopeDomain, ownDomain]
  const absent = domains
    .filter(({ exists }) => exists === false)
    .map(domain => `${domain.name} is not in DNS${elsewhere(target.servers)}`)
  const missing = [
    ...absent,
    ...(envelopeDomain.nullMx ? [`${envelopeDomain.name} says that it takes no mail (null MX), so no bounces`] : []),
  ]
  const nowhere = [
    ...(takesNoMail(envelopeDomain) ? [`${envelopeDomain.name} has neither an MX record nor an address`] : []),
    ...(ownDomain.name !== envelopeDomain.name && ownDomain.nullMx
      ? [`${ownDomain.name} (\`From\`) says that it takes no mail (null MX), so no replies`]
      : []),
  ]
  const wrong = (envelopeDomain.servers ?? []).flatMap(server => problemOf(envelopeDomain, server, target))
  return [
    ...(missing.length > 0
      ? [reason('dns_domain_missing', cases(missing), absent.length === 0 ? noNullMx : undefined)]
      : []),
    ...(nowhere.length > 0 ? [reason('dns_mx_missing', cases(nowhere))] : []),
    ...(wrong.length > 0 ? [reason('dns_mx_invalid', cases(wrong))] : []),
  ]
}

const noNullMx =
  'Publish an MX record that names your mail server in place of the null MX (`0 .`), or use an envelope whose domain takes mail.'

const takesNoMail = ({ exists, nullMx, servers, hasAddress }: DomainSeen): boolean =>
  exists === true && !nullMx && servers?.length === 0 && hasAddress === false

const problemOf = (
  domain: DomainSeen,
  { name, problem, isPrivate }: MailServerSeen,
  { servers }: Pick<DnsTarget, 'servers'>,
) =>
  problem === undefined
    ? []
    : [`the MX record of ${domain.name} names ${name || '"."'}, which ${problem}${isPrivate ? elsewhere(servers) : ''}`]

/** Name servers inside of a network may show other addresses than receivers see. */
export const elsewhere = (servers: DnsTarget['servers']): string =>
  servers === undefined ? ', as the name servers of this machine have it' : ''
