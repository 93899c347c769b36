import { setMaxListeners } from 'node:events'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { readAs } from '../../src/clients/postgres-url/index.ts'
import { openWatch } from '../../src/clients/postgres.ts'
import { parseConfig } from '../../src/config/load.ts'
import { createReferences } from '../../src/references/index.ts'
import { createLog } from '../../src/core/log.ts'
import { startLook } from '../../src/monitor/look.ts'
import { createMonitor, type Monitor } from '../../src/monitor/index.ts'
import { roundMs } from '../../src/monitor/wake.ts'
import { checkOf, never, noReferences } from './checks.ts'
import { pgbouncerBinary, pgbouncerInstall, startPgbouncer } from '../servers/pgbouncer.ts'
import { startCluster, type Cluster, type PostgresNode } from '../servers/postgres.ts'
import { needs, waitFor } from '../servers/processes.ts'

// Runs and watches are counted by the servers: in their log, by application name.
vi.setConfig({ testTimeout: 120_000 })

// On a busy machine too, a run that times out counts as a failure here. test/starved.test.ts has the rest.
vi.mock('node:fs', async original => (await import('../servers/silent-kernel.ts')).withoutPressure(await original()))

let cluster: Cluster
let first: PostgresNode
let second: PostgresNode
beforeAll(async () => {
  const settings = { log_connections: 'on', log_disconnections: 'on', log_statement: 'all' }
  cluster = await startCluster({ standbys: 1, settings })
})
beforeEach(async () => {
  first = await cluster.primary()
  second = cluster.nodes.find(node => node !== first) ?? first
})
afterEach(() => cluster.heal(), 30_000)
afterAll(() => cluster.stop())

/** No test waits for the next run of this interval. */
const long = '60s'
/** What a test waits for several runs of. The time for one run is nearly as long, since the machine may be busy. */
const short = '2s'

interface Options {
  readonly interval?: string
  readonly watch?: boolean
  readonly nodes?: Record<string, unknown>
  readonly writePath?: Record<string, unknown>
  /** Where the write path leads at first. Default: the primary. */
  readonly way?: { readonly port: number }
}

/** Two nodes and a write path, whose URL can be changed under way, as an endpoint follows the primary. */
function watching({ interval = long, watch, nodes = {}, writePath = {}, way = first }: Options) {
  const env = Object.fromEntries(cluster.nodes.map(node => [node.name, node.url(cluster.logins.monitor)]))
  const lead = (to: { readonly port: number }): void => {
    const { user, password } = cluster.logins.backend
    env['WAY'] = `postgres://${user}:${password}@127.0.0.1:${to.port}/${cluster.database}`
  }
  lead(way)
  const configOf = (given: Record<string, unknown> = nodes) =>
    parseConfig(
      JSON.stringify({
        interval,
        timeout: interval === long ? '5s' : '1900ms',
        watch,
        postgres: cluster.nodes.map(({ name }) => ({ name, cluster: 'kb', url: { env: name }, ...given })),
        write_path: [{ name: 'way', cluster: 'kb', url: { env: 'WAY' }, ...writePath }],
      }),
      'watch.yml',
    )
  const references = createReferences({ env, vaults: [], kubernetes: undefined })
  const monitor = createMonitor(
    configOf(),
    references,
    createLog('error', 'json', () => undefined),
  )
  const stop = new AbortController()
  setMaxListeners(0, stop.signal)
  const running = monitor.run(stop.signal)
  return {
    monitor,
    lead,
    swap: (given: Record<string, unknown>) => monitor.swap(configOf(given), references),
    async stop() {
      stop.abort(new Error('the test has ended'))
      await running
    },
  }
}

