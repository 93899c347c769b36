import { authenticationIn } from './authentication.ts'
import { fieldIn, fieldsOf, type Field } from './fields.ts'
import { mailDate } from './mail-date.ts'
import { markHeader, markFrom, type Mark } from './mark.ts'
import { hopOf, type Hop } from './received.ts'
import type { HeaderFacts } from './seen.ts'

const maxHops = 30

/** The mark of a mail; undefined if it has none, or one of another form. Headers of an attachment do not count. */
export const markIn = (headers: string): Mark | undefined => markOf(fieldsOf(headers))

export const markOf = (fields: readonly Field[]): Mark | undefined =>
  markFrom(fieldIn(fields, markHeader.toLowerCase()) ?? '')

/**
 * What the headers of a mail tell of its way. `authservId`: the host whose Authentication-Results are believed. `now`:
 * milliseconds since the epoch, by the clock that wrote the `Date` of the mail: no hop took longer than the mail is old.
 */
export function factsOf(
  headers: string,
  { authservId, now }: { readonly authservId: string | undefined; readonly now: number },
): HeaderFacts {
  const fields = fieldsOf(headers)
  const received = fields.filter(({ name }) => name === 'received').slice(0, maxHops)
  // The last hop is the topmost.
  const hops = received.map(({ value }) => hopOf(value)).reverse()
  const date = mailDate(fieldIn(fields, 'date') ?? '')
  return {
    authentication: authenticationIn(fields, authservId),
    hops: hops.length,
    slowestHopSeconds: slowest(hops, date === undefined ? Infinity : Math.max(0, now - date) / 1000),
    clearHops: hops.filter(({ clear }) => clear).map(({ by }) => by ?? 'a host that does not name itself'),
  }
}

/** Each host has its own clock, so no single time counts for much. */
function slowest(hops: readonly Hop[], mostSeconds: number): number | undefined {
  const times = hops.flatMap(({ at }) => (at === undefined ? [] : [at]))
  if (times.length < 2) return undefined
  const seconds = times.slice(1).map((at, i) => (at - (times[i] ?? at)) / 1000)
  return Math.min(Math.max(0, ...seconds), mostSeconds)
}
