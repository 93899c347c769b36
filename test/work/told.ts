import type { Figures } from './scenario.ts'

/** Share of a figure that is no change. */
const tolerated = 0.1

/** The figures to keep: what was accepted, where what was counted is close to it. And in words what has changed. */
export function told(accepted: Figures, counted: Figures): { readonly figures: Figures; readonly changes: string[] } {
  const figures: Record<string, number> = {}
  const changes = Object.keys(accepted).flatMap(what => (what in counted ? [] : [`${what} is no longer counted`]))
  for (const [what, now] of Object.entries(counted)) {
    const before = accepted[what]
    const isSame = before !== undefined && Math.abs(now - before) <= tolerated * before
    figures[what] = isSame ? before : now
    if (isSame) continue
    if (before === undefined) changes.push(`${what} is new: ${now}`)
    else changes.push(`${what} takes ${now > before ? 'more' : 'less'} than it did: ${now}, and not ${before}`)
  }
  return { figures, changes }
}
