import { setTimeout as sleep } from 'node:timers/promises'
import { recordLoad, type Load } from '../../test/servers/postgres-log.ts'
import type { PostgresNode } from '../../test/servers/postgres.ts'
import { experiment, type Stage } from '../experiment.ts'
import { alternate } from '../measure/alternate.ts'
import { cpuSecondsWithChildren } from '../measure/process.ts'
import { scrapeOnce, scrapeTimes } from '../measure/scrape.ts'
import { sum } from '../measure/statistics.ts'
import { runsByCheck, startExporter } from '../stage/exporter.ts'
import { missing, postgresExporter, startPostgresExporter } from '../stage/peers.ts'
import type { Subject } from '../stage/subject.ts'
import { configOf } from '../stage/targets.ts'

/** Ours with so many targets that are all this node. */
async function startOurs({ servers }: Stage, targets: number): Promise<Subject> {
  const [target] = configOf(servers, 10).postgres
  const postgres = Array.from({ length: targets }, (_, n) => ({
    ...target,
    name: `node-${n}`,
    cluster: `cluster-${n}`,
  }))
  const config = { interval: '1s', timeout: '900ms', postgres }
  return startExporter({ config, env: servers.env, folder: servers.folder })
}

/** Of the postgres targets alone: there is a mail path, too. */
async function roundsOf({ url }: Subject): Promise<number> {
  const runs = [...runsByCheck((await scrapeOnce(url)).body)]
  return sum(runs.filter(([check]) => check.includes('probe="postgres"')).map(([, count]) => count))
}

/** What a node sees of one program between two moments, per round. */
async function seenBy(stage: Stage, node: PostgresNode, during: () => Promise<number>): Promise<Load> {
  const recording = await recordLoad(node)
  try {
    const rounds = await during()
    await sleep(200)
    const { connections, statements } = await recording.take(stage.servers.cluster.logins.monitor.user)
    return { connections: connections / rounds, statements: statements / rounds }
  } finally {
    await recording.end()
  }
}

/** Milliseconds of CPU of the server per round: of the postmaster and of the sessions that came and went. */
async function serverCpu(node: PostgresNode, during: () => Promise<number>): Promise<number> {
  const pid = node.pid ?? 0
  const before = await cpuSecondsWithChildren(pid)
  const rounds = await during()
  // Until the last session is gone, and with it in the sum of the postmaster.
  await sleep(300)
  return (((await cpuSecondsWithChildren(pid)) - before) * 1000) / rounds
}

/** A whole life of the exporter; gives its rounds, with those under way at the end missing. */
const ourRounds = (stage: Stage, targets: number, ms: number) => async (): Promise<number> => {
  const exporter = await startOurs(stage, targets)
  try {
    await sleep(ms)
    return await roundsOf(exporter)
  } finally {
    await exporter.stop()
  }
}

/** A whole life of postgres_exporter, so that the sessions it keeps have ended, too. */
const theirRounds = (stage: Stage, node: PostgresNode, scrapes: number) => async (): Promise<number> => {
  const { folder, cluster } = stage.servers
  const peer = await startPostgresExporter(folder, node, cluster.logins.monitor)
  try {
    return (await scrapeTimes(peer.url, scrapes)).length
  } finally {
    await peer.stop()
  }
}

export const load = experiment({
  id: 'load',
  title: 'Load on a Postgres node',
  how: 'What the server sees of one round of a postgres target, and of one scrape of postgres_exporter, both with the same role. Connections and statements are counted in its log (log_connections, log_statement = all). CPU is that of the postmaster and of all sessions that ended (utime, stime, cutime and cstime of the postmaster), without logging, over the whole life of either program.',
  missing: () => missing(postgresExporter),
  lines: {
    connections: {
      what: 'New connections of a round, at the server',
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
  },
  async measure(stage) {
    const node = await stage.servers.cluster.primary()
    const [turns, seconds] = stage.quick ? [1, 3] : [5, 6]
    const seen = await alternate(
      stage.quick ? 1 : 3,
      () => seenBy(stage, node, ourRounds(stage, 1, 3_500)),
      () => seenBy(stage, node, theirRounds(stage, node, 20)),
    )
    const cpu = await alternate(
      turns,
      () => serverCpu(node, ourRounds(stage, 20, seconds * 1000)),
      () => serverCpu(node, theirRounds(stage, node, 100)),
    )
    const each = (what: keyof Load) => ({
      ours: seen.ours.map(one => one[what]),
      peer: seen.peer.map(one => one[what]),
    })
    const notes = [
      'A round of ours logs in afresh, since that a login works is part of what it proves; most of its CPU is the start of that session. postgres_exporter keeps two sessions open for as long as it runs.',
    ]
    return { lines: { connections: each('connections'), statements: each('statements'), cpu }, notes }
  },
})
