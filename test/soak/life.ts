/** The daemon as it ships, for as long as one likes: under floods, reloads, and faults that come and go. */
import { readFile, rm, writeFile } from 'node:fs/promises'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { createScraper } from '../../bench/measure/scrape.ts'
import { freePort, startProcess, untilListening, waitFor, type RunningProcess } from '../servers/processes.ts'
import { flood, type Flood } from './floods.ts'
import { growths, heapGrowth, megabytes, type Counts, type Reading } from './flat.ts'
import type { Fault, LifeTargets } from './life-targets.ts'

interface LifeOptions {
  /** Runs of one check each, at least; there are as many as it takes for `enoughFaults`. */
  readonly rounds: number
  /** No fault begins after this long. */
  readonly limitMs: number
  /** From one fault to the next: two thirds of it the fault lasts, then all is well again, and is looked at. */
  readonly cycleMs: number
  readonly reloadMs: number
  readonly flood: Flood
  /** `MALLOC_ARENA_MAX` of the daemon; undefined leaves it to glibc. */
  readonly arenas: string | undefined
  /** The built program. */
  readonly main?: string
  readonly onReading?: (reading: LifeReading) => void
  readonly stop?: AbortSignal
}

export interface LifeReading extends Reading {
  readonly fault: string
  /** Memory of malloc, in bytes: what it keeps though it is free, too. */
  readonly malloc: number
  /** Checks that are not ok, with all well again. */
  readonly notOk: readonly string[]
}

export interface Lived {
  readonly readings: readonly LifeReading[]
  readonly rounds: number
  readonly reloads: number
  /** Scrapes and pages that were answered. */
  readonly answered: number
  readonly uneven: readonly string[]
}

const root = fileURLToPath(new URL('../..', import.meta.url))
const begin = fileURLToPath(new URL('begin.cjs', import.meta.url))
const scrapeMs = 5_000
/** As Prometheus has it, by default. */
const scrapeLimitMs = 10_000
/** On a machine that is busy some run is always late; what is never well again is another matter. */
const wellMs = 120_000
/** What is under way in one of them is not in all of them. */
const looks = 8

export async function live(targets: LifeTargets, options: LifeOptions): Promise<Lived> {
  const { rounds, limitMs, cycleMs, stop = new AbortController().signal } = options
  const daemon = await startDaemon(targets, options)
  const from = performance.now()
  const readings: LifeReading[] = []
  try {
    const isEnough = (): boolean => daemon.rounds() >= rounds && readings.length >= enoughFaults
    for (let turn = 0; !isEnough() && performance.now() - from < limitMs && !stop.aborted; turn++) {
      const fault = targets.faults[turn % targets.faults.length]
      if (!fault) break
      await befall(fault, daemon.port, options)
      const reading = await daemon.read()
      readings.push({ ...reading, fault: fault.name, seconds: (performance.now() - from) / 1000 })
      options.onReading?.(readings.at(-1) as LifeReading)
      await sleep(Math.max(0, from + (turn + 1) * cycleMs - performance.now()))
    }
    const neverOk = stop.aborted ? [] : await daemon.untilWell(readings)
    const lived = { readings, rounds: daemon.rounds(), reloads: daemon.reloads(), answered: daemon.answered() }
    const never = neverOk.map(
      one => `${one} was not ok after any of ${readings.length} faults, nor with all well again`,
    )
    return { ...lived, uneven: [...unevenLife(readings), ...never, ...daemon.wrong()] }
  } finally {
    await daemon.stop()
  }
}

/** The fault, with a flood in the middle of it, and time to recover from both. */
async function befall(fault: Fault, port: number, { cycleMs, flood: given }: LifeOptions): Promise<void> {
  await fault.begin()
  try {
    await sleep(cycleMs / 6)
    await flood(port, given, AbortSignal.timeout(cycleMs / 4))
    await sleep(cycleMs / 6)
  } finally {
    await fault.end()
  }
  await sleep(cycleMs / 4)
}

