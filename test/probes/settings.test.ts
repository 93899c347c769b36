import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { createReferences } from '../../src/references/index.ts'
import { Unresolved } from '../../src/core/errors.ts'
import type { Observation, Verdict } from '../../src/core/probe.ts'
import { settings } from '../../src/probes/settings/index.ts'
import type { SettingSeen, SettingsSeen } from '../../src/probes/settings/observe.ts'
import type { SettingsTarget } from '../../src/probes/settings/target.ts'
import { silent } from '../servers/hostile.ts'
import { byKubernetes, expectSamples, probeContract } from './contract.ts'
import { look } from './look.ts'

const target: SettingsTarget = { name: 'backend-01', from: { dotenv: '/opt/app/.env' }, expect: {} }

describe('judge', () => {
  const setting = (over: Partial<SettingSeen>): SettingSeen => ({
    name: 'SMTP_HOST',
    state: 'verified',
    source: 'dotenv /opt/app/.env',
    expected: 'mail-core-01',
    optional: false,
    why: undefined,
    ...over,
  })
  // What is exported is written as present and matches, - where there is no sample.
  const rows: [string, SettingSeen, Verdict, string[], string][] = [
    ['verified', setting({}), 'ok', [], '11'],
    ['present', setting({ state: 'present', expected: undefined }), 'ok', [], '1-'],
    [
      'absent',
      setting({ state: 'absent' }),
      'fail',
      ['setting_absent SMTP_HOST (dotenv /opt/app/.env): not set or empty'],
      '00',
    ],
    ['absent, which it may be', setting({ state: 'absent', optional: true }), 'ok', [], '0-'],
    [
      'different',
      setting({ state: 'different' }),
      'fail',
      ['setting_different SMTP_HOST (dotenv /opt/app/.env): is not "mail-core-01"'],
      '10',
    ],
    [
      'different, though optional: it is set wrong',
      setting({ state: 'different', optional: true, source: 'default' }),
      'fail',
      ['setting_different SMTP_HOST (default): is not "mail-core-01"'],
      '10',
    ],
    [
      'different by white space',
      setting({ state: 'different', why: 'differs only in white space around it' }),
      'fail',
      [
        'setting_different SMTP_HOST (dotenv /opt/app/.env): is not "mail-core-01"; differs only in white space around it',
      ],
      '10',
    ],
    [
      'unreadable',
      setting({ state: 'unreadable', why: 'permission denied' }),
      'unknown',
      ['setting_unreadable SMTP_HOST (dotenv /opt/app/.env): permission denied'],
      '--',
    ],
  ]
  it.each(rows)('%s', (_, seen, verdict, reasons, exported) => {
    const found = settings.judge({ settings: [seen] }, target)
    expect(found.verdict).toBe(verdict)
    expect(found.reasons.map(reason => `${reason.code} ${reason.text}`)).toEqual(reasons)
    const value = (metric: string) =>
      found.samples.find(s => s.metric.name === `mailpath_settings_${metric}` && s.labels['setting'] === 'SMTP_HOST')
    expect(`${value('present')?.value ?? '-'}${value('matches')?.value ?? '-'}`).toBe(exported)
  })

  it('gives one reason per setting, proven failures first', () => {
    const states = ['unreadable', 'verified', 'absent', 'different'] as const
    const found = settings.judge({ settings: states.map(state => setting({ name: state, state })) }, target)
    expect(found.reasons.map(({ code }) => code)).toEqual(['setting_absent', 'setting_different', 'setting_unreadable'])
  })

  it('says what is right, and no count of what there is none of', () => {
    const evidenceOf = (...seen: readonly Partial<SettingSeen>[]) =>
      settings.judge({ settings: seen.map(setting) }, target).evidence
    const [present, optional] = [{ state: 'present' }, { state: 'absent', optional: true }] as const
    expect(evidenceOf(present, present)).toBe('settings: 2 set (any value is right)')
    expect(evidenceOf({}, present, optional)).toBe(
      'settings: 1 as expected, 1 set (any value is right), 1 not set (optional)',
    )
  })
})

