import { execFileSync } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { experiment, type Line } from '../experiment.ts'
import { launchExporter } from '../stage/exporter.ts'
import { configOf } from '../stage/targets.ts'
import { atWork, targetsOf, type Work } from './scale.ts'

const versions = ['20', '24'] as const
const [older, newer] = versions

/** Its binary, which npm fetches where it is not this one. */
const nodeOf = (version: string): string =>
  process.version.startsWith(`v${version}.`)
    ? process.execPath
    : execFileSync('npx', ['-y', `node@${version}`, '-p', 'process.execPath'], {
        encoding: 'utf8',
        timeout: 120_000,
      }).trim()

const line = (what: string, unit: Line['unit']): Line => ({
  what: `1,000 targets on Node.js ${newer}: ${what}`,
  unit,
  better: 'lower',
  subject: `Node.js ${newer}`,
  peer: `Node.js ${older}`,
})

export const nodeVersions = experiment({
  id: 'node-versions',
  title: `Node.js ${older} and ${newer}`,
  how: `The exporter with 1,000 targets at 15 s, on both at the same time: CPU of whole intervals after half a minute, then memory after 100 scrapes. The image runs on ${newer}.`,
  lines: {
    steady: line('CPU of one core', '%'),
    lag: line('event-loop delay, p99', 'ms'),
    rss: line('memory after scrapes', 'MB'),
  },
  async measure({ servers, quick }) {
    const plan = { first: quick ? 15 : 30, intervals: 1, scrapes: quick ? 20 : 100 }
    const workOn = async (version: string): Promise<Work> => {
      const folder = path.join(servers.folder, `node-${version}`)
      await mkdir(folder, { recursive: true })
      const given = { config: configOf(servers, targetsOf(quick)), env: servers.env, folder, node: nodeOf(version) }
      return atWork(() => launchExporter(given), plan)
    }
    const [peer, ours] = await Promise.all([workOn(older), workOn(newer)])
    return {
      lines: {
        steady: { ours: ours.steady, peer: peer.steady },
        lag: { ours: ours.lag, peer: peer.lag },
        rss: { ours: [ours.rss], peer: [peer.rss] },
      },
    }
  },
})
