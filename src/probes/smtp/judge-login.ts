import { adviceFor } from './enhanced.ts'
import { allowsAuth, mechanismsOf, passwordMechanisms } from './mechanisms.ts'
import type { SmtpSeen } from './observe.ts'
import type { Setup } from './plan.ts'
import type { Problem } from './reasons.ts'
import type { SmtpBackOff } from './back-off.ts'
import { asksForMore, offersStarttls, quoted, replyTo, type Reply } from './dialogue.ts'

/** What is wrong with the login, if there should be one. `trusted`: the server may be given the password. */
export function loginProblem(seen: SmtpSeen, setup: Setup, trusted: boolean): Problem | undefined {
  const { authenticated, backOff, unresolved, extensions, failure } = seen
  if (!setup.login) return undefined
  if (unresolved !== undefined) return ['smtp_password_unresolved', unresolved]
  const reply = backOff?.reply ?? replyTo(seen, 'auth')
  if ((backOff ?? authenticated === false) && reply) return refusal(seen, reply)
  if (authenticated !== undefined || failure || !trusted || !extensions.now) return undefined
  return notOffered(seen)
}

/** A login was made without TLS although the target would have accepted TLS. */
export const clearLogin = ({ authenticated, tls }: SmtpSeen, { security }: Setup): Problem | undefined =>
  authenticated !== undefined && !tls && security === 'opportunistic'
    ? ['smtp_login_in_clear', 'STARTTLS is not offered, and the login was sent in the clear']
    : undefined

function notOffered({ extensions, mechanism, tls }: SmtpSeen): Problem | undefined {
  if (mechanism) return undefined
  if (!allowsAuth(extensions))
    return [
      'smtp_auth_not_offered',
      'no AUTH is offered, and nodemailer hands mail over without a login then',
      !tls && offersStarttls(extensions.clear ?? [])
        ? 'STARTTLS is offered, and most relays offer AUTH only after it: set `security: starttls` here, and let the application use TLS.'
        : undefined,
    ]
  const mechanisms = mechanismsOf(extensions)
  if (passwordMechanisms.some(known => mechanisms.includes(known))) return undefined
  const offered = mechanisms.join(' ').slice(0, 80)
  return mechanisms.some(name => name === 'XOAUTH2' || name === 'OAUTHBEARER')
    ? [
        'smtp_auth_method_not_offered',
        `only ${offered} is offered: the relay takes a token of OAuth, and no password`,
        'Log in by OAuth: set `token` and `auth: xoauth2` here in place of the password, and let the application do the same (nodemailer: type OAuth2). Or use a relay that takes a password.',
      ]
    : ['smtp_auth_method_not_offered', `only ${offered} is offered, and none of ${passwordMechanisms.join(' ')}`]
}

function refusal(seen: SmtpSeen, reply: Reply): Problem {
  const { backOff, user = '' } = seen
  const detail = reply.detail === undefined ? '' : ` (${reply.detail})`
  const code = Math.floor((reply.code ?? 0) / 100)
  if (asksForMore(reply)) return ['smtp_security_required', refused(user, reply, detail, backOff), adviceFor(reply)]
  if (backOff) return ['smtp_auth_failed', refused(user, reply, detail, backOff), remedyFor(seen, reply)]
  return code === 4
    ? ['smtp_auth_temporary', `the answer to the login of ${user} was ${quoted(reply)}${detail}`, adviceFor(reply)]
    : ['smtp_protocol_error', `the answer to the login of ${user} was ${quoted(reply)}${detail}`]
}

const refused = (user: string, reply: Reply, detail: string, backOff: SmtpBackOff | undefined): string =>
  backOff
    ? `the login of ${user} was refused with ${quoted(reply)}${detail}${backOff.count > 1 ? `, ${backOff.count} times in a row` : ''}; next try not before ${new Date(backOff.until).toISOString()}`
    : `the answer to the login of ${user} was ${quoted(reply)}${detail}`

/** The provider's own advice; else what can be changed: the token, or the mechanism if others are on offer. */
function remedyFor({ mechanism, extensions }: SmtpSeen, reply: Reply): string | undefined {
  if (mechanism === 'XOAUTH2') return adviceForToken(reply)
  const advice = adviceFor(reply)
  const others = mechanismsOf(extensions).filter(
    name => name !== mechanism && (name === 'XOAUTH2' || passwordMechanisms.some(known => known === name)),
  )
  if (mechanism === undefined || others.length === 0) return advice
  const other = `If the application logs in another way than ${mechanism}, set \`auth\`: the relay offers ${others.join(', ')} too${others.includes('XOAUTH2') ? ' (XOAUTH2 with `token`)' : ''}.`
  if (isUnknownMechanism(reply)) return `The relay does not take ${mechanism}. ${other}`
  return `${advice ?? setPassword} ${other}`
}

const setPassword =
  'Set the right password where it comes from. If it was put right at the relay, restart the exporter to try at once.'

/** RFC 4954 §4: 504 is no verdict on the password. */
const isUnknownMechanism = ({ code, text }: Reply): boolean => code === 504 || /\b5\.7\.4\b|\b5\.5\.4\b/.test(text)

const adviceForToken = (reply: Reply): string =>
  isUnknownMechanism(reply)
    ? 'The relay does not take XOAUTH2: set user and password in place of `token`, as the application does.'
    : 'The relay refuses the token: it has ended (most live for an hour), or it is for another user, or without the scope to send. See that what writes `token` renews it; a new token is tried at once.'
