import { describe, expect, it } from 'vitest'
import { canary } from '../../../src/probes/canary/index.ts'
import {
  authResults,
  mailboxFaults,
  type CanaryMail,
  type CanarySeen,
  type HandOver,
  type HeaderFacts,
  type MailboxSeen,
} from '../../../src/probes/canary/seen.ts'
import { valueOf } from '../values.ts'

const at = Date.parse('2026-11-30T16:00:00Z')
const [relay, imap] = ['mail.keybuzz.io:587', 'imap.example.net:993']
const target = (fields: Record<string, unknown> = {}) =>
  canary.target.parse({
    name: 'out',
    smtp: 'relay',
    from: 'canary@app.example.com',
    to: 'canary@box.example.net',
    mailbox: { host: 'imap.example.net', user: 'canary', password: { env: 'P' } },
    ...fields,
  })
const bare = target({ mailbox: undefined })

const reply = '250 2.0.0 Ok: queued as 4ZxY'
const accepted: HandOver = { kind: 'accepted', at: at - 1_000, reply }
const refused = (text: string, verb = 'RCPT'): HandOver => ({
  kind: 'refused',
  verb,
  code: Number(text.slice(0, 3)),
  status: /\d\.\d\.\d+/.exec(text)?.[0],
  text,
  forNow: text.startsWith('4'),
})
const notSent: HandOver = { kind: 'not_sent', text: `${relay}: connect ECONNREFUSED (phase connect)` }
const unanswered: HandOver = { kind: 'unanswered', at, text: `${relay}: no answer (phase data)` }

const headers: HeaderFacts = {
  authentication: { by: 'mx.example.net', results: { spf: 'pass', dkim: 'pass' } },
  hops: 3,
  slowestHopSeconds: 1,
  clearHops: [],
}
type Arrived = Partial<NonNullable<CanaryMail['arrival']>>
/** Times are seconds before the run. */
const arrived = (sent: number, seconds = 0.8, fields: Arrived = {}): CanaryMail => ({
  sentAt: at - sent * 1_000,
  reply,
  fate: 'arrived',
  arrival: {
    seconds,
    seenAt: at - (sent - seconds) * 1_000,
    folder: 'inbox',
    folderName: 'INBOX',
    copies: 1,
    headers,
    ...fields,
  },
})
const out = (sent: number, fields: Partial<CanaryMail> = {}): CanaryMail => ({
  sentAt: at - sent * 1_000,
  reply,
  fate: 'out',
  ...fields,
})
const bounced = (sent: number, status = '5.1.1'): CanaryMail =>
  out(sent, { fate: 'bounced', bounce: { seenAt: at, status, text: `550 ${status} no` } })

const box: MailboxSeen = { address: imap, readAt: at, missing: [] }
const broken = (fault: (typeof mailboxFaults)[number], fields: Partial<MailboxSeen> = {}): MailboxSeen => ({
  ...box,
  failure: { fault, text: `${imap}: what is wrong` },
  ...fields,
})
const counts = {
  sent: 7,
  arrived: { inbox: 4, junk: 1, other: 0 },
  late: 2,
  lost: 1,
  rejected: 3,
  bounced: 1,
  duplicates: 1,
  leftoversRemoved: 5,
}
const seen = (fields: Partial<CanarySeen> = {}): CanarySeen => ({
  at,
  address: relay,
  handOver: accepted,
  mails: [],
  mailbox: box,
  counts,
  ...fields,
})
const mails = (...list: CanaryMail[]): CanarySeen => seen({ mails: list })
const codes = (one: CanarySeen, fields: Record<string, unknown> = {}): string[] => {
  const { reasons: found, verdict } = canary.judge(one, target(fields))
  for (const { text } of found) expect(text).toMatch(/^(?:mail\.keybuzz\.io:587|imap\.example\.net:993): \S/)
  return [verdict, ...found.map(({ code }) => code)]
}

