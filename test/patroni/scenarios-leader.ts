/** The leader goes away, all of it or a part. */
import type { NodeName, Truth } from './record.ts'
import type { Cast, Scenario, Scene } from './scenario.ts'

/** The lock is with another node, which takes writes. */
export const another =
  (than: NodeName) =>
  ({ nodes }: Truth): boolean =>
    Object.entries(nodes).some(([name, node]) => name !== than && node.patroni === 200 && node.sql === 'primary')

/** HAProxy leads to a node that takes writes, and to no other. */
export const balanced = ({ nodes }: Truth): boolean => {
  const up = Object.values(nodes).filter(node => node.haproxy?.startsWith('UP'))
  return up.length === 1 && up[0]?.sql === 'primary' && up[0].patroni === 200
}

/** Seconds that a failover may take: the lock ends, and a standby is promoted. */
export const failover = ({ stage }: Scene): number => stage.times.ttl + 15
/** Seconds that HAProxy takes to find a new leader: inter × (rise or fall), and some. */
export const checks = 15

/** HAProxy has yet to notice, or the new leader has just begun. */
export const lag = [
  'write_path/* write_path_check_lag',
  'cluster/kb cluster_no_primary',
  'cluster/kb cluster_primary_unknown',
]
/** One of the servers that is down, or its Patroni. */
export const down = (node: NodeName): string[] => [
  `postgres/${node} *`,
  `patroni/${node} *`,
  'cluster/kb cluster_patroni_silent',
]
/** Sessions that stay behind are ended. */
export const leftBehind = 'write_path/* write_path_sessions_on_standby'
export const wentBack = 'cluster/kb cluster_timeline_went_back'
/** Fenced, or its Patroni brought back: both end it. */
export const split = [
  'cluster/kb cluster_split_brain',
  'cluster/kb cluster_patroni_silent',
  'cluster/kb cluster_primary_not_elected',
]

const afterFailover = (from: string, more: readonly string[] = []) => ({
  from,
  roots: [...lag, leftBehind, wentBack, ...more],
})

async function switchover({ stage, leader, mark }: Scene, candidate: NodeName): Promise<void> {
  mark(`switchover to ${candidate}`)
  const now = (await stage.leader()) ?? leader
  const { status } = await stage.nodes[now].api('POST', '/switchover', { leader: now, candidate })
  if (status !== 200) throw new Error(`the switchover to ${candidate} ended with HTTP ${status}`)
}

