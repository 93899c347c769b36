import { experiment } from '../experiment.ts'
import { residentMegabytes } from '../measure/process.ts'
import { scrapeTimes } from '../measure/scrape.ts'
import { startExporter } from '../stage/exporter.ts'
import { blackbox, missing, postgresExporter, startBlackbox, startPostgresExporter } from '../stage/peers.ts'
import { plain, startPlain } from '../stage/plain.ts'
import type { Subject } from '../stage/subject.ts'
import { configOf } from '../stage/targets.ts'

const [targets, nodes] = [50, 5]

/** Resident memory after this many scrapes. Ends the process. */
async function afterScrapes(subject: Subject, scrapes: number): Promise<number> {
  try {
    await scrapeTimes(subject.url, scrapes)
    return await residentMegabytes(subject.pid)
  } finally {
    await subject.stop()
  }
}

export const memory = experiment({
  id: 'memory',
  title: 'Memory of 50 targets',
  how: `Resident memory (VmRSS, 10^6 bytes) with ${targets} targets after 1,000 scrapes, freshly started each time; ours with MALLOC_ARENA_MAX=1, as the image and the systemd unit start it, and plain likewise. Instead one would run a blackbox_exporter and ${nodes} postgres_exporters, one for each node: one of each is measured (the latter after 200 scrapes), and counted so many times.`,
  missing: () => missing(blackbox) ?? missing(postgresExporter),
  lines: {
    rss: {
      what: `Memory with ${targets} targets, after 1,000 scrapes`,
      unit: 'MB',
      better: 'lower',
      peer: `blackbox_exporter and ${nodes} postgres_exporters`,
      goal: { kind: 'value', bound: 80 },
    },
    plain: { what: `Memory with ${targets} targets, after 1,000 scrapes`, unit: 'MB', better: 'lower', peer: plain },
    alone: {
      what: `Memory with ${targets} targets, against a blackbox_exporter alone`,
      unit: 'MB',
      better: 'lower',
      peer: blackbox.name,
    },
  },
  async measure({ servers, quick }) {
    const { cluster, folder, env } = servers
    const node = await cluster.primary()
    const [ours, floor, alone, together]: [number[], number[], number[], number[]] = [[], [], [], []]
    for (let turn = 0; turn < (quick ? 1 : 3); turn++) {
      const given = { config: configOf(servers, targets), env, folder }
      ours.push(await afterScrapes(await startExporter(given), 1000))
      floor.push(await afterScrapes(await startPlain(given), 1000))
      const one = await afterScrapes(await startBlackbox(folder), 1000)
      const other = await startPostgresExporter(folder, node, cluster.logins.monitor)
      alone.push(one)
      together.push(one + nodes * (await afterScrapes(other, 200)))
    }
    return { lines: { rss: { ours, peer: together }, plain: { ours, peer: floor }, alone: { ours, peer: alone } } }
  },
})
