import type { Roles } from '../assess/assessment.ts'
import type { Logger } from '../core/log.ts'
import { sleep } from '../core/clock.ts'

/**
 * Says which checks of a cluster to run out of turn, when its roles may be changing. The caller runs them, and brings each
 * new assessment.
 */
export interface Waker {
  /** Takes in the roles of an assessment. Gives the clusters in which one has changed: each is to be woken. */
  assessed(roles: readonly Roles[]): readonly string[]
  /**
   * Wakes a cluster: gives the looks at it, each when it is due, until the roles have settled or the time is up. The last
   * value is whether anything had changed.
   */
  wake(cluster: string, cause: Cause, stop: AbortSignal): AsyncGenerator<Round, boolean>
  /** How often each cluster was woken. */
  counts(): readonly { readonly cluster: string; readonly count: number }[]
}

/** The text is for the log. */
export interface Cause {
  readonly text: string
  /** A role is known to have changed. Otherwise the first look has to show it. */
  readonly isChange: boolean
}

/** Checks to run. */
interface Round {
  readonly checks: readonly string[]
  /**
   * Set for a first look. It takes a run of each check that begins now or later, since a run under way may have begun
   * before there was a reason to look. To be called once they are assessed. In other rounds a run under way will do.
   */
  readonly looked?: () => void
}

/** How often the checks run while the roles have not settled, in milliseconds. */
export const roundMs = 250
/** How long they run this often, at most. */
export const burstMs = 30_000
/** One look at something that is changing proves nothing. */
const settledRounds = 2
/**
 * How many rounds a cluster can have out of turn: two full bursts. One comes back with each interval, so a server that comes
 * and goes all day long at most doubles the runs of its checks.
 */
export const maxRounds = (2 * burstMs) / roundMs

interface Cluster {
  roles: Roles
  count: number
  /** How many it has left. */
  rounds: number
  /** When a round last came back, by the monotonic clock. */
  refilledAt: number
  /** Set while it is looked at out of turn. */
  burst: Burst | undefined
}

interface Burst {
  /** A role has changed since it began. */
  changed: boolean
  /** First looks that have not ended: it is not known yet whether anything has changed. */
  firstLooks: number
  readonly ended: Promise<void>
  readonly end: () => void
}

export function createWaker(log: Logger): Waker {
  let clusters = new Map<string, Cluster>()

  const take = (cluster: Cluster): boolean => {
    const { intervalMs } = cluster.roles
    const back = Math.floor((performance.now() - cluster.refilledAt) / intervalMs)
    cluster.rounds = Math.min(maxRounds, cluster.rounds + back)
    cluster.refilledAt += back * intervalMs
    if (cluster.rounds < 1) return false
    cluster.rounds -= 1
    return true
  }

  /** The rounds after the first look. */
  async function* further(cluster: Cluster, burst: Burst, stop: AbortSignal): AsyncGenerator<Round, void> {
    const until = performance.now() + burstMs
    let settled = 0
    for (;;) {
      await sleep(roundMs, stop)
      if (stop.aborted || performance.now() >= until) return
      if (burst.changed) {
        settled = cluster.roles.settled ? settled + 1 : 0
        if (settled > settledRounds || !take(cluster)) return
        yield { checks: cluster.roles.checks }
      } else if (burst.firstLooks === 0) return
    }
  }

  return {
    async *wake(name, { text, isChange }, stop) {
      const cluster = clusters.get(name)
      if (!cluster || stop.aborted) return false
      const joined = cluster.burst
      const looks = !joined?.changed && take(cluster)
      if (!joined && !looks) return false
      const burst = joined ?? begin(isChange)
      cluster.burst = burst
      if (!joined) {
        cluster.count += 1
        log.info({ postgres_cluster: name, cause: text }, 'woken early')
      }
      if (looks) {
        burst.firstLooks += 1
        yield { checks: cluster.roles.checks, looked: () => (burst.firstLooks -= 1) }
      }
      if (joined) {
        await joined.ended
        return joined.changed
      }
      yield* further(cluster, burst, stop)
      cluster.burst = undefined
      burst.end()
      return burst.changed
    },
    assessed(all) {
      const before = clusters
      clusters = new Map(all.map(roles => [roles.cluster, withRoles(before.get(roles.cluster), roles)]))
      const changed = [...clusters.values()].filter(({ roles }) => roles.changed)
      for (const { burst } of changed) if (burst) burst.changed = true
      return changed.map(({ roles }) => roles.cluster)
    },
    counts: () => [...clusters.values()].map(({ roles, count }) => ({ cluster: roles.cluster, count })),
  }
}

function begin(changed: boolean): Burst {
  let end = (): void => undefined
  const ended = new Promise<void>(resolve => (end = resolve))
  return { changed, firstLooks: 0, ended, end }
}

const withRoles = (known: Cluster | undefined, roles: Roles): Cluster =>
  known ? Object.assign(known, { roles }) : { ...untouched, roles, refilledAt: performance.now() }
const untouched = { count: 0, rounds: maxRounds, burst: undefined }