export const leaderScenarios: readonly Scenario[] = [
  {
    name: 'switchover',
    does: 'patronictl switchover to another node.',
    tested: true,
    async run(scene) {
      const [next] = scene.standbys
      await switchover(scene, next)
      await scene.until('HAProxy follows', truth => truth.nodes[next].patroni === 200 && balanced(truth), checks)
      await scene.last(18)
    },
    heal: scene => endSessions(scene),
    expected: ({ standbys: [next] }) => ({
      phases: [afterFailover(`switchover to ${next}`), { from: 'HAProxy follows', roots: [leftBehind] }],
    }),
  },
  {
    name: 'switchover and back',
    does: 'patronictl switchover to another node, and 8 s after HAProxy has followed, back.',
    async run(scene) {
      const [next] = scene.standbys
      await switchover(scene, next)
      await scene.until('HAProxy follows', truth => truth.nodes[next].patroni === 200 && balanced(truth), checks)
      await scene.last(8)
      await switchover(scene, scene.leader)
      await scene.until('and back', truth => truth.nodes[scene.leader].patroni === 200 && balanced(truth), checks)
      await scene.last(8)
    },
    heal: scene => endSessions(scene),
    expected: ({ leader, standbys: [next] }) => ({
      phases: [
        afterFailover(`switchover to ${next}`),
        { from: 'HAProxy follows', roots: [leftBehind] },
        afterFailover(`switchover to ${leader}`),
        { from: 'and back', roots: [leftBehind] },
      ],
    }),
  },
  {
    name: 'leader killed',
    does: 'kill -9 of everything on the leader: Patroni and Postgres.',
    tested: true,
    async run(scene) {
      await scene.node(scene.leader).kill()
      scene.mark('killed')
      await scene.until('another leads', another(scene.leader), failover(scene))
      await scene.until('HAProxy follows', balanced, checks)
      await scene.last(4)
    },
    heal: async scene => {
      scene.node(scene.leader).start()
      await endSessions(scene)
    },
    expected: ({ leader }) => ({
      phases: [
        { from: 'killed', roots: [...down(leader), ...lag] },
        afterFailover('another leads', down(leader)),
        { from: 'HAProxy follows', roots: [leftBehind] },
      ],
    }),
  },
  {
    name: 'leader frozen for 30 s',
    does: 'SIGSTOP of every process on the leader for 30 s, as when a hypervisor moves it, then SIGCONT.',
    async run(scene) {
      scene.node(scene.leader).signalAll('SIGSTOP')
      scene.mark('frozen')
      await scene.until('another leads', another(scene.leader), failover(scene))
      await scene.last(Math.max(4, 30 - scene.stage.times.ttl - 3))
      scene.node(scene.leader).signalAll('SIGCONT')
      scene.mark('thawed')
      await scene.last(10)
    },
    heal: scene => endSessions(scene),
    expected: ({ leader }) => ({
      phases: [
        { from: 'frozen', roots: [...down(leader), ...lag] },
        afterFailover('another leads', down(leader)),
        { from: 'thawed', roots: [...lag, ...split, leftBehind, wentBack] },
        { from: 'healed', roots: [leftBehind, wentBack, ...lag] },
      ],
    }),
  },
  {
    name: 'Postgres of the leader killed',
    does: 'kill -9 of the postmaster of the leader. Its Patroni starts it again.',
    async run(scene) {
      kill(scene.node(scene.leader).postmaster())
      scene.mark('killed')
      await scene.last(15)
    },
    expected: ({ leader }) => ({
      phases: [
        { from: 'killed', roots: [...down(leader), ...lag, 'cluster/kb cluster_leader_crash_looping', leftBehind] },
      ],
    }),
  },
  {
    name: 'Postgres of the leader restarted',
    does: 'patronictl restart of the leader.',
    async run(scene) {
      scene.mark('restarted')
      await scene.node(scene.leader).api('POST', '/restart', {})
      await scene.last(12)
    },
    expected: ({ leader }) => ({ phases: [{ from: 'restarted', roots: [...down(leader), ...lag] }] }),
  },
  {
    name: 'Patroni of the leader killed',
    does: 'kill -9 of Patroni on the leader, and of nothing else: its Postgres goes on.',
    tested: true,
    async run(scene) {
      scene.node(scene.leader).patroni()?.signal('SIGKILL')
      scene.mark('killed')
      await scene.until('another leads', another(scene.leader), failover(scene))
      await scene.last(12)
    },
    heal: async scene => {
      scene.node(scene.leader).start()
      await demoted(scene)
      await endSessions(scene)
    },
    expected: cast => withoutPatroni(cast, 'killed'),
  },
  {
    name: 'Patroni of the leader frozen',
    does: 'SIGSTOP of Patroni on the leader, and of nothing else, until 12 s after another node leads.',
    async run(scene) {
      scene.node(scene.leader).patroni()?.signal('SIGSTOP')
      scene.mark('frozen')
      await scene.until('another leads', another(scene.leader), failover(scene))
      await scene.last(12)
    },
    heal: async scene => {
      scene.node(scene.leader).signalAll('SIGCONT')
      await demoted(scene)
      await endSessions(scene)
    },
    expected: cast => withoutPatroni(cast, 'frozen'),
  },
  {
    name: 'Patroni of the leader restarted',
    does: 'systemctl restart patroni on the leader: SIGTERM, which stops Postgres and gives the lock away, then a start.',
    async run(scene) {
      const patroni = scene.node(scene.leader).patroni()
      scene.mark('stopped')
      await patroni?.stop('SIGTERM', 15_000)
      scene.node(scene.leader).start()
      await scene.until('HAProxy follows', balanced, checks + 10)
      await scene.last(6)
    },
    heal: scene => endSessions(scene),
    expected: ({ leader }) => ({
      phases: [afterFailover('stopped', down(leader)), { from: 'HAProxy follows', roots: [leftBehind] }],
    }),
  },
  {
    name: 'Patroni of a standby restarted',
    does: 'systemctl restart patroni on a standby.',
    async run(scene) {
      const [standby] = scene.standbys
      scene.mark('stopped')
      await scene.node(standby).patroni()?.stop('SIGTERM', 15_000)
      scene.node(standby).start()
      await scene.last(10)
    },
    expected: () => ({ phases: [{ from: 'stopped', roots: [] }] }),
  },
  {
    name: 'Patroni of a standby killed',
    does: 'kill -9 of Patroni on a standby, and of nothing else.',
    async run(scene) {
      const [standby] = scene.standbys
      scene.node(standby).patroni()?.signal('SIGKILL')
      scene.mark('killed')
      await scene.last(15)
    },
    expected: () => ({
      phases: [{ from: 'killed', roots: [] }],
      told: [{ reason: 'cluster/kb cluster_patroni_silent', before: 'end' }],
    }),
  },
]

const withoutPatroni = ({ leader }: Cast, from: string) => ({
  phases: [
    { from, roots: ['cluster/kb cluster_patroni_silent', `patroni/${leader} *`, ...lag] },
    {
      from: 'another leads',
      roots: [...split, `patroni/${leader} *`, ...lag, leftBehind, wentBack, 'write_path/* write_path_old_primary'],
    },
  ],
  told: [
    { reason: 'cluster/kb cluster_patroni_silent', before: 'outage' },
    { reason: 'cluster/kb cluster_split_brain', before: 'healed' },
  ],
})

function kill(pid: number | undefined): void {
  if (pid === undefined) throw new Error('there is no postmaster')
  process.kill(pid, 'SIGKILL')
}

/** What the runbook of sessions left behind says: the pool of the application is restarted. Here the server ends them. */
export async function endSessions({ stage }: Pick<Scene, 'stage'>): Promise<void> {
  for (const node of Object.values(stage.nodes))
    await node
      .query(`select pg_terminate_backend(pid) from pg_stat_activity where usename = 'backend' and pg_is_in_recovery()`)
      .catch(() => undefined)
}

/** Until the old leader takes no writes any more: sessions can be ended only then. */
const demoted = (scene: Scene): Promise<void> =>
  scene.until('the old leader is demoted', truth => truth.nodes[scene.leader].sql === 'standby' && balanced(truth), 40)
