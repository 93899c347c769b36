import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { experiment, type Line } from '../experiment.ts'
import { cpuSeconds } from '../measure/process.ts'
import { samplesOf, scrapeOnce } from '../measure/scrape.ts'
import { sum } from '../measure/statistics.ts'
import type { Servers } from '../stage/servers.ts'
import { startExporter } from '../stage/exporter.ts'
import { plain, startPlain } from '../stage/plain.ts'
import type { Subject } from '../stage/subject.ts'
import { configOf, emptyConfig, type Config } from '../stage/targets.ts'

/** As many runs in a second as 1,000 targets have at 15 s, or a little less. */
const targets = 50
const times = { interval: '1s', timeout: '900ms' }

const groups = {
  write_path: ['write_path'],
  smtp: ['smtp'],
  vault: ['vault'],
  postgres: ['postgres'],
  others: ['settings', 'packages', 'drift'],
} as const
type Group = keyof typeof groups

/** Only targets of these kinds, each a copy of one that there is. */
function onlyOf(servers: Servers, group: Group): Config {
  const all = configOf(servers, 20)
  const config = emptyConfig(times)
  const kinds = groups[group]
  for (let n = 0; n < targets; n++) {
    const kind = kinds[n % kinds.length] ?? kinds[0]
    // Not that which reads its password out of a Vault, and not one with two sources.
    const [first] = all[kind]
    const own = group === 'postgres' ? { cluster: `cluster-${n}` } : {}
    config[kind].push({ ...first, ...own, name: `${kind}-${n}` })
  }
  if (group === 'others') config.vault.push(...all.vault.map(one => ({ ...one, interval: '1h' })))
  return config
}

/** Runs so far. */
const runsOf = async ({ url }: Subject, kinds: readonly string[]): Promise<number> => {
  const { body } = await scrapeOnce(url)
  const samples = [...samplesOf(body, 'mailpath_check_runs_total'), ...samplesOf(body, 'plain_looks_total')]
  return sum(
    samples.flatMap(({ labels, value }) => (kinds.some(kind => labels.includes(`probe="${kind}"`)) ? [value] : [])),
  )
}

/** Milliseconds of CPU of both per run, over some windows. */
async function cost({ servers, quick }: { servers: Servers; quick: boolean }, group: Group) {
  const folder = path.join(servers.folder, `kind-${group}`)
  await mkdir(folder, { recursive: true })
  const given = { config: onlyOf(servers, group), env: servers.env, folder }
  const ours = await startExporter(given)
  const peer = await startPlain(given).catch(async (error: unknown) => {
    await ours.stop()
    throw error
  })
  try {
    await sleep(quick ? 1_000 : 5_000)
    const [measured, theirs]: [number[], number[]] = [[], []]
    for (let window = 0; window < (quick ? 1 : 3); window++) {
      const markOf = async (subject: Subject) => ({
        runs: await runsOf(subject, groups[group]),
        cpu: await cpuSeconds(subject.pid),
      })
      const from = [await markOf(ours), await markOf(peer)] as const
      await sleep(4_000)
      const to = [await markOf(ours), await markOf(peer)] as const
      const perRun = (n: 0 | 1): number => (1000 * (to[n].cpu - from[n].cpu)) / (to[n].runs - from[n].runs)
      measured.push(perRun(0))
      theirs.push(perRun(1))
    }
    return { ours: measured, peer: theirs }
  } finally {
    await Promise.all([ours.stop(), peer.stop()])
  }
}

const line = (what: string, bound: number): Line => ({
  what: `CPU of a run: ${what}`,
  unit: 'ms',
  better: 'lower',
  peer: plain,
  goal: { kind: 'ratio', bound },
})

export const kinds = experiment({
  id: 'kinds',
  title: 'CPU of a run, by kind',
  how: `A process with ${targets} targets of one kind alone, each run every second, and at the same time the same with plain: CPU of the process divided by runs, so all that a run brings about is in it. Others are settings, packages and drift.`,
  lines: {
    write_path: line('write_path', 1.2),
    smtp: line('smtp', 1.2),
    vault: line('vault', 1.2),
    postgres: line('postgres', 1.2),
    others: line('others', 1.4),
  },
  async measure(stage) {
    return {
      lines: {
        write_path: await cost(stage, 'write_path'),
        smtp: await cost(stage, 'smtp'),
        vault: await cost(stage, 'vault'),
        postgres: await cost(stage, 'postgres'),
        others: await cost(stage, 'others'),
      },
    }
  },
})
