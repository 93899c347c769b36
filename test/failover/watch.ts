import { setMaxListeners } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { parseConfig } from '../../src/config/load.ts'
import { createReferences } from '../../src/references/index.ts'
import { createLog } from '../../src/core/log.ts'
import type { Verdict } from '../../src/core/probe.ts'
import type { Status } from '../../src/monitor/ledger.ts'
import { createMonitor, type Monitor } from '../../src/monitor/index.ts'
import { startRelay } from '../faults/relay.ts'
import type { Cluster, PostgresNode } from '../servers/postgres.ts'
import { waitFor } from '../servers/processes.ts'

const intervalMs = 1_000
const timeoutMs = 700
/** How long nobody is promoted: several intervals, so that the exporter can see it. */
const leaderlessMs = 2_500

/** What the application writes through: it is told to follow the primary, as HAProxy is by its checks. */
export interface Endpoint {
  readonly port: number
  readonly follow: (node: PostgresNode) => Promise<void> | void
}

/** What the exporter said, from then on until the next. */
interface Said {
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly mail: Verdict
  readonly root: string | undefined
  readonly primary: string | undefined
  readonly splitBrain: boolean | undefined
  readonly writePath: Verdict
}

interface Failover {
  readonly from: string
  readonly to: string
  readonly said: readonly Said[]
  /** Of a writer of our own, which opens a session and inserts a row all the time. */
  readonly lastWriteBefore: number
  readonly firstWriteAfter: number
  /** What the exporter counted meanwhile, in seconds. */
  readonly outageSeconds: number
  readonly failovers: number
}

/** An exporter in this process, over a cluster and an endpoint in front of it. */
interface Watched {
  readonly failOver: (to: string) => Promise<Failover>
  readonly stop: () => Promise<void>
}

export async function watchCluster(cluster: Cluster, endpoint: Endpoint): Promise<Watched> {
  const relay = await startRelay()
  const { user, password } = cluster.logins.backend
  const url = `postgres://${user}:${password}@127.0.0.1:${endpoint.port}/${cluster.database}`
  const nodes = cluster.nodes.map(node => ({ name: node.name, cluster: 'kb', url: { env: node.name } }))
  const config = parseConfig(
    JSON.stringify({
      interval: `${intervalMs}ms`,
      timeout: `${timeoutMs}ms`,
      postgres: nodes,
      write_path: [{ name: 'app', cluster: 'kb', url: { env: 'DATABASE_URL' } }],
      smtp: relay.section,
    }),
    'failover.yml',
  )
  const monitored = Object.fromEntries(cluster.nodes.map(node => [node.name, node.url(cluster.logins.monitor)]))
  const env = { ...relay.env, ...monitored, DATABASE_URL: url }
  const monitor = createMonitor(
    config,
    createReferences({ env, vaults: [], kubernetes: undefined }),
    createLog('error', 'json', () => undefined),
  )
  const stop = new AbortController()
  setMaxListeners(0, stop.signal)
  const running = monitor.run(stop.signal)
  return {
    failOver: to => failOver(cluster, endpoint, monitor, url, to),
    async stop() {
      stop.abort(new Error('the failovers are over'))
      await running
      await relay.smtp.close()
    },
  }
}

async function failOver(
  cluster: Cluster,
  endpoint: Endpoint,
  monitor: Monitor,
  url: string,
  to: string,
): Promise<Failover> {
  await waitFor(() => monitor.status().mail[0]?.verdict === 'ok', {
    timeoutMs: 15_000,
    what: 'mail is ok before the failover',
  })
  const [old, next] = [await cluster.primary(), cluster.node(to)]
  const others = cluster.nodes.filter(node => node !== next)
  const before = counted(monitor.status())
  const ended = new AbortController()
  const said = listen(monitor, ended.signal)
  const writes = write(url, ended.signal)
  await sleep(intervalMs)

  await old.kill()
  await sleep(leaderlessMs)
  await next.promote()
  await endpoint.follow(next)
  for (const node of others) await cluster.rejoin(node.name)

  await waitFor(() => monitor.status().mail[0]?.verdict === 'ok', {
    timeoutMs: 20_000,
    what: 'mail is ok after the failover',
  })
  await sleep(2 * intervalMs)
  ended.abort()
  const after = counted(monitor.status())
  const gap = longestGap(await writes)
  return {
    from: old.name,
    to,
    said: await said,
    ...gap,
    outageSeconds: after.outage - before.outage,
    failovers: after.failovers - before.failovers,
  }
}

