/** Situations in which an answer would be wrong, or would do harm. */
import { describe, expect, it } from 'vitest'
import type { Assessment, Memory } from '../../src/assess/assessment.ts'
import type { NodeFacts } from '../../src/probes/postgres/observe.ts'
import { assessed, landingOn, node, path, primaryFacts, standbyFacts, start, type Looked } from '../status/looked.ts'
import { serverDown, serverUp } from '../status/haproxy.ts'
import { leaderSays, listedMember, patroniOf, replicaSays } from '../status/patroni.ts'
import {
  balancer,
  byBalancer,
  byPooler,
  database,
  plainPath,
  pooler,
  shutOut,
  story,
  through,
  saidOf,
} from './platform.ts'

const noFailover = { tags: { nofailover: true, noloadbalance: false, nostream: false } }
const codesOf = ({ clusters: [cluster] }: Assessment) => cluster?.reasons.map(({ code }) => code)

describe('Patroni is looked at on some nodes only', () => {
  const nodes = [node('db-1', primaryFacts(1)), node('db-2', standbyFacts(2)), node('db-3', standbyFacts(3))]

  it('and the others may be candidates', () => {
    const seen = [patroniOf('db-1', leaderSays(1)), patroniOf('db-2', replicaSays(2, noFailover))]
    expect(codesOf(assessed([...nodes, ...seen]))).toEqual([])
    const all = [...seen, patroniOf('db-3', replicaSays(3, noFailover))]
    expect(codesOf(assessed([...nodes, ...all]))).toEqual(['cluster_no_candidate'])
  })

  it('and a member without a target may be one', () => {
    const members = [1, 2, 3, 4].map(number => listedMember(number))
    const seen = [
      patroniOf('db-1', leaderSays(1), { members }),
      ...[2, 3].map(number => patroniOf(`db-${number}`, replicaSays(number, noFailover))),
    ]
    expect(codesOf(assessed([...nodes, ...seen]))).toEqual(['cluster_member_unlisted'])
  })

  it('and one of the others may hold the lock, or reach the DCS', () => {
    const gone = [node('db-1', undefined), ...nodes.slice(1)]
    const textOf = (dcsAgeMs: number) =>
      assessed([...gone, patroniOf('db-2', replicaSays(2), { dcsAgeMs })]).clusters[0]?.reasons[0]?.text
    expect(textOf(2_000)).toContain('no Patroni that answers holds the leader lock')
    expect(textOf(60_000)).toContain('no Patroni that answers reaches the DCS')
  })
})

describe('a standby cluster', () => {
  const nodes = [
    node('db-1', standbyFacts(1)),
    node('db-2', standbyFacts(2)),
    patroniOf('db-1', leaderSays(1, { role: 'standby_leader' })),
  ]
  const elsewhere = primaryFacts(9)

  it('stops no mail that is written to its source', () => {
    const said = saidOf(...nodes, path('app', [landingOn(elsewhere)]))
    expect([said.root, said.path.verdict]).toEqual([undefined, 'warn'])
    expect(said.exceptions).toContain('cluster/keybuzz cluster_standby_by_design')
  })

  it('is the root of a path that leads to it', () => {
    expect(saidOf(...nodes, path('app', [landingOn(standbyFacts(1))])).root).toBe(
      'cluster/keybuzz cluster_standby_by_design',
    )
  })
})

describe('the exporter has just started, and remembers nothing', () => {
  const dead = [node('db-1', undefined), node('db-2', standbyFacts(2)), node('db-3', standbyFacts(3))]

  it('and the only node that does not answer is the root of a path that hangs', () => {
    expect(saidOf(...dead, plainPath('app', 'silent')).root).toBe('postgres/db-1 postgres_unreachable')
    const hangs = through(byPooler, [], shutOut('silent', 'pool-1:6432'))
    expect(saidOf(...dead, hangs, pooler([database({ host: 'lb-1' })])).root).toBe('postgres/db-1 postgres_unreachable')
  })

  it('and names none of two', () => {
    const two = [node('db-2', undefined), node('db-1', undefined), node('db-3', standbyFacts(3))]
    expect(saidOf(...two, plainPath('app', 'silent')).root).toBe('write_path/app write_path_no_answer')
  })
})

describe('writes are lost', () => {
  const lostAfter = (...primaries: readonly NodeFacts[]) => {
    let previous: Memory | undefined
    const all = primaries.map((facts, i) => {
      const at = start + i * 2_000
      const found = assessed([node('db-1', facts, { at })], { now: at, ...(previous && { previous }) })
      previous = found.memory
      return found
    })
    return codesOf(all.at(-1) ?? assessed([]))
  }
  const at = (timeline: number, lsn: number, fields: Partial<NodeFacts> = {}) =>
    primaryFacts(1, { wal_file_timeline: `0000000${timeline}`, wal_lsn: lsn, ...fields })

  it('by a failover to a node that lagged: it goes on before what the last primary had', () => {
    expect(lostAfter(at(1, 9_000), at(2, 5_000))).toEqual(['cluster_timeline_went_back'])
    expect(lostAfter(at(1, 9_000), at(2, 9_100))).toEqual([])
  })

  it('not where commits wait for a synchronous standby: none of them was confirmed', () => {
    expect(lostAfter(at(1, 9_000, { synchronous: true }), at(2, 5_000))).toEqual([])
  })

  it('not by a new cluster under the same name, nor by pg_upgrade: it has another identifier', () => {
    expect(lostAfter(at(7, 9_000), at(1, 100, { system_identifier: '7000000000000000009' }))).toEqual([])
  })
})

