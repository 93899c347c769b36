import { describe, expect, it } from 'vitest'
import type { Assessment, CheckStatus, LandingStatus } from '../../../src/assess/assessment.ts'
import type { NodeFacts } from '../../../src/probes/postgres/observe.ts'
import { valueOf } from '../../probes/values.ts'
import {
  assessed,
  intervalMs,
  landingOn,
  node,
  otherIdentifier,
  path,
  primaryFacts,
  standbyFacts,
  start,
  type Looked,
} from '../../status/looked.ts'
import { serverDown, serverUp } from '../../status/haproxy.ts'
import { balancer, byBalancer, byPooler, database, pooler, through } from '../platform.ts'

interface Landed {
  readonly status: CheckStatus
  readonly landing: LandingStatus
  readonly codes: readonly string[]
}

function landed(assessment: Assessment): Landed {
  const status = assessment.checks.find(check => check.probe === 'write_path')
  const landing = assessment.landings[0]
  if (!status || !landing) throw new Error('there is no write path')
  return { status, landing, codes: status.reasons.map(reason => reason.code) }
}

const [one, two] = ['db-1', 'db-2'] as const
const nodes = [node(one, primaryFacts(1)), node(two, standbyFacts(2))]
const over = (all: readonly Looked[]): Landed => landed(assessed(all))

