import type { Area, Expectation, Fault } from './fault.ts'
import { runnable, type Runnable } from './runner.ts'
import { sesAccount } from './ses-account.ts'
import { sesAnswers } from './ses-answers.ts'
import { sesTimes } from './ses-asked-stage.ts'
import { sesFile, sesMonitor, sesTemporary } from './ses-keys.ts'
import { sesRoles } from './ses-roles.ts'
import { sesAddress, sesSandbox, sesSender } from './ses-sender.ts'
import { settingNames, startSesStage, variables, well, type SesStage } from './ses-stage.ts'

import { sesStatistics } from './ses-statistics.ts'
import { sesWays } from './ses-ways.ts'

type Row = Fault<SesStage>
type Samples = NonNullable<Expectation['samples']>

const set =
  (wanted: Record<string, string | undefined>): Row['inject'] =>
  stage => {
    stage.set(wanted)
    return Promise.resolve()
  }

/** The same without a listener at the relay. */
const withoutRelay =
  (wanted: Record<string, string | undefined>): Row['inject'] =>
  async stage => {
    stage.set(wanted)
    await stage.stopRelay()
  }

const config = (state: string): Samples => ({ [`mailpath_ses_config{target="app",state="${state}"}`]: 1 })
const present = (setting: string, value: number | null): Samples => ({
  [`mailpath_ses_setting_present{target="app",setting="${setting}"}`]: value,
})
const notAsked = {
  'mailpath_ses_reachable{target="app"}': null,
  'mailpath_ses_sending_enabled{target="app"}': null,
}
const sends = (provider: 'smtp' | 'ses'): Samples => ({
  [`mailpath_mail_provider{mail_path="app",provider="${provider}"}`]: 1,
})

const dead = (code: string, samples: Samples): Expectation => ({
  verdict: 'fail',
  root: `ses/app ${code}`,
  not: ['ses/app ses_not_verified'],
  samples: { ...notAsked, ...samples },
})

type SettingName = (typeof settingNames)[number]
const subsets: (readonly SettingName[])[] = [0, 1, 2, 3, 4, 5, 6, 7].map(bits =>
  settingNames.filter((_, at) => (bits & (1 << at)) !== 0),
)

/** Each subset of the settings, where the application has no other way out. */
const subsetRows: Row[] = subsets.map(there => {
  const wanted = settingNames.map(name => [variables[name], there.includes(name) ? well[variables[name]] : undefined])
  const samples = Object.assign({}, ...settingNames.map(name => present(name, Number(there.includes(name))))) as Samples
  const seen: Expectation =
    there.length === 3
      ? {
          verdict: 'unknown',
          root: 'ses/app ses_not_verified',
          samples: { ...notAsked, ...samples, ...config('complete') },
        }
      : there.length === 0
        ? dead('ses_absent', { ...samples, ...config('absent') })
        : dead('ses_partial', { ...samples, ...config('partial') })
  return {
    name: `SES: of the settings ${there.length === 0 ? 'none is' : `only ${there.join(' and ')}`} set`.replace(
      /only (.*) and (.*) and (.*) set/,
      'all three are set, and SES was not asked',
    ),
    inject: set(Object.fromEntries(wanted) as Record<string, string | undefined>),
    seen,
  }
})

const malformed = (name: string, setting: SettingName, value: string): Row => ({
  name: `SES: ${name}`,
  inject: set({ [variables[setting]]: value }),
  seen: dead('ses_malformed', { ...present(setting, 1), ...config('complete') }),
})

const malformedRows: Row[] = [
  malformed('placeholder for the access key', 'access_key', 'your-access-key'),
  malformed('placeholder for the secret key', 'secret_key', 'changeme'),
  malformed('template that was not filled in', 'region', '${AWS_REGION}'),
  malformed('access key cut off', 'access_key', 'AKIA2E0A8F3B244C998'),
  malformed('temporary access key without its session token', 'access_key', 'ASIA2E0A8F3B244C9986'),
  malformed('SMTP password in place of the secret key', 'secret_key', smtpPassword()),
  malformed('newline behind the access key', 'access_key', `${well[variables.access_key]}\n`),
  malformed('availability zone for the region', 'region', 'eu-west-1a'),
]

/** Version byte 4 and 32 more, in base64: https://docs.aws.amazon.com/ses/latest/dg/smtp-credentials.html */
function smtpPassword(): string {
  return Buffer.concat([Buffer.from([4]), Buffer.alloc(32, 0x5a)]).toString('base64')
}

const onlySes: Area<SesStage> = {
  name: 'SES, the only way out',
  healthy: 'unknown',
  start: () => startSesStage({ provider: 'ses', implemented: true, relay: false }),
  faults: [...subsetRows, ...malformedRows],
}

const nothing = Object.fromEntries(Object.values(variables).map(name => [name, undefined]))
const partial = { [variables.region]: undefined }
const bad = { [variables.region]: 'Ireland' }

const way = (name: string, inject: Row['inject'], seen: Expectation): Row => ({
  name: `Two ways out: ${name}`,
  inject,
  seen,
})