describe('the judgement of a canary', () => {
  it.each<[string, CanarySeen, string[]]>([
    // The newest mail whose fate is known decides.
    ['that arrived', mails(arrived(2)), ['ok']],
    ['that arrived at the last moment', mails(arrived(300, 60)), ['ok']],
    ['that arrived late', mails(arrived(300, 60.1)), ['warn', 'canary_late']],
    ['the first, which is under way', mails(out(30)), ['unknown', 'canary_under_way']],
    ['none of which was sent yet', seen({ handOver: undefined }), ['unknown', 'canary_under_way']],
    ['that is under way, after one that arrived', mails(out(30), arrived(300)), ['ok']],
    ['that is under way, after one that came late', mails(out(30), arrived(300, 100)), ['warn', 'canary_late']],
    ['that is under way, after one that came back', mails(out(30), bounced(300)), ['fail', 'canary_bounced']],
    ['that is under way for late_after', mails(out(60), arrived(300)), ['warn', 'canary_late']],
    ['that is under way for just less than lost_after', mails(out(899.9), arrived(1_200)), ['warn', 'canary_late']],
    ['that is under way for lost_after', mails(out(900), arrived(1_200)), ['fail', 'canary_lost']],
    ['that is late, where an older one is lost', mails(out(300), out(600), out(900)), ['fail', 'canary_lost']],
    [
      'that is under way, where the older ones are lost',
      mails(out(5), out(4_000), out(5_000)),
      ['fail', 'canary_lost'],
    ],
    ['that was written off', mails(out(5), out(100, { fate: 'written_off' })), ['fail', 'canary_lost']],
    ['that arrived, where older ones are lost', mails(arrived(2), out(4_000), out(5_000)), ['ok']],
    ['that arrived, where an older one came back', mails(arrived(2), bounced(300)), ['ok']],
    ['that came back', mails(bounced(2), arrived(300)), ['fail', 'canary_bounced']],
    ['that came back, and the next is late', mails(out(70), bounced(300)), ['fail', 'canary_bounced', 'canary_late']],
    // The hand-over.
    [
      'that was refused',
      seen({ handOver: refused('550 5.7.1 no'), mails: [arrived(300)] }),
      ['fail', 'canary_rejected'],
    ],
    [
      'that is refused for now',
      seen({ handOver: refused('451 4.7.1 later'), deferredSince: at - 899_000, mails: [arrived(1_000)] }),
      ['warn', 'canary_deferred'],
    ],
    [
      'that is refused for now, for long',
      seen({ handOver: refused('451 4.7.1 later'), deferredSince: at - 900_000, mails: [arrived(1_000)] }),
      ['fail', 'canary_deferred'],
    ],
    [
      'that is refused for now, and none ever came',
      seen({ handOver: refused('451 4.7.1 later'), deferredSince: at }),
      ['warn', 'canary_deferred'],
    ],
    ['that was not sent', seen({ handOver: notSent, mails: [arrived(300)] }), ['unknown', 'canary_not_sent']],
    [
      'that was not sent, where one is lost',
      seen({ handOver: notSent, mails: [out(950), arrived(1_200)] }),
      ['fail', 'canary_lost', 'canary_not_sent'],
    ],
    [
      'that was not answered',
      seen({ handOver: unanswered, mails: [out(10, { reply: undefined }), arrived(300)] }),
      ['unknown', 'canary_not_sent'],
    ],
    [
      'that was not answered, and came',
      seen({ handOver: unanswered, mails: [arrived(10), arrived(300)].map(mail => ({ ...mail, reply: undefined })) }),
      ['warn', 'canary_deferred'],
    ],
    // The mailbox.
    ...mailboxFaults.map((fault): [string, CanarySeen, string[]] => [
      `whose mailbox is ${fault}`,
      seen({ mailbox: broken(fault), mails: [arrived(300)] }),
      [
        'unknown',
        {
          unresolved: 'canary_mailbox_unresolved',
          unreachable: 'canary_mailbox_unreachable',
          silent: 'canary_mailbox_unreachable',
          not_imap: 'canary_mailbox_unreachable',
          certificate: 'canary_mailbox_certificate_invalid',
          no_tls: 'canary_mailbox_unreachable',
          login: 'canary_mailbox_login_failed',
          backed_off: 'canary_mailbox_login_failed',
          refused: 'canary_mailbox_unreachable',
        }[fault],
      ],
    ]),
    [
      'that may lie in a mailbox that cannot be read',
      seen({ mailbox: broken('silent', { readAt: at - 1_000_000 }), mails: [out(950), arrived(1_800)] }),
      ['unknown', 'canary_mailbox_unreachable'],
    ],
    [
      'that was lost before the mailbox broke',
      seen({ mailbox: broken('silent', { readAt: at - 10_000 }), mails: [out(950), arrived(1_800)] }),
      ['fail', 'canary_lost', 'canary_mailbox_unreachable'],
    ],
    [
      'whose mailbox was never read',
      seen({ mailbox: broken('login', { readAt: undefined }), mails: [out(5_000)] }),
      ['unknown', 'canary_mailbox_login_failed'],
    ],
    [
      'with a folder that is not there',
      seen({ mailbox: { ...box, missing: ['Lists', 'Old'] }, mails: [arrived(2)] }),
      ['warn', 'canary_mailbox_folder_missing'],
    ],
    [
      'that cannot be deleted',
      seen({ mailbox: { ...box, kept: 'no permission in INBOX' }, mails: [arrived(2)] }),
      ['warn', 'canary_mailbox_not_cleaned'],
    ],
    [
      'lost where the mailbox is full',
      seen({ mailbox: { ...box, full: 'OVERQUOTA' }, mails: [out(950)] }),
      ['unknown', 'canary_mailbox_full'],
    ],
    [
      'late where the mailbox is full',
      seen({ mailbox: { ...box, full: 'OVERQUOTA' }, mails: [out(70), arrived(300)] }),
      ['unknown', 'canary_mailbox_full'],
    ],
    [
      'that arrived in time, so there is room',
      seen({ mailbox: { ...box, full: '[ALERT] 95 %' }, mails: [arrived(2)] }),
      ['ok'],
    ],
    ['that came back since the mailbox is full', mails(bounced(2, '5.2.2')), ['unknown', 'canary_mailbox_full']],
    [
      'that came back since the mailbox is disabled',
      mails(bounced(2, '5.2.1')),
      ['unknown', 'canary_mailbox_unreachable'],
    ],
    [
      'that was refused since the mailbox is disabled',
      seen({ handOver: refused('550 5.2.1 the account is disabled'), mails: [arrived(300)] }),
      ['unknown', 'canary_mailbox_unreachable'],
    ],
    [
      'that was refused since the mailbox is full',
      seen({ handOver: refused('452 4.2.2 full'), mails: [arrived(300)] }),
      ['unknown', 'canary_mailbox_full'],
    ],
    // How it arrived.
    ['in junk', mails(arrived(2, 1, { folder: 'junk', folderName: 'Spam' })), ['warn', 'canary_in_junk']],
    ['in another folder', mails(arrived(2, 1, { folder: 'other', folderName: 'Lists' })), ['ok']],
    [
      'in the clear',
      mails(arrived(2, 1, { headers: { ...headers, clearHops: ['mx.example.net'] } })),
      ['warn', 'canary_sent_in_clear'],
    ],
    ['several times', mails(arrived(2), arrived(300, 1, { copies: 2 })), ['warn', 'canary_duplicated']],
    [
      'with older ones that come late',
      mails(arrived(2), arrived(300), arrived(900, 890)),
      ['warn', 'canary_backlog_draining'],
    ],
    ['with the one before, which came late', mails(arrived(2), arrived(300, 290)), ['warn', 'canary_backlog_draining']],
    ['with older ones that came late before', mails(arrived(2), arrived(300), arrived(900, 500)), ['ok']],
    ['late, and so are older ones', mails(arrived(100, 90), arrived(900, 880)), ['warn', 'canary_late']],
  ])('%s', (_, one, expected) => {
    expect(codes(one)).toEqual(expected)
  })

  it.each<[string, HandOver | undefined, string[]]>([
    ['was accepted', accepted, ['ok']],
    ['was not yet sent', undefined, ['unknown', 'canary_under_way']],
    ['was refused', refused('550 5.1.1 no'), ['fail', 'canary_rejected']],
    ['is refused for now', refused('450 4.2.0 later'), ['warn', 'canary_deferred']],
    ['was not sent', notSent, ['unknown', 'canary_not_sent']],
    ['was not answered', unanswered, ['unknown', 'canary_not_sent']],
  ])('without a mailbox, that %s', (_, handOver, [verdict, ...expected]) => {
    const found = canary.judge(seen({ handOver, mailbox: undefined }), bare)
    expect([found.verdict, ...found.reasons.map(({ code }) => code)]).toEqual([verdict, ...expected])
    expect(found.samples.map(({ metric }) => metric.name)).not.toContain('mailpath_canary_pending')
    if (handOver?.kind === 'accepted')
      expect(found.evidence).toBe(`${relay}: accepted (${reply}); whether it arrives is not known: there is no mailbox`)
  })

  it.each<[string, HeaderFacts['authentication'], string | undefined]>([
    ['found in it', { by: 'mx.example.net', results: { dkim: 'pass', dmarc: 'pass', spf: 'fail' } }, undefined],
    [
      'that failed',
      { by: 'mx.example.net', results: { dkim: 'fail', dmarc: 'pass' } },
      `${imap}: mx.example.net found dkim=fail in the canary`,
    ],
    [
      'of which it says nothing',
      { by: 'mx.example.net', results: { dkim: 'pass' } },
      `${imap}: mx.example.net found nothing of dmarc in the canary`,
    ],
    [
      'without any result',
      undefined,
      `${imap}: the canary has no Authentication-Results of mx.example.net, and dkim, dmarc should pass`,
    ],
  ])('compares what is expected with what was %s', (_, authentication, text) => {
    const found = canary.judge(
      mails(arrived(2, 1, { headers: { ...headers, authentication } })),
      target({ expect: { dkim: 'pass', dmarc: 'pass' }, authserv_id: 'mx.example.net' }),
    )
    expect(found.reasons.map(one => [one.code, one.text])).toEqual(
      text === undefined ? [] : [['canary_unauthenticated', text]],
    )
    if (authentication === undefined)
      expect(found.reasons[0]?.remedy).toContain('Set `authserv_id` to the host that writes')
  })

  it('expects nothing that is not asked for', () => {
    expect(codes(mails(arrived(2, 1, { headers: { ...headers, authentication: undefined } })))).toEqual(['ok'])
  })

  it('goes by the times of the target', () => {
    expect(codes(mails(out(1), arrived(9)), { late_after: '500ms', lost_after: '900ms' })).toEqual([
      'fail',
      'canary_lost',
    ])
  })

  it('says in one line what it saw', () => {
    expect(canary.judge(mails(arrived(2)), target()).evidence).toBe(
      `${relay}: in INBOX of ${imap} after 0.8 s, 3 hops, spf=pass dkim=pass`,
    )
    expect(canary.judge(mails(out(1_000), out(1_300)), target()).evidence).toBe(
      `${relay}: the canary of 2026-11-30T15:43:20Z was accepted ("${reply}"), and is not in the mailbox after 16 minutes; 2 have not arrived`,
    )
    expect(canary.judge(seen({ handOver: refused('550 5.7.26 unauthenticated') }), target()).reasons[0]).toMatchObject({
      text: `${relay}: the recipient (RCPT TO) was refused with "550 5.7.26 unauthenticated"`,
      remedy: expect.stringContaining('SPF and DKIM') as string,
    })
  })

  it('is never ok without an arrival in time, whatever else it sees', () => {
    const handOvers = [undefined, accepted, refused('550 5.1.1 no'), refused('450 4.2.0 no'), notSent, unanswered]
    const boxes = [box, ...mailboxFaults.map(fault => broken(fault)), { ...box, full: 'full' }]
    for (const handOver of handOvers)
      for (const mailbox of boxes)
        for (const list of [
          [],
          [out(5)],
          [out(70)],
          [out(950)],
          [bounced(5)],
          [arrived(99, 70)],
          [out(950), arrived(1_000)],
        ])
          expect(canary.judge(seen({ handOver, mailbox, mails: list }), target()).verdict).not.toBe('ok')
  })

  it('never fails for a mailbox', () => {
    for (const fault of mailboxFaults)
      for (const list of [[], [out(5)], [out(5_000)], [out(950), arrived(1_000)]])
        expect(
          canary.judge(seen({ mailbox: broken(fault, { readAt: undefined }), mails: list }), target()).verdict,
        ).toBe('unknown')
  })
})

