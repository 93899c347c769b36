/** Runs made up for the tests of the figures, in seconds from their begin. */
import type { Verdict } from '../../src/core/probe.ts'
import {
  nodeNames,
  ways,
  type Attempt,
  type NodeTruth,
  type Said,
  type SaidMail,
  type SaidReason,
  type ScenarioRun,
  type Truth,
  type Way,
} from './record.ts'

/** When a run made up begins, in milliseconds since the epoch. */
export const begin = 1_000_000
export const at = (second: number): number => begin + second * 1000

/** An attempt in every fifth of a second, which fails while it is in one of these spans. */
export function writes(
  writer: string,
  failing: readonly (readonly [from: number, until: number])[],
  { by = 'haproxy', kind = 'fresh', took = 0.01, until = 60 }: WriteOptions = {},
): Attempt[] {
  return Array.from({ length: until * 5 }, (_, i) => {
    const second = i / 5
    const fails = failing.some(([from, end]) => second >= from && second < end)
    const outcome = fails ? ({ ok: false, code: '25006' } as const) : ({ ok: true, code: 'ok' } as const)
    return { at: at(second), took: took * 1000, writer, kind, by, row: i, ...outcome }
  })
}

interface WriteOptions {
  readonly by?: Way
  readonly kind?: Attempt['kind']
  readonly took?: number
  readonly until?: number
}

export const reason = (id: string, code: string, more: Partial<SaidReason> = {}): SaidReason => ({
  id,
  code,
  verdict: 'fail',
  severity: 'critical',
  text: '',
  remedy: 'Wait.',
  ...more,
})

/** The same verdict and root on all ways. */
export function says(
  second: number,
  verdict: Verdict,
  root?: SaidReason,
  { reasons = [], mail = {} }: { reasons?: readonly SaidReason[]; mail?: Partial<Record<Way, SaidMail>> } = {},
): Said {
  const all = Object.fromEntries(ways.map(way => [way, { verdict, root }])) as Record<Way, SaidMail>
  const held = [...(root ? [root] : []), ...reasons]
  return { at: at(second), mail: { ...all, ...mail }, checks: {}, reasons: held, cluster: { verdict } }
}

/** Who takes writes and holds the lock from then on. */
export function elected(second: number, holder: string | undefined): Truth {
  const nodes = nodeNames.map((name): [string, NodeTruth] => [
    name,
    name === holder
      ? { sql: 'primary', patroni: 200, says: 'master/running', timeline: 1, haproxy: 'UP L7OK/200' }
      : { sql: 'standby', patroni: 503, says: 'replica/running', timeline: 1, haproxy: 'DOWN L7STS/503' },
  ])
  return { at: at(second), nodes: Object.fromEntries(nodes) as Truth['nodes'] }
}

/** A minute in which all was well but for what is given. */
export const run = (more: Partial<ScenarioRun>): ScenarioRun => ({
  name: 'made up',
  does: 'Nothing.',
  versions: { patroni: '3.0.2' },
  intervalMs: 2_000,
  timeoutMs: 1_500,
  from: at(0),
  to: at(60),
  marks: [],
  expected: { phases: [] },
  attempts: writes('fresh haproxy 1', []),
  truth: [elected(0, 'n1')],
  said: [says(0, 'ok')],
  lost: [],
  counted: {
    failovers: 0,
    outageSeconds: { haproxy: 0, 'haproxy-plain': 0, pgbouncer: 0, 'pgbouncer-session': 0 },
  },
  ...more,
})
