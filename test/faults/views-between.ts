import { freePort, type RunningProcess } from '../servers/processes.ts'
import { clusterName, one, three, two, type NodeName } from './cluster-stage.ts'
import type { Fault } from './fault.ts'
import { balancer, pooler, viaBalancer, viaPooler, type ViewsStage } from './views-stage.ts'

const server = (node: NodeName, status: string): string =>
  `mailpath_haproxy_server_status{target="${balancer}",proxy="write",server="${node}",status="${status}"}`
const sessionsOn = (node: NodeName, path: string): string =>
  `mailpath_postgres_sessions{target="${node}",write_path="${path}"}`

const reset = (stage: ViewsStage): Promise<void> => stage.reset()

/** Of the look at HAProxy alone: its write path goes on to work. */
export const statisticsFaults: readonly Fault<ViewsStage>[] = [
  statistics('gone', 'haproxy_unreachable', stage => stage.statistics.noBackend()),
  statistics('hang', 'haproxy_no_answer', stage => stage.statistics.hold()),
  statistics('want a login (401)', 'haproxy_login_refused', stage => stage.answerStatistics(401, 'Unauthorized')),
  statistics('are the page of something else', 'haproxy_not_haproxy', stage =>
    stage.answerStatistics(200, '<h1>Welcome to nginx!</h1>'),
  ),
  statistics('of a HAProxy without the listener that the path names', 'haproxy_proxy_missing', stage =>
    stage.answerStatistics(200, csv('postgres_write,db-postgres-01,0,UP,60,2,L7OK,200')),
  ),
]

function statistics(
  what: string,
  code: string,
  inject: (stage: ViewsStage) => Promise<void> | void,
): Fault<ViewsStage> {
  return {
    name: `HAProxy, its statistics: ${what}`,
    inject: async stage => {
      await inject(stage)
      stage.statistics.cut()
    },
    heal: reset,
    seen: {
      verdict: 'warn',
      reasons: [`haproxy/${balancer} ${code}`],
      samples: {
        [server(one, 'UP')]: null,
        [`mailpath_write_path_writable{target="${viaBalancer}",postgres_cluster="${clusterName}"}`]: 1,
      },
    },
  }
}

/** https://docs.haproxy.org/2.6/management.html#9.1 */
const csv = (...rows: string[]): string =>
  ['# pxname,svname,scur,status,lastchg,type,check_status,check_code,', ...rows.map(row => `${row},`), ''].join('\n')

