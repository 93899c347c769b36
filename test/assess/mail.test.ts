import { describe, expect, it } from 'vitest'
import type { MailStatus } from '../../src/assess/assessment.ts'
import type { Sample } from '../../src/core/metric.ts'
import { verdicts } from '../../src/core/probe.ts'
import { valueOf } from '../probes/values.ts'
import {
  everyCase,
  exceptionsOf,
  expected,
  fine,
  mailOf,
  outcomeOf,
  pathOver,
  platform,
  relay,
  type MailCase,
} from './mail-cases.ts'

describe('the mail verdict', () => {
  const sealed = 'down, and the SMTP password comes from it'
  it.each<[string, Partial<MailCase>, string, string | undefined]>([
    ['all is well', {}, 'ok', undefined],
    [
      'the incident: read-only, Vault down, SMTP never verified, SES a stub',
      { write: 'fail', vault: sealed, smtp: 'unknown', ses: 'stub' },
      'fail',
      'write_path_read_only',
    ],
    ['Vault down, which alone has the SMTP password', { vault: sealed, smtp: 'unknown' }, 'unknown', 'vault_sealed'],
    ['Vault down after SMTP got its password', { vault: sealed }, 'warn', undefined],
    ['Vault down, and nothing comes from it', { vault: 'down, and nothing comes from it' }, 'warn', undefined],
    [
      'the SMTP password cannot be read, and no Vault is to blame',
      { vault: 'down, and nothing comes from it', smtp: 'unknown' },
      'unknown',
      'smtp_password_unresolved',
    ],
    ['SMTP refuses, and there is no SES', { smtp: 'fail' }, 'fail', 'smtp_auth_failed'],
    ['SMTP refuses, and SES is not set up', { smtp: 'fail', ses: 'absent' }, 'fail', 'smtp_auth_failed'],
    ['SMTP refuses, and SES is a stub', { smtp: 'fail', ses: 'stub' }, 'fail', 'smtp_auth_failed'],
    ['SMTP refuses, and SES is half set up', { smtp: 'fail', ses: 'partial' }, 'fail', 'smtp_auth_failed'],
    [
      'SMTP refuses, and SES is set up but was never asked',
      { smtp: 'fail', ses: 'not asked' },
      'unknown',
      'smtp_auth_failed',
    ],
    ['SES is half set up, but mail goes by SMTP', { ses: 'partial' }, 'warn', undefined],
    ['SES is not set up, and nobody needs it', { ses: 'absent' }, 'ok', undefined],
    [
      'the application sends by SES, which is a stub, and falls back to SMTP, which works',
      { provider: 'ses', ses: 'stub', fallback: 'smtp' },
      'warn',
      undefined,
    ],
    [
      'the application sends by SES, which is a stub, and has no fallback',
      { provider: 'ses', ses: 'stub', fallback: 'none' },
      'fail',
      'ses_stub',
    ],
    [
      'the application sends by SES, which is a stub, SMTP works, and no fallback is known',
      { provider: 'ses', ses: 'stub' },
      'unknown',
      'mail_fallback_not_said',
    ],
    [
      'the application sends by SES, which was never asked, and falls back to SMTP, which works',
      { provider: 'ses', ses: 'not asked', fallback: 'smtp' },
      'warn',
      undefined,
    ],
    [
      'the application sends by SES, which was never asked, and has no fallback',
      { provider: 'ses', ses: 'not asked', fallback: 'none' },
      'unknown',
      'ses_not_verified',
    ],
    [
      'the application sends by SMTP alone, which refuses, and SES was never asked',
      { smtp: 'fail', ses: 'not asked', fallback: 'none' },
      'fail',
      'smtp_auth_failed',
    ],
    [
      'the application sends by SES, which was never asked, and SMTP refuses',
      { provider: 'ses', ses: 'not asked', smtp: 'fail' },
      'unknown',
      'ses_not_verified',
    ],
    [
      'the application sends by SES, which is a stub, and SMTP refuses',
      { provider: 'ses', ses: 'stub', smtp: 'fail' },
      'fail',
      'ses_stub',
    ],
    ['the application sends by SES, which would take the mail', { provider: 'ses', ses: 'proven' }, 'ok', undefined],
    ['SES warns of its quota, and mail goes by it', { provider: 'ses', ses: 'warned' }, 'warn', undefined],
    ['SES warns of its quota, and mail goes by SMTP', { ses: 'warned' }, 'ok', undefined],
    ['SES refuses the key, and mail goes by SMTP', { ses: 'refused' }, 'warn', undefined],
    [
      'SMTP refuses, SES would take the mail, and the application falls back to it',
      { smtp: 'fail', ses: 'proven', fallback: 'ses' },
      'warn',
      undefined,
    ],
    [
      'SMTP refuses, SES would take the mail, and no fallback is known',
      { smtp: 'fail', ses: 'proven' },
      'unknown',
      'mail_fallback_not_said',
    ],
    [
      'SMTP refuses, SES would take the mail, and the application has no fallback',
      { smtp: 'fail', ses: 'proven', fallback: 'none' },
      'fail',
      'smtp_auth_failed',
    ],
    [
      'SMTP refuses, and SES refuses the key',
      { smtp: 'fail', ses: 'refused', fallback: 'ses' },
      'fail',
      'smtp_auth_failed',
    ],
    [
      'SMTP refuses, and the key of SES may not read what it would do',
      { smtp: 'fail', ses: 'denied', fallback: 'ses' },
      'unknown',
      'smtp_auth_failed',
    ],
    [
      'the application sends by SES, which refuses the key, and falls back to SMTP, which works',
      { provider: 'ses', ses: 'refused', fallback: 'smtp' },
      'warn',
      undefined,
    ],
    [
      'the application sends by SES, which refuses the key, and SMTP refuses too',
      { provider: 'ses', ses: 'refused', smtp: 'fail' },
      'fail',
      'ses_key_unknown',
    ],
    [
      'SES would take the mail, and the provider is one nobody can check',
      { provider: 'other', smtp: 'fail', ses: 'proven' },
      'unknown',
      'mail_provider_unknown',
    ],
    ['no relay is configured', { smtp: 'none' }, 'unknown', 'mail_provider_not_probed'],
    ['the provider is one nobody can check', { provider: 'other' }, 'unknown', 'mail_provider_unknown'],
    ['the provider cannot be read', { provider: 'unreadable' }, 'unknown', 'reference_unresolved'],
    ['a setting is wrong', { setting: 'fail' }, 'fail', 'setting_absent'],
    ['a wrong setting comes before a failing relay', { setting: 'fail', smtp: 'fail' }, 'fail', 'setting_absent'],
    ['a failure comes before what is unknown', { setting: 'unknown', smtp: 'fail' }, 'fail', 'smtp_auth_failed'],
    ['the write path was not looked at lately', { write: 'stale' }, 'unknown', 'stale'],
    ['the certificate of the relay expires soon', { smtp: 'warn' }, 'warn', undefined],
  ])('%s', (_, change, verdict, root) => {
    const one = { ...fine, ...change }
    expect(outcomeOf(pathOver(platform(one), mailOf(one)).status)).toEqual({ verdict, root })
    expect(expected(one)).toEqual({ verdict, root })
  })

  it('follows the rules of the design in every combination, with exactly one root while it is fail or unknown', () => {
    const wrong = everyCase().flatMap(one => {
      const { status, samples } = pathOver(platform(one), mailOf(one))
      const is = { ...outcomeOf(status), ...rootsOf(status, samples) }
      const should = expected(one)
      const roots = should.root === undefined ? 0 : 1
      const all = { ...should, roots, rootSamples: roots, sameLevel: true, states: [should.verdict] }
      return JSON.stringify(is) === JSON.stringify(all) ? [] : [{ one, is, all }]
    })
    expect(wrong.slice(0, 3)).toEqual([])
  }, 120_000)
})

