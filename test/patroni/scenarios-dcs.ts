/** The DCS (etcd) goes away, all of it, a part, or for one node; and cables. */
import { etcdNames, type EtcdName } from './files.ts'
import type { NodeName, Truth } from './record.ts'
import type { Scenario, Scene } from './scenario.ts'
import {
  another,
  balanced,
  checks,
  down,
  endSessions,
  failover,
  lag,
  leftBehind,
  wentBack,
} from './scenarios-leader.ts'

/** No node takes writes. */
export const nonePrimary = ({ nodes }: Truth): boolean => Object.values(nodes).every(({ sql }) => sql !== 'primary')
const lost = 'cluster/kb cluster_dcs_lost'

async function killEtcd({ stage }: Scene, names: readonly EtcdName[]): Promise<void> {
  await Promise.all(names.map(name => stage.etcd[name].kill()))
}

/** Nothing that etcd sends to the node arrives any more, so that no request of it is answered. */
async function cutFromEtcd({ stage, node }: Scene, name: NodeName): Promise<void> {
  for (const member of Object.values(stage.etcd)) await member.host.lose(node(name).host.address)
}

const noPrimary = 'cluster/kb cluster_no_primary'

const withoutDcs = (from: string) => ({
  phases: [
    { from, roots: [lost, ...lag] },
    { from: 'no node takes writes', roots: [lost] },
    { from: etcdBack, roots: [lost, leftBehind, ...lag] },
  ],
  told: [{ reason: lost, before: 'outage' }],
})

const etcdBack = 'etcd is started'

/** The cluster heals by itself while the stage still waits for the last member of etcd. */
const startEtcd = ({ stage, mark }: Scene): Promise<void> => {
  mark(etcdBack)
  return stage.heal()
}

export const dcsScenarios: readonly Scenario[] = [
  {
    name: 'etcd down',
    does: 'All three members of etcd are killed. The leader demotes itself, and nobody can take over.',
    tested: true,
    async run(scene) {
      await killEtcd(scene, etcdNames)
      scene.mark('etcd killed')
      await scene.until('no node takes writes', nonePrimary, 25)
      await scene.last(12)
    },
    heal: startEtcd,
    expected: () => withoutDcs('etcd killed'),
  },
  {
    name: 'two of three etcds down',
    does: 'Two members of etcd are killed: the third alone is no majority.',
    async run(scene) {
      await killEtcd(scene, ['e1', 'e2'])
      scene.mark('two etcds killed')
      await scene.until('no node takes writes', nonePrimary, 25)
      await scene.last(8)
    },
    heal: startEtcd,
    // The third still serves reads, so Patroni does not see that the DCS is lost, and says nothing before the outage. While no
    // node is elected, the remedy asks for the majority of etcd after 5 s.
    expected: () => ({
      phases: withoutDcs('two etcds killed').phases.map(({ from, roots }) => ({ from, roots: [...roots, noPrimary] })),
    }),
  },
  {
    name: 'one of three etcds down',
    does: 'One member of etcd is killed: the other two go on.',
    async run(scene) {
      await killEtcd(scene, ['e1'])
      scene.mark('an etcd killed')
      await scene.last(18)
    },
    expected: () => ({ phases: [{ from: 'an etcd killed', roots: [] }] }),
  },
  {
    name: 'etcd down with failsafe_mode, then a member hangs',
    does: 'failsafe_mode is on. All members of etcd are killed, and the leader goes on. 14 s later the Patroni of a standby is stopped (SIGSTOP), and the leader demotes itself.',
    async run(scene) {
      await scene.stage.patch({ failsafe_mode: true })
      await scene.last(2 * scene.stage.times.loop_wait)
      await killEtcd(scene, etcdNames)
      scene.mark('etcd killed')
      await scene.last(14)
      scene.node(scene.standbys[0]).patroni()?.signal('SIGSTOP')
      scene.mark('a member hangs')
      await scene.until('no node takes writes', nonePrimary, 30)
      await scene.last(8)
    },
    heal: startEtcd,
    expected: ({ standbys: [hung] }) => ({
      phases: [
        { from: 'etcd killed', roots: [] },
        { from: 'a member hangs', roots: [lost, 'cluster/kb cluster_failsafe_active', `patroni/${hung} *`] },
        { from: etcdBack, roots: [lost, leftBehind, ...lag] },
      ],
      told: [
        { reason: 'cluster/kb cluster_failsafe_active', before: 'a member hangs' },
        { reason: 'cluster/kb cluster_failsafe_active', before: 'outage' },
      ],
    }),
  },
  {
    name: 'leader cut off from etcd',
    does: 'The leader reaches etcd no more, and everything else reaches it: packets from etcd to it get lost.',
    async run(scene) {
      await cutFromEtcd(scene, scene.leader)
      scene.mark('cut')
      await scene.until('another leads', another(scene.leader), failover(scene))
      await scene.until('HAProxy follows', balanced, checks)
      await scene.last(6)
    },
    async heal(scene) {
      await scene.stage.heal()
      await endSessions(scene)
    },
    expected: ({ leader }) => ({
      phases: [
        { from: 'cut', roots: [lost, `patroni/${leader} *`, ...lag] },
        { from: 'another leads', roots: [...lag, leftBehind, wentBack] },
        { from: 'HAProxy follows', roots: [leftBehind] },
      ],
      told: [{ reason: lost, before: 'outage' }],
    }),
  },
  {
    name: 'standby cut off from etcd',
    does: 'A standby reaches etcd no more, and everything else reaches it.',
    async run(scene) {
      await cutFromEtcd(scene, scene.standbys[0])
      scene.mark('cut')
      await scene.last(15)
    },
    expected: () => ({ phases: [{ from: 'cut', roots: [] }] }),
  },
  {
    name: 'leader cut off altogether',
    does: 'The cable of the leader is pulled: nothing reaches it, and it reaches nothing.',
    async run(scene) {
      await scene.node(scene.leader).host.unplug()
      scene.mark('unplugged')
      await scene.until('another leads', another(scene.leader), failover(scene))
      await scene.until('HAProxy follows', balanced, checks)
      await scene.last(4)
    },
    async heal(scene) {
      await scene.stage.heal()
      await endSessions(scene)
    },
    expected: ({ leader }) => ({
      phases: [
        { from: 'unplugged', roots: [...down(leader), ...lag] },
        { from: 'another leads', roots: [...down(leader), ...lag, leftBehind, wentBack] },
        // PgBouncer waits for the old leader until server_connect_timeout.
        { from: 'HAProxy follows', roots: [leftBehind, 'write_path/pgbouncer* write_path_check_lag'] },
      ],
    }),
  },
  {
    name: 'standby cut off altogether',
    does: 'The cable of a standby is pulled.',
    async run(scene) {
      await scene.node(scene.standbys[0]).host.unplug()
      scene.mark('unplugged')
      await scene.last(15)
    },
    expected: () => ({ phases: [{ from: 'unplugged', roots: [] }] }),
  },
]