describe('observe', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mailpath-settings-'))
    return () => rm(folder, { recursive: true })
  })

  async function see(
    text: string,
    expected: SettingsTarget['expect'],
    from?: SettingsTarget['from'],
  ): Promise<{ observation: Observation; rows: readonly SettingSeen[]; states: Record<string, string> }> {
    const dotenv = join(folder, '.env')
    await writeFile(dotenv, text)
    const env = { SMTP_PASS: 'canary-password', SMTP_HOST: 'canary-host' }
    const observation = await look(
      settings,
      { ...target, from: from ?? { dotenv }, expect: expected },
      { references: createReferences({ env, vaults: [], kubernetes: undefined }) },
    )
    if (!observation) throw new Error('the run was not recorded')
    expectSamples(observation, settings)
    const rows = (observation.seen as SettingsSeen).settings
    return { observation, rows, states: Object.fromEntries(rows.map(({ name, state }) => [name, state])) }
  }

  it('compares text, numbers and booleans as text', async () => {
    const { states, observation } = await see('SMTP_HOST=mail-core-01\nSMTP_PORT=587\nSMTP_TLS=true\nSMTP_USER=me\n', {
      SMTP_HOST: 'mail-core-01',
      SMTP_PORT: 587,
      SMTP_TLS: true,
      SMTP_USER: { equals: 'postmaster@keybuzz.io' },
    })
    expect(states).toEqual({
      SMTP_HOST: 'verified',
      SMTP_PORT: 'verified',
      SMTP_TLS: 'verified',
      SMTP_USER: 'different',
    })
    expect(observation.verdict).toBe('fail')
  })

  it('knows nothing of a value with a variable, until it is said whether that is expanded', async () => {
    const text = 'MAIL_HOST=mail-core-01\nSMTP_HOST=${MAIL_HOST}\nSMTP_PORT=587\n'
    const expected = { SMTP_HOST: 'mail-core-01', SMTP_PORT: 587 }
    const { states, observation } = await see(text, expected)
    expect(states).toEqual({ SMTP_HOST: 'unreadable', SMTP_PORT: 'verified' })
    expect(observation.verdict).toBe('unknown')
    expect(observation.reasons[0]?.text).toMatch(
      /^SMTP_HOST \(dotenv .*\): holds \$\{MAIL_HOST\}: set `expand: true` if /,
    )
    const dotenv = join(folder, '.env')
    expect((await see(text, expected, { dotenv, expand: true })).observation.verdict).toBe('ok')
    expect((await see(text, expected, { dotenv, expand: false })).states['SMTP_HOST']).toBe('different')
  })

  it('takes an empty value for none, and then what the application falls back to', async () => {
    const { rows } = await see('EMPTY=\nBLANK="  "\nEMAIL_PROVIDER=\n', {
      EMPTY: { present: true },
      BLANK: { present: true },
      NOWHERE: { optional: true },
      constructor: { optional: false },
      EMAIL_PROVIDER: { equals: 'smtp', default: 'smtp' },
      LOG_LEVEL: { default: 'info' },
      QUEUE: { equals: 'mail', default: 'default' },
    })
    expect(rows.map(({ name, state, source }) => [name, state, source === 'default' ? source : ''])).toEqual([
      ['EMPTY', 'absent', ''],
      ['BLANK', 'absent', ''],
      ['NOWHERE', 'absent', ''],
      ['constructor', 'absent', ''],
      ['EMAIL_PROVIDER', 'verified', 'default'],
      ['LOG_LEVEL', 'present', 'default'],
      ['QUEUE', 'different', 'default'],
    ])
  })

  it('takes a single setting from where it says', async () => {
    const { rows } = await see('SMTP_HOST=mail\n', {
      SMTP_HOST: 'mail',
      SMTP_PASS: { from: { env: 'SMTP_PASS' } },
      SMTP_USER: { from: { env: 'SMTP_USER' } },
      SMTP_CERT: { from: { file: '/nowhere/cert' } },
    })
    expect(rows.map(({ state, source }) => [state, source])).toEqual([
      ['verified', `dotenv ${folder}/.env`],
      ['present', 'env SMTP_PASS'],
      ['absent', 'env SMTP_USER'],
      ['unreadable', 'file /nowhere/cert'],
    ])
  })

  it('knows every setting of a source that cannot be read to be unknown, and no other', async () => {
    const { states, observation } = await see(
      '',
      { SMTP_HOST: 'mail', SMTP_USER: { optional: true }, SMTP_PASS: { from: { env: 'SMTP_PASS' } } },
      { dotenv: '/nowhere/.env' },
    )
    expect(states).toEqual({ SMTP_HOST: 'unreadable', SMTP_USER: 'unreadable', SMTP_PASS: 'present' })
    expect(observation.verdict).toBe('unknown')
    for (const { text } of observation.reasons)
      expect(text).toMatch(/^SMTP_\w+ \(dotenv \/nowhere\/\.env\): .*no such file/)
  })

  it('holds what was read against the target, though the exporter had no descriptor for another setting', async () => {
    const noDescriptor = Object.assign(new Error('EMFILE: too many open files'), { code: 'EMFILE', syscall: 'open' })
    const unread = Object.assign(new Unresolved(`file /run/pass: ${noDescriptor.message}`), { cause: noDescriptor })
    const expected = { SMTP_HOST: 'mail', SMTP_PASS: { from: { file: '/run/pass' } } }
    const references = {
      settings: () => Promise.resolve({ SMTP_HOST: 'another' }),
      value: () => Promise.reject(unread),
    }
    const observation = await look(settings, { ...target, expect: expected }, { references })
    expect(observation?.reasons.map(({ code }) => code)).toEqual(['setting_different', 'exporter_starved'])
  })

  it('says what it has where one source hangs until the time is up', async () => {
    const vault = await silent()
    onTestFinished(() => vault.close())
    const dotenv = join(folder, '.env')
    await writeFile(dotenv, 'SMTP_HOST=mail\n')
    const vaults = [{ name: 'vault-01', url: `http://127.0.0.1:${vault.port}`, token: { env: 'TOKEN' } }]
    const from = { vault: { target: 'vault-01', path: 'secret/data/smtp', key: 'SMTP_PASS' } }
    const observation = await look(
      settings,
      { ...target, from: { dotenv }, expect: { SMTP_PASS: { from }, SMTP_HOST: 'mail' } },
      { timeoutMs: 300, references: createReferences({ env: { TOKEN: 'token' }, vaults, kubernetes: undefined }) },
    )
    const rows = (observation?.seen as SettingsSeen).settings
    expect(rows.map(({ name, state }) => [name, state])).toEqual([
      ['SMTP_PASS', 'unreadable'],
      ['SMTP_HOST', 'verified'],
    ])
    expect(rows[0]?.source).toBe('vault vault-01 secret/data/smtp#SMTP_PASS')
    expect(rows[0]?.why).toContain('no answer within 0.3 s')
  })

  it('lets no value out, be it a secret, another one, or different', async () => {
    const text = 'SMTP_PASS=canary-1\nDATABASE_URL=postgres://u:canary-2@db/app\nSMTP_HOST=canary-3\nAPI=canary-4\n'
    const { observation } = await see(text, {
      SMTP_PASS: { present: true },
      DATABASE_URL: { present: true },
      SMTP_HOST: 'mail',
      API: { equals: 'x' },
      OTHER: { equals: 'y', from: { env: 'SMTP_HOST' } },
    })
    expect(observation.reasons.map(({ code }) => code)).toEqual(Array(3).fill('setting_different'))
    expect(JSON.stringify({ ...observation, config: undefined })).not.toContain('canary')
  })

  it('does not show what is expected of a secret', async () => {
    const { rows } = await see('', {
      SMTP_PASS: 'expected-canary',
      PUBLIC_KEY_NAME: { equals: 'shown', secret: false },
    })
    expect(rows.map(({ expected }) => expected)).toEqual([undefined, 'shown'])
  })
})

