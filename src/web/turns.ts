/** Does work at once, or when its turn comes; of what waits gives the way to call it off. */
export type Turns = (work: () => void, isKnown?: boolean) => (() => void) | undefined

/**
 * So much is done in each turn of the event loop, and the rest waits for the next ones: however many ask, what the probes
 * wait for comes in between. Half of it is for who is known, as long as there are such.
 */
export function takeTurns(atOnce: number): Turns {
  const known = new Set<() => void>()
  const others = new Set<() => void>()
  let done = 0
  let isSet = false
  const set = (): void => {
    if (!isSet) setImmediate(turn)
    isSet = true
  }
  const take = (from: Set<() => void>, most: number): (() => void)[] => {
    const taken: (() => void)[] = []
    for (const work of from) {
      if (taken.length >= most) break
      taken.push(work)
    }
    for (const work of taken) from.delete(work)
    return taken
  }
  const turn = (): void => {
    isSet = false
    const first = take(known, atOnce - Math.min(others.size, Math.floor(atOnce / 2)))
    const now = [...first, ...take(others, atOnce - first.length)]
    done = now.length
    if (done > 0) set()
    for (const work of now) work()
  }
  return (work, isKnown = false) => {
    set()
    if (done < atOnce && known.size === 0 && others.size === 0) {
      done++
      work()
      return undefined
    }
    const queue = isKnown ? known : others
    // The same function may wait more than once.
    const one = (): void => work()
    queue.add(one)
    return () => queue.delete(one)
  }
}
