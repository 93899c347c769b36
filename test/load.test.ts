/** The load on what is probed, counted on the side of the server. docs/design.md has the budget. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ListedProbe, Target } from '../src/core/probe.ts'
import { postgres } from '../src/probes/postgres/index.ts'
import { writePath } from '../src/probes/write_path/index.ts'
import { env, look } from './probes/look.ts'
import { startCluster, type Cluster, type Login, type PostgresNode } from './servers/postgres.ts'
import { recordLoad, type Load, type Recording } from './servers/postgres-log.ts'
import { waitFor } from './servers/processes.ts'

let cluster: Cluster
let recordings: Map<PostgresNode, Recording>

beforeAll(async () => {
  cluster = await startCluster({ standbys: 1 })
  recordings = new Map()
  for (const node of cluster.nodes) recordings.set(node, await recordLoad(node))
})
afterAll(() => cluster.stop())

/** What the node saw of one run. The server writes its log a little later than it answers. */
async function loadOf<T extends Target, Seen>(
  probe: ListedProbe<T, Seen>,
  target: Record<string, unknown>,
  node: PostgresNode,
  { user, password }: Login,
  verdict = 'ok',
): Promise<Load> {
  const recording = recordings.get(node)
  if (!recording) throw new Error('this node is not recorded')
  await recording.take(user)
  const fields = { name: 'one', cluster: 'kb', password: { env: 'PASSWORD' }, ...target }
  const observation = await look(probe, probe.target.parse(fields), { references: env({ PASSWORD: password }) })
  expect(observation?.verdict, JSON.stringify(observation?.reasons)).toBe(verdict)
  // A later statement of the test is in the log, so all of the run is.
  const end = randomUUID()
  await waitFor(
    async () => {
      await node.query(`select 'end ${end}'`)
      return node.log().includes(`end ${end}`)
    },
    { what: 'the log is written' },
  )
  return recording.take(user)
}

const primary = (): PostgresNode => cluster.node('db-postgres-01')
const url = ({ user }: Login, node: PostgresNode, database: string): string =>
  `postgres://${user}@127.0.0.1:${node.port}/${database}`

describe('a round of a postgres target', () => {
  it.each(['db-postgres-01', 'db-postgres-02'])('is one connection and two statements on %s', async name => {
    const [node, { monitor }] = [cluster.node(name), cluster.logins]
    const load = await loadOf(postgres, { url: url(monitor, node, 'postgres') }, node, monitor)
    expect(load).toEqual({ connections: 1, statements: 2 })
  })
})

describe('a round of a write path', () => {
  const loadWith = (fields: Record<string, unknown>, node = primary(), verdict = 'ok'): Promise<Load> => {
    const { backend } = cluster.logins
    return loadOf(writePath, { url: url(backend, node, cluster.database), ...fields }, node, backend, verdict)
  }

  it('is one connection and eleven statements', async () => {
    expect(await loadWith({})).toEqual({ connections: 1, statements: 11 })
  })

  it('is one connection and two statements for each further session', async () => {
    expect(await loadWith({ sessions: 3 })).toEqual({ connections: 3, statements: 15 })
  })

  it('ends at a standby with the first refusal', async () => {
    const { connections, statements } = await loadWith({}, cluster.node('db-postgres-02'), 'fail')
    expect(connections).toBe(1)
    expect(statements).toBeLessThan(10)
  })

  it('has three statements more with a heartbeat', async () => {
    await primary().query(
      `create table beat (target text primary key, beat timestamptz); grant select, insert, update on beat to ${cluster.logins.backend.user}`,
      [],
      cluster.database,
    )
    expect(await loadWith({ heartbeat: { table: 'beat' } })).toEqual({ connections: 1, statements: 14 })
  })
})
