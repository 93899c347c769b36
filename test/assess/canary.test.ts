import { describe, expect, it } from 'vitest'
import type { Verdict } from '../../src/core/probe.ts'
import type { Reason as CanaryReason } from '../../src/probes/canary/reasons.ts'
import { mail, type MailTarget } from '../../src/probes/mail/index.ts'
import { outbox } from '../../src/probes/outbox/index.ts'
import { ses } from '../../src/probes/ses/index.ts'
import { smtp } from '../../src/probes/smtp/index.ts'
import { vault } from '../../src/probes/vault/index.ts'
import { canarySeen, canaryTarget, canaryThat, mailAt, outSince } from '../status/canary.ts'
import { assessed, checkOf, reported, start, type Looked } from '../status/looked.ts'
import { account, exceptionsOf, fine, mailOf, mailTarget, outcomeOf, platform, type MailCase } from './mail-cases.ts'

const id = 'canary/outside'
const bySes = canaryTarget({ ses: 'backend SES' })

function over(all: readonly Looked[], path: MailTarget = mailTarget, now = start) {
  const {
    mail: [status],
    checks,
  } = assessed(all, { mail: [path], now })
  const check = checks.find(one => one.id === id)
  if (!status || !check) throw new Error('there is no mail path, or no canary')
  const because = check.reasons.map(reason => reason.because)
  return { ...outcomeOf(status), status, check, because, exceptions: exceptionsOf(status) }
}
/** The platform of a case with a canary that has these reasons. */
const overCase = (change: Partial<MailCase>, codes: readonly string[], how: Parameters<typeof canaryThat>[1] = {}) => {
  const one = { ...fine, ...change }
  return over([...platform(one), canaryThat(codes, how)], mailOf(one))
}

/** `canary_deferred` warns at first, and fails once it lasts. */
const failing = (one: Looked): Looked => {
  if (!one.observation) throw new Error('there is no observation')
  const reasons = one.observation.reasons.map(reason => ({ ...reason, verdict: 'fail' as const }))
  return { ...one, observation: { ...one.observation, verdict: 'fail', reasons } }
}

/** What each reason makes of the check, and of the mail path whose way works. */
const effects: Readonly<Record<CanaryReason['code'], readonly [check: Verdict, mail: Verdict]>> = {
  canary_not_sent: ['unknown', 'warn'],
  canary_under_way: ['unknown', 'warn'],
  canary_rejected: ['fail', 'fail'],
  canary_deferred: ['warn', 'warn'],
  canary_late: ['warn', 'warn'],
  canary_lost: ['fail', 'fail'],
  canary_bounced: ['fail', 'fail'],
  canary_in_junk: ['warn', 'warn'],
  canary_duplicated: ['warn', 'warn'],
  canary_unauthenticated: ['warn', 'warn'],
  canary_sent_in_clear: ['warn', 'warn'],
  canary_backlog_draining: ['warn', 'warn'],
  // The mailbox is not that of the application.
  canary_mailbox_unresolved: ['unknown', 'warn'],
  canary_mailbox_unreachable: ['unknown', 'warn'],
  canary_mailbox_login_failed: ['unknown', 'warn'],
  canary_mailbox_certificate_invalid: ['unknown', 'warn'],
  canary_mailbox_folder_missing: ['warn', 'warn'],
  canary_mailbox_not_cleaned: ['warn', 'warn'],
  canary_mailbox_full: ['unknown', 'warn'],
}

describe('a canary whose way works', () => {
  it.each(Object.entries(effects))('%s makes the check and mail %j', (code, [verdict, ofMail]) => {
    const found = overCase({}, [code])
    expect(found.check.verdict).toBe(verdict)
    expect(found.because).toEqual([undefined])
    expect([found.verdict, found.root, found.exceptions]).toEqual(
      ofMail === 'fail' ? ['fail', code, []] : ['warn', undefined, [code]],
    )
    expect(found.status.blockers).toHaveLength(ofMail === 'fail' ? 1 : 0)
  })

  it('is refused for now for so long that mail fails', () => {
    const all = [...platform(fine), failing(canaryThat(['canary_deferred']))]
    expect(over(all)).toMatchObject({ verdict: 'fail', root: 'canary_deferred', because: [undefined] })
  })

  it('is the one thing to fix also where its relay warns', () => {
    expect(overCase({ smtp: 'warn' }, ['canary_lost'])).toMatchObject({ verdict: 'fail', root: 'canary_lost' })
  })

  it.each([
    'reference_unresolved',
    'probe_error',
    // Something hangs, most likely the mailbox. That is no mail of the application.
    'deadline_exceeded',
  ])('only lacks the proof: %s', code => {
    expect(overCase({}, [code])).toMatchObject({ verdict: 'warn', root: undefined, exceptions: [code] })
  })

  it('does not hide a loss where its mailbox fails as well', () => {
    expect(overCase({}, ['canary_lost', 'canary_mailbox_full'])).toMatchObject({
      verdict: 'fail',
      root: 'canary_lost',
      exceptions: ['canary_mailbox_full'],
    })
  })

  it('has not run yet: then only the proof is missing', () => {
    const all = [...platform(fine), { ...canaryThat(), observation: undefined }]
    expect(over(all)).toMatchObject({ verdict: 'warn', exceptions: ['not_run_yet'] })
  })
})

