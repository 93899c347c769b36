/** Spans of time, for questions such as: how long did two things hold at once? */

/** From (included) until (not included), in milliseconds since the epoch. */
export interface Span {
  readonly from: number
  readonly until: number
}

export const lengthOf = (spans: readonly Span[]): number =>
  spans.reduce((sum, { from, until }) => sum + until - from, 0)

/** Sorted, and without overlaps and empty spans. */
export function union(spans: readonly Span[]): Span[] {
  const merged: Span[] = []
  for (const span of spans.filter(({ from, until }) => until > from).sort((a, b) => a.from - b.from)) {
    const last = merged.at(-1)
    if (last && span.from <= last.until)
      merged[merged.length - 1] = { from: last.from, until: Math.max(last.until, span.until) }
    else merged.push(span)
  }
  return merged
}

/** What is in both. */
export const both = (some: readonly Span[], others: readonly Span[]): Span[] =>
  union(
    some.flatMap(one =>
      others.map(other => ({ from: Math.max(one.from, other.from), until: Math.min(one.until, other.until) })),
    ),
  )

/** What is in the first and not in the second. */
export function without(some: readonly Span[], others: readonly Span[]): Span[] {
  const gaps: Span[] = []
  let from = -Infinity
  for (const other of union(others)) {
    gaps.push({ from, until: other.from })
    from = other.until
  }
  return both(some, [...gaps, { from, until: Infinity }])
}

/** With so much more (or less, if negative) at the begin and at the end, in milliseconds. */
export const widened = (spans: readonly Span[], before: number, after: number): Span[] =>
  union(spans.map(({ from, until }) => ({ from: from - before, until: until + after })))
