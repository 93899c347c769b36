import * as z from 'zod'
import { filePath, host, port, secret, section, targetFields, text } from '../../config/fields.ts'
import { gauge, sample, type Sample } from '../../core/metric.ts'
import { defineProbe, finding, type Reference, type Resolvable, type Target } from '../../core/probe.ts'
import { shapes } from '../../core/shape.ts'
import { hasStarttls, reasonsIn, replyTo } from './judge.ts'
import { observe, type SmtpSeen } from './observe.ts'
import { reasons } from './reasons.ts'

export const securities = ['starttls', 'tls', 'none'] as const

/** A mail relay, and how an application hands its mail to it. */
export interface SmtpTarget extends Target {
  readonly host: Resolvable
  readonly port: Resolvable
  readonly security: (typeof securities)[number]
  readonly user?: Resolvable | undefined
  readonly password?: Reference | undefined
  readonly servername?: string | undefined
  readonly ca_file?: string | undefined
  readonly hello: string
  readonly envelope?: { readonly from: string; readonly to: string } | undefined
}

const labels = ['target'] as const
export const metrics = {
  reachable: gauge('mailpath_smtp_reachable', 'Whether the relay answered with a greeting, be it a refusal.', labels),
  starttls: gauge(
    'mailpath_smtp_starttls',
    'Whether the relay offers STARTTLS, and takes it where it was tried.',
    labels,
  ),
  authenticated: gauge(
    'mailpath_smtp_authenticated',
    'Whether the relay took the login; 0 also while a refused login is held off, absent where none was tried.',
    labels,
  ),
  responseCode: gauge('mailpath_smtp_response_code', 'Code of the last reply before QUIT (RFC 5321, 4.2).', labels),
  notAfter: gauge(
    'mailpath_smtp_certificate_not_after_timestamp_seconds',
    'When the certificate of the relay expires, whether it verifies or not.',
    labels,
  ),
  certificateValid: gauge(
    'mailpath_smtp_certificate_valid',
    'Whether the certificate of the relay verifies: chain, dates and name.',
    labels,
  ),
  tlsInfo: gauge('mailpath_smtp_tls_info', 'TLS version and cipher agreed on.', [...labels, 'version', 'cipher']),
  suspendedUntil: gauge(
    'mailpath_smtp_auth_suspended_until_timestamp_seconds',
    'Until when the login is not tried again, because it was refused; absent where it is not held off.',
    labels,
  ),
}

const mailAddress = (meaning: string) =>
  z
    .string({ error: 'expected a mail address' })
    .regex(/^[!-;=?-~]+@[!-;=?-~]+$/, 'expected a mail address such as probe@example.com')
    .describe(meaning)

const fields = section({
  ...targetFields,
  host: host('Host name or IP address of the relay.'),
  port: port('Port of the relay. Default: 465 with `security: tls`, else 587 (RFC 8314, 3.3).').optional(),
  security: z
    .enum(securities)
    .default('starttls')
    .describe(
      '`starttls`: TLS has to be agreed on after EHLO. `tls`: TLS from the start (465). `none`: all in the clear.',
    ),
  user: text('Whom to log in as.', shapes.user).optional(),
  password: secret('Password of the user.').optional(),
  servername: z
    .string()
    .regex(shapes.servername.pattern, `expected ${shapes.servername.expected}`)
    .optional()
    .describe('The name the certificate has to be for. Default: `host`.'),
  ca_file: filePath('CA certificates (PEM) to verify the relay with, in place of the usual ones.').optional(),
  hello: z
    .string()
    .regex(shapes.hello.pattern, `expected ${shapes.hello.expected}`)
    .default('mailpath-exporter.invalid')
    .describe('Our name in EHLO.'),
  envelope: section({
    from: mailAddress('Sender, in MAIL FROM.'),
    to: mailAddress('Recipient, in RCPT TO.'),
  })
    .optional()
    .describe('Addresses to ask the relay for, after the login. Nothing is sent: RSET follows.'),
}).superRefine(({ user, password }, context) => {
  if ((user === undefined) === (password === undefined)) return
  const missing = user === undefined ? 'user' : 'password'
  context.addIssue({ code: 'custom', path: [missing], message: 'is missing: user and password go together' })
})

const target = fields.transform(relay => ({ ...relay, port: relay.port ?? defaultPort(relay.security) }))

const defaultPort = (security: SmtpTarget['security']): number => (security === 'tls' ? 465 : 587)

/** A relay, as far as QUIT: TLS, certificate, login and, where wanted, an envelope. */
export const smtp = defineProbe<SmtpTarget, SmtpSeen>({
  kind: 'smtp',
  summary: 'A mail relay: greeting, STARTTLS, certificate, login and envelope, without sending mail.',
  target,
  metrics,
  reasons,
  observe,
  judge: (seen, target) => finding(evidence(seen), reasonsIn(seen, target), samples(seen, { target: target.name })),
})

function evidence({ address, tls, authenticated, user }: SmtpSeen): string {
  const login = authenticated ? `logged in as ${user ?? ''}` : 'took the envelope without a login'
  return `${address}: ${login}${tls ? ` over ${tls.version}` : ', in the clear'}`
}

function samples(seen: SmtpSeen, at: Readonly<Record<'target', string>>): Sample[] {
  const { tls, suspended } = seen
  const seconds = (ms: number | undefined): number | undefined => (ms === undefined ? undefined : ms / 1000)
  return [
    sample(metrics.reachable, replyTo(seen, 'greeting')?.code !== undefined, at),
    sample(metrics.starttls, hasStarttls(seen), at),
    sample(metrics.authenticated, seen.authenticated ?? (suspended ? false : undefined), at),
    sample(metrics.responseCode, seen.replies.at(-1)?.code, at),
    sample(metrics.notAfter, seconds(tls?.notAfter), at),
    sample(metrics.certificateValid, tls && tls.problems.length === 0, at),
    tls ? sample(metrics.tlsInfo, 1, { ...at, version: tls.version, cipher: tls.cipher }) : [],
    sample(metrics.suspendedUntil, seconds(suspended?.until), at),
  ].flat()
}
