/** What a client may take, in milliseconds and in bytes. */
export const usualLimits = {
  headersTimeout: 10_000,
  requestTimeout: 15_000,
  /** Longer than the usual scrape interval, so that a scraper keeps its connection. */
  keepAliveTimeout: 75_000,
  connectionsCheckingInterval: 2_000,
  /** An unfinished head is kept for `headersTimeout`, on each connection, in several copies. */
  maxHeaderSize: 8_192,
  handshakeTimeout: 10_000,
  /** Ends a connection on which nothing moves, not even the answer. */
  idleMs: 90_000,
  /** From a request to the end of its answer: a client that reads slowly keeps the answer in memory. */
  answerMs: 300_000,
  /** Over all listen addresses. A probe needs file descriptors too. A connection with TLS takes eight places. */
  maxConnections: 1_536,
  /** The clients of one address count as one, and so do those of one /64 of IPv6. */
  maxPerAddress: 1_024,
  /** Bytes of answers that clients have not taken yet and of the requests under way, over all connections. */
  maxHeld: 16_777_216,
}
export type Limits = typeof usualLimits

/** The limits if there is only room for this number of connections. One address gets two thirds of them at most. */
export const limitsFor = (limits: Limits, connections: number): Limits => {
  const maxConnections = Math.min(limits.maxConnections, connections)
  return {
    ...limits,
    maxConnections,
    maxPerAddress: Math.min(limits.maxPerAddress, Math.ceil((maxConnections * 2) / 3)),
  }
}
