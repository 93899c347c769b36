/** A fixed scenario, and the work that it takes: calls in the exporter, connections and statements at the server. */
import { probed } from '../../bench/stage/probed.ts'
import type { Servers } from '../../bench/stage/servers.ts'
import { configOf, type Config } from '../../bench/stage/targets.ts'
import { recordLoad } from '../servers/postgres-log.ts'
import type { Login } from '../servers/postgres.ts'
import { waitFor } from '../servers/processes.ts'
import { startCounted, type Counted } from './counted.ts'

/** By what was done. */
export type Figures = Readonly<Record<string, number>>

/** Now and then a timer or an answer in two parts adds a few calls, so the least of so many counts. */
const times = 3
/** One more, for what the server sees of a run. */
const copies = times + 1
const kinds = ['postgres', 'write_path', 'smtp', 'vault', 'settings', 'packages', 'drift'] as const

/** These have a server of their own, and no target but copies. */
const ownKinds = ['haproxy', 'patroni', 'pgbouncer', 'outbox', 'dns'] as const

const copyName = (kind: string, n: number): string => `${kind}-copy-${n}`

/** A request may run a check once in half a minute, so there are copies. No check runs by itself meanwhile. */
function configuration(servers: Servers): Config {
  const config = configOf(servers, 20, { interval: '1h', timeout: '30s' })
  for (const kind of kinds) {
    const [first] = config[kind]
    for (let n = 0; n < copies; n++)
      config[kind].push({ ...first, name: copyName(kind, n), ...(kind === 'postgres' && { cluster: `copy-${n}` }) })
  }
  // What comes out of a Vault is kept for a while, so how often that is read depends on time.
  const [first] = config.settings
  const sources = { env: { env: 'SMTP_PASSWORD' }, dotenv: { ...(first?.['from'] as object), key: 'SMTP_PASS' } }
  const inPlace = (entry: Config['drift'][number]) => ({ ...entry, sources })
  return { ...config, drift: config.drift.map(inPlace) }
}

/** The servers of those kinds, and a configuration that leads to them as well. */
async function withOwn(servers: Servers) {
  const times = { interval: '1h', timeout: '30s' }
  const started: { readonly stop: () => Promise<unknown> }[] = []
  const stop = async (): Promise<void> => {
    for (const one of started) await one.stop()
  }
  let config: Readonly<Record<string, unknown>> = configuration(servers)
  let env = servers.env
  try {
    for (const kind of ownKinds) {
      const server = await probed[kind].start(servers)
      started.push(server)
      const own = server.config(copies, times)[kind] as Config['postgres']
      config = {
        ...config,
        [kind]: own.map((one, n) => ({
          ...one,
          name: copyName(kind, n),
          ...('cluster' in one && { cluster: `copy-${n}` }),
        })),
      }
      env = { ...env, ...server.env }
    }
    return { config, env, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function least(count: (n: number) => Promise<number>): Promise<number> {
  let found = Infinity
  for (let n = 0; n < times; n++) found = Math.min(found, await count(n))
  return found
}

const leastOf = ([first = {}, ...others]: readonly Figures[]): Figures =>
  Object.fromEntries(
    Object.entries(first).map(([what, count]) => [what, Math.min(count, ...others.map(one => one[what] ?? count))]),
  )

const run = (kind: string, n: number): string => `/probe?probe=${kind}&target=${copyName(kind, n)}`

/** What the server sees of one run. */
async function seenOf({ cluster }: Servers, { ask }: Counted, kind: string, { user }: Login): Promise<Figures> {
  const node = await cluster.primary()
  const recording = await recordLoad(node)
  try {
    await recording.take(user)
    await ask(run(kind, times))
    const end = `end of ${kind}`
    const isWritten = async (): Promise<boolean> => {
      await node.query(`select '${end}'`)
      return node.log().includes(end)
    }
    await waitFor(isWritten, { what: 'the log is written' })
    const { connections, statements } = await recording.take(user)
    return { [`${kind}: connections at the server`]: connections, [`${kind}: statements at the server`]: statements }
  } finally {
    await recording.end()
  }
}

/** What it takes to run a check of each kind, and to write the metrics and the page after a run and after none. */
export async function measure(servers: Servers): Promise<Figures> {
  const own = await withOwn(servers)
  try {
    return await measureWith(servers, await startCounted(own.config, own.env, servers.folder))
  } finally {
    await own.stop()
  }
}

async function measureWith(servers: Servers, counted: Counted): Promise<Figures> {
  const { ask, callsOf } = counted
  const { backend, monitor } = servers.cluster.logins
  try {
    const figures: Record<string, number> = {}
    const written: Figures[] = []
    // Loads what is loaded with the first request.
    for (const what of ['/metrics', '/', run('settings', times)]) await ask(what)
    for (const kind of [...kinds, ...ownKinds]) {
      figures[`${kind}: a run`] = await least(async n => {
        const calls = await callsOf(run(kind, n))
        const [metrics, again, page] = [await callsOf('/metrics'), await callsOf('/metrics'), await callsOf('/')]
        written.push({ '/metrics after a run': metrics, '/metrics with nothing new': again, '/ after a run': page })
        return calls
      })
    }
    return {
      ...figures,
      ...leastOf(written),
      ...(await seenOf(servers, counted, 'postgres', monitor)),
      ...(await seenOf(servers, counted, 'write_path', backend)),
    }
  } finally {
    await counted.stop()
  }
}
