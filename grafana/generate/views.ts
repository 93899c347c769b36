import { clusterMetrics } from '../../src/assess/cluster/metrics.ts'
import { mailMetrics } from '../../src/assess/mail.ts'
import { metrics as haproxy } from '../../src/probes/haproxy/judge.ts'
import { metrics as patroni } from '../../src/probes/patroni/judge.ts'
import { metrics as pgbouncer } from '../../src/probes/pgbouncer/judge.ts'
import { metrics as postgres } from '../../src/probes/postgres/judge.ts'
import { metrics as smtp } from '../../src/probes/smtp/judge.ts'
import { metrics as vault } from '../../src/probes/vault/judge.ts'
import { metrics as writePath } from '../../src/probes/write_path/judge.ts'
import { checkMetrics } from '../../src/exposition/samples.ts'
import {
  by,
  calc,
  constant,
  each,
  join,
  labelled,
  matches,
  or,
  q,
  union,
  unless,
  type Matcher,
  type Vector,
} from './build/promql.ts'
import {
  haproxyServer,
  landing,
  nodeRole,
  patroniNode,
  patroniRoles as patroniRoleCodes,
  patroniStates as patroniStateCodes,
  primaries,
  stateOf,
  vaultNode,
  vaultStates,
  verdictCodes,
} from './build/states.ts'

// What more than one panel shows. Where replicas of the exporter differ, the worse counts.

export const mailPaths = { mail_path: matches('$mail_path') } as const
export type OfCluster = Readonly<{ postgres_cluster?: Matcher }>
export const chosenClusters = { postgres_cluster: matches('$postgres_cluster') } as const

/** In a timeline, the worst of each step: no failure falls between two of them. */
const window = '$__rate_interval'

export const mailVerdict = stateOf(mailMetrics.verdict, 'verdict', verdictCodes, ['mail_path'], { where: mailPaths })
export const mailVerdictThen = stateOf(mailMetrics.verdict, 'verdict', verdictCodes, ['mail_path'], {
  where: mailPaths,
  window,
})

type CheckLabel = 'probe' | 'target'
type OfChecks = Readonly<Partial<Record<CheckLabel, Matcher>>>
export const checkVerdict = <const By extends CheckLabel>(labels: readonly By[], where: OfChecks = {}) =>
  stateOf(checkMetrics.verdict, 'verdict', verdictCodes, labels, { where })
export const checkVerdictThen = <const By extends CheckLabel>(labels: readonly By[], where: OfChecks = {}) =>
  stateOf(checkMetrics.verdict, 'verdict', verdictCodes, labels, { where, window })

export const clusterVerdict = (where: OfCluster = {}) =>
  stateOf(clusterMetrics.verdict, 'verdict', verdictCodes, ['postgres_cluster'], { where })

/** Every target of a probe, whatever is known of it: what keeps a tile where its metrics are gone. */
const configured = (probe: string) => by('max', ['target'], q(checkMetrics.interval, { probe }))

/** The role of each node; unknown where the check says nothing. */
export function nodeRoles(where: OfCluster = {}) {
  const { standby, primary, unreachable, unknown } = nodeRole
  // A primary that is read-only has the code after that of a primary.
  const role = calc`(1 - ${q(postgres.inRecovery, where)}) * (${primary.code} + ${q(postgres.readOnly, where)}) + ${standby.code}`
  const away = constant(calc`${q(postgres.reachable, where)} == 0`, unreachable.code)
  const seen = by('max', ['target'], union(role, away))
  return or(seen, constant(unless(configured('postgres'), q(postgres.reachable), ['target']), unknown.code))
}

/** The role of each node by its Patroni, over time; `silent` while that does not answer. */
export function patroniRoles(where: OfCluster = {}) {
  const away = constant(by('max', ['target'], calc`${q(patroni.reachable, where)} == 0`), patroniNode.silent.code)
  return union(away, stateOf(patroni.role, 'role', patroniRoleCodes, ['target'], { where, window }))
}

/** The state of the Postgres of each node by its Patroni, over time. */
export const patroniStates = (where: OfCluster = {}) =>
  stateOf(patroni.state, 'state', patroniStateCodes, ['target'], { where, window })

type ServerLabel = 'target' | 'proxy' | 'server'

/** The status of each server of HAProxy: now, or the worst of the steps of a window. */
export const haproxyServers = (window?: string) =>
  stateOf(haproxy.serverStatus, 'status', haproxyServer, ['target', 'proxy', 'server'], {
    ...(window === undefined ? {} : { window }),
  })

/** With the result of the last health check of the server. */
export function withCheck(of: Vector<ServerLabel>) {
  const labels = ['target', 'proxy', 'server', 'check_status'] as const
  return join('*', by('max', labels, q(haproxy.checkStatus)), of, ['target', 'proxy', 'server'])
}

