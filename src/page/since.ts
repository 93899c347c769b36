import type { Since } from '../history/history.ts'
import { age, clock } from './format.ts'

/** `since 14:02 UTC, 12 min`; where it was so when the exporter first looked, `at least since 14:02 UTC, 12 min`. */
export function sinceText(since: Since | undefined, at: number): string | undefined {
  if (!since) return undefined
  const ms = at - since.at
  return ms < 1_000 ? sinceWhen(since, at) : `${sinceWhen(since, at)}, ${age(ms)}`
}

/** `since 14:02 UTC` */
export const sinceWhen = (since: Since, at: number): string =>
  `${since.exact ? '' : 'at least '}since ${clock(since.at, at)}`

/** The earliest of them. */
export const earliest = (all: readonly (Since | undefined)[]): Since | undefined =>
  all.reduce((first, one) => (one && (!first || one.at < first.at) ? one : first), undefined)
