import { MappingType, SpecialValueMatch, type ValueMapping } from '@grafana/grafana-foundation-sdk/dashboard'
import type { Metric } from '../../../src/core/metric.ts'
import { severities, type Severity, type Verdict } from '../../../src/core/probe.ts'
import type { Provider } from '../../../src/probes/mail/index.ts'
import type { AuthResult } from '../../../src/probes/canary/seen.ts'
import type { StsMode } from '../../../src/probes/dns/mta-sts/policy.ts'
import type { Policy } from '../../../src/probes/dns/dmarc/record.ts'
import type { enforcementStates } from '../../../src/probes/ses/judge-account.ts'
import type { dkimStates, mailFromStates } from '../../../src/probes/ses/judge-identity.ts'
import type { configStates } from '../../../src/probes/ses/judge-settings.ts'
import type { ServerStatus } from '../../../src/probes/haproxy/statistics.ts'
import type { PatroniRole, PatroniState } from '../../../src/probes/patroni/answer.ts'
import type { VaultState } from '../../../src/probes/vault/observe.ts'
import type { ReadOnlyCause } from '../../../src/probes/write_path/judge.ts'
import { tints } from '../../../src/page/style.ts'
import { by, calc, over, q, union, type Matcher, type Vector } from './promql.ts'

/** How a state is shown. Of what several replicas of the exporter see, the highest code is: the worst. */
interface State {
  readonly code: number
  readonly text: string
  readonly colour: string
}
export type States<Name extends string = string> = Readonly<Record<Name, State>>

/** Those of the status page, and two for what is neither good nor bad. No evidence is never green. */
export const colours = { ...tints, neutral: '#3d71d9', none: '#5f6573' } as const

const state = (code: number, text: string, colour: keyof typeof colours): State => ({
  code,
  text,
  colour: colours[colour],
})

/** The texts are those that fit on a tile. */
const verdictStates = (ok: string, warn: string, fail: string, unknown: string): States<Verdict> => ({
  ok: state(0, ok, 'ok'),
  warn: state(1, warn, 'warn'),
  unknown: state(2, unknown, 'unknown'),
  fail: state(3, fail, 'fail'),
})
export const verdictCodes = verdictStates('ok', 'warn', 'fail', 'unknown')
export const canSend = verdictStates('Can send', 'Can send, except …', 'Cannot send', 'Unknown')
export const writes = verdictStates('writes', 'writes, with a warning', 'no writes', 'unknown')
/** Only fail and unknown have a blocker. */
export const blocks = verdictStates('blocks nothing', 'blocks nothing', 'blocks mail', 'makes it unknown')

/** In the order of how much is lost. */
export const vaultStates: States<VaultState> = {
  active: state(0, 'active', 'ok'),
  standby: state(1, 'standby', 'neutral'),
  performance_standby: state(2, 'performance standby', 'neutral'),
  dr_secondary: state(3, 'DR secondary', 'warn'),
  other: state(4, 'standby, no active node', 'fail'),
  removed: state(5, 'removed from the cluster', 'fail'),
  sealed: state(6, 'sealed', 'fail'),
  uninitialized: state(7, 'uninitialized', 'fail'),
}
export const vaultNode = {
  ...vaultStates,
  unreachable: state(8, 'unreachable', 'fail'),
  unknown: state(9, 'unknown', 'unknown'),
}

export const nodeRole = {
  standby: state(0, 'standby', 'neutral'),
  primary: state(1, 'PRIMARY', 'ok'),
  readOnlyPrimary: state(2, 'primary, read-only', 'warn'),
  unreachable: state(3, 'unreachable', 'fail'),
  unknown: state(4, 'unknown', 'unknown'),
}

/** A node as its Patroni names it. */
export const patroniRoles: States<PatroniRole> = {
  replica: state(0, 'replica', 'neutral'),
  primary: state(1, 'PRIMARY', 'ok'),
  standby_leader: state(2, 'standby leader', 'neutral'),
  promoted: state(3, 'being promoted', 'warn'),
  demoted: state(4, 'demoted', 'warn'),
  uninitialized: state(5, 'uninitialized', 'fail'),
}
export const patroniNode = { ...patroniRoles, silent: state(6, 'NO ANSWER', 'fail') }

