import { setMaxListeners } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseConfig } from '../src/config/load.ts'
import { createReferences } from '../src/references/index.ts'
import { shardOf } from '../src/config/shard.ts'
import { createLog } from '../src/core/log.ts'
import { createMonitor, type Monitor } from '../src/monitor/index.ts'
import { startRelay, type Relay } from './faults/relay.ts'
import { startCluster, type Cluster } from './servers/postgres.ts'
import { waitFor } from './servers/processes.ts'

const intervalMs = 2_000
let cluster: Cluster
let relay: Relay

beforeAll(async () => {
  ;[cluster, relay] = await Promise.all([startCluster({ standbys: 1 }), startRelay()])
})
afterAll(async () => {
  await Promise.all([cluster.stop(), relay.smtp.close()])
})

function configOf() {
  const { monitor, backend } = cluster.logins
  const urlOf = ({ user, password }: typeof backend, port: number, database: string) =>
    `postgres://${user}:${password}@127.0.0.1:${port}/${database}`
  const [first] = cluster.nodes
  const env = {
    ...relay.env,
    ...Object.fromEntries(cluster.nodes.map(({ name, port }) => [name, urlOf(monitor, port, 'postgres')])),
    WAY: urlOf(backend, first?.port ?? 0, cluster.database),
  }
  const text = JSON.stringify({
    interval: `${intervalMs}ms`,
    timeout: '1700ms',
    postgres: cluster.nodes.map(({ name }) => ({ name, cluster: 'kb', url: { env: name } })),
    write_path: [{ name: 'way', cluster: 'kb', url: { env: 'WAY' } }],
    smtp: relay.section,
    mail: [{ name: 'app', write_path: ['way'], smtp: ['relay'] }],
  })
  const config = parseConfig(text, 'mailpath.yml')
  return { config, references: createReferences({ env, vaults: [], kubernetes: undefined }) }
}

/** Several exporters side by side, until `work` is done. */
async function sideBySide(monitors: readonly Monitor[], work: () => Promise<void>): Promise<void> {
  const stop = new AbortController()
  setMaxListeners(0, stop.signal)
  const watching = monitors.map(monitor => monitor.run(stop.signal))
  try {
    await work()
  } finally {
    stop.abort(new Error('the test has ended'))
    await Promise.all(watching)
  }
}

const silentLog = () => createLog('error', 'json', () => undefined)
const runsOf = (monitor: Monitor): number =>
  Math.min(...monitor.status().checks.map(({ id }) => monitor.status().records.get(id)?.runs ?? 0))
const until = (monitors: readonly Monitor[], rounds: number) =>
  waitFor(() => Promise.resolve(monitors.every(monitor => runsOf(monitor) >= rounds)), {
    timeoutMs: 60_000,
    what: `${rounds} rounds`,
  })

describe('two replicas with one configuration', () => {
  const replicas = (): Monitor[] => {
    const { config, references } = configOf()
    return [1, 2].map(() => createMonitor(config, references, silentLog()))
  }

  it('find the same, and take nothing from each other', async () => {
    const both = replicas()
    await sideBySide(both, async () => {
      await until(both, 6)
    })
    for (const monitor of both) {
      const { mail, records } = monitor.status()
      expect(mail[0]?.verdict).toBe('ok')
      expect([...records.values()].map(({ failures }) => failures)).toEqual([...records.values()].map(() => 0))
    }
  })

  it('leave one commit at most behind where commits hang, both of them together', async () => {
    const both = replicas()
    const primary = cluster.node('db-postgres-01')
    const hanging = async (): Promise<number> => {
      const rows = await primary.query<{ n: string }>(
        "select count(*) as n from pg_stat_activity where usename = $1 and wait_event = 'SyncRep'",
        [cluster.logins.backend.user],
      )
      return Number(rows[0]?.n)
    }
    await cluster.stickSyncCommit()
    try {
      let most = 0
      await sideBySide(both, async () => {
        const from = Math.max(...both.map(runsOf))
        while (both.some(monitor => runsOf(monitor) < from + 3)) {
          most = Math.max(most, await hanging())
          await sleep(50)
        }
        for (const monitor of both)
          expect(monitor.status().checks.find(({ probe }) => probe === 'write_path')?.reasons[0]?.code).toBe(
            'write_path_commit_stuck',
          )
      })
      expect(most).toBe(1)
    } finally {
      await cluster.unstickSyncCommit()
    }
  })
})

describe('shards of one configuration', () => {
  it('see together what one exporter sees', async () => {
    const { config, references } = configOf()
    const parts = [0, 1].map(index => shardOf(config, { index, count: 2 }))
    const monitors = parts.map(part => createMonitor(part, references, silentLog()))
    const whole = createMonitor(config, references, silentLog())
    const stop = new AbortController().signal
    await Promise.all([...monitors, whole].map(monitor => monitor.runAll(stop)))
    const seen = (list: readonly Monitor[]) => ({
      checks: list.flatMap(one => one.status().checks.map(({ id, verdict }) => [id, verdict])).toSorted(),
      clusters: list.flatMap(one => one.status().clusters.map(({ name, primary }) => [name, primary])),
      mail: list.flatMap(one => one.status().mail.map(({ name, verdict }) => [name, verdict])),
    })
    expect(seen(monitors)).toEqual(seen([whole]))
  })
})