const valueOf = ({ samples }: Status, name: string): number =>
  samples.find(sample => sample.metric.name === name)?.value ?? 0
const counted = (status: Status) => ({
  outage: valueOf(status, 'mailpath_write_path_outage_seconds_total'),
  failovers: valueOf(status, 'mailpath_cluster_failovers_total'),
})

async function listen(monitor: Monitor, signal: AbortSignal): Promise<Said[]> {
  const said: Said[] = []
  while (!signal.aborted) {
    const status = monitor.status()
    const [mail, cluster] = [status.mail[0], status.clusters[0]]
    const root = mail?.root && `${mail.root.probe}/${mail.root.target} ${mail.root.reason.code}`
    const writePath = status.checks.find(check => check.probe === 'write_path')?.verdict ?? 'unknown'
    const now = {
      mail: mail?.verdict ?? 'unknown',
      root,
      primary: cluster?.primary,
      splitBrain: cluster?.splitBrain,
      writePath,
    }
    const { at: _, ...last } = said.at(-1) ?? { at: 0 }
    if (JSON.stringify(last) !== JSON.stringify(now)) said.push({ at: Date.now(), ...now })
    await sleep(20)
  }
  return said
}

/** When a row was committed. A fresh session each time, as the exporter does it. */
async function write(url: string, signal: AbortSignal): Promise<number[]> {
  const times: number[] = []
  while (!signal.aborted) {
    const client = new Client({ connectionString: url, connectionTimeoutMillis: 300, query_timeout: 300 })
    client.on('error', () => undefined)
    try {
      await client.connect()
      await client.query(`insert into outbound_email (recipient) values ('a@example.com')`)
      times.push(Date.now())
    } catch {
      // What it is about.
    } finally {
      await client.end().catch(() => undefined)
    }
    await sleep(20)
  }
  return times
}

function longestGap(times: readonly number[]): { lastWriteBefore: number; firstWriteAfter: number } {
  const gaps = times.slice(1).map((at, i) => ({ lastWriteBefore: times[i] ?? at, firstWriteAfter: at }))
  const [longest] = gaps.sort((a, b) => b.firstWriteAfter - b.lastWriteBefore - (a.firstWriteAfter - a.lastWriteBefore))
  if (!longest) throw new Error('the writer wrote nothing')
  return longest
}

/** What must not be: a split brain that was none, an `ok` while nothing can be written, an outage that was not measured. */
export function wrongs(
  { from, to, said, lastWriteBefore, firstWriteAfter, outageSeconds, failovers }: Failover,
  slackMs: number,
): string[] {
  const wrong: string[] = []
  if (said.some(one => one.splitBrain === true)) wrong.push('a split brain was seen')
  if (failovers !== 1) wrong.push(`${failovers} failovers were counted`)
  const primaries = said.map(one => one.primary).filter(name => name !== undefined)
  const distinct = primaries.filter((name, i) => name !== primaries[i - 1])
  if (distinct.join() !== [from, to].join()) wrong.push(`the primary was seen to be ${distinct.join(', then ')}`)
  const blind = lastWriteBefore + intervalMs + timeoutMs + slackMs
  said.forEach((one, i) => {
    const until = said[i + 1]?.at ?? Date.now()
    if (one.mail === 'ok' && one.at < firstWriteAfter && until > blind)
      wrong.push(`mail was called ok ${until - lastWriteBefore} ms into the outage`)
  })
  const writer = (firstWriteAfter - lastWriteBefore) / 1000
  if (Math.abs(outageSeconds - writer) > (2 * intervalMs) / 1000)
    wrong.push(`the outage was ${writer} s, and ${outageSeconds} s were counted`)
  return wrong
}
