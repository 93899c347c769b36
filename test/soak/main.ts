/**
 * `npm run soak [-- --rounds 20000 --minutes 15 --only failing|life]`, with any version of Node:
 *
 * `failing` runs failing checks over and over, and proves that nothing grows by it. A round is
 * one run of one check; they run in turns of all checks at once, each begun when the last one ended, with a scrape after
 * each.
 *
 * `life` is the built program (`npm run build`) over servers that work, with a flood, a reload every 20 s, and a fault that
 * begins and ends in each minute. A run of a check counts as a round there, too. `--flood` is the number of hostile
 * connections, `--pipelined` how many requests they send at once, `--cycle`, `--reload` and `--interval` (of the checks) are seconds, `--arenas` is
 * MALLOC_ARENA_MAX (`none` leaves it out), `--main` another build.
 *
 * Exits 1 where something did not come back to where it was, or where the time was too short for the rounds, or for the eight
 * faults that `life` takes at least: of fewer nothing can be said.
 */
import { parseArgs } from 'node:util'
import { heapGrowth, megabytes, tolerance, type Counts, type Reading } from './flat.ts'
import { enoughFaults, live, type Lived, type LifeReading } from './life.ts'
import { startLifeTargets } from './life-targets.ts'
import { soak, type Soaked } from './soak.ts'
import { startTargets } from './targets.ts'

const say = (line: string): void => {
  process.stdout.write(`${line}\n`)
}

const columns = [
  'rounds',
  'seconds',
  'heap MB',
  'RSS MB',
  'handles',
  'fds',
  'sockets',
  'at servers',
  'backends',
  'series',
]
const row = (cells: readonly (string | number)[]): string =>
  cells.map((text, at) => String(text).padStart(Math.max(7, columns[at]?.length ?? 0))).join('  ')

const sumOf = (counts: Counts, prefix: string): number =>
  Object.entries(counts).reduce((sum, [name, count]) => sum + (name.startsWith(prefix) ? count : 0), 0)

const countCells = (counts: Counts): number[] =>
  ['handle ', 'fd ', 'fd socket', 'open at ', 'backends '].map(prefix => sumOf(counts, prefix))

const readingRow = ({ rounds, seconds, heap, rss, series, counts }: Reading): string =>
  row([rounds, seconds.toFixed(0), megabytes(heap), megabytes(rss), ...countCells(counts), sumOf(series, '')])

/** How many checks end for which reason: what was soaked in. */
function reasonLines({ status }: Soaked): string[] {
  const counts = new Map<string, number>()
  for (const { reasons } of status.checks)
    for (const code of new Set(reasons.map(reason => reason.code))) counts.set(code, (counts.get(code) ?? 0) + 1)
  return [...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([code, count]) => `  ${count} × ${code}`)
}

function heapLine({ readings, afterGc }: Soaked): string {
  const growth = heapGrowth(readings)
  if (!afterGc || !growth) return 'heap: not judged; run with node --expose-gc, and for at least 4 samples'
  const allowed = `${100 * tolerance.share} % + ${megabytes(tolerance.bytes)} MB more are allowed`
  return `heap after GC: median ${megabytes(growth.before)} MB in the second quarter, ${megabytes(growth.after)} MB in the last; ${allowed}`
}

interface Wanted {
  readonly rounds: number
  readonly minutes: number
  readonly stop: AbortSignal
}

/** Whether all was flat, and long enough. */
function judged(uneven: readonly string[], done: number, { rounds, minutes }: Wanted, isEnough = true): boolean {
  for (const line of uneven) say(`NOT FLAT ${line}`)
  if (done < rounds) say(`NOT PROVEN: only ${done} of ${rounds} rounds in ${minutes} minutes`)
  const isFine = uneven.length === 0 && done >= rounds && isEnough
  if (isFine) say(`flat over ${done} rounds`)
  return isFine
}

async function failing(wanted: Wanted): Promise<boolean> {
  const targets = await startTargets()
  try {
    say(row(columns))
    const onReading = (reading: Reading, wrong: readonly string[]): void =>
      say([readingRow(reading), ...wrong].join('\n    '))
    const { rounds, minutes, stop } = wanted
    const soaked = await soak(targets, { rounds, limitMs: minutes * 60_000, onReading, stop })
    say(row(['before', '', '', '', ...countCells(soaked.baseline)]))
    say(heapLine(soaked))
    say(`${soaked.status.checks.length} checks, and how they ended:\n${reasonLines(soaked).join('\n')}`)
    return judged(soaked.uneven, soaked.rounds, wanted)
  } finally {
    await targets.stop()
  }
}

