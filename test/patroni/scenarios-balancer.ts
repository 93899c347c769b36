/** What stands in front of the nodes. */
import type { Scenario, Scene } from './scenario.ts'
import { endSessions, leftBehind } from './scenarios-leader.ts'

async function setState({ stage, leader }: Scene, state: string): Promise<void> {
  for (const proxy of ['haproxy', 'haproxy-plain'])
    await stage.haproxy.command(`set server ${proxy}/${leader} state ${state}`)
}

const inMaintenance = (from: string) => ({
  phases: [{ from, roots: ['write_path/* write_path_server_in_maintenance'] }],
})
/** After its start HAProxy takes a server for UP until its first check, and that of a standby takes some time. */
const haproxyDown = [
  'haproxy/* haproxy_unreachable',
  'write_path/* write_path_unreachable',
  'write_path/* write_path_check_lag',
]
const pgbouncerDown = ['pgbouncer/pool *', 'write_path/pgbouncer* write_path_unreachable']

export const balancerScenarios: readonly Scenario[] = [
  {
    name: 'HAProxy: server of the leader in MAINT',
    does: 'set server …/LEADER state maint, in both listeners.',
    async run(scene) {
      await setState(scene, 'maint')
      scene.mark('maint')
      await scene.last(10)
    },
    heal: scene => setState(scene, 'ready'),
    expected: () => inMaintenance('maint'),
  },
  {
    name: 'HAProxy: server of the leader drained',
    does: 'set server …/LEADER state drain, in both listeners: sessions stay, and no new ones get there.',
    async run(scene) {
      await setState(scene, 'drain')
      scene.mark('drain')
      await scene.last(10)
    },
    heal: scene => setState(scene, 'ready'),
    expected: () => inMaintenance('drain'),
  },
  {
    name: 'HAProxy killed',
    does: 'kill -9 of HAProxy.',
    async run({ stage, mark, last }) {
      await stage.haproxy.kill()
      mark('killed')
      await last(10)
    },
    // Sessions of a pool that came before the first check may have landed on a standby.
    async heal(scene) {
      scene.mark('HAProxy is started')
      await scene.stage.heal()
      await scene.last(6)
      await endSessions(scene)
    },
    expected: () => ({
      phases: [
        { from: 'killed', roots: haproxyDown },
        { from: 'HAProxy is started', roots: [...haproxyDown, leftBehind] },
      ],
    }),
  },
  {
    name: 'PgBouncer paused',
    does: 'PAUSE of the database app on the console of PgBouncer.',
    async run({ stage, mark, last }) {
      mark('paused')
      await stage.pgbouncer.console('PAUSE app')
      await last(10)
    },
    expected: () => ({ phases: [{ from: 'paused', roots: ['pgbouncer/pool pgbouncer_paused'] }] }),
  },
  {
    name: 'PgBouncer killed',
    does: 'kill -9 of PgBouncer.',
    async run({ stage, mark, last }) {
      await stage.pgbouncer.kill()
      mark('killed')
      await last(10)
    },
    expected: () => ({ phases: [{ from: 'killed', roots: pgbouncerDown }] }),
  },
]
