import { describe, expect, it } from 'vitest'
import type { Assessment, ClusterStatus, Memory } from '../../../src/assess/assessment.ts'
import { postgres } from '../../../src/probes/postgres/index.ts'
import { valueOf } from '../../probes/values.ts'
import {
  assessed,
  checkOf,
  intervalMs,
  landingOn,
  node,
  nodeTarget,
  otherIdentifier,
  path,
  primaryFacts,
  reported,
  standbyFacts,
  start,
  type Looked,
} from '../../status/looked.ts'

const clusterOf = ({ clusters }: Assessment, name = 'keybuzz'): ClusterStatus => {
  const found = clusters.find(cluster => cluster.name === name)
  if (!found) throw new Error(`there is no cluster ${name}`)
  return found
}
const codesOf = (assessment: Assessment) => clusterOf(assessment).reasons.map(reason => reason.code)
const metric = (assessment: Assessment, name: string) => valueOf(assessment, `mailpath_cluster_${name}`)

/** Assesses one look after another, each with what is remembered of the one before. */
function story(...looks: readonly { readonly at: number; readonly nodes: readonly Looked[] }[]): Assessment {
  let previous: Memory | undefined
  let last: Assessment | undefined
  for (const { at, nodes } of looks) {
    last = assessed(nodes, { now: at, ...(previous && { previous }) })
    previous = last.memory
  }
  if (!last) throw new Error('a story needs a look')
  return last
}

const [one, two, three] = ['db-1', 'db-2', 'db-3'] as const
const promoted = primaryFacts(2, { wal_file_timeline: '00000002' })

describe('a cluster', () => {
  it('with one primary is ok, and names it', () => {
    const all = assessed([node(one, primaryFacts(1)), node(two, standbyFacts(2)), node(three, standbyFacts(3))])
    expect(clusterOf(all)).toMatchObject({ verdict: 'ok', primary: one, primaries: 1, splitBrain: false })
    expect(clusterOf(all).evidence).toBe('db-1 (db-1:5432) is primary on timeline 1')
    expect(clusterOf(all).nodes.map(({ role }) => role)).toEqual(['primary', 'standby', 'standby'])
    expect([metric(all, 'primaries'), metric(all, 'split_brain'), metric(all, 'nodes_unreachable')]).toEqual([1, 0, 0])
    expect(valueOf(all, 'mailpath_cluster_primary_info', { node: one, postgres_cluster: 'keybuzz' })).toBe(1)
    expect([metric(all, 'failovers_total'), metric(all, 'last_failover_timestamp_seconds')]).toEqual([0, undefined])
  })

  it('of which every node is seen and none is primary fails, with primaries 0', () => {
    const all = assessed([node(one, standbyFacts(1)), node(two, standbyFacts(2))])
    expect(clusterOf(all)).toMatchObject({ verdict: 'fail', primary: undefined, primaries: 0, splitBrain: false })
    expect(clusterOf(all).reasons[0]?.text).toBe('cluster keybuzz: all 2 nodes answer, and none is its primary')
    expect(codesOf(all)).toEqual(['cluster_no_primary'])
    expect(metric(all, 'primaries')).toBe(0)
  })

  it('of which no primary and not every node is seen is unknown, with nothing counted', () => {
    const all = assessed([node(one, undefined), node(two, standbyFacts(2))])
    expect(clusterOf(all)).toMatchObject({ verdict: 'unknown', primaries: undefined, splitBrain: undefined })
    expect(clusterOf(all).reasons[0]?.text).toBe('cluster keybuzz: no primary is seen, and nothing is known of db-1')
    expect([metric(all, 'primaries'), metric(all, 'split_brain')]).toEqual([undefined, undefined])
    expect(metric(all, 'nodes_unreachable')).toBe(1)
  })

  it('does not rule a split brain out while a node is not seen', () => {
    const all = assessed([node(one, primaryFacts(1)), node(two, undefined)])
    expect(clusterOf(all)).toMatchObject({ verdict: 'ok', primary: one, primaries: 1, splitBrain: undefined })
    expect(metric(all, 'split_brain')).toBeUndefined()
  })

  it('takes a node for unseen once what it said is stale', () => {
    const all = story({
      at: start + 4 * intervalMs,
      nodes: [node(one, primaryFacts(1)), node(two, standbyFacts(2), { at: start + 4 * intervalMs })],
    })
    expect(codesOf(all)).toEqual(['cluster_primary_unknown'])
    expect(metric(all, 'nodes_unreachable')).toBeUndefined()
  })

  it('counts as unreachable only what was looked at', () => {
    const target = nodeTarget(two)
    const notLookedAt = {
      check: checkOf(postgres, target),
      observation: reported(postgres, target, ['reference_unresolved']),
    }
    expect(metric(assessed([node(one, primaryFacts(1)), notLookedAt]), 'nodes_unreachable')).toBeUndefined()
  })

  it('warns of a standby that stayed on an older timeline', () => {
    const all = assessed([node(two, promoted), node(three, standbyFacts(3, { received_timeline: 1 }))])
    expect(clusterOf(all)).toMatchObject({ verdict: 'warn', primary: two })
    expect(clusterOf(all).reasons[0]?.text).toBe('cluster keybuzz: db-3 is on timeline 1, the primary db-2 on 2')
    const fine = assessed([node(two, promoted), node(three, standbyFacts(3, { received_timeline: 2 }))])
    const unseen = assessed([node(two, promoted), node(three, standbyFacts(3, { received_timeline: null }))])
    expect([codesOf(fine), codesOf(unseen)]).toEqual([[], []])
  })

  it('has nothing to do with the nodes of another', () => {
    const all = assessed([node(one, primaryFacts(1)), node(two, primaryFacts(2), { cluster: 'other' })])
    expect(all.clusters.map(({ name, primary, verdict }) => [name, primary, verdict])).toEqual([
      ['keybuzz', one, 'ok'],
      ['other', two, 'ok'],
    ])
  })
})

