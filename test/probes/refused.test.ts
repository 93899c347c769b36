/** What a server may refuse a role that asks: a check then knows less, and blames nobody. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { codeOf } from '../../src/core/errors.ts'
import type { Observation } from '../../src/core/probe.ts'
import { postgres } from '../../src/probes/postgres/index.ts'
import { nodeSql } from '../../src/probes/postgres/observe.ts'
import { writePath } from '../../src/probes/write_path/index.ts'
import { ladderSql, landingSql } from '../../src/probes/write_path/observe.ts'
import { startCluster, type Cluster, type PostgresNode } from '../servers/postgres.ts'
import { withSession } from '../servers/postgres-session.ts'
import { waitFor } from '../servers/processes.ts'
import { env, look } from './look.ts'
import { valueOf } from './values.ts'

let cluster: Cluster
beforeAll(async () => {
  cluster = await startCluster({ standbys: 1, settings: { track_activities: 'on' } })
})
afterAll(() => cluster.stop())
const primary = (): PostgresNode => cluster.node('db-postgres-01')
const standby = (): PostgresNode => cluster.node('db-postgres-02')

async function lookAt(kind: 'postgres' | 'write_path', node: PostgresNode): Promise<Observation> {
  const { user, password } = kind === 'postgres' ? cluster.logins.monitor : cluster.logins.backend
  const url = `postgres://${user}@127.0.0.1:${node.port}/${kind === 'postgres' ? 'postgres' : cluster.database}`
  const fields = { name: 'one', cluster: 'kb', url, password: { env: 'PASSWORD' } }
  const references = env({ PASSWORD: password })
  const seen =
    kind === 'postgres'
      ? await look(postgres, postgres.target.parse(fields), { references })
      : await look(writePath, writePath.target.parse(fields), { references })
  if (!seen) throw new Error('the run was not recorded')
  return seen
}

/** The application: it inserts a mail, as it does all day long. A session that is new to the table takes longer the first time. */
async function insert(): Promise<void> {
  const { user, password } = cluster.logins.backend
  const { Client } = await import('pg')
  const client = new Client({ host: '127.0.0.1', port: primary().port, user, password, database: cluster.database })
  await client.connect()
  try {
    const inTime = async (): Promise<boolean> => {
      try {
        await client.query(`insert into outbound_email (recipient) values ('somebody@example.com')`)
        return true
      } catch (error) {
        if (codeOf(error) === '57014') return false
        throw error
      }
    }
    await waitFor(inTime, { what: 'a statement of the application ends in its time' })
  } finally {
    await client.end()
  }
}

const codesOf = ({ reasons }: Observation): string[] => reasons.map(({ code }) => code)

/** The names of functions in a text of SQL. */
const functionsIn = (...texts: readonly string[]): string[] =>
  [...new Set(texts.flatMap(text => [...text.matchAll(/\b([a-z_]+)\(/g)].map(([, name = '']) => name)))]
    .filter(name => !['coalesce', 'extract', 'as', 'in', 'from', 'filter', 'by', 'left'].includes(name))
    .sort()

async function withoutFunction(name: string, database: string, then: () => Promise<void>): Promise<void> {
  const change = async (what: string): Promise<void> =>
    withSession(primary().port, { database }, async client => {
      const found = await client.query<{ one: string }>(
        `select oid::regprocedure::text as one from pg_proc where proname = $1 and pronamespace = 'pg_catalog'::regnamespace`,
        [name],
      )
      for (const { one } of found.rows) await client.query(what.replace('%', one))
    })
  await change('revoke execute on routine % from public, pg_monitor')
  try {
    await then()
  } finally {
    await change('grant execute on routine % to public')
  }
}

describe('a function that is refused', () => {
  const ofWrite = functionsIn(...ladderSql({ name: 'x' }, 5000).map(([, sql]) => sql))
  const neededToCommit = ['pg_advisory_xact_lock', 'pg_logical_emit_message']

  it.each(functionsIn(landingSql, ...ofWrite.map(name => `${name}()`)))(
    'costs a write path only what it tells: %s',
    async name => {
      await withoutFunction(name, cluster.database, async () => {
        await insert()
        const seen = await lookAt('write_path', primary())
        if (neededToCommit.includes(name)) {
          expect(codesOf(seen)).toEqual(['write_path_write_not_proven'])
          expect(valueOf(seen, 'mailpath_write_path_writable')).toBeUndefined()
        } else {
          expect(seen, JSON.stringify(seen.reasons)).toMatchObject({ verdict: 'ok' })
          expect(valueOf(seen, 'mailpath_write_path_writable')).toBe(1)
          expect(valueOf(seen, 'mailpath_write_path_read_only')).toBe(0)
        }
      })
    },
  )

  it.each(functionsIn(nodeSql))('costs a node only what it tells: %s', async name => {
    await withoutFunction(name, 'postgres', async () => {
      const seen = await lookAt('postgres', primary())
      expect(codesOf(seen)).toEqual(['postgres_facts_refused'])
      expect(valueOf(seen, 'mailpath_postgres_in_recovery')).toBe(0)
      expect(valueOf(seen, 'mailpath_postgres_reachable')).toBe(1)
    })
  })

  it('does not make a primary of a standby', async () => {
    await withoutFunction('pg_is_in_recovery', cluster.database, async () => {
      await waitFor(
        async () => {
          const [row] = await standby().query<{ same: boolean }>(
            `select has_function_privilege('${cluster.logins.backend.user}', 'pg_is_in_recovery()', 'execute') as same`,
            [],
            cluster.database,
          )
          return row?.same === false
        },
        { what: 'the standby has it too' },
      )
      const seen = await lookAt('write_path', standby())
      expect(codesOf(seen)).toEqual(['write_path_read_only'])
      expect(valueOf(seen, 'mailpath_write_path_read_only_cause', { cause: 'standby' })).toBe(1)
    })
  })
})

describe('settings of the role of the application that suit its own statements', () => {
  const user = 'kb_backend'
  afterEach(async () => {
    await primary().query(`alter role ${user} reset all`)
  })

  it.each(['statement_timeout = 1', 'lock_timeout = 1', 'work_mem = 64', 'synchronous_commit = off'])(
    'are no outage: %s',
    async setting => {
      await primary().query(`alter role ${user} set ${setting}`)
      await insert()
      expect(await lookAt('write_path', primary())).toMatchObject({ verdict: 'ok' })
    },
  )
})

describe('what counts as a rollback at the server', () => {
  const rollbacks = async (node: PostgresNode): Promise<number> => {
    const [row] = await node.query<{ count: number }>(
      `select xact_rollback::int as count from pg_stat_database where datname = '${cluster.database}'`,
    )
    return row?.count ?? -1
  }
  const commits = async (node: PostgresNode): Promise<number> => {
    const [row] = await node.query<{ count: number }>(
      `select xact_commit::int as count from pg_stat_database where datname = '${cluster.database}'`,
    )
    return row?.count ?? -1
  }

  it.each([
    ['a primary', primary],
    ['a standby', standby],
  ])('is nothing that a write path does, on %s', async (_, node) => {
    const [before, committed] = [await rollbacks(node()), await commits(node())]
    for (let round = 0; round < 3; round++) await lookAt('write_path', node())
    // The statistics come a little later than the answers: once the commits are there, the rollbacks are too.
    await waitFor(async () => (await commits(node())) >= committed + 3, { what: 'the rounds are counted' })
    expect(await rollbacks(node())).toBe(before)
  })
})
