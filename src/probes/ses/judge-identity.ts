import { utcTime } from '../../core/duration.ts'
import { gauge, sample, stateSet } from '../../core/metric.ts'
import { stateOf } from './judge-account.ts'
import { at } from './judge-faults.ts'
import { reason, type Reason } from './reasons.ts'
import type { SesAsked, SesIdentity } from './seen.ts'
import type { SesTarget } from './target.ts'

export const dkimStates = ['pending', 'success', 'failed', 'temporary_failure', 'not_started'] as const
export const mailFromStates = ['pending', 'success', 'failed', 'temporary_failure'] as const

export const identityMetrics = {
  identityVerified: gauge(
    'mailpath_ses_identity_verified',
    'Whether the sender (`from`) is verified: its address, its domain, or a domain above.',
    ['target'],
  ),
  identityDkim: gauge('mailpath_ses_identity_dkim', 'State of DKIM of the identity, as a state set.', [
    'target',
    'status',
  ]),
  identityMailFrom: gauge(
    'mailpath_ses_identity_mail_from',
    'State of the custom MAIL FROM domain of the identity, as a state set; absent without one.',
    ['target', 'status'],
  ),
}

/** Without any identity the sender is not verified. */
export function identitySamples({ identity }: SesAsked, target: string) {
  if (identity?.kind === 'not_found') return sample(identityMetrics.identityVerified, false, { target })
  if (identity?.kind !== 'ok') return []
  const { verified, dkim, mailFrom } = identity.value
  return [
    ...sample(identityMetrics.identityVerified, verified, { target }),
    ...stateSet(identityMetrics.identityDkim, 'status', dkimStates, stateOf(dkimStates, dkim.status), { target }),
    ...stateSet(identityMetrics.identityMailFrom, 'status', mailFromStates, stateOf(mailFromStates, mailFrom?.status), {
      target,
    }),
  ]
}

export function identityReasons(asked: SesAsked, target: SesTarget): Reason[] {
  const { identity } = asked
  if (identity?.kind === 'not_found') return [reason('ses_identity_missing', at(asked, identity.text))]
  if (identity?.kind !== 'ok') return []
  return [
    ...verificationReasons(identity.value, asked, target),
    ...dkimReasons(identity.value, asked),
    ...mailFromReasons(identity.value, asked),
  ]
}

/** The address itself is not shown: it may be that of a person. */
const nameOf = ({ domain }: SesIdentity): string => domain ?? 'the address of `from`'

function verificationReasons(identity: SesIdentity, asked: SesAsked, target: SesTarget): Reason[] {
  const name = nameOf(identity)
  if (identity.verified === undefined)
    return [reason('ses_error', at(asked, `GetEmailIdentity of ${name} does not say VerifiedForSendingStatus`))]
  if (!identity.verified)
    return [
      reason(
        'ses_identity_not_verified',
        at(asked, `${name} is not verified${why(identity)}`),
        identity.of === 'address' ? ofAddress : undefined,
      ),
    ]
  if (!identity.inherited || target.configuration_set === undefined) return []
  const text = `the address of \`from\` has an identity that is not verified, ${name} is, and a configuration set is used`
  return [reason('ses_identity_inherited', at(asked, text))]
}

const ofAddress =
  'Open the link in the mail that SES sent to the address when it was to be verified (it can be sent again). Better: verify its domain.'

/** ` (PENDING, HOST_NOT_FOUND; SES looked at 2026-11-30T12:00:00Z, last found it right at …)` */
function why({ status, errorType, checkedAt, successAt }: SesIdentity): string {
  const words = [status, errorType].filter(word => word !== undefined).join(', ')
  const times = [
    ...(checkedAt === undefined ? [] : [`SES looked at ${utcTime(checkedAt)}`]),
    ...(successAt === undefined ? [] : [`last found it right at ${utcTime(successAt)}`]),
  ].join(', ')
  const parts = [words, times].filter(part => part !== '')
  return parts.length === 0 ? '' : ` (${parts.join('; ')})`
}

function dkimReasons(identity: SesIdentity, asked: SesAsked): Reason[] {
  const { enabled, status = '' } = identity.dkim
  const name = nameOf(identity)
  if (enabled === false) return [reason('ses_dkim_off', at(asked, `${name}: DKIM is switched off`))]
  if (status === 'NOT_STARTED') return [reason('ses_dkim_off', at(asked, `${name}: DKIM was never set up`))]
  return ['FAILED', 'TEMPORARY_FAILURE', 'PENDING'].includes(status)
    ? [reason('ses_dkim_failing', at(asked, `${name}: DKIM is ${status}`))]
    : []
}

/** https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_MailFromAttributes.html */
function mailFromReasons({ mailFrom }: SesIdentity, asked: SesAsked): Reason[] {
  const { status, behavior, domain = 'the MAIL FROM domain' } = mailFrom ?? {}
  if (mailFrom === undefined || status === 'SUCCESS') return []
  const isKnown = status !== undefined && ['PENDING', 'FAILED', 'TEMPORARY_FAILURE'].includes(status)
  const isHarmless = behavior === 'USE_DEFAULT_VALUE'
  if (isHarmless && !isKnown) return []
  const isRefused = behavior === 'REJECT_MESSAGE'
  // Whether SES refuses mail because of it is not known then.
  if (!isKnown || !(isRefused || isHarmless)) {
    const words = `MailFromDomainStatus ${status ?? 'not said'}, BehaviorOnMxFailure ${behavior ?? 'not said'}`
    return [reason('ses_error', at(asked, `${domain}: ${words}`))]
  }
  const then = isRefused ? 'SES refuses mail then (REJECT_MESSAGE)' : 'SES uses amazonses.com in its place'
  return [
    reason(isRefused ? 'ses_mail_from_failing' : 'ses_mail_from_default', at(asked, `${domain} is ${status}; ${then}`)),
  ]
}

export function identityEvidence({ identity }: SesAsked): readonly string[] {
  if (identity?.kind !== 'ok' || !identity.value.verified) return []
  const { dkim, mailFrom } = identity.value
  return [
    `${nameOf(identity.value)} verified`,
    ...(dkim.status === undefined ? [] : [`DKIM ${dkim.status}`]),
    ...(mailFrom?.status === undefined ? [] : [`MAIL FROM ${mailFrom.status}`]),
  ]
}
