import { setTimeout as sleep } from 'node:timers/promises'
import { experiment } from '../experiment.ts'
import { cpuSeconds, residentMegabytes } from '../measure/process.ts'
import { scrapeOnce } from '../measure/scrape.ts'
import { sum } from '../measure/statistics.ts'
import { startExporter } from '../stage/exporter.ts'
import { blackbox, missing, postgresExporter, startBlackbox, startPostgresExporter } from '../stage/peers.ts'
import type { Subject } from '../stage/subject.ts'
import { configOf, emptyConfig, type Config } from '../stage/targets.ts'

/** 700 targets of 1,000: what the peers can look at in some way. */
const nodes = 100
/** Of the postgres_exporters so many are run; each of them takes the same. */
const run = 10
const intervalSeconds = 15

/** The same targets for ours. */
function withoutOthers(all: Config): Config {
  const { postgres, write_path, smtp, vault } = all
  const password = { env: 'SMTP_PASSWORD' }
  const relays = smtp.map(one => ({ ...one, password }))
  const config = { ...emptyConfig(all), postgres, smtp: relays, vault }
  return { ...config, write_path: write_path.slice(0, 200) }
}

/** Scrapes each address once an interval, spread over it, for so many intervals. */
async function scrapeEach(urls: readonly string[], intervals: number): Promise<void> {
  const gap = (intervalSeconds * 1000) / urls.length
  const from = performance.now()
  const pending: Promise<unknown>[] = []
  for (let n = 0; n < intervals * urls.length; n++) {
    await sleep(from + n * gap - performance.now())
    const answer = scrapeOnce(urls[n % urls.length] ?? '').then(({ status, body }) => {
      if (status !== 200 || /^probe_success 0$/m.test(body)) throw new Error(`${urls[n % urls.length] ?? ''}: ${body}`)
    })
    pending.push(answer)
  }
  await Promise.all(pending)
}

/** CPU in percent of a core while that is done. */
async function cpuWhile(subjects: readonly Subject[], work: () => Promise<unknown>): Promise<number[]> {
  const [from, before] = [performance.now(), await Promise.all(subjects.map(({ pid }) => cpuSeconds(pid)))]
  await work()
  const after = await Promise.all(subjects.map(({ pid }) => cpuSeconds(pid)))
  return after.map((cpu, n) => (100 * 1000 * (cpu - (before[n] ?? 0))) / (performance.now() - from))
}

const peers = `blackbox_exporter and ${nodes} postgres_exporters`

export const fleet = experiment({
  id: 'fleet',
  title: 'The fleet of peers for 700 targets',
  how: `Of 1,000 targets the peers can look at 700 in some way: ${nodes} nodes by a postgres_exporter each, and 200 write paths, 200 relays and 200 Vaults by one blackbox_exporter, which opens a connection (to a relay also EHLO and STARTTLS, of a Vault it asks for its health). It does not log in, write, or read a secret, and nothing compares what was found. ${run} of the postgres_exporters are run, and counted as ${nodes}: that is more than would be there, since what they share of memory is counted each time. All are scraped every ${intervalSeconds} s, ours too, which does look at all of it, at the same time. The CPU of the servers is not in it.`,
  missing: () => missing(blackbox) ?? missing(postgresExporter),
  lines: {
    cpu: { what: '700 targets: CPU of one core', unit: '%', better: 'lower', peer: peers },
    rss: {
      what: '700 targets: memory',
      unit: 'MB',
      better: 'lower',
      peer: peers,
      goal: { kind: 'ratio', bound: 0.12 },
    },
  },
  async measure({ servers, quick }) {
    const { cluster, folder, env, smtpPort, vaultPort, writePort } = servers
    const node = await cluster.primary()
    const started: Subject[] = []
    const add = async (subject: Promise<Subject>): Promise<Subject> => {
      const one = await subject
      started.push(one)
      return one
    }
    try {
      const box = await add(startBlackbox(folder))
      for (let n = 0; n < run; n++) await add(startPostgresExporter(folder, node, cluster.logins.monitor))
      const ours = await add(startExporter({ config: withoutOthers(configOf(servers, 1000)), env, folder }))
      const probe = (module: string, target: string): string =>
        `${box.url.replace('/metrics', '/probe')}?module=${module}&target=${encodeURIComponent(target)}`
      const looks = [
        probe('tcp_connect', `127.0.0.1:${writePort}`),
        probe('smtp_starttls', `127.0.0.1:${smtpPort}`),
        probe('vault', `http://127.0.0.1:${vaultPort}/v1/sys/health`),
      ]
      const urls = Array.from({ length: 600 }, (_, n) => looks[n % looks.length] ?? '')
      const fleet = started.slice(1, 1 + run)
      const intervals = quick ? 1 : 3
      const work = () =>
        Promise.all([scrapeEach(urls, intervals), ...[...fleet, ours].map(({ url }) => scrapeEach([url], intervals))])
      await scrapeEach([...looks, ...fleet.map(({ url }) => url)], quick ? 0.2 : 1)
      const [ofBox = 0, ...others] = await cpuWhile([box, ...fleet, ours], work)
      const memory = await Promise.all([box, ...fleet, ours].map(({ pid }) => residentMegabytes(pid)))
      const [boxMemory = 0, ...otherMemory] = memory
      const all = (first: number, each: readonly number[]): number => first + (sum(each.slice(0, run)) * nodes) / run
      return {
        lines: {
          cpu: { ours: [others.at(-1) ?? 0], peer: [all(ofBox, others)] },
          rss: { ours: [otherMemory.at(-1) ?? 0], peer: [all(boxMemory, otherMemory)] },
        },
        notes: [
          `blackbox_exporter alone takes ${ofBox.toFixed(1)} % and ${boxMemory.toFixed(0)} MB, a postgres_exporter ${(sum(others.slice(0, run)) / run).toFixed(2)} % and ${(sum(otherMemory.slice(0, run)) / run).toFixed(1)} MB.`,
        ],
      }
    } finally {
      await Promise.all(started.map(one => one.stop()))
    }
  },
})
