import { describe, expect, it } from 'vitest'
import { mail } from '../../src/probes/mail/index.ts'
import { postgres } from '../../src/probes/postgres/index.ts'
import { settings } from '../../src/probes/settings/index.ts'
import { smtp } from '../../src/probes/smtp/index.ts'
import {
  assessed,
  checkOf,
  intervalMs,
  landingOn,
  node,
  nodeTarget,
  path,
  primaryFacts,
  reported,
  standbyFacts,
  start,
  type Looked,
} from '../status/looked.ts'
import {
  account,
  exceptionsOf,
  fine,
  mailTarget,
  outcomeOf,
  pathOver,
  platform,
  settingsTarget,
  vaultNode,
  type MailCase,
} from './mail-cases.ts'

describe('what a mail path needs', () => {
  const withoutPath = platform(fine).filter(({ check }) => check.probe !== 'write_path')

  it('a write path, unless it says that it needs none', () => {
    const needsNone = mail.target.parse({ name: 'backend', write_path: [] })
    expect(outcomeOf(pathOver(withoutPath).status)).toEqual({ verdict: 'unknown', root: 'mail_write_path_not_probed' })
    expect(outcomeOf(pathOver(withoutPath, needsNone).status)).toEqual({ verdict: 'ok', root: undefined })
    expect(pathOver(platform({ ...fine, write: 'fail' }), needsNone).status.verdict).toBe('ok')
  })

  it('a write path it names, also where there is no such check', () => {
    const target = mail.target.parse({ name: 'backend', write_path: ['gone'] })
    expect(outcomeOf(pathOver(platform(fine), target).status)).toEqual({
      verdict: 'unknown',
      root: 'mail_write_path_not_probed',
    })
  })

  it('the targets listed and no others', () => {
    const other = smtp.target.parse({ name: 'other relay', host: 'other' })
    const all = [
      ...platform(fine),
      { check: checkOf(smtp, other), observation: reported(smtp, other, ['smtp_auth_failed']) },
    ]
    expect(pathOver(all).status.verdict).toBe('fail')
    const { status } = pathOver(all, mail.target.parse({ name: 'backend', smtp: ['relay'] }))
    expect([status.verdict, status.needs.smtp]).toEqual(['ok', ['relay']])
  })

  it('is unknown before a check has run, and once it has not run for three intervals', () => {
    const all = platform(fine)
    const neverRun = all.map(one => (one.check.probe === 'smtp' ? { ...one, observation: undefined } : one))
    expect(outcomeOf(pathOver(neverRun).status)).toEqual({ verdict: 'unknown', root: 'not_run_yet' })
    const later = (ms: number) => assessed(all, { mail: [mailTarget], now: start + ms }).mail[0]?.verdict
    expect(later(3 * intervalMs)).toBe('ok')
    expect(later(3 * intervalMs + 1)).toBe('unknown')
  })

  it('SES is dead only while a fresh look says so', () => {
    const all = (observation: Looked['observation']) =>
      pathOver([...platform({ ...fine, smtp: 'fail' }), { ...account('absent'), observation }]).status.verdict
    expect([all(account('absent').observation), all(undefined)]).toEqual(['fail', 'unknown'])
  })

  it('takes a Vault for the cause where a setting of SES cannot be read, but only where that blocks', () => {
    const over = (smtpState: MailCase['smtp']) => {
      const others = platform({ ...fine, smtp: smtpState, vault: 'down, and nothing comes from it' })
      return pathOver([...others, account('unreadable', ['vault/vault-01'])]).status
    }
    expect(over('ok').verdict).toBe('warn')
    expect(over('fail').blockers.map(({ reason }) => reason.code)).toEqual([
      'vault_sealed',
      'smtp_auth_failed',
      'ses_unreadable',
    ])
  })

  it('takes no Vault for the cause that gave what was asked of it', () => {
    const needs = ['vault/vault-01']
    const over = (unmet: readonly string[]) => {
      const observation = reported(settings, settingsTarget, ['setting_unreadable'], { unmet })
      const others = platform({ ...fine, vault: 'down, and nothing comes from it' })
      const own = { check: checkOf(settings, settingsTarget, needs), observation }
      return pathOver([...others.filter(({ check }) => check.probe !== 'settings'), own]).status
    }
    expect(outcomeOf(over(needs))).toEqual({ verdict: 'unknown', root: 'vault_sealed' })
    expect(outcomeOf(over([]))).toEqual({ verdict: 'unknown', root: 'setting_unreadable' })
    expect(exceptionsOf(over([]))).toEqual(['vault_sealed'])
  })

  it('tells a Vault without a token before the secret that waits for it', () => {
    const one = { ...fine, vault: 'down, and the SMTP password comes from it', smtp: 'unknown' } as const
    const others = platform(one).filter(({ check }) => check.probe !== 'vault')
    const { status } = pathOver([...others, vaultNode(['vault_token_unresolved', 'vault_clock_skew'])])
    expect(status.blockers.map(({ reason }) => reason.code)).toEqual([
      'vault_token_unresolved',
      'smtp_password_unresolved',
    ])
    expect(exceptionsOf(status)).toEqual(['vault_clock_skew'])
  })
})