describe('two primaries', () => {
  const both = (at: number) => [node(one, primaryFacts(1), { at }), node(two, promoted, { at })]

  it('are suspected first, and both are to be looked at again', () => {
    const all = assessed(both(start))
    expect(all.recheck).toEqual(['postgres/db-2', 'postgres/db-1'])
    expect(clusterOf(all)).toMatchObject({ primary: two, primaries: 2, splitBrain: undefined, verdict: 'ok' })
    expect(metric(all, 'split_brain')).toBeUndefined()
  })

  it('are a split brain once both were looked at again', () => {
    const again = start + 100
    const once = story(
      { at: start, nodes: both(start - 1) },
      { at: again, nodes: [node(one, primaryFacts(1), { at: again }), node(two, promoted, { at: start - 1 })] },
    )
    expect([clusterOf(once).splitBrain, once.recheck]).toEqual([undefined, ['postgres/db-2']])
    const twice = story({ at: start, nodes: both(start - 1) }, { at: again, nodes: both(again) })
    expect([clusterOf(twice).splitBrain, twice.recheck, codesOf(twice)]).toEqual([true, [], ['cluster_split_brain']])
    expect(clusterOf(twice)).toMatchObject({ primary: two, primaries: 2, verdict: 'fail' })
    expect(clusterOf(twice).reasons[0]?.remedy).toMatch(
      /^Nothing here tells whether to keep db-2 or db-1\..*copy its data before it is rewound/,
    )
    expect(metric(twice, 'split_brain')).toBe(1)
  })

  it('after a promotion by mistake the primary is the one that the standbys follow, though its timeline is lower', () => {
    const three = node('db-3', { ...standbyFacts(3), received_timeline: 1 })
    const looked = (at: number) => ({ at, nodes: [...both(at), three] })
    const mistaken = story(looked(start - 1), looked(start + 100))
    expect(clusterOf(mistaken)).toMatchObject({ primary: one, splitBrain: true })
    expect(clusterOf(mistaken).reasons[0]?.remedy).toMatch(
      /^Keep db-1: standbys follow it\. Fence db-2 at once.*Copy the data of db-2 before it is rewound/,
    )
  })

  it('the one that clients write to is kept, whatever the standbys follow, and whatever its timeline', () => {
    const three = node('db-3', standbyFacts(3, { received_timeline: 2, upstream_host: '10.0.0.122' }))
    const looked = (at: number) => ({
      at,
      nodes: [...both(at), three, path('DATABASE_URL', [landingOn(primaryFacts(1))])],
    })
    const split = story(looked(start - 1), looked(start + 100))
    expect(clusterOf(split)).toMatchObject({ primary: one, splitBrain: true, undecided: false })
    const [reason] = clusterOf(split).reasons
    expect(reason?.text).toMatch(/db-1 .*, DATABASE_URL writes there; db-2 .*, db-3 follows it/)
    expect(reason?.remedy).toMatch(/^Keep db-1: clients write to it\. Fence db-2 at once/)
  })

  it('that do not say of which cluster they are have to be looked at before one is fenced', () => {
    const silent = { system_identifier: null }
    const looked = (at: number) => ({
      at,
      nodes: [node(one, primaryFacts(1, silent), { at }), node(two, { ...promoted, ...silent }, { at })],
    })
    const split = story(looked(start - 1), looked(start + 100))
    expect(codesOf(split)).toEqual(['cluster_split_brain'])
    expect(clusterOf(split).reasons[0]?.remedy).toMatch(/^First see that they are one cluster/)
  })

  it('a session that committed nothing is no client, nor is one that was seen long ago', () => {
    const failure = { phase: 'commit', code: undefined, text: 'db-1:5432: no answer', timedOut: true }
    const idle = path('idle', [landingOn(primaryFacts(1))], { ladder: [], failure })
    const old = path('old', [landingOn(primaryFacts(1))], { at: start - 4 * intervalMs })
    const looked = (at: number) => ({ at, nodes: [...both(at), idle, old] })
    expect(clusterOf(story(looked(start - 1), looked(start + 100)))).toMatchObject({ undecided: true })
  })

  it.each([
    ['waits', { receiver_status: 'waiting' }],
    ['cannot be seen', { monitor: false, receiver_status: null }],
    ['is down', { receiver_running: false, receiver_status: null }],
  ])('a standby whose receiver %s follows neither', (_, receiver) => {
    const three = node('db-3', standbyFacts(3, { received_timeline: 1, ...receiver }))
    const looked = (at: number) => ({ at, nodes: [...both(at), three] })
    const split = story(looked(start - 1), looked(start + 100))
    expect(clusterOf(split)).toMatchObject({ splitBrain: true, undecided: true })
  })

  it('are not counted as failovers while they contend, nor is the old primary once it is fenced', () => {
    const before = { at: start, nodes: [node(one, primaryFacts(1)), node(two, standbyFacts(2))] }
    const split = [1, 2, 3].map(n => ({ at: start + n * 100, nodes: both(start + n * 100) }))
    const after = { at: start + 400, nodes: [node(one, undefined), node(two, promoted)] }
    expect(metric(story(before, ...split), 'failovers_total')).toBe(0)
    expect(metric(story(before, ...split, after), 'failovers_total')).toBe(1)
    expect(metric(story(...split, before), 'failovers_total')).toBe(0)
  })

  it.each([
    ['the old primary is a standby now', node(one, standbyFacts(1, { received_timeline: 2 }), { at: start + 200 })],
    ['the old primary is gone', node(one, undefined, { at: start + 200 })],
  ])('seen from two sides of a promotion are never a split brain: %s', (_, old) => {
    const before = { at: start, nodes: [node(one, primaryFacts(1)), node(two, standbyFacts(2))] }
    // The new primary was looked at after the promotion, the old one before it.
    const between = { at: start + 100, nodes: [node(one, primaryFacts(1)), node(two, promoted, { at: start + 100 })] }
    const after = { at: start + 200, nodes: [old, node(two, promoted, { at: start + 100 })] }
    for (const looks of [
      [before, between],
      [before, between, between],
      [before, between, after],
    ])
      expect(clusterOf(story(...looks)).splitBrain).not.toBe(true)
    const done = story(before, between, after)
    expect([clusterOf(done).primary, metric(done, 'failovers_total')]).toEqual([two, 1])
  })

  it('with other system identifiers are not one cluster, which is reported and is no split brain', () => {
    const stranger = primaryFacts(3, { system_identifier: otherIdentifier })
    const all = assessed([node(one, primaryFacts(1)), node(two, standbyFacts(2)), node(three, stranger)])
    expect(clusterOf(all)).toMatchObject({ primary: one, primaries: 1, splitBrain: false, verdict: 'warn' })
    expect([codesOf(all), all.recheck]).toEqual([['cluster_mixed'], []])
    expect(clusterOf(all).reasons[0]?.text).toContain('db-3 has another system identifier')
  })

  it('that are one server under two names are one', () => {
    const all = (at: number) => [node('vip', primaryFacts(1), { at }), node(one, primaryFacts(1), { at })]
    const seen = story({ at: start, nodes: all(start) }, { at: start + 100, nodes: all(start + 100) })
    expect(clusterOf(seen)).toMatchObject({ primary: 'vip', primaries: 1, splitBrain: false, verdict: 'ok' })
  })
})

