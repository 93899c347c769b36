import * as z from 'zod'
import type { Target } from '../../core/probe.ts'
import type { Resolvable } from '../../core/reference.ts'
import { shapes } from '../../core/shape.ts'
import { expects } from '../../yaml/expects.ts'
import { filePath, flag, section, shapedText, targetFields, targetName, text } from '../../fields/index.ts'
import type { SesTarget } from '../ses/target.ts'
import type { SmtpTarget } from '../smtp/target.ts'
import { policies, type Policy } from './dmarc/record.ts'

/** The records of a domain that mail is sent from, by which receivers tell whether to believe it. */
export interface DnsTarget extends Target {
  /** The domain of `From`, or an address in it. */
  readonly domain: Resolvable
  /** The domain of the sender in the envelope, or an address in it. Default: `domain`. */
  readonly envelope?: Resolvable | undefined
  /** Selectors that sign, as `s1` (of `domain`) or as a whole name (`s1._domainkey.example.com`). Empty: nothing signs. Undefined: not known. */
  readonly dkim?: readonly string[] | undefined
  /** Names and addresses that mail leaves from. */
  readonly senders?: readonly string[] | undefined
  /** The senders deliver to the receivers' servers themselves. */
  readonly direct: boolean
  /** The large receivers ask more of who sends more than 5,000 mails a day. */
  readonly bulk: boolean
  readonly expect?: { readonly dmarc?: Policy | undefined } | undefined
  /** Default: the name servers of this machine. */
  readonly servers?: readonly string[] | undefined
  /** The name with which the senders say hello. Default: that of the greeting of `smtp`. */
  readonly helo?: string | undefined
  /** The relay whose greeting names it, and the SES whose DKIM tokens are looked for. Names of targets. */
  readonly smtp?: string | undefined
  readonly ses?: string | undefined
  /** Those targets. Set by the configuration, never by the file. */
  readonly relay?: SmtpTarget | undefined
  readonly account?: SesTarget | undefined
  /** Whether MTA-STS and its reports are looked at, which needs a way to port 443. */
  readonly mta_sts: boolean
  /** For the policy of MTA-STS. */
  readonly ca_file?: string | undefined
}

const list = (shape: (typeof shapes)[keyof typeof shapes], what: string, most: number, meaning: string) =>
  z
    .array(shapedText(shape, meaning), { error: expects(what) })
    .refine(all => all.length <= most, `has more than ${most} entries`)
    .describe(meaning)

const dnsSection = section({
  ...targetFields,
  domain: text('Domain of the address in `From`, or the address itself.', shapes.mailDomain),
  envelope: text(
    'Domain of the sender in the envelope (the return path), or the address itself. Default: `domain`.',
    shapes.mailDomain,
  ).optional(),
  dkim: list(
    shapes.servername,
    'a list of selectors',
    10,
    'Selectors that the mail is signed with, such as `s1`, or as a whole name (`s1._domainkey.example.com`). `[]` says that nothing signs. If left out, DKIM is not judged.',
  ).optional(),
  senders: list(
    shapes.host,
    'a list of host names and addresses',
    10,
    'Hosts that the mail leaves from, as names or addresses. SPF has to cover each. If left out, that is not judged.',
  ).optional(),
  direct: flag(
    '`true`: the `senders` deliver to the servers of the receivers themselves. Then each needs a name in DNS (PTR) that leads back to it.',
  )
    .default(false)
    .meta({ default: 'false' }),
  bulk: flag(
    '`true`: more than 5,000 mails a day go to one of the large receivers. They ask for SPF, DKIM and DMARC then, so each that is missing is a failure.',
  )
    .default(false)
    .meta({ default: 'false' }),
  expect: section({ dmarc: z.enum(policies).optional() })
    .optional()
    .describe('What has to be there: `{ dmarc: quarantine }` warns of a weaker policy.'),
  servers: list(
    shapes.nameServer,
    'a list of addresses',
    5,
    'Name servers to ask, as `9.9.9.9` or `127.0.0.1:5353`. They have to be resolvers: a server that has only zones of its own leaves out the rest. Default: those of the machine. Inside of a network they may see other records than receivers do.',
  )
    .refine(all => all.length > 0, 'names no server; leave it out to ask those of the machine')
    .optional(),
  helo: shapedText(
    shapes.servername,
    'Name with which the `senders` say hello (HELO). Default: that in the greeting of `smtp`.',
  ).optional(),
  smtp: targetName('smtp').optional().describe('The `smtp` target of the relay. Its greeting gives `helo`.'),
  ses: targetName('ses')
    .optional()
    .describe('The `ses` target. The DKIM records that SES asks for are looked for, and count as keys.'),
  mta_sts: flag(
    '`false`: MTA-STS and TLS-RPT are not looked at, for example where no way leads out to port 443. They concern mail to the domain.',
  )
    .default(true)
    .meta({ default: 'true' }),
  ca_file: filePath(
    'PEM file with the certificate of the authority of the MTA-STS policy. Default: the authorities of the system.',
  ).optional(),
}).superRefine((value, context) => {
  if (value.direct && !value.senders?.length)
    context.addIssue({ code: 'custom', path: ['direct'], message: 'needs `senders`, whose names are looked at' })
})

export const dnsTarget: z.ZodType<DnsTarget> = dnsSection
