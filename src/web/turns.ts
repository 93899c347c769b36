/**
 * Does the work now, or in a later turn of the event loop. For work that waits, returns a function that cancels it. Each piece
 * of work is a function of its own.
 */
type Turns = (work: () => void, isKnown?: boolean) => (() => void) | undefined

/**
 * Starts at most `perTurn` pieces of work in each turn of the event loop. The rest waits, so that probes are not held up
 * by a flood. Half of each turn is kept for known clients, if any of them wait.
 */
export function takeTurns(perTurn: number): Turns {
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
