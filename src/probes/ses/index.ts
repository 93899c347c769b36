import * as z from 'zod'
import { secret, section, targetFields, text } from '../../fields/index.ts'
import { gauge, sample, stateSet } from '../../core/metric.ts'
import { defineProbe, finding, reasonsOf, type Reason, type ReasonSpec } from '../../core/probe.ts'
import { shapes } from '../../core/shape.ts'
import { faults, settingNames } from './lint.ts'
import { observe, type SesSeen, type SesSetting, type SesTarget } from './observe.ts'

export type { SesSeen, SesTarget } from './observe.ts'

export const configStates = ['complete', 'partial', 'absent'] as const
type ConfigState = (typeof configStates)[number]

export const metrics = {
  present: gauge('mailpath_ses_setting_present', 'Whether the SES setting has a value, be it a good one or not.', [
    'target',
    'setting',
  ]),
  config: gauge('mailpath_ses_config', 'How many of the SES settings have a value: all, some or none.', [
    'target',
    'state',
  ]),
  implemented: gauge('mailpath_ses_implemented', "Whether the application's SES sender is more than a stub.", [
    'target',
  ]),
  // Here come reachable, sending_enabled, production_access, quota_* and identity_verified, once SES itself is asked.
}

const reasons = {
  ses_absent: {
    verdict: 'warn',
    severity: 'low',
    meaning: 'None of the SES settings is set: there is no second way out for mail.',
    remedy: 'Set access key, secret key and region if SES is meant as a second way out; else take the target out.',
  },
  ses_stub: {
    verdict: 'warn',
    severity: 'low',
    meaning: "The application's SES sender is a stub: nothing leaves by SES, whatever its settings are.",
    remedy: 'Implement the sender, deploy it, and take `implemented: false` out of the configuration.',
  },
  ses_partial: {
    verdict: 'fail',
    severity: 'medium',
    meaning: 'Some of the SES settings are set and some are not: the application cannot send through SES.',
    remedy: 'Set those that are missing where the application takes them from, and restart it.',
  },
  ses_malformed: {
    verdict: 'fail',
    severity: 'medium',
    meaning: 'An SES setting has a value that SES cannot accept.',
    remedy: 'Put the real value there: an IAM access key, its secret key, and the region in which SES is set up.',
  },
  ses_unreadable: {
    verdict: 'unknown',
    severity: 'medium',
    meaning: 'An SES setting could not be read, so nothing is known of it.',
    remedy: 'Make the source named readable to the exporter, or correct the value where it comes from.',
  },
  ses_not_verified: {
    verdict: 'unknown',
    severity: 'low',
    meaning: 'The SES settings are complete and well-formed, but SES itself was not asked, so nothing is proven.',
    remedy: 'Send a test mail through SES by hand (to success@simulator.amazonses.com) before you rely on it.',
  },
} as const satisfies Record<string, ReasonSpec>
const reason = reasonsOf(reasons)

/**
 * Whether the application can send through SES. Never `yes`: nobody asked SES yet.
 * `no` is proven by one setting alone, also while another cannot be read.
 */
export function canDeliver(seen: SesSeen, target: SesTarget): 'no' | 'unknown' {
  const broken = settingNames.some(name => ['absent', 'malformed'].includes(seen.settings[name].state))
  return broken || !target.implemented ? 'no' : 'unknown'
}

const isPresent = ({ state }: SesSetting): boolean | undefined =>
  state === 'unreadable' ? undefined : state !== 'absent'

/** Undefined where what could not be read would decide. */
function configState(settings: readonly SesSetting[]): ConfigState | undefined {
  const present = settings.map(isPresent)
  if (present.includes(true) && present.includes(false)) return 'partial'
  if (present.includes(undefined)) return undefined
  return present.includes(true) ? 'complete' : 'absent'
}

/** The SES settings of an application: are they there, and can they be right? */
export const ses = defineProbe({
  kind: 'ses',
  summary: 'The SES settings of an application: set, well-formed, and used by more than a stub.',
  target: section({
    ...targetFields,
    access_key: text('Access key id of the IAM user that sends.', shapes.accessKey),
    secret_key: secret('Its secret access key.'),
    region: text('Region in which SES is set up, such as eu-west-1.', shapes.region),
    implemented: z
      .boolean()
      .default(true)
      .describe("False where the application's SES sender is a stub: SES is then no second way out."),
  }),
  metrics,
  reasons,
  observe,
  judge(seen, target) {
    const all = settingNames.map(name => seen.settings[name])
    const state = configState(all)
    const samples = [
      ...settingNames.flatMap(name =>
        sample(metrics.present, isPresent(seen.settings[name]), { target: target.name, setting: name }),
      ),
      ...stateSet(metrics.config, 'state', configStates, state, { target: target.name }),
      ...sample(metrics.implemented, target.implemented, { target: target.name }),
    ]
    return finding('SES: complete and well-formed', reasonsFor(seen, target, state), samples)
  },
})

function reasonsFor(seen: SesSeen, target: SesTarget, state: ConfigState | undefined): Reason[] {
  const lines = settingNames.map(name => ({
    setting: seen.settings[name],
    label: `${name} (${seen.settings[name].source})`,
  }))
  const absent = lines.filter(({ setting }) => setting.state === 'absent').map(({ label }) => label)
  const malformed = lines.flatMap(({ setting, label }) =>
    setting.state === 'malformed' ? [`${label} ${faults[setting.fault]}`] : [],
  )
  const unreadable = lines.flatMap(({ setting }) => (setting.state === 'unreadable' ? [setting.why] : []))
  const found: Reason[] = []
  if (state === 'absent') found.push(reason('ses_absent', `SES: none is set of ${absent.join(', ')}`))
  if (state === 'partial') found.push(reason('ses_partial', `SES: not set: ${absent.join(', ')}, while others are`))
  if (malformed.length > 0) found.push(reason('ses_malformed', `SES: ${malformed.join('; ')}`))
  if (unreadable.length > 0) {
    const rest = state === undefined && absent.length > 0 ? [`not set: ${absent.join(', ')}`] : []
    found.push(reason('ses_unreadable', `SES: ${[...unreadable, ...rest].join('; ')}`))
  }
  if (!target.implemented)
    found.push(reason('ses_stub', "SES: the application's sender is a stub (implemented: false)"))
  if (found.length === 0)
    found.push(reason('ses_not_verified', 'SES: the settings are complete and well-formed, but SES was not asked'))
  return found
}