async function whileWatching(
  options: Options,
  work: (exporter: ReturnType<typeof watching>) => Promise<void>,
): Promise<void> {
  const logs = await Promise.all(cluster.nodes.map(logFromNow))
  const exporter = watching(options)
  try {
    await waitFor(() => exporter.monitor.ready(), { timeoutMs: 30_000, what: 'every check has run' })
    await work(exporter)
  } finally {
    await exporter.stop()
  }
  for (const log of logs) {
    const text = await log()
    // A run of the node and its watch; the write path has a run besides, and a watch where it says so.
    expect(mostAtOnce(text)).toBeLessThanOrEqual(2 + 1 + Number(options.writePath?.['watch'] === true))
    expect(mostAtOnce(text, cluster.logins.monitor.user)).toBeLessThanOrEqual(2)
  }
}

const soon = (holds: () => unknown, what: string) =>
  waitFor(() => Promise.resolve(Boolean(holds())), { timeoutMs: 60_000, everyMs: 20, what })
const verdictOf = (monitor: Monitor, id: string) => monitor.status().checks.find(check => check.id === id)?.verdict
const runsOf = (monitor: Monitor, id = `postgres/${first.name}`): number => monitor.status().records.get(id)?.runs ?? 0
const wakeupsOf = (monitor: Monitor): number => monitor.wakeups()[0]?.count ?? 0

const watchName = 'mailpath-exporter watch'
/** The process IDs of the watches that are open there. */
const watchesOn = async (node: PostgresNode): Promise<number[]> =>
  (
    await node.query<{ pid: number }>(
      `select pid from pg_stat_activity where application_name = $1 and state = 'idle' and xact_start is null`,
      [watchName],
    )
  ).map(({ pid }) => pid)
const untilWatched = (node: PostgresNode, count = 1) =>
  waitFor(async () => (await watchesOn(node)).length === count, {
    timeoutMs: 20_000,
    what: `there are ${count} watches on ${node.name}`,
  })

/** Gives what the server has logged from now on. */
async function logFromNow(node: PostgresNode): Promise<() => Promise<string>> {
  const file = path.join(cluster.folder, `${node.name}.log`)
  const { length } = await readFile(file)
  return async () => (await readFile(file)).subarray(length).toString()
}

/** How many sessions of that name a server let in. */
const opened = (log: string, name: string): number =>
  log.split('\n').filter(line => line.endsWith(`application_name=${name}`)).length

/** The most sessions of ours that a server had at a time, by its log; after a crash it had none. */
function mostAtOnce(log: string, user = '.*'): number {
  const authorized = new RegExp(`connection authorized: user=${user} .*application_name=mailpath-exporter`)
  const open = new Set<string>()
  let most = 0
  for (const line of log.split('\n')) {
    const [, pid = ''] = /\[(\d+)\]/.exec(line) ?? []
    if (line.includes('starting PostgreSQL')) open.clear()
    if (authorized.test(line)) open.add(pid)
    if (line.includes('disconnection:')) open.delete(pid)
    most = Math.max(most, open.size)
  }
  return most
}