describe('a write path that lands', () => {
  it('on the primary is ok, and says where', () => {
    const all = assessed([...nodes, path('haproxy', [landingOn(primaryFacts(1))])])
    const { status, landing } = landed(all)
    expect(landing).toEqual({ writePath: 'haproxy', cluster: 'keybuzz', nodes: [one], onPrimary: true })
    expect(status).toMatchObject({ verdict: 'ok', evidence: expect.stringMatching(/, on db-1 \(primary\)$/) as string })
    expect(valueOf(all, 'mailpath_write_path_on_primary', { target: 'haproxy', postgres_cluster: 'keybuzz' })).toBe(1)
    expect(valueOf(all, 'mailpath_write_path_landed_info', { node: one })).toBe(1)
  })

  it('on a standby names it, and the primary to point at', () => {
    const all = assessed([...nodes, path('backend', [landingOn(standbyFacts(2))], { address: 'db-2:5432' })])
    const { status, landing, codes } = landed(all)
    expect([codes, landing.nodes, landing.onPrimary]).toEqual([['write_path_read_only'], [two], false])
    expect(status.reasons[0]?.text).toMatch(/lands on db-2 \(standby\): .*25006/)
    expect(status.reasons[0]?.remedy).toBe(
      'Point it at db-1 (db-1:5432), the primary, or at an endpoint that follows the primary.',
    )
    expect(valueOf(all, 'mailpath_write_path_on_primary')).toBe(0)
  })

  it('says the role that the session found, though the node was promoted between the two looks', () => {
    const promoted = node(two, primaryFacts(2))
    const before = over([node(one, undefined), promoted, path('backend', [landingOn(standbyFacts(2))])])
    expect(before.status.reasons[0]?.text).toMatch(/lands on db-2 \(standby\): .*25006/)
    const after = over([...nodes, path('backend', [landingOn(primaryFacts(2))])])
    expect(after.status.evidence).toMatch(/, on db-2 \(primary\)$/)
  })

  it('on a standby of a cluster whose primary is not known names the node that does not answer', () => {
    const { status } = over([
      node(one, undefined),
      node(two, standbyFacts(2)),
      path('backend', [landingOn(standbyFacts(2))]),
    ])
    expect(status.reasons[0]?.remedy).toBe(
      'No node that answers is a primary, and db-1 (db-1:5432) does not answer: start it first. Point it at the primary, or at an endpoint that follows the primary.',
    )
  })

  it('on a read-only primary is not advised to go to another node', () => {
    const readOnly = landingOn(primaryFacts(1), { read_only: true, read_only_source: 'database' })
    expect(over([...nodes, path('backend', [readOnly])]).status.reasons[0]?.remedy).toMatch(
      /^Reset default_transaction/,
    )
  })

  it('on a standby that is not listed is read-only, and nothing else', () => {
    expect(over([...nodes, path('backend', [landingOn(standbyFacts(9))])]).codes).toEqual(['write_path_read_only'])
  })

  it('on several nodes names them all', () => {
    const { status, landing } = over([
      ...nodes,
      path('blind', [landingOn(primaryFacts(1)), landingOn(standbyFacts(2))]),
    ])
    expect([landing.nodes, landing.onPrimary]).toEqual([[one, two], false])
    expect(status.reasons[0]?.text).toMatch(/1 of 2 sessions land on db-2 \(standby\): /)
  })

  it('on a server of another cluster fails', () => {
    const stranger = primaryFacts(9, { system_identifier: otherIdentifier })
    const { status, landing, codes } = over([...nodes, path('backend', [landingOn(stranger)])])
    expect([codes, landing.nodes, landing.onPrimary]).toEqual([['write_path_other_cluster'], [], false])
    expect(status.reasons[0]?.text).toContain(
      `lands on 10.0.0.129:5432, of the cluster with system identifier ${otherIdentifier}`,
    )
  })

  it('on a known node of another cluster names that node, be its address one of ours too', () => {
    const stranger = primaryFacts(1, {
      system_identifier: otherIdentifier,
      postmaster_start: '2020-01-01T00:00:00.000000',
    })
    const all = [...nodes, node('staging', stranger, { cluster: 'staging' }), path('backend', [landingOn(stranger)])]
    const { landing, codes } = over(all)
    expect([codes, landing.nodes]).toEqual([['write_path_other_cluster'], ['staging']])
  })

  it('on a node of another cluster fails also while none of its own nodes answers', () => {
    const stranger = primaryFacts(9, { system_identifier: otherIdentifier })
    const { status, landing, codes } = over([
      node(one, undefined),
      node(two, undefined),
      node('staging', stranger, { cluster: 'staging' }),
      path('backend', [landingOn(stranger)]),
    ])
    expect([codes, landing.nodes, landing.onPrimary]).toEqual([['write_path_other_cluster'], ['staging'], false])
    expect(status.reasons[0]?.text).toContain('lands on staging, of the cluster staging, and not of keybuzz')
  })

  it('where no node of its cluster is looked at is ok, and does not claim to be on the primary', () => {
    for (const all of [
      over([path('backend', [landingOn(primaryFacts(1))])]),
      landed(assessed([...nodes, path('backend', [landingOn(primaryFacts(1))])], { partial: ['keybuzz'] })),
    ]) {
      expect([all.status.verdict, all.codes, all.landing.onPrimary]).toEqual(['ok', [], undefined])
      expect(all.status.evidence).toMatch(
        /a write was committed in .*; whether that is the primary is not known: no node of the cluster keybuzz is looked at$/,
      )
    }
  })

  it('on a server that is not listed warns, but only if every node is known', () => {
    const unlisted = path('backend', [landingOn(primaryFacts(9))])
    const { status, landing, codes } = over([...nodes, unlisted])
    expect([codes, status.verdict, landing.onPrimary]).toEqual([['write_path_unlisted_node'], 'warn', undefined])
    expect(status.reasons[0]?.text).toContain('lands on 10.0.0.129:5432, which is none of the nodes db-1, db-2')
    expect(over([node(one, primaryFacts(1)), node(two, undefined), unlisted]).codes).toEqual([])
    expect(over([unlisted])).toMatchObject({ codes: [], landing: { nodes: [], onPrimary: undefined } })
  })

  it('nowhere, or was not looked at lately, is on no node', () => {
    const failure = {
      phase: 'login',
      code: undefined,
      text: 'haproxy:5432: Connection terminated unexpectedly',
      timedOut: false,
    }
    expect(over([...nodes, path('haproxy', [], { failure })]).landing).toMatchObject({
      nodes: [],
      onPrimary: undefined,
    })
    const old = [...nodes, path('haproxy', [landingOn(primaryFacts(1))])]
    const all = assessed(old, { now: start + 4 * intervalMs })
    expect(landed(all)).toMatchObject({ codes: ['stale'], landing: { nodes: [], onPrimary: undefined } })
    expect(valueOf(all, 'mailpath_write_path_on_primary')).toBeUndefined()
  })
})