interface Daemon {
  readonly port: number
  readonly rounds: () => number
  readonly reloads: () => number
  readonly answered: () => number
  readonly read: () => Promise<Omit<LifeReading, 'fault' | 'seconds'>>
  /** Waits until each check was ok once, in one of the readings or now. Gives those that were not within two minutes. */
  readonly untilWell: (readings: readonly LifeReading[]) => Promise<readonly string[]>
  /** What it should never do. */
  readonly wrong: () => string[]
  readonly stop: () => Promise<void>
}

async function startDaemon(targets: LifeTargets, options: LifeOptions): Promise<Daemon> {
  const { folder, env } = targets
  const [configFile, file, logFile] = ['mailpath.yml', 'inside.json', 'log'].map(name => path.join(folder, name)) as [
    string,
    string,
    string,
  ]
  await writeFile(configFile, targets.config(0))
  const port = await freePort()
  const main = options.main ?? path.join(root, 'dist/main.js')
  const arguments_ = [begin, main, `--config.file=${configFile}`, `--web.listen-address=127.0.0.1:${port}`]
  const running = startProcess('mailpath-exporter', process.execPath, [...arguments_, '--log.level=warn'], {
    cwd: folder,
    env: {
      ...{ PATH: process.env['PATH'], SOAK_INSIDE: file, ...env },
      ...(options.arenas !== undefined && { MALLOC_ARENA_MAX: options.arenas }),
    },
    logFile,
    lastSignal: 'SIGTERM',
  })
  await untilListening(running, port, 60_000)
  const runs = new Map<string, number>()
  const counts = { rounds: 0, reloads: 0, answered: 0 }
  const failures = new Map<string, number>()
  let last = ''
  const scrapers = ['/metrics', '/metrics', '/'].map(at => createScraper(`http://127.0.0.1:${port}${at}`))
  const scrape = async (at: number): Promise<void> => {
    const answer = await scrapers[at]?.scrape(scrapeLimitMs).catch((error: unknown) => String(error))
    if (typeof answer !== 'object' || answer.status !== 200) {
      const why = typeof answer === 'object' ? `HTTP ${answer.status}` : (answer ?? '')
      failures.set(why, (failures.get(why) ?? 0) + 1)
    } else {
      counts.answered++
      if (at === 0) {
        last = answer.body
        counts.rounds += newRuns(answer.body, runs)
      }
    }
  }
  // Who scrapes was there before the flood, and keeps the connection.
  await Promise.all(scrapers.map((_, at) => scrape(at)))
  const timers = scrapers.map((_, at) => setInterval(() => void scrape(at), scrapeMs))
  const reload = async (): Promise<void> => {
    counts.reloads++
    // Every second one changes nothing.
    if (counts.reloads % 2 === 0) await writeFile(configFile, targets.config(counts.reloads / 2))
    running.signal('SIGHUP')
  }
  timers.push(setInterval(() => void reload(), options.reloadMs))
  const read = async () => {
    const seen = await looked(running, file, targets)
    await scrape(0)
    const { malloc } = mallocOf(running.pid)
    return { ...seen, malloc, rounds: counts.rounds, series: seriesIn(last), notOk: notOkIn(last) }
  }
  const untilWell = async (readings: readonly LifeReading[]): Promise<readonly string[]> => {
    const until = performance.now() + wellMs
    for (let never = neverOkIn(readings); ; never = never.filter(one => notOkIn(last).includes(one))) {
      if (never.length === 0 || performance.now() > until || !running.alive()) return never
      await scrape(0)
      await sleep(250)
    }
  }
  return {
    port,
    untilWell,
    rounds: () => counts.rounds,
    reloads: () => counts.reloads,
    answered: () => counts.answered,
    read,
    wrong: () => [
      ...(running.alive() ? [] : ['the daemon is dead']),
      ...[...failures].map(([why, count]) => `${count} scrapes or pages without an answer: ${why}`),
      ...(/uncaught|unhandled|probe_error|Warning:/i.exec(running.log())
        ? [`it logged: ${running.log().slice(-500)}`]
        : []),
    ],
    async stop() {
      timers.forEach(clearInterval)
      for (const scraper of scrapers) scraper.close()
      await running.stop()
    },
  }
}

