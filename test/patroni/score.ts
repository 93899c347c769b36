/** The figures of a run: what the exporter said, measured by what the writers could do. Pure. */
import type { Verdict } from '../../src/core/probe.ts'
import { harmIn } from './advice.ts'
import { nodeNames, ways, type Attempt, type Said, type SaidReason, type ScenarioRun, type Way } from './record.ts'
import { both, lengthOf, union, widened, without, type Span } from './spans.ts'
import { gapsOf, outagesOf, overdue, troublesOf, within } from './outages.ts'

export type Kind = Attempt['kind']

/** All times are in seconds. */
export interface Figures {
  /** For how long nothing could be committed, by way and kind. Ways without an outage are left out. */
  readonly outages: readonly { readonly way: Way; readonly kind: Kind; readonly seconds: number }[]
  /**
   * For how long mail was said to be well while the writers of that way could not commit for more than an interval and a
   * timeout. `warn` is well too, except about pooled sessions that the reason itself names.
   */
  readonly falseOk: Readonly<Record<Kind, number>>
  /** For how long mail was said to fail while every writer of that way committed, and the root was none of the right ones. */
  readonly falseFail: number
  /** From the begin of the first outage until the verdict was `fail`, and until the root was right; of the slowest way. */
  readonly untilFail?: number | undefined
  readonly untilRoot?: number | undefined
  /** For how long a root was shown, and of that for how long a right one; the sum over all ways. */
  readonly rootShown: number
  readonly rootRight: number
  /** How often the verdict of a mail path turned to `fail`, and away from it; of the way with most. */
  readonly toFail: number
  readonly fromFail: number
  readonly harm: readonly Harm[]
  readonly told: readonly Told[]
  readonly lost: number
  readonly lostTold: boolean
  /** For how long the exporter itself had not enough CPU: then the other figures are about the machine. */
  readonly starved: number
}

/** Harmful advice that was shown. */
export interface Harm {
  readonly rule: string
  /** `probe/target code` */
  readonly reason: string
  readonly remedy: string
  readonly seconds: number
}

/** A reason that had to be there before something. */
export interface Told {
  readonly reason: string
  readonly before: string
  /** How long before; undefined if it was not. */
  readonly seconds?: number | undefined
}

/** What somebody lost is told by. */
const lossCodes: readonly string[] = [
  'cluster_timeline_went_back',
  'cluster_split_brain',
  'cluster_primary_not_elected',
  'write_path_old_primary',
]

export function figuresOf(run: ScenarioRun): Figures {
  const graceMs = run.intervalMs + run.timeoutMs
  const gaps = gapsOf(run)
  const falseOk = (kind: Kind): number =>
    seconds(
      ways.flatMap(way => {
        const well = saidWhen(run, said => soundsWell(said, way, kind))
        const late = overdue(
          gaps.filter(gap => gap.way === way && gap.kind === kind),
          graceMs,
        )
        return both(well, late)
      }),
    )
  const falseFail = ways.flatMap(way => {
    const fails = saidWhen(run, said => said.mail[way].verdict === 'fail')
    const explained = [...widened(troublesOf(run, way), run.intervalMs, graceMs), ...rightWhen(run, way)]
    return without(fails, explained)
  })
  const shown = ways.map(way => saidWhen(run, said => said.mail[way].root !== undefined))
  const right = ways.map(way => rightWhen(run, way))
  const flips = ways.map(way => flipsOf(run, way))
  return {
    outages: outageSeconds(run),
    falseOk: { fresh: falseOk('fresh'), pooled: falseOk('pooled') },
    falseFail: seconds(falseFail),
    untilFail: slowest(run, way => saidWhen(run, said => said.mail[way].verdict === 'fail')),
    untilRoot: slowest(run, way => rightWhen(run, way)),
    rootShown: rounded(shown.reduce((sum, spans) => sum + lengthOf(spans), 0)),
    rootRight: rounded(right.reduce((sum, spans) => sum + lengthOf(spans), 0)),
    toFail: Math.max(...flips.map(({ to }) => to)),
    fromFail: Math.max(...flips.map(({ from }) => from)),
    harm: harmOf(run),
    told: toldOf(run),
    lost: run.lost.length,
    lostTold: run.said.some(({ reasons }) => reasons.some(({ code }) => lossCodes.includes(code))),
    starved: seconds(saidWhen(run, ({ reasons }) => reasons.some(({ code }) => code === 'exporter_starved'))),
  }
}

/** What must not be; none if all promises were kept. */
export function brokenPromises(figures: Figures): string[] {
  const { falseOk, harm, told, lost, lostTold } = figures
  return [
    ...(['fresh', 'pooled'] as const).flatMap(kind =>
      falseOk[kind] > 0 ? `false ok for ${falseOk[kind]} s, by writers with ${kind} sessions` : [],
    ),
    ...harm.map(one => `harmful advice for ${one.seconds} s: ${one.rule} (${one.reason})`),
    ...told.flatMap(one => (one.seconds === undefined ? `not said before ${one.before}: ${one.reason}` : [])),
    ...(lost > 0 && !lostTold ? [`${lost} rows were lost, and no reason says so`] : []),
  ]
}

const rounded = (ms: number): number => Math.round(ms / 100) / 10
const seconds = (spans: readonly Span[]): number => rounded(lengthOf(union(spans)))

/** Each thing said holds until the next one. */
function saidWhen(run: ScenarioRun, holds: (said: Said) => boolean): Span[] {
  const spans = run.said.flatMap((said, i) =>
    holds(said) ? { from: said.at, until: run.said[i + 1]?.at ?? run.to } : [],
  )
  return within(spans, run)
}

