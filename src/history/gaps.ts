/** Time of which nothing is known. The clock may have been set forward in it. */
export interface Gap {
  /** The moment before it, in milliseconds since the epoch. */
  readonly from: number
  readonly ms: number
}

/** How many are kept. */
export const gapsKept = 20

/** The gaps with a newer one. */
export const withGap = (gaps: readonly Gap[], gap: Gap): readonly Gap[] => [...gaps, gap].slice(-gapsKept)

/**
 * How moments move if the clock is set back, and the gaps that stay. The clock may have been set forward in a gap, the last one
 * first: then the moments before the gap were right, and stay. What no gap explains was wrong from the start: then every
 * moment keeps its age. The order of moments never changes.
 */
export function setBack(
  gaps: readonly Gap[],
  byMs: number,
): { readonly move: (ms: number) => number; readonly gaps: readonly Gap[] } {
  const left = [...gaps]
  const steps: Gap[] = []
  let rest = byMs
  for (let gap = left.pop(); gap; gap = rest > 0 ? left.pop() : undefined) {
    const ms = Math.min(rest, gap.ms)
    rest -= ms
    steps.push({ from: gap.from, ms })
    if (ms < gap.ms) left.push({ from: gap.from, ms: gap.ms - ms })
    if (rest === 0) break
  }
  const move = (moment: number): number =>
    steps.reduce((at, { from, ms }) => (at > from ? Math.max(from, at - ms) : at), moment) - rest
  return { move, gaps: left }
}
