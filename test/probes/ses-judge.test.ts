import { describe, expect, it } from 'vitest'
import { awsFaults, type AwsAnswer, type AwsFault } from '../../src/clients/aws/answers.ts'
import { ses } from '../../src/probes/ses/index.ts'
import { enforcementStates } from '../../src/probes/ses/judge-account.ts'
import { dkimStates, mailFromStates } from '../../src/probes/ses/judge-identity.ts'
import { canDeliver } from '../../src/probes/ses/judge.ts'
import type { SesAccount, SesAsked, SesIdentity, SesSeen, SesStatistics } from '../../src/probes/ses/seen.ts'
import type { SesTarget } from '../../src/probes/ses/target.ts'
import { valueOf } from './values.ts'

const address = 'email.eu-west-1.amazonaws.com:443'
const target: SesTarget = {
  name: 'backend SES',
  access_key: { env: 'KEY' },
  secret_key: { env: 'SECRET' },
  region: 'eu-west-1',
  implemented: true,
  verify: true,
  from: 'no-reply@app.example.com',
  configuration_set: 'transactional',
  sandbox: false,
  quota_warning: 0.8,
}
const setting = { state: 'well_formed', source: 'env' } as const
const ok = <T>(value: T): AwsAnswer<T> => ({ kind: 'ok', value })
const fault = (kind: AwsFault, text = `${address}: ${kind}`): AwsAnswer<never> => ({ kind, text })

const healthy: SesAccount = {
  sendingEnabled: true,
  productionAccess: true,
  enforcement: 'HEALTHY',
  max24Hours: 50_000,
  sent24Hours: 1_234,
  maxRate: 14,
  review: 'GRANTED',
}
const verified: SesIdentity = {
  of: 'domain',
  domain: 'app.example.com',
  verified: true,
  status: 'SUCCESS',
  errorType: undefined,
  checkedAt: undefined,
  successAt: undefined,
  dkim: { enabled: true, status: 'SUCCESS' },
  mailFrom: undefined,
  inherited: false,
}
const good: SesAsked = {
  address,
  account: ok(healthy),
  identity: ok(verified),
  configurationSet: ok({ sendingEnabled: true }),
  suppressed: ok([]),
  statistics: ok({ attempts: 1_000, bounces: 1, complaints: 0 }),
  clockSkewSeconds: 0,
}

const seenAs = (asked: SesAsked): SesSeen => ({
  settings: { access_key: setting, secret_key: setting, region: setting },
  asked,
})
const judged = (asked: SesAsked, of = target) => ({
  ...ses.judge(seenAs(asked), of),
  delivers: canDeliver(seenAs(asked), of),
})
const account = (more: Partial<SesAccount>): SesAsked => ({ ...good, account: ok({ ...healthy, ...more }) })
const identity = (more: Partial<SesIdentity>): SesAsked => ({ ...good, identity: ok({ ...verified, ...more }) })
const mailFrom = (status: string, behavior: string | undefined): SesAsked =>
  identity({ mailFrom: { domain: 'bounce.app.example.com', status, behavior } })
const counted = (attempts: number, bounces: number, complaints = 0): SesAsked => ({
  ...good,
  statistics: ok<SesStatistics>({ attempts, bounces, complaints }),
})
const gauge = (asked: SesAsked, name: string, labels = {}): number | undefined =>
  valueOf(judged(asked), `mailpath_ses_${name}`, labels)

