import type { Sample } from '../core/metric.ts'
import type { Check, Observation, Reason, Target, Verdict } from '../core/probe.ts'
import type { MailTarget, Provider } from '../probes/mail/index.ts'
import type { pathKinds } from '../probes/needs.ts'
import {
  shiftCluster,
  shifted,
  shiftWrites,
  withoutLost,
  type ClusterMemory,
  type WritesMemory,
} from './cluster/memory.ts'
import type { Starved } from './starved.ts'

/** What the configuration wants assessed. */
export interface Plan {
  readonly checks: readonly Check[]
  readonly mail: readonly MailTarget[]
  /** Clusters with a node, or its Patroni, that is not among the checks (`check --only`): nothing can be concluded about them. */
  readonly partial?: readonly string[]
}

/** The status of a check now: what its last run found, and reasons that take other targets. Unknown once it is stale. */
export interface CheckStatus {
  /** `probe/target` */
  readonly id: string
  readonly probe: string
  readonly target: string
  readonly intervalMs: number
  readonly needs: readonly string[]
  readonly config: Target
  readonly verdict: Verdict
  /** Worst first. */
  readonly reasons: readonly Reason[]
  readonly evidence: string
  readonly stale: boolean
  /** Of the last run, even if it is stale; undefined where there was none. */
  readonly observation: Observation | undefined
  /** Empty once it is stale: a series does not outlive its cause. */
  readonly samples: readonly Sample[]
}

type Role = 'primary' | 'standby'

export interface NodeStatus {
  /** Name of the `postgres` target. */
  readonly name: string
  readonly address: string | undefined
  /** Undefined while it is not known. */
  readonly role: Role | undefined
  readonly verdict: Verdict
  /** What its Patroni says of it, in words, where that is something else than what the node says. */
  readonly patroni?: string
}

export interface ClusterStatus {
  readonly name: string
  readonly nodes: readonly NodeStatus[]
  /** Name of the primary; in a split brain the one with the best claim (`claims.ts`). */
  readonly primary: string | undefined
  /** Patroni manages it: the cluster has a `patroni` target. It decides who is promoted, also while it does not answer. */
  readonly hasPatroni: boolean
  /** Name of the node that holds the leader lock of Patroni; undefined if none does, or if that is not known. */
  readonly lockHolder: string | undefined
  /** Undefined while none is seen and some node could not be asked. */
  readonly primaries: number | undefined
  readonly splitBrain: boolean | undefined
  /** There are several primaries, and nothing shows which of them to keep. */
  readonly undecided: boolean
  readonly verdict: Verdict
  readonly reasons: readonly Reason[]
  readonly evidence: string
}

/** The state of the roles in a cluster with a watch. */
export interface Roles {
  /** Name of the cluster. */
  readonly cluster: string
  /** The checks of its nodes, of their Patroni, of the write paths into it and what these go through; not those that are refused. */
  readonly checks: readonly string[]
  /** The shortest interval of its checks. */
  readonly intervalMs: number
  /** Since the assessment before, a node has taken another role, gone down or come up. */
  readonly changed: boolean
  /** There is one primary, and no write path fails. */
  readonly settled: boolean
}

/** Where a write path lands. */
export interface LandingStatus {
  readonly writePath: string
  readonly cluster: string
  /** Names of the `postgres` targets its sessions landed on. */
  readonly nodes: readonly string[]
  readonly onPrimary: boolean | undefined
}

/** A reason why mail cannot be sent, or why that is not known. */
export interface Blocker {
  readonly probe: string
  readonly target: string
  readonly reason: Reason
  /** What it makes of the mail verdict. */
  readonly level: 'fail' | 'unknown'
  /** The one thing to fix: true for exactly one while the verdict is fail or unknown. */
  readonly root: boolean
}

/** The answer: can this application send mail right now, and if not, what is the one thing to fix? */
export interface MailStatus {
  readonly name: string
  readonly verdict: Verdict
  readonly provider: Provider | undefined
  /** In dependency order. */
  readonly blockers: readonly Blocker[]
  readonly root: Blocker | undefined
  /** What is broken while mail still works: the reasons for a `warn`. */
  readonly exceptions: readonly Omit<Blocker, 'level' | 'root'>[]
  /** The checks it depends on, by kind: names of targets. */
  readonly needs: Readonly<Record<(typeof pathKinds)[number], readonly string[]>>
}

/** Check lag of a write path. Times are in milliseconds since the epoch. */
export interface Lag {
  readonly since: number
  /** Undefined while it lasts. */
  readonly endedAt: number | undefined
}

/** What one assessment hands to the next: all that debouncing and counters need. */
export interface Memory {
  readonly at: number
  readonly clusters: ReadonlyMap<string, ClusterMemory>
  /** By cluster. */
  readonly writes: ReadonlyMap<string, WritesMemory>
  /** Seconds without a committed write, by write path. */
  readonly outages: ReadonlyMap<string, { readonly seconds: number; readonly out: boolean }>
  /** The last time that HAProxy led wrong or nowhere (`write_path_check_lag`), by write path. */
  readonly lags: ReadonlyMap<string, Lag>
  /** What write paths saw first, and fail with the consequences of now (`first-cause.ts`), by check. */
  readonly causes: ReadonlyMap<string, Reason>
  /** The role each node was last seen in, by cluster and check. */
  readonly roles: ReadonlyMap<string, ReadonlyMap<string, string>>
}

/** The memory as it would be if the clock had always been that many milliseconds ahead. */
export const shiftMemory = (memory: Memory, byMs: number): Memory => ({
  ...memory,
  at: memory.at + byMs,
  lags: mapped(memory.lags, one => ({ since: one.since + byMs, endedAt: shifted(one.endedAt, byMs) })),
  clusters: mapped(memory.clusters, one => shiftCluster(one, byMs)),
  writes: mapped(memory.writes, one => shiftWrites(one, byMs)),
})

/** The memory after somebody has seen what was to be seen: a reload. */
export const acknowledged = (memory: Memory): Memory => ({ ...memory, writes: mapped(memory.writes, withoutLost) })

const mapped = <T>(map: ReadonlyMap<string, T>, change: (value: T) => T): ReadonlyMap<string, T> =>
  new Map([...map].map(([name, value]) => [name, change(value)]))

/** Everything that follows from the latest observations; all outputs render this. */
export interface Assessment {
  /** Milliseconds since the epoch. */
  readonly at: number
  /** What the exporter itself is short of. */
  readonly starved: readonly Starved[]
  readonly mail: readonly MailStatus[]
  readonly clusters: readonly ClusterStatus[]
  readonly landings: readonly LandingStatus[]
  /** Every configured check, in the order of the configuration. */
  readonly checks: readonly CheckStatus[]
  /** Samples of clusters, landings and mail paths. */
  readonly samples: readonly Sample[]
  /** Checks to run at once: their next look decides something that is only suspected now. */
  readonly recheck: readonly string[]
  readonly roles: readonly Roles[]
  readonly memory: Memory
}
