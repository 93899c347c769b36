import { describe, expect, it } from 'vitest'
import { mail } from '../../src/probes/mail/index.ts'
import { outbox } from '../../src/probes/outbox/index.ts'
import type { OutboxSeen } from '../../src/probes/outbox/observe.ts'
import { smtp } from '../../src/probes/smtp/index.ts'
import { assessed, checkOf, node, primaryFacts, reported, standbyFacts, type Looked } from '../status/looked.ts'
import { fine, mailTarget, outcomeOf, platform, smtpTarget, type MailCase } from './mail-cases.ts'
import { plainPath } from './platform.ts'

const target = outbox.target.parse({
  name: 'outbound mail',
  cluster: 'keybuzz',
  url: { env: 'DATABASE_URL' },
  table: 'public.outbound_emails',
  created: 'created_at',
  pending: 'sent_at is null',
})
const id = 'outbox/outbound mail'

/** An outbox with these reasons. */
const outboxWith = (codes: readonly string[], seen: OutboxSeen = { address: 'db-1:5432' }): Looked => ({
  check: checkOf(outbox, target),
  observation: reported(outbox, target, codes, { seen }),
})
const refused = (address: string): OutboxSeen => ({
  address,
  failure: { phase: 'connect', code: 'ECONNREFUSED', text: `${address}: connect ECONNREFUSED`, timedOut: false },
})
const mayNotRead: OutboxSeen = {
  address: 'db-1:5432',
  failure: {
    phase: 'read',
    code: '42501',
    text: 'db-1:5432: permission denied',
    timedOut: false,
    routine: 'aclcheck_error',
  },
}

function over(all: readonly Looked[], path = mailTarget) {
  const {
    mail: [status],
    checks,
  } = assessed(all, { mail: [path] })
  if (!status) throw new Error('there is no mail path')
  const reasons = checks.find(check => check.id === id)?.reasons ?? []
  return { ...outcomeOf(status), status, because: reasons.map(({ because }) => because), reasons }
}
const overCase = (change: Partial<MailCase>, codes: readonly string[], path?: Parameters<typeof over>[1]) =>
  over([...platform({ ...fine, ...change }), outboxWith(codes)], path)

