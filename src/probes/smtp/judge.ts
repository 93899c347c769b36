import { endsSoonIn, whatIsWrong, type Shown } from '../../clients/certificates.ts'
import type { Reason } from '../../core/probe.ts'
import { mechanismsOf, passwordMechanisms, type SmtpSeen } from './observe.ts'
import type { SmtpTarget } from './index.ts'
import { reason, type SmtpReason } from './reasons.ts'
import type { Suspension } from './suspension.ts'
import { is2xx, type Reply, type Step } from './transcript.ts'

export const replyTo = (seen: SmtpSeen, step: Step): Reply | undefined => seen.replies.findLast(r => r.step === step)

/** Whether STARTTLS is offered in the clear and taken where it was tried; undefined where that is not known. */
export function hasStarttls({ replies, extensions }: SmtpSeen): boolean | undefined {
  const refused = replies.some(reply => reply.step === 'starttls' && !is2xx(reply))
  return extensions.clear && !refused && offersStarttls(extensions.clear)
}

const offersStarttls = (lines: readonly string[]): boolean => lines.some(line => /^STARTTLS\b/.test(line))

/** Every reason that holds; none only where a login was taken, or an envelope by a relay without login. */
export function reasonsIn(seen: SmtpSeen, target: SmtpTarget): Reason[] {
  const problems = [brokenOff(seen), tlsProblem(seen, target), loginProblem(seen, target), envelopeProblem(seen)]
  const found = problems.flatMap(problem => (problem ? [toReason(seen, problem)] : []))
  const proven = target.user === undefined ? is2xx(replyTo(seen, 'rcpt_to')) : seen.authenticated === true
  if (proven || found.some(({ verdict }) => verdict !== 'warn')) return found
  const missing: Problem =
    target.user === undefined
      ? ['smtp_login_not_configured', 'no user is set, so that no login was tried']
      : ['smtp_protocol_error', 'the login came to no end']
  return [...found, toReason(seen, missing)]
}

type Problem = readonly [code: SmtpReason, text: string]

const toReason = ({ address }: SmtpSeen, [code, text]: Problem): Reason =>
  reason(code, text.startsWith(address) ? text : `${address}: ${text}`)

const quoted = (reply: Reply): string => `"${reply.text.slice(0, 160)}"`

/** Why the dialogue broke off. */
function brokenOff({ failure, replies }: SmtpSeen): Problem | undefined {
  if (!failure) return undefined
  const { phase, code, text, timedOut } = failure
  if (timedOut) return ['smtp_no_answer', text]
  // That a server hangs up after a 421 is no news (RFC 5321 §3.8): what it refused is told for itself.
  if (phase === 'envelope' && replies.at(-1)?.code === 421) return undefined
  if (phase === 'dns' || phase === 'connect') return ['smtp_unreachable', text]
  if (phase === 'tls') return ['smtp_tls_failed', text]
  const last = replies.at(-1)
  if (last?.step === phase && (last.code ?? 0) >= 400)
    return ['smtp_greeting_refused', `the answer was ${quoted(last)} (phase ${phase})`]
  if (code === 'ECONNECTION' || code === 'ECONNRESET' || code === 'EPIPE') return ['smtp_closed', text]
  return ['smtp_protocol_error', last?.step === phase ? `the answer was ${quoted(last)} (phase ${phase})` : text]
}

function tlsProblem(seen: SmtpSeen, { security, certificate_warning }: SmtpTarget): Problem | undefined {
  const { tls, extensions, injected, at } = seen
  if (injected)
    return ['smtp_protocol_error', 'clear text stood behind the answer to STARTTLS: somebody injects replies']
  if (security === 'starttls' && !tls && extensions.clear) {
    if (!offersStarttls(extensions.clear)) return ['smtp_starttls_missing', 'STARTTLS is not offered']
    const refusal = replyTo(seen, 'starttls')
    return refusal && !is2xx(refusal)
      ? ['smtp_starttls_refused', `the answer to STARTTLS was ${quoted(refusal)}`]
      : undefined
  }
  if (!tls) return undefined
  const { chain, problems, expected } = tls
  if (problems.length > 0)
    return [
      'smtp_certificate_invalid',
      chain
        ? whatIsWrong(chain, { problems, expected, at })
        : `the certificate does not verify (${problems.join(', ')})`,
    ]
  const ends = endsSoonIn(shownBy(seen), certificate_warning)
  return ends === undefined ? undefined : ['smtp_certificate_expires_soon', ends]
}

/** The certificates of the relay, and whether they verify. */
export const shownBy = ({ tls, at }: SmtpSeen): Shown | undefined =>
  tls?.chain && { chain: tls.chain, verified: tls.problems.length === 0, at }

function loginProblem(seen: SmtpSeen, { user, security }: SmtpTarget): Problem | undefined {
  const { authenticated, suspended, unresolved, extensions, tls, failure } = seen
  if (user === undefined) return undefined
  if (unresolved !== undefined) return ['smtp_password_unresolved', unresolved]
  if (suspended)
    return [
      asksForMore(suspended.reply) ? 'smtp_security_required' : 'smtp_auth_failed',
      refusal(seen.user ?? '', suspended),
    ]
  const reply = replyTo(seen, 'auth')
  if (authenticated === false && reply)
    return [
      Math.floor((reply.code ?? 0) / 100) === 4 ? 'smtp_auth_temporary' : 'smtp_protocol_error',
      `the answer to the login of ${seen.user ?? ''} was ${quoted(reply)}`,
    ]
  const trusted = security === 'none' || tls?.problems.length === 0
  if (authenticated !== undefined || failure || !trusted || !extensions.now) return undefined
  const offered = mechanismsOf(extensions)
  if (passwordMechanisms.some(known => offered.includes(known))) return undefined
  const offer = offered.length > 0 ? `only ${offered.join(' ').slice(0, 80)}` : 'no AUTH'
  return ['smtp_auth_not_offered', `${offer} is offered, and none of ${passwordMechanisms.join(' ')}`]
}

/** For a login, or for TLS (RFC 3207 §4, RFC 4954 §6): no verdict on the password, the sender or the recipient. */
const asksForMore = ({ code }: Reply): boolean => code === 530 || code === 538

const refusal = (user: string, { refusals, reply, until }: Suspension): string =>
  `the login of ${user} was refused with ${quoted(reply)}${refusals > 1 ? `, ${refusals} times in a row` : ''}; next try not before ${new Date(until).toISOString()}`

function envelopeProblem(seen: SmtpSeen): Problem | undefined {
  const [sender, recipient] = [replyTo(seen, 'mail_from'), replyTo(seen, 'rcpt_to')]
  if (sender && !is2xx(sender))
    return [
      asksForMore(sender) ? 'smtp_security_required' : 'smtp_sender_refused',
      `the answer to MAIL FROM was ${quoted(sender)}`,
    ]
  if (!recipient || is2xx(recipient)) return undefined
  return [recipientProblem(recipient), `the answer to RCPT TO was ${quoted(recipient)}`]
}

/**
 * As it is in the field (RFC 6647 §2.1). Waiting heals no other 4xx: Postfix denies relaying with 454, 452 is a full disk,
 * and 4.3.x says that the mail system itself is broken (RFC 3463 §3.4).
 */
const greylisting = /^45[01](?![ -]4\.3\.)/

function recipientProblem(reply: Reply): SmtpReason {
  if (asksForMore(reply)) return 'smtp_security_required'
  return greylisting.test(reply.text) ? 'smtp_recipient_deferred' : 'smtp_recipient_refused'
}
