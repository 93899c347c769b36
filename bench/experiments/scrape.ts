import { alternate } from '../measure/alternate.ts'
import { cpuSeconds } from '../measure/process.ts'
import { scrapeOnce, scrapeTimes, seriesCount } from '../measure/scrape.ts'
import { requestsPerSecond, wrkMissing } from '../measure/wrk.ts'
import { experiment, type Stage } from '../experiment.ts'
import { startExporter } from '../stage/exporter.ts'
import { blackbox, missing, postgresExporter, startBlackbox, startPostgresExporter } from '../stage/peers.ts'
import { plain, startPlain } from '../stage/plain.ts'
import type { Subject } from '../stage/subject.ts'
import { configOf } from '../stage/targets.ts'

/** Ten targets have more than the 200 series of the goal. */
const targets = 10

const given = ({ servers }: Stage) => ({
  config: configOf(servers, targets),
  env: servers.env,
  folder: servers.folder,
})

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
  how: 'wrk with one thread and 16 kept connections against /metrics, process metrics on and the checks running on their interval; blackbox_exporter gives the metrics about itself. With gzip and OpenMetrics, as Prometheus asks, and without. plain writes all of its few metrics each time, as prom-client does.',
  missing: () => wrkMissing() ?? missing(blackbox),
  lines: {
    text: {
      what: 'Scrapes per second, 16 connections',
      unit: 'req/s',
      better: 'higher',
      peer: blackbox.name,
      goal: { kind: 'ratio', bound: 3 },
    },
    plain: { what: 'Scrapes per second, 16 connections', unit: 'req/s', better: 'higher', peer: plain },
    gzip: {
      what: 'The same as Prometheus asks: OpenMetrics, gzip',
      unit: 'req/s',
      better: 'higher',
      peer: blackbox.name,
    },
  },
  async measure(stage) {
    const { quick } = stage
    const load = { connections: 16, seconds: quick ? 1 : 3 }
    const [exporter, floor] = [await startExporter(given(stage)), await startPlain(given(stage))]
    const peer = await startBlackbox(stage.servers.folder)
    try {
      const against = async ({ url }: Subject, headers: Record<string, string>) =>
        alternate(
          quick ? 1 : 3,
          () => requestsPerSecond(exporter.url, { ...load, headers }),
          () => requestsPerSecond(url, { ...load, headers }),
        )
      const notes = [await sizesOf(exporter, floor, peer)]
      const [text, plain] = [await against(peer, {}), await against(floor, {})]
      return { lines: { text, plain, gzip: await against(peer, asPrometheus) }, notes }
    } finally {
      await Promise.all([exporter.stop(), floor.stop(), peer.stop()])
    }
  },
})

export const scrapeCpu = experiment({
  id: 'scrape-cpu',
  title: 'CPU of a scrape',
  how: 'CPU of the process over scrapes on one kept connection, user and system (/proc/PID/stat), as seconds per 1,000. Ours contains the checks that ran meanwhile, and that of plain its looks. postgres_exporter queries its server on every scrape; the CPU of that server is another line.',
  missing: () => missing(blackbox) ?? missing(postgresExporter),
  lines: {
    blackbox: {
      what: 'CPU per 1,000 scrapes',
      unit: 's',
      better: 'lower',
      peer: blackbox.name,
      goal: { kind: 'ratio', bound: 0.4 },
    },
    plain: { what: 'CPU per 1,000 scrapes', unit: 's', better: 'lower', peer: plain },
    postgres: { what: 'CPU per 1,000 scrapes', unit: 's', better: 'lower', peer: postgresExporter.name },
  },
  async measure(stage) {
    const { servers, quick } = stage
    const [exporter, floor] = [await startExporter(given(stage)), await startPlain(given(stage))]
    const peer = await startBlackbox(servers.folder)
    const node = await servers.cluster.primary()
    const other = await startPostgresExporter(servers.folder, node, servers.cluster.logins.monitor)
    const per1000 = (subject: Subject, scrapes: number) => async (): Promise<number> => {
      const before = await cpuSeconds(subject.pid)
      const { length } = await scrapeTimes(subject.url, scrapes)
      return ((await cpuSeconds(subject.pid)) - before) * (1000 / length)
    }
    try {
      const [turns, count] = quick ? [1, 300] : [3, 1000]
      await scrapeTimes(exporter.url, count)
      return {
        lines: {
          blackbox: await alternate(turns, per1000(exporter, count), per1000(peer, count)),
          plain: await alternate(turns, per1000(exporter, count), per1000(floor, count)),
          postgres: await alternate(quick ? 1 : 3, per1000(exporter, count), per1000(other, count / 5)),
        },
        notes: [await sizesOf(exporter, floor, peer, other)],
      }
    } finally {
      await Promise.all([exporter.stop(), floor.stop(), peer.stop(), other.stop()])
    }
  },
})
