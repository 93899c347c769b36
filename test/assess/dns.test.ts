import { describe, expect, it } from 'vitest'
import { canary } from '../../src/probes/canary/index.ts'
import type { CanarySeen } from '../../src/probes/canary/seen.ts'
import { mail, type MailTarget } from '../../src/probes/mail/index.ts'
import { outbox } from '../../src/probes/outbox/index.ts'
import { ses } from '../../src/probes/ses/index.ts'
import { smtp } from '../../src/probes/smtp/index.ts'
import type { SmtpSeen } from '../../src/probes/smtp/observe.ts'
import { canarySeen, canaryTarget, canaryThat, mailAt } from '../status/canary.ts'
import { dnsSeen, dnsTarget, dnsThat } from '../status/dns.ts'
import { assessed, checkOf, judged, reported, start, type Looked } from '../status/looked.ts'
import { everyCase, exceptionsOf, fine, mailOf, mailTarget, outcomeOf, platform, type MailCase } from './mail-cases.ts'

function over(all: readonly Looked[], path: MailTarget = mailTarget) {
  const {
    mail: [status],
    checks,
  } = assessed(all, { mail: [path] })
  if (!status) throw new Error('there is no mail path')
  const roots = status.blockers
    .filter(({ root }) => root)
    .map(({ probe, target, reason }) => [probe, target, reason.code])
  const reasonsOf = (id: string) => checks.find(one => one.id === id)?.reasons ?? []
  return { ...outcomeOf(status), roots, status, exceptions: exceptionsOf(status), reasonsOf, checks }
}

const around = (change: Partial<MailCase> = {}): Looked[] => platform({ ...fine, ...change })
const fromApp: Partial<CanarySeen> = { domains: ['app.example.com'] }

/** A canary by the relay that was refused at the end of its data. */
const refused = (text: string, target = canaryTarget()): Looked => {
  const code = Number(text.slice(0, 3))
  const handOver = { kind: 'refused', verb: 'mail', code, status: undefined, text, forNow: code < 500 } as const
  const seen = canarySeen({ ...fromApp, handOver, deferredSince: code < 500 ? start : undefined })
  return { check: checkOf(canary, target), observation: judged(canary, target, seen) }
}

const bounced = (text: string): Looked => {
  const bounce = { seenAt: start - 1_000, status: undefined, text }
  const mails = [mailAt(start - 5_000, { fate: 'bounced', arrival: undefined, bounce })]
  const target = canaryTarget()
  return { check: checkOf(canary, target), observation: judged(canary, target, canarySeen({ ...fromApp, mails })) }
}

const unauthenticated = '550 5.7.26 the sender is unauthenticated'

