/** A relay that keeps what it took until the test says what becomes of it, and the mailbox behind it: a real Dovecot. */
import { SMTPServer } from 'smtp-server'
import { buffer } from 'node:stream/consumers'
import type { CanaryTarget, MailboxTarget } from '../../../src/probes/canary/target.ts'
import { canary } from '../../../src/probes/canary/index.ts'
import type { CanarySeen } from '../../../src/probes/canary/seen.ts'
import type { SmtpTarget } from '../../../src/probes/smtp/target.ts'
import { listen } from '../../servers/hostile.ts'
import type { Dovecot } from '../../servers/dovecot.ts'
import { look, values, type LookOptions } from '../look.ts'

/** What becomes of a mail that the relay took. */
export type Fate = 'deliver' | 'hold' | 'discard' | 'twice' | 'junk' | 'bounce' | 'silent'

export interface Relay {
  readonly port: number
  /** What becomes of the mails from now on. */
  fate: Fate
  /** The answer to RCPT TO, instead of 250. */
  refusal: number | undefined
  /** What was taken and is held. */
  readonly queue: string[]
  /** How many were taken. */
  readonly taken: number
  /** Delivers all that is held. */
  flush(): Promise<void>
  close(): Promise<void>
}

export async function startRelay(dovecot: Dovecot): Promise<Relay> {
  const queue: string[] = []
  const state: { fate: Fate; refusal: number | undefined } = { fate: 'deliver', refusal: undefined }
  let taken = 0
  async function handle(mail: string): Promise<void> {
    taken++
    if (state.fate === 'hold') queue.push(mail)
    if (['deliver', 'twice', 'silent'].includes(state.fate)) await dovecot.deliver(mail)
    if (state.fate === 'twice') await dovecot.deliver(mail)
    if (state.fate === 'junk') await dovecot.deliver(mail, { to: 'canary+Junk@example.test' })
    if (state.fate === 'bounce') await dovecot.deliver(bounceOf(mail), { from: '' })
  }
  const server = new SMTPServer({
    disabledCommands: ['STARTTLS', 'AUTH'],
    disableReverseLookup: true,
    logger: false,
    onRcptTo: (_address, _session, done) => {
      const { refusal } = state
      done(refusal === undefined ? null : Object.assign(new Error('Refused'), { responseCode: refusal }))
    },
    onData: (stream, _session, done) => {
      buffer(stream).then(
        mail => {
          if (state.fate !== 'silent') done()
          void handle(mail.toString('latin1'))
        },
        (error: unknown) => done(error as Error),
      )
    },
  })
  server.on('error', () => undefined)
  const { port, close } = await listen(server.server, {})
  return {
    port,
    queue,
    get fate() {
      return state.fate
    },
    set fate(fate) {
      state.fate = fate
    },
    get refusal() {
      return state.refusal
    },
    set refusal(refusal) {
      state.refusal = refusal
    },
    get taken() {
      return taken
    },
    async flush() {
      for (const mail of queue.splice(0)) await dovecot.deliver(mail)
    },
    close: async () => {
      server.close()
      await close()
    },
  }
}

/** As Postfix reports it (RFC 3464), in short. */
const bounceOf = (mail: string): string => `From: MAILER-DAEMON@mail.example.test
To: canary@example.test
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="cut"

--cut
Content-Type: text/plain

It could not be delivered.

--cut
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.example.test

Final-Recipient: rfc822; canary@example.test
Action: failed
Status: 5.2.2
Diagnostic-Code: smtp; 552 5.2.2 <canary@example.test> Quota exceeded

--cut
Content-Type: text/rfc822-headers

${mail.slice(0, mail.search(/\r?\n\r?\n/))}

--cut--
`

/** Where it is awaited: this mailbox, with the password by a reference. */
export const mailboxOf = ({ host, ports, user }: Dovecot) => ({
  host,
  port: ports.imap,
  security: 'none' as const,
  user,
  password: { env: 'PASSWORD' },
})

/** A canary that leaves by this relay and is awaited in this mailbox. */
export function targetOf(
  relay: Pick<Relay, 'port'>,
  dovecot: Dovecot,
  { mailbox, ...more }: Partial<Omit<CanaryTarget, 'mailbox'>> & { mailbox?: Partial<MailboxTarget> } = {},
): CanaryTarget {
  const target: SmtpTarget = {
    name: 'relay',
    host: '127.0.0.1',
    port: relay.port,
    security: 'none',
    verify: true,
    auth: 'auto',
  } as SmtpTarget
  return {
    name: 'to a mailbox',
    smtp: 'relay',
    way: { kind: 'smtp', target },
    from: 'app@example.test',
    to: dovecot.user,
    late_after: 60_000,
    lost_after: 900_000,
    mailbox: { ...mailboxOf(dovecot), ...mailbox },
    ...more,
  }
}

/** One run. Unless the test says another interval, a mail is due in each. */
export async function run(target: CanaryTarget, dovecot: Dovecot, options: LookOptions = {}) {
  const ran = await look(canary, target, {
    timeoutMs: 10_000,
    intervalMs: 1,
    references: values({ PASSWORD: dovecot.password }),
    ...options,
  })
  if (!ran) throw new Error('the run was cut off')
  return { ...ran, saw: ran.seen as CanarySeen }
}
