import { Client } from 'pg'
import { run, type Ran } from '../../src/monitor/run.ts'
import { createTurn, runTurn } from '../../src/monitor/turn.ts'
import { outbox } from '../../src/probes/outbox/index.ts'
import type { OutboxTarget } from '../../src/probes/outbox/target.ts'
import { createReferences } from '../../src/references/index.ts'
import type { PostgresNode } from '../../test/servers/postgres.ts'
import { waitFor } from '../../test/servers/processes.ts'
import { experiment, type Stage } from '../experiment.ts'
import { alternate } from '../measure/alternate.ts'
import { cpuSecondsOfTree } from '../measure/process.ts'

const rows = 1_000_000
/** Of them, those that wait. */
const waiting = 50
const table = 'bench_outbox'

const createSql = `
  drop table if exists ${table};
  create table ${table} (
    id bigint generated always as identity primary key,
    recipient text not null, body text not null, created_at timestamptz not null, sent_at timestamptz
  )`
/** Numbered from the newest on. */
const insertSql = (first: number, last: number): string => `
  insert into ${table} (recipient, body, created_at, sent_at)
    select 'recipient-' || i || '@example.com', repeat('x', 100), now() - make_interval(secs => i),
      case when i > ${waiting} then now() - make_interval(secs => i - 1) end
    from generate_series(${last}, ${first}, -1) i`
const indexSql = [
  `create index on ${table} (created_at) where (sent_at is null)`,
  `create index on ${table} (sent_at) where sent_at is not null`,
]

/** In steps, since a statement of the servers here has ten seconds. */
async function fill({ cluster }: Stage['servers'], node: PostgresNode): Promise<void> {
  const step = rows / 20
  const inserts = Array.from({ length: 20 }, (_, n) => insertSql(rows - (n + 1) * step + 1, rows - n * step))
  const grant = `grant select on ${table} to ${cluster.logins.backend.user}`
  for (const sql of [createSql, ...inserts, ...indexSql, grant, `vacuum analyze ${table}`])
    await node.query(sql, [], cluster.database)
}

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
    watch: true,
    login_interval: '24h',
  })

/** What is done to the server again and again, and its CPU for one of them, in milliseconds. */
async function cpuOf(pid: number, times: number, work: () => Promise<void>): Promise<number> {
  await work()
  const before = await cpuSecondsOfTree(pid)
  for (let n = 0; n < times; n++) await work()
  return (((await cpuSecondsOfTree(pid)) - before) * 1000) / times
}

/** Rounds of the probe, as the exporter runs them. */
function roundsOf({ env }: Stage['servers'], at: OutboxTarget) {
  const check = { ...outbox.bind(at), target: at.name, intervalMs: 60_000, timeoutMs: 5_000, needs: [] }
  const references = createReferences({ env, vaults: [], kubernetes: undefined })
  const turn = createTurn(check, () => references)
  const { signal } = turn.stop
  return {
    /** Each with a login. */
    withLogin: async () => void read(await run(check, references, signal)),
    /** Keeps a session open, in which each round of `kept` asks. */
    open: async (): Promise<void> => {
      const ran = read(await runTurn(turn, () => references, signal, false))
      void turn.keeper.after(ran)
    },
    /** Gives whether the session answered. */
    kept: async (): Promise<boolean> => {
      const ran = read(await runTurn(turn, () => references, signal, false))
      return ran.transcript().some(({ text }) => text.includes('in the session that is held open'))
    },
    close: async (): Promise<void> => {
      turn.stop.abort(new Error('it was measured'))
      await turn.keeper.ended()
    },
  }
}

function read(ran: Ran | undefined): Ran {
  if (ran?.verdict !== 'ok') throw new Error(ran?.evidence ?? 'it was not looked at')
  return ran
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

export const outboxCost = experiment({
  id: 'outbox',
  title: 'What a look at an outbox costs the server',
  how: `A table with ${rows.toLocaleString('en')} rows, ${waiting} of which wait, and the two partial indexes of docs/outbox.md. CPU of the server, all of its processes (/proc/PID/stat), over many rounds one after the other, as a mean. Rounds as the exporter runs them: in the session that \`watch\` keeps open, in turn with rounds that log in and end their session; then those in turn with a login that asks nothing.`,
  lines: {
    kept: {
      what: 'Server CPU of a round of an outbox of 1,000,000 rows, in the session that is kept open',
      unit: 'ms',
      better: 'lower',
      subject: 'Postgres',
      peer: 'a round with its login',
      goal: { kind: 'value', bound: 1 },
    },
    round: {
      what: 'Server CPU of a round of that outbox, with its login',
      unit: 'ms',
      better: 'lower',
      subject: 'Postgres',
      peer: 'a login alone',
    },
  },
  async measure({ servers, quick }) {
    const node = await servers.cluster.primary()
    const { database } = servers.cluster
    const [turns, logins, asks] = quick ? [1, 50, 500] : [5, 200, 2_000]
    const pid = node.pid ?? 0
    await fill(servers, node)
    const { withLogin, open, kept, close } = roundsOf(servers, target(servers, node))
    try {
      await open()
      await waitFor(kept, { what: 'a session is kept open' })
      const inSession = async (): Promise<void> => {
        if (!(await kept())) throw new Error('the session did not answer')
      }
      const cpuWithLogin = (): Promise<number> => cpuOf(pid, logins, withLogin)
      const ofKept = await alternate(turns, () => cpuOf(pid, asks, inSession), cpuWithLogin)
      const ofRound = await alternate(turns, cpuWithLogin, () => cpuOf(pid, logins, loginOf(node, servers)))
      return { lines: { kept: ofKept, round: ofRound } }
    } finally {
      await close()
      await node.query(`drop table ${table}`, [], database)
    }
  },
})
