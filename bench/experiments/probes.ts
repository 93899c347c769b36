import { setTimeout as sleep } from 'node:timers/promises'
import { experiment, type Line, type Outcome, type Stage } from '../experiment.ts'
import { cpuSeconds, cpuSecondsOfTree } from '../measure/process.ts'
import { scrapeOnce } from '../measure/scrape.ts'
import { sum } from '../measure/statistics.ts'
import { notOk, runsByCheck, startExporter } from '../stage/exporter.ts'
import { probed, type Kind, type Probed, type Times } from '../stage/probed.ts'
import type { Subject } from '../stage/subject.ts'

type Name = keyof typeof probed
const names = Object.keys(probed) as Name[]

/** What a round asks of the server, and how much that may be at most (docs/design.md). */
const budgets: Readonly<Record<Name, readonly [what: string, bound?: number]>> = {
  patroni: ['requests', 1],
  haproxy: ['requests', 1],
  pgbouncer: ['statements'],
  outbox: ['questions', 1],
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
/** Many rounds in little time. A look into DNS asks for a few dozen names, and a canary sends a mail a minute at most. */
const often = { interval: '1s', timeout: '900ms' }
const timesOf = (name: Name): Times =>
  name === 'canary' ? { interval: '1m', timeout: '10s' } : name === 'dns' ? { interval: '5s', timeout: '4s' } : often

const serverCpu = ({ process: of }: Probed): Promise<number> =>
  of === undefined ? Promise.resolve(0) : of.withChildren ? cpuSecondsOfTree(of.pid) : cpuSeconds(of.pid)

interface Cost {
  readonly asked: number
  readonly ours: number
  readonly server: number
  readonly failing: number
}

/** Another program may take a port that was free a moment ago; the next try has other ports. */
async function started<T>(start: () => Promise<T>): Promise<T> {
  for (let left = 3; ; left--) {
    try {
      return await start()
    } catch (error) {
      if (left === 0 || !/EADDRINUSE|address already in use/i.test(String(error))) throw error
    }
  }
}

async function cost({ servers: all, quick }: Stage, name: Name): Promise<Cost> {
  const { probe, start }: Kind = probed[name]
  const server = await started(() => start(all))
  const runsOf = async ({ url }: Subject): Promise<number> =>
    sum([...runsByCheck((await scrapeOnce(url)).body)].flatMap(([check, runs]) => (isOf(probe, check) ? [runs] : [])))
  /** While nothing is under way: what a run has asked is counted with it. */
  const mark = async (exporter: Subject) => {
    const now = async () => ({ runs: await runsOf(exporter), asked: server.asked() })
    let last = await now()
    for (let again = 0; again < 100; again++) {
      await sleep(20)
      const next = await now()
      if (next.runs === last.runs && next.asked === last.asked) break
      last = next
    }
    return { ...last, at: performance.now(), ours: await cpuSeconds(exporter.pid), server: await serverCpu(server) }
  }
  try {
    // What the server takes with nobody asking.
    const [idleMs, idle] = [quick ? 500 : 2_000, await serverCpu(server)]
    await sleep(idleMs)
    const idleShare = ((await serverCpu(server)) - idle) / idleMs
    const times = timesOf(name)
    const config = { ...times, ...server.config(targets, times) }
    const exporter = await startExporter({ config, env: { ...all.env, ...server.env }, folder: all.folder })
    try {
      // The first rounds also ask what is asked once in a while.
      await sleep(quick ? 500 : 3_000)
      const from = await mark(exporter)
      await sleep(name === 'canary' ? 61_000 : quick ? 5_000 : 10_000)
      const to = await mark(exporter)
      const failing = notOk((await scrapeOnce(exporter.url)).body).filter(check => isOf(probe, check))
      const runs = to.runs - from.runs
      if (runs === 0) throw new Error(`${probe} did not run`)
      return {
        asked: (to.asked - from.asked) / runs,
        failing: failing.length,
        ours: (1000 * (to.ours - from.ours)) / runs,
        server: Math.max(0, (1000 * (to.server - from.server - idleShare * (to.at - from.at))) / runs),
      }
    } finally {
      await exporter.stop()
    }
  } finally {
    await server.stop()
  }
}

const isOf = (probe: string, labels: string): boolean => labels.includes(`probe="${probe}"`)

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
  how: `${targets} targets of one kind have a round every second (dns: every five, canary: every minute). After the first rounds, which also ask what is asked once in a while, requests are counted on the way to the server or by the double (SES, Kubernetes), and divided by runs. An outbox asks one question, in a read-only transaction of three messages. CPU in the same time: of ours, and of the processes of the server less what they take with nobody asking. That of Patroni is without its Postgres. The smtp lines are those of a real Postfix.`,
  lines: Object.fromEntries(names.flatMap(linesOf)),
  async measure(stage) {
    const lines: Record<string, Outcome['lines'][string]> = {}
    const [notes, failed]: [string[], string[]] = [[], []]
    for (const name of names) {
      const missing = (probed[name] as Kind).missing?.()
      if (missing !== undefined) {
        notes.push(`${name}: ${missing}.`)
        continue
      }
      const of = await cost(stage, name).catch((error: unknown) => void failed.push(`${name}: ${String(error)}`))
      if (!of) continue
      const { asked, ours, server, failing } = of
      for (const [what, value] of Object.entries({ asked, ours, server })) lines[`${name}-${what}`] = { ours: [value] }
      if (failing > 0) notes.push(`${name}: ${failing} of ${targets} checks were not ok.`)
    }
    return { lines, notes, failed }
  },
})
