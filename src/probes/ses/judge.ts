import { groupBy } from '../../core/group.ts'
import { gauge, sample, stateSet } from '../../core/metric.ts'
import { finding } from '../../core/probe.ts'
import { faults, settingNames, type SesSeen, type SesSetting } from './observe.ts'
import { reason, type Reason } from './reasons.ts'
import type { SesTarget } from './target.ts'

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

/**
 * Whether the application can send through SES. Never `yes`: SES itself is not asked yet.
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

/** Settings with their sources. Those from one place, such as a file, stand together: `a, b (dotenv /app/.env#A, #B)`. */
function listed(settings: readonly { readonly name: string; readonly source: string }[]): string {
  const places = groupBy(settings, ({ source }) => source.split('#')[0] ?? '')
  return [...places]
    .map(([place, all]) => {
      const keys = new Set(all.map(({ source }) => source.slice(place.length)))
      return `${all.map(({ name }) => name).join(', ')} (${place}${[...keys].join(', ')})`
    })
    .join(', ')
}
