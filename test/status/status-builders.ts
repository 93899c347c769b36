/** Builders of Status values: only what differs has to be said. */
import type {
  Blocker,
  CheckStatus,
  ClusterStatus,
  LandingStatus,
  MailStatus,
  NodeStatus,
  Role,
} from '../../src/assess/assessment.ts'
import { worst, type Observation, type Reason, type Severity, type Verdict } from '../../src/core/probe.ts'
import { byKind, pathKinds } from '../../src/probes/needs.ts'
import type { CheckRecord } from '../../src/monitor/records.ts'
import type { Status } from '../../src/monitor/ledger.ts'

/** 2026-01-14 03:12:07 UTC */
export const now = Date.UTC(2026, 0, 14, 3, 12, 7)

export const times = (n: number, verdict: Verdict): Verdict[] => Array.from({ length: n }, () => verdict)

export const reasonOf = (
  verdict: Exclude<Verdict, 'ok'>,
  severity: Severity,
  code: string,
  text: string,
  remedy: string,
): Reason => ({ code, verdict, severity, text, remedy })

interface CheckOptions {
  readonly evidence?: string
  readonly reasons?: readonly Reason[]
  readonly history?: readonly Verdict[]
  readonly needs?: readonly string[]
  readonly ageMs?: number
  readonly intervalMs?: number
  readonly phases?: Readonly<Record<string, number>>
  readonly stale?: boolean
  readonly seen?: boolean
}
export interface CheckFixture {
  readonly status: CheckStatus
  readonly record: CheckRecord
}

export function check(probe: string, target: string, options: CheckOptions = {}): CheckFixture {
  const {
    evidence = 'all is well',
    reasons = [],
    needs = [],
    ageMs = 4_000,
    intervalMs = 15_000,
    stale = false,
    seen = true,
  } = options
  const phases = options.phases ?? { connect: 0.0021, login: 0.0094 }
  const verdict = worst(reasons.map(reason => reason.verdict))
  const found = { verdict, reasons, evidence: reasons[0]?.text ?? evidence, samples: [] }
  const startedAt = now - ageMs - 31
  const observation: Observation = {
    // What a stale check saw was good at its time.
    ...(stale ? { ...found, verdict: 'ok' as const, reasons: [], evidence } : found),
    probe,
    target,
    config: { name: target },
    seen: undefined,
    startedAt,
    finishedAt: now - ageMs,
    phases,
    unmet: [],
  }
  const history = options.history ?? (seen ? times(50, verdict) : [])
  const lastOk = history.lastIndexOf('ok')
  return {
    status: {
      ...found,
      id: `${probe}/${target}`,
      probe,
      target,
      config: { name: target },
      intervalMs,
      needs,
      stale,
      observation: seen ? observation : undefined,
    },
    record: {
      runs: history.length,
      failures: history.filter(one => one === 'fail').length,
      failed: [],
      lastOkAt: lastOk < 0 ? undefined : now - ageMs - (history.length - 1 - lastOk) * intervalMs,
      history,
    },
  }
}

export function status(
  checks: readonly CheckFixture[],
  rest: Partial<Pick<Status, 'mail' | 'clusters' | 'landings'>>,
): Status {
  return {
    at: now,
    startedAt: now - 9 * 86_400_000,
    starved: [],
    mail: [],
    clusters: [],
    landings: [],
    checks: checks.map(one => one.status),
    samples: [],
    recheck: [],
    roles: [],
    memory: { at: now, clusters: {}, outages: {}, roles: {} },
    ...rest,
    records: new Map(checks.map(one => [one.status.id, one.record])),
  }
}

export const node = (name: string, role: Role | undefined, verdict: Verdict = 'ok', address?: string): NodeStatus => ({
  name,
  role,
  verdict,
  address,
})

export const cluster = (
  name: string,
  nodes: readonly NodeStatus[],
  rest: Partial<ClusterStatus> = {},
): ClusterStatus => ({
  name,
  nodes,
  primary: nodes.find(one => one.role === 'primary')?.name,
  primaries: nodes.filter(one => one.role === 'primary').length,
  splitBrain: false,
  undecided: false,
  verdict: worst((rest.reasons ?? []).map(reason => reason.verdict)),
  reasons: [],
  evidence: '',
  ...rest,
})

export const landing = (
  writePath: string,
  nodes: readonly string[],
  onPrimary: boolean | undefined = true,
  of = 'keybuzz',
): LandingStatus => ({
  writePath,
  cluster: of,
  nodes,
  onPrimary,
})

export const needs: MailStatus['needs'] = byKind(pathKinds, () => [])

export const blocker = ({ status: { probe, target, reasons } }: CheckFixture, root = false): Blocker => {
  const reason = reasons[0]
  if (!reason) throw new Error(`${probe}/${target} has no reason`)
  return { probe, target, reason, level: reason.verdict === 'fail' ? 'fail' : 'unknown', root }
}
export const exception = (one: CheckFixture): MailStatus['exceptions'][number] => {
  const { probe, target, reason } = blocker(one)
  return { probe, target, reason }
}

export function mailPath(name: string, rest: Partial<MailStatus>): MailStatus {
  const blockers = rest.blockers ?? []
  return {
    name,
    verdict: 'ok',
    provider: 'smtp',
    blockers,
    root: blockers.find(one => one.root),
    exceptions: [],
    needs,
    ...rest,
  }
}
