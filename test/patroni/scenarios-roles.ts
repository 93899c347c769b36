/** What is configured, and what goes wrong with a node that stays up. */
import { rm } from 'node:fs/promises'
import path from 'node:path'
import { waitFor } from '../servers/processes.ts'
import type { Scenario, Scene } from './scenario.ts'
import { nonePrimary } from './scenarios-dcs.ts'
import { balanced, down, endSessions, lag, leftBehind, split } from './scenarios-leader.ts'

const noCandidate = 'cluster/kb cluster_no_candidate'

/** Until a change in the DCS has reached every Patroni, and the exporter has seen it. */
const known = ({ stage, last }: Scene): Promise<void> => last(2 * stage.times.loop_wait + 4)

export const roleScenarios: readonly Scenario[] = [
  {
    name: 'paused, then the leader is killed',
    does: 'patronictl pause. 8 s later everything on the leader is killed: nobody fails over.',
    async run(scene) {
      await scene.stage.patch({ pause: true })
      scene.mark('paused')
      await known(scene)
      await scene.node(scene.leader).kill()
      scene.mark('killed')
      await scene.last(scene.stage.times.ttl + 6)
    },
    expected: ({ leader }) => ({
      phases: [
        { from: 'paused', roots: [] },
        { from: 'killed', roots: [noCandidate, ...down(leader), ...lag] },
        { from: 'healed', roots: [noCandidate, ...down(leader), ...lag, leftBehind] },
      ],
      told: [{ reason: noCandidate, before: 'outage' }],
    }),
  },
  {
    name: 'paused, and a standby is promoted behind the back of Patroni',
    does: 'patronictl pause, then select pg_promote() on a standby. 14 s later patronictl resume.',
    async run(scene) {
      const [standby] = scene.standbys
      await scene.stage.patch({ pause: true })
      scene.mark('paused')
      await known(scene)
      await scene.node(standby).query('select pg_promote()')
      scene.mark('promoted')
      await scene.last(14)
    },
    expected: () => ({
      phases: [
        { from: 'paused', roots: [] },
        { from: 'promoted', roots: split },
        { from: 'healed', roots: [...split, leftBehind] },
      ],
      told: [
        { reason: 'cluster/kb cluster_split_brain', before: 'healed' },
        { reason: 'cluster/kb cluster_primary_not_elected', before: 'healed' },
      ],
    }),
  },
  {
    name: 'standbys with nofailover, then the leader is killed',
    does: 'Both standbys have the tag nofailover. 8 s later everything on the leader is killed.',
    async run(scene) {
      for (const name of scene.standbys) scene.node(name).tag({ nofailover: true })
      scene.mark('tagged')
      await known(scene)
      await scene.node(scene.leader).kill()
      scene.mark('killed')
      await scene.last(scene.stage.times.ttl + 6)
    },
    async heal(scene) {
      scene.node(scene.leader).start()
      await scene.until('the leader is back', balanced, 30)
      for (const name of scene.standbys) scene.node(name).tag({})
    },
    expected: ({ leader }) => ({
      phases: [
        { from: 'tagged', roots: [] },
        { from: 'killed', roots: [noCandidate, ...down(leader), ...lag] },
      ],
      told: [{ reason: noCandidate, before: 'outage' }],
    }),
  },
  {
    name: 'standby cluster',
    does: 'standby_cluster is set: the leader follows another cluster, which is down here.',
    async run(scene) {
      await scene.stage.patch({ standby_cluster: { host: '10.15.0.99', port: 5432 } })
      scene.mark('standby_cluster set')
      await scene.until('no node takes writes', nonePrimary, 20)
      await scene.last(12)
    },
    expected: () => ({
      phases: [
        { from: 'standby_cluster set', roots: ['cluster/kb cluster_standby_by_design', ...lag] },
        { from: 'no node takes writes', roots: ['cluster/kb cluster_standby_by_design'] },
        { from: 'healed', roots: ['cluster/kb cluster_standby_by_design', ...lag, leftBehind] },
      ],
    }),
  },
  {
    name: 'strict synchronous mode, both standbys killed',
    does: 'synchronous_mode_strict is on. Both standbys are killed: commits wait, and in time they take all connections.',
    async run(scene) {
      await scene.stage.patch({ synchronous_mode: true, synchronous_mode_strict: true })
      const [leader] = [scene.node(scene.leader)]
      await waitFor(
        async () =>
          (
            await leader.query<{ count: number }>(
              `select count(*)::int as count from pg_stat_replication where sync_state in ('sync', 'quorum')`,
            )
          )[0]?.count === 1,
        { timeoutMs: 15_000, everyMs: 300, what: 'a standby is synchronous' },
      )
      for (const name of scene.standbys) await scene.node(name).kill()
      scene.mark('standbys killed')
      await scene.last(30)
    },
    async heal(scene) {
      for (const name of scene.standbys) scene.node(name).start()
      await scene.stage.patch({ synchronous_mode: null, synchronous_mode_strict: null })
    },
    expected: ({ standbys: [a, b] }) => ({
      phases: [
        {
          from: 'standbys killed',
          roots: [
            'write_path/* write_path_commit_stuck',
            `postgres/${a} *`,
            `postgres/${b} *`,
            `patroni/${a} *`,
            `patroni/${b} *`,
          ],
        },
      ],
    }),
  },
  {
    name: 'a forgotten slot',
    does: 'A slot of the DCS that nobody reads from keeps 70 MB of WAL.',
    async run(scene) {
      await forgetSlot(scene)
      scene.mark('slot made')
      const leader = scene.node(scene.leader)
      for (let n = 0; n < 70; n++) await leader.query(wal(1_000_000))
      scene.mark('WAL kept')
      await scene.last(10)
    },
    expected: ({ leader }) => ({
      phases: [{ from: 'slot made', roots: [] }],
      told: [{ reason: `postgres/${leader} postgres_slot_holds_wal`, before: 'end' }],
    }),
  },
  {
    name: 'WAL volume full',
    does: 'The volume of the leader with its WAL is full, and a forgotten slot keeps it so: Postgres panics, and Patroni starts it again and again.',
    async run(scene) {
      await forgetSlot(scene)
      const leader = scene.node(scene.leader)
      const before = leader.postmaster()
      await leader.host.run('dd', ['if=/dev/zero', `of=${filler(scene)}`, 'bs=1M'], {}).catch(() => undefined)
      scene.mark('full')
      await waitFor(
        async () => {
          await leader.query(wal(4_000_000)).catch(() => undefined)
          return leader.postmaster() !== before
        },
        { timeoutMs: 20_000, everyMs: 50, what: 'the server has no room for its WAL' },
      )
      scene.mark('crashed')
      await scene.last(20)
    },
    async heal(scene) {
      await rm(filler(scene), { force: true })
      await scene.stage.heal()
      await endSessions(scene)
    },
    expected: ({ leader }) => ({
      phases: [
        {
          from: 'full',
          roots: [
            'write_path/* write_path_disk_full',
            'cluster/kb cluster_leader_crash_looping',
            `postgres/${leader} *`,
          ],
        },
        {
          from: 'healed',
          roots: [
            'write_path/* write_path_disk_full',
            'cluster/kb cluster_leader_crash_looping',
            `postgres/${leader} *`,
            ...lag,
            leftBehind,
          ],
        },
      ],
    }),
  },
  {
    name: 'a diverged replica',
    does: 'A standby has rows that the leader never had, on the same timeline: Patroni says that it runs, and it receives nothing.',
    async run(scene) {
      await scene.node(scene.standbys[0]).diverge()
      scene.mark('diverged')
      await scene.last(36)
    },
    async heal(scene) {
      await scene.node(scene.standbys[0]).api('POST', '/reinitialize', { force: true })
    },
    expected: () => ({
      phases: [{ from: 'diverged', roots: [] }],
      told: [{ reason: 'cluster/kb cluster_replica_diverged', before: 'healed' }],
    }),
  },
  {
    name: 'a replica is built again',
    does: 'patronictl reinit of a standby, with a pg_basebackup that hangs for 10 s.',
    async run(scene) {
      const standby = scene.node(scene.standbys[0])
      scene.mark('reinit')
      await standby.api('POST', '/reinitialize', { force: true })
      await standby.hold('pg_basebackup', 10_000)
      await scene.last(4)
    },
    expected: () => ({ phases: [{ from: 'reinit', roots: [] }] }),
  },
  {
    name: 'pending restart',
    does: 'max_files_per_process is changed by patronictl edit-config.',
    async run(scene) {
      await scene.stage.patch({ postgresql: { parameters: { max_files_per_process: 900 } } })
      scene.mark('changed')
      await scene.last(10)
    },
    expected: () => ({
      phases: [{ from: 'changed', roots: [] }],
      told: [{ reason: 'cluster/kb cluster_pending_restart', before: 'healed' }],
    }),
  },
  {
    name: 'a member that is not configured',
    does: 'The configuration of the exporter lacks n3, which Patroni has.',
    async run(scene) {
      scene.mark('nothing')
      await scene.last(6)
    },
    sections: ({ postgres = [], patroni = [], ...rest }) => ({
      ...rest,
      postgres: postgres.slice(0, 2),
      patroni: patroni.slice(0, 2),
    }),
    expected: () => ({
      phases: [{ from: 'nothing', roots: [] }],
      told: [{ reason: 'cluster/kb cluster_member_unlisted', before: 'end' }],
    }),
  },
]

/** A slot that Patroni keeps, and that nobody reads from. */
async function forgetSlot({ stage, node, leader }: Scene): Promise<void> {
  await stage.patch({ slots: { forgotten: { type: 'physical' } } })
  const made = async (): Promise<boolean> =>
    (await node(leader).query(`select from pg_replication_slots where slot_name = 'forgotten'`)).length === 1
  await waitFor(made, { timeoutMs: 15_000, everyMs: 300, what: 'the slot is there' })
}

const wal = (bytes: number): string => `select pg_logical_emit_message(false, 'stage', repeat('x', ${bytes}))`
const filler = ({ node, leader }: Scene): string => path.join(node(leader).folder, 'wal', 'filler')
