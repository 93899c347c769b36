/** With more edits it is another name. */
const maxEdits = 3

/**
 * The name that an unknown one most likely stands for; undefined if none is near. Case, and white space around it, make
 * no difference.
 */
export function nearest(wrong: string, names: Iterable<string>): string | undefined {
  const plain = folded(wrong)
  let best: string | undefined
  let fewest = Math.min(maxEdits, Math.ceil(plain.length / 3)) + 1
  for (const name of names) {
    const edits = editsBetween(plain, folded(name), fewest)
    if (edits >= fewest) continue
    best = name
    fewest = edits
  }
  return best
}

const folded = (name: string): string => name.trim().toLowerCase().slice(0, 120)

/**
 * Letters to insert, delete, replace or swap with a neighbour; `limit` if there are that many or more. Only cells this
 * near to the diagonal can be below the limit, so only those are computed.
 */
function editsBetween(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, i) => i)
  let leastOfLast = 0
  for (let i = 1; i <= a.length; i++) {
    const row: number[] = []
    if (i < limit) row[0] = i
    let least = row[0] ?? limit
    for (let j = Math.max(1, i - limit + 1); j <= Math.min(b.length, i + limit - 1); j++) {
      let cell = Math.min(
        (last[j - 1] ?? limit) + (a[i - 1] === b[j - 1] ? 0 : 1),
        (last[j] ?? limit) + 1,
        (row[j - 1] ?? limit) + 1,
      )
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cell = Math.min(cell, (beforeLast[j - 2] ?? limit) + 1)
      row[j] = cell
      least = Math.min(least, cell)
    }
    // A swap looks back two rows, so both must be beyond the limit.
    if (Math.min(least, leastOfLast) >= limit) return limit
    leastOfLast = least
    beforeLast = last
    last = row
  }
  return Math.min(last[b.length] ?? limit, limit)
}