describe('clusters', () => {
  const others = platform(fine).filter(({ check }) => check.probe !== 'write_path')
  const [one, two] = [primaryFacts(1), standbyFacts(2)]

  it('a broken standby is survived, and one of another cluster is nobody’s', () => {
    const all = [...others, node('db-1', one), node('db-2', undefined), path('write', [landingOn(one)])]
    const { status } = pathOver(all)
    expect([status.verdict, exceptionsOf(status), status.needs.cluster]).toEqual([
      'warn',
      ['postgres_unreachable'],
      ['keybuzz'],
    ])
    const elsewhere = [
      ...others,
      node('db-1', one),
      path('write', [landingOn(one)]),
      node('x', undefined, { cluster: 'x' }),
    ]
    expect(pathOver(elsewhere).status.verdict).toBe('ok')
  })

  it('an address without a login proves no write: with no other write path nothing is known', () => {
    const pointer = path('pghost', [], { addressOnly: { peer: one.server_address ?? '', port: one.server_port ?? 0 } })
    const { status } = pathOver([...others, node('db-1', one), pointer])
    expect(outcomeOf(status)).toEqual({ verdict: 'unknown', root: 'mail_write_path_not_probed' })
    const proven = pathOver([...others, node('db-1', one), pointer, path('write', [landingOn(one)])])
    expect(proven.status.verdict).toBe('ok')
  })

  it('no primary blocks, and is named before the write path that fails because of it', () => {
    const [a, b] = [standbyFacts(1), two]
    const { status } = pathOver([...others, node('db-1', a), node('db-2', b), path('write', [landingOn(a)])])
    expect(outcomeOf(status)).toEqual({ verdict: 'fail', root: 'cluster_no_primary' })
    expect(status.blockers.map(({ reason }) => reason.code)).toEqual(['cluster_no_primary', 'write_path_read_only'])
  })

  it('nodes of another system identifier under its name are survived', () => {
    const stranger = node('db-2', standbyFacts(2, { system_identifier: '9' }))
    const { status } = pathOver([...others, node('db-1', one), stranger, path('write', [landingOn(one)])])
    expect([status.verdict, exceptionsOf(status)]).toEqual(['warn', ['cluster_mixed']])
  })

  it('the primary is not known, because Vault does not give the passwords, and yet a write commits: mail survives', () => {
    const target = nodeTarget('db-1')
    const unresolved: Looked = {
      check: checkOf(postgres, target, ['vault/vault-01']),
      observation: reported(postgres, target, ['reference_unresolved'], { unmet: ['vault/vault-01'] }),
    }
    const down = platform({ ...fine, vault: 'down, and nothing comes from it' })
    const all = [
      ...down.filter(({ check }) => check.probe !== 'write_path'),
      unresolved,
      path('write', [landingOn(one)]),
    ]
    const { status } = pathOver(all)
    expect(outcomeOf(status)).toEqual({ verdict: 'warn', root: undefined })
    expect(status.exceptions.map(({ reason }) => reason.code)).toContain('cluster_primary_unknown')
  })
})
