import {
  endSeconds,
  endsSoonIn,
  faultsOf,
  whatIsWrong,
  type ChainFault,
  type Shown,
} from '../../clients/certificates.ts'
import { remedyForHost } from '../../clients/socket.ts'
import { gauge, sample } from '../../core/metric.ts'
import { finding } from '../../core/probe.ts'
import { asksForMore, is2xx, offersStarttls, quoted, replyTo, type Reply } from './dialogue.ts'
import { adviceFor } from './enhanced.ts'
import { refusesHello } from './hello.ts'
import { clearLogin, loginProblem } from './judge-login.ts'
import type { SmtpSeen } from './observe.ts'
import { isTrusted, type Setup } from './plan.ts'
import { reason, type Problem, type Reason } from './reasons.ts'
import type { SmtpTarget } from './target.ts'
import type { TlsFacts } from './tls.ts'

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
    'Whether the relay took the login; 0 also while a refused login is not tried again, absent where none was tried.',
    labels,
  ),
  responseCode: gauge('mailpath_smtp_response_code', 'Code of the last reply before QUIT (RFC 5321, 4.2).', labels),
  notAfter: gauge(
    'mailpath_smtp_certificate_not_after_timestamp_seconds',
    'When the first certificate of the chain of the relay expires, whether it verifies or not; absent with `verify: false`.',
    labels,
  ),
  certificateValid: gauge(
    'mailpath_smtp_certificate_valid',
    'Whether the certificate of the relay verifies: chain, dates and name; absent with `verify: false`.',
    labels,
  ),
  tlsInfo: gauge('mailpath_smtp_tls_info', 'TLS version and cipher agreed on.', [...labels, 'version', 'cipher']),
  suspendedUntil: gauge(
    'mailpath_smtp_auth_suspended_until_timestamp_seconds',
    'Until when the login is not tried again, because it was refused; absent where it may be tried.',
    labels,
  ),
}

export const judge = (seen: SmtpSeen, target: SmtpTarget) =>
  finding(
    evidence(seen),
    reasonsIn(seen, target),
    samples(seen, setupOf(seen, target).verify, target.name),
    seen.tls?.chain?.leaf,
  )

function evidence({ address, tls, authenticated, user }: SmtpSeen): string {
  const login = authenticated ? `logged in as ${user ?? ''}` : 'took the envelope without a login'
  return `${address}: ${login}${tls ? ` over ${tls.version}` : ', in the clear'}`
}

/** If the certificate is not verified, its metrics would only cause false alerts. */
function samples(seen: SmtpSeen, verify: boolean, target: string) {
  if (seen.notUnderstood !== undefined) return []
  const at = { target }
  const { tls, backOff } = seen
  const seconds = (ms: number | undefined): number | undefined => (ms === undefined ? undefined : ms / 1000)
  return [
    sample(metrics.reachable, replyTo(seen, 'greeting')?.code !== undefined, at),
    sample(metrics.starttls, hasStarttls(seen), at),
    sample(metrics.authenticated, seen.authenticated ?? (backOff ? false : undefined), at),
    sample(metrics.responseCode, seen.replies.at(-1)?.code, at),
    sample(metrics.notAfter, verify ? endSeconds(shownBy(seen)) : undefined, at),
    sample(metrics.certificateValid, verify ? tls && tls.problems.length === 0 : undefined, at),
    tls ? sample(metrics.tlsInfo, 1, { ...at, version: tls.version, cipher: tls.cipher }) : [],
    sample(metrics.suspendedUntil, seconds(backOff?.until), at),
  ].flat()
}

/** Whether STARTTLS is offered in the clear, and accepted if it was tried; undefined if unknown. */
function hasStarttls({ replies, extensions }: SmtpSeen): boolean | undefined {
  const refused = replies.some(reply => reply.step === 'starttls' && !is2xx(reply))
  return extensions.clear && !refused && offersStarttls(extensions.clear)
}

/** What the target asks for, or its URL. */
const setupOf = ({ url }: SmtpSeen, target: SmtpTarget): Setup =>
  url ?? {
    security: target.security,
    verify: target.verify,
    login: target.user !== undefined && target.auth !== 'none',
    hello: target.hello !== undefined,
    ignored: [],
  }

/** Every reason that holds; none only after an accepted login, or an accepted envelope without login. */
function reasonsIn(seen: SmtpSeen, target: SmtpTarget): Reason[] {
  if (seen.notUnderstood !== undefined) return [toReason(seen, ['smtp_url_not_understood', seen.notUnderstood])]
  const setup = setupOf(seen, target)
  const problems = [
    ...brokenOff(seen, setup),
    tlsProblem(seen, setup, target.certificate_warning),
    clearLogin(seen, setup),
    loginProblem(seen, setup, isTrusted(seen.tls, seen, setup)),
    ...envelopeProblems(seen, setup),
  ]
  const found = problems.flatMap(problem => (problem ? [toReason(seen, problem)] : []))
  const proven = setup.login ? seen.authenticated === true : is2xx(replyTo(seen, 'rcpt_to'))
  const without = found.some(({ code }) => code === 'smtp_auth_not_offered')
  if (proven || without || found.some(({ verdict }) => verdict !== 'warn')) return found
  const missing: Problem = setup.login
    ? ['smtp_protocol_error', 'the login came to no end']
    : ['smtp_login_not_configured', 'no user is set, so that no login was tried']
  return [...found, toReason(seen, missing)]
}