/** What is open in all of some looks: that of a run under way comes and goes. */
async function looked(
  running: RunningProcess,
  file: string,
  targets: LifeTargets,
): Promise<Pick<Reading, 'counts' | 'heap' | 'rss'>> {
  let all: Counts | undefined
  let memory = { heap: Infinity, rss: Infinity }
  for (let n = 0; n < looks; n++) {
    await rm(file, { force: true })
    running.signal('SIGUSR2')
    const text = () => readFile(file, 'utf8').catch(() => undefined)
    const said = await waitFor(text, { timeoutMs: 30_000, everyMs: 20, what: 'the daemon says what is open' })
    const { counts, ...held } = JSON.parse(said) as { counts: Counts; heap: number; rss: number }
    const now: Counts = { ...counts, ...(await targets.open()) }
    all = all === undefined ? now : least(all, now)
    memory = { heap: Math.min(memory.heap, held.heap), rss: Math.min(memory.rss, held.rss) }
    await sleep(130)
  }
  return { counts: all ?? {}, ...memory }
}

const least = (a: Counts, b: Counts): Counts =>
  Object.fromEntries(Object.entries(a).map(([name, count]) => [name, Math.min(count, b[name] ?? 0)]))

/** Runs since the last time. The counter of a check that a reload has changed begins again. */
function newRuns(body: string, before: Map<string, number>): number {
  let sum = 0
  for (const [, labels = '', value] of body.matchAll(/^mailpath_check_runs_total(\{.*\}) (\d+)$/gm)) {
    const [now, last] = [Number(value), before.get(labels) ?? 0]
    sum += now >= last ? now - last : now
    before.set(labels, now)
  }
  return sum
}

function seriesIn(body: string): Counts {
  const counts: Record<string, number> = {}
  for (const [, metric = ''] of body.matchAll(/^(mailpath_\w+)/gm)) counts[metric] = (counts[metric] ?? 0) + 1
  return counts
}

const notOkIn = (body: string): string[] =>
  [...body.matchAll(/^mailpath_check_verdict\{(.*),verdict="ok"\} 0$/gm)].map(([, labels = '']) => labels)

/** The arenas of glibc begin at a multiple of this. https://sourceware.org/glibc/wiki/MallocInternals */
const arenaBytes = 67_108_864n

/** Resident memory of the heap of malloc, and of its arenas; 0 where there is no /proc. */
function mallocOf(pid: number): { readonly malloc: number } {
  let isMalloc = false
  let malloc = 0
  for (const line of smapsOf(pid).split('\n')) {
    const [, start, rights, name] = /^([0-9a-f]+)-[0-9a-f]+ (\S+) \S+ \S+ \d+ *(.*)$/.exec(line) ?? []
    if (start !== undefined)
      isMalloc =
        name === '[heap]' ||
        (name === '' && rights?.startsWith('rw-') === true && BigInt(`0x${start}`) % arenaBytes === 0n)
    else if (isMalloc) malloc += 1024 * Number(/^Rss: +(\d+)/.exec(line)?.[1] ?? 0)
  }
  return { malloc }
}

function smapsOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/smaps`, 'latin1')
  } catch {
    return ''
  }
}

/** A run with fewer faults is too short to be judged: a quarter of the readings would be one. */
export const enoughFaults = 8

/** Why it is not flat; nothing where it is, or where there were too few faults to tell. */
export function unevenLife(readings: readonly Pick<LifeReading, 'counts' | 'heap' | 'malloc'>[]): string[] {
  if (readings.length < enoughFaults) return []
  const uneven = growths(readings)
  const outside = heapGrowth(readings.map(({ malloc }) => ({ heap: malloc })))
  const inHeap = heapGrowth(readings)
  for (const [what, growth] of [
    ['heap', inHeap],
    ['malloc', outside],
  ] as const)
    if (growth && growth.after > growth.before * 1.1 + 2_000_000)
      uneven.push(
        `${what}: median ${megabytes(growth.after)} MB in the last quarter, ${megabytes(growth.before)} MB in the second`,
      )
  return uneven
}

/** Checks that were ok in none of the readings, without those of a name that there is not. */
export function neverOkIn(readings: readonly Pick<LifeReading, 'notOk'>[]): readonly string[] {
  const [first, ...others] = readings
  const never = (first?.notOk ?? []).filter(one => others.every(({ notOk }) => notOk.includes(one)))
  return never.filter(name => !/dead name|turn \d/.test(name))
}
