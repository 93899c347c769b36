/** Gives what was made for a name before, or else makes it. What throws is not kept. */
export type Recent<Made> = (name: string, make: () => Made) => Made

/** Keeps what was made for the names that were used last, at most so many of them. */
export function createRecent<Made extends object | string>(most: number): Recent<Made> {
  const kept = new Map<string, Made>()
  return (name, make) => {
    const made = kept.get(name) ?? make()
    // Behind the others: the one used last goes last.
    kept.delete(name)
    kept.set(name, made)
    for (const [oldest] of kept) if (kept.size > most) kept.delete(oldest)
    return made
  }
}