describe('a primary that goes down', () => {
  it('is reported long before the next run, with all that depends on it; and so is what follows, until roles settle', () =>
    whileWatching({}, async ({ monitor, lead }) => {
      await untilWatched(first)
      await first.kill()
      await soon(() => verdictOf(monitor, 'write_path/way') === 'fail', 'the write path fails')
      expect(monitor.status().clusters[0]).toMatchObject({ primary: undefined, verdict: 'unknown' })
      await second.promote()
      await soon(() => monitor.status().clusters[0]?.primary === second.name, 'the new primary is seen')
      expect(verdictOf(monitor, 'write_path/way')).toBe('fail')
      lead(second)
      await soon(() => verdictOf(monitor, 'write_path/way') === 'ok', 'the write path is seen to have followed')
      // Once the roles have settled, there are no rounds any more.
      await sleep(4 * roundMs)
      const runs = [first, second].map(({ name }) => runsOf(monitor, `postgres/${name}`))
      await sleep(8 * roundMs)
      expect([first, second].map(({ name }) => runsOf(monitor, `postgres/${name}`))).toEqual(runs)
      expect(wakeupsOf(monitor)).toBe(1)
    }))

  it('is reported when it was shut down in order, and when it is back', { tags: 'slow' }, () =>
    whileWatching({}, async ({ monitor }) => {
      await untilWatched(first)
      await first.stop('fast')
      await soon(() => verdictOf(monitor, `postgres/${first.name}`) === 'fail', 'it is seen to be down')
      await first.start()
      await soon(() => monitor.status().clusters[0]?.primary === first.name, 'it is seen to be back')
      await soon(() => verdictOf(monitor, 'write_path/way') === 'ok', 'and can be written to')
    }),
  )

  it(
    'is looked at no more often than in rounds while it comes and goes, and its watch is opened once',
    { tags: 'slow' },
    () =>
      whileWatching({}, async ({ monitor }) => {
        await untilWatched(first)
        const [from, log, runs] = [performance.now(), await logFromNow(first), runsOf(monitor)]
        for (const _ of [1, 2, 3]) {
          await first.stop('immediate')
          await sleep(roundMs)
          await first.start()
          await sleep(2 * roundMs)
        }
        const rounds = (performance.now() - from) / roundMs
        expect(runsOf(monitor) - runs).toBeGreaterThan(2)
        expect(runsOf(monitor) - runs).toBeLessThanOrEqual(rounds + 2)
        expect(opened(await log(), 'mailpath-exporter')).toBeLessThanOrEqual(2 * (rounds + 2))
        expect(opened(await log(), watchName)).toBe(0)
      }),
  )
})

