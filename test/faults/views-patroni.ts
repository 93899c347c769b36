import { rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { PatroniKnobs } from '../servers/patroni-double.ts'
import { clusterName, one, three, two, type NodeName } from './cluster-stage.ts'
import type { Expectation, Fault } from './fault.ts'
import { failOverUnfenced } from './postgres-follow.ts'
import { balancer, nodes, viaBalancer, viaPooler, type ViewsStage } from './views-stage.ts'

const patroni = (node: NodeName, metric: string, more = ''): string =>
  `mailpath_patroni_${metric}{target="${node}",postgres_cluster="${clusterName}"${more}}`
const server = (node: NodeName, status: string): string =>
  `mailpath_haproxy_server_status{target="${balancer}",proxy="write",server="${node}",status="${status}"}`
const ofCluster = (code: string): string => `cluster/${clusterName} ${code}`

const warns = (...reasons: string[]): Expectation => ({ verdict: 'warn', reasons })
/** The check is unknown. Mail is as SQL proves it, and it is said that one view is missing. */
const blind = warns

/** What the Patronis say, all alike; that of db-postgres-03 is the one that the exporter asks. */
const say = (stage: ViewsStage, says: Partial<PatroniKnobs>, ...which: readonly NodeName[]): Promise<void> => {
  for (const node of which.length === 0 ? nodes : which)
    for (const agent of node === three ? [stage.patroni(three), stage.secured] : [stage.patroni(node)])
      Object.assign(agent.knobs(), says)
  return Promise.resolve()
}
const onPatroni = (
  name: string,
  seen: Expectation,
  says: Partial<PatroniKnobs>,
  ...which: readonly NodeName[]
): Fault<ViewsStage> => ({ name, inject: stage => say(stage, says, ...which), heal: reset, seen })

function reset(stage: ViewsStage): Promise<void> {
  return stage.reset()
}

/** What its REST API does. HAProxy asks the other API of db-postgres-03. */
export const apiFaults: readonly Fault<ViewsStage>[] = [
  {
    name: 'Three views: SQL, Patroni and HAProxy agree',
    inject: () => Promise.resolve(),
    heal: () => Promise.resolve(),
    seen: {
      verdict: 'ok',
      samples: {
        [patroni(one, 'reachable')]: 1,
        [patroni(one, 'lock_holder')]: 1,
        [patroni(two, 'lock_holder')]: 0,
        [patroni(one, 'role', ',role="primary"')]: 1,
        [patroni(two, 'state', ',state="running"')]: 1,
        [patroni(one, 'dcs_last_seen_timestamp_seconds')]: 'any',
        [patroni(one, 'cluster_unlocked')]: 0,
        [server(one, 'UP')]: 1,
        [server(two, 'DOWN')]: 1,
        'mailpath_haproxy_reachable{target="lb-1"}': 1,
        'mailpath_pgbouncer_reachable{target="pool-1"}': 1,
      },
    },
  },
  {
    name: 'Patroni of a standby: down',
    inject: stage => stage.patroni(two).down(),
    heal: reset,
    seen: {
      ...warns(`patroni/${two} patroni_unreachable`, ofCluster('cluster_patroni_silent')),
      samples: { [patroni(two, 'reachable')]: 0, [patroni(two, 'role', ',role="replica"')]: null },
    },
  },
  {
    name: 'Patroni of a standby: hangs',
    inject: stage => answer(stage, two, 'silent'),
    heal: reset,
    seen: warns(`patroni/${two} patroni_no_answer`, ofCluster('cluster_patroni_silent')),
  },
  {
    name: 'Patroni of the primary: down, and HAProxy takes the primary out',
    inject: stage => stage.patroni(one).down(),
    heal: reset,
    seen: {
      verdict: 'fail',
      root: `write_path/${viaBalancer} write_path_check_lag`,
      reasons: [`patroni/${one} patroni_unreachable`, ofCluster('cluster_patroni_silent')],
      not: [ofCluster('cluster_no_primary'), ofCluster('cluster_primary_unknown')],
      samples: { [server(one, 'DOWN')]: 1, [patroni(one, 'reachable')]: 0 },
    },
  },
  {
    name: 'Patroni of the primary: hangs',
    inject: stage => answer(stage, one, 'silent'),
    heal: reset,
    seen: {
      verdict: 'fail',
      root: `write_path/${viaBalancer} write_path_check_lag`,
      reasons: [`patroni/${one} patroni_no_answer`, ofCluster('cluster_patroni_silent')],
    },
  },
  {
    name: 'Patroni of a standby: ends the connection in the middle of its answer',
    inject: stage => answer(stage, two, 'cut'),
    heal: reset,
    seen: blind(`patroni/${two} patroni_not_patroni`),
  },
  {
    name: 'Patroni of a standby: answers without end',
    inject: stage => answer(stage, two, 'endless'),
    heal: reset,
    seen: blind(`patroni/${two} patroni_not_patroni`),
  },
  {
    // That of db-postgres-03: a HAProxy that asks there too would take the 200 for a leader.
    name: 'Patroni of a standby: the URL leads to a page of something else',
    inject: stage => {
      stage.secured.knobs().answer({ status: 200, body: '<h1>Welcome to nginx!</h1>' })
      return Promise.resolve()
    },
    heal: reset,
    seen: blind(`patroni/${three} patroni_not_patroni`),
  },
  {
    name: 'Patroni of a standby: wants a login (401)',
    inject: stage => answer(stage, two, { status: 401, body: 'Unauthorized' }),
    heal: reset,
    seen: blind(`patroni/${two} patroni_login_refused`),
  },
  {
    name: 'Patroni over TLS: certificate expired',
    inject: stage => secure(stage, 'expired'),
    heal: reset,
    seen: blind(`patroni/${three} patroni_tls_failed`),
  },
  {
    name: 'Patroni over TLS: certificate for another name',
    inject: stage => secure(stage, 'wrongName'),
    heal: reset,
    seen: blind(`patroni/${three} patroni_tls_failed`),
  },
]

function answer(stage: ViewsStage, node: NodeName, how: Parameters<PatroniKnobs['answer']>[0]): Promise<void> {
  stage.patroni(node).knobs().answer(how)
  return Promise.resolve()
}

const secure = (stage: ViewsStage, which: 'expired' | 'wrongName'): Promise<void> =>
  stage.secured.restart({ tls: stage.certificates[which] })

/** What it says while there is a primary: all of it is said before the outage that it may become. */
export const warningFaults: readonly Fault<ViewsStage>[] = [
  onPatroni('Patroni: no node reaches etcd', warns(ofCluster('cluster_dcs_lost')), { dcsAge: 20 }),
  onPatroni(
    'Patroni: the primary alone does not reach etcd',
    warns(ofCluster('cluster_dcs_lost')),
    { dcsAge: 20 },
    one,
  ),
  onPatroni('Patroni: a standby alone does not reach etcd', warns(ofCluster('cluster_dcs_lost')), { dcsAge: 20 }, two),
  onPatroni('Patroni: etcd was reached a moment ago', { verdict: 'ok' }, { dcsAge: 9 }),
  onPatroni(
    'Patroni: failsafe_mode keeps the primary without etcd',
    { ...warns(ofCluster('cluster_failsafe_active')), samples: { [patroni(one, 'failsafe_active')]: 1 } },
    { failsafe: true, dcsAge: 20 },
  ),
  {
    name: 'Patroni: failsafe_mode keeps the primary, and the Patroni of a standby hangs',
    async inject(stage) {
      await say(stage, { failsafe: true, dcsAge: 20 })
      stage.patroni(two).knobs().answer('silent')
    },
    heal: reset,
    seen: warns(ofCluster('cluster_failsafe_active'), `patroni/${two} patroni_no_answer`),
  },
  onPatroni(
    'Patroni: maintenance mode',
    { ...warns(ofCluster('cluster_no_candidate')), samples: { [patroni(one, 'paused')]: 1 } },
    { paused: true },
  ),
  {
    name: 'Patroni: each standby has the tag nofailover',
    inject: stage => tagStandbys(stage, two, three),
    heal: reset,
    seen: { ...warns(ofCluster('cluster_no_candidate')), samples: { [patroni(two, 'nofailover')]: 1 } },
  },
  {
    name: 'Patroni: one of two standbys has the tag nofailover',
    inject: stage => tagStandbys(stage, two),
    heal: reset,
    seen: { verdict: 'ok', samples: { [patroni(two, 'nofailover')]: 1 } },
  },
  onPatroni(
    'Patroni: a parameter waits for a restart',
    { ...warns(ofCluster('cluster_pending_restart')), samples: { [patroni(two, 'pending_restart')]: 1 } },
    { pendingRestart: ['max_connections'] },
    two,
  ),
  onPatroni(
    'Patroni: a synchronous standby',
    { verdict: 'ok', samples: { [patroni(two, 'sync_standby')]: 1 } },
    { synchronous: 'sync' },
  ),
]

/** Of the list of members, which the exporter asks a new holder of the lock for, and then seldom. */
export const memberFaults: readonly Fault<ViewsStage>[] = [
  {
    name: 'Patroni: a new leader lists a member that is no postgres target',
    inject: stage =>
      switchOver(stage, two, members => [
        ...members,
        { name: 'db-postgres-04', role: 'replica', state: 'streaming', host: '10.0.0.4', port: 5432 },
      ]),
    seen: warns(ofCluster('cluster_member_unlisted')),
  },
  {
    // Its key in the DCS ended with it, so the list says no more than its silence.
    name: 'Patroni: a new leader lists no member for a node whose Patroni is down',
    async inject(stage) {
      await switchOver(stage, three, members => members.filter(({ name }) => name !== two))
      await stage.patroni(two).down()
    },
    seen: {
      ...warns(`patroni/${two} patroni_unreachable`, ofCluster('cluster_patroni_silent')),
      not: [ofCluster('cluster_member_unlisted')],
    },
  },
]

async function switchOver(
  stage: ViewsStage,
  to: NodeName,
  change: (members: PatroniKnobs['members']) => PatroniKnobs['members'],
): Promise<void> {
  await stage.cluster.failover(to)
  await stage.cluster.rejoin(one)
  await stage.lead(stage.cluster.node(to))
  stage.elect(to)
  await say(stage, { members: change(stage.patroni(to).knobs().members) })
  await stage.untilUp(to)
}

function tagStandbys(stage: ViewsStage, ...standbys: readonly NodeName[]): Promise<void> {
  const { members } = stage.patroni(one).knobs()
  const tags = { nofailover: true }
  void say(stage, { tags }, ...standbys)
  const isTagged = (name: unknown): boolean => standbys.some(standby => standby === name)
  return say(stage, { members: members.map(one => (isTagged(one['name']) ? { ...one, tags } : one)) })
}

/** Why there is no primary, and why it is not to be promoted by hand. */
export const leaderlessFaults: readonly Fault<ViewsStage>[] = [
  leaderless('no Patroni holds the lock', 'cluster_no_primary', {}),
  leaderless('etcd is lost', 'cluster_dcs_lost', { dcsAge: 40, knowsCluster: false }),
  leaderless('failsafe_mode lost a member', 'cluster_dcs_lost', { dcsAge: 40, knowsCluster: false }, stage => {
    stage.patroni(two).knobs().answer('silent')
  }),
  leaderless('maintenance mode', 'cluster_no_candidate', { paused: true }),
  leaderless('each standby that runs has the tag nofailover', 'cluster_no_candidate', { tags: { nofailover: true } }),
  leaderless('a standby cluster, by design', 'cluster_standby_by_design', {}, stage => {
    void say(stage, { standbyCluster: true })
    void say(stage, { isLeader: true, leader: one, role: 'standby_leader' }, one)
  }),
  leaderless('one is being promoted', 'cluster_no_primary', {}, stage => stage.elect(two)),
  leaderless('no Patroni answers', 'cluster_patroni_silent', {}, async stage => {
    await Promise.all([...nodes.map(node => stage.patroni(node).down()), stage.secured.down()])
  }),
  {
    name: 'No primary: the holder of the lock crashes over and over',
    async inject(stage) {
      await stage.cluster.node(one).stop('immediate')
      await say(stage, { state: 'crashed' }, one)
    },
    seen: {
      verdict: 'fail',
      root: ofCluster('cluster_leader_crash_looping'),
      not: [ofCluster('cluster_no_primary')],
      samples: {
        [patroni(one, 'state', ',state="crashed"')]: 1,
        [patroni(one, 'lock_holder')]: 1,
        [server(one, 'UP')]: 1,
      },
    },
  },
  {
    name: 'No primary: the holder of the lock cannot start (start failed)',
    async inject(stage) {
      await stage.cluster.node(one).stop('immediate')
      await say(stage, { state: 'start failed' }, one)
    },
    seen: { verdict: 'fail', root: ofCluster('cluster_leader_crash_looping') },
  },
  {
    name: 'Two primaries: a standby was promoted behind the back of Patroni, and the holder of the lock lives',
    inject: stage => failOverUnfenced(stage),
    seen: { verdict: 'fail', root: ofCluster('cluster_split_brain') },
  },
  {
    name: 'One primary, which nobody elected: promoted in maintenance mode',
    async inject(stage) {
      await stage.cluster.failover(two)
      await stage.lead(stage.cluster.node(two))
      stage.elect(undefined)
      await say(stage, { paused: true })
      await stage.patroni(one).down()
      await stage.untilUp()
    },
    seen: {
      verdict: 'fail',
      root: `write_path/${viaBalancer} write_path_check_lag`,
      reasons: [ofCluster('cluster_primary_not_elected')],
      not: [ofCluster('cluster_no_primary')],
    },
  },
]

/** All nodes are in recovery, and so say the Patronis; `more` is said by all of them. */
function leaderless(
  why: string,
  code: string,
  more: Partial<PatroniKnobs>,
  then: (stage: ViewsStage) => Promise<void> | void = () => undefined,
): Fault<ViewsStage> {
  return {
    name: `No primary: ${why}`,
    async inject(stage) {
      const first = stage.cluster.node(one)
      await first.stop()
      await writeFile(signalOf(stage), '', { mode: 0o644 })
      await first.start()
      stage.elect(undefined)
      await say(stage, more)
      await then(stage)
    },
    async heal(stage) {
      await stage.cluster.node(one).stop()
      await rm(signalOf(stage))
      await stage.heal()
    },
    seen: {
      verdict: 'fail',
      root: ofCluster(code),
      reasons: [`write_path/${viaPooler} write_path_read_only`],
    },
  }
}

const signalOf = ({ cluster }: ViewsStage): string => path.join(cluster.node(one).dataDir, 'standby.signal')
