/** Canaries: their targets, and what a run of one saw. */
import { canary } from '../../src/probes/canary/index.ts'
import type { CanaryMail, CanarySeen } from '../../src/probes/canary/seen.ts'
import type { CanaryTarget } from '../../src/probes/canary/target.ts'
import { checkOf, reported, start, type Looked } from './looked.ts'

/** A canary that leaves by the relay `relay`, if nothing else is said. */
export const canaryTarget = ({
  name = 'outside',
  ...more
}: { name?: string; smtp?: string; ses?: string } = {}): CanaryTarget =>
  canary.target.parse({
    name,
    from: 'canary@app.example.com',
    to: 'canary@box.example.net',
    mailbox: { host: 'imap.example.net', user: 'canary@box.example.net', password: { env: 'CANARY_PASSWORD' } },
    ...(more.smtp === undefined && more.ses === undefined && { smtp: 'relay' }),
    ...more,
  })

const second = 1_000

/** A mail that arrived in the inbox after some seconds, unless something else is said. */
export const mailAt = (sentAt: number, more: Partial<CanaryMail> = {}): CanaryMail => ({
  sentAt,
  reply: '250 2.0.0 Ok: queued as 4ZxY0123456',
  fate: 'arrived',
  arrival: {
    seconds: 2.4,
    seenAt: sentAt + 2_400,
    folder: 'inbox',
    folderName: 'INBOX',
    copies: 1,
    headers: {
      authentication: { by: 'mx.example.net', results: { spf: 'pass', dkim: 'pass', dmarc: 'pass' } },
      hops: 3,
      slowestHopSeconds: 1,
      clearHops: [],
    },
  },
  ...more,
})

/** A mail that is under way. */
export const outSince = (sentAt: number): CanaryMail => mailAt(sentAt, { fate: 'out', arrival: undefined })

/** What a run saw that ended now: its mail arrived. */
export const canarySeen = (more: Partial<CanarySeen> = {}, at = start): CanarySeen => ({
  at,
  address: 'mail.keybuzz.io:587',
  handOver: { kind: 'accepted', at: at - 5 * second, reply: '250 2.0.0 Ok: queued as 4ZxY0123456' },
  mails: [mailAt(at - 5 * second), mailAt(at - 305 * second)],
  mailbox: { address: 'imap.example.net:993', readAt: at, missing: [] },
  counts: {
    sent: 2,
    arrived: { inbox: 2, junk: 0, other: 0 },
    late: 0,
    lost: 0,
    rejected: 0,
    bounced: 0,
    duplicates: 0,
    leftoversRemoved: 0,
  },
  ...more,
})

/** The interval of canaries, in milliseconds. */
export const canaryIntervalMs = 300_000

/** A canary with these reasons. */
export function canaryThat(
  codes: readonly string[] = [],
  {
    target = canaryTarget(),
    seen = canarySeen(),
    at = start,
    needs = [],
    unmet = [],
  }: {
    target?: CanaryTarget
    seen?: CanarySeen
    at?: number
    needs?: readonly string[]
    unmet?: readonly string[]
  } = {},
): Looked {
  return {
    check: { ...checkOf(canary, target, needs), intervalMs: canaryIntervalMs },
    observation: reported(canary, target, codes, { seen, at, unmet }),
  }
}
