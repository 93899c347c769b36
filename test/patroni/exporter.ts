/** The exporter over the stage, in this process, and what it says. */
import { setMaxListeners } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseConfig } from '../../src/config/load.ts'
import { createLog } from '../../src/core/log.ts'
import { createMonitor } from '../../src/monitor/index.ts'
import type { Status } from '../../src/monitor/ledger.ts'
import { createReferences } from '../../src/references/index.ts'
import { startRelay } from '../faults/relay.ts'
import { addresses, outside, ports, roles, wayUrls } from './files.ts'
import { clusterName, nodeNames, ways, type Said, type SaidReason, type Way } from './record.ts'

export const intervalMs = 2_000
export const timeoutMs = 1_500
const everyMs = 30
/** Of its rounds at the start. */
const startMs = 20_000

export interface Exporter {
  readonly said: readonly Said[]
  readonly status: () => Status
  /** Every mail path is ok, or warns. */
  readonly isOk: () => boolean
  readonly counted: () => { readonly failovers: number; readonly outageSeconds: Record<Way, number> }
  readonly stop: () => Promise<void>
}

export type Sections = Readonly<Record<string, readonly object[]>>

/** The targets that a stage has. */
export function sections(haproxySocket: string): Sections {
  const cluster = clusterName
  const balanced = (proxy: string): object => ({ haproxy: { target: 'lb', proxy } })
  const pooler = (database: string): object => ({ pgbouncer: { target: 'pool', database }, ...balanced('haproxy') })
  const path = (name: Way, more: object): object => ({
    name,
    cluster,
    url: wayUrls[name],
    driver: 'node-postgres',
    pooled: true,
    ...more,
  })
  return {
    postgres: nodeNames.map(name => ({
      name,
      cluster,
      url: `postgres://${roles.monitor}@${addresses[name]}:${ports.postgres}/postgres`,
      max_slot_wal: 33_554_432,
    })),
    patroni: nodeNames.map(name => ({
      name,
      cluster,
      url: `http://${addresses[name]}:${ports.patroni}`,
      // One and a half turns of its loop, which takes 2 s, as the default is of 10 s. Patroni says whole seconds.
      max_dcs_age: '3s',
    })),
    haproxy: [
      { name: 'lb', socket: haproxySocket },
      { name: 'lb-metrics', url: `http://${outside}:${ports.metrics}/metrics` },
    ],
    pgbouncer: [{ name: 'pool', url: `postgres://${roles.stats}@${outside}:${ports.pgbouncer}/pgbouncer` }],
    write_path: [
      path('haproxy', balanced('haproxy')),
      path('haproxy-plain', balanced('haproxy-plain')),
      path('pgbouncer', pooler('app')),
      path('pgbouncer-session', pooler('app_session')),
    ],
    mail: ways.map(name => ({ name, write_path: [name], smtp: ['relay'] })),
  }
}

export async function startExporter(given: Sections): Promise<Exporter> {
  const relay = await startRelay()
  const config = parseConfig(
    JSON.stringify({ interval: `${intervalMs}ms`, timeout: `${timeoutMs}ms`, ...given, smtp: relay.section }),
    'patroni.yml',
  )
  const references = createReferences({ env: relay.env, vaults: [], kubernetes: undefined })
  const monitor = createMonitor(
    config,
    references,
    createLog('error', 'json', () => undefined),
  )
  const ended = new AbortController()
  setMaxListeners(0, ended.signal)
  const running = monitor.run(ended.signal)
  const said: Said[] = []
  const listening = (async () => {
    let last: { readonly status: Status; readonly words: string } | undefined
    while (!ended.signal.aborted) {
      const status = monitor.status()
      if (monitor.ready() && status !== last?.status) {
        const now = saidOf(status)
        const words = wordsOf(now)
        if (words !== last?.words) said.push({ at: Date.now(), ...now })
        last = { status, words }
      }
      await sleep(everyMs)
    }
  })()
  const until = Date.now() + startMs
  while (!monitor.ready() && Date.now() < until) await sleep(everyMs)
  return {
    said,
    status: () => monitor.status(),
    isOk: () => monitor.ready() && monitor.status().mail.every(({ verdict }) => verdict === 'ok' || verdict === 'warn'),
    counted: () => countedIn(monitor.status()),
    async stop() {
      ended.abort(new Error('the scenario has ended'))
      await running
      await listening
      await relay.smtp.close()
    },
  }
}

function saidOf(status: Status): Omit<Said, 'at'> {
  const [cluster] = status.clusters
  const mail = Object.fromEntries(
    status.mail.map(({ name, verdict, root }) => [
      name,
      { verdict, ...(root && { root: reasonAs(`${root.probe}/${root.target}`, root.reason) }) },
    ]),
  ) as Said['mail']
  return {
    mail,
    checks: Object.fromEntries(status.checks.map(({ id, verdict }) => [id, verdict])),
    reasons: [
      ...status.clusters.flatMap(({ name, reasons }) => reasons.map(one => reasonAs(`cluster/${name}`, one))),
      ...status.checks.flatMap(({ id, reasons }) => reasons.map(one => reasonAs(id, one))),
    ],
    cluster: {
      verdict: cluster?.verdict ?? 'unknown',
      primary: cluster?.primary,
      lockHolder: cluster?.lockHolder,
      splitBrain: cluster?.splitBrain,
    },
  }
}

const reasonAs = (id: string, { code, verdict, severity, text, remedy }: Omit<SaidReason, 'id'>): SaidReason => ({
  id,
  code,
  verdict,
  severity,
  text,
  remedy,
})

/** To compare: ages and counts in a text grow with each run. A number that is part of a name or an address stays. */
const wordsOf = (said: Omit<Said, 'at'>): string =>
  JSON.stringify(said).replace(/(?<![\w.:])\d+(\.\d+)?(?![\w.:]*\w)/g, '#')

function countedIn({ samples }: Status): { failovers: number; outageSeconds: Record<Way, number> } {
  const valueOf = (name: string, label: string, value: string): number =>
    samples.find(({ metric, labels }) => metric.name === name && labels[label] === value)?.value ?? 0
  const seconds = ways.map(way => [way, valueOf('mailpath_write_path_outage_seconds_total', 'target', way)] as const)
  return {
    failovers: valueOf('mailpath_cluster_failovers_total', 'postgres_cluster', clusterName),
    outageSeconds: Object.fromEntries(seconds) as Record<Way, number>,
  }
}
