/**
 * Work that costs much, done for all who ask, so many at once. Those who ask stand in a line for each network, and the
 * lines take turns: who asks a thousand times waits behind himself. Undefined where a line is full.
 */
export type FairQueue = <T>(network: string, work: () => Promise<T>) => Promise<T | undefined>

export interface QueueLimits {
  readonly atOnce: number
  /** In the line of one network. */
  readonly waiting: number
  /** In all lines. Past it, the last of the longest line loses its place. */
  readonly waitingInAll: number
}

export function fairQueue({ atOnce, waiting, waitingInAll }: QueueLimits): FairQueue {
  interface Place {
    readonly start: () => void
    readonly leave: () => void
  }
  let running = 0
  let inAll = 0
  /** In the order in which they take turns; none is empty. */
  const lines = new Map<string, Place[]>()

  const take = (network: string, from: 'shift' | 'pop'): Place | undefined => {
    const line = lines.get(network)
    const place = line?.[from]()
    if (place) inAll--
    if (line?.length === 0) lines.delete(network)
    return place
  }
  const next = (): void => {
    const [first] = lines.keys()
    if (first === undefined) return
    const place = take(first, 'shift')
    const rest = lines.get(first)
    if (rest) {
      // To the end of the order.
      lines.delete(first)
      lines.set(first, rest)
    }
    place?.start()
  }
  const makeRoom = (): void => {
    const [longest] = [...lines].reduce((a, b) => (b[1].length > a[1].length ? b : a))
    take(longest, 'pop')?.leave()
  }
  const stand = (network: string): Promise<boolean> | false => {
    const line = lines.get(network) ?? []
    if (line.length >= waiting) return false
    return new Promise<boolean>(resolve => {
      line.push({ start: () => resolve(true), leave: () => resolve(false) })
      lines.set(network, line)
      inAll++
      if (inAll > waitingInAll) makeRoom()
    })
  }

  return async (network, work) => {
    if (running < atOnce) running++
    // Who is called takes the place of the one that has ended.
    else if (!(await stand(network))) return undefined
    try {
      return await work()
    } finally {
      if (lines.size > 0) next()
      else running--
    }
  }
}