describe('a canary whose way is broken', () => {
  it.each(['canary_not_sent', 'canary_rejected', 'canary_deferred', 'canary_late', 'canary_lost'])(
    'is a consequence, and no second blocker: %s',
    code => {
      const found = overCase({ smtp: 'fail' }, [code])
      expect(found).toMatchObject({ verdict: 'fail', root: 'smtp_auth_failed', because: ['smtp/relay'] })
      expect(found.status.blockers).toHaveLength(1)
      expect(found.exceptions).toEqual([])
      expect(found.check.reasons[0]?.remedy).toBe('Fix smtp/relay first: this follows from it.')
    },
  )

  it('is a consequence of a relay whose password is in a Vault that is down', () => {
    const sealed = { vault: 'down, and the SMTP password comes from it', smtp: 'unknown' } as const
    const found = overCase(sealed, ['canary_not_sent'], { needs: ['vault/vault-01'], unmet: ['vault/vault-01'] })
    expect(found).toMatchObject({ verdict: 'unknown', root: 'vault_sealed', because: ['smtp/relay'], exceptions: [] })
  })

  it('keeps what a fixed relay would not heal', () => {
    const { because, exceptions } = overCase({ smtp: 'fail' }, ['canary_lost', 'canary_mailbox_folder_missing'])
    expect(because).toEqual(['smtp/relay', undefined])
    // No mail leaves that way now, so only what fails counts.
    expect(exceptions).toEqual([])
    expect(overCase({ smtp: 'fail' }, ['canary_bounced']).exceptions).toEqual(['canary_bounced'])
  })

  it('does not make a relay well that fails: what arrived was sent before', () => {
    expect(overCase({ smtp: 'fail' }, [])).toMatchObject({ verdict: 'fail', root: 'smtp_auth_failed' })
  })

  it('is its own fault where another canary goes by the same way, and both are lost', () => {
    const second = canaryThat(['canary_lost'], { target: canaryTarget({ name: 'second' }) })
    const { status } = over([...platform(fine), canaryThat(['canary_lost']), second])
    expect(status.blockers.map(({ target, root }) => [target, root])).toEqual([
      ['outside', true],
      ['second', false],
    ])
  })

  it('says that its mailbox cannot be read because of a Vault', () => {
    const target = vault.target.parse({ name: 'vault-01', url: 'https://vault-01:8200' })
    const down = { check: checkOf(vault, target), observation: reported(vault, target, ['vault_sealed']) }
    const others = platform(fine).filter(({ check }) => check.probe !== 'vault')
    const ids = { needs: ['vault/vault-01'], unmet: ['vault/vault-01'] }
    const unread = canaryThat(['canary_mailbox_unresolved'], ids)
    const text = 'password: vault vault-01 secret/data/canary#PASS: vault-01 is sealed'
    const reasons = unread.observation?.reasons.map(reason => ({ ...reason, text })) ?? []
    const observation = unread.observation && { ...unread.observation, reasons }
    const found = over([...others, down, { ...unread, observation }])
    expect(found).toMatchObject({ verdict: 'warn', because: ['vault/vault-01'] })
    const unsent = over([...others, down, canaryThat(['canary_not_sent'], ids)])
    expect(unsent).toMatchObject({ verdict: 'warn', because: ['vault/vault-01'] })
  })
})

