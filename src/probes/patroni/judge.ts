import { endSeconds, endsSoonIn, wantsClientCertificate } from '../../clients/certificates.ts'
import { remedyForName } from '../../clients/names/index.ts'
import { gauge, sample, stateSet } from '../../core/metric.ts'
import { finding } from '../../core/probe.ts'
import { patroniRoles, patroniStates, type PatroniFacts } from './answer.ts'
import type { PatroniFailure, PatroniSeen } from './observe.ts'
import { reason, type Reason } from './reasons.ts'
import type { PatroniTarget } from './target.ts'

const labels = ['target', 'postgres_cluster'] as const
export const metrics = {
  reachable: gauge('mailpath_patroni_reachable', 'Whether the REST API of Patroni answered.', labels),
  role: gauge('mailpath_patroni_role', 'The role of the member, as a state set.', [...labels, 'role']),
  state: gauge('mailpath_patroni_state', 'The state of its Postgres as Patroni sees it, as a state set.', [
    ...labels,
    'state',
  ]),
  lockHolder: gauge('mailpath_patroni_lock_holder', 'Whether the member holds the leader lock.', labels),
  dcsLastSeen: gauge(
    'mailpath_patroni_dcs_last_seen_timestamp_seconds',
    'When Patroni last reached its DCS (etcd, Consul, ZooKeeper, Kubernetes).',
    labels,
  ),
  clusterUnlocked: gauge(
    'mailpath_patroni_cluster_unlocked',
    'Whether no member holds the leader lock, as far as this one knows.',
    labels,
  ),
  paused: gauge('mailpath_patroni_paused', 'Whether maintenance mode is on: then nothing fails over.', labels),
  failsafeActive: gauge(
    'mailpath_patroni_failsafe_active',
    'Whether the failsafe mode keeps the primary without a DCS.',
    labels,
  ),
  pendingRestart: gauge(
    'mailpath_patroni_pending_restart',
    'Whether a changed parameter waits for a restart of Postgres.',
    labels,
  ),
  syncStandby: gauge(
    'mailpath_patroni_sync_standby',
    'Whether the member is a synchronous standby, or one of a quorum.',
    labels,
  ),
  nofailover: gauge('mailpath_patroni_nofailover', 'Whether a tag keeps the member from promotion.', labels),
  timeline: gauge('mailpath_patroni_timeline', 'The timeline of the member, as Patroni says it.', labels),
  notAfter: gauge(
    'mailpath_patroni_certificate_not_after_timestamp_seconds',
    'When the first certificate of the chain of the REST API expires, whether it verifies or not.',
    labels,
  ),
  info: gauge('mailpath_patroni_info', 'The version of Patroni; the value is 1.', [...labels, 'version']),
}

/** What Patroni says of its cluster, good or bad, is no reason here: the assessment compares it with the other views. */
export function judge(seen: PatroniSeen, target: PatroniTarget) {
  const { facts, failure } = seen
  const found = [
    ...(failure ? [failureReason(failure, target)] : facts ? [] : [foreignReason(seen, target)]),
    ...certificateReasons(seen, target),
  ]
  return finding(facts ? evidence(seen, facts) : '', found, samples(seen, target), seen.certificates?.chain.leaf)
}

/** `db-1:8008: p1 of kb holds the lock, primary, running, timeline 3, DCS seen 2 s ago, Patroni 3.0.2` */
function evidence({ address, answeredAt = NaN }: PatroniSeen, facts: PatroniFacts): string {
  const { dcsLastSeenAt: seenAt, timeline, version } = facts
  const parts = [
    `${facts.name ?? 'a member'} of ${facts.scope}${lockOf(facts)}`,
    facts.role?.replace('_', ' ') ?? 'role not known',
    facts.state ?? 'state not known',
    timeline === undefined ? undefined : `timeline ${timeline}`,
    seenAt === undefined ? undefined : `DCS seen ${Math.max(0, Math.round((answeredAt - seenAt) / 1000))} s ago`,
    facts.failsafeActive ? 'failsafe mode active' : undefined,
    facts.paused ? 'paused' : undefined,
    facts.syncStandby ? 'synchronous standby' : undefined,
    facts.tags.nofailover ? 'nofailover' : undefined,
    facts.pendingRestart ? 'restart pending' : undefined,
    version === undefined ? undefined : `Patroni ${version}`,
  ]
  return `${address}: ${parts.filter(part => part !== undefined).join(', ')}`
}

function lockOf({ holdsLock, clusterUnlocked }: PatroniFacts): string {
  if (holdsLock) return clusterUnlocked ? ' leads without a lock' : ' holds the lock'
  return clusterUnlocked ? ', no member holds the lock' : ''
}

function failureReason(failure: PatroniFailure, { cert_file: file }: PatroniTarget): Reason {
  const { text, timedOut, tls, strange } = failure
  if (timedOut) return reason('patroni_no_answer', text, remedyForName(failure))
  if (wantsClientCertificate(failure)) {
    const why = file === undefined ? 'wants a client certificate' : 'does not accept the certificate of cert_file'
    return reason('patroni_tls_failed', `${text}: the REST API ${why}`)
  }
  if (strange) return reason('patroni_not_patroni', text)
  return reason(tls ? 'patroni_tls_failed' : 'patroni_unreachable', text, remedyForName(failure))
}

function foreignReason({ address, status = 0 }: PatroniSeen, { user }: PatroniTarget): Reason {
  const said = `${address}: HTTP ${status} from /leader`
  if (status === 401 || status === 403)
    return reason('patroni_login_refused', `${said}${user === undefined ? ', and no user is set' : ''}`)
  const redirect = status >= 300 && status < 400 ? ', a redirect, which is not followed' : ''
  return reason('patroni_not_patroni', `${said}${redirect}: not an answer of a Patroni`)
}

function certificateReasons({ address, certificates }: PatroniSeen, target: PatroniTarget): Reason[] {
  const ends = endsSoonIn(certificates, target.certificate_warning)
  return ends === undefined ? [] : [reason('patroni_certificate_expires_soon', `${address}: ${ends}`)]
}

function samples({ status, facts, failure, certificates }: PatroniSeen, { name, cluster }: PatroniTarget) {
  const of = { target: name, postgres_cluster: cluster }
  // An API that refuses our certificate is up.
  const silent = failure && !wantsClientCertificate(failure) ? false : undefined
  const seenAt = facts?.dcsLastSeenAt
  return [
    ...sample(metrics.reachable, status === undefined ? silent : true, of),
    ...stateSet(metrics.role, 'role', patroniRoles, facts?.role, of),
    ...stateSet(metrics.state, 'state', patroniStates, facts?.state, of),
    ...sample(metrics.lockHolder, facts?.holdsLock, of),
    ...sample(metrics.dcsLastSeen, seenAt === undefined ? undefined : seenAt / 1000, of),
    ...sample(metrics.clusterUnlocked, facts?.clusterUnlocked, of),
    ...sample(metrics.paused, facts?.paused, of),
    ...sample(metrics.failsafeActive, facts?.failsafeActive, of),
    ...sample(metrics.pendingRestart, facts?.pendingRestart, of),
    ...sample(metrics.syncStandby, facts?.syncStandby, of),
    ...sample(metrics.nofailover, facts?.tags.nofailover, of),
    ...sample(metrics.timeline, facts?.timeline, of),
    ...sample(metrics.notAfter, endSeconds(certificates), of),
    ...(facts?.version === undefined ? [] : sample(metrics.info, 1, { ...of, version: facts.version })),
  ]
}