describe('a HAProxy', () => {
  it('leads right to the only primary, though an older look at a Patroni says that another node holds the lock', () => {
    const nodes = [node('db-1', standbyFacts(1)), node('db-2', primaryFacts(2))]
    const before = patroniOf('db-1', leaderSays(1), { at: start - 5_000 })
    // A session that shows no server, so it is not known which node it is on.
    const hidden = landingOn(primaryFacts(2), { server_address: null, server_port: null, postmaster_start: null })
    const said = saidOf(
      ...nodes,
      before,
      through(byBalancer, [hidden]),
      balancer([serverDown('db-1'), serverUp('db-2')]),
    )
    expect([said.path.verdict, said.root]).toEqual(['ok', undefined])
  })

  it('has lag if a session landed on a standby, though the last look at that node is from before', () => {
    const nodes = [node('db-1', primaryFacts(1)), node('db-2', standbyFacts(2))]
    const moved = [patroniOf('db-1', replicaSays(1)), patroniOf('db-2', leaderSays(2))]
    const run = through(byBalancer, [landingOn(standbyFacts(1))])
    const said = saidOf(...nodes, ...moved, run, balancer([serverUp('db-1'), serverUp('db-2')]))
    expect(said.path.reasons.map(({ code }) => code)).toEqual(['write_path_check_lag'])
  })

  it('in front of two clusters may have servers of one name in both', () => {
    const other = [node('pg-1', primaryFacts(5), { cluster: 'other' })]
    const nodes = [node('db-1', standbyFacts(1)), node('db-2', primaryFacts(2))]
    const servers = [
      serverUp('n1', { address: '10.0.0.121', port: 5432 }),
      serverUp('n2', { address: '10.0.0.122', port: 5432 }),
    ]
    const view = balancer(servers, start, { servers: { n1: 'pg-1' } })
    const said = saidOf(...nodes, ...other, through(byBalancer, [landingOn(standbyFacts(1))]), view)
    expect(said.root).toBe('write_path/app write_path_check_lag')
  })

  it('is not blamed by an old view of it for long', () => {
    const looks = (at: number): readonly Looked[] => [
      node('db-1', standbyFacts(1), { at }),
      node('db-2', primaryFacts(2), { at }),
    ]
    const view = balancer([serverUp('db-1'), serverUp('db-2')], start)
    const lag = through(byBalancer, [landingOn(standbyFacts(1))])
    const later = start + 40_000
    const fine = through(byBalancer, [landingOn(primaryFacts(2))], { at: later })
    const [first, second] = story(
      { at: start, all: [...looks(start), lag, view] },
      { at: later, all: [...looks(later), fine, view] },
    )
    expect([first?.path.verdict, second?.path.verdict]).toEqual(['fail', 'ok'])
  })
})

describe('looks of different moments', () => {
  const switched = [node('db-1', standbyFacts(1), { at: start + 2_000 }), node('db-2', standbyFacts(2))]
  const run = path('app', [landingOn(primaryFacts(2))], { at: start + 1_000 })

  it('make no cluster without a primary, if a write was committed since: the node is looked at again', () => {
    const said = saidOf(...switched, run)
    expect([said.root, codesOf(said.assessment)]).toEqual([undefined, ['cluster_primary_unknown']])
    expect(said.assessment.recheck).toEqual(['postgres/db-2'])
    const before = path('app', [landingOn(primaryFacts(2))], { at: start - 1_000 })
    expect(saidOf(...switched, before).root).toBe('cluster/keybuzz cluster_no_primary')
  })

  it('do not end check lag for a moment: a commit counts once HAProxy was looked at after a failure', () => {
    const nodes = [node('db-1', standbyFacts(1)), node('db-2', primaryFacts(2))]
    const old = balancer([serverUp('db-1'), serverUp('db-2')], start - 1_000)
    const ran = (at: number, facts: NodeFacts) => through(byBalancer, [landingOn(facts)], { at: start + at })
    const verdicts = story(
      { all: [...nodes, ran(0, standbyFacts(1)), old] },
      { all: [...nodes, ran(2_000, primaryFacts(2)), old] },
      { all: [...nodes, ran(2_000, primaryFacts(2)), balancer([serverDown('db-1'), serverUp('db-2')], start + 3_000)] },
    ).map(({ path: { verdict } }) => verdict)
    expect(verdicts).toEqual(['fail', 'fail', 'ok'])
  })

  it('do not take a commit on the old primary for one on the new one, which HAProxy has not taken in', () => {
    const nodes = [
      node('db-1', standbyFacts(1), { at: start + 2_000 }),
      node('db-2', primaryFacts(2), { at: start + 2_000 }),
    ]
    const view = balancer([serverDown('db-1'), serverDown('db-2')], start + 2_000)
    const said = saidOf(...nodes, through(byBalancer, [landingOn(primaryFacts(1))]), view)
    expect(said.root).toBe('write_path/app write_path_check_lag')
  })
})
