/**
 * Does expensive work, a few pieces at a time. There is a line per network, and the lines take turns. In a line, one of the
 * four newest is next, and sometimes the oldest. Otherwise a scraper behind the same address as a flood, which asks again as
 * soon as it is refused, would wait for longer than a scrape lasts. (With always the newest next, two clients of the flood
 * could pass it for ever.) If a line is full, its oldest gets undefined.
 */
type FairQueue = <T>(network: string, work: () => Promise<T>) => Promise<T | undefined>

interface QueueLimits {
  readonly atOnce: number
  /** In the line of one network. */
  readonly waiting: number
  /** In all lines. Above that, the oldest of the longest line loses its place. */
  readonly waitingInAll: number
}

export function fairQueue({ atOnce, waiting, waitingInAll }: QueueLimits): FairQueue {
  let running = 0
  let inAll = 0
  /** In the order of their turns. No line is empty. Work starts if its function gets true, and loses its place with false. */
  const lines = new Map<string, ((mayStart: boolean) => void)[]>()

  const settle = (network: string, at: number, mayStart: boolean): void => {
    const line = lines.get(network)
    const [resolve] = line?.splice(at, 1) ?? []
    if (resolve) inAll--
    if (line?.length === 0) lines.delete(network)
    resolve?.(mayStart)
  }
  const next = (): void => {
    const [first] = lines.keys()
    if (first === undefined) return
    settle(first, Math.random() < 1 / 8 ? 0 : -1 - Math.floor(4 * Math.random()), true)
    const rest = lines.get(first)
    if (!rest) return
    // Its next turn comes after all other lines.
    lines.delete(first)
    lines.set(first, rest)
  }
  const longest = (): string => [...lines].reduce((a, b) => (b[1].length > a[1].length ? b : a))[0]
  const stand = (network: string): Promise<boolean> =>
    new Promise(resolve => {
      const line = lines.get(network) ?? []
      line.push(resolve)
      lines.set(network, line)
      inAll++
      if (line.length > waiting) settle(network, 0, false)
      if (inAll > waitingInAll) settle(longest(), 0, false)
    })

  return async (network, work) => {
    if (running < atOnce) running++
    // The one that is called takes over the place of the one that ended.
    else if (!(await stand(network))) return undefined
    try {
      return await work()
    } finally {
      if (lines.size > 0) next()
      else running--
    }
  }
}