export const patroniStates: States<PatroniState> = {
  running: state(0, 'running', 'ok'),
  starting: state(1, 'starting', 'warn'),
  'starting after custom bootstrap': state(2, 'starting after bootstrap', 'warn'),
  restarting: state(3, 'restarting', 'warn'),
  stopping: state(4, 'stopping', 'warn'),
  'creating replica': state(5, 'creating replica', 'warn'),
  'initializing new cluster': state(6, 'initializing', 'warn'),
  'running custom bootstrap script': state(7, 'custom bootstrap', 'warn'),
  stopped: state(8, 'stopped', 'fail'),
  'stop failed': state(9, 'stop failed', 'fail'),
  'restart failed': state(10, 'restart failed', 'fail'),
  'start failed': state(11, 'start failed', 'fail'),
  'initdb failed': state(12, 'initdb failed', 'fail'),
  'custom bootstrap failed': state(13, 'bootstrap failed', 'fail'),
  crashed: state(14, 'crashed', 'fail'),
}

export const lock = { no: state(0, 'no', 'neutral'), yes: state(1, 'HOLDS IT', 'ok') }

/** Where HAProxy leads sessions. DOWN is normal for all but one in a proxy for writes. */
export const haproxyServer: States<ServerStatus> = {
  UP: state(0, 'UP', 'ok'),
  NOLB: state(1, 'no new sessions', 'neutral'),
  DOWN: state(2, 'down', 'neutral'),
  DRAIN: state(3, 'DRAIN', 'warn'),
  MAINT: state(4, 'MAINTENANCE', 'warn'),
}

export const primaries = {
  none: state(0, 'no primary', 'fail'),
  one: state(1, 'primary', 'ok'),
  unknown: state(-1, 'unknown', 'unknown'),
}

export const landing = {
  elsewhere: state(0, 'not the primary', 'fail'),
  onPrimary: state(1, 'the primary', 'ok'),
  unknown: state(2, 'unknown role', 'unknown'),
}

/** 0 while no cause holds. */
export const readOnlyCauses: States<ReadOnlyCause> = {
  standby: state(1, 'standby', 'fail'),
  role: state(2, 'set for the role', 'fail'),
  database: state(3, 'set for the database', 'fail'),
  server: state(4, 'set on the server', 'fail'),
  session: state(5, 'set for the session', 'fail'),
}
export const readOnly = { ...readOnlyCauses, no: state(0, 'read-write', 'ok') }

export const sesConfig: States<(typeof configStates)[number]> = {
  complete: state(0, 'complete', 'ok'),
  absent: state(1, 'absent', 'warn'),
  partial: state(2, 'partial', 'fail'),
}

/** What AWS does about an account. `other` is a word that we do not know. */
export const sesEnforcement: States<(typeof enforcementStates)[number]> = {
  healthy: state(0, 'healthy', 'ok'),
  other: state(1, 'another word', 'warn'),
  probation: state(2, 'UNDER REVIEW', 'warn'),
  shutdown: state(3, 'SHUT DOWN', 'fail'),
}

export const sesDkim: States<(typeof dkimStates)[number]> = {
  success: state(0, 'found', 'ok'),
  pending: state(1, 'pending', 'warn'),
  temporary_failure: state(2, 'not found lately', 'warn'),
  not_started: state(3, 'not set up', 'warn'),
  failed: state(4, 'NOT FOUND', 'warn'),
}

/** What is not found may only be a warning: SES then uses its own domain, if it is set to. */
export const sesMailFrom: States<(typeof mailFromStates)[number]> = {
  success: state(0, 'found', 'ok'),
  pending: state(1, 'pending', 'warn'),
  temporary_failure: state(2, 'not found lately', 'warn'),
  failed: state(3, 'NOT FOUND', 'fail'),
}

/** What a receiver finds. The later, the less it believes that the mail is ours. */
export const authResult: States<AuthResult> = {
  pass: state(0, 'pass', 'ok'),
  policy: state(1, 'not by its policy', 'warn'),
  neutral: state(2, 'neutral', 'warn'),
  none: state(3, 'none', 'warn'),
  temperror: state(4, 'not found out', 'warn'),
  permerror: state(5, 'RECORD IS WRONG', 'fail'),
  softfail: state(6, 'SOFTFAIL', 'fail'),
  fail: state(7, 'FAIL', 'fail'),
}

