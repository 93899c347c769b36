import { describe, expect, it } from 'vitest'
import { createReferences } from '../../src/references/index.ts'
import type { Verdict } from '../../src/core/probe.ts'
import { ses } from '../../src/probes/ses/index.ts'
import { canDeliver } from '../../src/probes/ses/judge.ts'
import type { SesTarget } from '../../src/probes/ses/target.ts'
import type { SesSeen } from '../../src/probes/ses/seen.ts'
import { lint, settingNames, type Fault, type SesSetting, type SettingName } from '../../src/probes/ses/settings.ts'
import { byKubernetes, expectSamples, probeContract } from './contract.ts'
import { look } from './look.ts'

// Put together here, so that no scanner takes them for keys that leaked.
const accessKey = `AKIA${'Q7'.repeat(8)}`
const secretKey = 'hT4n/Zp0q+'.repeat(4)
const smtpPassword = Buffer.concat([Buffer.of(4), Buffer.alloc(32, 'k')]).toString('base64')

describe('lint', () => {
  const rows: [SettingName, string, Fault | 'absent' | 'well_formed'][] = [
    ['access_key', accessKey, 'well_formed'],
    ['access_key', '', 'absent'],
    ['access_key', ' \t\n', 'absent'],
    ['access_key', 'AKIAIOSFODNN7EXAMPLE', 'placeholder'],
    ['access_key', 'changeme', 'placeholder'],
    ['access_key', 'CHANGE_ME\n', 'placeholder'],
    ['access_key', 'test', 'placeholder'],
    ['access_key', 'xxx', 'placeholder'],
    ['access_key', 'ANY_STRING', 'placeholder'],
    ['access_key', 'your-access-key', 'placeholder'],
    ['access_key', '<access key>', 'placeholder'],
    ['access_key', '${AWS_SES_ACCESS_KEY}', 'placeholder'],
    ['access_key', '{{ .Values.ses.accessKey }}', 'placeholder'],
    ['access_key', accessKey.toLowerCase(), 'not_an_access_key'],
    ['access_key', `${accessKey}A`, 'not_an_access_key'],
    ['access_key', accessKey.replace('AKIA', 'AROA'), 'not_an_access_key'],
    ['access_key', secretKey, 'not_an_access_key'],
    ['access_key', accessKey.replace('AKIA', 'ASIA'), 'temporary_access_key'],
    ['access_key', `${accessKey}\n`, 'white_space'],
    ['access_key', ` ${accessKey}`, 'white_space'],
    ['secret_key', secretKey, 'well_formed'],
    ['secret_key', 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY', 'placeholder'],
    ['secret_key', secretKey.slice(1), 'not_a_secret_key'],
    ['secret_key', `"${secretKey.slice(2)}"`, 'not_a_secret_key'],
    ['secret_key', accessKey, 'not_a_secret_key'],
    ['secret_key', smtpPassword, 'smtp_password'],
    ['secret_key', `A${smtpPassword.slice(1)}`, 'not_a_secret_key'],
    ['secret_key', `${secretKey}\r\n`, 'white_space'],
    ['region', 'eu-west-1', 'well_formed'],
    ['region', 'us-gov-east-1', 'well_formed'],
    ['region', 'eusc-de-east-1', 'well_formed'],
    ['region', 'eu-west-1a', 'not_a_region'],
    ['region', 'EU-WEST-1', 'not_a_region'],
    ['region', 'eu-west', 'not_a_region'],
    ['region', 'Ireland', 'not_a_region'],
    ['region', 'http://localhost:4566', 'not_a_region'],
    ['region', 'your-region', 'placeholder'],
    ['region', 'eu-west-1\n', 'white_space'],
  ]
  it.each(rows)('%s %j: %s', (name, value, expected) => {
    const found = lint(name, value)
    expect(found.state === 'malformed' ? found.fault : found.state).toBe(expected)
  })
})

const target: SesTarget = {
  name: 'backend SES',
  access_key: { env: 'AWS_SES_ACCESS_KEY' },
  secret_key: { env: 'AWS_SES_SECRET_KEY' },
  region: { env: 'AWS_SES_REGION' },
  implemented: true,
  verify: false,
  sandbox: false,
  quota_warning: 0.8,
}
const stub = { ...target, implemented: false }

describe('judge', () => {
  type State = Fault | 'absent' | 'well_formed' | 'unreadable'
  const seen = (...states: [State, State, State]): SesSeen => {
    const setting = (name: SettingName, at: number): SesSetting => {
      const state = states[at] ?? 'absent'
      const source = `env ${name.toUpperCase()}`
      if (state === 'absent' || state === 'well_formed') return { state, source }
      return state === 'unreadable'
        ? { state, source, why: `${name}: permission denied` }
        : { state: 'malformed', fault: state, source }
    }
    return {
      settings: {
        access_key: setting('access_key', 0),
        secret_key: setting('secret_key', 1),
        region: setting('region', 2),
      },
    }
  }
  const sameSource = ({ settings }: SesSeen): SesSeen => {
    const same = (setting: SesSetting | undefined) => setting && { ...setting, source: 'env SAME' }
    const { access_key, secret_key, region } = settings
    return { settings: { access_key: same(access_key), secret_key: same(secret_key), region } }
  }
  const good = 'well_formed'

  // Which settings are present is written as one digit each, - where it is not known.
  const rows: [string, SesSeen, SesTarget, Verdict, string[], string, string | undefined, string][] = [
    [
      'nothing set',
      seen('absent', 'absent', 'absent'),
      target,
      'warn',
      ['ses_absent none is set of access_key (env ACCESS_KEY), secret_key (env SECRET_KEY), region (env REGION)'],
      '000',
      'absent',
      'no',
    ],
    [
      'the incident: nothing set, and a stub',
      seen('absent', 'absent', 'absent'),
      stub,
      'warn',
      [
        'ses_absent none is set of access_key (env ACCESS_KEY), secret_key (env SECRET_KEY), region (env REGION)',
        "ses_stub the application's sender is a stub (implemented: false)",
      ],
      '000',
      'absent',
      'no',
    ],
    [
      'one missing',
      seen(good, 'absent', good),
      target,
      'fail',
      ['ses_partial not set: secret_key (env SECRET_KEY), while others are'],
      '101',
      'partial',
      'no',
    ],
    [
      'two from one place, which has no such value',
      sameSource(seen('absent', 'absent', good)),
      target,
      'fail',
      ['ses_partial not set: access_key, secret_key (env SAME), while others are'],
      '001',
      'partial',
      'no',
    ],
    [
      'one malformed',
      seen(good, 'smtp_password', good),
      target,
      'fail',
      [
        'ses_malformed secret_key (env SECRET_KEY) is an SES SMTP password, made from a secret access key: the SES API does not take it',
      ],
      '111',
      'complete',
      'no',
    ],
    [
      'two malformed, one missing',
      seen('placeholder', 'absent', 'not_a_region'),
      target,
      'fail',
      [
        'ses_partial not set: secret_key (env SECRET_KEY), while others are',
        'ses_malformed access_key (env ACCESS_KEY) is a placeholder, not a value; region (env REGION) is not shaped like a region (eu-west-1)',
      ],
      '101',
      'partial',
      'no',
    ],
    [
      'complete: nobody asked SES, so it is not ok',
      seen(good, good, good),
      target,
      'unknown',
      ['ses_not_verified the settings are complete and well-formed, but SES was not asked'],
      '111',
      'complete',
      'unknown',
    ],
    [
      'complete, but a stub',
      seen(good, good, good),
      stub,
      'warn',
      ["ses_stub the application's sender is a stub (implemented: false)"],
      '111',
      'complete',
      'no',
    ],
    [
      'nothing readable',
      seen('unreadable', 'unreadable', 'unreadable'),
      target,
      'unknown',
      ['ses_unreadable access_key: permission denied; secret_key: permission denied; region: permission denied'],
      '---',
      undefined,
      'unknown',
    ],
    [
      'one unreadable, the rest good',
      seen(good, 'unreadable', good),
      target,
      'unknown',
      ['ses_unreadable secret_key: permission denied'],
      '1-1',
      undefined,
      'unknown',
    ],
    [
      'one unreadable, the rest absent: partial or absent, and surely no way out',
      seen('absent', 'unreadable', 'absent'),
      target,
      'unknown',
      ['ses_unreadable secret_key: permission denied; not set: access_key (env ACCESS_KEY), region (env REGION)'],
      '0-0',
      undefined,
      'no',
    ],
    [
      'one unreadable, one absent, one set: partial, whatever the third is',
      seen('absent', 'unreadable', good),
      target,
      'fail',
      [
        'ses_partial not set: access_key (env ACCESS_KEY), while others are',
        'ses_unreadable secret_key: permission denied',
      ],
      '0-1',
      'partial',
      'no',
    ],
  ]
  it.each(rows)('%s', (_, facts, of, verdict, reasons, present, config, delivers) => {
    const found = ses.judge(facts, of)
    expect(found.verdict).toBe(verdict)
    expect(found.reasons.map(reason => `${reason.code} ${reason.text}`)).toEqual(reasons)
    const value = (metric: string, label: string): number | undefined =>
      found.samples.find(s => s.metric.name === `mailpath_ses_${metric}` && Object.values(s.labels).includes(label))
        ?.value
    expect(settingNames.map(name => value('setting_present', name) ?? '-').join('')).toBe(present)
    for (const state of ['complete', 'partial', 'absent'])
      expect(value('config', state)).toBe(config === undefined ? undefined : Number(state === config))
    expect(value('implemented', 'backend SES')).toBe(Number(of.implemented))
    expect(canDeliver(facts, of)).toBe(delivers)
  })

  it('exports nothing that only SES could say', () => {
    const names = ses.judge(seen(good, good, good), target).samples.map(({ metric }) => metric.name)
    expect(new Set(names)).toEqual(
      new Set(['mailpath_ses_setting_present', 'mailpath_ses_config', 'mailpath_ses_implemented']),
    )
  })
})

describe('observe', () => {
  const see = async (env: Record<string, string>, of: SesTarget = target) => {
    const observation = await look(ses, of, {
      references: createReferences({ env, vaults: [], kubernetes: undefined }),
    })
    if (!observation) throw new Error('the run was not recorded')
    expectSamples(observation, ses)
    return { observation, states: settingNames.map(name => (observation.seen as SesSeen).settings[name]?.state) }
  }

  it('takes a variable that is not set for absent, not for unreadable', async () => {
    const { observation, states } = await see({ AWS_SES_REGION: 'eu-west-1' })
    expect(states).toEqual(['absent', 'absent', 'well_formed'])
    expect(observation.reasons[0]?.text).toBe(
      'not set: access_key (env AWS_SES_ACCESS_KEY), secret_key (env AWS_SES_SECRET_KEY), while others are',
    )
  })

  it('reads the other settings where one cannot be read', async () => {
    const { observation, states } = await see(
      { AWS_SES_ACCESS_KEY: accessKey },
      { ...target, secret_key: { file: '/nowhere/secret' }, region: 'eu-west-1' },
    )
    expect(states).toEqual(['well_formed', 'unreadable', 'well_formed'])
    expect(observation.verdict).toBe('unknown')
    expect(observation.reasons[0]?.text).toContain('/nowhere/secret')
  })

  it('lets no value out, however wrong it is', async () => {
    const values = {
      AWS_SES_ACCESS_KEY: 'access-canary',
      AWS_SES_SECRET_KEY: smtpPassword,
      AWS_SES_REGION: 'region-canary',
    }
    const { observation, states } = await see(values)
    expect(states).toEqual(['malformed', 'malformed', 'malformed'])
    for (const value of Object.values(values)) expect(JSON.stringify(observation)).not.toContain(value)
  })
})

describe('config', () => {
  it('counts the sender as implemented unless it says otherwise, and takes no literal secret', () => {
    const { name, access_key, secret_key, region } = target
    expect(ses.target.parse({ name, access_key, secret_key, region })).toEqual({ ...target, verify: true })
    expect(ses.target.safeParse({ name, access_key, secret_key: secretKey, region }).error?.issues[0]?.message).toMatch(
      /^a secret must not stand in this file/,
    )
  })
})

probeContract(
  ses,
  () => ({
    ...target,
    access_key: { kubernetes: { namespace: 'keybuzz', secret: 'app', key: 'KEY' } },
    secret_key: { kubernetes: { namespace: 'keybuzz', secret: 'app', key: 'PASS' } },
    region: 'eu-west-1',
  }),
  byKubernetes,
)
