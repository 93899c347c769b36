import { groupBy } from '../core/group.ts'
import { checkId } from '../core/probe.ts'
import { blockedBy, healedOf, removedOf, type Ended, type Incident, type RootFrom } from '../history/incident.ts'
import { joinMs } from '../history/incidents.ts'
import type { Uptime } from '../history/uptime.ts'
import { utc } from './format.ts'

/** A length of time in its two largest units: `48 s`, `1 min 30 s`, `2 h 5 min`, `3 d 4 h`. */
export function lasting(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  const [small, large, size, per] =
    seconds < 3_600 ? ['s', 'min', 60, 1] : seconds < 86_400 ? ['min', 'h', 60, 60] : ['h', 'd', 24, 3_600]
  const whole = Math.floor(seconds / per)
  const [more, less] = [Math.floor(whole / size), whole % size]
  return [more > 0 ? `${more} ${large}` : '', less > 0 || more === 0 ? `${less} ${small}` : '']
    .filter(Boolean)
    .join(' ')
}

/** A moment of an incident: only the time where it is of the day on which the incident began. */
export const moment = (ms: number, { startedAt }: Incident): string =>
  utc(ms).slice(0, 10) === utc(startedAt).slice(0, 10) ? utc(ms).slice(11) : utc(ms)

/** `2026-01-14 03:12:07 UTC, for 29 min`; `… , for 12 min until now` while it lasts. */
export function whenOf(incident: Incident, at: number): string {
  const { startedAt, endedAt } = incident
  return `${utc(startedAt)}, for ${lasting((endedAt ?? at) - startedAt)}${endedAt === undefined ? ' until now' : ''}`
}

/** What to know of the times of an incident, in sentences. */
export function notesOf({
  startExact,
  endedAt,
  endExact,
  unseenMs,
  interruptions,
  paths,
  isCut,
  rootsLeftOut,
  causesLeftOut,
}: Incident): readonly string[] {
  const removed = paths.flatMap(({ name, isRemoved }) => (isRemoved === true ? [name] : []))
  const times = interruptions === 1 ? 'once' : `${interruptions} times`
  return [
    ...(startExact ? [] : ['Nobody saw when it began: it may have been earlier.']),
    ...(endedAt === undefined || endExact ? [] : ['Nobody saw when it ended.']),
    ...(unseenMs > 0 ? [`Of ${lasting(unseenMs)} of it nothing is known.`] : []),
    ...(interruptions > 0 ? [`All mail worked ${times} in between, for less than ${lasting(joinMs)} each.`] : []),
    ...(removed.length > 0 ? [`No longer configured since: ${someOf(removed)}.`] : []),
    ...(isCut ? [leftOutText(rootsLeftOut, causesLeftOut)] : []),
  ]
}

/** How much is left out: a file of an older exporter does not tell. */
function leftOutText(roots: number, causes: number): string {
  const parts = [
    ...(roots > 0 ? [`${roots} of what was to be fixed`] : []),
    ...(causes > 0 ? [`at least ${causes} of the causes`] : []),
  ]
  return `There was more than is kept. Left out: ${parts.join(', and ') || 'it is not known how much'}.`
}

/** `write_path/app: write_path_read_only` */
export const causeText = (one: { readonly probe: string; readonly target: string; readonly code: string }): string =>
  `${checkId(one)}: ${one.code}`

/** Some names, and how many more there are. */
export const someOf = (names: readonly string[], most = 10): string =>
  names.length > most ? `${names.slice(0, most).join(', ')} and ${names.length - most} more` : names.join(', ')

/** What was to be fixed. Checks that said the same at the same moment are one entry, whose `target` names them. */
export const rootsTogether = ({ roots }: Incident): readonly RootFrom[] =>
  together(roots, ({ at, text }) => [at, text]).map(([first, all]) => ({
    ...first,
    paths: [...new Set(all.flatMap(one => one.paths))],
  }))

/** A cause that is over, with the mail paths that it blocked, by name. */
export type Told = Ended & { readonly blocked: readonly string[] }

/** What healed, each check by its name. */
export const healedEach = (incident: Incident): readonly Told[] => told(incident, healedOf(incident))

/** What was no longer configured, each check by its name. */
export const removedEach = (incident: Incident): readonly Told[] => told(incident, removedOf(incident))

const told = (incident: Incident, all: readonly Ended[]): readonly Told[] =>
  all.map(one => ({ ...one, blocked: blockedBy(incident, one) }))

/** Checks that healed, or were removed, as one are one entry, whose `target` names them. */
export const toldTogether = (all: readonly Told[]): readonly Told[] =>
  together(all, ({ from, to }) => [from, to]).map(([first, those]) => ({
    ...first,
    blocked: [...new Set(those.flatMap(one => one.blocked))],
  }))

function together<T extends RootFrom | Told>(
  list: readonly T[],
  more: (one: T) => readonly unknown[],
): readonly (readonly [T, readonly T[]])[] {
  const groups = groupBy(list, one => JSON.stringify([one.probe, one.code, ...more(one)]))
  return [...groups.values()].flatMap(all =>
    all.slice(0, 1).map(first => {
      const target = someOf(all.map(one => one.target))
      return [{ ...first, target }, all] as const
    }),
  )
}

/** `99.93 %, down for 1 min, not known for 23 h`. The share is of the time that is known. It is 100 % only without a failure. */
export function uptimeText({ up, down, unknown }: Uptime): string {
  if (up + down === 0) return 'not known'
  // Rounded down, so that an outage is never rounded away.
  const share = Math.floor((10_000 * up) / (up + down)) / 100
  return [
    `${share} %`,
    ...(down > 0 ? [`down for ${lasting(down)}`] : []),
    ...(unknown >= 1_000 ? [`not known for ${lasting(unknown)}`] : []),
  ].join(', ')
}
