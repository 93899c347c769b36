import { failureIn } from '../../clients/aws/answers.ts'
import { gauge, sample } from '../../core/metric.ts'
import { at } from './judge-faults.ts'
import { reason, type Reason } from './reasons.ts'
import type { SesAsked, SesStatistics } from './seen.ts'

export const deliveryMetrics = {
  configurationSetSendingEnabled: gauge(
    'mailpath_ses_configuration_set_sending_enabled',
    'Whether sending is enabled for the configuration set.',
    ['target'],
  ),
  bounceRatio: gauge('mailpath_ses_bounce_ratio', 'Bounces per delivery attempt in the last 24 hours.', ['target']),
  complaintRatio: gauge('mailpath_ses_complaint_ratio', 'Complaints per delivery attempt in the last 24 hours.', [
    'target',
  ]),
}

/** Half of what makes AWS review an account: https://docs.aws.amazon.com/ses/latest/dg/reputationdashboard-dg.html */
const warnAt = { bounces: 0.025, complaints: 0.0005 } as const
/** A single bounce among fewer mails says nothing. */
const leastAttempts = 100

const ratio = (part: number, { attempts }: SesStatistics): number | undefined =>
  attempts > 0 ? part / attempts : undefined

export function deliverySamples({ configurationSet, statistics }: SesAsked, target: string) {
  const isEnabled = configurationSet?.kind === 'ok' ? configurationSet.value.sendingEnabled : undefined
  const counts = statistics?.kind === 'ok' ? statistics.value : undefined
  return [
    ...sample(deliveryMetrics.configurationSetSendingEnabled, isEnabled, { target }),
    ...sample(deliveryMetrics.bounceRatio, counts && ratio(counts.bounces, counts), { target }),
    ...sample(deliveryMetrics.complaintRatio, counts && ratio(counts.complaints, counts), { target }),
  ]
}

export const deliveryReasons = (asked: SesAsked): Reason[] => [
  ...configurationSetReasons(asked),
  ...suppressionReasons(asked),
  ...statisticsReasons(asked),
  ...deniedReasons(asked),
]

function configurationSetReasons(asked: SesAsked): Reason[] {
  const { configurationSet } = asked
  if (configurationSet?.kind === 'not_found')
    return [reason('ses_configuration_set_missing', at(asked, 'SES has no such configuration set in this region'))]
  if (configurationSet?.kind !== 'ok') return []
  const { sendingEnabled } = configurationSet.value
  if (sendingEnabled === undefined)
    return [reason('ses_error', at(asked, 'GetConfigurationSet does not say SendingEnabled'))]
  return sendingEnabled
    ? []
    : [reason('ses_configuration_set_paused', at(asked, 'sending is paused for the configuration set'))]
}

function suppressionReasons(asked: SesAsked): Reason[] {
  const found = asked.suppressed?.kind === 'ok' ? asked.suppressed.value : []
  if (found.length === 0) return []
  const all = found.map(({ index, reason: why }) => `recipients[${index}]${why === undefined ? '' : ` (${why})`}`)
  return [reason('ses_recipient_suppressed', at(asked, `on the suppression list: ${all.join(', ')}`))]
}

function statisticsReasons(asked: SesAsked): Reason[] {
  if (asked.statistics?.kind !== 'ok') return []
  const counts = asked.statistics.value
  if (counts.attempts < leastAttempts) return []
  const text = (part: number, what: string): string =>
    at(
      asked,
      `${part} ${what}${part === 1 ? '' : 's'} in ${counts.attempts} delivery attempts in 24 h (${percent(part / counts.attempts)})`,
    )
  const isHigh = (part: number, limit: number): boolean => part >= limit * counts.attempts
  return [
    ...(isHigh(counts.bounces, warnAt.bounces) ? [reason('ses_bounces_high', text(counts.bounces, 'bounce'))] : []),
    ...(isHigh(counts.complaints, warnAt.complaints)
      ? [reason('ses_complaints_high', text(counts.complaints, 'complaint'))]
      : []),
  ]
}

const percent = (part: number): string => `${Number((part * 100).toPrecision(2))} %`

/** Whether SES takes mail does not depend on these two. Their other failures are not worth a reason. */
function deniedReasons(asked: SesAsked): Reason[] {
  const actions = [
    deniedAction(asked.suppressed, 'ses:GetSuppressedDestination'),
    deniedAction(asked.statistics, 'ses:GetSendStatistics'),
  ].filter(action => action !== undefined)
  return actions.length === 0
    ? []
    : [reason('ses_statistics_denied', at(asked, `the keys may not call ${actions.join(', ')}`))]
}

function deniedAction(answer: SesAsked['suppressed'] | SesAsked['statistics'], action: string): string | undefined {
  const failure = failureIn(answer)
  return failure?.kind === 'denied' ? (failure.action ?? action) : undefined
}
