import { describe, expect, it } from 'vitest'
import { clusterReasons } from '../../src/assess/cluster/reasons.ts'
import { startAgain } from '../../src/probes/patroni/start.ts'
import { reasons as writePathReasons } from '../../src/probes/write_path/reasons.ts'
import { adviceRules, harmIn, type Advice } from './advice.ts'

const advice = (id: string, remedy: string, text = ''): Advice => ({ id, code: 'a_code', text, remedy })

const harmful: [rule: string, id: string, remedy: string, text?: string][] = [
  ['promote', 'cluster/kb', 'Make sure that the old primary stays down, then promote the standby that has most.'],
  ['promote', 'cluster/kb', 'Promote n2.'],
  ['promote', 'cluster/kb', 'Run select pg_promote() on n2.'],
  ['point a path elsewhere', 'write_path/haproxy', 'Point it at n2 (10.0.0.2:5432), the primary.'],
  ['point a path elsewhere', 'write_path/haproxy', 'Point the path at the primary and fence that server.'],
  [
    'fence the holder of the lock',
    'cluster/kb',
    'Keep n1: it is older. Fence n2 at once, through its failover manager.',
  ],
  ['fence the holder of the lock', 'write_path/x', 'Fence that server.', 'landed on n2, and the primary is n1'],
  ['wipe the holder of the lock', 'cluster/kb', 'See its log. Then: patronictl reinit kb n2.'],
  ['wipe the holder of the lock', 'cluster/kb', 'Rewind or rebuild the node named.', 'n2 forked off from n1'],
  ['send no writes to the holder of the lock', 'cluster/kb', 'Send no writes to the node named.', 'n2 was not elected'],
  [
    'change synchronous_standby_names by hand',
    'write_path/x',
    'Bring a standby back, or take it out of synchronous_standby_names.',
  ],
  ['start or stop Postgres without Patroni', 'postgres/n2', 'Run: systemctl restart postgresql.'],
]

describe('advice that does harm', () => {
  it.each(harmful)('%s: %s, %s', (rule, id, remedy, text) => {
    expect(harmIn(advice(id, remedy, text), 'n2')).toContain(rule)
  })

  it('has an example of every rule', () => {
    expect([...new Set(harmful.map(([rule]) => rule))]).toEqual(adviceRules.map(({ name }) => name))
  })
})

describe('advice that does none', () => {
  it.each<[id: string, remedy: string, text?: string]>([
    ['cluster/kb', 'Promote no node by hand, and restart neither Patroni nor Postgres.'],
    ['cluster/kb', 'If it cannot be fixed: patronictl failover. Promote none by hand.'],
    ['cluster/kb', 'Take standby_cluster out by patronictl edit-config, and Patroni promotes the leader.'],
    ['cluster/kb', 'Point the write path at the other cluster.'],
    ['write_path/haproxy', 'Wait. Point nothing elsewhere.'],
    ['cluster/kb', 'Keep n2: its lock. Fence n1 at once, and copy its data before it is rewound: n2 may lack rows.'],
    [
      'cluster/kb',
      'Send no writes to the node named. Then patronictl reinit it.',
      'n1 takes writes, and n2 holds the lock',
    ],
    ['cluster/kb', 'Until then stop, restart or update no Patroni and no node.', 'n2 is kept by failsafe_mode'],
    ['cluster/kb', startAgain('n2', 'at once'), 'n2'],
    ['cluster/kb', 'Stop nothing yet.', 'n2 is on timeline 9 and was on timeline 10'],
    ['write_path/x', 'Bring a synchronous standby back. Leave synchronous_standby_names to Patroni.'],
  ])('%s: %s', (id, remedy, text) => {
    expect(harmIn(advice(id, remedy, text), 'n2')).toEqual([])
  })

  it('depends on who holds the lock', () => {
    const fence = advice('cluster/kb', 'Fence n2 at once.')
    expect(harmIn(fence, 'n1')).toEqual([])
    expect(harmIn(fence, undefined)).toEqual([])
  })

  it('are the remedies of all reasons that take a Patroni or a HAProxy', () => {
    const withPatroni = Object.entries({ ...clusterReasons, ...writePathReasons }).filter(([code]) =>
      /dcs|failsafe|patroni|elected|crash|diverged|design|candidate|pending|unlisted|check_lag|maintenance|sessions_on/u.test(
        code,
      ),
    )
    expect(withPatroni.length).toBeGreaterThan(10)
    const wrong = withPatroni.flatMap(([code, { remedy }]) =>
      harmIn(advice('write_path/haproxy', remedy, 'n1 and n2'), 'n2').map(rule => `${code}: ${rule}`),
    )
    // It says where the primary is, and the way there leads around this HAProxy.
    expect(wrong).toEqual(['cluster_standby_by_design: point a path elsewhere'])
  })
})
