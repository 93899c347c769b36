import type { Blocker, CheckStatus, ClusterStatus, LandingStatus, MailStatus } from '../assess/assessment.ts'
import { posturesOf, type TargetPosture } from '../assess/postures.ts'
import type { Starved } from '../assess/starved.ts'
import { hopStatuses, type HopStatus } from '../assess/path/hop-status.ts'
import { isoTime } from '../core/duration.ts'
import { exitCode, type Reason, type Verdict } from '../core/probe.ts'
import { runbookUrl } from '../core/runbook.ts'
import { blockerKey, type HeldVerdict, type History, type Since } from '../history/history.ts'
import { dayMs, monthMs, uptimeOf, type Seen } from '../history/uptime.ts'
import type { CheckRecord, Status } from '../monitor/ledger.ts'
import { lineOf } from '../assess/sentence.ts'
import { actionsOf, auditVerdict, settingsOf, type Action } from './audit.ts'

/**
 * The fields of the status as JSON, for `/api/v1/status` and `check`. docs/generate/status-schema.ts describes them. Times are
 * ISO 8601 in UTC, durations are in seconds, and unknown is null. Each field is named here, so that neither the facts of a
 * probe nor its configuration get out.
 */
const fields = {
  at: ({ at }: Status) => isoTime(at),
  started_at: ({ startedAt }: Status) => isoTime(startedAt),
  verdict: (status: Status) => auditVerdict(status),
  exit_code: (status: Status) => exitCode(auditVerdict(status)),
  starved: ({ starved }: Status) => starved.map(starvedJson),
  mail_paths: ({ mail, history, at }: Status) => mail.map(path => mailJson(path, history, at)),
  clusters: ({ clusters }: Status) => clusters.map(clusterJson),
  landings: ({ landings, checks }: Status) => landings.map(landing => landingJson(landing, checks)),
  dns: ({ checks }: Status) => posturesOf(checks).map(postureJson),
  settings: ({ checks }: Status) => settingsOf(checks).map(row => ({ ...row, why: row.why ?? null })),
  actions: (status: Status) => actionsOf(status).map(actionJson),
  checks: ({ checks, records, history }: Status) =>
    checks.map(check => checkJson(check, records.get(check.id), history.checks.get(check.id))),
}
export type StatusField = keyof typeof fields
export type StatusJson = { readonly [Field in StatusField]: ReturnType<(typeof fields)[Field]> }

export const statusFields = Object.keys(fields) as readonly StatusField[]

/** One field of the status. */
export const fieldJson = <Field extends StatusField>(status: Status, field: Field): StatusJson[Field] =>
  fields[field](status) as StatusJson[Field]

/** The whole status. */
export const statusJson = (status: Status): StatusJson =>
  Object.fromEntries(statusFields.map(field => [field, fieldJson(status, field)])) as StatusJson

/** Unknown, or not yet, is null. */
export const isoOrNull = (ms: number | undefined): string | null => (ms === undefined ? null : isoTime(ms))

/** Since when a verdict holds; null where that is not known. */
const sinceJson = (held: (Since & { readonly verdict?: Verdict }) | undefined, verdict?: Verdict) =>
  held && (held.verdict === undefined || held.verdict === verdict) ? { at: isoTime(held.at), exact: held.exact } : null

const uptimeJson = (seen: Seen | undefined, at: number, windowMs: number) => {
  const { up, down, unknown } = uptimeOf(seen, at, windowMs)
  return { up_seconds: up / 1000, down_seconds: down / 1000, unknown_seconds: unknown / 1000 }
}

const reasonJson = ({ code, verdict, severity, text, remedy, because }: Reason) => ({
  code,
  verdict,
  severity,
  text,
  remedy,
  because: because ?? null,
  runbook_url: runbookUrl(code),
})

const starvedJson = ({ resource, reason, codes, checks }: Starved) => ({
  resource,
  ...reasonJson(reason),
  codes,
  checks: checks.length,
})

const postureJson = ({ target, domain, envelope, servers, rows }: TargetPosture) => ({
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

function mailJson(mail: MailStatus, history: History, at: number) {
  const { name, verdict, provider, root, blockers, exceptions, needs } = mail
  const blockerJson = ({ probe, target, level, root, reason }: Blocker) => ({
    probe,
    target,
    level,
    root,
    since: sinceJson(history.blockers.get(blockerKey(name, { probe, target, reason }))),
    ...reasonJson(reason),
  })
  const seen = history.uptime.get(name)
  return {
    name,
    verdict,
    since: sinceJson(history.mail.get(name), verdict),
    sentence: lineOf(mail),
    provider: provider ?? null,
    root: root ? blockerJson(root) : null,
    blockers: blockers.map(blockerJson),
    exceptions: exceptions.map(({ probe, target, reason }) => ({ probe, target, ...reasonJson(reason) })),
    uptime: seen ? { day: uptimeJson(seen, at, dayMs), month: uptimeJson(seen, at, monthMs) } : null,
    needs,
  }
}

const actionJson = ({ root, where, reason }: Action) => ({ root, where, ...reasonJson(reason) })

const landingJson = ({ writePath, cluster, nodes, onPrimary }: LandingStatus, checks: readonly CheckStatus[]) => ({
  write_path: writePath,
  cluster,
  nodes,
  on_primary: onPrimary ?? null,
  ...throughJson(hopStatuses(writePath, checks)),
})

/** Left out where the target of the write path names nothing. */
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
  primary: cluster.primary ?? null,
  primaries: cluster.primaries ?? null,
  split_brain: cluster.splitBrain ?? null,
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

const checkJson = (check: CheckStatus, record: CheckRecord | undefined, held: HeldVerdict | undefined) => ({
  id: check.id,
  probe: check.probe,
  target: check.target,
  verdict: check.verdict,
  since: sinceJson(held, check.verdict),
  stale: check.stale,
  evidence: check.evidence,
  reasons: check.reasons.map(reasonJson),
  interval_seconds: check.intervalMs / 1000,
  last_run: isoOrNull(check.observation?.finishedAt),
  last_ok: isoOrNull(record?.lastOkAt),
  duration_seconds: check.observation ? (check.observation.finishedAt - check.observation.startedAt) / 1000 : null,
  phases: check.observation?.phases ?? {},
  runs: record?.runs ?? 0,
  failures: record?.failures ?? 0,
  history: record?.history ?? [],
  needs: check.needs,
})
