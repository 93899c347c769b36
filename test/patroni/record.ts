/**
 * What a scenario leaves behind: the truth of the writers and of the cluster, what the exporter said meanwhile, and what it
 * should have said. It is plain data, written as JSON. All times are milliseconds since the epoch, on one clock.
 */
import type { Verdict } from '../../src/core/probe.ts'

/** The nodes: names of `postgres` targets, of members of Patroni, and of servers in HAProxy. */
export const nodeNames = ['n1', 'n2', 'n3'] as const
export type NodeName = (typeof nodeNames)[number]

/** The cluster in the configuration of the exporter. */
export const clusterName = 'kb'

/**
 * The ways to the primary. Each has a write path and a mail path of this name.
 * `haproxy` has `on-marked-down shutdown-sessions`, and `haproxy-plain` does not. Both PgBouncers lead to `haproxy`:
 * `pgbouncer` pools transactions, `pgbouncer-session` pools sessions.
 */
export const ways = ['haproxy', 'haproxy-plain', 'pgbouncer', 'pgbouncer-session'] as const
export type Way = (typeof ways)[number]

/** A writer tried to commit one row. */
export interface Attempt {
  /** When it began, and how long it took until it was committed or given up, in milliseconds. */
  readonly at: number
  readonly took: number
  /** Such as `fresh haproxy 1`. */
  readonly writer: string
  /** `fresh`: opens a session, commits, closes it. `pooled`: keeps its session until the client sees it end. */
  readonly kind: 'fresh' | 'pooled'
  readonly by: Way
  /** The number in the row; no other attempt has it. */
  readonly row: number
  /** The commit was confirmed. */
  readonly ok: boolean
  /** SQLSTATE, or the code of the system (ECONNREFUSED), or `timeout`; `ok` if it was committed. */
  readonly code: string
  /** Where it was committed, or the node that refused it; undefined if that is not known. */
  readonly node?: NodeName | undefined
}

/** What the servers themselves say, asked directly by the stage and not by the exporter. A new one for each change. */
export interface Truth {
  readonly at: number
  readonly nodes: Readonly<Record<NodeName, NodeTruth>>
}

export interface NodeTruth {
  /** By SQL. `down`: it refuses, or does not answer. */
  readonly sql: 'primary' | 'standby' | 'down'
  /** HTTP status of `/primary`, or why there was none. */
  readonly patroni: number | 'refused' | 'silent'
  /** `role/state` of its answer, such as `master/running`. */
  readonly says: string | undefined
  /** Its timeline by its Patroni. */
  readonly timeline: number | undefined
  /** Status in HAProxy (listener `haproxy`), such as `UP` or `DOWN`, with the result of the check: `DOWN L7STS/503`. */
  readonly haproxy: string | undefined
}

/** A reason as the exporter gave it. */
export interface SaidReason {
  /** `probe/target`, such as `cluster/kb` or `write_path/haproxy`. */
  readonly id: string
  readonly code: string
  readonly verdict: Verdict
  readonly severity: string
  readonly text: string
  readonly remedy: string
}

export interface SaidMail {
  readonly verdict: Verdict
  readonly root?: SaidReason | undefined
}

/** What the exporter said from then on until the next one. Numbers in texts that merely grow are no change. */
export interface Said {
  readonly at: number
  /** The mail paths. Each sends mail by the way of its name, and nothing else differs. */
  readonly mail: Readonly<Record<Way, SaidMail>>
  /** The verdict of every check, by id. */
  readonly checks: Readonly<Record<string, Verdict>>
  /** Every reason that holds, of checks and of the cluster. */
  readonly reasons: readonly SaidReason[]
  readonly cluster: {
    readonly verdict: Verdict
    readonly primary?: string | undefined
    readonly lockHolder?: string | undefined
    readonly splitBrain?: boolean | undefined
  }
}

/** Something that was done to the stage, or that was waited for. */
export interface Mark {
  readonly at: number
  readonly what: string
}

/** What ends an outage, from a mark on. */
export interface Phase {
  /** The text of the mark with which it begins. It ends with that of the next phase, or with the run. */
  readonly from: string
  /**
   * `probe/target code`, with `*` for any target or code: whoever does what one of these says ends the outage, or rightly
   * waits. Roots that are none of these were wrong. None: in this phase nothing is down, and no root may be shown for long.
   */
  readonly roots: readonly string[]
}

/** A reason that must be there before something happens. */
export interface ToldBefore {
  /** `probe/target code`, with `*` for any target. */
  readonly reason: string
  /** `outage`: the first way on which nothing commits. `end`: at some time before all is healed. Else the text of a mark. */
  readonly before: string
}

export interface Expected {
  readonly phases: readonly Phase[]
  /** All of them. */
  readonly told?: readonly ToldBefore[]
  /** Regular expressions over text and remedy of any root or reason: what must not be advised here, in addition to what never may be. */
  readonly harmful?: readonly string[]
}

/** A scenario that was run. */
export interface ScenarioRun {
  readonly name: string
  /** What was done, in a sentence or two. */
  readonly does: string
  /** The versions of Patroni, Postgres and HAProxy. */
  readonly versions: Readonly<Record<string, string>>
  /** Of the exporter. */
  readonly intervalMs: number
  readonly timeoutMs: number
  /** When recording began (all well, some seconds before the first mark) and ended (all well again, or given up). */
  readonly from: number
  readonly to: number
  /** In order. The first is what was broken; `healed` is the last thing that was done to heal it. */
  readonly marks: readonly Mark[]
  readonly expected: Expected
  readonly attempts: readonly Attempt[]
  readonly truth: readonly Truth[]
  readonly said: readonly Said[]
  /** Rows whose commit was confirmed and that no node has after healing. */
  readonly lost: readonly Attempt[]
  /** Counters of the exporter: what they grew by meanwhile. Seconds of outage by write path. */
  readonly counted: { readonly failovers: number; readonly outageSeconds: Readonly<Record<Way, number>> }
  /** Why it did not become healthy again, or could not be run to its end. Then its figures count for nothing. */
  readonly broken?: string | undefined
}

/** The mark after which nothing more is done: the cluster heals by itself from there. */
export const healed = 'healed'
