import { setTimeout as sleep } from 'node:timers/promises'
import { waitFor } from '../../test/servers/processes.ts'
import { experiment } from '../experiment.ts'
import { createScraper, samplesOf, type Scraper } from '../measure/scrape.ts'
import { startExporter } from '../stage/exporter.ts'
import { missing, postgresExporter, startPostgresExporter } from '../stage/peers.ts'
import { configOf } from '../stage/targets.ts'

const intervalMs = 15_000

/** Whether the metric is 0 in a scrape for the target, or, without one, at all; a scrape that fails says nothing. */
const isDown = async (scraper: Scraper, metric: string, label = ''): Promise<boolean> => {
  const { body } = await scraper.scrape()
  return samplesOf(body, metric).some(({ labels, value }) => value === 0 && labels.includes(label))
}

/** Milliseconds until it shows, asked every so often. */
async function untilDown(isIt: () => Promise<boolean>, everyMs: number): Promise<number> {
  const from = performance.now()
  await waitFor(isIt, { timeoutMs: 3 * intervalMs, everyMs, what: 'the fault shows' })
  return performance.now() - from
}

export const fault = experiment({
  id: 'fault',
  title: 'Fault to gauge',
  how: 'The primary is killed (SIGKILL), each time at another moment of the interval of 15 s. Ours: until mailpath_postgres_reachable of it is 0 on /metrics, asked every 10 ms. postgres_exporter looks only when it is scraped: until pg_up is 0 in a scrape, scraped every 15 s.',
  missing: () => missing(postgresExporter),
  lines: {
    fault: {
      what: 'Primary killed, until a gauge shows it, at an interval of 15 s',
      unit: 'ms',
      better: 'lower',
      peer: postgresExporter.name,
      goal: { kind: 'value', bound: 500 },
    },
  },
  async measure({ servers, quick }) {
    const { cluster, folder, env } = servers
    const [ours, theirs]: [number[], number[]] = [[], []]
    const kills = quick ? 1 : 3
    for (let kill = 0; kill < kills; kill++) {
      const node = await cluster.primary()
      const exporter = await startExporter({ config: configOf(servers, 20), env, folder })
      const peer = await startPostgresExporter(folder, node, cluster.logins.monitor)
      const [scraper, peerScraper] = [createScraper(exporter.url), createScraper(peer.url)]
      try {
        await peerScraper.scrape()
        const scraped = performance.now()
        // Spread over the interval, and not at its ends.
        const wait = (intervalMs * (kill + 0.5)) / kills
        await sleep(wait)
        await node.kill()
        const target = `target="db-${cluster.nodes.indexOf(node)}-0"`
        const peerShows = sleep(intervalMs - (performance.now() - scraped)).then(() =>
          untilDown(() => isDown(peerScraper, 'pg_up'), intervalMs),
        )
        const killed = performance.now()
        ours.push(await untilDown(() => isDown(scraper, 'mailpath_postgres_reachable', target), 10))
        await peerShows
        theirs.push(performance.now() - killed)
      } finally {
        scraper.close()
        peerScraper.close()
        await Promise.all([exporter.stop(), peer.stop()])
        await cluster.heal()
      }
    }
    return { lines: { fault: { ours, peer: theirs } } }
  },
})