describe('the metrics of a canary', () => {
  const value = (one: CanarySeen, name: string, labels?: Record<string, string>) =>
    valueOf(canary.judge(one, target()), `mailpath_canary_${name}`, labels)

  it('are all there once one has arrived and another is under way', () => {
    const all = mails(
      out(20),
      out(30),
      arrived(300, 0.8, {
        headers: {
          ...headers,
          clearHops: ['a', 'b'],
          authentication: { by: 'm', results: { spf: 'softfail', dkim: 'pass', dmarc: 'none' } },
        },
      }),
    )
    const { samples } = canary.judge(all, target())
    expect(new Set(samples.map(({ metric }) => metric))).toEqual(new Set(Object.values(canary.metrics)))
    expect({
      sent: value(all, 'sent_total'),
      inbox: value(all, 'arrived_total', { folder: 'inbox' }),
      junk: value(all, 'arrived_total', { folder: 'junk' }),
      lost: value(all, 'lost_total'),
      delivery: value(all, 'delivery_seconds'),
      pending: value(all, 'pending'),
      oldest: value(all, 'oldest_pending_timestamp_seconds'),
      sentAt: value(all, 'last_sent_timestamp_seconds'),
      arrival: value(all, 'last_arrival_timestamp_seconds'),
      inJunk: value(all, 'in_junk'),
      reachable: value(all, 'mailbox_reachable'),
      hops: value(all, 'hops'),
      delay: value(all, 'hop_delay_max_seconds'),
      clear: value(all, 'clear_hops'),
    }).toEqual({
      sent: 7,
      inbox: 4,
      junk: 1,
      lost: 1,
      delivery: 0.8,
      pending: 2,
      oldest: at / 1000 - 30,
      sentAt: at / 1000 - 1,
      arrival: at / 1000 - 299.2,
      inJunk: 0,
      reachable: 1,
      hops: 3,
      delay: 1,
      clear: 2,
    })
    for (const result of authResults)
      expect(value(all, 'authentication', { method: 'spf', result })).toBe(Number(result === 'softfail'))
  })

  it('are absent where they are not known', () => {
    const none = seen({ mailbox: broken('silent'), handOver: notSent })
    for (const name of [
      'delivery_seconds',
      'oldest_pending_timestamp_seconds',
      'last_sent_timestamp_seconds',
      'last_arrival_timestamp_seconds',
      'in_junk',
      'hops',
      'hop_delay_max_seconds',
      'clear_hops',
    ])
      expect([name, value(none, name)]).toEqual([name, undefined])
    expect(value(none, 'mailbox_reachable')).toBe(0)
    expect(value(none, 'pending')).toBe(0)
    expect(value(mails(arrived(2)), 'authentication', { method: 'dmarc', result: 'pass' })).toBeUndefined()
  })
})
