/** What is remembered of a cluster. Times are in milliseconds since the epoch. */
export interface ClusterMemory {
  readonly primary: string | undefined
  readonly failovers: number
  readonly lastFailoverAt: number | undefined
  /** Since when two primaries have been seen. */
  readonly splitSince: number | undefined
  /** The node that each Patroni was last seen to manage: names of postgres targets, by the names of patroni targets. */
  readonly managed: ReadonlyMap<string, string>
  /** What is pending, and since when (`pending.ts`). */
  readonly pending: ReadonlyMap<string, number>
  /** The holder of the leader lock whose Postgres is down, until a primary has been seen for a while. */
  readonly down: Down | undefined
  /** The DCS is lost, and failsafe_mode was seen active since. */
  readonly failsafe: boolean
  /** What fills the disk of the primary, as its last look found it. */
  readonly diskFull: DiskFullCause | undefined
}

export interface Down {
  readonly node: string
  readonly since: number
  /** When the last look began that found it down. */
  readonly seenAt: number
  /** Each look until then found it starting, and never up in between: no crash was seen. */
  readonly starts: boolean
  /** It was found up since. */
  readonly cameUp: boolean
}

export interface DiskFullCause {
  readonly node: string
  readonly text: string
  readonly remedy: string
}

/** A time as it would be if the clock had always been that many milliseconds ahead. */
export const shifted = (at: number | undefined, byMs: number): number | undefined =>
  at === undefined ? undefined : at + byMs

/** The memory as it would be if the clock had always been that many milliseconds ahead. */
export const shiftCluster = (memory: ClusterMemory, byMs: number): ClusterMemory => ({
  ...memory,
  splitSince: shifted(memory.splitSince, byMs),
  lastFailoverAt: shifted(memory.lastFailoverAt, byMs),
  pending: new Map([...memory.pending].map(([what, since]) => [what, since + byMs])),
  down: memory.down && { ...memory.down, since: memory.down.since + byMs, seenAt: memory.down.seenAt + byMs },
})

/** The furthest that a primary of a cluster was seen, and whether a later one was behind it. */
export interface WritesMemory {
  readonly furthest: Furthest | undefined
  /** It ends with a reload, which shows that a person has seen it, or after a day. */
  readonly lost: LostWrites | undefined
  readonly times: number
}

export interface Furthest {
  readonly node: string
  readonly identifier: string
  readonly timeline: number
  /** Bytes since the first WAL; undefined if the server does not say it. */
  readonly lsn: number | undefined
  /** Its commits wait for a standby, so what it has alone was not confirmed. */
  readonly synchronous: boolean
  /** When the look ended, in milliseconds since the epoch. */
  readonly at: number
}

export interface LostWrites {
  readonly text: string
  /** Milliseconds since the epoch. */
  readonly at: number
}

export const noWrites: WritesMemory = { furthest: undefined, lost: undefined, times: 0 }

/** What is left after a reload: the count, and no mark to compare with. */
export const withoutLost = ({ times }: WritesMemory): WritesMemory => ({ ...noWrites, times })

export const shiftWrites = ({ furthest, lost, times }: WritesMemory, byMs: number): WritesMemory => ({
  times,
  furthest: furthest && { ...furthest, at: furthest.at + byMs },
  lost: lost && { ...lost, at: lost.at + byMs },
})