describe('the way out of a mail path', () => {
  const other = canaryTarget({ smtp: 'other' })
  const otherRelay = smtp.target.parse({ name: 'other', host: 'other.example' })
  const both = [...platform(fine), { check: checkOf(smtp, otherRelay), observation: reported(smtp, otherRelay, []) }]

  it('decides which canaries count', () => {
    const lost = canaryThat(['canary_lost'], { target: other })
    expect(over([...both, lost]).verdict).toBe('fail')
    const own = mail.target.parse({ name: 'backend', smtp: ['relay'] })
    expect(over([...both, lost], own)).toMatchObject({ verdict: 'ok', exceptions: [] })
    expect(over([...both, lost], own).status.needs.canary).toEqual([])
    const none = mail.target.parse({ name: 'backend', canary: [] })
    expect(over([...both, lost], none).verdict).toBe('ok')
  })

  it.each([{}, { fallback: 'none' }, { fallback: 'ses' }] as const)(
    'is not SES where SMTP takes the mail: a canary by SES that fails is an exception, %j',
    fallback => {
      for (const code of ['canary_lost', 'canary_rejected', 'canary_bounced'])
        expect(overCase({ ses: 'proven', ...fallback }, [code], { target: bySes })).toMatchObject({
          verdict: 'warn',
          exceptions: [code],
        })
      for (const code of ['canary_in_junk', 'canary_under_way', 'canary_mailbox_unreachable'])
        expect(overCase({ ses: 'proven', ...fallback }, [code], { target: bySes }).verdict).toBe('ok')
    },
  )

  it('is not SMTP where SES takes the mail', () => {
    expect(overCase({ provider: 'ses', ses: 'proven' }, ['canary_lost'])).toMatchObject({
      verdict: 'warn',
      exceptions: ['canary_lost'],
    })
    expect(overCase({ provider: 'ses', ses: 'proven' }, ['canary_lost'], { target: bySes })).toMatchObject({
      verdict: 'fail',
      root: 'canary_lost',
    })
  })

  it('is the other one after a refusal, if the application falls back, and not after a loss: that one it thinks sent', () => {
    const ways = { ses: 'proven', fallback: 'ses' } as const
    expect(overCase(ways, ['canary_rejected'])).toMatchObject({ verdict: 'warn', exceptions: ['canary_rejected'] })
    expect(overCase(ways, ['canary_lost'])).toMatchObject({ verdict: 'fail', root: 'canary_lost' })
    expect(overCase(ways, ['canary_bounced'])).toMatchObject({ verdict: 'fail', root: 'canary_bounced' })
    const all = [...platform({ ...fine, ...ways }), failing(canaryThat(['canary_deferred']))]
    expect(over(all, mailOf({ ...fine, ...ways }))).toMatchObject({ verdict: 'warn', exceptions: ['canary_deferred'] })
  })

  it('is not known after a refusal if the configuration does not say whether the application falls back', () => {
    expect(overCase({ ses: 'proven' }, ['canary_rejected'])).toMatchObject({
      verdict: 'unknown',
      root: 'mail_fallback_not_said',
    })
    expect(overCase({ ses: 'proven', fallback: 'none' }, ['canary_rejected'])).toMatchObject({
      verdict: 'fail',
      root: 'canary_rejected',
    })
  })

  it('is the other one where the first is down: then what is lost behind it is lost', () => {
    const ways = { smtp: 'fail', ses: 'proven', fallback: 'ses' } as const
    expect(overCase(ways, ['canary_lost'], { target: bySes })).toMatchObject({ verdict: 'fail', root: 'canary_lost' })
    expect(overCase(ways, ['canary_rejected'], { target: bySes })).toMatchObject({
      verdict: 'fail',
      root: 'smtp_auth_failed',
    })
    expect(overCase(ways, [], { target: bySes })).toMatchObject({ verdict: 'warn', exceptions: ['smtp_auth_failed'] })
  })

  it('is an SES that nobody asks: a lost canary says more than that', () => {
    const ways = { provider: 'ses', ses: 'not asked', smtp: 'none', fallback: 'none' } as const
    expect(overCase(ways, ['canary_lost'], { target: bySes })).toMatchObject({
      verdict: 'fail',
      root: 'canary_lost',
      because: [undefined],
    })
    expect(overCase(ways, ['canary_rejected'], { target: bySes })).toMatchObject({
      verdict: 'fail',
      root: 'canary_rejected',
    })
    expect(overCase(ways, [], { target: bySes })).toMatchObject({ verdict: 'unknown', root: 'ses_not_verified' })
  })

  it('is one of two accounts of SES: which one a mail leaves by is not known', () => {
    const second = ses.target.parse({ ...account('proven').check.config, name: 'second SES' })
    const proven = account('proven')
    if (!proven.observation) throw new Error('there is no observation')
    const another: Looked = {
      check: checkOf(ses, second),
      observation: { ...proven.observation, target: 'second SES', config: second },
    }
    const all = [...platform({ ...fine, provider: 'ses', smtp: 'none' }), proven, another]
    const lost = canaryThat(['canary_lost'], { target: bySes })
    expect(over([...all, lost])).toMatchObject({ verdict: 'unknown', root: 'canary_lost' })
    const secondLost = canaryThat(['canary_lost'], { target: canaryTarget({ name: 'b', ses: 'second SES' }) })
    expect(over([...all, lost, secondLost])).toMatchObject({ verdict: 'fail', root: 'canary_lost' })
  })

  it('is not known where the provider is not: a loss is a failure only if there is no other way', () => {
    expect(overCase({ provider: 'other' }, ['canary_lost'])).toMatchObject({ verdict: 'fail', root: 'canary_lost' })
    expect(overCase({ provider: 'other', ses: 'proven' }, ['canary_lost']).verdict).toBe('unknown')
  })
})

