/** Status values of an application with two ways out and an outbox in front of them. */
import type { Status } from '../../src/monitor/ledger.ts'
import { mail } from '../../src/probes/mail/index.ts'
import { outbox } from '../../src/probes/outbox/index.ts'
import type { OutboxRows, OutboxSeen } from '../../src/probes/outbox/observe.ts'
import { ses } from '../../src/probes/ses/index.ts'
import type { SesAsked, SesSeen } from '../../src/probes/ses/seen.ts'
import { smtp } from '../../src/probes/smtp/index.ts'
import { askedSes } from './ses.ts'
import { checkOf, landingOn, node, path, primaryFacts, reported, start, statusFrom, type Looked } from './looked.ts'

const wellFormed = { state: 'well_formed', source: 'env' } as const
/** Null: SES was not asked. */
export const sesSeen = (asked: SesAsked | null = askedSes()): SesSeen => ({
  settings: { access_key: wellFormed, secret_key: wellFormed, region: wellFormed },
  asked: asked ?? undefined,
})

export const outboxRows = (fields: Partial<OutboxRows> = {}): OutboxRows => ({
  pending: 0,
  oldestPendingSeconds: undefined,
  lastSentSeconds: 4,
  sending: undefined,
  oldestSendingSeconds: undefined,
  failed: undefined,
  standby: false,
  now: start / 1_000,
  ...fields,
})

const relay = smtp.target.parse({ name: 'mail.keybuzz.io', host: 'mail.keybuzz.io' })
const account = ses.target.parse({
  name: 'backend SES',
  access_key: { env: 'KEY' },
  secret_key: { env: 'SECRET' },
  region: 'eu-west-1',
  from: 'no-reply@keybuzz.io',
})
const table = outbox.target.parse({
  name: 'outbound mail',
  cluster: 'keybuzz',
  url: 'postgres://mailpath@db-1:5432/keybuzz',
  table: 'public.outbound_email',
  created: 'created_at',
  pending: 'sent_at is null',
})
const app = mail.target.parse({ name: 'keybuzz-backend', fallback: 'ses' })

export const takes = (codes: readonly string[] = []): Looked => ({
  check: checkOf(smtp, relay),
  observation: reported(smtp, relay, codes),
})

/** An SES that said this, and what follows from it. */
export const sesThat = (seen: SesSeen, codes: readonly string[] = []): Looked => ({
  check: checkOf(ses, account),
  observation: reported(ses, account, codes, { seen }),
})

/** An outbox with these rows, and what follows from them. */
export function outboxThat(rows: OutboxRows | undefined, codes: readonly string[] = []): Looked {
  const seen: OutboxSeen = { address: 'db-1:5432', rows }
  return { check: checkOf(outbox, table), observation: reported(outbox, table, codes, { seen }) }
}

const facts = primaryFacts(1)
const rest: readonly Looked[] = [
  node('db-1', facts),
  path('backend', [landingOn(facts)]),
  { check: checkOf(mail, app), observation: reported(mail, app, [], { seen: { provider: 'smtp' } }) },
]

/** These, of an application whose write path is well. */
export const deliveringThat = (...parts: readonly Looked[]): Status =>
  statusFrom([...rest, ...parts], { mail: [app], now: start + 4_000, startedAt: start - 9 * 86_400_000 })

/** The relay refuses, SES takes the mail, and little waits. */
export const secondWayOut = (): Status =>
  deliveringThat(
    takes(['smtp_unreachable']),
    sesThat(sesSeen()),
    outboxThat(outboxRows({ pending: 3, oldestPendingSeconds: 4.2, sending: 1 })),
  )

/** The relay refuses, SES is paused, and what the application put aside waits for it. */
export const noWayOut = (): Status =>
  deliveringThat(
    takes(['smtp_unreachable']),
    sesThat(sesSeen(askedSes({ sendingEnabled: false, enforcement: 'PROBATION' })), [
      'ses_sending_paused',
      'ses_account_under_review',
    ]),
    outboxThat(outboxRows({ pending: 10_001, oldestPendingSeconds: 1_260, sending: 0, failed: 12 }), [
      'outbox_stuck',
      'outbox_growing',
      'outbox_given_up',
    ]),
  )

/** Both ways out are fine, and the sender of the application does not move. */
export const hangingSender = (): Status =>
  deliveringThat(
    takes(),
    sesThat(sesSeen(askedSes({ max24Hours: -1 }))),
    outboxThat(outboxRows({ pending: 41, oldestPendingSeconds: 7_260 }), ['outbox_stuck']),
  )
