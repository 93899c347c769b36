import type { Roles } from '../assess/assessment.ts'
import type { Logger } from '../core/log.ts'
import { sleep } from '../core/clock.ts'

/** Runs the checks of a cluster out of turn, when there is reason to think that its roles are changing. */
export interface Waker {
  /** Looks at the cluster at once. Resolves once the roles have settled, or time is up: whether anything had changed. */
  wake(cluster: string, cause: string, stop: AbortSignal): Promise<boolean>
  /** To be told of every assessment of something new: a role that changed wakes the cluster. */
  assessed(roles: readonly Roles[], stop: AbortSignal | undefined): void
  /** How often each cluster was woken. */
  counts(): readonly { readonly cluster: string; readonly count: number }[]
  /** Settles when nothing is under way any more. */
  ended(): Promise<void>
}

export interface Looks {
  /** Runs of these checks that begin now or later, one for each; and then the assessment of what they found. */
  afresh(ids: readonly string[]): Promise<void>
  /** The same without waiting for anything: a check with a run under way is passed over. */
  again(ids: readonly string[]): void
}

/** While the roles have not settled, the checks run this often, */
export const roundMs = 250
/** and for no longer than this. */
export const burstMs = 30_000
/** Nothing is concluded from one look at something that is changing. */
const settledRounds = 2
/**
 * Rounds that a cluster can have out of turn: two full bursts. One comes back with each interval, so that a server
 * that comes and goes all day long no more than doubles the runs of its checks.
 */
export const maxRounds = (2 * burstMs) / roundMs

interface Cluster {
  roles: Roles
  count: number
  rounds: number
  /** When a round last came back, by the monotonic clock. */
  refilledAt: number
  /** There while a burst is under way. */
  burst: Promise<boolean> | undefined
  /** Since the burst began. */
  changed: boolean
  /** First looks that have not ended: whether anything has changed is not known yet. */
  firstLooks: number
}

export function createWaker(looks: Looks, log: Logger): Waker {
  let clusters = new Map<string, Cluster>()
  const bursts = new Set<Promise<boolean>>()

  const take = (cluster: Cluster): boolean => {
    const { intervalMs } = cluster.roles
    const back = Math.floor((performance.now() - cluster.refilledAt) / intervalMs)
    cluster.rounds = Math.min(maxRounds, cluster.rounds + back)
    cluster.refilledAt += back * intervalMs
    if (cluster.rounds < 1) return false
    cluster.rounds -= 1
    return true
  }

  const burst = async (cluster: Cluster, stop: AbortSignal): Promise<boolean> => {
    const until = performance.now() + burstMs
    let settled = 0
    for (;;) {
      await sleep(roundMs, stop)
      if (stop.aborted || performance.now() >= until) break
      if (cluster.changed) {
        settled = cluster.roles.settled ? settled + 1 : 0
        if (settled > settledRounds || !take(cluster)) break
        looks.again(cluster.roles.checks)
      } else if (cluster.firstLooks === 0) break
    }
    return cluster.changed
  }

  const wake = (cluster: Cluster, cause: string, changed: boolean, stop: AbortSignal): Promise<boolean> => {
    if (cluster.burst && cluster.changed) return cluster.burst
    if (!take(cluster)) return cluster.burst ?? Promise.resolve(false)
    cluster.firstLooks += 1
    void looks.afresh(cluster.roles.checks).then(() => (cluster.firstLooks -= 1))
    if (cluster.burst) return cluster.burst
    cluster.count += 1
    cluster.changed = changed
    log.info({ postgres_cluster: cluster.roles.cluster, cause }, 'woken early')
    const looking = burst(cluster, stop).finally(() => {
      bursts.delete(looking)
      cluster.burst = undefined
    })
    bursts.add(looking)
    cluster.burst = looking
    return looking
  }

  return {
    async wake(name, cause, stop) {
      const cluster = clusters.get(name)
      return cluster !== undefined && !stop.aborted && wake(cluster, cause, false, stop)
    },
    assessed(all, stop) {
      const before = clusters
      clusters = new Map(all.map(roles => [roles.cluster, withRoles(before.get(roles.cluster), roles)]))
      for (const cluster of clusters.values()) {
        if (!cluster.roles.changed) continue
        cluster.changed = true
        if (stop && !stop.aborted) void wake(cluster, 'a role changed', true, stop)
      }
    },
    counts: () => [...clusters.values()].map(({ roles, count }) => ({ cluster: roles.cluster, count })),
    async ended() {
      await Promise.all(bursts)
    },
  }
}

const withRoles = (known: Cluster | undefined, roles: Roles): Cluster =>
  known ? Object.assign(known, { roles }) : { ...untouched, roles, refilledAt: performance.now() }
const untouched = { count: 0, rounds: maxRounds, burst: undefined, changed: false, firstLooks: 0 }