const lifeColumns = [
  'rounds',
  'seconds',
  'heap MB',
  'RSS MB',
  'malloc MB',
  'timers',
  'handles',
  'fds',
  'backends',
].concat(['at relay', 'at Vault', 'tokens', 'series', 'not ok'])
const lifeRow = (cells: readonly (string | number)[]): string =>
  cells.map((text, at) => String(text).padStart(Math.max(7, lifeColumns[at]?.length ?? 0))).join('  ')

function lifeCells({ rounds, seconds, heap, rss, malloc, counts, series, notOk }: LifeReading): (string | number)[] {
  const sums = [
    'handle Timeout',
    'handle ',
    'fd ',
    'backends ',
    'open at the relay',
    'open at Vault',
    'tokens at Vault',
  ]
  return [
    rounds,
    seconds.toFixed(0),
    ...[heap, rss, malloc].map(megabytes),
    ...sums.map(name => sumOf(counts, name)),
  ].concat([sumOf(series, ''), notOk.length])
}

interface LifeValues {
  readonly flood: number
  readonly pipelined: number
  readonly cycle: number
  readonly interval: number
  readonly reload: number
  readonly arenas: string
  readonly main: string | undefined
}

async function life(wanted: Wanted, given: LifeValues): Promise<boolean> {
  const targets = await startLifeTargets(given.interval)
  try {
    say(`the daemon on Node ${process.versions.node}, MALLOC_ARENA_MAX ${given.arenas}`)
    say(`${lifeRow(lifeColumns)}  fault before it`)
    const lived: Lived = await live(targets, {
      ...{ rounds: wanted.rounds, limitMs: wanted.minutes * 60_000, stop: wanted.stop },
      ...{ cycleMs: given.cycle * 1000, reloadMs: given.reload * 1000 },
      flood: { connections: given.flood, pipelined: given.pipelined },
      arenas: given.arenas === 'none' ? undefined : given.arenas,
      ...(given.main !== undefined && { main: given.main }),
      onReading: reading => say(`${lifeRow(lifeCells(reading))}  ${reading.fault}`),
    })
    say(`${lived.reloads} reloads; ${lived.answered} scrapes and pages`)
    const faults = lived.readings.length
    const isEnough = faults >= enoughFaults
    if (!isEnough) say(`NOT PROVEN: only ${faults} of ${enoughFaults} faults; take more minutes, or a shorter --cycle`)
    return judged(lived.uneven, lived.rounds, wanted, isEnough)
  } finally {
    await targets.stop()
  }
}

const usage =
  'usage: npm run soak [-- --rounds 20000 --minutes 15 --only failing|life --flood 40 --pipelined 20 --cycle 60 --reload 20 --interval 2 --arenas 1]'

async function main(): Promise<number> {
  const text = (value: string) => ({ type: 'string', default: value }) as const
  const { values } = parseArgs({
    options: {
      ...{ rounds: text('20000'), minutes: text('15'), only: text(''), arenas: text('1'), main: { type: 'string' } },
      ...{ flood: text('40'), pipelined: text('20'), cycle: text('60'), reload: text('20'), interval: text('2') },
    },
  })
  const { only, arenas, main: program } = values
  const numbers = [
    values.rounds,
    values.minutes,
    values.flood,
    values.pipelined,
    values.cycle,
    values.reload,
    values.interval,
  ].map(Number)
  const [rounds = NaN, minutes = NaN, flood = NaN, pipelined = NaN, cycle = NaN, reload = NaN, interval = NaN] = numbers
  const isRight = rounds > 0 && minutes > 0 && flood >= 0 && pipelined >= 0 && cycle > 0 && reload > 0 && interval >= 1
  if (!isRight || !['', 'failing', 'life'].includes(only)) {
    say(usage)
    return 64
  }
  const stop = new AbortController()
  process.once('SIGINT', () => stop.abort(new Error('interrupted')))
  const wanted = { rounds, minutes, stop: stop.signal }
  const failed: string[] = []
  if (only !== 'life' && !(await failing(wanted))) failed.push('failing')
  if (only !== 'failing' && !stop.signal.aborted)
    if (!(await life(wanted, { flood, pipelined, cycle, reload, interval, arenas, main: program }))) failed.push('life')
  return failed.length === 0 ? 0 : 1
}

process.exitCode = await main()
