import * as z from 'zod'
import type { Target } from '../../core/probe.ts'
import type { Reference, Resolvable } from '../../core/reference.ts'
import { shapes } from '../../core/shape.ts'
import {
  certificateWarning,
  duration,
  filePath,
  flag,
  host,
  port,
  reference,
  secret,
  section,
  targetFields,
  text,
} from '../../fields/index.ts'
import { expects } from '../../yaml/expects.ts'
import { methods, type Method } from './mechanisms.ts'
import { readUrl, securities, type Security } from './url.ts'

/** A mail relay, and how an application sends mail through it. */
export interface SmtpTarget extends Target {
  readonly url?: Resolvable | undefined
  readonly host?: Resolvable | undefined
  readonly port?: Resolvable | undefined
  readonly security: Security
  readonly user?: Resolvable | undefined
  readonly password?: Reference | undefined
  readonly token?: Reference | undefined
  readonly auth: Method
  readonly servername?: string | undefined
  readonly ca_file?: string | undefined
  /** Milliseconds. */
  readonly certificate_warning: number
  readonly cert_file?: string | undefined
  readonly key_file?: string | undefined
  readonly verify: boolean
  readonly hello?: string | undefined
  readonly envelope?: { readonly from: string; readonly to: string } | undefined
}

const mailAddress = (meaning: string) =>
  z
    .string({ error: 'expected a mail address' })
    .regex(/^[!-;=?-~]+@[!-;=?-~]+$/, 'expected a mail address such as probe@example.com')
    .describe(meaning)

/** A URL without a password that can be followed, or a reference. */
const url = z
  .union([
    z
      .string({ error: expects('a URL such as smtp://mail.example.com:587, or a reference') })
      .superRefine((value, context) => {
        const reading = readUrl(value)
        if (reading.kind === 'not_understood') context.addIssue(reading.why)
        else if (reading.plan.password !== undefined)
          context.addIssue(
            'the URL holds a password, and a secret must not stand in this file; set url to a reference, for example { env: SMTP_URL }',
          )
      }),
    reference,
  ])
  .describe(
    'The URL of the application (`SMTP_URL`, `MAIL_URL`), read as nodemailer reads it, instead of host, port and security. It overrides the other keys.',
  )

const fields = section({
  ...targetFields,
  timeout: duration(
    'Total time of one run. Must be less than the interval. Default: `timeout` of the file, else 10s, or two thirds of the interval (at least 5s) where that is less: relays let clients wait for their greeting.',
  ).optional(),
  url: url.optional(),
  host: host('Host name or IP address of the relay.').optional(),
  port: port('Port of the relay. Default: 465 with `security: tls`, else 587 (RFC 8314, 3.3).').optional(),
  security: z
    .enum(securities)
    .optional()
    .describe(
      '`starttls`: STARTTLS is required. `tls`: TLS from the start (465). `opportunistic`: STARTTLS if the relay offers it, else in the clear, as nodemailer does without `requireTLS`. `none`: all in the clear. Default: `starttls`.',
    ),
  user: text('User to log in as.', shapes.user).optional(),
  password: secret('Password of the user.').optional(),
  token: secret(
    'OAuth access token of the user, instead of a password (XOAUTH2). It is read again at each run.',
  ).optional(),
  auth: z
    .enum(methods)
    .default('auto')
    .describe(
      'How the application logs in (nodemailer: `authMethod`). `auto`: the default of nodemailer, which is the first of PLAIN, LOGIN, CRAM-MD5 that the relay offers, or XOAUTH2 with a token. Any other method is used even if the relay does not offer it. `none`: no login.',
    ),
  servername: z
    .string()
    .regex(shapes.servername.pattern, `expected ${shapes.servername.expected}`)
    .optional()
    .describe('The name the certificate has to be for. Default: `host`.'),
  ca_file: filePath('CA certificates (PEM) to verify the relay with, instead of the usual ones.').optional(),
  certificate_warning: certificateWarning,
  cert_file: filePath('Client certificate (PEM), with its chain, for a relay that wants one.').optional(),
  key_file: filePath('Private key (PEM) of the client certificate, without a passphrase.').optional(),
  verify: flag(
    'Whether to verify the certificate of the relay. `false` is for an application that does not (`rejectUnauthorized: false`), and is always a warning.',
  ).default(true),
  hello: z
    .string()
    .regex(shapes.hello.pattern, `expected ${shapes.hello.expected}`)
    .optional()
    .describe('The name in EHLO. Default, as in nodemailer: the host name if it has a dot, else `[127.0.0.1]`.'),
  envelope: section({
    from: mailAddress('Sender, in MAIL FROM.'),
    to: mailAddress('Recipient, in RCPT TO.'),
  })
    .optional()
    .describe('Sender and recipient to ask the relay for after the login. No mail is sent: RSET follows.'),
}).superRefine((value, context) => {
  const issue = (key: string, message: string): void => context.addIssue({ code: 'custom', path: [key], message })
  if ((value.url === undefined) === (value.host === undefined)) context.addIssue('give exactly one of url and host')
  if (value.url !== undefined)
    for (const key of ['port', 'security'] as const)
      if (value[key] !== undefined) issue(key, `${key} goes with host; a url says it itself`)
  const { user, password, token, auth } = value
  if (password !== undefined && token !== undefined) issue('token', 'a login has a password or a token, not both')
  else if (value.url === undefined && user === undefined && (password ?? token) !== undefined)
    issue('user', `is missing: user and ${password === undefined ? 'token' : 'password'} go together`)
  else if (value.url === undefined && user !== undefined && (password ?? token) === undefined)
    issue('password', 'is missing: user and password go together')
  if (auth === 'xoauth2' && token === undefined) issue('token', 'is missing: XOAUTH2 takes a token')
  if (token !== undefined && !['auto', 'xoauth2', 'none'].includes(auth))
    issue('auth', 'a token is for XOAUTH2; take out auth, or set a password in place of the token')
  const missing = value.cert_file === undefined ? 'cert_file' : 'key_file'
  if ((value.cert_file === undefined) !== (value.key_file === undefined))
    issue(missing, 'is missing: cert_file and key_file go together')
})

export const smtpTarget = fields.transform(({ security = 'starttls', port, ...relay }) => ({
  ...relay,
  security,
  ...(relay.url === undefined ? { port: port ?? (security === 'tls' ? 465 : 587) } : {}),
}))
