import * as z from 'zod'
import type { Look } from '../../core/probe.ts'
import type { Row } from '../../clients/postgres.ts'
import { partsOf, relationSql, type Part } from './sql.ts'
import type { OutboxTarget } from './target.ts'

/** What the server expects a costly part of the statement to cost, in units of its planner, and the indexes to create. */
export interface Costly {
  readonly cost: number
  readonly index: string
}

/** A scan of some 5,000 pages, or a few hundred thousand rows. */
const costlyFrom = 10_000
const askedEveryMs = 3_600_000

/** Where and when the statement was cheap, by the monotonic clock. Weakly, so that it goes with the target. */
const cheap = new WeakMap<OutboxTarget, { readonly at: number; readonly where: string }>()

const plan = z.tuple([z.object({ Plan: z.object({ 'Total Cost': z.number() }) })])
const relation = z.object({ kind: z.string() })
const explained = z.object({ 'QUERY PLAN': plan })

/**
 * Which parts are costly, by the planner of the server. It is asked once an hour, and in every run while a part is
 * costly, so that a new index is noticed. Rejects as `ask` does.
 */
export async function costlyIn(
  target: OutboxTarget,
  look: Look,
  where: string,
  ask: (sql: string) => Promise<Row | undefined>,
): Promise<Costly | undefined> {
  const last = cheap.get(target)
  const now = performance.now()
  if (last?.where === where && now - last.at < askedEveryMs) return undefined
  const found: { readonly cost: number; readonly part: Part }[] = []
  for (const part of partsOf(target)) {
    const answer = explained.safeParse(await ask(`explain (format json) ${part.sql}`))
    const cost = answer.data?.['QUERY PLAN'][0].Plan['Total Cost'] ?? 0
    look.note(`< cost ${cost}`)
    if (cost > costlyFrom) found.push({ cost, part })
  }
  if (found.length === 0) {
    cheap.set(target, { at: now, where })
    return undefined
  }
  const { data } = relation.safeParse(await ask(relationSql(target)))
  return {
    cost: Math.max(...found.map(({ cost }) => cost)),
    index: found.map(({ part }) => part.index(data?.kind ?? '')).join('; '),
  }
}
