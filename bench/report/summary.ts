/** The first part of the page: what it costs, in words. A figure that was not measured is left out. */
import { markdownTable } from '../../src/report/table.ts'
import { median } from '../measure/statistics.ts'
import type { Figure, Result } from './results.ts'
import { ratioOf, times, withUnit } from './verdict.ts'

type Find = (id: string, what: string, peer?: string) => Figure | undefined

const finder =
  (results: readonly Result[]): Find =>
  (id, what, peer) =>
    results
      .find(result => result.id === id)
      ?.figures.find(figure => figure.what.includes(what) && (peer === undefined || figure.peer?.includes(peer)))

const value = (figure: Figure | undefined): string | undefined => figure && withUnit(median(figure.ours), figure.unit)
const peerValue = (figure: Figure | undefined): string | undefined =>
  figure?.theirs && withUnit(median(figure.theirs), figure.unit)

function multiple(figure: Figure | undefined): string | undefined {
  const ratio = figure && ratioOf(figure)
  return ratio === undefined ? undefined : times(ratio)
}

/** The text with its figures put in; undefined where one of them is not there. */
function said(strings: TemplateStringsArray, ...values: readonly (string | undefined)[]): string | undefined {
  if (values.some(one => one === undefined)) return undefined
  return strings.map((text, n) => text + (values[n] ?? '')).join('')
}

const listed = (lines: readonly (string | undefined)[]): string =>
  lines.flatMap(line => (line === undefined ? [] : [`- ${line}`])).join('\n')

export function summary(results: readonly Result[]): string[] {
  const find = finder(results)
  return ['## What it costs', ...costs(results, find), '## What the peers cost', peers(find), '## Why this one', why]
}

function costs(results: readonly Result[], find: Find): string[] {
  const curves = results.flatMap(result => result.curves)
  const at = (what: string, targets: number): string => {
    const curve = curves.find(one => one.what === what)
    const point = curve?.points.find(one => one.targets === targets)
    return curve && point ? withUnit(point.value, curve.unit) : ''
  }
  const rows = [10, 50, 1000]
    .map(targets => [targets.toLocaleString('en'), at('CPU', targets), at('Memory', targets)])
    .filter(([, cpu]) => cpu !== '')
  const [steady, memory] = [find('scale', 'CPU of one core', 'plain'), find('scale', 'memory', 'plain')]
  return [
    ...(rows.length === 0
      ? []
      : ['With a round in a minute:', markdownTable(['Targets', 'CPU of one core', 'Memory'], rows)]),
    listed([
      said`With 1,000 targets at 15 s it takes ${value(steady)} of a core (${multiple(steady)} that of plain) and ${value(memory)} (${multiple(memory)}).`,
      said`A Postgres node sees ${value(find('load', 'New connections'))} new connection and ${value(find('load', 'Statements of a round'))} statement in a round, and keeps ${value(find('load', 'Sessions kept open'))} session open. A round costs it ${value(find('load', 'CPU of the server per round'))} of CPU, most of it for the login; ${value(find('load', 'login_interval'))} with \`login_interval\`.`,
      said`In a round Patroni, HAProxy and a Kubernetes API get ${value(find('probes', 'patroni: requests'))}, ${value(find('probes', 'haproxy: requests'))} and ${value(find('probes', 'kubernetes: requests'))} requests, SES ${value(find('probes', 'ses: requests'))}, and DNS servers ${value(find('probes', 'dns: queries'))} queries; an outbox is ${value(find('probes', 'outbox: questions'))} question, a canary ${value(find('probes', 'canary: mails'))} mail.`,
    ]),
  ]
}

function peers(find: Find): string {
  const [cpu, memory] = [find('fleet', 'CPU of one core'), find('fleet', 'memory')]
  const [start, gzip] = [find('start', 'Start to the first', 'blackbox'), find('throughput', 'gzip')]
  const [alone, server] = [find('memory', 'blackbox_exporter alone'), find('load', 'CPU of the server per round')]
  return [
    'What one would run instead is a blackbox_exporter and a postgres_exporter for each node.',
    listed([
      said`For 700 of 1,000 targets they take ${peerValue(cpu)} of a core and ${peerValue(memory)}, ours ${value(cpu)} and ${value(memory)}. They connect and ask for health; ours also logs in, writes and reads secrets, so it takes more CPU.`,
      said`Memory: a blackbox_exporter alone takes ${peerValue(alone)}, ours ${value(alone)} with 50 targets. Without Postgres nodes the peers are the smaller ones.`,
      said`Start: a blackbox_exporter answers after ${peerValue(start)}, ours after ${value(start)}.`,
      said`CPU of a Postgres node: a scrape of postgres_exporter, which keeps its sessions, costs it ${peerValue(server)}, a round of ours with its login ${value(server)}.`,
      said`Scrapes with gzip: they answer ${peerValue(gzip)}, ours ${value(gzip)}.`,
    ]),
  ].join('\n\n')
}

const why = `The peers say whether a port answers and what a server counts. This one says whether the platform can send mail: it logs in with
the logins of the applications, writes and takes back, compares the nodes with each other, and names the one thing to fix. A
scrape starts no look, so a server that hangs does not delay it, and a second Prometheus costs the servers nothing. Run the
peers where you want all statistics of a Postgres server, or only to know that ports are open.`
