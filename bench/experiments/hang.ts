import type { PostgresNode } from '../../test/servers/postgres.ts'
import { experiment } from '../experiment.ts'
import { childrenOf } from '../measure/process.ts'
import { createScraper, samplesOf, scrapeTimes } from '../measure/scrape.ts'
import { median } from '../measure/statistics.ts'
import { startExporter } from '../stage/exporter.ts'
import { missing, postgresExporter, startPostgresExporter } from '../stage/peers.ts'
import type { Subject } from '../stage/subject.ts'
import { configOf } from '../stage/targets.ts'
import { waitFor } from '../../test/servers/processes.ts'

/** How long a scrape may take before it counts as no answer, in milliseconds: Prometheus' default is 10 s. */
const patienceMs = 10_000

const times = { interval: '2s', timeout: '1s' }

/** Stops the postmaster and all of its backends, which then neither answer nor close; the function lets them go on. */
async function freeze(node: PostgresNode): Promise<() => void> {
  const pid = node.pid ?? 0
  const backends = await childrenOf(pid)
  const tell = (signal: NodeJS.Signals): void => {
    for (const one of backends) {
      try {
        process.kill(one, signal)
      } catch {
        // It has ended meanwhile.
      }
    }
  }
  node.pause()
  tell('SIGSTOP')
  return () => {
    tell('SIGCONT')
    node.resume()
  }
}

const isReachable = async ({ url }: Subject, value: number): Promise<boolean> => {
  const scraper = createScraper(url)
  try {
    const { body } = await scraper.scrape()
    return samplesOf(body, 'mailpath_postgres_reachable').some(sample => sample.value === value)
  } finally {
    scraper.close()
  }
}

/** One scrape in milliseconds, or all of the patience. */
async function answerOf(subject: Subject): Promise<number> {
  const scraper = createScraper(subject.url)
  try {
    return (await scraper.scrape(patienceMs)).milliseconds
  } catch {
    return patienceMs
  } finally {
    scraper.close()
  }
}

export const hang = experiment({
  id: 'hang',
  title: 'Scrape while a node hangs',
  how: `SIGSTOP of a postmaster and its backends: connects are accepted and nothing answers. Median of scrapes 20 ms apart over two intervals (${times.interval} here, so that runs that hang are under way all the time), in turn with the node healthy and hung. For postgres_exporter one scrape of the same node; ${patienceMs / 1000} s stand for no answer.`,
  missing: () => missing(postgresExporter),
  lines: {
    ours: {
      what: 'Scrape with a hung node, against the same exporter with a healthy one',
      unit: 'ms',
      better: 'lower',
      peer: 'itself, healthy',
      goal: { kind: 'ratio', bound: 1.2 },
    },
    peer: { what: 'Scrape with a hung node', unit: 'ms', better: 'lower', peer: postgresExporter.name },
  },
  async measure({ servers, quick }) {
    const { cluster, folder, env } = servers
    const node = await cluster.primary()
    const exporter = await startExporter({ config: configOf(servers, 10, times), env, folder })
    const peer = await startPostgresExporter(folder, node, cluster.logins.monitor)
    const [scrapes, turns] = quick ? [50, 1] : [200, 3]
    const [healthy, hung, peerHung]: [number[], number[], number[]] = [[], [], []]
    try {
      await answerOf(peer)
      for (let turn = 0; turn < turns; turn++) {
        await waitFor(() => isReachable(exporter, 1), { timeoutMs: 20_000, what: 'the node is seen up' })
        healthy.push(median(await scrapeTimes(exporter.url, scrapes, 20)))
        const thaw = await freeze(node)
        try {
          await waitFor(() => isReachable(exporter, 0), { timeoutMs: 20_000, what: 'the node is seen down' })
          hung.push(median(await scrapeTimes(exporter.url, scrapes, 20)))
          if (turn === 0) peerHung.push(await answerOf(peer))
        } finally {
          thaw()
        }
      }
      return { lines: { ours: { ours: hung, peer: healthy }, peer: { ours: hung, peer: peerHung } } }
    } finally {
      await Promise.all([exporter.stop(), peer.stop()])
    }
  },
})
