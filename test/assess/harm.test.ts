/** Situations in which an answer would be wrong, or would do harm. */
import { describe, expect, it } from 'vitest'
import type { Assessment, Memory } from '../../src/assess/assessment.ts'
import type { NodeFacts } from '../../src/probes/postgres/observe.ts'
import { assessed, landingOn, node, path, primaryFacts, standbyFacts, start, type Looked } from '../status/looked.ts'
import { leaderSays, listedMember, patroniOf, replicaSays } from '../status/patroni.ts'
import {
  balancer,
  byBalancer,
  byPooler,
  database,
  down,
  plainPath,
  pooler,
  server,
  shutOut,
  story,
  through,
  told,
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
    const said = told(...nodes, path('app', [landingOn(elsewhere)]))
    expect([said.root, said.path.verdict]).toEqual([undefined, 'warn'])
    expect(said.exceptions).toContain('cluster/keybuzz cluster_standby_by_design')
  })

  it('is the root of a path that leads to it', () => {
    expect(told(...nodes, path('app', [landingOn(standbyFacts(1))])).root).toBe(
      'cluster/keybuzz cluster_standby_by_design',
    )
  })
})

describe('the exporter has just started, and remembers nothing', () => {
  const dead = [node('db-1', undefined), node('db-2', standbyFacts(2)), node('db-3', standbyFacts(3))]

  it('and the only node that does not answer is the root of a path that hangs', () => {
    expect(told(...dead, plainPath('app', 'silent')).root).toBe('postgres/db-1 postgres_unreachable')
    const hangs = through(byPooler, [], shutOut('silent', 'pool-1:6432'))
    expect(told(...dead, hangs, pooler([database({ host: 'lb-1' })])).root).toBe('postgres/db-1 postgres_unreachable')
  })

  it('and names none of two', () => {
    const two = [node('db-2', undefined), node('db-1', undefined), node('db-3', standbyFacts(3))]
    expect(told(...two, plainPath('app', 'silent')).root).toBe('write_path/app write_path_no_answer')
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