describe('a node is named only to a path that names one itself:', () => {
  const remedyOf = (looked: Looked, ...others: readonly Looked[]) =>
    landed(assessed([...nodes, looked, ...others])).status.reasons[0]?.remedy
  const onStandby = [landingOn(standbyFacts(2))]

  it('not to one through HAProxy', () => {
    const view = balancer([serverUp(one), serverDown(two)])
    expect(remedyOf(through(byBalancer, onStandby), view)).toMatch(
      /^HAProxy lb-1 decides where this leads: .*leads to db-1 \(db-1:5432\), the primary\. Point the path at no node\.$/,
    )
  })

  it('not to one through PgBouncer, known or not', () => {
    expect(remedyOf(through(byPooler, onStandby), pooler([database()]))).toMatch(/^PgBouncer pool-1 decides/)
    expect(remedyOf(path('app', [landingOn(standbyFacts(2), { pooled: true })]))).toMatch(
      /^A pooler in between decides/,
    )
  })

  it('not to one with several hosts, or that asks for a kind of server', () => {
    const direct = { address: 'db-2:5432' }
    const several = path('app', onStandby, { ...direct, places: ['db-2:5432', 'db-1:5432'] })
    expect(remedyOf(several)).toMatch(/^Its driver, .* decides where this leads/)
    expect(remedyOf(path('app', onStandby, { ...direct, seeksKind: true }))).toMatch(/^Its driver, /)
  })

  it('not to one whose address is that of no node', () => {
    expect(remedyOf(path('app', onStandby))).toMatch(/^app:5432 is not the address of a node\. If it is to follow/)
  })

  it('to one with the address that the node has of itself', () => {
    expect(remedyOf(path('app', onStandby, { address: '10.0.0.122:5432' }))).toMatch(/^Point it at db-1/)
  })

  it('not the node that it landed on, if that was promoted since', () => {
    const promoted = [node(one, undefined), node(two, primaryFacts(2))]
    const { status } = over([...promoted, path('app', onStandby, { address: 'db-2:5432' })])
    expect(status.reasons[0]?.remedy).toBe(
      'Wait for the next run: db-2 was a standby when the session landed, and is the primary now.',
    )
  })
})

describe('nodes are distinguished', () => {
  const tunnel: Partial<NodeFacts> = { server_address: '127.0.0.1', server_port: 5432 }
  const behindTunnel = [node(one, primaryFacts(1, tunnel)), node(two, standbyFacts(2, tunnel))]

  it('by postmaster start, where they all share one address and port', () => {
    const on = (facts: NodeFacts) => over([...behindTunnel, path('tunnel', [landingOn(facts)])]).landing
    expect(on(standbyFacts(2, tunnel))).toMatchObject({ nodes: [two], onPrimary: false })
    expect(on(primaryFacts(1, tunnel))).toMatchObject({ nodes: [one], onPrimary: true })
  })

  it('by address and port after a restart, until the node is looked at again', () => {
    const restarted = primaryFacts(1, { postmaster_start: '2026-01-12T07:59:00.000000' })
    expect(over([...nodes, path('haproxy', [landingOn(restarted)])])).toMatchObject({
      codes: [],
      landing: { nodes: [one], onPrimary: true },
    })
  })

  it('not at all after a restart behind one address: nothing is claimed', () => {
    const restarted = primaryFacts(1, { ...tunnel, postmaster_start: '2026-01-12T07:59:00.000000' })
    expect(over([...behindTunnel, path('tunnel', [landingOn(restarted)])])).toMatchObject({
      codes: [],
      landing: { nodes: [], onPrimary: undefined },
    })
  })

  it('by port, where several run on one host', () => {
    const same = '2026-01-01T00:00:00.000000'
    const [a, b] = [
      primaryFacts(1, { ...tunnel, postmaster_start: same }),
      standbyFacts(1, { ...tunnel, postmaster_start: same, server_port: 5433 }),
    ]
    const { landing } = over([node(one, a), node(two, b), path('backend', [landingOn(b)])])
    expect(landing.nodes).toEqual([two])
  })
})

