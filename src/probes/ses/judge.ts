import {
  failureIn,
  isFromAws,
  refusesKeys,
  takesKeys,
  type AwsAnswer,
  type AwsFailure,
} from '../../clients/aws/answers.ts'
import { gauge, sample } from '../../core/metric.ts'
import { finding } from '../../core/probe.ts'
import { accountEvidence, accountMetrics, accountReasons, accountSamples, accountSeen } from './judge-account.ts'
import { deliveryMetrics, deliveryReasons, deliverySamples } from './judge-delivery.ts'
import { at, clockText, faultReasons } from './judge-faults.ts'
import { identityEvidence, identityMetrics, identityReasons, identitySamples } from './judge-identity.ts'
import { isBroken, settingMetrics, settingReasons, settingSamples } from './judge-settings.ts'
import { reason, type Reason } from './reasons.ts'
import type { SesAsked, SesSeen } from './seen.ts'
import type { SesTarget } from './target.ts'

export const metrics = {
  ...settingMetrics,
  reachable: gauge('mailpath_ses_reachable', 'Whether SES answered, be it with an error.', ['target']),
  credentialsValid: gauge(
    'mailpath_ses_credentials_valid',
    'Whether AWS took the signature made with the keys of the application; absent if that is not known.',
    ['target'],
  ),
  ...accountMetrics,
  ...identityMetrics,
  ...deliveryMetrics,
  clockSkew: gauge(
    'mailpath_ses_clock_skew_seconds',
    'The clock of the exporter less that of SES, to a second and half a round trip.',
    ['target'],
  ),
}

/** AWS refuses signatures from five minutes on. */
const clockWarningSeconds = 60

/** Whether SES would take mail: `yes` only if all of it is proven, `no` if one thing that it needs is proven to be missing. */
export function canDeliver(seen: SesSeen, target: SesTarget): 'yes' | 'no' | 'unknown' {
  if (isBroken(seen) || !target.implemented) return 'no'
  const verdicts = reasonsFor(seen, target).map(({ verdict }) => verdict)
  if (verdicts.includes('fail')) return 'no'
  return verdicts.includes('unknown') ? 'unknown' : 'yes'
}

export function judge(seen: SesSeen, target: SesTarget) {
  const evidence = seen.asked === undefined ? 'SES was not asked' : evidenceOf(seen.asked)
  return finding(evidence, reasonsFor(seen, target), [
    ...settingSamples(seen, target),
    ...(seen.asked ? askedSamples(seen.asked, target.name) : []),
  ])
}

function reasonsFor(seen: SesSeen, target: SesTarget): Reason[] {
  const found = settingReasons(seen, target)
  if (seen.asked) return [...found, ...aged(askedReasons(seen.asked, target), seen.asked)]
  return found.length > 0
    ? found
    : [reason('ses_not_verified', 'the settings are complete and well-formed, but SES was not asked')]
}

/** Facts of an earlier run are judged like others, and say how old they are. */
function aged(found: readonly Reason[], asked: SesAsked): readonly Reason[] {
  const age = ageOf(asked)
  return age === undefined ? found : found.map(one => ({ ...one, text: `${one.text} (${age})` }))
}

const ageOf = ({ throttled }: SesAsked): string | undefined =>
  throttled?.seconds === undefined ? undefined : `as of ${throttled.seconds} s ago, since SES throttles`

function askedReasons(asked: SesAsked, target: SesTarget): Reason[] {
  const { role, otherAccount, clockSkewSeconds: skew, account } = asked
  const unusable = role?.unusable
  if (unusable !== undefined) return [reason('ses_role_unusable', unusable, roleRemedy(target))]
  const ofOther = otherAccount === true ? [otherAccountReason(asked)] : []
  if (account.kind === 'denied' && ofOther.length > 0) return ofOther
  const isDenied = [asked.identity, asked.configurationSet].some(answer => answer?.kind === 'denied')
  const facts = accountSeen(asked)
  const isOff = account.kind !== 'clock_skewed' && skew !== undefined && Math.abs(skew) > clockWarningSeconds
  return [
    ...faultReasons(asked, [
      ['ses:GetAccount', facts === undefined ? failureIn(account) : undefined],
      ['ses:GetEmailIdentity', laterFailure(asked.identity)],
      ['ses:GetConfigurationSet', laterFailure(asked.configurationSet)],
    ]),
    ...(facts ? accountReasons(facts, asked, target) : []),
    ...identityReasons(asked, target),
    ...deliveryReasons(asked),
    ...(facts && target.from === undefined
      ? [reason('ses_sender_not_said', at(asked, 'no `from` is configured'))]
      : []),
    ...(isDenied ? ofOther : []),
    ...(isOff ? [reason('ses_clock_off', at(asked, clockText(skew)))] : []),
  ]
}

const otherAccountReason = (asked: SesAsked): Reason =>
  reason('ses_monitor_of_other_account', at(asked, 'the keys of `monitor` are of another account than access_key'))

const roleRemedies = {
  web_identity:
    'Run the exporter with the service account of the application: its token has to be mounted, and the trust policy of the role has to name it.',
  container:
    'Run the exporter with the role of the application: the task role (ECS), or EKS Pod Identity. See whether the endpoint named answers.',
  instance:
    'Give the instance that the exporter runs on the role of the application, and see whether its metadata service answers (IMDSv2). In a container, the hop limit of the instance has to be 2.',
} as const

/** Where to look, by where the role gives its keys out. */
const roleRemedy = ({ credentials }: SesTarget): string | undefined =>
  credentials && roleRemedies[typeof credentials === 'string' ? credentials : 'web_identity']

/** That there is no identity, or no set, is judged by itself. */
function laterFailure(answer: AwsAnswer<unknown> | undefined): AwsFailure | undefined {
  const failure = failureIn(answer)
  return failure?.kind === 'not_found' ? undefined : failure
}

/** Undefined for what another service of AWS says when it gets this request. */
const isOfSes = (account: SesAsked['account']): boolean | undefined =>
  account.kind === 'bad_request' || account.kind === 'not_found' ? undefined : isFromAws(account)

function askedSamples(asked: SesAsked, target: string) {
  const { account, role, throttled, clockSkewSeconds } = asked
  const isAsked = role?.unusable === undefined && throttled?.waiting !== true
  const isRefused = refusesKeys(account) && !role
  const facts = asked.otherAccount === true && account.kind !== 'ok' ? undefined : accountSeen(asked)
  return [
    ...sample(metrics.reachable, isAsked ? isOfSes(account) : undefined, { target }),
    ...sample(metrics.credentialsValid, takesKeys(account) ? true : isRefused ? false : undefined, { target }),
    ...(facts ? accountSamples(facts, target) : []),
    ...identitySamples(asked, target),
    ...deliverySamples(asked, target),
    ...sample(metrics.clockSkew, clockSkewSeconds, { target }),
  ]
}

function evidenceOf(asked: SesAsked): string {
  const facts = accountSeen(asked)
  const { monitored, role } = asked
  const age = ageOf(asked)
  const parts = [
    role ? "the keys of the exporter's role are accepted" : 'the keys are accepted',
    ...(monitored ? ['read with those of `monitor`'] : []),
    ...(facts ? accountEvidence(facts) : []),
    ...identityEvidence(asked),
    ...(asked.configurationSet?.kind === 'ok' ? ['the configuration set sends'] : []),
    ...(age === undefined ? [] : [age]),
  ]
  return at(asked, parts.join(', '))
}