/** Whether each HAProxy and PgBouncer answered. */
export const betweenReachable = () =>
  union(
    labelled(by('max', ['target'], q(haproxy.reachable)), 'kind', 'HAProxy'),
    labelled(by('max', ['target'], q(pgbouncer.reachable)), 'kind', 'PgBouncer'),
  )

/** The state of each Vault node: the one it reports, unreachable, or unknown. */
export function vaultNodes() {
  const reported = stateOf(vault.state, 'state', vaultStates, ['target'])
  const away = constant(by('max', ['target'], calc`${q(vault.reachable)} == 0`), vaultNode.unreachable.code)
  return union(away, reported, constant(configured('vault'), vaultNode.unknown.code))
}

const landedOn = (where: OfCluster) => by('max', ['target', 'node'], q(writePath.landed, where))

/** Each write path with the node it lands on, and whether that is the primary. */
export function landings(where: OfCluster = {}) {
  const landed = landedOn(where)
  const onPrimary = by('min', ['target'], q(writePath.onPrimary, where))
  return or(join('+', constant(landed, 0), onPrimary, ['target']), constant(landed, landing.unknown.code))
}

/** The verdict of each write path, but for those that are known to be of other clusters. */
export function writePathVerdicts(where: OfCluster = {}) {
  const verdict = checkVerdict(['target'], { probe: 'write_path' })
  if (where.postgres_cluster === undefined) return verdict
  const ofOthers = unless(q(writePath.reachable), q(writePath.reachable, where), ['target'])
  return unless(verdict, ofOthers, ['target'])
}

/** Each write path with the node it lands on and its verdict; without a node where it lands on none. */
export function writePaths(where: OfCluster = {}) {
  const verdict = writePathVerdicts(where)
  const landed = constant(landedOn(where), 0)
  return or(join('+', landed, verdict, ['target']), labelled(verdict, 'node', '?'), ['target'])
}

/** Each cluster with its primary and how many there are; -1 where that is not known. */
export function clusterPrimaries(where: OfCluster = {}) {
  const count = by('max', ['postgres_cluster'], q(clusterMetrics.primaries, where))
  const named = by('max', ['postgres_cluster', 'node'], q(clusterMetrics.primary, where))
  const every = by('max', ['postgres_cluster'], q(clusterMetrics.verdict, where))
  const unknown = constant(every, primaries.unknown.code)
  return or(
    join('+', constant(named, 0), count, ['postgres_cluster']),
    labelled(or(count, unknown), 'node', 'none seen'),
    ['postgres_cluster'],
  )
}

/** How far each node is behind the furthest of its cluster, in bytes of WAL. */
export function behind(where: OfCluster) {
  const position = by('max', ['target', 'postgres_cluster'], q(postgres.lsn, where))
  const away = join('+', constant(position, 0), by('max', ['postgres_cluster'], q(postgres.lsn, where)), [
    'postgres_cluster',
  ])
  return by('max', ['target'], calc`${away} - ${position}`)
}

/** Each server with what it is, and whether new transactions are read-only there. */
export function servers(where: OfCluster) {
  const labels = ['postgres_cluster', 'target', 'version', 'system_identifier'] as const
  const info = by('max', labels, q(postgres.info, where))
  return join('*', info, by('max', ['target'], q(postgres.readOnly, where)), ['target'])
}

/** How long what expires is still good, in seconds; a hundred years for what never does. */
export const century = 3_155_760_000
export function expiries() {
  const certificate = by('min', ['target'], q(smtp.notAfter))
  const ofPath = by('min', ['target'], q(writePath.notAfter))
  const ofNode = by('min', ['target'], q(postgres.notAfter))
  const ofVault = by('min', ['target'], q(vault.notAfter))
  const ofPatroni = by('min', ['target'], q(patroni.notAfter))
  const ofHaproxy = by('min', ['target'], q(haproxy.notAfter))
  const ofPgbouncer = by('min', ['target'], q(pgbouncer.notAfter))
  const token = by('min', ['target'], q(vault.tokenExpiry))
  const all = union(
    labelled(certificate, 'what', 'TLS certificate'),
    labelled(ofPath, 'what', 'TLS of write path'),
    labelled(ofNode, 'what', 'TLS of Postgres'),
    labelled(ofPatroni, 'what', 'TLS of Patroni'),
    labelled(ofHaproxy, 'what', 'TLS of HAProxy'),
    labelled(ofPgbouncer, 'what', 'TLS of PgBouncer'),
    labelled(ofVault, 'what', 'TLS of Vault'),
    labelled(token, 'what', 'Vault token'),
  )
  return each('sort', each('clamp_max', calc`${all} - time()`, century))
}