describe('one server under two names', () => {
  const twice = (facts: Parameters<typeof primaryFacts>[1], other: Parameters<typeof primaryFacts>[1]) => {
    const all = (at: number) => [node('vip', primaryFacts(1, facts), { at }), node(one, primaryFacts(1, other), { at })]
    return story({ at: start, nodes: all(start) }, { at: start + 100, nodes: all(start + 100) })
  }

  it('is one where one of them is a Unix socket, on which a server has neither address nor port', () => {
    const seen = twice({ server_address: null, server_port: null }, {})
    expect(clusterOf(seen)).toMatchObject({ primaries: 1, splitBrain: false, verdict: 'ok' })
  })

  it('is no split brain if it does not say when it started, and no remedy says to fence it', () => {
    const silent = { server_address: null, server_port: null, postmaster_start: null }
    for (const more of [{}, { system_identifier: null }, { wal_file_timeline: null }]) {
      const seen = twice({ ...silent, ...more }, { ...silent, ...more })
      expect(clusterOf(seen)).toMatchObject({ verdict: 'unknown', primaries: undefined, splitBrain: undefined })
      expect([codesOf(seen), seen.recheck]).toEqual([['cluster_primary_unknown'], []])
      expect(clusterOf(seen).reasons[0]?.remedy).not.toMatch(/fence/i)
    }
    const apart = twice(silent, { ...silent, wal_file_timeline: '00000002' })
    expect(codesOf(apart)).toEqual(['cluster_split_brain'])
  })
})

