import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { recordLoad, type Load } from '../../test/servers/postgres-log.ts'
import type { Login, PostgresNode } from '../../test/servers/postgres.ts'
import { waitFor } from '../../test/servers/processes.ts'
import { experiment, type Stage } from '../experiment.ts'
import { alternate } from '../measure/alternate.ts'
import { cpuSecondsOfTree } from '../measure/process.ts'
import { scrapeOnce, scrapeTimes } from '../measure/scrape.ts'
import { sum } from '../measure/statistics.ts'
import { runsByCheck, startExporter } from '../stage/exporter.ts'
import { missing, postgresExporter, startPostgresExporter } from '../stage/peers.ts'
import type { Subject } from '../stage/subject.ts'
import { configOf } from '../stage/targets.ts'

/** Ours with this many targets, all of them the same node. */
async function startOurs({ servers }: Stage, targets: number, login_interval?: string): Promise<Subject> {
  const [target] = configOf(servers, 10).postgres
  const postgres = Array.from({ length: targets }, (_, n) => ({
    ...target,
    name: `node-${n}`,
    cluster: `cluster-${n}`,
    ...(login_interval === undefined ? {} : { login_interval }),
  }))
  const config = { interval: '1s', timeout: '900ms', postgres }
  return startExporter({ config, env: servers.env, folder: servers.folder })
}

/** Of the postgres targets alone: there is a mail path, too. */
async function roundsOf({ url }: Subject): Promise<number> {
  const runs = [...runsByCheck((await scrapeOnce(url)).body)]
  return sum(runs.filter(([check]) => check.includes('probe="postgres"')).map(([, count]) => count))
}

/** A program on the node, and how it makes rounds; gives how many. */
interface Prober {
  readonly start: () => Promise<Subject>
  /** Until no round is under way. */
  readonly settled: (subject: Subject) => Promise<void>
  readonly rounds: (subject: Subject) => Promise<number>
}

/** Just after a round; the next one is nearly a second away. */
async function afterRound(subject: Subject): Promise<void> {
  const before = await roundsOf(subject)
  await waitFor(async () => (await roundsOf(subject)) > before, { everyMs: 10, what: 'a round of ours ends' })
}

const ours = (stage: Stage, targets: number, ms: number, loginInterval?: string): Prober => ({
  start: () => startOurs(stage, targets, loginInterval),
  async settled(subject) {
    // All have had a round, and have opened the session that they hold.
    await sleep(2_000)
    await afterRound(subject)
  },
  async rounds(subject) {
    const before = await roundsOf(subject)
    await sleep(ms)
    await afterRound(subject)
    return (await roundsOf(subject)) - before
  },
})

const theirs = ({ servers }: Stage, node: PostgresNode, scrapes: number): Prober => ({
  start: () => startPostgresExporter(servers.folder, node, servers.cluster.logins.monitor),
  settled: () => Promise.resolve(),
  rounds: async ({ url }) => (await scrapeTimes(url, scrapes)).length,
})

/** Runs the program for one measurement, after a first round of its own. */
async function withRunning<T>({ start }: Prober, measure: (subject: Subject) => Promise<T>): Promise<T> {
  const subject = await start()
  try {
    await scrapeOnce(subject.url)
    return await measure(subject)
  } finally {
    await subject.stop()
  }
}

/** Sessions of the role that are there all the time: the least of some looks. */
async function keptOpen(node: PostgresNode, user: string): Promise<number> {
  const counts: number[] = []
  for (let look = 0; look < 20; look++) {
    const [row] = await node.query<{ count: number }>('select count(*)::int from pg_stat_activity where usename = $1', [
      user,
    ])
    counts.push(row?.count ?? 0)
    await sleep(50)
  }
  return Math.min(...counts)
}

interface Seen extends Load {
  readonly kept: number
}

/** What the node sees of it per round. */
const seenBy = (node: PostgresNode, user: string, prober: Prober) => (): Promise<Seen> =>
  withRunning(prober, async subject => {
    const kept = await keptOpen(node, user)
    const recording = await recordLoad(node)
    try {
      await prober.settled(subject)
      // What was logged until now.
      await recording.take(user)
      const rounds = await prober.rounds(subject)
      await sleep(200)
      const { connections, statements } = await recording.take(user)
      return { connections: connections / rounds, statements: statements / rounds, kept }
    } finally {
      await recording.end()
    }
  })

