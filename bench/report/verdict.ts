/** What follows from the figures: ratio, goal met or missed, better or worse. */
import { median } from '../measure/statistics.ts'
import type { Goal, Unit } from '../experiment.ts'
import type { Figure } from './results.ts'

/** Ours to the peer's, of the medians; undefined without a peer, or where it has nothing to compare with. */
export const ratioOf = ({ ours, theirs }: Figure): number | undefined =>
  theirs === undefined || median(theirs) === 0 ? undefined : median(ours) / median(theirs)

/** Undefined where there is no goal. */
export function isMet(figure: Figure): boolean | undefined {
  const { goal, better, ours } = figure
  if (!goal) return undefined
  const value = goal.kind === 'value' ? median(ours) : ratioOf(figure)
  if (value === undefined) return undefined
  return better === 'higher' ? value >= goal.bound : value <= goal.bound
}

/** A goal that is missed; or, where none speaks of the peer, a peer that is better. */
export function isLost(figure: Figure): boolean {
  if (figure.subject !== undefined) return false
  if (isMet(figure) === false) return true
  const { ours, theirs, better, goal } = figure
  if (theirs === undefined || goal?.kind === 'ratio') return false
  return better === 'higher' ? median(ours) < median(theirs) : median(ours) > median(theirs)
}

export function withUnit(value: number, unit: Unit): string {
  const digits = Number.isInteger(value) || value >= 100 ? 0 : value >= 10 ? 1 : 2
  const text = value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })
  return unit === '' ? text : `${text} ${unit}`
}

/** Median, and from least to most where it was measured more than once. */
export function spread(values: readonly number[], unit: Unit): string {
  const [least, most] = [Math.min(...values), Math.max(...values)]
  const range = least === most ? '' : ` (${withUnit(least, '')}–${withUnit(most, '')})`
  return `${withUnit(median(values), unit)}${range}`
}

export const times = (ratio: number): string => (ratio < 0.01 ? '< 0.01 ×' : `${withUnit(ratio, '')} ×`)

/** What stands in the column of ours. */
export const oursText = ({ subject, ours, unit }: Figure): string =>
  `${subject === undefined ? '' : `${subject}: `}${spread(ours, unit)}`

export function goalText({ kind, bound }: Goal, better: Figure['better'], unit: Unit): string {
  return `at ${better === 'higher' ? 'least' : 'most'} ${kind === 'ratio' ? times(bound) : withUnit(bound, unit)}`
}
