import { SocketAddress, isIPv6 } from 'node:net'

/**
 * Work that costs much, done for all who ask, so many at once. Those who ask stand in a line for each network, and the
 * lines take turns: who asks a thousand times waits behind himself. Undefined where a line is full.
 */
export type Turns = <T>(network: string, work: () => Promise<T>) => Promise<T | undefined>

export interface TurnLimits {
  readonly atOnce: number
  /** In the line of one network. */
  readonly waiting: number
  /** In all lines. Past it, the last of the longest line loses its place. */
  readonly waitingInAll: number
}

export function takeTurns({ atOnce, waiting, waitingInAll }: TurnLimits): Turns {
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

/** Who may have many addresses counts as one: of IPv6 a network is 64 bits long (RFC 4291, section 2.5.4). */
export function networkOf(address: string | undefined): string {
  if (address === undefined) return ''
  const [bare = ''] = address.split('%')
  if (!isIPv6(bare)) return bare
  const { address: written } = new SocketAddress({ address: bare, family: 'ipv6' })
  // `::ffff:192.0.2.1` is IPv4, which a socket for both kinds shows so.
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(written)?.[1]
  if (mapped !== undefined) return mapped
  const [head = '', tail] = written.split('::')
  const before = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? 0 : 8 - before.length - after.length
  return [...before, ...Array<string>(zeros).fill('0'), ...after].slice(0, 4).join(':')
}
