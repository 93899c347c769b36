import type { Since } from '../history/history.ts'
import { age, clock } from './format.ts'

/** `since 14:02 UTC, 12 min`; where it was so when the exporter first looked, `since 14:02 UTC or before, at least 12 min`. */
export function sinceText(since: Since | undefined, at: number): string | undefined {
  if (!since) return undefined
  const ms = at - since.at
  const how = since.exact ? age(ms) : ms < 60_000 ? undefined : `at least ${age(ms)}`
  return [sinceWhen(since, at), how].filter(part => part !== undefined).join(', ')
}

/** `since 14:02 UTC` */
export const sinceWhen = (since: Since, at: number): string =>
  `since ${clock(since.at, at)}${since.exact ? '' : ' or before'}`

/** The earliest of them. */
export const earliest = (all: readonly (Since | undefined)[]): Since | undefined =>
  all.reduce((first, one) => (one && (!first || one.at < first.at) ? one : first), undefined)
