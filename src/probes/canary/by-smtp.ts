import { address } from '../../clients/socket.ts'
import { Unresolved, describeError } from '../../core/errors.ts'
import { failureOf, type Look } from '../../core/probe.ts'
import { redactor } from '../../core/redact.ts'
import { openRelay, connectionFor, plainError, type Login } from '../smtp/opening.ts'
import { planFor, type SmtpPlan } from '../smtp/plan.ts'
import type { Sent } from '../smtp/send.ts'
import type { Session } from '../smtp/session.ts'
import type { SmtpTarget } from '../smtp/target.ts'
import { ended, notSent, type HandedOver, type Outgoing } from './outgoing.ts'
import type { HandOver } from './seen.ts'

/** Opens the relay exactly as its own check does, and sends the mail. */
export async function bySmtp(target: SmtpTarget, mail: Outgoing, look: Look): Promise<HandedOver> {
  const secrets = redactor()
  // A relay may quote them, and what it said is kept for longer than this run.
  for (const one of [mail.token, mail.from, mail.to, mail.envelopeFrom]) secrets.add(one)
  const clean = (text: string): string => secrets.text(text)
  const name = `smtp/${target.name}`
  let plan: Awaited<ReturnType<typeof planFor>>
  try {
    plan = await planFor(target, look, secrets)
  } catch (error) {
    if (!(error instanceof Unresolved)) throw error
    return notSent(name, describeError(error))
  }
  if ('notUnderstood' in plan) return notSent(name, `url: ${plan.notUnderstood}`)
  const place = address(plan.host, plan.port)
  const connection = connectionFor(look)
  let result: HandedOver
  try {
    const { session, login, mails, trusted } = await openRelay(connection, plan, target, clean)
    const why = mails ? undefined : trusted ? await whyNotIn(login, plan) : whyNotTrusted(session)
    result =
      why === undefined
        ? ended(place, handOverOf(await session.send({ from: mail.envelopeFrom, to: mail.to }, mail.message), text))
        : notSent(place, why)
  } catch (error) {
    result = notSent(place, text(error))
  }
  await connection.close()
  return result

  function text(error: unknown): string {
    return failureOf(plainError(error, clean), look, place).text
  }
}

function handOverOf(sent: Sent, text: (error: unknown) => string): HandOver {
  const at = Date.now()
  if (sent.kind === 'accepted') return { kind: 'accepted', at, reply: sent.reply }
  if (sent.kind === 'unanswered') return { kind: 'unanswered', at, text: text(sent.error) }
  const { verb, reply } = sent
  const code = Number(reply.slice(0, 3))
  const [, status] = /^\d{3}[ -]([245]\.\d{1,3}\.\d{1,3})\b/.exec(reply) ?? []
  return { kind: 'refused', verb, code, status, text: reply, forNow: code < 500 }
}

/** Why the application would not talk to this server. */
function whyNotTrusted({ tls, dialogue }: Session): string {
  if (dialogue.injected) return 'clear text followed the answer to STARTTLS'
  if (tls) return `its certificate does not verify: ${tls.problems.join(', ')}`
  return 'there is no TLS: STARTTLS is not offered, or was refused'
}

/** Why there is no login, and the relay wants one. */
async function whyNotIn({ authenticated, backOff, mechanism }: Login, plan: SmtpPlan): Promise<string> {
  const fetched = await plan.credentials
  if (fetched && 'unresolved' in fetched) return fetched.unresolved
  if (authenticated === false || backOff) {
    const again = backOff && authenticated === undefined ? ', and is not tried again yet' : ''
    return `the login was refused${again}`
  }
  return mechanism ? 'there was no login' : 'no mechanism on offer takes a password'
}