/** What receivers do with mail that neither SPF nor DKIM shows to be ours. */
export const dmarcPolicy: States<Policy> = {
  reject: state(0, 'reject', 'ok'),
  quarantine: state(1, 'quarantine', 'ok'),
  none: state(2, 'none', 'neutral'),
}

export const mtaStsMode: States<StsMode> = {
  enforce: state(0, 'enforce', 'ok'),
  testing: state(1, 'testing', 'neutral'),
  none: state(2, 'none', 'neutral'),
}

export const mailProvider: States<Provider> = { smtp: state(0, 'SMTP', 'neutral'), ses: state(1, 'SES', 'neutral') }

/** What a reason does to mail. */
export const effect = {
  none: state(0, 'none', 'none'),
  survived: state(1, 'survived', 'warn'),
  blocks: state(2, 'blocks', 'fail'),
  root: state(3, 'ROOT', 'fail'),
}

/** A metric of 0 and 1. */
export const flag = (
  yes: string,
  no: string,
  when: { readonly bad: 'yes' | 'no'; readonly as?: 'warn' | 'fail' | 'neutral' },
) => ({
  no: state(0, no, when.bad === 'no' ? (when.as ?? 'fail') : 'ok'),
  yes: state(1, yes, when.bad === 'yes' ? (when.as ?? 'fail') : 'ok'),
})

/** A count of 0, where every other number has a colour. */
export const nothing = state(0, '0', 'none')

/** Neither good nor bad. */
export const between = { no: state(0, 'no', 'neutral'), yes: state(1, 'yes', 'neutral') }

/** How soon somebody should act, by the text of a label. */
const severityColours: Readonly<Record<Severity, keyof typeof colours>> = {
  critical: 'fail',
  high: 'fail',
  medium: 'warn',
  low: 'neutral',
}
export const severityMappings: ValueMapping[] = textMappings(
  Object.fromEntries(severities.map(name => [name, colours[severityColours[name]]])),
)
export const alertSeverityMappings: ValueMapping[] = textMappings({
  critical: colours.fail,
  warning: colours.warn,
  info: colours.neutral,
})

function textMappings(colourOf: Readonly<Record<string, string>>): ValueMapping[] {
  const options = Object.entries(colourOf).map(([text, colour], index) => [text, { text, color: colour, index }])
  return [{ type: MappingType.ValueToText, options: Object.fromEntries(options) as Record<string, object> }]
}

/** What Grafana shows for each code, and for no value. */
export function mappingsOf(states: States, noValue: string): ValueMapping[] {
  const options = Object.values(states)
    .sort((a, b) => a.code - b.code)
    .map(({ code, text, colour }, index) => [String(code), { text, color: colour, index }] as const)
  return [{ type: MappingType.ValueToText, options: Object.fromEntries(options) }, ...noValueMapping(noValue)]
}

/** The colour of no value, which would else be that of the lowest threshold. */
export const noValueMapping = (text: string): ValueMapping[] => [
  { type: MappingType.SpecialValue, options: { match: SpecialValueMatch.Null, result: { text, color: colours.none } } },
]

/**
 * The code of the current state of a state set, by the labels given; absent where the set is. With `window` it is the
 * worst state of that time: what is drawn in steps would else miss what happened between two of them.
 *
 * Where replicas differ the worse state counts, but for `unknown`: one that has just started knows nothing, and the
 * others do. The alerts have it so as well.
 */
export function stateOf<L extends string, const By extends L>(
  metric: Metric<L>,
  label: NoInfer<L>,
  states: States,
  labels: readonly By[],
  { where, window }: { where?: Readonly<Partial<Record<NoInfer<L>, Matcher>>>; window?: string } = {},
): Vector<By> {
  const [first, ...others] = Object.entries(states).map(([name, { code }]) => {
    const set = q(metric, { ...where, [label]: name } as Readonly<Partial<Record<L, Matcher>>>)
    const then = window === undefined ? set : over('max_over_time', set, window)
    return calc`${name === 'unknown' ? by('min', metric.labels, then) : then} * ${code}`
  })
  if (first === undefined) throw new Error(`${metric.name}: no states`)
  return by('max', labels, union(first, ...others))
}
