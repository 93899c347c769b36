/** Writes docs/performance.md from the results. */
import { markdownTable } from '../../src/report/table.ts'
import { median } from '../measure/statistics.ts'
import type { Figure, Result } from './results.ts'
import { summary } from './summary.ts'
import { goalText, isLost, isMet, oursText, ratioOf, spread, times, withUnit } from './verdict.ts'

const generated = '<!-- Generated from bench/results; `npm run bench` measures and writes both. -->'

const intro = `The exporter against what you would run instead, on one machine in one run: a blackbox_exporter, and a postgres_exporter for
each node. They are measured in turn (A B A B), so other load on the machine meets both. Compare the **ratios**: the times
are those of this machine. Each figure is a median, with the minimum and the maximum in parentheses.

**plain** is the floor: the smallest program with the same packages (express, prom-client, pg, nodemailer, node-vault) that
looks at the same targets as often, without verdicts, deadlines and the rest (\`bench/stage/plain.cjs\`). Its cost is that of
the packages and of Node.js. The difference between it and ours is the cost, or the saving, of our own code. Goals of CPU and
memory are multiples of it.`

const repeat = `\`\`\`sh
# not run here: takes half an hour, and installs packages
apt-get install wrk haproxy postgresql-15 prometheus-blackbox-exporter prometheus-postgres-exporter
apt-get install pgbouncer patroni python3-etcd etcd-server nsd dovecot-imapd dovecot-lmtpd postfix sasl2-bin
npm ci && npm run bench               # some 24 minutes; writes bench/results and this page
npm run bench -- --only load          # only experiments with this in their name
npm run bench -- --quick              # shorter and fewer runs; writes nothing
\`\`\`

Other builds of the peers: \`BLACKBOX_BIN\`, \`POSTGRES_EXPORTER_BIN\`. Another Postgres: \`PG_BIN\`. Everything is on the loopback
interface and ends with the run.`

export function performancePage(results: readonly Result[]): string {
  return `${[
    '# Performance',
    generated,
    intro,
    ...summary(results),
    '## Goals',
    goalsTable(results),
    '## Where it loses',
    losses(results),
    ...growth(results),
    '## How it is measured',
    ...results.map(method),
    '## With what',
    ...environments(results),
    '## How to repeat it',
    repeat,
  ].join('\n\n')}\n`
}

function goalsTable(results: readonly Result[]): string {
  const rows = results.flatMap(({ figures }) =>
    figures.map(figure => {
      const { what, unit, better, peer, goal, theirs } = figure
      const [ratio, met] = [ratioOf(figure), isMet(figure)]
      return [
        what,
        oursText(figure),
        theirs === undefined ? '' : `${peer ?? ''}: ${spread(theirs, unit)}`,
        ratio === undefined ? '' : times(ratio),
        goal === undefined ? '' : goalText(goal, better, unit),
        met === undefined ? '' : met ? 'met' : '**missed**',
      ]
    }),
  )
  return markdownTable(['What', 'Ours', 'Peer', 'Ratio', 'Goal', ''], rows)
}

function losses(results: readonly Result[]): string {
  const lost = results.flatMap(({ figures }) => figures.filter(isLost))
  if (lost.length === 0) return 'Nowhere in what is measured here.'
  return lost
    .map(figure => {
      const { what, unit, better, peer, goal, ours, theirs } = figure
      const ratio = ratioOf(figure)
      const against =
        theirs === undefined
          ? ''
          : `, ${ratio === undefined ? `and ${spread(theirs, unit)}` : `${times(ratio)} that`} of ${peer ?? ''}`
      const missed = goal && isMet(figure) === false ? `; the goal is ${goalText(goal, better, unit)}` : ''
      return `- ${what}: ${spread(ours, unit)}${against}${missed}.`
    })
    .join('\n')
}

function growth(results: readonly Result[]): string[] {
  const curves = results.flatMap(result => result.curves)
  const [first] = curves
  if (!first) return []
  const rows = first.points.map(({ targets }, at) => [
    targets.toLocaleString('en'),
    ...curves.map(({ points, unit }) => withUnit(points[at]?.value ?? 0, unit)),
  ])
  return [
    '## Growth',
    '![CPU, memory and time of a scrape against the number of targets, each with a straight line to compare](performance.svg)',
    markdownTable(['Targets', ...curves.map(curve => curve.what)], rows),
  ]
}

const method = ({ id, title, how, notes }: Result): string =>
  [`**${title}** (\`--only ${id}\`). ${how}`, ...notes].join('\n\n')

/** Usually one for all results; more if some were measured later. */
function environments(results: readonly Result[]): string[] {
  const groups = new Map<string, Result[]>()
  for (const result of results) {
    const key = JSON.stringify([result.on, result.environment])
    groups.set(key, [...(groups.get(key) ?? []), result])
  }
  return [...groups.values()].map(group => {
    const [first] = group
    const loads = group.map(({ loadAverage }) => loadAverage)
    const versions = Object.entries(first?.environment.versions ?? {}).map(([name, version]) => `${name} ${version}`)
    const which = groups.size === 1 ? '' : ` (${group.map(({ id }) => id).join(', ')})`
    return `${first?.on ?? ''}${which}: ${first?.environment.machine ?? ''}; ${versions.join(', ')}. Load average when they began: ${spread(loads, '')}.`
  })
}

/** The line of the README that links to the page; undefined until its figures are measured. */
export function headline(results: readonly Result[]): string | undefined {
  const first = (id: string): Figure | undefined => results.find(result => result.id === id)?.figures[0]
  const [scrapes, memory] = [first('throughput'), first('memory')]
  const ratio = scrapes && ratioOf(scrapes)
  if (ratio === undefined || !memory) return undefined
  const goals = results.flatMap(({ figures }) => figures.map(isMet)).filter(met => met !== undefined)
  const met = `${goals.filter(met => met).length} of ${goals.length} goals met`
  return `${headlineStart}: ${times(ratio)} the scrapes per second of blackbox_exporter, ${withUnit(median(memory.ours), memory.unit)} for 50 targets; ${met}, and where it loses`
}

export const headlineStart = '- [Performance](docs/performance.md), measured'
