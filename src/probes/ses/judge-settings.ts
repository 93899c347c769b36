import { groupBy } from '../../core/group.ts'
import { gauge, sample, stateSet } from '../../core/metric.ts'
import { reason, type Reason } from './reasons.ts'
import type { SesSeen } from './seen.ts'
import { faults, settingNames, type SesSetting, type SettingName } from './settings.ts'
import type { SesTarget } from './target.ts'

export const configStates = ['complete', 'partial', 'absent'] as const
type ConfigState = (typeof configStates)[number]

export const settingMetrics = {
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
}

type Named = SesSetting & { readonly name: SettingName }

/** With `credentials` the region is the only setting. */
const named = ({ settings }: SesSeen): readonly Named[] =>
  settingNames.flatMap(name => {
    const setting = settings[name]
    return setting === undefined ? [] : [{ name, ...setting }]
  })

const isPresent = ({ state }: SesSetting): boolean | undefined =>
  state === 'unreadable' ? undefined : state !== 'absent'

/** Undefined if it depends on a setting that could not be read. */
function configState(settings: readonly SesSetting[]): ConfigState | undefined {
  const present = settings.map(isPresent)
  if (present.includes(true) && present.includes(false)) return 'partial'
  if (present.includes(undefined)) return undefined
  return present.includes(true) ? 'complete' : 'absent'
}

/** A setting that is absent or malformed proves that nothing leaves by SES, even if others are unread. */
export const isBroken = (seen: SesSeen): boolean =>
  named(seen).some(({ state }) => state === 'absent' || state === 'malformed')

export function settingSamples(seen: SesSeen, { name: target, implemented }: SesTarget) {
  const all = named(seen)
  return [
    ...all.flatMap(one => sample(settingMetrics.present, isPresent(one), { target, setting: one.name })),
    ...stateSet(settingMetrics.config, 'state', configStates, configState(all), { target }),
    ...sample(settingMetrics.implemented, implemented, { target }),
  ]
}

export function settingReasons(seen: SesSeen, target: SesTarget): Reason[] {
  const all = named(seen)
  const state = configState(all)
  const absent = all.filter(one => one.state === 'absent')
  const malformed = all.flatMap(one =>
    one.state === 'malformed' ? [`${one.name} (${one.source}) ${faults[one.fault]}`] : [],
  )
  const unreadable = [...all.flatMap(one => (one.state === 'unreadable' ? [one.why] : [])), ...(seen.unreadable ?? [])]
  const found: Reason[] = []
  if (state === 'absent') found.push(reason('ses_absent', `none is set of ${listed(absent)}`))
  if (state === 'partial') found.push(reason('ses_partial', `not set: ${listed(absent)}, while others are`))
  if (malformed.length > 0) found.push(reason('ses_malformed', malformed.join('; ')))
  if (unreadable.length > 0) {
    const rest = state === undefined && absent.length > 0 ? [`not set: ${listed(absent)}`] : []
    found.push(reason('ses_unreadable', [...unreadable, ...rest].join('; ')))
  }
  if (!target.implemented) found.push(reason('ses_stub', "the application's sender is a stub (implemented: false)"))
  return found
}

/** Settings with their sources. Those of one source are listed together: `a, b (dotenv /app/.env#A, #B)`. */
function listed(settings: readonly Named[]): string {
  const places = groupBy(settings, ({ source }) => source.split('#')[0] ?? '')
  return [...places]
    .map(([place, all]) => {
      const keys = new Set(all.map(({ source }) => source.slice(place.length)))
      return `${all.map(({ name }) => name).join(', ')} (${place}${[...keys].join(', ')})`
    })
    .join(', ')
}