const rootsOf = ({ verdict, blockers, root }: MailStatus, samples: readonly Sample[]) => ({
  roots: blockers.filter(one => one.root && one === root).length,
  rootSamples: samples.filter(
    ({ metric, labels }) => metric.name === 'mailpath_mail_blocker' && labels['root'] === 'true',
  ).length,
  sameLevel: root === undefined || root.level === verdict,
  states: verdicts.filter(state => valueOf({ samples }, 'mailpath_mail_verdict', { verdict: state }) === 1),
})

describe('what is reported with the root', () => {
  it('does not count a Vault and the login that waits for it as two failures', () => {
    const one = { ...fine, vault: 'down, and the SMTP password comes from it', smtp: 'unknown' } as const
    const { status } = pathOver(platform(one))
    expect(status.blockers.map(({ probe, level, root }) => [probe, level, root])).toEqual([
      ['vault', 'unknown', true],
      ['smtp', 'unknown', false],
    ])
    expect(status.needs.vault).toEqual(['vault-01'])
  })

  it('lists what mail survives, and each thing once', () => {
    const one = { ...fine, write: 'warn', ses: 'partial', vault: 'down, and nothing comes from it' } as const
    expect(exceptionsOf(pathOver(platform(one)).status).sort()).toEqual([
      'ses_partial',
      'vault_sealed',
      'write_path_unlisted_node',
    ])
  })

  it('says why the chosen provider does not work where the other one does', () => {
    const exceptions = (change: Partial<MailCase>) => {
      const one: MailCase = { ...fine, provider: 'ses', fallback: 'smtp', ...change }
      return exceptionsOf(pathOver(platform(one), mailOf(one)).status)
    }
    expect(exceptions({ ses: 'absent' })).toEqual(['ses_absent'])
    expect(exceptions({})).toEqual(['mail_provider_not_probed'])
  })

  it('makes one series of reasons that differ in their text only', () => {
    const { check, observation } = relay(['smtp_auth_failed', 'smtp_auth_failed'])
    if (!observation) throw new Error('there is no observation')
    const reasons = observation.reasons.map((reason, i) => ({ ...reason, text: `${reason.text} ${i}` }))
    const { samples } = pathOver([
      ...platform({ ...fine, smtp: 'none' }),
      { check, observation: { ...observation, reasons } },
    ])
    expect(samples.filter(({ metric }) => metric.name === 'mailpath_mail_blocker').map(({ labels }) => labels)).toEqual(
      [{ mail_path: 'backend', probe: 'smtp', target: 'relay', reason: 'smtp_auth_failed', root: 'true' }],
    )
  })
})
