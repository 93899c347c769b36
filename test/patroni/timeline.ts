/** A run in few lines: what was done, what the writers could do, and what the exporter said. Pure. */
import { nodeNames, ways, type Said, type ScenarioRun, type Way } from './record.ts'
import { outagesOf } from './outages.ts'

export interface Line {
  /** Seconds since the first mark. */
  readonly at: number
  /** `done`: by the scenario; `truth`: of writers and servers; `said`: by the exporter. */
  readonly what: 'done' | 'truth' | 'said'
  readonly text: string
}

/** What was said for less than this, in milliseconds, is left out where there are too many lines. */
const briefMs = 1_000
const mostSaid = 12

export function timelineOf(run: ScenarioRun): Line[] {
  const zero = run.marks[0]?.at ?? run.from
  const seconds = (at: number): number => Math.round((at - zero) / 100) / 10
  const marks = run.marks.map(({ at, what }) => ({ at, what: 'done' as const, text: what }))
  return [...marks, ...outageLines(run), ...primaryLines(run), ...saidLines(run)]
    .sort((a, b) => a.at - b.at)
    .map(line => ({ ...line, at: seconds(line.at) }))
}

/** The outages of all ways that begin and end in the same second are one line. */
function outageLines(run: ScenarioRun): Line[] {
  const lines = new Map<string, { at: number; whose: string[]; seconds: number }>()
  for (const { way, kind, span } of outagesOf(run)) {
    const seconds = Math.round((span.until - span.from) / 100) / 10
    const key = `${kind} ${Math.round(span.from / 2000)} ${Math.round(span.until / 2000)}`
    const before = lines.get(key)
    const whose = [...new Set([...(before?.whose ?? []), way])]
    lines.set(key, { at: before?.at ?? span.from, whose, seconds: Math.max(seconds, before?.seconds ?? 0) })
  }
  return [...lines].map(([key, { at, whose, seconds }]) => ({
    at,
    what: 'truth',
    text: `no commit by ${key.split(' ')[0] ?? ''} sessions for ${seconds.toFixed(1)} s (${listed(whose)})`,
  }))
}

function primaryLines({ truth }: ScenarioRun): Line[] {
  const texts = truth.map(({ at, nodes }) => {
    const primaries = nodeNames.filter(node => nodes[node].sql === 'primary')
    const [one, ...more] = primaries
    return { at, text: `${primaries.join(' and ') || 'no node'} ${one && more.length > 0 ? 'take' : 'takes'} writes` }
  })
  return texts
    .filter(({ text }, i) => text !== texts[i - 1]?.text)
    .slice(1)
    .map(({ at, text }) => ({ at, what: 'truth', text }))
}

function saidLines(run: ScenarioRun): Line[] {
  const spells = merged(run.said.map(said => ({ at: said.at, text: sentence(said) })))
  const lasting = spells.filter(({ at }, i) => (spells[i + 1]?.at ?? run.to) - at >= briefMs)
  const chosen = spells.length > mostSaid ? merged(lasting) : spells
  const left = spells.length - chosen.length
  const last = chosen.at(-1)
  const more = left > 0 && last ? [{ at: run.to, text: `${left} more that lasted for less than a second each` }] : []
  return [...chosen, ...more].map(line => ({ ...line, what: 'said' }))
}

const merged = <T extends { text: string }>(lines: readonly T[]): T[] =>
  lines.filter(({ text }, i) => text !== lines[i - 1]?.text)

const listed = (some: readonly string[]): string => (some.length === ways.length ? 'all ways' : some.join(', '))

/** The verdict and the root of each mail path; ways with the same are named together. */
function sentence({ mail, reasons }: Said): string {
  const groups = new Map<string, Way[]>()
  for (const way of ways) {
    const { verdict, root } = mail[way]
    // Each way has a target of its own: as one, the path is called PATH.
    const id = root?.id.replace(/^write_path\/.*$/u, 'write_path/PATH')
    const warned = verdict === 'warn' ? [...new Set(reasons.map(({ code }) => code))].slice(0, 3).join(', ') : undefined
    const text = `mail ${verdict}${root ? `: ${id ?? ''} ${root.code}` : warned ? `: ${warned}` : ''}`
    groups.set(text, [...(groups.get(text) ?? []), way])
  }
  return [...groups].map(([text, of]) => (of.length === ways.length ? text : `${text} (${of.join(', ')})`)).join('; ')
}