/** Milliseconds of CPU of the server per round, all of its processes. */
const serverCpu = (node: PostgresNode, prober: Prober) => (): Promise<number> =>
  withRunning(prober, async subject => {
    await prober.settled(subject)
    const pid = node.pid ?? 0
    const before = await cpuSecondsOfTree(pid)
    const rounds = await prober.rounds(subject)
    return (((await cpuSecondsOfTree(pid)) - before) * 1000) / rounds
  })

/** The same per login that is followed by nothing: no statement, and no program of ours. As many in a second as of ours. */
const loginCpu = (node: PostgresNode, login: Login, logins: number) => async (): Promise<number> => {
  const pid = node.pid ?? 0
  const before = await cpuSecondsOfTree(pid)
  for (let n = 0; n < logins; n++) {
    const [client, pause] = [new Client({ connectionString: node.url(login) }), sleep(50)]
    await client.connect()
    await client.end()
    await pause
  }
  return (((await cpuSecondsOfTree(pid)) - before) * 1000) / logins
}

export const load = experiment({
  id: 'load',
  title: 'Load on a Postgres node',
  how: 'What the server sees of one round of a postgres target, and of one scrape of postgres_exporter, both with the same role and after their first one. Connections and statements are counted in its log (log_connections, log_statement = all), sessions kept open in pg_stat_activity. CPU is that of all processes of the server, those that ended too (/proc/PID/stat), without logging.',
  missing: () => missing(postgresExporter),
  lines: {
    connections: {
      what: 'New connections of a round, at the server',
      unit: '',
      better: 'lower',
      peer: postgresExporter.name,
      goal: { kind: 'value', bound: 1 },
    },
    kept: {
      what: 'Sessions kept open between rounds, at the server',
      unit: '',
      better: 'lower',
      peer: postgresExporter.name,
      goal: { kind: 'value', bound: 1 },
    },
    statements: {
      what: 'Statements of a round, at the server',
      unit: '',
      better: 'lower',
      peer: postgresExporter.name,
      goal: { kind: 'value', bound: 4 },
    },
    cpu: {
      what: 'CPU of the server per round',
      unit: 'ms',
      better: 'lower',
      peer: postgresExporter.name,
      goal: { kind: 'ratio', bound: 0.5 },
    },
    login: {
      what: 'CPU of the server for a login alone, without a statement',
      unit: 'ms',
      better: 'lower',
      subject: 'pg',
      peer: postgresExporter.name,
    },
    cpuRarely: {
      what: 'CPU of the server per round with `login_interval` of eight intervals',
      unit: 'ms',
      better: 'lower',
      peer: postgresExporter.name,
      goal: { kind: 'ratio', bound: 0.5 },
    },
  },
  async measure(stage) {
    const { cluster } = stage.servers
    const node = await cluster.primary()
    const { monitor } = cluster.logins
    const { user } = monitor
    const turns = stage.quick ? 1 : 3
    const seen = await alternate(
      turns,
      seenBy(node, user, ours(stage, 1, 4_000)),
      seenBy(node, user, theirs(stage, node, 20)),
    )
    // Eight rounds, so that those with a login and those without are there in their proportion.
    const cpuOf = (loginInterval?: string) =>
      alternate(
        stage.quick ? 1 : 3,
        serverCpu(node, ours(stage, 20, 7_500, loginInterval)),
        serverCpu(node, theirs(stage, node, 100)),
      )
    const cpu = await cpuOf()
    const login = await alternate(
      stage.quick ? 1 : 3,
      loginCpu(node, monitor, 150),
      serverCpu(node, theirs(stage, node, 100)),
    )
    const cpuRarely = await cpuOf('8s')
    const each = (what: keyof Seen) => ({
      ours: seen.ours.map(one => one[what]),
      peer: seen.peer.map(one => one[what]),
    })
    const notes = [
      'A round of ours logs in afresh, since that a login works is part of what it proves; most of its CPU is the start of that session, as the line of a login alone shows. postgres_exporter logs in once and keeps its sessions. With `login_interval` most rounds ask in the session that is held open anyway.',
    ]
    const lines = {
      connections: each('connections'),
      kept: each('kept'),
      statements: each('statements'),
      cpu,
      login,
      cpuRarely,
    }
    return { lines, notes }
  },
})
