import type { Assessment, CheckStatus, ClusterStatus, MailStatus } from '../assess/assessment.ts'
import { posturesOf, type TargetPosture } from '../assess/postures.ts'
import { lineOf } from '../assess/sentence.ts'
import { starvedId, type Starved } from '../assess/starved.ts'
import { hopName, hopStatuses, type HopStatus } from '../assess/path/hop-status.ts'
import { byVerdict, checkId, seenBy, severities, worst, type Reason, type Verdict } from '../core/probe.ts'
import { exporterKind } from '../core/want.ts'
import { needRow, needs, titled } from '../probes/needs.ts'
import { packages } from '../probes/packages/index.ts'
import { sesFacts } from '../probes/ses/facts.ts'
import { ses } from '../probes/ses/index.ts'
import { expectationOf, isSecret } from '../probes/settings/expectation.ts'
import { settings } from '../probes/settings/index.ts'
import type { SettingState } from '../probes/settings/observe.ts'
import type { SettingsTarget } from '../probes/settings/target.ts'
import { sourceOf } from '../core/source.ts'
import { writePath } from '../probes/write_path/index.ts'

/** What a person asks in an outage, as data. Every line follows from a reason or an observation. */
export interface Audit {
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly verdict: Verdict
  /** The answers, worst first: one for each mail path. Without a mail path (`check --only`), one for the checks. */
  readonly answers: readonly Answer[]
  /** What the exporter itself lacks. */
  readonly starved: readonly Starved[]
  readonly components: readonly Component[]
  readonly settings: readonly SettingRow[]
  /** What receivers find in DNS, to be handed to a postmaster. */
  readonly postures: readonly TargetPosture[]
  /** What to do: root blockers first, then by severity. */
  readonly actions: readonly Action[]
}

export interface Answer {
  /** Name of the mail path. */
  readonly name: string
  readonly verdict: Verdict
  readonly sentence: string
  /** The one thing to fix, while the verdict is fail or unknown. */
  readonly root: { readonly where: string; readonly reason: Reason } | undefined
}

interface Component {
  readonly name: string
  readonly verdict: Verdict
  readonly evidence: readonly string[]
}

export interface SettingRow {
  /** Name of the `settings` target. */
  readonly target: string
  readonly setting: string
  /** Never the value of a secret. */
  readonly expected: string
  readonly source: string
  readonly state: SettingState
  readonly why: string | undefined
}

export interface Action {
  readonly root: boolean
  /** The checks (`probe/target`) or clusters that have it. */
  readonly where: readonly string[]
  readonly reason: Reason
}

/** The parts of the status that an audit needs. */
type Audited = Pick<Assessment, 'at' | 'starved' | 'mail' | 'clusters' | 'landings' | 'checks'>

/** The worst verdict of the mail paths. Without a mail path (`check --only`), that of the checks and clusters. */
export const auditVerdict = ({ mail, checks, clusters }: Pick<Audited, 'mail' | 'checks' | 'clusters'>): Verdict =>
  worst((mail.length > 0 ? mail : [...checks, ...clusters]).map(one => one.verdict))

export function audit(status: Audited): Audit {
  return {
    at: status.at,
    verdict: auditVerdict(status),
    answers: answersOf(status),
    starved: status.starved,
    components: [...status.clusters.map(leader), ...status.checks.map(check => component(check, status))],
    settings: settingsOf(status.checks),
    postures: posturesOf(status.checks),
    actions: actionsOf(status),
  }
}

function answersOf(status: Audited): Answer[] {
  if (status.mail.length > 0) return [...status.mail].sort((a, b) => byVerdict(a.verdict, b.verdict)).map(answerOf)
  const verdict = auditVerdict(status)
  const clusters = status.clusters.map(cluster => ({ ...cluster, id: `cluster/${cluster.name}` }))
  const found = [...clusters, ...status.checks].sort((a, b) => byVerdict(a.verdict, b.verdict))[0]
  const reason = found?.reasons[0]
  const root = found && reason ? { where: found.id, reason } : undefined
  const rest = verdict === 'ok' ? '' : `: ${found?.id ?? ''}`
  const name = status.checks.length === 1 ? '1 check' : `${status.checks.length} checks`
  return [{ name, verdict, root, sentence: `${name}: ${verdict.toUpperCase()}${rest}` }]
}

function answerOf(mail: MailStatus): Answer {
  const { name, verdict, root } = mail
  const fix = root && { where: checkId(root), reason: root.reason }
  return { name, verdict, root: fix, sentence: lineOf(mail) }
}

function leader(cluster: ClusterStatus): Component {
  const { name, primary, verdict, reasons, evidence } = cluster
  const texts = reasons.length > 0 ? reasons.map(reason => reason.text) : [evidence]
  return {
    name: `${needs.cluster.title} (${name}): ${primary ?? 'none known'}`,
    verdict,
    evidence: [...texts, ...patroniFacts(cluster)],
  }
}

/** Who holds the lock, and what Patroni says of a node that says something else itself. */
function patroniFacts({ hasPatroni, lockHolder, nodes }: ClusterStatus): string[] {
  if (!hasPatroni) return []
  const holder = lockHolder === undefined ? 'it is not known who holds' : `${lockHolder} holds`
  const others = nodes.flatMap(({ name, patroni }) => (patroni === undefined ? [] : [`Patroni of ${name}: ${patroni}`]))
  return [`${holder} the leader lock of Patroni`, ...others]
}

