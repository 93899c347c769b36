/**
 * `npm run soak [-- --rounds 20000 --minutes 15]`: runs failing checks over and over, and proves that nothing grows by it. A round is
 * one run of one check; they run in turns of all checks at once, each begun when the last one ended, with a scrape after
 * each. Exits 1 where something did not come back to where it was, or where the time was too short for the rounds.
 */
import { parseArgs } from 'node:util'
import { heapGrowth, megabytes, tolerance, type Counts, type Reading } from './flat.ts'
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

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { rounds: { type: 'string' }, minutes: { type: 'string' } } })
  const [rounds, minutes] = [Number(values.rounds ?? 20_000), Number(values.minutes ?? 15)]
  if (!(rounds > 0 && minutes > 0)) {
    say('usage: npm run soak [-- --rounds 20000 --minutes 15]')
    return 64
  }
  const stop = new AbortController()
  process.once('SIGINT', () => stop.abort(new Error('interrupted')))
  const targets = await startTargets()
  try {
    say(row(columns))
    const onReading = (reading: Reading, wrong: readonly string[]): void =>
      say([readingRow(reading), ...wrong].join('\n    '))
    const soaked = await soak(targets, { rounds, limitMs: minutes * 60_000, onReading, stop: stop.signal })
    say(row(['before', '', '', '', ...countCells(soaked.baseline)]))
    say(heapLine(soaked))
    say(`${soaked.status.checks.length} checks, and how they ended:\n${reasonLines(soaked).join('\n')}`)
    for (const line of soaked.uneven) say(`NOT FLAT ${line}`)
    const short = soaked.rounds < rounds
    if (short) say(`NOT PROVEN: only ${soaked.rounds} of ${rounds} rounds in ${minutes} minutes`)
    const fine = soaked.uneven.length === 0 && !short
    if (fine) say(`flat over ${soaked.rounds} rounds`)
    return fine ? 0 : 1
  } finally {
    await targets.stop()
  }
}

process.exitCode = await main()