describe('facts', () => {
  type Delivers = 'yes' | 'no' | 'unknown'
  const rows: [string, SesAsked, readonly string[], Delivers, Partial<SesTarget>?][] = [
    ['all is right', good, [], 'yes'],
    ['sending is paused', account({ sendingEnabled: false }), ['ses_sending_paused'], 'no'],
    [
      'shut down',
      account({ sendingEnabled: false, enforcement: 'SHUTDOWN' }),
      ['ses_account_shut_down', 'ses_sending_paused'],
      'no',
    ],
    ['under review', account({ enforcement: 'PROBATION' }), ['ses_account_under_review'], 'yes'],
    ['a word we do not know', account({ enforcement: 'WATCHED' }), ['ses_account_under_review'], 'yes'],
    ['in the sandbox', account({ productionAccess: false }), ['ses_sandbox'], 'no'],
    ['in the sandbox, which is meant', account({ productionAccess: false }), [], 'yes', { sandbox: true }],
    ['no limit', account({ max24Hours: -1, sent24Hours: 1e6 }), [], 'yes'],
    ['a share of the quota', account({ sent24Hours: 39_999 }), [], 'yes'],
    ['most of the quota', account({ sent24Hours: 40_000 }), ['ses_quota_low'], 'yes'],
    ['the quota warning is set', account({ sent24Hours: 25_000 }), ['ses_quota_low'], 'yes', { quota_warning: 0.5 }],
    ['all of the quota', account({ sent24Hours: 50_000 }), ['ses_quota_exhausted'], 'no'],
    ['a quota of nothing', account({ max24Hours: 0, sent24Hours: 0 }), ['ses_quota_exhausted'], 'no'],
    ['sending is not said', account({ sendingEnabled: undefined }), ['ses_error'], 'unknown'],
    ['the state is not said', account({ enforcement: undefined }), ['ses_error'], 'unknown'],
    ['the quota is not said', account({ max24Hours: undefined }), ['ses_error'], 'unknown'],
    ['the sandbox is not said', account({ productionAccess: undefined }), ['ses_error'], 'unknown'],
    ['the sandbox is not said, and is allowed', account({ productionAccess: undefined }), [], 'yes', { sandbox: true }],
    ['no identity', { ...good, identity: fault('not_found') }, ['ses_identity_missing'], 'no'],
    ['not verified', identity({ verified: false, status: 'PENDING' }), ['ses_identity_not_verified'], 'no'],
    ['verified is not said', identity({ verified: undefined }), ['ses_error'], 'unknown'],
    ['inherited', identity({ inherited: true }), ['ses_identity_inherited'], 'yes'],
    ['inherited, simple mails', identity({ inherited: true }), [], 'yes', { configuration_set: undefined }],
    ['no sender is said', { ...good, identity: undefined }, ['ses_sender_not_said'], 'unknown', { from: undefined }],
    ['DKIM off', identity({ dkim: { enabled: false, status: 'SUCCESS' } }), ['ses_dkim_off'], 'yes'],
    ['DKIM never set up', identity({ dkim: { enabled: true, status: 'NOT_STARTED' } }), ['ses_dkim_off'], 'yes'],
    ...['FAILED', 'TEMPORARY_FAILURE', 'PENDING'].flatMap((status): typeof rows => [
      [`DKIM ${status}`, identity({ dkim: { enabled: true, status } }), ['ses_dkim_failing'], 'yes'],
      [`MAIL FROM ${status}, refused`, mailFrom(status, 'REJECT_MESSAGE'), ['ses_mail_from_failing'], 'no'],
      [`MAIL FROM ${status}`, mailFrom(status, 'USE_DEFAULT_VALUE'), ['ses_mail_from_default'], 'yes'],
    ]),
    ['MAIL FROM is right', mailFrom('SUCCESS', 'REJECT_MESSAGE'), [], 'yes'],
    ['no such set', { ...good, configurationSet: fault('not_found') }, ['ses_configuration_set_missing'], 'no'],
    [
      'the set is paused',
      { ...good, configurationSet: ok({ sendingEnabled: false }) },
      ['ses_configuration_set_paused'],
      'no',
    ],
    [
      'the set says nothing',
      { ...good, configurationSet: ok({ sendingEnabled: undefined }) },
      ['ses_error'],
      'unknown',
    ],
    [
      'a recipient is suppressed',
      { ...good, suppressed: ok([{ index: 0, reason: 'COMPLAINT' }]) },
      ['ses_recipient_suppressed'],
      'yes',
    ],
    ['few mails, and all bounced', counted(99, 99, 99), [], 'yes'],
    ['bounces below half of the limit', counted(10_000, 249), [], 'yes'],
    ['bounces', counted(10_000, 250), ['ses_bounces_high'], 'yes'],
    ['complaints below half of the limit', counted(10_000, 0, 4), [], 'yes'],
    ['complaints', counted(10_000, 0, 5), ['ses_complaints_high'], 'yes'],
    ['statistics denied', { ...good, statistics: fault('denied') }, ['ses_statistics_denied'], 'yes'],
    ['suppression denied', { ...good, suppressed: fault('denied') }, ['ses_statistics_denied'], 'yes'],
    ['statistics broken', { ...good, statistics: fault('error') }, [], 'yes'],
    [
      'the identity denied, and `monitor` is of another account',
      { ...good, identity: fault('denied'), otherAccount: true },
      ['ses_permission_missing', 'ses_monitor_of_other_account'],
      'unknown',
    ],
    ['`monitor` of another account, not needed', { ...good, otherAccount: true }, [], 'yes'],
    ['the clock a minute off', { ...good, clockSkewSeconds: -60 }, [], 'yes'],
    ['the clock more than a minute off', { ...good, clockSkewSeconds: 61 }, ['ses_clock_off'], 'yes'],
    ['throttled, facts are young', { ...good, throttled: { seconds: 60, waiting: false } }, [], 'yes'],
  ]
  it.each(rows)('%s', (_, asked, codes, delivers, more = {}) => {
    const found = judged(asked, { ...target, ...more })
    expect(found.reasons.map(({ code }) => code).sort()).toEqual([...codes].sort())
    expect(found.delivers).toBe(delivers)
    for (const { text } of found.reasons) expect(text.startsWith(`${address}: `)).toBe(true)
  })

  it('says since when an identity waits for its records', () => {
    const [reason] = judged(
      identity({
        verified: false,
        status: 'FAILED',
        errorType: 'HOST_NOT_FOUND',
        checkedAt: Date.UTC(2026, 10, 30, 12),
        successAt: Date.UTC(2026, 10, 1),
      }),
    ).reasons
    expect(reason?.text).toBe(
      `${address}: app.example.com is not verified (FAILED, HOST_NOT_FOUND; SES looked at 2026-11-30T12:00:00Z, last found it right at 2026-11-01T00:00:00Z)`,
    )
  })

  it('asks for what is left to do', () => {
    const remedyOf = (asked: SesAsked): string => judged(asked).reasons[0]?.remedy ?? ''
    expect(remedyOf(identity({ verified: false }))).toContain('DNS records')
    expect(remedyOf(identity({ verified: false, of: 'address', domain: undefined }))).toContain('link in the mail')
    const sandbox = (review: string | undefined) => remedyOf(account({ productionAccess: false, review }))
    expect(sandbox(undefined)).toContain('Request production access')
    expect(sandbox('PENDING')).toContain('wait')
    expect(sandbox('DENIED')).toContain('denied')
  })

  it('counts one as one', () => {
    const text = judged(counted(100, 0, 1)).reasons[0]?.text
    expect(text).toBe(`${address}: 1 complaint in 100 delivery attempts in 24 h (1 %)`)
  })

  it('shows the account that the application may read, whoever `monitor` is', () => {
    expect(gauge({ ...good, otherAccount: true }, 'quota_sent_24h')).toBe(1_234)
  })

  it('does not show the address of the sender', () => {
    const of = identity({ of: 'address', domain: undefined })
    expect(JSON.stringify(judged(of))).not.toContain('no-reply')
    expect(judged(of).evidence).toContain('the address of `from` verified')
  })

  it('has the ratios also of few mails, and none of no mails', () => {
    expect(gauge(counted(10, 1), 'bounce_ratio')).toBe(0.1)
    expect(gauge(counted(0, 0), 'bounce_ratio')).toBeUndefined()
    expect(gauge(counted(0, 0), 'complaint_ratio')).toBeUndefined()
  })

  it('has a state set of 0s for a word it does not know, and none without a word', () => {
    const at = (asked: SesAsked, name: string, states: readonly string[]) =>
      states.map(status => gauge(asked, name, { status }))
    const strange = identity({
      dkim: { enabled: true, status: 'NEW_WORD' },
      mailFrom: { domain: 'b.example', status: 'NEW_WORD', behavior: undefined },
    })
    expect(at(strange, 'identity_dkim', dkimStates)).toEqual([0, 0, 0, 0, 0])
    expect(at(strange, 'identity_mail_from', mailFromStates)).toEqual([0, 0, 0, 0])
    expect(at(good, 'identity_mail_from', mailFromStates)).toEqual(Array(4).fill(undefined))
    expect(at(account({ enforcement: 'WATCHED' }), 'enforcement', enforcementStates)).toEqual([0, 0, 0, 1])
    expect(at(account({ enforcement: undefined }), 'enforcement', enforcementStates)).toEqual(Array(4).fill(undefined))
  })

  it('has no quota where there is no limit', () => {
    expect(gauge(account({ max24Hours: -1 }), 'quota_max_24h')).toBeUndefined()
    expect(gauge(account({ max24Hours: -1 }), 'quota_sent_24h')).toBe(1_234)
  })
})