/** What HAProxy knows of the way, and SQL does not. */
export const balancerFaults: readonly Fault<ViewsStage>[] = [
  {
    name: 'HAProxy: gone altogether',
    async inject(stage) {
      await stage.haproxy.process.stop('SIGKILL')
      stage.statistics.cut()
    },
    heal: reset,
    seen: {
      verdict: 'fail',
      root: `haproxy/${balancer} haproxy_unreachable`,
      reasons: [`write_path/${viaBalancer} write_path_unreachable`],
    },
  },
  {
    name: 'HAProxy: hangs (SIGSTOP)',
    inject: stage => halt(stage.haproxy),
    heal: async stage => {
      stage.haproxy.process.signal('SIGCONT')
      await stage.reset()
    },
    seen: {
      verdict: 'fail',
      root: `haproxy/${balancer} haproxy_no_answer`,
      reasons: [`write_path/${viaBalancer} write_path_no_answer`],
    },
  },
  {
    name: 'HAProxy: the server of the primary is in maintenance',
    inject: stage => setState(stage, one, 'maint'),
    heal: reset,
    seen: {
      verdict: 'fail',
      root: `write_path/${viaBalancer} write_path_server_in_maintenance`,
      not: [`write_path/${viaBalancer} write_path_closed`],
      samples: { [server(one, 'MAINT')]: 1 },
    },
  },
  {
    name: 'HAProxy: the server of the primary is drained',
    inject: stage => setState(stage, one, 'drain'),
    heal: reset,
    seen: {
      verdict: 'fail',
      root: `write_path/${viaBalancer} write_path_server_in_maintenance`,
      samples: { [server(one, 'DRAIN')]: 1 },
    },
  },
  {
    name: 'HAProxy: the server of a standby is in maintenance',
    inject: stage => setState(stage, two, 'maint'),
    heal: reset,
    seen: { verdict: 'ok', samples: { [server(two, 'MAINT')]: 1 } },
  },
  {
    name: 'HAProxy: check lag after a switchover, it still leads to the old primary',
    async inject(stage) {
      stage.delayChecks()
      await switchOver(stage)
    },
    seen: {
      verdict: 'fail',
      root: `write_path/${viaBalancer} write_path_check_lag`,
      not: [`write_path/${viaBalancer} write_path_read_only`],
      samples: { [server(one, 'UP')]: 1 },
    },
  },
  {
    name: 'HAProxy: check lag after a failover, it still leads to a node that is gone',
    async inject(stage) {
      stage.delayChecks()
      await failOver(stage)
    },
    seen: {
      verdict: 'fail',
      root: `write_path/${viaBalancer} write_path_check_lag`,
      not: [`write_path/${viaBalancer} write_path_unreachable`, `write_path/${viaBalancer} write_path_closed`],
    },
  },
  {
    name: 'HAProxy: follows a failover by Patroni',
    async inject(stage) {
      await failOver(stage)
      await stage.untilUp(two)
    },
    seen: { verdict: 'warn', reasons: [`postgres/${one} postgres_unreachable`], samples: { [server(two, 'UP')]: 1 } },
  },
  {
    name: 'HAProxy: the primary behind it is killed, and none is elected yet',
    async inject(stage) {
      await stage.cluster.node(one).kill()
      stage.elect(undefined)
      Object.assign(stage.patroni(one).knobs(), { state: 'crashed', role: 'primary' })
    },
    seen: {
      verdict: 'fail',
      root: `cluster/${clusterName} cluster_no_primary`,
      reasons: [`postgres/${one} postgres_unreachable`],
    },
  },
]

function halt({ process }: { readonly process: RunningProcess }): Promise<void> {
  process.signal('SIGSTOP')
  return Promise.resolve()
}

const setState = async ({ haproxy }: ViewsStage, node: NodeName, state: 'maint' | 'drain'): Promise<void> => {
  await haproxy.admin(`set server write/${node} state ${state}`)
}

/** db-postgres-02 becomes the primary, and PgBouncer follows. The old one stays down. */
async function failOver(stage: ViewsStage): Promise<void> {
  await stage.cluster.failover(two)
  stage.elect(two)
  Object.assign(stage.patroni(one).knobs(), { state: 'stopped' })
  await stage.lead(stage.cluster.node(two))
}

/** The same, and the old one is a standby afterwards. */
async function switchOver(stage: ViewsStage): Promise<void> {
  await stage.cluster.failover(two)
  await stage.cluster.rejoin(one)
  stage.elect(two)
  await stage.lead(stage.cluster.node(two))
}

