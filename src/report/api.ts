import type { Blocker, CheckStatus, ClusterStatus, MailStatus } from '../assess/assessment.ts'
import { exitCode, type Reason } from '../core/probe.ts'
import type { CheckRecord } from '../monitor/records.ts'
import type { Status } from '../monitor/ledger.ts'
import { auditVerdict } from './audit.ts'

/**
 * The value of `/api/v1/status`: the same as on all other outputs. Times are ISO 8601 in UTC, durations are in seconds;
 * what is not known is null. Each field is named here: what a probe saw and its configuration stay inside.
 */
export function statusJson(status: Status) {
  const verdict = auditVerdict(status)
  return {
    at: iso(status.at),
    started_at: iso(status.startedAt),
    /** The worst of the mail paths: ok, warn, fail or unknown; and the exit code `check` has for it. */
    verdict,
    exit_code: exitCode(verdict),
    /** What the exporter itself is short of, and how many checks were not looked at for that. */
    starved: status.starved.map(({ resource, reason, codes, checks }) => ({
      resource,
      ...reasonJson(reason),
      codes,
      checks: checks.length,
    })),
    mail_paths: status.mail.map(mailJson),
    clusters: status.clusters.map(clusterJson),
    landings: status.landings.map(landing => ({
      write_path: landing.writePath,
      cluster: landing.cluster,
      nodes: landing.nodes,
      on_primary: landing.onPrimary ?? null,
    })),
    checks: status.checks.map(check => checkJson(check, status.records.get(check.id))),
  }
}
export type StatusJson = ReturnType<typeof statusJson>

const iso = (ms: number): string => new Date(ms).toISOString()
const isoOrNull = (ms: number | undefined): string | null => (ms === undefined ? null : iso(ms))

/** `verdict` is what the reason alone would make of its check. */
const reasonJson = ({ code, verdict, severity, text, remedy }: Reason) => ({ code, verdict, severity, text, remedy })

/** `level` is what it does to the mail path: fail or unknown. `root` is the one thing to fix. */
const blockerJson = ({ probe, target, level, root, reason }: Blocker) => ({
  probe,
  target,
  level,
  root,
  ...reasonJson(reason),
})

const mailJson = (mail: MailStatus) => ({
  name: mail.name,
  verdict: mail.verdict,
  provider: mail.provider ?? null,
  root: mail.root ? blockerJson(mail.root) : null,
  /** In dependency order. */
  blockers: mail.blockers.map(blockerJson),
  /** What is broken and survived. */
  exceptions: mail.exceptions.map(({ probe, target, reason }) => ({ probe, target, ...reasonJson(reason) })),
  /** Names of the targets it rests on, by kind. */
  needs: mail.needs,
})

const clusterJson = (cluster: ClusterStatus) => ({
  name: cluster.name,
  verdict: cluster.verdict,
  /** Name of the node that is the primary, and how many there are. */
  primary: cluster.primary ?? null,
  primaries: cluster.primaries ?? null,
  split_brain: cluster.splitBrain ?? null,
  evidence: cluster.evidence,
  reasons: cluster.reasons.map(reasonJson),
  nodes: cluster.nodes.map(({ name, address, role, verdict }) => ({
    name,
    address: address ?? null,
    role: role ?? null,
    verdict,
  })),
})

const checkJson = (check: CheckStatus, record: CheckRecord | undefined) => ({
  id: check.id,
  probe: check.probe,
  target: check.target,
  verdict: check.verdict,
  /** The last run is older than three intervals; the verdict is unknown then. */
  stale: check.stale,
  evidence: check.evidence,
  /** Worst first. */
  reasons: check.reasons.map(reasonJson),
  interval_seconds: check.intervalMs / 1000,
  last_run: isoOrNull(check.observation?.finishedAt),
  last_ok: isoOrNull(record?.lastOkAt),
  /** Of the last run, stale or not. */
  duration_seconds: check.observation ? (check.observation.finishedAt - check.observation.startedAt) / 1000 : null,
  phases: check.observation?.phases ?? {},
  runs: record?.runs ?? 0,
  failures: record?.failures ?? 0,
  /** Verdicts of the last runs, oldest first. */
  history: record?.history ?? [],
  /** Checks whose target this one takes secrets from. */
  needs: check.needs,
})