const toReason = ({ address }: SmtpSeen, [code, text, remedy]: Problem): Reason =>
  reason(code, text.startsWith(address) ? text : `${address}: ${text}`, remedy)

/** Why the dialogue broke off. */
function brokenOff(seen: SmtpSeen, setup: Setup): Problem[] {
  const { failure, replies, begun } = seen
  if (!failure) return []
  const { phase, code, timedOut } = failure
  const text = begun ? `${failure.text}; what had come by then: "${begun.slice(0, 160)}"` : failure.text
  if (timedOut || code === 'ETIMEDOUT') return [noAnswer(seen, text)]
  // The end of the connection after a 421 is expected (RFC 5321 §3.8): the refusal has a reason of its own.
  if (phase === 'envelope' && replies.at(-1)?.code === 421) return []
  if (phase === 'dns' || phase === 'connect') return [['smtp_unreachable', text, remedyForHost(failure)]]
  if (aboutOurCertificate.test(`${code ?? ''} ${text}`)) return [['smtp_client_certificate_wanted', text]]
  if (phase === 'tls') return [['smtp_tls_failed', text]]
  const last = replies.at(-1)
  if (last?.step === phase && (last.code ?? 0) >= 400) return notServed(seen, setup, last, phase)
  if (code === 'ECONNECTION' || code === 'ECONNRESET' || code === 'EPIPE') return [['smtp_closed', text]]
  return [['smtp_protocol_error', last?.step === phase ? `the answer was ${quoted(last)} (phase ${phase})` : text]]
}

/** Alerts that a TLS server sends about the client's certificate, or a missing one (RFC 8446 §6.2). */
const aboutOurCertificate =
  /alert[ _](?:(?:no|bad|unsupported)[ _]certificate|certificate[ _](?:required|unknown|expired|revoked)|unknown[ _]ca)\b/i

/** nodemailer waits 30 s for a greeting, and for the end of one that has begun. */
function noAnswer({ failure, begun }: SmtpSeen, text: string): Problem {
  if (failure?.phase !== 'greeting' || !begun) return ['smtp_no_answer', text, failure && remedyForHost(failure)]
  return [
    'smtp_no_answer',
    `${failure.text}; the relay was still greeting: "${begun.slice(0, 160)}"`,
    'The relay lets its clients wait before it greets (Postfix: postscreen_greet_wait, Sendmail: greet_pause). nodemailer waits for 30 s: let `timeout` of this target (and `interval`) be longer than that wait.',
  ]
}

function notServed({ hello = '' }: SmtpSeen, setup: Setup, reply: Reply, phase: string): Problem[] {
  const text = `the answer was ${quoted(reply)} (phase ${phase})`
  if (wantsCertificate.test(reply.text)) return [['smtp_client_certificate_wanted', text]]
  if (phase !== 'ehlo' || !refusesHello(reply, hello)) return [['smtp_greeting_refused', text, adviceFor(reply)]]
  return ourName(text, hello, setup, 'smtp_greeting_refused')
}

/** Our EHLO name is refused. If it is also the application's name, the refusal itself holds as well. */
const ourName = (text: string, hello: string, setup: Setup, otherwise: Reason['code']): Problem[] => {
  const about = `${text}: it is about the name in EHLO, ${hello}`
  return setup.hello
    ? [
        [otherwise, text, remedyForHello],
        ['smtp_hello_refused', about, remedyForHello],
      ]
    : [['smtp_hello_refused', about]]
}

const remedyForHello =
  'The relay refuses the name in EHLO that is set as `hello`: set one that resolves, here and in the application (nodemailer: `name`), or let the relay take it.'

function tlsProblem(seen: SmtpSeen, { security, verify }: Setup, warningMs: number): Problem | undefined {
  const { tls, extensions, injected, at } = seen
  if (injected)
    return ['smtp_protocol_error', 'clear text stood behind the answer to STARTTLS: somebody injects replies']
  if ((security === 'starttls' || security === 'opportunistic') && !tls && extensions.clear) {
    if (!offersStarttls(extensions.clear))
      return security === 'starttls' ? ['smtp_starttls_missing', 'STARTTLS is not offered'] : undefined
    const refusal = replyTo(seen, 'starttls')
    return refusal && !is2xx(refusal)
      ? ['smtp_starttls_refused', `the answer to STARTTLS was ${quoted(refusal)}`]
      : undefined
  }
  if (!tls) return undefined
  if (!verify) return notVerified(tls, at)
  if (tls.problems.length > 0) return ['smtp_certificate_invalid', wrong(tls, at), remedyForChain(tls, at)]
  const ends = endsSoonIn(shownBy(seen), warningMs)
  return ends === undefined ? undefined : ['smtp_certificate_expires_soon', ends]
}

