import { oneLine } from '../../core/errors.ts'
import type { Look } from '../../core/probe.ts'

/** `null_sender`: a MAIL FROM without a sender, which only asks whether a login is needed. */
export type Step = 'greeting' | 'ehlo' | 'starttls' | 'auth' | 'null_sender' | 'mail_from' | 'rcpt_to'

/** The server's answer to a step; without a code if it is not a reply of SMTP (RFC 5321 §4.2). */
export interface Reply {
  readonly step: Step
  readonly code: number | undefined
  readonly text: string
  /** The same in another form, such as the error of an OAuth token. */
  readonly detail?: string | undefined
}

export const is2xx = (reply: Reply | undefined): boolean => Math.floor((reply?.code ?? 0) / 100) === 2

/** The server wants a login or TLS first (RFC 3207 §4, RFC 4954 §6): no verdict on password, sender or recipient. */
export const asksForMore = ({ code }: Reply): boolean => code === 530 || code === 538

export const quoted = (reply: Reply): string => `"${reply.text.slice(0, 160)}"`

/** The last reply to a step. */
export const replyTo = ({ replies }: { readonly replies: readonly Reply[] }, step: Step): Reply | undefined =>
  replies.findLast(reply => reply.step === step)

/** The keywords of EHLO with their parameters, in capitals (RFC 5321 §4.1.1.1). */
export interface Extensions {
  /** Before TLS began; undefined if the session began with TLS, or EHLO was not answered. */
  readonly clear: readonly string[] | undefined
  readonly now: readonly string[] | undefined
  /** EHLO was refused and HELO accepted, which offers nothing. */
  readonly helo?: boolean | undefined
}

export const offersStarttls = (lines: readonly string[]): boolean => lines.some(line => /^STARTTLS\b/.test(line))

/** The replies of a session and its phases, taken from nodemailer's own log. */
export interface Dialogue {
  readonly replies: readonly Reply[]
  readonly extensions: Extensions
  /** Clear text followed the reply to STARTTLS (response injection). nodemailer has discarded it. */
  readonly injected: boolean
  /** All of a mail went out. */
  readonly mailed: boolean
  /** The logger of nodemailer. Of what we send only the verb is used. */
  log(entry: { readonly tnx?: string; readonly discarded?: number }, line: unknown): void
  /** The replies from here on belong to this step, and its phase begins. */
  begin(step: Step): void
  /** A phase begins. Its replies are added by `add`. */
  enter(phase: string): void
  add(step: Step, line: string): Reply
  /** Adds a detail to the last reply. */
  explain(detail: string): void
  /** The phase under way ends. */
  leave(): void
}

/** `clean` blots secrets out of what the server said; `state` gives the state of the connection. */
export function followDialogue(
  look: Look,
  clean: (text: string) => string,
  state: { encrypted(): boolean; ended(): boolean },
): Dialogue {
  const replies: Reply[] = []
  let extensions: Extensions = { clear: undefined, now: undefined }
  let injected = false
  let mailed = false
  let helo = false
  let current: Step | undefined
  let leave = (): void => undefined

  function phase(name: string): void {
    leave()
    void look.phase(name, () => new Promise<void>(resolve => (leave = resolve)))
  }
  function begin(step: Step | undefined): void {
    current = step
    if (step) phase(step)
  }
  const note = (direction: '>' | '<', lines: string): void => look.note(clean(lines).replace(/^/gm, `${direction} `))
  function add(step: Step, line: string): Reply {
    const reply = { step, code: codeIn(line), text: oneLine(clean(line)) }
    replies.push(reply)
    return reply
  }
  function say(line: string): void {
    const verb = /^[A-Z]+(?= |$)/.exec(line)?.[0] ?? ''
    if (steps[verb] === 'ehlo') helo = verb === 'HELO'
    if (Object.hasOwn(steps, verb)) begin(steps[verb])
    // nodemailer hides commands of our own; our code notes them instead.
    if (line !== '/* secret */') note('>', shown(line))
  }
  function hear(line: string): void {
    note('<', withoutChallenge(line))
    // Leftover bytes at the end of a connection are logged like a reply.
    if (!current || state.ended()) return
    const reply = add(current, line)
    if (!is2xx(reply)) return
    if (current === 'starttls') phase('tls')
    if (current === 'ehlo')
      extensions = { clear: state.encrypted() ? extensions.clear : offers(line), now: offers(line), helo }
  }
  return {
    replies,
    get extensions() {
      return extensions
    },
    get injected() {
      return injected
    },
    get mailed() {
      return mailed
    },
    log({ tnx, discarded }, line) {
      if (discarded) injected = true
      if (tnx === 'message') {
        mailed = true
        phase('data')
        note('>', '(the mail)')
      }
      if (typeof line !== 'string') return
      if (tnx === 'client') say(line)
      if (tnx === 'server') hear(line)
    },
    begin,
    enter(name) {
      current = undefined
      phase(name)
    },
    add,
    explain(detail) {
      const last = replies.pop()
      if (last) replies.push({ ...last, detail: oneLine(clean(detail)) })
    },
    leave: () => leave(),
  }
}

const steps: Readonly<Record<string, Step | undefined>> = {
  EHLO: 'ehlo',
  HELO: 'ehlo',
  STARTTLS: 'starttls',
  AUTH: 'auth',
  QUIT: undefined,
}

/** What we send, as far as it may be shown. nodemailer hides most credentials, but we do not rely on that. */
const shown = (line: string): string => {
  if (/^(EHLO|HELO) \S+$|^(STARTTLS|RSET|QUIT|DATA|AUTH [\w-]+)$/.test(line)) return line
  return `${/^(?:AUTH [\w-]+ |MAIL FROM:|RCPT TO:)/.exec(line)?.[0] ?? ''}(hidden)`
}

/** From the challenge of CRAM-MD5 and an echoed answer the password could be guessed (RFC 2195). */
const withoutChallenge = (line: string): string => (line.startsWith('334 ') ? '334 (hidden)' : line)

const codeIn = (line: string): number | undefined =>
  /^[2-5]\d\d([ -]|$)/.test(line) ? Number(line.slice(0, 3)) : undefined

const offers = (reply: string): string[] =>
  reply
    .split('\n')
    .slice(1)
    .map(line => line.slice(4).trim().toUpperCase())
