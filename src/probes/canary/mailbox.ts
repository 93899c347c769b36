import { MailboxError, openMailbox, type Mailbox, type MailboxPlan } from '../../clients/imap/index.ts'
import { readPemFiles } from '../../clients/pem.ts'
import { address } from '../../clients/socket.ts'
import { describeError, Unresolved } from '../../core/errors.ts'
import { failureOf, type Look } from '../../core/probe.ts'
import { redactor } from '../../core/redact.ts'
import { shapes } from '../../core/shape.ts'
import { sourceOf } from '../../core/source.ts'
import { attemptOf, loginBackOff } from './back-off.ts'
import type { MailboxSeen } from './seen.ts'
import type { MailboxTarget } from './target.ts'

const usualPorts = { tls: 993, starttls: 143, none: 143 } as const

/** How to log in. Throws Unresolved. */
async function mailboxPlan(target: MailboxTarget, look: Look): Promise<MailboxPlan> {
  const { security, servername, ca_file, user, password, token } = target
  const given = token ?? password
  const [host, port, name, secret, tls] = await Promise.all([
    look.text('mailbox.host', target.host, shapes.host),
    target.port === undefined ? usualPorts[security] : look.text('mailbox.port', target.port, shapes.port),
    look.text('mailbox.user', user, shapes.user),
    given === undefined ? '' : look.secret(token ? 'mailbox.token' : 'mailbox.password', given),
    readPemFiles({ ca_file }, look),
  ])
  if (secret === '')
    throw new Unresolved(`mailbox.${token ? 'token' : 'password'}: ${given ? sourceOf(given) : ''}: it is empty`)
  return {
    host,
    port,
    security,
    name: servername ?? host,
    tls,
    user: name,
    secret,
    token: token !== undefined,
  }
}

type Failure = NonNullable<MailboxSeen['failure']>

/** What went wrong with a mailbox, as a fact; throws what is no fault of it. */
export function mailboxFailure(error: unknown, look: Look, place: string): Failure {
  if (error instanceof MailboxError) {
    look.failed(error, error.message)
    return { fault: error.fault, text: error.message }
  }
  if (look.signal.aborted) return { fault: 'silent', text: failureOf(error, look, place).text }
  throw error
}

export interface Opening {
  readonly address: string
  readonly session?: Mailbox | undefined
  readonly failure?: Failure | undefined
}

/** Opens the mailbox, unless its login was refused before and is not tried again yet. Never rejects for a fault of the mailbox. */
export async function enterMailbox(target: MailboxTarget, look: Look): Promise<Opening> {
  let plan: MailboxPlan
  try {
    plan = await mailboxPlan(target, look)
  } catch (error) {
    if (!(error instanceof Unresolved)) throw error
    return { address: 'mailbox', failure: { fault: 'unresolved', text: describeError(error) } }
  }
  const place = address(plan.host, plan.port)
  const attempt = attemptOf(plan)
  const earlier = await loginBackOff.current(attempt)
  if (earlier) return { address: place, failure: { fault: 'backed_off', text: earlier.text } }
  try {
    const session = await openMailbox(look, plan)
    await loginBackOff.accepted(attempt)
    return { address: place, session }
  } catch (error) {
    const { fault, text } = mailboxFailure(error, look, place)
    // The server may quote the login. What is kept of a refusal is shown in runs that do not know its secret.
    const secrets = redactor()
    secrets.add(plan.secret)
    const failure = { fault, text: secrets.text(text) }
    if (failure.fault === 'login') await loginBackOff.refused(attempt, { text: failure.text, token: plan.token })
    return { address: place, failure }
  }
}
