/** Lets work wait for its turn. */
export type Turns = (work: () => void) => void

/** So much of what waits is done in each turn of the event loop: probes and scrapes come in between. */
export function takeTurns(atOnce: number): Turns {
  let waiting: (() => void)[] = []
  const turn = (): void => {
    const now = waiting.slice(0, atOnce)
    waiting = waiting.slice(atOnce)
    if (waiting.length > 0) setImmediate(turn)
    for (const work of now) work()
  }
  return work => {
    if (waiting.length === 0) setImmediate(turn)
    waiting.push(work)
  }
}