describe('faults', () => {
  // reason, delivers, reachable, credentials_valid
  type Row = readonly [string, 'no' | 'unknown', 0 | 1 | undefined, 0 | 1 | undefined]
  const first: Readonly<Record<AwsFault, Row>> = {
    key_unknown: ['ses_key_unknown', 'no', 1, 0],
    secret_wrong: ['ses_secret_wrong', 'no', 1, 0],
    clock_skewed: ['ses_clock_skewed', 'unknown', 1, undefined],
    token_expired: ['ses_token_expired', 'no', 1, 0],
    denied: ['ses_permission_missing', 'unknown', 1, 1],
    region_disabled: ['ses_region_disabled', 'no', 1, undefined],
    throttled: ['ses_throttled', 'unknown', 1, undefined],
    not_found: ['ses_error', 'unknown', undefined, undefined],
    bad_request: ['ses_error', 'unknown', undefined, undefined],
    error: ['ses_error', 'unknown', 1, undefined],
    not_aws: ['ses_not_ses', 'unknown', 0, undefined],
    unreachable: ['ses_unreachable', 'no', 0, undefined],
    no_answer: ['ses_no_answer', 'no', 0, undefined],
    certificate_invalid: ['ses_certificate_invalid', 'no', 0, undefined],
  }
  it.each(awsFaults)('%s at the first request', kind => {
    const asked: SesAsked = { address, account: fault(kind) }
    const [code, delivers, reachable, valid] = first[kind]
    const found = judged(asked)
    expect(found.reasons.map(one => one.code)).toEqual([code])
    expect(found.delivers).toBe(delivers)
    expect(gauge(asked, 'reachable')).toBe(reachable)
    expect(gauge(asked, 'credentials_valid')).toBe(valid)
    for (const name of ['sending_enabled', 'quota_sent_24h', 'identity_verified'])
      expect(gauge(asked, name)).toBeUndefined()
  })

  it.each(awsFaults)('%s at a later request proves nothing against sending', kind => {
    if (kind === 'not_found') return
    for (const asked of [
      { ...good, identity: fault(kind) },
      { ...good, configurationSet: fault(kind) },
    ]) {
      const found = judged(asked)
      expect([found.reasons.length, found.delivers]).toEqual(kind === 'region_disabled' ? [1, 'no'] : [1, 'unknown'])
      expect(gauge(asked, 'sending_enabled')).toBe(1)
    }
  })

  it.each(['key_unknown', 'secret_wrong', 'token_expired'] as const)('%s with the role of the exporter', kind => {
    const asked: SesAsked = { address, account: fault(kind), role: {} }
    expect(judged(asked).reasons.map(({ code }) => code)).toEqual(['ses_role_unusable'])
    expect(judged(asked).delivers).toBe('unknown')
    expect(gauge(asked, 'credentials_valid')).toBeUndefined()
  })

  it('says once what several requests were refused for', () => {
    const denied = (action: string): AwsAnswer<never> => ({
      kind: 'denied',
      action,
      text: `${address}: HTTP 403 AccessDeniedException: ${action} is not allowed (no identity-based policy allows it)`,
    })
    const found = judged({ address, account: denied('ses:GetAccount'), identity: denied('ses:GetEmailIdentity') })
    expect(found.reasons.map(({ text }) => text)).toEqual([
      `${address}: AWS takes the keys, but they may not call ses:GetAccount (no identity-based policy allows it), ses:GetEmailIdentity (no identity-based policy allows it)`,
    ])
  })

  it.each<[string, AwsFault, string, number | undefined, string]>([
    [
      'a key',
      'key_unknown',
      'HTTP 403 UnrecognizedClientException',
      0,
      'AWS does not know the access key in this region (',
    ],
    ['a secret', 'secret_wrong', 'HTTP 403 SignatureDoesNotMatch', 0, 'the secret key is not that of the access key ('],
    [
      'a clock',
      'clock_skewed',
      'HTTP 403 SignatureDoesNotMatch',
      -600,
      'exporter is 600 s behind that of SES (HTTP 403',
    ],
    ['a clock without a Date', 'clock_skewed', 'HTTP 403', undefined, 'the clock of the exporter is too far off (HTTP'],
    ['an error', 'error', 'HTTP 500 InternalFailure', 0, 'HTTP 500 InternalFailure'],
  ])('says in words what it means: %s', (_, kind, said, clockSkewSeconds, text) => {
    const [found] = judged({ address, account: fault(kind, `${address}: ${said}`), clockSkewSeconds }).reasons
    expect(found?.text).toContain(text)
    expect(found?.text.split(address)).toHaveLength(2)
  })

  it('names the region where it may be the cause, and the endpoint where the request was changed', () => {
    const remedyOf = (kind: AwsFault): string => judged({ address, account: fault(kind) }).reasons[0]?.remedy ?? ''
    expect(remedyOf('key_unknown')).toContain('region enabled')
    expect(remedyOf('bad_request')).toContain('`endpoint` and `region`')
    expect(remedyOf('error')).not.toContain('endpoint')
  })

  it('says whose keys are to be corrected, if those of `monitor` cannot read either', () => {
    const denied: AwsAnswer<never> = {
      kind: 'denied',
      action: 'ses:GetAccount',
      text: `${address}: HTTP 403 AccessDenied: ses:GetAccount is not allowed (no identity-based policy allows it)`,
    }
    const may = `${address}: AWS takes the keys, but they may not call ses:GetAccount (no identity-based policy allows it)`
    const found = (monitored: AwsAnswer<SesAccount>) => judged({ address, account: denied, monitored }).reasons[0]
    expect(found(denied)?.text).toBe(`${may}; those of \`monitor\` may not either`)
    const wrong = found(fault('secret_wrong', `${address}: HTTP 403 SignatureDoesNotMatch`))
    expect(wrong?.text.startsWith(`${may}; with those of \`monitor\`: `)).toBe(true)
    expect(wrong?.remedy).toContain('Correct the keys under `monitor`')
  })

  it('says where to look by where the role gives its keys out', () => {
    const asked: SesAsked = { address, account: fault('error'), role: { unusable: 'no answer' } }
    const remedyFor = (credentials: SesTarget['credentials']): string =>
      judged(asked, { ...target, credentials }).reasons[0]?.remedy ?? ''
    const web_identity = { role_arn: 'arn:aws:iam::123456789012:role/mailer', token_file: '/token' }
    expect(remedyFor({ web_identity })).toContain('trust policy')
    expect(remedyFor('web_identity')).toContain('trust policy')
    expect(remedyFor('container')).toContain('Pod Identity')
    expect(remedyFor('instance')).toContain('hop limit')
  })

  it('is not asked while it waits, so whether it is reachable is not known', () => {
    const waiting: SesAsked = { ...good, throttled: { seconds: 100, waiting: true } }
    expect(gauge(waiting, 'reachable')).toBeUndefined()
    expect(gauge(waiting, 'credentials_valid')).toBe(1)
    expect(judged(waiting).evidence).toContain('as of 100 s ago')
  })

  it('is worse than a warning of the settings', () => {
    const seen: SesSeen = {
      settings: { access_key: { state: 'absent', source: 'env' }, secret_key: setting, region: setting },
    }
    expect(canDeliver(seen, target)).toBe('no')
    expect(canDeliver(seenAs(good), { ...target, implemented: false })).toBe('no')
    expect(canDeliver({ ...seenAs(good), asked: undefined }, target)).toBe('unknown')
  })
})
