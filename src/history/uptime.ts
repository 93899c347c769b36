/** A stretch of time with what is known of it, in milliseconds. What is neither up nor down, nobody looked at. */
export interface Span {
  readonly from: number
  readonly to: number
  readonly up: number
  readonly down: number
}

/** What is known of a mail path over time. */
export interface Seen {
  /** Oldest first, without the one that goes on. */
  readonly past: readonly Span[]
  /** What goes on until the last look; undefined while it is not known whether mail works. */
  readonly now?: { readonly from: number; readonly works: boolean } | undefined
}

/** How long mail could be sent, and could not. In milliseconds. */
export interface Uptime {
  readonly windowMs: number
  readonly up: number
  readonly down: number
  /** For so long nobody looked, or it was not known. Up, down and this are the whole window. */
  readonly unknown: number
}

const hour = 3_600_000
export const dayMs = 24 * hour
/** The longest time that is kept. */
export const monthMs = 30 * dayMs

/**
 * The spans with one more. What changes within an hour shares a span, so there are two for each hour at most. What is older
 * than 30 days is dropped.
 */
export function withSpan(past: readonly Span[], from: number, to: number, works: boolean): readonly Span[] {
  if (to <= from) return past
  const added: Span = { from, to, up: works ? to - from : 0, down: works ? 0 : to - from }
  const last = past.at(-1)
  const kept = past[0] && past[0].to < to - monthMs ? past.filter(span => span.to >= to - monthMs) : past
  if (!last || !(isOneHour(last, added) || continues(last, added))) return [...kept, added]
  const joined: Span = { from: last.from, to, up: last.up + added.up, down: last.down + added.down }
  return [...kept.slice(0, -1), joined]
}

/** What is known if it ends at this moment. */
export const closed = ({ past, now }: Seen, at: number): Seen => ({
  past: now ? withSpan(past, now.from, at, now.works) : past,
  now: undefined,
})

const isOneHour = (a: Span, b: Span): boolean => Math.floor(a.from / hour) === Math.floor(b.to / hour)

/** Both are wholly up, or wholly down, without a gap. */
const continues = (a: Span, b: Span): boolean =>
  a.to === b.from && ((a.down === 0 && b.down === 0) || (a.up === 0 && b.up === 0)) && isWhole(a) && isWhole(b)

const isWhole = ({ from, to, up, down }: Span): boolean => up + down === to - from

/** How long mail worked in the time before `at`, the moment of the last look. */
export function uptimeOf(seen: Seen | undefined, at: number, windowMs: number): Uptime {
  const begin = at - windowMs
  const { past = [], now } = seen ?? {}
  const spans = now ? withSpan(past, now.from, at, now.works) : past
  let [up, down] = [0, 0]
  for (const span of spans) {
    // Of a span with changes in it, the part in the window counts as if they were spread evenly.
    const share = (span.to - Math.max(span.from, begin)) / (span.to - span.from)
    if (share <= 0) continue
    up += span.up * Math.min(1, share)
    down += span.down * Math.min(1, share)
  }
  return { windowMs, up, down, unknown: Math.max(0, windowMs - up - down) }
}

/** What is known, with every moment moved. What a span loses of its length, it loses of what is known in it. */
export const moveSeen = ({ past, now }: Seen, move: (ms: number) => number): Seen => ({
  past: past.flatMap(span => {
    const [from, to, length] = [move(span.from), move(span.to), span.to - span.from]
    const part = (ms: number): number => (ms === length ? to - from : (ms * (to - from)) / length)
    return to > from ? [{ from, to, up: part(span.up), down: part(span.down) }] : []
  }),
  now: now && { ...now, from: move(now.from) },
})