function soundsWell(said: Said, way: Way, kind: Kind): boolean {
  const verdict: Verdict = said.mail[way].verdict
  if (verdict === 'ok') return true
  const named = said.reasons.some(
    ({ id, code }) => id === `write_path/${way}` && code === 'write_path_sessions_on_standby',
  )
  return verdict === 'warn' && !(kind === 'pooled' && named)
}

/** `*` stands for any text. */
export const matches = (pattern: string, { id, code }: Pick<SaidReason, 'id' | 'code'>): boolean => {
  const source = pattern
    .split('*')
    .map(part => part.replace(/[.+?^${}()|[\]\\/]/gu, '\\$&'))
    .join('.*')
  return new RegExp(`^${source}$`, 'u').test(`${id} ${code}`)
}

const firstMark = (run: ScenarioRun, what: string): number | undefined => run.marks.find(mark => mark.what === what)?.at

/** The roots that are right, and when. Those of a phase are right for a deadline longer: it takes so long to see the next. */
function phasesOf(run: ScenarioRun): (Span & { roots: readonly string[] })[] {
  const begun = run.expected.phases
    .flatMap(({ from, roots }) => {
      const at = firstMark(run, from)
      return at === undefined ? [] : { from: at, roots }
    })
    .sort((a, b) => a.from - b.from)
  const seen = run.intervalMs + run.timeoutMs
  return begun.map((phase, i) => ({ ...phase, until: (begun[i + 1]?.from ?? run.to) + seen }))
}

/** When the root of a way was one that would end the outage. */
const rightWhen = (run: ScenarioRun, way: Way): Span[] =>
  union(
    phasesOf(run).flatMap(phase =>
      both(
        [phase],
        saidWhen(run, ({ mail }) => {
          const { root } = mail[way]
          return root !== undefined && phase.roots.some(pattern => matches(pattern, root))
        }),
      ),
    ),
  )

function outageSeconds(run: ScenarioRun): Figures['outages'] {
  const outages = outagesOf(run)
  return ways.flatMap(way =>
    (['fresh', 'pooled'] as const).flatMap(kind => {
      const spans = outages.filter(gap => gap.way === way && gap.kind === kind).map(({ span }) => span)
      return spans.length === 0 ? [] : { way, kind, seconds: seconds(spans) }
    }),
  )
}

/** From the begin of the first outage of each way until something held; of the slowest way, in seconds. */
function slowest(run: ScenarioRun, when: (way: Way) => readonly Span[]): number | undefined {
  const outages = outagesOf(run)
  const delays = ways.flatMap(way => {
    const begin = Math.min(...outages.filter(gap => gap.way === way).map(({ span }) => span.from))
    const held = when(way).find(({ until }) => until > begin)
    return held && begin !== Infinity ? Math.max(0, held.from - begin) : []
  })
  return delays.length === 0 ? undefined : rounded(Math.max(...delays))
}

function flipsOf(run: ScenarioRun, way: Way): { to: number; from: number } {
  const fails = run.said.map(({ mail }) => mail[way].verdict === 'fail')
  const turned = (now: boolean): number =>
    fails.filter((fail, i) => i > 0 && fail === now && fails[i - 1] !== now).length
  return { to: turned(true), from: turned(false) }
}

/** Who holds the leader lock, by the Patroni of each node. */
function holderAt({ truth }: ScenarioRun, at: number): string | undefined {
  const now = truth.filter(one => one.at <= at).at(-1)
  return now && nodeNames.find(node => now.nodes[node].patroni === 200)
}

/** What was said, and who held the lock: together, for as long as neither changed. */
function moments(run: ScenarioRun): { said: Said; holder: string | undefined; ms: number }[] {
  const times = [...new Set([...run.said, ...run.truth].map(({ at }) => at))].sort((a, b) => a - b)
  return times.flatMap((at, i) => {
    const said = run.said.filter(one => one.at <= at).at(-1)
    return said ? { said, holder: holderAt(run, at), ms: Math.max(0, (times[i + 1] ?? run.to) - at) } : []
  })
}

function harmOf(run: ScenarioRun): Harm[] {
  const own = (run.expected.harmful ?? []).map(source => ({ source, pattern: new RegExp(source, 'iu') }))
  const found = new Map<string, Harm & { ms: number }>()
  for (const { said, holder, ms } of moments(run)) {
    const roots = ways.flatMap(way => said.mail[way].root ?? [])
    const distinct = new Map([...said.reasons, ...roots].map(one => [`${one.id} ${one.code} ${one.remedy}`, one]))
    for (const [key, reason] of distinct) {
      const { id, code, text, remedy } = reason
      const ofRun = own.flatMap(({ source, pattern }) => (pattern.test(`${text}. ${remedy}`) ? source : []))
      for (const rule of [...harmIn(reason, holder), ...ofRun]) {
        const total = ms + (found.get(`${rule} ${key}`)?.ms ?? 0)
        found.set(`${rule} ${key}`, { rule, reason: `${id} ${code}`, remedy, seconds: rounded(total), ms: total })
      }
    }
  }
  return [...found.values()].map(({ ms: _, ...harm }) => harm)
}

function toldOf(run: ScenarioRun): Told[] {
  const outages = outagesOf(run).map(({ span }) => span.from)
  return (run.expected.told ?? []).map(({ reason, before }) => {
    const limits: Record<string, number | undefined> = { outage: Math.min(...outages, run.to), end: run.to }
    const limit = limits[before] ?? firstMark(run, before)
    // What was said before the recording holds until the next word.
    const word = run.said.find(
      ({ reasons }, i) => (run.said[i + 1]?.at ?? Infinity) > run.from && reasons.some(one => matches(reason, one)),
    )
    const first = word && Math.max(word.at, run.from)
    const early = first !== undefined && limit !== undefined && first < limit
    return { reason, before, seconds: early ? rounded(limit - first) : undefined }
  })
}