/** Facts come first: it helps to know that a library is installed, even if its code is a stub. */
function component(check: CheckStatus, status: Audited): Component {
  const { probe, target, verdict, reasons, evidence } = check
  const facts = [...packageFacts(check), ...accountFacts(check)]
  const texts = reasons.length > 0 ? [...facts, ...reasons.map(reason => reason.text)] : [evidence]
  return {
    name: titled(needRow(probe)?.title ?? probe, target),
    verdict,
    evidence: [...texts, ...(probe === writePath.kind ? wayOf(target, status) : []), ...causesOf(reasons)],
  }
}

/** The causes of consequences, which have no action of their own, where the text does not name them. */
function causesOf(reasons: readonly Reason[]): string[] {
  const unnamed = reasons.flatMap(({ because, text }) =>
    because === undefined || text.includes(because.slice(because.indexOf('/') + 1)) ? [] : [because],
  )
  return [...new Set(unnamed)].map(cause => `follows from ${cause}`)
}

/** The way of a write path through what its target names: `lands by lb-1/write on n1`. */
function wayOf(path: string, { landings, checks }: Audited): string[] {
  const hops = hopStatuses(path, checks)
  if (hops.length === 0) return []
  const nodes = landings.find(landing => landing.writePath === path)?.nodes ?? []
  const names = hops.map(hopName).join(' and ')
  const way = nodes.length > 0 ? `lands by ${names} on ${nodes.join(', ')}` : `goes through ${names}`
  return [[way, ...hops.flatMap(hopFacts)].join('; ')]
}

function hopFacts(hop: HopStatus): string[] {
  if (hop.kind === 'pgbouncer')
    return hop.seen?.paused || hop.seen?.disabled
      ? [`${hopName(hop)} is ${hop.seen.paused ? 'paused' : 'disabled'}`]
      : []
  const servers = hop.servers.map(({ name, node, status }) => `${node ?? name} ${status ?? 'unknown'}`)
  return servers.length > 0 ? [`servers of ${hopName(hop)}: ${firstFew(servers)}`] : []
}

const mostServers = 12
const firstFew = (servers: readonly string[]): string =>
  servers.length > mostServers
    ? `${servers.slice(0, mostServers).join(', ')} and ${servers.length - mostServers} more`
    : servers.join(', ')

function packageFacts(check: CheckStatus): string[] {
  const found = check.stale ? undefined : seenBy(packages, check.observation)
  const installed = (found?.seen.packages ?? []).flatMap(({ name, version }) =>
    version === undefined ? [] : [`${name} ${version}`],
  )
  return installed.length > 0 ? [`installed: ${installed.join(', ')}`] : []
}

/** What SES said: it helps to know what is right, too. */
function accountFacts(check: CheckStatus): string[] {
  const found = check.stale ? undefined : seenBy(ses, check.observation)
  const facts = found ? sesFacts(found.seen) : []
  return facts.length > 0 ? [facts.join(', ')] : []
}

/** The settings of all `settings` targets. */
export const settingsOf = (checks: Audited['checks']): SettingRow[] =>
  checks.filter(check => check.probe === settings.kind).flatMap(settingRows)

function settingRows(check: CheckStatus): SettingRow[] {
  const { target } = check
  const found = check.stale ? undefined : seenBy(settings, check.observation)
  if (found)
    return found.seen.settings.map(({ name: setting, expected, optional, source, state, why }) => ({
      target,
      setting,
      expected: expectedText(expected, optional),
      source,
      state,
      why,
    }))
  // Without recent facts, each setting is unknown.
  const { from = {}, expect = {} } = check.config as Partial<SettingsTarget>
  return Object.entries(expect).map(([setting, given]) => {
    const expectation = expectationOf(given)
    const expected = isSecret(setting, given) ? undefined : expectation.equals
    return {
      target,
      setting,
      expected: expectedText(expected, expectation.optional ?? false),
      source: sourceOf(expectation.from ?? from),
      state: 'unreadable',
      why: check.evidence,
    }
  })
}

const expectedText = (expected: string | undefined, optional: boolean): string =>
  `${expected ?? 'any value'}${optional ? ' (optional)' : ''}`

/** One action for each reason. The same reason at several places is one action. */
export function actionsOf({ mail, clusters, checks, starved }: Audited): Action[] {
  const blockers = mail.flatMap(path => path.blockers)
  const isRoot = (one: Starved): boolean => blockers.some(({ root, ...at }) => root && checkId(at) === starvedId(one))
  const all = [
    ...blockers
      .filter(({ probe }) => probe !== exporterKind)
      .map(({ root, reason, ...at }) => ({ root, reason, where: checkId(at) })),
    ...starved.map(one => ({ root: isRoot(one), reason: one.reason, where: starvedId(one) })),
    ...checks.flatMap(({ id, reasons }) => reasons.map(reason => ({ root: false, reason, where: id }))),
    ...clusters.flatMap(({ name, reasons }) =>
      reasons.map(reason => ({ root: false, reason, where: checkId({ probe: 'cluster', target: name }) })),
    ),
  ]
  const byReason = new Map<string, Action>()
  // A consequence ends with its cause, which has an action of its own.
  for (const { root, reason, where } of all.filter(one => one.reason.because === undefined)) {
    const key = JSON.stringify([reason.code, reason.text, reason.remedy])
    const known = byReason.get(key) ?? { root: false, where: [], reason }
    byReason.set(key, { ...known, root: known.root || root, where: [...new Set([...known.where, where])] })
  }
  return [...byReason.values()].sort(
    (a, b) =>
      Number(b.root) - Number(a.root) ||
      severities.indexOf(a.reason.severity) - severities.indexOf(b.reason.severity) ||
      byVerdict(a.reason.verdict, b.reason.verdict),
  )
}
