import * as z from 'zod'
import type { Target } from '../../core/probe.ts'
import type { Reference, Resolvable } from '../../core/reference.ts'
import { shapes } from '../../core/shape.ts'
import {
  duration,
  filePath,
  host,
  port,
  secret,
  section,
  shapedText,
  targetFields,
  targetName,
  text,
} from '../../fields/index.ts'
import { expects } from '../../yaml/expects.ts'
import type { SesTarget } from '../ses/target.ts'
import type { SmtpTarget } from '../smtp/target.ts'

/** How a canary leaves: through a relay, or by the API of SES. */
export type Way =
  { readonly kind: 'smtp'; readonly target: SmtpTarget } | { readonly kind: 'ses'; readonly target: SesTarget }

/** The mailbox in which a canary is awaited. */
export interface MailboxTarget {
  readonly host: Resolvable
  readonly port?: Resolvable | undefined
  readonly security: MailboxSecurity
  readonly user: Resolvable
  readonly password?: Reference | undefined
  /** An OAuth access token (XOAUTH2), instead of the password. */
  readonly token?: Reference | undefined
  readonly servername?: string | undefined
  readonly ca_file?: string | undefined
  /** Looked at besides the inbox and the junk folder. */
  readonly folders?: readonly string[] | undefined
}

const mailboxSecurities = ['tls', 'starttls', 'none'] as const
type MailboxSecurity = (typeof mailboxSecurities)[number]

/** Methods of Authentication-Results (RFC 8601) that a canary may expect to pass. */
export const methods = ['spf', 'dkim', 'dmarc'] as const
export type AuthMethod = (typeof methods)[number]

/** A mail that is sent again and again, to prove that mail arrives. Times are in milliseconds. */
export interface CanaryTarget extends Target {
  /** The name of the `smtp` or `ses` target it leaves by: exactly one of them. */
  readonly smtp?: string | undefined
  readonly ses?: string | undefined
  /** That target. Set by the configuration, never by the file. */
  readonly way?: Way | undefined
  readonly from: Resolvable
  readonly to: Resolvable
  /** The sender of the envelope: bounces go there. Default: `from`. */
  readonly envelope_from?: Resolvable | undefined
  /** Without it only the hand-over is proven. */
  readonly mailbox?: MailboxTarget | undefined
  readonly late_after: number
  readonly lost_after: number
  readonly expect?: { readonly [Method in AuthMethod]?: 'pass' | undefined } | undefined
  /** The host whose Authentication-Results are believed. Default: that of the topmost. */
  readonly authserv_id?: string | undefined
}

/** Milliseconds. A mail is more than a question: receivers count them. */
export const leastInterval = 60_000

const mailbox = section({
  host: host('Host name or IP address of the IMAP server.'),
  port: port('Port. Default: 993 with `security: tls`, else 143.').optional(),
  security: z
    .enum(mailboxSecurities)
    .default('tls')
    .describe('`tls`: TLS from the start. `starttls`: STARTTLS is required. `none`: all in the clear.'),
  user: text('User to log in as.', shapes.user),
  password: secret('Password of the user.').optional(),
  token: secret(
    'OAuth access token of the user, instead of a password (XOAUTH2). It is read again at each run.',
  ).optional(),
  servername: shapedText(shapes.servername, 'Name the certificate has to be for. Default: the host.').optional(),
  ca_file: filePath(
    'PEM file with the certificate of the authority. Default: the authorities of the system.',
  ).optional(),
  folders: z
    .array(shapedText(shapes.line, 'Name of a folder, as IMAP lists it.'), { error: expects('a list of folders') })
    .refine(list => list.length <= 10, 'has more than 10 folders')
    .optional()
    .describe('Folders to look into besides the inbox and the junk folder, which are found by themselves. At most 10.'),
}).superRefine((value, context) => {
  if ((value.password === undefined) === (value.token === undefined))
    context.addIssue('give exactly one of password and token')
})

const expectation = z.enum(['pass']).optional()

const canarySection = section({
  ...targetFields,
  interval: duration('How often a mail is sent. At least 1m. Default: 5m, or `interval` of the file if that is longer.')
    .refine(ms => ms >= leastInterval, 'a canary sends at most one mail a minute; give 1m or more')
    .optional(),
  timeout: duration(
    'Total time of one run, in which the mail is sent and awaited. A mail that is not there by then is looked for in the next run. Default: 30s.',
  ).optional(),
  smtp: targetName('smtp')
    .optional()
    .describe('The `smtp` target it leaves through: its relay, TLS and login are taken.'),
  ses: targetName('ses').optional().describe('The `ses` target it leaves through, by the API (SendEmail).'),
  from: text('Address in `From`. Use one of the domain that the application sends from.', shapes.mailAddress),
  to: text('Address it is sent to.', shapes.mailAddress),
  envelope_from: text(
    'Sender in the envelope. Bounces go there, so it should lead to the mailbox. Default: `from`.',
    shapes.mailAddress,
  ).optional(),
  mailbox: mailbox
    .optional()
    .describe('The mailbox in which it arrives, read by IMAP. If left out, only that it was accepted is proven.'),
  late_after: duration('A mail that takes longer than this is a warning.').default(60_000).meta({ default: '60s' }),
  lost_after: duration('A mail that has not arrived after this is lost, and a failure.')
    .default(900_000)
    .meta({ default: '15m' }),
  expect: section({ spf: expectation, dkim: expectation, dmarc: expectation })
    .optional()
    .describe(
      'What the receiver must have found in the mail, such as `{ dkim: pass, dmarc: pass }`; else warn. What is left out is shown and not judged.',
    ),
  authserv_id: shapedText(
    shapes.servername,
    'The host whose `Authentication-Results` are believed (RFC 8601). Default: that of the topmost.',
  ).optional(),
}).superRefine((value, context) => {
  if ((value.smtp === undefined) === (value.ses === undefined)) context.addIssue('give exactly one of smtp and ses')
  if (value.late_after >= value.lost_after)
    context.addIssue({ code: 'custom', path: ['late_after'], message: 'must be less than lost_after' })
  if (value.mailbox === undefined)
    for (const key of ['expect', 'authserv_id'] as const)
      if (value[key] !== undefined)
        context.addIssue({ code: 'custom', path: [key], message: 'needs a mailbox, in which the mail is read' })
})

export const canaryTarget: z.ZodType<CanaryTarget> = canarySection
