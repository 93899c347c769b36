/** What the writers of a run prove: when nothing could be committed. */
import type { Attempt, ScenarioRun, Way } from './record.ts'
import { both, union, type Span } from './spans.ts'

/** An attempt that took longer is no better than one that failed. In milliseconds. */
const slowMs = 1_000
/** Shorter gaps are no outage: a session that ends, and the next one. In milliseconds. */
export const shortestOutageMs = 1_000

/** Between two commits in a row, with attempts in between that did not commit in time. */
export interface Gap {
  readonly way: Way
  readonly kind: Attempt['kind']
  /** From the commit before (or the begin of the run) until the one after it (or the end of the run). */
  readonly span: Span
  /** When the last attempt began that did not commit in time. So long it is proven that nothing could be committed. */
  readonly provenUntil: number
}

/**
 * The gaps of all writers. Writers with fresh sessions are one group for each way: a new session finds its way, or does not.
 * A pooled session is a group of its own, since another one proves nothing about it.
 */
export function gapsOf(run: ScenarioRun): Gap[] {
  const groups = new Map<string, Attempt[]>()
  for (const attempt of run.attempts) {
    const group = attempt.kind === 'fresh' ? `fresh ${attempt.by}` : attempt.writer
    groups.set(group, [...(groups.get(group) ?? []), attempt])
  }
  return [...groups.values()].flatMap(group => gapsOfGroup(group, run))
}

/** The same, with each writer as a group of its own: whatever went wrong for anybody. */
export const troublesOf = (run: ScenarioRun, way: Way): Span[] =>
  union(
    [...new Set(run.attempts.filter(({ by }) => by === way).map(({ writer }) => writer))].flatMap(writer =>
      gapsOfGroup(
        run.attempts.filter(one => one.writer === writer),
        run,
      ).map(({ span }) => span),
    ),
  )

/** The gaps that are long enough to be an outage. */
export const outagesOf = (run: ScenarioRun): Gap[] =>
  gapsOf(run).filter(({ span }) => span.until - span.from >= shortestOutageMs)

function gapsOfGroup(group: readonly Attempt[], { from, to }: ScenarioRun): Gap[] {
  const [first] = group
  if (!first) return []
  const commits = group.flatMap(({ at, took, ok }) => (ok ? at + took : [])).sort((a, b) => a - b)
  const bad = group.flatMap(({ at, took, ok }) => (ok && took < slowMs ? [] : at))
  const edges = [from, ...commits, to]
  return edges.slice(1).flatMap((until, i) => {
    const span = { from: edges[i] ?? from, until }
    const inside = bad.filter(at => at >= span.from && at < until)
    if (inside.length === 0) return []
    return { way: first.by, kind: first.kind, span, provenUntil: Math.max(...inside) }
  })
}

/** The spans of gaps of one kind, by which nothing could be committed for longer than `graceMs`: from then on, as proven. */
export const overdue = (gaps: readonly Gap[], graceMs: number): Span[] =>
  union(gaps.map(({ span, provenUntil }) => ({ from: span.from + graceMs, until: provenUntil })))

/** The part of a span that lies in the run. */
export const within = (spans: readonly Span[], { from, to }: ScenarioRun): Span[] => both(spans, [{ from, until: to }])
