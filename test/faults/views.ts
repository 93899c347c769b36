import { haproxyBinary, haproxyInstall } from '../servers/haproxy.ts'
import { pgbouncerBinary, pgbouncerInstall } from '../servers/pgbouncer.ts'
import type { Area, Fault, Times } from './fault.ts'
import { runnable, type Runnable } from './runner.ts'
import { without } from './skip.ts'
import { balancerFaults, poolerFaults, sessionFaults, statisticsFaults } from './views-between.ts'
import { apiFaults, leaderlessFaults, memberFaults, warningFaults } from './views-patroni.ts'
import { startViewsStage, type ViewsStage } from './views-stage.ts'

/** Why there is no such stage here. */
const skip =
  without('HAProxy', haproxyBinary(), haproxyInstall) ?? without('PgBouncer', pgbouncerBinary(), pgbouncerInstall)

/** Eleven checks, and a HAProxy that checks more often than a real one. */
const times: Times = { intervalMs: 1_500, timeoutMs: 1_000 }

const area = (name: string, faults: readonly Fault<ViewsStage>[]): Runnable => {
  const all: Area<ViewsStage> = { name, start: startViewsStage, faults: faults.map(one => ({ ...one, skip })), times }
  return runnable(all)
}

export const viewAreas: readonly Runnable[] = [
  area('Patroni beside SQL and HAProxy (Patroni is a double)', [...apiFaults, ...warningFaults]),
  area('No primary, as Patroni explains it (Patroni is a double)', leaderlessFaults),
  area('HAProxy and PgBouncer with their own view', [...statisticsFaults, ...balancerFaults, ...poolerFaults]),
  area('After a change of the leader: sessions left behind, and members', [...sessionFaults, ...memberFaults]),
]
