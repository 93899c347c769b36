import type { AwsAnswer, AwsFault } from '../../clients/aws/answers.ts'
import { reason, type Reason, type ReasonCode } from './reasons.ts'
import type { SesAsked } from './seen.ts'

/** Anything but the answer that was asked for. */
export type Fault = Exclude<AwsAnswer<unknown>, { readonly kind: 'ok' }>

export const faultIn = (answer: AwsAnswer<unknown> | undefined): Fault | undefined =>
  answer === undefined || answer.kind === 'ok' ? undefined : answer

/** What each fault means at the first request, which proves the keys. */
const ofFirst: Readonly<Record<AwsFault, ReasonCode>> = {
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
/** The keys are those of the exporter's own role, so they prove nothing about the application. */
const ofRole: Partial<typeof ofFirst> = {
  key_unknown: 'ses_role_unusable',
  secret_wrong: 'ses_role_unusable',
  token_expired: 'ses_role_unusable',
}

/** What was asked, as AWS names its action. */
type Action = 'ses:GetAccount' | 'ses:GetEmailIdentity' | 'ses:GetConfigurationSet'

/** The reasons of the requests that were not answered as asked: one for each code. */
export function faultReasons(asked: SesAsked, faults: readonly (readonly [Action, Fault | undefined])[]): Reason[] {
  const texts = new Map<ReasonCode, string[]>()
  for (const [action, fault] of faults) {
    if (!fault) continue
    const first = action === 'ses:GetAccount' ? ofFirst : ofLater
    const code = (asked.role && ofRole[fault.kind]) ?? first[fault.kind]
    texts.set(code, [...(texts.get(code) ?? []), fault.kind === 'denied' ? refusedBy(fault, action) : fault.text])
  }
  return [...texts].map(([code, all]) => {
    const text = [...new Set(all)].join(code === 'ses_permission_missing' ? ', ' : '; ')
    return reason(code, at(asked, code === 'ses_permission_missing' ? `${provenBut}${text}` : text))
  })
}

/** `ses:GetAccount (no identity-based policy allows it)` */
const refusedBy = ({ action, text }: Fault, asked: Action): string =>
  `${action ?? asked}${/ \([^()]*\)$/.exec(text)?.[0] ?? ''}`

const provenBut = 'AWS takes the keys, but they may not call '

/** A text with the address in front, once. */
export const at = ({ address }: Pick<SesAsked, 'address'>, text: string): string =>
  text.startsWith(address) ? text : `${address}: ${text}`
