import { alternate } from '../measure/alternate.ts'
import { cpuSeconds } from '../measure/process.ts'
import { scrapeOnce, scrapeTimes, seriesCount } from '../measure/scrape.ts'
import { requestsPerSecond, wrkMissing } from '../measure/wrk.ts'
import { experiment, type Stage } from '../experiment.ts'
import { startExporter } from '../stage/exporter.ts'
import { blackbox, missing, postgresExporter, startBlackbox, startPostgresExporter } from '../stage/peers.ts'
import type { Subject } from '../stage/subject.ts'
import { configOf } from '../stage/targets.ts'

/** Ten targets have more than the 200 series of the goal. */
const targets = 10

const ours = ({ servers }: Stage): Promise<Subject> =>
  startExporter({ config: configOf(servers, targets), env: servers.env, folder: servers.folder })

async function sizesOf(...subjects: readonly Subject[]): Promise<string> {
  const sizes = subjects.map(async ({ name, url }) => {
    const { body } = await scrapeOnce(url)
    return `${name} ${seriesCount(body)} series in ${Math.round(body.length / 1000)} kB`
  })
  return `Bodies: ${(await Promise.all(sizes)).join('; ')}.`
}

/** As Prometheus asks. */
const asPrometheus = {
  'Accept-Encoding': 'gzip',
  Accept: 'application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.5,*/*;q=0.1',
}

export const throughput = experiment({
  id: 'throughput',
  title: 'Scrapes per second',
  how: 'wrk with one thread and 16 kept connections against /metrics, process metrics on and the checks running on their interval; blackbox_exporter gives the metrics about itself. With gzip and OpenMetrics, as Prometheus asks, and without.',
  missing: () => wrkMissing() ?? missing(blackbox),
  lines: {
    plain: {
      what: 'Scrapes per second, 16 connections',
      unit: 'req/s',
      better: 'higher',
      peer: blackbox.name,
      goal: { kind: 'ratio', bound: 3 },
    },
    gzip: {
      what: 'The same as Prometheus asks: OpenMetrics, gzip',
      unit: 'req/s',
      better: 'higher',
      peer: blackbox.name,
    },
  },
  async measure(stage) {
    const { servers, quick } = stage
    const load = { connections: 16, seconds: quick ? 1 : 4 }
    const [exporter, peer] = [await ours(stage), await startBlackbox(servers.folder)]
    try {
      const measured = async (headers: Record<string, string>) =>
        alternate(
          quick ? 1 : 5,
          () => requestsPerSecond(exporter.url, { ...load, headers }),
          () => requestsPerSecond(peer.url, { ...load, headers }),
        )
      const notes = [await sizesOf(exporter, peer)]
      return { lines: { plain: await measured({}), gzip: await measured(asPrometheus) }, notes }
    } finally {
      await Promise.all([exporter.stop(), peer.stop()])
    }
  },
})

export const scrapeCpu = experiment({
  id: 'scrape-cpu',
  title: 'CPU of a scrape',
  how: 'CPU of the process over scrapes on one kept connection, user and system (/proc/PID/stat), as seconds per 1,000. Ours contains the checks that ran meanwhile. postgres_exporter queries its server on every scrape; the CPU of that server is another line.',
  missing: () => missing(blackbox) ?? missing(postgresExporter),
  lines: {
    blackbox: {
      what: 'CPU per 1,000 scrapes',
      unit: 's',
      better: 'lower',
      peer: blackbox.name,
      goal: { kind: 'ratio', bound: 0.4 },
    },
    postgres: { what: 'CPU per 1,000 scrapes', unit: 's', better: 'lower', peer: postgresExporter.name },
  },
  async measure(stage) {
    const { servers, quick } = stage
    const exporter = await ours(stage)
    const peer = await startBlackbox(servers.folder)
    const node = await servers.cluster.primary()
    const other = await startPostgresExporter(servers.folder, node, servers.cluster.logins.monitor)
    const per1000 = (subject: Subject, scrapes: number) => async (): Promise<number> => {
      const before = await cpuSeconds(subject.pid)
      const { length } = await scrapeTimes(subject.url, scrapes)
      return ((await cpuSeconds(subject.pid)) - before) * (1000 / length)
    }
    try {
      const [turns, count] = quick ? [1, 300] : [5, 1000]
      await scrapeTimes(exporter.url, count)
      return {
        lines: {
          blackbox: await alternate(turns, per1000(exporter, count), per1000(peer, count)),
          postgres: await alternate(quick ? 1 : 3, per1000(exporter, count), per1000(other, count / 5)),
        },
        notes: [await sizesOf(exporter, peer, other)],
      }
    } finally {
      await Promise.all([exporter.stop(), peer.stop(), other.stop()])
    }
  },
})