/** The certificates of the relay, and whether they verify. */
const shownBy = ({ tls, at }: SmtpSeen): Shown | undefined =>
  tls?.chain && { chain: tls.chain, verified: tls.problems.length === 0, at }

/** What is wrong with the certificates, in words. */
const wrong = ({ chain, problems, expected }: TlsFacts, at: number): string =>
  chain ? whatIsWrong(chain, { problems, expected, at }) : `the certificate does not verify (${problems.join(', ')})`

/** The remedy if exactly one thing is wrong with the certificates; else undefined, for the general one. */
function remedyForChain({ chain, problems }: TlsFacts, at: number): string | undefined {
  const [only, ...more] = chain ? faultsOf(chain, problems, at) : []
  return only === undefined || more.length > 0 ? undefined : chainRemedies[only]
}

const chainRemedies: Readonly<Partial<Record<ChainFault, string>>> = {
  expired: 'Renew the certificate of the relay, and have the relay load it (Postfix: postfix reload).',
  'issuer expired':
    'Install the present chain of the authority at the relay, and have the relay load it (Postfix: postfix reload). The certificate of the relay itself need not be renewed.',
  'not valid yet':
    'Compare the clock of this machine with the date; if it is right, install a certificate that is valid.',
  'unknown authority':
    'Have the relay send its whole chain. If the authority is one of your own, set `ca_file` to its certificate; the application has to trust it too (nodemailer: `tls.ca`, NODE_EXTRA_CA_CERTS).',
  'other name':
    'Connect by a name that the certificate is for: change `host`, here and in the application. Or install a certificate for this name. `servername` is for an application that sets it too.',
}

const notVerified = (tls: TlsFacts, at: number): Problem => [
  'smtp_certificate_not_verified',
  `the certificate is not verified (\`verify: false\`); ${tls.problems.length === 0 ? 'it would verify' : wrong(tls, at)}`,
  tls.problems.length === 0
    ? 'Take out `verify: false`, here and in the application (nodemailer: `rejectUnauthorized`): the certificate verifies.'
    : undefined,
]

function envelopeProblems(seen: SmtpSeen, setup: Setup): Problem[] {
  const [asked, sender, recipient] = [
    replyTo(seen, 'null_sender'),
    replyTo(seen, 'mail_from'),
    replyTo(seen, 'rcpt_to'),
  ]
  // Other refusals of an empty sender prove nothing about mail that has one.
  if (asked && asksForMore(asked)) return refusedBy(seen, setup, asked, 'MAIL FROM', 'smtp_sender_refused')
  if (sender && !is2xx(sender)) return refusedBy(seen, setup, sender, 'MAIL FROM', 'smtp_sender_refused')
  if (!recipient || is2xx(recipient)) return []
  return refusedBy(seen, setup, recipient, 'RCPT TO', recipientProblem(recipient))
}

function refusedBy(
  { hello = '' }: SmtpSeen,
  setup: Setup,
  reply: Reply,
  command: string,
  code: Reason['code'],
): Problem[] {
  const text = `the answer to ${command} was ${quoted(reply)}`
  if (asksForMore(reply)) return [['smtp_security_required', text, adviceFor(reply)]]
  if (wantsCertificate.test(reply.text)) return [['smtp_client_certificate_wanted', text]]
  const lasting = code === 'smtp_recipient_deferred' ? 'smtp_recipient_refused' : code
  if (refusesHello(reply, hello)) return ourName(text, hello, setup, lasting)
  return [[code, text, code === 'smtp_recipient_deferred' ? undefined : adviceFor(reply)]]
}

/** In a reply after a successful handshake, in the words of Postfix (`smtpd_tls_req_ccert`). */
const wantsCertificate =
  /\bno client certificate|client certificate (?:is )?(?:required|needed|missing|not (?:presented|trusted|valid))/i

/**
 * Greylisting as it is in practice (RFC 6647 §2.1). No other 4xx passes by waiting: Postfix denies relaying with 454,
 * 452 is a full disk, 4.3.x is a broken mail system (RFC 3463 §3.4), and a client or sender that does not resolve stays
 * so.
 */
const greylisting = /^45[01](?![ -]4\.3\.)/
const notGreylisting = /(?:Client host|Sender address) rejected|cannot find your/i

const recipientProblem = ({ text }: Reply): Reason['code'] =>
  greylisting.test(text) && (!notGreylisting.test(text) || /gr[ea]ylist/i.test(text))
    ? 'smtp_recipient_deferred'
    : 'smtp_recipient_refused'