describe('in a split brain', () => {
  const promoted = primaryFacts(2, { wal_file_timeline: '00000002' })
  const both = (at: number) => [node(one, primaryFacts(1), { at }), node(two, promoted, { at })]
  const onOld = path('backend', [landingOn(primaryFacts(1))])

  it('a path on the old primary fails once the split is confirmed, and not before', () => {
    const others = ['mailer', 'worker'].map(name => path(name, [landingOn(promoted)]))
    const direct = path('backend', [landingOn(primaryFacts(1))], { address: 'db-1:5432' })
    const all = [...both(start), direct, ...others]
    const suspected = assessed(all)
    expect(landed(suspected)).toMatchObject({ codes: [], landing: { nodes: [one], onPrimary: undefined } })
    const confirmed = landed(assessed(all, { previous: suspected.memory }))
    expect([confirmed.codes, confirmed.landing.onPrimary]).toEqual([['write_path_old_primary'], false])
    expect(confirmed.status.reasons[0]).toMatchObject({
      text: 'db-1:5432: lands on db-1, which is writable, but the primary is db-2',
      remedy: expect.stringMatching(
        /^Point the path at db-2 \(db-2:5432\) and fence db-1, .*Copy the data of db-1 before it is rewound/,
      ) as string,
    })
  })

  it('a path is not sent away from a node while nothing tells which of the two is to be kept', () => {
    const all = [...both(start), onOld, path('mailer', [landingOn(promoted)])]
    const { memory } = assessed(all)
    expect(landed(assessed(all, { previous: memory }))).toMatchObject({
      codes: [],
      landing: { nodes: [one], onPrimary: undefined },
    })
  })

  it('a path on a standby is not sent to either of them while nothing tells which is to be kept', () => {
    const standby = standbyFacts(3, { receiver_running: false, receiver_status: null })
    const all = [...both(start), node('db-3', standby), path('backend', [landingOn(standby)])]
    const { memory } = assessed(all)
    expect(landed(assessed(all, { previous: memory })).status.reasons[0]?.remedy).toBe(
      'Point it at the primary, or at an endpoint that follows the primary.',
    )
  })

  it('the node that the one path writes to is the one to keep', () => {
    const all = [...both(start), onOld]
    const { memory } = assessed(all)
    expect(landed(assessed(all, { previous: memory }))).toMatchObject({ codes: [], landing: { onPrimary: true } })
  })

  it('a path on the new one is well', () => {
    const all = [...both(start), path('backend', [landingOn(promoted)])]
    const { memory } = assessed(all)
    expect(landed(assessed(all, { previous: memory }))).toMatchObject({ codes: [], landing: { onPrimary: true } })
  })

  it('a node that its own check still calls a standby was promoted in between', () => {
    const { codes, landing } = over([...nodes, path('backend', [landingOn(promoted)])])
    expect([codes, landing.nodes, landing.onPrimary]).toEqual([[], [two], undefined])
  })

  it('a writable node of another system identifier under the name of the cluster is not its primary', () => {
    const stranger = primaryFacts(3, { system_identifier: otherIdentifier })
    const { codes } = over([...nodes, node('db-3', stranger), path('backend', [landingOn(stranger)])])
    expect(codes).toEqual(['write_path_old_primary'])
  })
})

describe('a path of which only the address is known', () => {
  const pointing = (facts: NodeFacts) =>
    path('pghost', [], { addressOnly: { peer: facts.server_address ?? '', port: 5432 } })

  it('at the primary is where it should lead, and says that no write was tried', () => {
    const { codes, landing, status } = over([...nodes, pointing(primaryFacts(1))])
    expect([codes, status.verdict]).toEqual([[], 'ok'])
    expect(status.evidence).toContain('no write was tried')
    expect([landing.nodes, landing.onPrimary]).toEqual([[one], true])
  })

  it('at a standby fails, and the remedy names the primary', () => {
    const { codes, landing, status } = over([...nodes, pointing(standbyFacts(2))])
    expect(codes).toEqual(['write_path_read_only', 'write_path_not_tried'])
    expect([landing.nodes, landing.onPrimary, status.verdict]).toEqual([[two], false, 'fail'])
    expect(status.reasons[0]?.text).toBe('pghost:5432: leads to db-2, which is a standby')
    expect(status.reasons[0]?.remedy).toMatch(
      /^pghost:5432 is not the address of a node\. .* lead to db-1 \(db-1:5432\)/,
    )
  })

  it('elsewhere says nothing of nodes', () => {
    expect(over([...nodes, pointing(primaryFacts(9))])).toMatchObject({
      codes: ['write_path_not_tried'],
      landing: { nodes: [], onPrimary: undefined },
    })
  })
})