describe('failovers', () => {
  const first = { at: start, nodes: [node(one, primaryFacts(1)), node(two, standbyFacts(2))] }
  const none = { at: start + 5_000, nodes: [node(one, undefined), node(two, standbyFacts(2))] }
  const second = { at: start + 10_000, nodes: [node(one, undefined), node(two, promoted)] }

  it('are counted once, also over a gap with no primary, with the time when it was seen', () => {
    const all = story(first, none, none, second, second)
    expect(metric(all, 'failovers_total')).toBe(1)
    expect(metric(all, 'last_failover_timestamp_seconds')).toBe((start + 10_000) / 1000)
    expect(metric(story(first, second), 'failovers_total')).toBe(1)
  })

  it('are none where the same primary comes back, or where the first one is seen', () => {
    expect(metric(story(first, none, { ...first, at: start + 10_000 }), 'failovers_total')).toBe(0)
    expect(metric(story(none, second), 'failovers_total')).toBe(0)
  })

  it('are counted there and back', () => {
    expect(metric(story(first, second, { ...first, at: start + 20_000 }), 'failovers_total')).toBe(2)
  })
})

it('a cluster of which not every node is among the checks is not judged, nor is where a write path lands in it', () => {
  const looked = [node('db-2', standbyFacts(2)), path('haproxy', [landingOn(primaryFacts(1))])]
  const all = assessed(looked, { partial: ['keybuzz'] })
  expect(all.clusters).toEqual([])
  expect(all.checks.map(({ verdict }) => verdict)).toEqual(['ok', 'ok'])
  expect(all.landings).toMatchObject([{ nodes: [], onPrimary: undefined }])
  expect(clusterOf(assessed(looked)).verdict).toBe('fail')
})
