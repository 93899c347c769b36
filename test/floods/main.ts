/**
 * `npm run floods [-- --connections 4000 --seconds 10 --only <pattern> --node <path> --exporter <file>]`: the built exporter
 * under a flood of each shape, in the memory that its container has. Prints a table, and exits 1 where a promise of
 * SECURITY.md did not hold.
 */
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { cell, tableLines } from '../../src/report/table.ts'
import { flood, type Outcome } from './flood.ts'
import { brokenIn } from './promises.ts'
import { shapes } from './shapes.ts'

const { values } = parseArgs({
  options: {
    connections: { type: 'string', default: '4000' },
    seconds: { type: 'string', default: '10' },
    only: { type: 'string', default: '' },
    node: { type: 'string', default: process.execPath },
    exporter: { type: 'string', default: fileURLToPath(new URL('../../dist/main.js', import.meta.url)) },
  },
})
const megabytes = (bytes: number | string): string => (typeof bytes === 'string' ? '' : (bytes / 1e6).toFixed(0))
const rows: string[][] = [
  [
    'shape',
    'rest MB',
    'most MB',
    'cgroup MB',
    'scrapes',
    'missed',
    'slowest ms',
    'runs',
    'stop ms',
    'refused',
    'broken',
  ],
]
const row = (name: string, one: Outcome, broken: readonly string[]): string[] => [
  name,
  megabytes(one.restMemory),
  megabytes(one.mostMemory),
  megabytes(one.caged),
  String(one.scrapes),
  String(one.missed.length),
  one.slowestMs.toFixed(0),
  `${(100 * one.runs).toFixed(0)} %`,
  one.stoppedMs.toFixed(0),
  Object.entries(one.refused)
    .map(([reason, count]) => `${reason} ${count}`)
    .join(' '),
  broken.join('; '),
]

let failed = false
for (const shape of shapes.filter(({ name }) => new RegExp(values.only, 'i').test(name))) {
  const outcome = await flood({
    shape,
    connections: Number(values.connections),
    lastsMs: Number(values.seconds) * 1_000,
    exporter: [values.exporter],
    node: values.node,
  })
  const broken = brokenIn(outcome)
  failed ||= broken.length > 0
  rows.push(row(shape.name, outcome, broken))
  process.stdout.write(`${row(shape.name, outcome, broken).join(' | ')}\n`)
}
process.stdout.write(`\n${tableLines(rows.map(line => line.map(text => cell(text))), 240).join('\n')}\n`) // prettier-ignore
process.exitCode = failed ? 1 : 0
