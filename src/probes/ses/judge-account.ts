import { gauge, sample, stateSet } from '../../core/metric.ts'
import { at } from './judge-faults.ts'
import { reason, type Reason } from './reasons.ts'
import type { SesAccount, SesAsked } from './seen.ts'
import type { SesTarget } from './target.ts'

/** The state that a word of AWS names; `other` for a new word. If `other` is none of the states, all of them are 0 then. */
export const stateOf = <State extends string>(states: readonly State[], word: string | undefined) =>
  word === undefined ? undefined : (states.find(state => state === word.toLowerCase()) ?? 'other')

export const enforcementStates = ['healthy', 'probation', 'shutdown', 'other'] as const

export const accountMetrics = {
  sendingEnabled: gauge('mailpath_ses_sending_enabled', 'Whether sending is enabled for the account.', ['target']),
  productionAccess: gauge('mailpath_ses_production_access', 'Whether the account is out of the sandbox.', ['target']),
  enforcement: gauge('mailpath_ses_enforcement', 'What AWS does about the account, as a state set.', [
    'target',
    'status',
  ]),
  quotaMax: gauge('mailpath_ses_quota_max_24h', 'Mails that may be sent in 24 hours; absent if there is no limit.', [
    'target',
  ]),
  quotaSent: gauge('mailpath_ses_quota_sent_24h', 'Mails sent in the last 24 hours.', ['target']),
  maxSendRate: gauge('mailpath_ses_max_send_rate', 'Mails that may be sent in a second.', ['target']),
}

/** The account, as the keys of the application or of `monitor` read it. */
export function accountSeen({ account, monitored }: SesAsked): SesAccount | undefined {
  if (account.kind === 'ok') return account.value
  return monitored?.kind === 'ok' ? monitored.value : undefined
}

/** AWS sets -1 if there is none. */
const limitOf = ({ max24Hours }: SesAccount): number | undefined =>
  max24Hours !== undefined && max24Hours >= 0 ? max24Hours : undefined

export function accountSamples(account: SesAccount, target: string) {
  const state = stateOf(enforcementStates, account.enforcement)
  return [
    ...sample(accountMetrics.sendingEnabled, account.sendingEnabled, { target }),
    ...sample(accountMetrics.productionAccess, account.productionAccess, { target }),
    ...stateSet(accountMetrics.enforcement, 'status', enforcementStates, state, { target }),
    ...sample(accountMetrics.quotaMax, limitOf(account), { target }),
    ...sample(accountMetrics.quotaSent, account.sent24Hours, { target }),
    ...sample(accountMetrics.maxSendRate, account.maxRate, { target }),
  ]
}

export function accountReasons(account: SesAccount, asked: SesAsked, target: SesTarget): Reason[] {
  const { sendingEnabled, productionAccess, enforcement, review } = account
  const found: Reason[] = []
  const missing = [
    sendingEnabled === undefined && 'SendingEnabled',
    productionAccess === undefined && !target.sandbox && 'ProductionAccessEnabled',
    enforcement === undefined && 'EnforcementStatus',
    (account.max24Hours === undefined || account.sent24Hours === undefined) && 'SendQuota',
  ].filter(field => field !== false)
  if (missing.length > 0) found.push(reason('ses_error', at(asked, `GetAccount does not say ${missing.join(', ')}`)))
  if (enforcement === 'SHUTDOWN')
    found.push(reason('ses_account_shut_down', at(asked, 'the account is shut down (EnforcementStatus SHUTDOWN)')))
  if (sendingEnabled === false)
    found.push(reason('ses_sending_paused', at(asked, 'sending is paused for the account (SendingEnabled is false)')))
  if (enforcement !== undefined && !['HEALTHY', 'SHUTDOWN'].includes(enforcement))
    found.push(reason('ses_account_under_review', at(asked, `EnforcementStatus is ${enforcement}`)))
  if (productionAccess === false && !target.sandbox) {
    const request = review === undefined ? 'no request for it is known' : `the request for it is ${review}`
    const remedy = review === undefined ? undefined : ofReview[review]
    found.push(reason('ses_sandbox', at(asked, `the account has no production access; ${request}`), remedy))
  }
  return [...found, ...quotaReasons(account, asked, target)]
}

/** By the state of the request for production access; without one it has to be made. */
const ofReview: Readonly<Record<string, string | undefined>> = {
  PENDING:
    'AWS has the request for production access. Answer what it asks in the case, and wait: it takes about a day. If the sandbox is meant, set `sandbox: true`.',
  DENIED:
    'AWS has denied production access. Read why in its mail or in the case, fix it, and answer there. If the sandbox is meant, set `sandbox: true`.',
}

function quotaReasons(account: SesAccount, asked: SesAsked, { quota_warning: warnAt }: SesTarget): Reason[] {
  const max = limitOf(account)
  const sent = account.sent24Hours
  if (max === undefined || sent === undefined || sent < warnAt * max) return []
  const text = at(asked, quotaText(sent, max))
  return [reason(sent >= max ? 'ses_quota_exhausted' : 'ses_quota_low', text)]
}

const quotaText = (sent: number, max: number | undefined): string =>
  max === undefined ? `${sent} mails sent in 24 h, no limit` : `${sent} of ${max} mails sent in 24 h`

/** What a healthy account is like, for the evidence. */
export function accountEvidence(account: SesAccount): readonly string[] {
  const { sendingEnabled, productionAccess, sent24Hours: sent } = account
  return [
    ...(sendingEnabled ? ['sending enabled'] : []),
    ...(productionAccess ? ['production access'] : productionAccess === false ? ['in the sandbox'] : []),
    ...(sent === undefined ? [] : [quotaText(sent, limitOf(account))]),
  ]
}