describe('a watch', () => {
  it('is a session on which nothing is asked, beside which the runs go on in their turn', () =>
    whileWatching({ interval: short }, async ({ monitor }) => {
      await Promise.all([untilWatched(first), untilWatched(second)])
      const [pids, log, runs] = [await watchesOn(first), await logFromNow(first), runsOf(monitor)]
      await soon(() => runsOf(monitor) >= runs + 4, 'four more runs')
      expect(await watchesOn(first)).toEqual(pids)
      const statements = (await log()).split('\n').filter(line => line.includes('statement:'))
      expect(statements.filter(line => line.includes(`[${String(pids[0])}]`))).toEqual([])
      expect(statements.filter(line => line.includes(` mailpath-exporter LOG`)).length).toBeGreaterThan(3)
      expect(wakeupsOf(monitor)).toBe(0)
    }))

  it.each([
    ['for the whole file', { watch: false }],
    ['for each node', { nodes: { watch: false } }],
  ])('is not there where it is turned off %s, and nothing is run out of turn', { tags: 'slow' }, (_, off) =>
    whileWatching({ interval: short, ...off }, async ({ monitor }) => {
      const [log, runs] = [await logFromNow(first), runsOf(monitor)]
      await soon(() => runsOf(monitor) >= runs + 2, 'two more runs')
      await first.stop('fast')
      await soon(() => verdictOf(monitor, 'write_path/way') === 'fail', 'the next run tells it')
      expect(opened(await log(), watchName)).toBe(0)
      expect([wakeupsOf(monitor), mostAtOnce(await log(), cluster.logins.monitor.user)]).toEqual([0, 1])
    }),
  )

  it('that the server ends for being idle, again and again, is no load', { tags: 'slow' }, () =>
    whileWatching({ interval: short }, async one => {
      await untilWatched(first)
      await first.query(`alter role ${cluster.logins.monitor.user} set idle_session_timeout = '50ms'`)
      try {
        const [pid] = await watchesOn(first)
        await first.query('select pg_terminate_backend($1)', [pid])
        const [log, runs, wakes] = [await logFromNow(first), runsOf(one.monitor), wakeupsOf(one.monitor)]
        await soon(() => runsOf(one.monitor) >= runs + 15, 'fifteen more runs')
        const more = wakeupsOf(one.monitor) - wakes
        const inTurn = runsOf(one.monitor) - runs - more
        const watches = opened(await log(), watchName)
        // Each is twice as long after the one before; the standby has its own.
        expect(watches).toBeGreaterThan(1)
        expect(watches).toBeLessThanOrEqual(Math.log2(inTurn) + 1)
        expect(more).toBeLessThanOrEqual(2 * (Math.log2(inTurn) + 1))
        expect(one.monitor.status().records.get(`postgres/${first.name}`)?.failures).toBe(0)
      } finally {
        await first.query(`alter role ${cluster.logins.monitor.user} reset idle_session_timeout`)
      }
    }),
  )

  describe('that runs may ask', () => {
    /** Four runs to a login. */
    const rarely = { interval: short, nodes: { login_interval: '8s' } }

    let user: string
    beforeAll(() => void ({ user } = cluster.logins.monitor))
    /** Logins of runs, in the log of a server. */
    const logIns = (log: string): number =>
      log
        .split('\n')
        .filter(line => line.includes(`user=${user} `) && line.endsWith('application_name=mailpath-exporter')).length
    const recordOf = (monitor: Monitor) => monitor.status().records.get(`postgres/${first.name}`)

    it('saves three of four logins, and tells as much', { tags: 'slow' }, () =>
      whileWatching(rarely, async ({ monitor }) => {
        await untilWatched(first)
        const [log, runs] = [await logFromNow(first), runsOf(monitor)]
        await soon(() => runsOf(monitor) >= runs + 12, 'twelve more runs')
        expect(logIns(await log())).toBeLessThanOrEqual(4)
        expect(recordOf(monitor)).toMatchObject({ failures: 0 })
        await first.query(`alter system set default_transaction_read_only = on`)
        await first.query('select pg_reload_conf()')
        try {
          await soon(() => recordOf(monitor)?.history.at(-1) === 'warn', 'it is seen to be read-only')
        } finally {
          await first.query('alter system reset default_transaction_read_only')
          await first.query('select pg_reload_conf()')
        }
      }),
    )

    it('that is ended meanwhile leaves the run to a login', { tags: 'slow' }, () =>
      whileWatching(rarely, async ({ monitor }) => {
        await untilWatched(first)
        const runs = runsOf(monitor)
        await first.query('select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1', [
          watchName,
        ])
        await soon(() => runsOf(monitor) >= runs + 3, 'three more runs')
        expect(recordOf(monitor)).toMatchObject({ failures: 0 })
      }),
    )

    it('tells of a server that hangs in the next run', { tags: 'slow' }, () =>
      whileWatching(rarely, async ({ monitor }) => {
        await untilWatched(second)
        second.pause()
        const of = () => monitor.status().checks.find(({ id }) => id === `postgres/${second.name}`)
        await soon(() => of()?.reasons[0]?.code === 'postgres_no_answer', 'it is seen to hang')
        second.resume()
        await soon(() => of()?.verdict === 'ok', 'it is seen to be back')
      }),
    )

    it('keeps its password out of what they say, though only the login had it and not the run', async () => {
      const { user: name, password } = cluster.logins.monitor
      const begin = () => startLook(checkOf(never), noReferences, new AbortController().signal)
      const read = readAs('libpq', { url: `${first.url({ user: name, password })}?sslmode=disable`, settings: {} })
      if (read.kind !== 'plan') throw new Error('the URL is not read')
      const session = await openWatch(begin().look, read.plan)
      try {
        const run = begin()
        await session.query(`select '${password}' as echoed`, run.look)
        expect(run.redact(`it is ${password}`)).toBe('it is <secret>')
        const said = run
          .transcript()()
          .map(({ text }) => text)
        expect(said.join('\n')).toContain('echoed = "<secret>"')
        expect(said.join('\n')).not.toContain(password)
      } finally {
        await session.close()
      }
    })

    it('tells later what only a login meets; a run by request meets it at once', { tags: 'slow' }, () =>
      whileWatching({ ...rarely, nodes: { login_interval: '1h' } }, async ({ monitor }) => {
        await untilWatched(first)
        await first.query(`alter role ${user} nologin`)
        try {
          const runs = runsOf(monitor)
          await soon(() => runsOf(monitor) >= runs + 3, 'three more runs')
          expect(recordOf(monitor)).toMatchObject({ failures: 0 })
          const ran = await monitor.runNow(`postgres/${first.name}`)
          expect(ran?.reasons.map(({ code }) => code)).toEqual(['postgres_login_failed'])
        } finally {
          await first.query(`alter role ${user} login`)
        }
      }),
    )
  })

  it('never takes the last connection from a run', { tags: 'slow' }, async () => {
    const { user } = cluster.logins.monitor
    await first.query(`alter role ${user} connection limit 1`)
    try {
      await whileWatching({ interval: short }, async ({ monitor }) => {
        await soon(() => runsOf(monitor) >= 5, 'five runs')
        expect(monitor.status().records.get(`postgres/${first.name}`)).toMatchObject({ failures: 0 })
        expect(verdictOf(monitor, `postgres/${first.name}`)).toBe('ok')
        expect(await watchesOn(first)).toEqual([])
      })
    } finally {
      await first.query(`alter role ${user} connection limit -1`)
    }
  })

  it('does not hold up a smart shutdown, which waits for all sessions', { tags: 'slow' }, () =>
    whileWatching({ interval: short }, async ({ monitor }) => {
      await untilWatched(second)
      second.process?.signal('SIGTERM')
      await soon(() => !second.running(), 'the server has ended')
      await soon(() => verdictOf(monitor, `postgres/${second.name}`) === 'fail', 'it is seen to be down')
    }),
  )

  it(
    'is closed in order when its check is changed, and is opened again; a shutdown leaves none',
    { tags: 'slow' },
    async () => {
      const log = await logFromNow(first)
      await whileWatching({}, async ({ swap }) => {
        await Promise.all([untilWatched(first), untilWatched(second)])
        const before = await watchesOn(first)
        swap({ max_lag: '20s' })
        await untilWatched(first)
        await waitFor(async () => !(await watchesOn(first)).includes(before[0] ?? 0), { what: 'the old one is closed' })
        await untilWatched(first)
        swap({ max_lag: '20s', watch: false })
        await untilWatched(first, 0)
        swap({ max_lag: '20s' })
        await untilWatched(first)
      })
      await untilWatched(first, 0)
      await untilWatched(second, 0)
      // A run that was cut off is another matter.
      const said = (await log()).split('\n').filter(line => line.includes(` ${watchName} `))
      expect(said.filter(line => line.includes('disconnection:')).length).toBeGreaterThan(2)
      expect(said.filter(line => /EOF|reset by peer/.test(line))).toEqual([])
    },
  )

  it.skipIf(!needs('PgBouncer', pgbouncerBinary(), pgbouncerInstall))(
    'through a pooler tells the end of the pooler, and takes no session of the server',
    { tags: 'slow' },
    async () => {
      const bouncer = await startPgbouncer({ to: first, logins: [cluster.logins.backend], pooling: 'transaction' })
      const clients = async (): Promise<number> =>
        (await bouncer.admin('SHOW CLIENTS')).filter(({ user }) => user === cluster.logins.backend.user).length
      try {
        await whileWatching({ way: bouncer, writePath: { watch: true } }, async ({ monitor }) => {
          await untilWatched(first)
          await waitFor(async () => (await clients()) === 1, { timeoutMs: 20_000, what: 'one session stays' })
          expect(await watchesOn(first)).toHaveLength(1)
          await bouncer.process.stop('SIGKILL')
          await soon(() => verdictOf(monitor, 'write_path/way') === 'fail', 'the write path fails')
          expect(verdictOf(monitor, `postgres/${first.name}`)).toBe('ok')
        })
      } finally {
        await bouncer.stop()
      }
    },
  )
})
