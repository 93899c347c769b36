import { withSubject, withoutSubject } from '../../core/subject.ts'
import { failureIn, refusesKeys, type AwsFailure, type AwsFault } from '../../clients/aws/answers.ts'
import { reason, type Reason } from './reasons.ts'
import type { SesAsked } from './seen.ts'

/** What each failure means at the first request, which proves the keys. */
const ofFirst: Readonly<Record<AwsFault, Reason['code']>> = {
  key_unknown: 'ses_key_unknown',
  secret_wrong: 'ses_secret_wrong',
  clock_skewed: 'ses_clock_skewed',
  token_expired: 'ses_token_expired',
  denied: 'ses_permission_missing',
  region_disabled: 'ses_region_disabled',
  throttled: 'ses_throttled',
  not_found: 'ses_error',
  bad_request: 'ses_error',
  error: 'ses_error',
  not_aws: 'ses_not_ses',
  unreachable: 'ses_unreachable',
  no_answer: 'ses_no_answer',
  certificate_invalid: 'ses_certificate_invalid',
}
/** By then SES has answered and taken the keys, so these prove nothing against the application. They may be of `monitor`. */
const ofLater: typeof ofFirst = {
  ...ofFirst,
  key_unknown: 'ses_error',
  secret_wrong: 'ses_error',
  token_expired: 'ses_error',
  unreachable: 'ses_error',
  no_answer: 'ses_error',
  certificate_invalid: 'ses_error',
}

/** What was asked, as AWS names its action. */
type Action = 'ses:GetAccount' | 'ses:GetEmailIdentity' | 'ses:GetConfigurationSet'
type Failed = readonly [Action, AwsFailure]

/** The reasons of the requests that were not answered as asked: one for each code. */
export function faultReasons(
  asked: SesAsked,
  failures: readonly (readonly [Action, AwsFailure | undefined])[],
): Reason[] {
  const found = new Map<Reason['code'], Failed[]>()
  for (const [action, failure] of failures) {
    if (!failure) continue
    const first = action === 'ses:GetAccount' ? ofFirst : ofLater
    // The keys of the exporter's own role prove nothing about the application.
    const code = asked.role && refusesKeys(failure) ? 'ses_role_unusable' : first[failure.kind]
    found.set(code, [...(found.get(code) ?? []), [action, failure]])
  }
  return [...found].map(([code, all]) =>
    code === 'ses_permission_missing'
      ? permissionMissing(asked, all)
      : reason(code, at(asked, textOf(asked, all)), all.every(isWrongRequest) ? ofWrongRequest : undefined),
  )
}

const textOf = (asked: SesAsked, all: readonly Failed[]): string =>
  [...new Set(all.map(([, failure]) => inWords(asked, failure)))].join('; ')

const isWrongRequest = ([, { kind }]: Failed): boolean => kind === 'bad_request'
const ofWrongRequest =
  'Correct `endpoint` and `region`, which have to belong together. If they do, see what is between the exporter and SES: it takes the signature out of the request, or changes what is signed.'

/** What AWS means by its word, which stands behind it. */
const meanings: Partial<Record<AwsFault, string>> = {
  key_unknown: 'AWS does not know the access key in this region',
  secret_wrong: 'the secret key is not that of the access key',
  clock_skewed: 'the clock of the exporter is too far off',
  token_expired: 'the session token has expired',
  region_disabled: 'the account may not use SES in this region',
  throttled: 'SES throttles',
}

function inWords({ address, clockSkewSeconds: skew }: SesAsked, { kind, text }: AwsFailure): string {
  const words = kind === 'clock_skewed' && skew !== undefined ? clockText(skew) : meanings[kind]
  const said = withoutSubject(address, text)
  return words === undefined ? text : `${address}: ${words} (${said})`
}

export const clockText = (skew: number): string =>
  `the clock of the exporter is ${Math.abs(skew)} s ${skew > 0 ? 'ahead of' : 'behind'} that of SES`

/** Whatever is wrong with the keys of `monitor` says nothing against those of the application. */
function permissionMissing(asked: SesAsked, all: readonly Failed[]): Reason {
  const actions = [...new Set(all.map(([action, failure]) => refusedBy(failure, action)))].join(', ')
  const text = at(asked, `AWS takes the keys, but they may not call ${actions}`)
  const theirs = failureIn(asked.monitored)
  if (!theirs) return reason('ses_permission_missing', text)
  if (theirs.kind === 'denied') return reason('ses_permission_missing', `${text}; those of \`monitor\` may not either`)
  const remedy = refusesKeys(theirs) ? ofMonitorRefused : undefined
  return reason('ses_permission_missing', `${text}; with those of \`monitor\`: ${inWords(asked, theirs)}`, remedy)
}

const ofMonitorRefused =
  'Correct the keys under `monitor`, which AWS does not take. Or allow the actions named for the keys of the application (docs/ses.md has the policy).'

/** `ses:GetAccount (no identity-based policy allows it)` */
const refusedBy = ({ action, text }: AwsFailure, asked: Action): string =>
  `${action ?? asked}${/ \([^()]*\)$/.exec(text)?.[0] ?? ''}`

/** A text with the address in front, once. */
export const at = ({ address }: Pick<SesAsked, 'address'>, text: string): string => withSubject(address, text)
