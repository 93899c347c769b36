import type { Connection } from './connection.ts'

/** How long a written answer may wait until we say that the client does not take it. One that took answers before may be slow. */
const patienceMs = { first: 1_000, later: 10_000 }

/**
 * What a connection is doing, in the order in which they give way: it does not take its answer, has not sent a request
 * yet, is idle after an answer, or is busy.
 */
const stages = ['stalled', 'silent', 'idle', 'busy'] as const
export type Stage = (typeof stages)[number]

export function stageOf({ answers, answersTaken }: Connection, now: number): Stage {
  const patience = answersTaken > 0 ? patienceMs.later : patienceMs.first
  for (const { from, response } of answers) if (now - from > patience && response.writableEnded) return 'stalled'
  if (answers.size > 0) return 'busy'
  return answersTaken > 0 ? 'idle' : 'silent'
}

type Rank = readonly [places: number, stage: number, order: number]

/** More places give way first, then the lower stage, then the lower order. */
const givesWayBefore = (a: Rank, b: Rank): boolean =>
  a[0] !== b[0] ? a[0] > b[0] : a[1] !== b[1] ? a[1] < b[1] : a[2] < b[2]

/**
 * The connection to end next, of those that `mayGo` lets go. It is one of the address that has the most places, and there
 * one of the first stage: the oldest, or the youngest if they are idle. So a scraper that was there before a flood stays.
 */
export function nextToGo(
  connections: Iterable<Connection>,
  placesOf: (address: string) => number,
  mayGo: (one: Connection, places: number, stage: Stage) => boolean,
): Connection | undefined {
  const now = performance.now()
  let found: Connection | undefined
  let foundRank: Rank = [0, 0, 0]
  for (const one of connections) {
    const places = placesOf(one.address)
    // A flood comes here often: spare the rest of the work.
    if (found && places < foundRank[0]) continue
    const stage = stageOf(one, now)
    if (!mayGo(one, places, stage)) continue
    const rank: Rank = [places, stages.indexOf(stage), stage === 'idle' ? -one.enteredAt : one.enteredAt]
    if (found && !givesWayBefore(rank, foundRank)) continue
    found = one
    foundRank = rank
  }
  return found
}
