import { expect, it } from 'vitest'
import type { NodeFacts } from '../../../src/probes/postgres/observe.ts'
import { valueOf } from '../../probes/values.ts'
import { assessed, node, primaryFacts, standbyFacts } from '../../status/looked.ts'

const address = (number: number): Partial<NodeFacts> => ({ upstream_host: `10.0.0.12${number}`, upstream_port: 5432 })
const cut: Partial<NodeFacts> = { receiver_running: false, receiver_status: null, received_timeline: null }
const second = (fields: Partial<NodeFacts>) => node('db-2', standbyFacts(2, fields))
const third = (fields: Partial<NodeFacts> = {}) => node('db-3', standbyFacts(3, fields))

it.each([
  ['the primary', [second({}), third()], []],
  ['a standby that streams from the primary', [second(address(3)), third()], []],
  [
    'a standby that receives nothing',
    [second(address(3)), third(cut)],
    ['db-2 streams from db-3, but db-3 receives no'],
  ],
  [
    'a standby of such a one',
    [node('db-4', standbyFacts(4, address(2))), second(address(3)), third(cut)],
    ['db-4 streams from db-2, but db-3 receives no', 'db-2 streams from db-3, but db-3 receives no'],
  ],
  [
    'each other',
    [second(address(3)), third(address(2))],
    ['db-2 streams from db-3, but', 'db-3 streams from db-2, but'],
  ],
  ['a server by a name', [second({ upstream_host: 'db-3' }), third(cut)], []],
  ['a server that is no target', [second(address(9)), third()], []],
  [
    'a standby of which nobody may see what it receives',
    [second(address(3)), third({ receiver_status: null, monitor: false })],
    [],
  ],
  ['a node that does not answer', [second(address(3)), node('db-3', undefined)], []],
])('a standby that streams from %s', (_, standbys, told) => {
  const all = assessed([node('db-1', primaryFacts(1)), ...standbys])
  const reasons = all.clusters[0]?.reasons.filter(({ code }) => code === 'cluster_wrong_upstream') ?? []
  expect(reasons.map(({ text }) => text)).toEqual(told.map(text => expect.stringContaining(text) as string))
})

it('has no lag where it streams from the wrong server: 0 would be a lie', () => {
  const samples = (status: NodeFacts) => {
    const all = assessed([node('db-1', primaryFacts(1)), node('db-2', status), third(cut)])
    return valueOf({ samples: all.checks.flatMap(check => check.samples) }, 'mailpath_postgres_replay_lag_bytes', {
      target: 'db-2',
    })
  }
  expect(samples(standbyFacts(2))).toBe(0)
  expect(samples(standbyFacts(2, address(3)))).toBeUndefined()
})
