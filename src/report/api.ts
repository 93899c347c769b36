import type { Blocker, CheckStatus, ClusterStatus, MailStatus } from '../assess/assessment.ts'
import { posturesOf, type TargetPosture } from '../assess/postures.ts'
import type { Starved } from '../assess/starved.ts'
import { hopStatuses, type HopStatus } from '../assess/path/hop-status.ts'
import { exitCode, type Reason } from '../core/probe.ts'
import type { CheckRecord, Status } from '../monitor/ledger.ts'
import { auditVerdict } from './audit.ts'

/**
 * The value of `/api/v1/status`. Times are ISO 8601 in UTC, durations are in seconds, and unknown is null. Each field is
 * named here, so that neither the facts of a probe nor its configuration get out.
 */
export function statusJson(status: Status) {
  const verdict = auditVerdict(status)
  return {
    at: iso(status.at),
    started_at: iso(status.startedAt),
    /** The worst verdict of the mail paths, and the exit code that `check` gives it. */
    verdict,
    exit_code: exitCode(verdict),
    /** What the exporter itself lacks, and how many checks could not run because of it. */
    starved: status.starved.map(starvedJson),
    mail_paths: status.mail.map(mailJson),
    clusters: status.clusters.map(clusterJson),
    landings: status.landings.map(landing => ({
      write_path: landing.writePath,
      cluster: landing.cluster,
      nodes: landing.nodes,
      on_primary: landing.onPrimary ?? null,
      ...throughJson(hopStatuses(landing.writePath, status.checks)),
    })),
    /** What receivers find in DNS, of each `dns` target with a fresh look. */
    dns: posturesOf(status.checks).map(postureJson),
    checks: status.checks.map(check => checkJson(check, status.records.get(check.id))),
  }
}
export type StatusJson = ReturnType<typeof statusJson>

const iso = (ms: number): string => new Date(ms).toISOString()
const isoOrNull = (ms: number | undefined): string | null => (ms === undefined ? null : iso(ms))

/** `verdict` is that of the reason alone. */
export const reasonJson = ({ code, verdict, severity, text, remedy }: Reason) => ({
  code,
  verdict,
  severity,
  text,
  remedy,
})

export const starvedJson = ({ resource, reason, codes, checks }: Starved) => ({
  resource,
  ...reasonJson(reason),
  codes,
  checks: checks.length,
})

/** `publish` of a record is a line of a zone file, and `advice` a sentence. */
export const postureJson = ({ target, domain, envelope, servers, rows }: TargetPosture) => ({
  target,
  domain,
  envelope,
  servers,
  records: rows.map(({ record, name, state, found, publish, advice }) => ({
    record,
    name,
    state,
    found,
    publish: publish ?? null,
    advice: advice ?? null,
  })),
})

/** `level` is its effect on the mail path: fail or unknown. `root` is the one thing to fix. */
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
  /** What is broken but does not stop mail. */
  exceptions: mail.exceptions.map(({ probe, target, reason }) => ({ probe, target, ...reasonJson(reason) })),
  /** Names of the targets it needs, by kind. */
  needs: mail.needs,
})

/** What a write path goes through on its way; left out where its target names nothing. */
const throughJson = (hops: readonly HopStatus[]) => (hops.length > 0 ? { through: hops.map(hopJson) } : {})

const hopJson = (hop: HopStatus) =>
  hop.kind === 'haproxy'
    ? {
        probe: hop.kind,
        target: hop.target,
        verdict: hop.verdict,
        proxy: hop.proxy,
        servers: hop.servers.map(({ name, node, status, checkStatus, checkCode }) => ({
          name,
          /** The node behind it, by the name of its target. */
          node: node ?? null,
          status: status ?? null,
          check_status: checkStatus ?? null,
          check_code: checkCode ?? null,
        })),
      }
    : {
        probe: hop.kind,
        target: hop.target,
        verdict: hop.verdict,
        database: hop.database,
        paused: hop.seen?.paused ?? null,
        clients_active: hop.seen?.active ?? null,
        clients_waiting: hop.seen?.waiting ?? null,
        longest_wait_seconds: hop.seen?.maxWaitSeconds ?? null,
      }

const clusterJson = (cluster: ClusterStatus) => ({
  name: cluster.name,
  verdict: cluster.verdict,
  /** Name of the primary, and the number of primaries. */
  primary: cluster.primary ?? null,
  primaries: cluster.primaries ?? null,
  split_brain: cluster.splitBrain ?? null,
  /** The node that holds the leader lock; only where Patroni manages the cluster. */
  ...(cluster.hasPatroni && { lock_holder: cluster.lockHolder ?? null }),
  evidence: cluster.evidence,
  reasons: cluster.reasons.map(reasonJson),
  nodes: cluster.nodes.map(node => ({
    name: node.name,
    address: node.address ?? null,
    role: node.role ?? null,
    verdict: node.verdict,
    ...(cluster.hasPatroni && { patroni_differs: node.patroni ?? null }),
  })),
})

const checkJson = (check: CheckStatus, record: CheckRecord | undefined) => ({
  id: check.id,
  probe: check.probe,
  target: check.target,
  verdict: check.verdict,
  /** The last run is older than three intervals, so that the verdict is unknown. */
  stale: check.stale,
  evidence: check.evidence,
  /** Worst first. */
  reasons: check.reasons.map(reasonJson),
  interval_seconds: check.intervalMs / 1000,
  last_run: isoOrNull(check.observation?.finishedAt),
  last_ok: isoOrNull(record?.lastOkAt),
  /** Values of the last run, stale or not. */
  duration_seconds: check.observation ? (check.observation.finishedAt - check.observation.startedAt) / 1000 : null,
  phases: check.observation?.phases ?? {},
  runs: record?.runs ?? 0,
  failures: record?.failures ?? 0,
  /** Verdicts of the last runs, oldest first. */
  history: record?.history ?? [],
  /** The checks of the systems that it takes secrets from. */
  needs: check.needs,
})