describe('what receivers believe, as a need of mail', () => {
  it.each([
    ['ok', [], 'ok', undefined],
    ['warn', ['dns_spf_missing'], 'warn', undefined],
    ['unknown', ['dns_resolver_failed'], 'warn', undefined],
    ['an unreadable domain', ['reference_unresolved'], 'warn', undefined],
    ['no answer of the run', ['deadline_exceeded'], 'warn', undefined],
    ['fail', ['dns_domain_missing'], 'fail', 'dns_domain_missing'],
    ['fail and warn', ['dns_unauthenticated', 'dns_spf_missing'], 'fail', 'dns_unauthenticated'],
  ])('%s', (_, codes, verdict, root) => {
    expect(over([...around(), dnsThat(codes)])).toMatchObject({ verdict, root })
  })

  it('changes the verdict of any platform in one way: it fails it, or warns, and is the root only of its own failure', () => {
    const weight = { ok: 0, warn: 1, unknown: 2, fail: 3 }
    for (const one of everyCase().filter((_, i) => i % 211 === 0)) {
      const without = over(platform(one), mailOf(one))
      const withDns = (codes: readonly string[]) =>
        outcomeOf(over([...platform(one), dnsThat(codes)], mailOf(one)).status)
      expect(withDns([])).toEqual(outcomeOf(without.status))
      for (const code of ['dns_spf_missing', 'dns_resolver_failed'])
        expect(withDns([code])).toEqual({
          verdict: weight[without.verdict] < weight.warn ? 'warn' : without.verdict,
          root: without.root,
        })
      expect(withDns(['dns_unauthenticated'])).toEqual({
        verdict: 'fail',
        root: without.verdict === 'fail' ? without.root : 'dns_unauthenticated',
      })
    }
  })

  it('has not been looked at yet: mail goes on', () => {
    const found = over([...around(), { ...dnsThat(), observation: undefined }])
    expect([found.verdict, found.exceptions]).toEqual(['warn', ['not_run_yet']])
  })

  it('counts for a path that lists it, or that takes a way that it names, or if it names none', () => {
    const failing = (more: object = {}) => [...around(), dnsThat(['dns_domain_missing'], { target: dnsTarget(more) })]
    const path = (more: object) => mail.target.parse({ name: 'backend', smtp: ['relay'], ...more })
    const other = smtp.target.parse({ name: 'other', host: 'other.example.com' })
    const withOther = [
      ...failing({ smtp: 'other' }),
      { check: checkOf(smtp, other), observation: reported(smtp, other, []) },
    ]
    expect(over(failing(), path({})).verdict).toBe('fail')
    expect(over(failing({ smtp: 'relay' }), path({})).verdict).toBe('fail')
    expect(over(withOther, path({})).verdict).toBe('ok')
    expect(over(withOther, path({ dns: ['app.example.com'] })).verdict).toBe('fail')
    expect(over(failing(), path({ dns: [] })).verdict).toBe('ok')
  })

  it('comes behind a relay that is down, which is the one thing to fix', () => {
    const found = over([...around({ smtp: 'fail' }), dnsThat(['dns_domain_missing'])])
    expect(found).toMatchObject({ verdict: 'fail', root: 'smtp_auth_failed' })
    expect(found.status.blockers.map(({ reason }) => reason.code)).toEqual(['smtp_auth_failed', 'dns_domain_missing'])
  })

  it('holds back no outbox: what is not believed has left it', () => {
    const target = outbox.target.parse({
      name: 'outbound',
      cluster: 'keybuzz',
      url: 'postgres://mailpath@db-1:5432/app',
      table: 'mails',
      created: 'created_at',
      pending: 'sent_at is null',
    })
    const stuck = { check: checkOf(outbox, target), observation: reported(outbox, target, ['outbox_stuck']) }
    const alone = over([...around(), dnsThat(['dns_domain_missing']), stuck])
    expect(alone.reasonsOf('outbox/outbound')[0]?.because).toBeUndefined()
    // Unless the relay refuses it for that.
    const { reasonsOf, root } = over([...around(), dnsThat(['dns_spf_missing']), refused(unauthenticated), stuck])
    expect([root, reasonsOf('outbox/outbound')[0]?.because]).toEqual(['dns_spf_missing', 'dns/app.example.com'])
  })
})

