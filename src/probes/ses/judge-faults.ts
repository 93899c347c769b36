import { refusesKeys, type AwsFailure, type AwsFault } from '../../clients/aws/answers.ts'
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

/** The reasons of the requests that were not answered as asked: one for each code. */
export function faultReasons(
  asked: SesAsked,
  failures: readonly (readonly [Action, AwsFailure | undefined])[],
): Reason[] {
  const texts = new Map<Reason['code'], string[]>()
  for (const [action, failure] of failures) {
    if (!failure) continue
    const first = action === 'ses:GetAccount' ? ofFirst : ofLater
    // The keys of the exporter's own role prove nothing about the application.
    const code = asked.role && refusesKeys(failure) ? 'ses_role_unusable' : first[failure.kind]
    texts.set(code, [...(texts.get(code) ?? []), failure.kind === 'denied' ? refusedBy(failure, action) : failure.text])
  }
  return [...texts].map(([code, all]) => {
    const text = [...new Set(all)].join(code === 'ses_permission_missing' ? ', ' : '; ')
    return reason(code, at(asked, code === 'ses_permission_missing' ? `${provenBut}${text}` : text))
  })
}

/** `ses:GetAccount (no identity-based policy allows it)` */
const refusedBy = ({ action, text }: AwsFailure, asked: Action): string =>
  `${action ?? asked}${/ \([^()]*\)$/.exec(text)?.[0] ?? ''}`

const provenBut = 'AWS takes the keys, but they may not call '

/** A text with the address in front, once. */
export const at = ({ address }: Pick<SesAsked, 'address'>, text: string): string =>
  text.startsWith(address) ? text : `${address}: ${text}`