describe('an outbox beside a canary', () => {
  // The outbox comes before the canary in the order of roots.
  it('waits for a way that refuses mail, and not for mail that is lost behind it', () => {
    const target = outbox.target.parse({
      ...{ name: 'mails', cluster: 'keybuzz', url: { env: 'URL' } },
      ...{ table: 'mails', created: 'created_at', pending: 'sent_at is null' },
    })
    const stuck: Looked = {
      check: checkOf(outbox, target),
      observation: reported(outbox, target, ['outbox_stuck'], { seen: { address: 'db-1:5432' } }),
    }
    const causeOf = (code: string) => {
      const { checks, mail: paths } = assessed([...platform(fine), stuck, canaryThat([code])], { mail: [mailTarget] })
      return [paths[0]?.root?.reason.code, checks.find(one => one.id === 'outbox/mails')?.reasons[0]?.because]
    }
    expect(causeOf('canary_rejected')).toEqual(['canary_rejected', id])
    expect(causeOf('canary_lost')).toEqual(['outbox_stuck', undefined])
  })
})

describe('between two runs', () => {
  const second = 1_000
  const minute = 60 * second
  // The newest mail was sent three seconds before the end of the run.
  const sentAt = start - 3 * second
  const waits = canaryThat([], { seen: canarySeen({ mails: [outSince(sentAt), mailAt(start - 5 * minute)] }) })
  // The others are looked at all the time.
  const at = (now: number) => {
    const fresh = platform(fine).map(({ check, observation }) => ({
      check,
      observation: observation && { ...observation, startedAt: now, finishedAt: now },
    }))
    return over([...fresh, waits], mailTarget, now)
  }

  it('ok does not last beyond `lost_after` of a mail, though nobody looks', () => {
    const verdicts = [0, 14.9, 14.96, 15].map(minutes => at(start + minutes * minute).check.verdict)
    expect(verdicts).toEqual(['ok', 'ok', 'unknown', 'unknown'])
    expect(at(start + 15 * minute).check.reasons[0]?.text).toBe(
      'last looked for 15 minutes ago; a canary that had not arrived then may be lost',
    )
    expect(at(start + 15 * minute)).toMatchObject({ verdict: 'warn', exceptions: ['stale'] })
    expect(at(start + 15 * minute + 1).check.stale).toBe(true)
  })

  it('a clock that was set since the run makes no mail late', () => {
    // As the ledger has it after the clock was set back an hour: the run is as old as it was, what it saw has its own times.
    const before = start - 60 * minute
    const { check, observation } = waits
    if (!observation) throw new Error('there is no observation')
    const shifted = { check, observation: { ...observation, startedAt: before, finishedAt: before } }
    const found = over([...platform(fine), shifted], mailTarget, before + 10 * second)
    expect(found.check.verdict).toBe('ok')
  })

  it('a lost mail that is older than one that came ends no ok', () => {
    const older = canaryThat([], { seen: canarySeen({ mails: [mailAt(sentAt), outSince(start - 14 * minute)] }) })
    expect(over([...platform(fine), older], mailTarget, start + 5 * minute).check.verdict).toBe('ok')
  })
})
