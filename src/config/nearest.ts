/** More edits than that make another name. */
const maxEdits = 3

/**
 * The one of the names that was most likely meant by one that is none of them; undefined where none is near. Upper and
 * lower case, and white space around it, make no difference.
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

/** Letters to insert, delete, replace or swap with a neighbour; `limit` where it is that many or more. */
function editsBetween(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = (last[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      let least = Math.min(replaced, (last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        least = Math.min(least, (beforeLast[j - 2] ?? 0) + 1)
      row.push(least)
    }
    // Swaps look back two rows, so both have to be beyond it.
    if (Math.min(...row) >= limit && Math.min(...last) >= limit) return limit
    beforeLast = last
    last = row
  }
  return Math.min(last[b.length] ?? limit, limit)
}
