/** One item of each key: the last, in the place of the first. */
export const distinctBy = <T>(list: readonly T[], keyOf: (item: T) => string): T[] => [
  ...new Map(list.map(item => [keyOf(item), item])).values(),
]

/** Groups the list by key, in the order of the list. (Node 20 has no Map.groupBy.) */
export function groupBy<Key, T>(list: Iterable<T>, keyOf: (item: T) => Key): Map<Key, T[]> {
  const groups = new Map<Key, T[]>()
  for (const item of list) {
    const key = keyOf(item)
    const group = groups.get(key)
    if (group) group.push(item)
    else groups.set(key, [item])
  }
  return groups
}