/** What PgBouncer knows of itself and of what is behind it. */
export const poolerFaults: readonly Fault<ViewsStage>[] = [
  {
    name: 'PgBouncer with its console: paused',
    // Debian's 1.18 does not say that all databases are paused, only that one is.
    async inject({ pgbouncer, cluster }) {
      await pgbouncer.admin(`PAUSE ${cluster.database}`)
    },
    heal: reset,
    seen: {
      verdict: 'fail',
      root: `pgbouncer/${pooler} pgbouncer_paused`,
      reasons: [`write_path/${viaPooler} write_path_no_answer`],
      samples: { [`mailpath_pgbouncer_paused{target="${pooler}",database="keybuzz_backend"}`]: 1 },
    },
  },
  {
    name: 'PgBouncer with its console: it has no such database',
    inject: stage => stage.pgbouncer.retarget(stage.cluster.node(one), 'another'),
    heal: reset,
    seen: {
      verdict: 'fail',
      root: `write_path/${viaPooler} write_path_database_missing`,
      reasons: [`pgbouncer/${pooler} pgbouncer_database_missing`],
    },
  },
  {
    name: 'PgBouncer with its console: nothing listens where it leads',
    inject: async stage => stage.lead({ host: '127.0.0.1', port: await freePort() }),
    heal: reset,
    seen: { verdict: 'fail', root: `write_path/${viaPooler} write_path_no_answer` },
  },
  {
    name: 'PgBouncer with its console: the primary behind it is killed',
    async inject(stage) {
      await stage.cluster.node(one).kill()
      Object.assign(stage.patroni(one).knobs(), { state: 'crashed' })
    },
    seen: {
      verdict: 'fail',
      root: `cluster/${clusterName} cluster_leader_crash_looping`,
      reasons: [`postgres/${one} postgres_unreachable`],
    },
  },
  {
    name: 'PgBouncer with its console: all server connections in use, and clients wait',
    inject: stage => stage.fillPool(),
    heal: reset,
    seen: {
      verdict: 'fail',
      root: `pgbouncer/${pooler} pgbouncer_clients_wait`,
      reasons: [`write_path/${viaPooler} write_path_no_answer`],
    },
  },
  {
    name: 'PgBouncer with its console: in front of a node that was demoted',
    async inject(stage) {
      await switchOver(stage)
      await stage.lead(stage.cluster.node(one))
      await stage.untilUp(two)
    },
    seen: {
      verdict: 'fail',
      root: `write_path/${viaPooler} write_path_read_only`,
      not: [`write_path/${viaBalancer} write_path_check_lag`],
    },
  },
  {
    name: 'PgBouncer with its console: hangs (SIGSTOP)',
    inject: stage => halt(stage.pgbouncer),
    heal: async stage => {
      stage.pgbouncer.process.signal('SIGCONT')
      await stage.reset()
    },
    seen: {
      verdict: 'fail',
      root: `pgbouncer/${pooler} pgbouncer_no_answer`,
      reasons: [`write_path/${viaPooler} write_path_no_answer`],
    },
  },
  consoleAt('a wrong password of the console', 'pgbouncer_login_failed', ({ env }) =>
    env['CONSOLE_URL']?.replace(/:[^:@]+@/u, ':wrong@'),
  ),
  consoleAt('the URL of the console leads to a Postgres', 'pgbouncer_not_pgbouncer', ({ cluster }) =>
    cluster.node(two).url(cluster.logins.monitor),
  ),
  consoleAt(
    'nothing listens at the URL of the console',
    'pgbouncer_unreachable',
    async () => `postgres://stats@127.0.0.1:${await freePort()}/pgbouncer`,
  ),
]

/** The look alone is broken. */
function consoleAt(
  what: string,
  code: string,
  url: (stage: ViewsStage) => Promise<string> | string | undefined,
): Fault<ViewsStage> {
  return {
    name: `PgBouncer with its console: ${what}`,
    inject: async stage => {
      stage.env['CONSOLE_URL'] = await url(stage)
    },
    heal: reset,
    seen: {
      verdict: 'warn',
      reasons: [`pgbouncer/${pooler} ${code}`],
      not: [`write_path/${viaPooler} write_path_no_answer`],
    },
  }
}

/** Sessions that an application keeps on a node that is not the primary. */
export const sessionFaults: readonly Fault<ViewsStage>[] = [
  {
    name: 'Sessions of an application on a standby, which may only read',
    inject: stage => stage.keepSession('backend', two),
    heal: reset,
    seen: {
      verdict: 'warn',
      reasons: [`write_path/${viaPooler} write_path_sessions_on_standby`],
      not: [`write_path/${viaBalancer} write_path_sessions_on_standby`],
      samples: { [sessionsOn(two, viaPooler)]: 1, [sessionsOn(three, viaPooler)]: 0 },
    },
  },
  {
    name: 'Sessions of an application that pools them on a standby (`pooled: true`)',
    inject: stage => stage.keepSession('pooled', two),
    heal: reset,
    seen: {
      verdict: 'fail',
      root: `write_path/${viaBalancer} write_path_sessions_on_standby`,
      not: [`write_path/${viaPooler} write_path_sessions_on_standby`],
      samples: { [sessionsOn(two, viaBalancer)]: 1 },
    },
  },
  {
    name: 'Sessions of an application on the primary',
    inject: stage => stage.keepSession('pooled', one),
    heal: reset,
    seen: { verdict: 'ok', samples: { [sessionsOn(one, viaBalancer)]: 1 } },
  },
]
