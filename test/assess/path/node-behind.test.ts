import { describe, expect, it } from 'vitest'
import { nodeOf, nodesOfDatabase } from '../../../src/assess/path/node-behind.ts'
import type { Node } from '../../../src/assess/nodes.ts'
import { nodesOf } from '../../../src/assess/nodes.ts'
import type { PostgresSeen } from '../../../src/probes/postgres/observe.ts'
import { postgres } from '../../../src/probes/postgres/index.ts'
import { serverUp } from '../../status/haproxy.ts'
import { assessed, checkOf, judged, nodeTarget, primaryFacts, standbyFacts } from '../../status/looked.ts'

/** A node as the assessment has it, from what its check saw. */
function nodeThat(name: string, seen: PostgresSeen): Node {
  const target = nodeTarget(name)
  const all = [{ check: checkOf(postgres, target), observation: judged(postgres, target, seen) }]
  const [node] = nodesOf(assessed(all).checks)
  if (!node) throw new Error('there is no node')
  return node
}

const failure = { phase: 'connect', code: 'ECONNREFUSED', text: 'refused', timedOut: false }
const byName = nodeThat('db-1', { address: 'db-1.internal:5432', facts: primaryFacts(1) })
const byAddress = nodeThat('db-2', { address: '10.0.0.2:5432', facts: standbyFacts(2) })
const down = nodeThat('db-3', { address: '10.0.0.3:5432', failure })
const nodes = [byName, byAddress, down]
const inside = { address: primaryFacts(1).server_address ?? '', port: primaryFacts(1).server_port ?? 0 }

describe('the node behind a server of HAProxy is', () => {
  it.each([
    ['the one with its name', serverUp('db-2'), {}, 'db-2'],
    ['the one at its address, whatever its name', serverUp('n2', { address: '10.0.0.2', port: 5432 }), {}, 'db-2'],
    ['at its address before its name', serverUp('db-1', { address: '10.0.0.2', port: 5432 }), {}, 'db-2'],
    ['one that is down, by its configured address', serverUp('n3', { address: '10.0.0.3', port: 5432 }), {}, 'db-3'],
    ['the one that says this address of itself', serverUp('n1', inside), {}, 'db-1'],
    ['the one with the name that was looked up', serverUp('n1', { host: 'DB-1.internal', port: 5432 }), {}, 'db-1'],
    [
      'the one that the configuration names',
      serverUp('n2', { address: '10.0.0.2', port: 5432 }),
      { n2: 'db-3' },
      'db-3',
    ],
    [
      'the one with its name, if none has its address',
      serverUp('db-2', { address: '10.9.9.9', port: 5432 }),
      {},
      'db-2',
    ],
    ['none at another port', serverUp('n2', { address: '10.0.0.2', port: 6432 }), {}, undefined],
    ['none with neither', serverUp('n2'), {}, undefined],
    ['none of the cluster, if the configuration names one of another', serverUp('db-2'), { 'db-2': 'x' }, undefined],
    ['none by a name that every object has', serverUp('constructor'), {}, undefined],
  ])('%s', (_, one, servers, expected) => {
    expect(nodeOf(one, { servers }, nodes)?.name).toBe(expected)
  })

  it('none where two nodes look the same, unless one has its name', () => {
    const twins = ['db-1', 'db-2'].map(name => nodeThat(name, { address: 'tunnel:5432', facts: primaryFacts(1) }))
    expect(nodeOf(serverUp('n1', { host: 'tunnel', port: 5432 }), {}, twins)).toBeUndefined()
    expect(nodeOf(serverUp('db-2', { host: 'tunnel', port: 5432 }), {}, twins)?.name).toBe('db-2')
  })

  it('at an IPv6 address', () => {
    const six = nodeThat('db-6', { address: '[fd00::6]:5432', failure })
    expect(nodeOf(serverUp('n6', { address: 'fd00::6', port: 5432 }), {}, [...nodes, six])?.name).toBe('db-6')
  })
})

describe('the nodes behind a database of PgBouncer are', () => {
  const open = (address: string, port = 5432) => ({ address, port, connections: 1, connecting: 0 })
  it.each([
    ['the one at its host', { host: 'db-1.internal', port: 5432, servers: [] }, ['db-1']],
    ['all of a list of hosts', { host: '10.0.0.2, 10.0.0.3', port: 5432, servers: [] }, ['db-2', 'db-3']],
    [
      'the one to which it is connected',
      { host: 'primary.internal', port: 5432, servers: [open('10.0.0.2')] },
      ['db-2'],
    ],
    ['none behind another balancer', { host: 'lb-1', port: 5000, servers: [open('10.0.0.9', 5000)] }, []],
    ['none at another port', { host: '10.0.0.2', port: 5433, servers: [] }, []],
    ['none of a fallback that is idle', { host: undefined, port: undefined, servers: [] }, []],
    ['none on a Unix socket of a host that is not known', { host: null, port: 5432, servers: [] }, []],
  ])('%s', (_, database, expected) => {
    expect(nodesOfDatabase(database, nodes).map(({ name }) => name)).toEqual(expected)
  })

  it.each([null, '/run/postgresql'])('the one on the host of PgBouncer, for a Unix socket (%s)', host => {
    const database = { host, port: 5432, servers: [] }
    expect(nodesOfDatabase(database, nodes, '10.0.0.2:6432').map(({ name }) => name)).toEqual(['db-2'])
  })
})