describe('a refusal that names what is wrong in DNS', () => {
  it.each([
    ['a canary', refused(unauthenticated), 'canary_rejected'],
    ['a bounce', bounced('550 5.7.515 Access denied'), 'canary_bounced'],
  ])('of %s makes the record the root, once, with the answer in it', (_, sent, code) => {
    const found = over([...around(), dnsThat(['dns_spf_missing']), sent])
    expect(found.verdict).toBe('fail')
    expect(found.roots).toEqual([['dns', 'app.example.com', 'dns_spf_missing']])
    expect(found.status.root?.reason.text).toMatch(
      /dns_spf_missing; for this, mail is refused: canary\/outside says .*5\.7\./,
    )
    expect(found.reasonsOf('canary/outside').find(one => one.code === code)).toMatchObject({
      because: 'dns/app.example.com',
      remedy: 'Fix dns/app.example.com first: this follows from it.',
    })
  })

  it('is quoted five times at most, of however many mails', () => {
    const mails = Array.from({ length: 7 }, (_, i) => refused(unauthenticated, canaryTarget({ name: `canary-${i}` })))
    const [reason] = over([...around(), dnsThat(['dns_spf_missing']), ...mails]).reasonsOf('dns/app.example.com')
    expect(reason?.text).toMatch(/canary\/canary-4 says .*; and 2 more$/)
    expect(reason?.text).not.toContain('canary-5')
  })

  it('of the relay itself comes behind the record', () => {
    const target = smtp.target.parse({
      name: 'relay',
      host: 'mail.keybuzz.io',
      envelope: { from: 'app@app.example.com', to: 'box@example.net' },
    })
    const seen: SmtpSeen = {
      at: start,
      address: 'mail.keybuzz.io:587',
      replies: [{ step: 'mail_from', code: 550, text: '550 5.7.23 SPF fail' }],
      extensions: { clear: undefined, now: undefined },
      injected: false,
    }
    const relay = {
      check: checkOf(smtp, target),
      observation: reported(smtp, target, ['smtp_sender_refused'], { seen }),
    }
    const found = over([...around({ smtp: 'none' }), relay, dnsThat(['dns_spf_not_covering'])])
    expect(found.status.blockers.map(({ reason, root }) => [reason.code, root])).toEqual([
      ['dns_spf_not_covering', true],
      ['smtp_sender_refused', false],
    ])
    // And SES takes over where the configuration says so: then mail goes on.
    const both = over(
      [...around({ smtp: 'none', ses: 'proven' }), relay, dnsThat(['dns_spf_not_covering'])],
      mailOf({ ...fine, fallback: 'ses' }),
    )
    expect([both.verdict, both.root]).toEqual(['warn', undefined])
    expect(both.exceptions).toEqual(expect.arrayContaining(['dns_spf_not_covering', 'smtp_sender_refused']))
  })

  it('makes that reason fail which is sure, of several', () => {
    const all = [
      ...around(),
      dnsThat(['dns_unauthenticated', 'dns_spf_missing', 'dns_dkim_missing']),
      refused(unauthenticated),
    ]
    const found = over(all)
    expect(found.roots).toEqual([['dns', 'app.example.com', 'dns_unauthenticated']])
    expect(found.reasonsOf('dns/app.example.com').map(one => one.verdict)).toEqual(['fail', 'warn', 'warn'])
  })

  it('for now is a warning, as long as it is one', () => {
    const found = over([...around(), dnsThat(['dns_dkim_missing']), refused("421 4.7.30 DKIM didn't pass")])
    expect(found.verdict).toBe('warn')
    expect(found.exceptions).toEqual(['canary_deferred', 'dns_dkim_missing'])
    expect(found.reasonsOf('canary/outside')[0]?.because).toBe('dns/app.example.com')
  })

  it.each([
    ['about something else', '550 5.7.1 Relay access denied', ['dns_spf_missing'], {}],
    ['about another record', '550 5.7.20 no DKIM', ['dns_spf_missing'], {}],
    ['of another domain', unauthenticated, ['dns_spf_missing'], { domain: 'other.example.com' }],
    ['while the record is not known', unauthenticated, ['dns_resolver_failed'], {}],
    ['about the address of the exporter', '550 5.7.25 no PTR for [198.51.100.7]', ['dns_ptr_generic'], {}],
    ['about the address of the exporter, not named', '550 5.7.25 no PTR', ['dns_ptr_generic'], {}],
  ])('%s stays the root', (_, text, codes, seen) => {
    const found = over([...around(), dnsThat(codes, { seen: dnsSeen(seen) }), refused(text)])
    expect(found.roots).toEqual([['canary', 'outside', 'canary_rejected']])
    expect(
      found.reasonsOf('dns/app.example.com').map(({ text, verdict }) => [text.includes('refused'), verdict]),
    ).not.toContainEqual([true, 'fail'])
  })

  it('names the address that has no name', () => {
    const found = over([...around(), dnsThat(['dns_ptr_missing']), refused('550 5.7.25 no PTR for [192.0.2.10]')])
    expect(found.roots).toEqual([['dns', 'app.example.com', 'dns_ptr_missing']])
  })

  it('of a domain in order stays the root, and its remedy says what is in order', () => {
    const found = over([...around(), dnsThat(), refused(unauthenticated)])
    expect(found.roots).toEqual([['canary', 'outside', 'canary_rejected']])
    expect(found.status.root?.reason.remedy).toMatch(
      /But dns\/app\.example\.com found: SPF of app\.example\.com passes for 192\.0\.2\.10, the DKIM key of s1 can be used, the policy of DMARC is reject\. So see from which address/,
    )
  })

  it('of a look that is stale explains nothing', () => {
    const old = dnsThat(['dns_spf_missing'], { at: start - 86_400_000 })
    expect(over([...around(), old, refused(unauthenticated)]).root).toBe('canary_rejected')
  })
})

describe('DKIM that fails in SES', () => {
  const target = ses.target.parse({
    name: 'backend SES',
    access_key: { env: 'KEY' },
    secret_key: { env: 'SECRET' },
    region: 'eu-west-1',
  })
  const failing = { check: checkOf(ses, target), observation: reported(ses, target, ['ses_dkim_failing']) }
  it.each([
    ['follows from a record that is missing', ['dns_ses_token_missing'], 'backend SES', 'dns/app.example.com'],
    ['does not follow from another record', ['dns_spf_missing'], 'backend SES', undefined],
    ['does not follow from a record of another account', ['dns_ses_token_missing'], 'other', undefined],
  ])('%s', (_, codes, account, because) => {
    const { reasonsOf } = over([...around(), failing, dnsThat(codes, { target: dnsTarget({ ses: account }) })])
    expect(reasonsOf('ses/backend SES')[0]?.because).toBe(because)
  })
})

it('leaves canaries as they are without a look at DNS', () => {
  const sent = canaryThat(['canary_rejected'])
  expect(over([...around(), sent]).reasonsOf('canary/outside')[0]?.because).toBeUndefined()
})