describe('an outbox that does not move', () => {
  it('is the one thing to fix where all before it works', () => {
    expect(overCase({}, ['outbox_stuck'])).toMatchObject({
      verdict: 'fail',
      root: 'outbox_stuck',
      because: [undefined],
    })
    expect(overCase({}, ['outbox_late'])).toMatchObject({ verdict: 'warn', root: undefined, because: [undefined] })
    expect(overCase({}, ['outbox_unreadable'])).toMatchObject({ verdict: 'unknown', root: 'outbox_unreadable' })
    expect(overCase({ smtp: 'warn', vault: 'down, and nothing comes from it' }, ['outbox_stuck']).root).toBe(
      'outbox_stuck',
    )
  })

  it.each<[string, Partial<MailCase>, string, string]>([
    ['the relay refuses', { smtp: 'fail' }, 'smtp_auth_failed', 'smtp/relay'],
    ['writes are refused', { write: 'fail' }, 'write_path_read_only', 'write_path/haproxy-write'],
    ['a setting is missing', { setting: 'fail', smtp: 'fail' }, 'setting_absent', 'settings/backend-01'],
    ['SES refuses the key', { provider: 'ses', ses: 'refused', smtp: 'none' }, 'ses_key_unknown', 'ses/backend SES'],
  ])('is a consequence where %s, and asks for nothing', (_, change, root, because) => {
    for (const codes of [['outbox_stuck', 'outbox_growing'], ['outbox_late']]) {
      const found = overCase(change, codes)
      expect(found).toMatchObject({ verdict: 'fail', root, because: codes.map(() => because) })
      for (const { remedy } of found.reasons) expect(remedy).toBe(`Fix ${because} first: this follows from it.`)
    }
  })

  it('is a consequence of the relay also where SES would take the mail: the application does not fall back to it', () => {
    for (const fallback of ['ses', undefined] as const) {
      const path = fallback ? { ...mailTarget, fallback } : mailTarget
      const found = overCase({ smtp: 'fail', ses: 'proven' }, ['outbox_stuck'], path)
      expect(found).toMatchObject({ verdict: 'fail', root: 'smtp_auth_failed', because: ['smtp/relay'] })
    }
  })

  it('is none of a provider that the application does not use', () => {
    expect(overCase({ ses: 'refused' }, ['outbox_stuck'])).toMatchObject({ root: 'outbox_stuck', because: [undefined] })
  })

  it('is a consequence of a Vault that is down and has the password: a restart of the sender would not help', () => {
    const vault = { vault: 'down, and the SMTP password comes from it', smtp: 'unknown' } as const
    expect(overCase(vault, ['outbox_stuck'])).toMatchObject({
      verdict: 'fail',
      root: 'vault_sealed',
      because: ['vault/vault-01'],
    })
    // As in the incident: the Vault is down too, but writes are what fails.
    expect(overCase({ ...vault, write: 'fail' }, ['outbox_stuck'])).toMatchObject({
      verdict: 'fail',
      root: 'write_path_read_only',
      because: ['write_path/haproxy-write'],
    })
  })

  it('is none of another application', () => {
    const other = smtp.target.parse({ name: 'other', host: 'other.keybuzz.io' })
    const all = [
      ...platform(fine),
      { check: checkOf(smtp, other), observation: reported(smtp, other, ['smtp_unreachable']) },
      outboxWith(['outbox_stuck']),
    ]
    const backend = mail.target.parse({ name: 'backend', smtp: [smtpTarget.name] })
    const shop = mail.target.parse({ name: 'shop', smtp: ['other'], outbox: [] })
    const {
      mail: [mine, theirs],
      checks,
    } = assessed(all, { mail: [backend, shop] })
    expect([mine?.root?.reason.code, theirs?.root?.reason.code]).toEqual(['outbox_stuck', 'smtp_unreachable'])
    expect(theirs?.blockers).toHaveLength(1)
    expect(checks.find(check => check.id === id)?.reasons[0]?.because).toBeUndefined()
  })

  it('keeps what a fixed relay would not heal', () => {
    const { because } = overCase({ smtp: 'fail' }, ['outbox_stuck', 'outbox_given_up', 'outbox_scan_costly'])
    expect(because).toEqual(['smtp/relay', undefined, undefined])
  })
})

describe('an outbox that cannot be read', () => {
  const others = platform(fine).filter(({ check }) => check.probe !== 'write_path')
  const nodes = [node('db-1', primaryFacts(1)), node('db-2', standbyFacts(2))]
  const unreadable = (seen: OutboxSeen) => outboxWith(['outbox_unreadable'], seen)

  it('is a consequence of its node, though mail survives without that one', () => {
    const all = [...platform(fine), nodes[0] ?? node('db-1', undefined), node('db-2', undefined)]
    expect(over([...all, unreadable(refused('db-2:5432'))]).because).toEqual(['postgres/db-2'])
    expect(over([...all, unreadable(refused('db-1:5432'))]).because).toEqual([undefined])
  })

  it('is a consequence of the way that the application takes to the same cluster, which fails all the same', () => {
    const found = over([...others, ...nodes, plainPath('app', 'silent'), unreadable(refused('lb:5432'))])
    expect(found).toMatchObject({ verdict: 'fail', root: 'write_path_no_answer', because: ['write_path/app'] })
    expect(found.status.blockers.map(({ level }) => level)).toEqual(['fail', 'unknown'])
  })

  it('is none of a relay, and none of anything where a grant is missing', () => {
    const relayDown = platform({ ...fine, smtp: 'fail' })
    for (const seen of [mayNotRead, refused('lb:5432')])
      expect(over([...relayDown, unreadable(seen)]).because).toEqual([undefined])
    expect(over([...others, ...nodes, plainPath('app', 'silent'), unreadable(mayNotRead)]).because).toEqual([undefined])
  })
})
