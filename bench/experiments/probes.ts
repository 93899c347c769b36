import { setTimeout as sleep } from 'node:timers/promises'
import { experiment, type Line, type Outcome, type Stage } from '../experiment.ts'
import { cpuSeconds, cpuSecondsOfTree } from '../measure/process.ts'
import { samplesOf, scrapeOnce } from '../measure/scrape.ts'
import { sum } from '../measure/statistics.ts'
import { notOk, startExporter } from '../stage/exporter.ts'
import { probed, type Kind, type Probed } from '../stage/probed.ts'

type Name = keyof typeof probed
const names = Object.keys(probed) as Name[]

/** What a round asks of the server, and how much that may be at most (docs/design.md). */
const budgets: Readonly<Record<Name, readonly [what: string, bound?: number]>> = {
  patroni: ['requests', 1],
  haproxy: ['requests', 1],
  pgbouncer: ['statements'],
  outbox: ['statements', 1],
  vault: ['requests, with one secret', 2],
  ses: ['requests, at one round in a minute', 4],
  kubernetes: ['requests', 1],
  dns: ['queries, at one round in ten minutes', 80],
  canary: ['mails, at one round in five minutes', 1],
  postfix: ['connections', 1],
}
const servers: Partial<Record<Name, string>> = {
  patroni: 'Patroni',
  haproxy: 'HAProxy',
  pgbouncer: 'PgBouncer',
  dns: 'nsd',
  canary: 'Dovecot',
  postfix: 'Postfix',
}

const targets = 10
/** Many rounds in little time. A canary waits for its mail, and a look into DNS asks for a few dozen names. */
const interval = (name: Name): string => (name === 'canary' || name === 'dns' ? '3s' : '1s')

const serverCpu = ({ process: of }: Probed): Promise<number> =>
  of === undefined ? Promise.resolve(0) : of.withChildren ? cpuSecondsOfTree(of.pid) : cpuSeconds(of.pid)

interface Cost {
  readonly asked: number
  readonly ours: number
  readonly server: number
  readonly failing: number
}

async function cost({ servers: all, quick }: Stage, name: Name): Promise<Cost> {
  const { probe, start }: Kind = probed[name]
  const server = await start(all)
  try {
    // What the server takes with nobody asking.
    const idleMs = quick ? 500 : 2_000
    const idle = await serverCpu(server)
    await sleep(idleMs)
    const idleShare = ((await serverCpu(server)) - idle) / idleMs
    const before = server.asked()
    const config = { interval: interval(name), timeout: '900ms', ...server.config(targets) }
    const exporter = await startExporter({ config, env: { ...all.env, ...server.env }, folder: all.folder })
    try {
      const look = async () => {
        const { body } = await scrapeOnce(exporter.url)
        const runs = samplesOf(body, 'mailpath_check_runs_total').filter(({ labels }) =>
          labels.includes(`probe="${probe}"`),
        )
        return { runs: sum(runs.map(({ value }) => value)), failing: notOk(body).length, asked: server.asked() }
      }
      const first = await look()
      await sleep(quick ? 500 : 2_000)
      const mark = async () => ({
        ...(await look()),
        at: performance.now(),
        ours: await cpuSeconds(exporter.pid),
        server: await serverCpu(server),
      })
      const from = await mark()
      await sleep(quick ? 4_000 : 9_000)
      const to = await mark()
      const runs = to.runs - from.runs
      return {
        asked: Math.max((first.asked - before) / first.runs, (to.asked - from.asked) / runs),
        ours: (1000 * (to.ours - from.ours)) / runs,
        server: Math.max(0, (1000 * (to.server - from.server - idleShare * (to.at - from.at))) / runs),
        failing: to.failing,
      }
    } finally {
      await exporter.stop()
    }
  } finally {
    await server.stop()
  }
}

function linesOf(name: Name): [string, Line][] {
  const [what, bound] = budgets[name]
  const probe = name === 'postfix' ? 'smtp' : name
  const at = servers[name] ?? (name === 'outbox' ? 'Postgres' : 'the server')
  const goal = bound === undefined ? {} : { goal: { kind: 'value', bound } as const }
  const asked: Line = { what: `${probe}: ${what}, at ${at}`, unit: '', better: 'lower', ...goal }
  const ours: Line = { what: `${probe}: CPU of a run of ours`, unit: 'ms', better: 'lower' }
  const server: Line = { what: `${probe}: CPU of ${at} per round`, unit: 'ms', better: 'lower' }
  return [
    [`${name}-asked`, asked],
    // It has a line of its own among those of 1,000 targets.
    ...(name === 'postfix' || name === 'vault' ? [] : ([[`${name}-ours`, ours]] as [string, Line][])),
    ...(servers[name] === undefined ? [] : ([[`${name}-server`, server]] as [string, Line][])),
  ]
}

export const probes = experiment<string>({
  id: 'probes',
  title: 'The other probes, and the load on what they look at',
  how: `${targets} targets of one kind, with a round every second (dns and canary: every three). Requests are counted on the way to the server, or by the double (SES, Kubernetes, Vault); the first round and later ones are counted apart, and the larger is shown. CPU of a server is that of its processes while it is probed, less what it takes with nobody asking: that of Patroni without its Postgres. The smtp line is that of a real Postfix.`,
  lines: Object.fromEntries(names.flatMap(linesOf)),
  async measure(stage) {
    const lines: Record<string, Outcome['lines'][string]> = {}
    const notes: string[] = []
    for (const name of names) {
      const missing = (probed[name] as Kind).missing?.()
      if (missing !== undefined) {
        notes.push(`${name}: ${missing}.`)
        continue
      }
      const { asked, ours, server, failing } = await cost(stage, name)
      for (const [what, value] of Object.entries({ asked, ours, server })) lines[`${name}-${what}`] = { ours: [value] }
      if (failing > 0) notes.push(`${name}: ${failing} checks were not ok.`)
    }
    return { lines, notes }
  },
})
