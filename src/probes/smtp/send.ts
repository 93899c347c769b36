import { setImmediate } from 'node:timers/promises'
import type SMTPConnection from 'nodemailer/lib/smtp-connection'
import type { Dialogue } from './dialogue.ts'

export interface Envelope {
  readonly from: string
  readonly to: string
}

/** How the relay answered to a mail. */
export type Sent =
  | { readonly kind: 'accepted'; readonly reply: string }
  | { readonly kind: 'refused'; readonly verb: Verb; readonly reply: string }
  /** All of the mail went out, and no answer to it came: it may have been taken. */
  | { readonly kind: 'unanswered'; readonly error: unknown }

/** `mail`: the answer to its content. */
type Verb = 'MAIL' | 'RCPT' | 'DATA' | 'mail'

const verbs: Readonly<Record<string, Verb | undefined>> = { 'MAIL FROM': 'MAIL', 'RCPT TO': 'RCPT', DATA: 'DATA' }

/**
 * MAIL FROM, RCPT TO, DATA, and the mail, of which nodemailer stuffs the dots. Rejects if the dialogue breaks off before the
 * mail was out. `broken` rejects when it does.
 */
export async function send(
  connection: SMTPConnection,
  dialogue: Dialogue,
  broken: Promise<never>,
  { envelope, message }: { readonly envelope: Envelope; readonly message: string },
): Promise<Sent> {
  dialogue.enter('envelope')
  const answer = new Promise<string>((resolve, reject) => {
    connection.send({ ...envelope }, message, (error, info) => (error ? reject(error) : resolve(info.response)))
  })
  answer.catch(() => undefined)
  try {
    const reply = await Promise.race([answer, inTheEnd(broken)])
    if (codeIn(reply) !== undefined) return { kind: 'accepted', reply }
    return { kind: 'unanswered', error: new Error(`no reply of SMTP: ${reply}`) }
  } catch (error) {
    const refused = refusalIn(error)
    if (refused) return refused
    if (dialogue.mailed) return { kind: 'unanswered', error }
    throw error
  } finally {
    dialogue.leave()
  }
}

/** A turn later: nodemailer may close before it gives the answer that it has. */
async function inTheEnd(broken: Promise<never>): Promise<never> {
  try {
    return await broken
  } finally {
    await setImmediate()
  }
}

const codeIn = (reply: string): number | undefined =>
  /^[245]\d\d([ -]|$)/.test(reply) ? Number(reply.slice(0, 3)) : undefined

/** Undefined if the error is not the answer to one of the commands. */
function refusalIn(error: unknown): Sent | undefined {
  const { response, command = '', code } = error as { response?: unknown; command?: string; code?: unknown }
  const verb = code === 'EMESSAGE' ? 'mail' : verbs[command]
  if (typeof response !== 'string' || !verb || (codeIn(response) ?? 0) < 400) return undefined
  return { kind: 'refused', verb, reply: response }
}
