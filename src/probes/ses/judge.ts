import { groupBy } from '../../core/group.ts'
import { gauge, sample, stateSet } from '../../core/metric.ts'
import { finding } from '../../core/probe.ts'
import { faults, settingNames, type SesSetting } from './settings.ts'
import type { SesSeen } from './seen.ts'
import { reason, type Reason } from './reasons.ts'
import type { SesTarget } from './target.ts'

/** The words of AWS in small letters; `other` is one we do not know. */
export const enforcementStates = ['healthy', 'probation', 'shutdown', 'other'] as const
export const dkimStates = ['pending', 'success', 'failed', 'temporary_failure', 'not_started'] as const
export const mailFromStates = ['pending', 'success', 'failed', 'temporary_failure'] as const

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
  reachable: gauge('mailpath_ses_reachable', 'Whether SES answered, be it with an error.', ['target']),
  credentialsValid: gauge(
    'mailpath_ses_credentials_valid',
    'Whether AWS took the signature made with the keys of the application; absent if that is not known.',
    ['target'],
  ),
  sendingEnabled: gauge('mailpath_ses_sending_enabled', 'Whether sending is enabled for the account.', ['target']),
  productionAccess: gauge('mailpath_ses_production_access', 'Whether the account is out of the sandbox.', ['target']),
  enforcement: gauge('mailpath_ses_enforcement', 'What AWS does about the account, as a state set.', [
    'target',
    'status',
  ]),
  quotaMax: gauge('mailpath_ses_quota_max_24h', 'Mails that may be sent in 24 hours; absent if there is no limit.', [
    'target',
  ]),
  quotaSent: gauge('mailpath_ses_quota_sent_24h', 'Mails sent in the last 24 hours.', ['target']),
  maxSendRate: gauge('mailpath_ses_max_send_rate', 'Mails that may be sent in a second.', ['target']),
  identityVerified: gauge(
    'mailpath_ses_identity_verified',
    'Whether the sender (`from`) is verified: its address, its domain, or a domain above.',
    ['target'],
  ),
  identityDkim: gauge('mailpath_ses_identity_dkim', 'State of DKIM of the identity, as a state set.', [
    'target',
    'status',
  ]),
  identityMailFrom: gauge(
    'mailpath_ses_identity_mail_from',
    'State of the custom MAIL FROM domain of the identity, as a state set; absent without one.',
    ['target', 'status'],
  ),
  configurationSetSendingEnabled: gauge(
    'mailpath_ses_configuration_set_sending_enabled',
    'Whether sending is enabled for the configuration set.',
    ['target'],
  ),
  clockSkew: gauge(
    'mailpath_ses_clock_skew_seconds',
    'The clock of the exporter less that of SES, to a second and half a round trip.',
    ['target'],
  ),
  bounceRatio: gauge('mailpath_ses_bounce_ratio', 'Bounces per delivery attempt in the last 24 hours.', ['target']),
  complaintRatio: gauge('mailpath_ses_complaint_ratio', 'Complaints per delivery attempt in the last 24 hours.', [
    'target',
  ]),
}

/** Whether SES would take mail: `yes` only if all of it is proven. One bad setting proves `no`, even if others are unread. */
export function canDeliver(seen: SesSeen, target: SesTarget): 'yes' | 'no' | 'unknown' {
  const broken = settingNames.some(name => ['absent', 'malformed'].includes(seen.settings[name].state))
  return broken || !target.implemented ? 'no' : 'unknown'
}

const isPresent = ({ state }: SesSetting): boolean | undefined =>
  state === 'unreadable' ? undefined : state !== 'absent'

/** Undefined if it depends on a setting that could not be read. */
function configState(settings: readonly SesSetting[]): ConfigState | undefined {
  const present = settings.map(isPresent)
  if (present.includes(true) && present.includes(false)) return 'partial'
  if (present.includes(undefined)) return undefined
  return present.includes(true) ? 'complete' : 'absent'
}

export function judge(seen: SesSeen, target: SesTarget) {
  const all = settingNames.map(name => seen.settings[name])
  const state = configState(all)
  const samples = [
    ...settingNames.flatMap(name =>
      sample(metrics.present, isPresent(seen.settings[name]), { target: target.name, setting: name }),
    ),
    ...stateSet(metrics.config, 'state', configStates, state, { target: target.name }),
    ...sample(metrics.implemented, target.implemented, { target: target.name }),
  ]
  return finding('the settings are complete and well-formed', reasonsFor(seen, target, state), samples)
}

function reasonsFor(seen: SesSeen, target: SesTarget, state: ConfigState | undefined): Reason[] {
  const all = settingNames.map(name => ({ name, ...seen.settings[name] }))
  const absent = all.filter(({ state }) => state === 'absent')
  const malformed = all.flatMap(one =>
    one.state === 'malformed' ? [`${one.name} (${one.source}) ${faults[one.fault]}`] : [],
  )
  const unreadable = all.flatMap(one => (one.state === 'unreadable' ? [one.why] : []))
  const found: Reason[] = []
  if (state === 'absent') found.push(reason('ses_absent', `none is set of ${listed(absent)}`))
  if (state === 'partial') found.push(reason('ses_partial', `not set: ${listed(absent)}, while others are`))
  if (malformed.length > 0) found.push(reason('ses_malformed', malformed.join('; ')))
  if (unreadable.length > 0) {
    const rest = state === undefined && absent.length > 0 ? [`not set: ${listed(absent)}`] : []
    found.push(reason('ses_unreadable', [...unreadable, ...rest].join('; ')))
  }
  if (!target.implemented) found.push(reason('ses_stub', "the application's sender is a stub (implemented: false)"))
  if (found.length === 0)
    found.push(reason('ses_not_verified', 'the settings are complete and well-formed, but SES was not asked'))
  return found
}

/** Settings with their sources. Those of one source are listed together: `a, b (dotenv /app/.env#A, #B)`. */
function listed(settings: readonly { readonly name: string; readonly source: string }[]): string {
  const places = groupBy(settings, ({ source }) => source.split('#')[0] ?? '')
  return [...places]
    .map(([place, all]) => {
      const keys = new Set(all.map(({ source }) => source.slice(place.length)))
      return `${all.map(({ name }) => name).join(', ')} (${place}${[...keys].join(', ')})`
    })
    .join(', ')
}
