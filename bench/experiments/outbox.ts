import { Client, type QueryConfig } from 'pg'
import { run } from '../../src/monitor/run.ts'
import { outbox } from '../../src/probes/outbox/index.ts'
import { beginSql, rowsSql } from '../../src/probes/outbox/sql.ts'
import type { OutboxTarget } from '../../src/probes/outbox/target.ts'
import { createReferences } from '../../src/references/index.ts'
import type { PostgresNode } from '../../test/servers/postgres.ts'
import { experiment, type Stage } from '../experiment.ts'
import { alternate } from '../measure/alternate.ts'
import { cpuSecondsOfTree } from '../measure/process.ts'

const rows = 1_000_000
/** Of them, those that wait. */
const waiting = 50
const table = 'bench_outbox'

const create = `
  drop table if exists ${table};
  create table ${table} (
    id bigint generated always as identity primary key,
    recipient text not null, body text not null, created_at timestamptz not null, sent_at timestamptz
  );
  insert into ${table} (recipient, body, created_at, sent_at)
    select 'recipient-' || i || '@example.com', repeat('x', 100), now() - make_interval(secs => i),
      case when i > ${waiting} then now() - make_interval(secs => i - 1) end
    from generate_series(${rows}, 1, -1) i;
  create index on ${table} (created_at) where (sent_at is null);
  create index on ${table} (sent_at) where sent_at is not null`

const target = (servers: Stage['servers'], node: PostgresNode): OutboxTarget =>
  outbox.target.parse({
    name: 'bench',
    cluster: 'bench',
    host: node.host,
    port: node.port,
    user: servers.cluster.logins.backend.user,
    database: servers.cluster.database,
    password: { env: 'BACKEND_PASSWORD' },
    table,
    created: 'created_at',
    pending: 'sent_at is null',
    sent: 'sent_at',
    late_after: '24h',
    stuck_after: '24h',
  })

/** What is done to the server again and again, and its CPU for one of them, in milliseconds. */
async function cpuOf(pid: number, times: number, work: () => Promise<void>): Promise<number> {
  await work()
  const before = await cpuSecondsOfTree(pid)
  for (let n = 0; n < times; n++) await work()
  return (((await cpuSecondsOfTree(pid)) - before) * 1000) / times
}

/** Rounds of the probe, as the exporter runs them. Throws unless the outbox was read. */
function roundOf({ env }: Stage['servers'], at: OutboxTarget): () => Promise<void> {
  const check = { ...outbox.bind(at), target: at.name, intervalMs: 60_000, timeoutMs: 5_000, needs: [] }
  const references = createReferences({ env, vaults: [], kubernetes: undefined })
  return async () => {
    const found = await run(check, references, new AbortController().signal)
    if (found?.verdict !== 'ok') throw new Error(found?.evidence ?? 'it was not looked at')
  }
}

/** The same login, and no question. */
const loginOf =
  (node: PostgresNode, { cluster }: Stage['servers']) =>
  async (): Promise<void> => {
    const client = new Client({ connectionString: node.url(cluster.logins.backend, cluster.database) })
    await client.connect()
    await client.query('select 1')
    await client.end()
  }

/** What a round asks, again and again in one session. */
async function askingOf(node: PostgresNode, { cluster }: Stage['servers'], at: OutboxTarget) {
  const client = new Client({ connectionString: node.url(cluster.logins.backend, cluster.database) })
  await client.connect()
  const statement: QueryConfig & { queryMode: string } = { text: rowsSql(at), queryMode: 'extended' }
  return {
    ask: async () => {
      await client.query(beginSql(2_000, 500))
      await client.query(statement)
      await client.query('commit')
    },
    end: () => client.end(),
  }
}

export const outboxCost = experiment({
  id: 'outbox',
  title: 'What a look at an outbox costs the server',
  how: `A table with ${rows.toLocaleString('en')} rows, ${waiting} of which wait, and the two partial indexes of docs/outbox.md. CPU of the server, all of its processes (/proc/PID/stat), over many rounds one after the other, as a mean. The transaction is what a round asks, in one session that stays open; the whole round also logs in and ends its session, in turn with a login that asks nothing.`,
  lines: {
    asked: {
      what: 'Server CPU of what a round asks of an outbox of 1,000,000 rows',
      unit: 'ms',
      better: 'lower',
      goal: { kind: 'value', bound: 1 },
    },
    round: {
      what: 'Server CPU of a whole round of an outbox, with its login',
      unit: 'ms',
      better: 'lower',
      peer: 'a login alone',
    },
  },
  async measure({ servers, quick }) {
    const node = await servers.cluster.primary()
    const { database } = servers.cluster
    const [turns, rounds, asks] = quick ? [1, 50, 500] : [5, 200, 2_000]
    const pid = node.pid ?? 0
    await node.query(`${create}; grant select on ${table} to ${servers.cluster.logins.backend.user}`, [], database)
    await node.query(`vacuum analyze ${table}`, [], database)
    const at = target(servers, node)
    try {
      const round = await alternate(
        turns,
        () => cpuOf(pid, rounds, roundOf(servers, at)),
        () => cpuOf(pid, rounds, loginOf(node, servers)),
      )
      const { ask, end } = await askingOf(node, servers, at)
      const asked: number[] = []
      for (let turn = 0; turn < turns; turn++) asked.push(await cpuOf(pid, asks, ask))
      await end()
      return { lines: { asked: { ours: asked }, round: { ours: round.ours, peer: round.peer } } }
    } finally {
      await node.query(`drop table ${table}`, [], database)
    }
  },
})
