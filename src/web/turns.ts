/**
 * Starts at most `perTurn` pieces of work in each turn of the event loop. The rest waits for a later turn, so that probes
 * run in between. Half of each turn is kept for known clients, if any of them wait. For work that waits, a function is
 * returned that cancels it. Each piece of work must be a function of its own.
 */
export function takeTurns(perTurn: number): (work: () => void, isKnown?: boolean) => (() => void) | undefined {
  const known = new Set<() => void>()
  const others = new Set<() => void>()
  let done = 0
  let isSet = false
  const set = (): void => {
    if (!isSet) setImmediate(turn)
    isSet = true
  }
  const take = (from: Set<() => void>, most: number): (() => void)[] => {
    const taken = [...from].slice(0, most)
    for (const work of taken) from.delete(work)
    return taken
  }
  const turn = (): void => {
    isSet = false
    const first = take(known, perTurn - Math.min(others.size, Math.floor(perTurn / 2)))
    const now = [...first, ...take(others, perTurn - first.length)]
    done = now.length
    if (done > 0) set()
    for (const work of now) work()
  }
  return (work, isKnown = false) => {
    set()
    if (done < perTurn && known.size === 0 && others.size === 0) {
      done++
      work()
      return undefined
    }
    const queue = isKnown ? known : others
    queue.add(work)
    return () => queue.delete(work)
  }
}