describe('config', () => {
  const problem = (expected: unknown) => {
    const parsed = settings.target.safeParse({ ...target, expect: expected })
    return parsed.error?.issues.map(issue => `${issue.path.join('.')}: ${issue.message}`)
  }

  it('takes the forms of the manual', () => {
    const forms = { A: 'x', B: 587, C: true, D: { present: true }, E: { optional: true }, F: { default: 'x' } }
    expect(problem({ ...forms, SMTP_PASS: { from: { env: 'X' } }, MAX_TOKENS: { equals: '4', secret: false } })).toBe(
      undefined,
    )
  })

  it.each([
    ['SMTP_PASS', 'hunter2'],
    ['API_TOKEN', { equals: 'x' }],
    ['DATABASE_URL', { default: 'postgres://u:p@db/app' }],
    ['ANYTHING', { equals: 'x', secret: true }],
  ])('takes no value of a secret: %s', (name, expected) => {
    expect(problem({ [name]: expected })).toEqual([
      `expect.${name}: counts as a secret, and a secret must not stand in this file; write { present: true }, or add secret: false if it is none`,
    ])
  })

  it('wants a setting, and names that can be one', () => {
    expect(problem({})).toEqual(['expect: name at least one setting, for example SMTP_HOST: { present: true }'])
    expect(problem({ 'SMTP HOST': 'x' })).toEqual([
      'expect.SMTP HOST: not the name of a setting; expected letters, digits, _ . and -',
    ])
  })
})

probeContract(
  settings,
  () => ({
    ...target,
    from: { kubernetes: { namespace: 'keybuzz', secret: 'app' } },
    expect: { SMTP_HOST: 'mail-core-01', SMTP_PASS: { from: { env: 'PASS' } } },
  }),
  byKubernetes,
)