/** `provider: smtp`, with SES beside it. */
const secondWay: Area<SesStage> = {
  name: 'SES, beside a relay',
  start: () => startSesStage({ provider: 'smtp', implemented: true, relay: true }),
  faults: [
    way('SES not set up', set(nothing), { verdict: 'ok', reasons: ['ses/app ses_absent'], samples: config('absent') }),
    way('SES set up by half', set(partial), {
      verdict: 'warn',
      reasons: ['ses/app ses_partial'],
      samples: sends('smtp'),
    }),
    way('relay refused, SES not set up', withoutRelay(nothing), {
      verdict: 'fail',
      root: 'smtp/relay smtp_unreachable',
      reasons: ['ses/app ses_absent'],
    }),
    way('relay refused, SES complete and not asked', withoutRelay({}), {
      verdict: 'unknown',
      root: 'smtp/relay smtp_unreachable',
      reasons: ['ses/app ses_not_verified'],
      samples: notAsked,
    }),
    way('provider ses, relay refused, SES complete and not asked', withoutRelay({ EMAIL_PROVIDER: 'ses' }), {
      verdict: 'unknown',
      root: 'ses/app ses_not_verified',
      samples: { ...notAsked, ...sends('ses') },
    }),
    way('provider ses, relay refused, SES malformed', withoutRelay({ EMAIL_PROVIDER: 'ses', ...bad }), {
      verdict: 'fail',
      root: 'ses/app ses_malformed',
      reasons: ['smtp/relay smtp_unreachable'],
    }),
    way('provider ses, SES not set up, relay works', set({ EMAIL_PROVIDER: 'ses', ...nothing }), {
      verdict: 'unknown',
      root: 'mail/app mail_fallback_not_said',
      reasons: ['ses/app ses_absent'],
      samples: { ...sends('ses'), 'mailpath_smtp_authenticated{target="relay"}': 1 },
    }),
    way('provider written in capitals', set({ EMAIL_PROVIDER: ' SMTP ' }), { verdict: 'ok', samples: sends('smtp') }),
    ...(
      [
        ['unknown', 'sendgrid', 'mail_provider_unknown'],
        ['not set', undefined, 'reference_unresolved'],
      ] as const
    ).map(([what, value, code]) =>
      way(`provider ${what}`, set({ EMAIL_PROVIDER: value }), {
        verdict: 'unknown',
        root: `mail/app ${code}`,
        samples: {
          'mailpath_mail_provider{mail_path="app",provider="smtp"}': null,
          'mailpath_mail_provider{mail_path="app",provider="ses"}': null,
        },
      }),
    ),
  ],
}

const stubbed = (name: string, inject: Row['inject'], seen: Expectation): Row => ({
  name: `SES stub: ${name}`,
  inject,
  seen: { ...seen, samples: { ...seen.samples, 'mailpath_ses_implemented{target="app"}': 0 } },
})

/** `implemented: false`: the settings may be what they like. */
const stub: Area<SesStage> = {
  name: 'SES, a stub',
  start: () => startSesStage({ provider: 'smtp', implemented: false, relay: true }),
  faults: [
    stubbed('provider ses, relay works, and nothing is said of a fallback', set({ EMAIL_PROVIDER: 'ses' }), {
      verdict: 'unknown',
      root: 'mail/app mail_fallback_not_said',
      reasons: ['ses/app ses_stub'],
      samples: sends('ses'),
    }),
    stubbed('provider ses, relay refused', withoutRelay({ EMAIL_PROVIDER: 'ses' }), {
      verdict: 'fail',
      root: 'ses/app ses_stub',
      reasons: ['smtp/relay smtp_unreachable'],
    }),
    stubbed('provider smtp, relay refused', withoutRelay({}), {
      verdict: 'fail',
      root: 'smtp/relay smtp_unreachable',
      reasons: ['ses/app ses_stub'],
      samples: config('complete'),
    }),
  ],
}

const fallback: Area<SesStage> = {
  name: 'SES, a stub that falls back to SMTP',
  start: () => startSesStage({ provider: 'smtp', implemented: false, relay: true, fallback: 'smtp' }),
  faults: [
    stubbed('provider ses, relay works, and the stub falls back to it', set({ EMAIL_PROVIDER: 'ses' }), {
      verdict: 'warn',
      reasons: ['ses/app ses_stub'],
      not: ['mail/app mail_fallback_not_said'],
      samples: sends('ses'),
    }),
  ],
}

const noFallback: Area<SesStage> = {
  name: 'SES, a stub without a fallback',
  start: () => startSesStage({ provider: 'smtp', implemented: false, relay: true, fallback: 'none' }),
  faults: [
    stubbed('provider ses, relay works, and the stub has no fallback', set({ EMAIL_PROVIDER: 'ses' }), {
      verdict: 'fail',
      root: 'ses/app ses_stub',
      samples: { ...sends('ses'), 'mailpath_smtp_authenticated{target="relay"}': 1 },
    }),
  ],
}

export const sesAreas: readonly Runnable[] = [
  ...[onlySes, secondWay, stub, fallback, noFallback].map(area => runnable(area)),
  runnable({ times: sesTimes, ...sesAnswers }),
  ...[
    sesAccount,
    sesSender,
    sesAddress,
    sesSandbox,
    sesTemporary,
    sesMonitor,
    sesFile,
    ...sesRoles,
    ...sesStatistics,
    ...sesWays,
  ].map(area => runnable({ times: sesTimes, ...area })),
]
