import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Observation } from '../../src/core/probe.ts'
import type { Ran } from '../../src/monitor/run.ts'
import { fingerprint } from '../../src/core/fingerprint.ts'
import { ses } from '../../src/probes/ses/index.ts'
import { canDeliver } from '../../src/probes/ses/judge.ts'
import type { SesSeen } from '../../src/probes/ses/seen.ts'
import type { SesTarget } from '../../src/probes/ses/target.ts'
import { createReferences } from '../../src/references/index.ts'
import { certificates } from '../servers/certificates.ts'
import {
  accessKeyOf,
  healthyAccount,
  startSesDouble,
  verifiedIdentity,
  type AwsKey,
  type SesAction,
} from '../servers/ses-double.ts'
import { expectSamples, probeContract } from './contract.ts'
import { look, values, type LookOptions } from './look.ts'
import { valueOf } from './values.ts'

const app: AwsKey = { id: accessKeyOf(), secret: 'q8Zt0pLm3Vx7Rk1Wc5Yd9Hb2Nf6Js4Ga/Ue+To0P' }
const monitor: AwsKey = { id: accessKeyOf(), secret: 'Ue+To0Pq8Zt0pLm3Vx7Rk1Wc5Yd9Hb2Nf6Js4Ga/' }
const temporary: AwsKey = {
  id: accessKeyOf(undefined, 'ASIA'),
  secret: 'Ga/Ue+To0Pq8Zt0pLm3Vx7Rk1Wc5Yd9Hb2Nf6Js4',
  token: 'IQoJb3JpZ2luX2VjTOKEN//////////wEaCWV1LXdlc3QtMSJHMEUCIQ==',
}
const recipient = 'jane.doe+canary@box.example.net'

let server: Awaited<ReturnType<typeof startSesDouble>>
beforeAll(async () => {
  server = await startSesDouble({ keys: [app, monitor, temporary] })
})
beforeEach(() => server.reset())
afterEach(() => vi.useRealTimers())
afterAll(() => server.close())

const target = (more: Partial<SesTarget> = {}): SesTarget => ({
  name: 'backend SES',
  access_key: app.id,
  secret_key: { env: 'SECRET' },
  region: 'eu-west-1',
  implemented: true,
  verify: true,
  sandbox: false,
  quota_warning: 0.8,
  from: 'No Reply <no-reply@app.example.com>',
  endpoint: server.url,
  ...more,
})
const secrets = {
  SECRET: app.secret,
  MONITOR: monitor.secret,
  TEMPORARY: temporary.secret,
  TOKEN: temporary.token ?? '',
}
const withMonitor = (key = monitor): Partial<SesTarget> => ({
  monitor: { access_key: key.id, secret_key: { env: 'MONITOR' } },
})

async function run(of: SesTarget = target(), options: LookOptions = {}) {
  const observation = await look(ses, of, {
    references: createReferences({ env: secrets, vaults: [], kubernetes: undefined }),
    intervalMs: 60_000,
    ...options,
  })
  if (!observation) throw new Error('the run was not recorded')
  expectSamples(observation, ses)
  expectNoSecret(observation)
  const seen = observation.seen as SesSeen
  return { observation, seen, ...summary(observation), delivers: canDeliver(seen, of) }
}

const summary = ({ verdict, reasons, evidence }: Observation) => ({
  verdict,
  codes: reasons.map(({ code }) => code),
  text: reasons[0]?.text ?? evidence,
})

function expectNoSecret(observation: Ran): void {
  const said = JSON.stringify([{ ...observation, config: undefined }, observation.transcript()])
  for (const secret of [...Object.values(secrets), recipient, encodeURIComponent(recipient), 'no-reply', 'Signature='])
    expect(said.includes(secret) ? secret : '').toBe('')
  expect(said).not.toMatch(/arn:|IQoJ/)
}

const asked = (): SesAction[] => server.requests.map(({ action }) => action)
const gauge = (observation: Observation, name: string, labels = {}): number | undefined =>
  valueOf(observation, `mailpath_ses_${name}`, labels)

describe('everything is right', () => {
  it('is ok, and a way out', async () => {
    const { observation, verdict, text, delivers } = await run(target({ configuration_set: 'transactional' }))
    expect([verdict, delivers]).toEqual(['ok', 'yes'])
    expect(text).toBe(
      `127.0.0.1:${server.port}: the keys are accepted, sending enabled, production access, 1234 of 50000 mails sent in 24 h, app.example.com verified, DKIM SUCCESS, the configuration set sends`,
    )
    const at1 = ['reachable', 'credentials_valid', 'sending_enabled', 'production_access', 'identity_verified']
    for (const name of [...at1, 'configuration_set_sending_enabled']) expect(gauge(observation, name)).toBe(1)
    expect(gauge(observation, 'quota_max_24h')).toBe(50_000)
    expect(gauge(observation, 'quota_sent_24h')).toBe(1_234)
    expect(gauge(observation, 'max_send_rate')).toBe(14)
    expect(gauge(observation, 'enforcement', { status: 'healthy' })).toBe(1)
    expect(gauge(observation, 'identity_dkim', { status: 'success' })).toBe(1)
    expect(gauge(observation, 'identity_mail_from', { status: 'success' })).toBeUndefined()
    expect(Math.abs(gauge(observation, 'clock_skew_seconds') ?? NaN)).toBeLessThanOrEqual(1)
  })

  it('is proven over TLS by the authority of ca_file', async () => {
    const { good } = await certificates()
    const secure = await startSesDouble({ keys: [app], tls: good })
    try {
      const of = target({ endpoint: `https://localhost:${secure.port}`, ca_file: '/ca.pem' })
      const proven = await run(of, { references: values({ ...secrets, '/ca.pem': good.ca }) })
      expect([proven.verdict, proven.delivers]).toEqual(['ok', 'yes'])
      const foreign = await run(target({ endpoint: `https://localhost:${secure.port}` }))
      expect([foreign.codes, foreign.delivers]).toEqual([['ses_certificate_invalid'], 'no'])
      expect(gauge(foreign.observation, 'reachable')).toBe(0)
      expect(gauge(foreign.observation, 'credentials_valid')).toBeUndefined()
    } finally {
      await secure.close()
    }
  })

  it('knows, for each region, the SMTP password of the secret key', async () => {
    const { seen } = await run(target({ verify: false }))
    // https://docs.aws.amazon.com/ses/latest/dg/smtp-credentials.html: other regions give other passwords.
    expect(new Set(seen.smtpPasswords?.values())).toContain('eu-west-1')
    expect(seen.smtpPasswords?.size).toBeGreaterThan(30)
    expect(seen.smtpPasswords?.has(fingerprint(app.secret))).toBe(false)
    expect(server.requests).toEqual([])
  })
})

describe('the keys', () => {
  it('tells an unknown key, a wrong secret, a skewed clock and a missing permission apart', async () => {
    const rows: [string, () => void, string, 'no' | 'unknown', number | undefined][] = [
      ['unknown', () => (server.keys = [monitor]), 'ses_key_unknown', 'no', 0],
      ['wrong secret', () => (server.keys = [{ ...app, secret: monitor.secret }]), 'ses_secret_wrong', 'no', 0],
      ['clock', () => (server.clockAheadMs = 1_200_000), 'ses_clock_skewed', 'unknown', undefined],
      ['permission', () => (server.keys = [{ ...app, allows: ['ses:Send*'] }]), 'ses_permission_missing', 'unknown', 1],
      ['region', () => (server.signedUp = 'OptInRequired'), 'ses_region_disabled', 'no', undefined],
    ]
    for (const form of ['header', 'header_with_url', '__type', 'code'] as const)
      for (const [name, turn, code, delivers, valid] of rows) {
        server.reset()
        server.errorForm = form
        turn()
        const found = await run()
        expect([name, found.codes.filter(one => one !== 'ses_statistics_denied')]).toEqual([name, [code]])
        expect([name, found.delivers]).toEqual([name, delivers])
        expect([name, gauge(found.observation, 'credentials_valid')]).toEqual([name, valid])
        expect([name, gauge(found.observation, 'reachable')]).toEqual([name, 1])
        expect(gauge(found.observation, 'sending_enabled')).toBeUndefined()
      }
  })

  it('names all actions that are missing', async () => {
    server.keys = [{ ...app, allows: [] }]
    const { observation, codes } = await run(target({ configuration_set: 'transactional', recipients: [recipient] }))
    expect(codes).toEqual(['ses_permission_missing', 'ses_statistics_denied'])
    expect(observation.reasons[0]?.text).toMatch(/ses:GetAccount.*ses:GetEmailIdentity.*ses:GetConfigurationSet/)
    expect(observation.reasons[1]?.text).toContain('ses:GetSuppressedDestination, ses:GetSendStatistics')
  })

  it('is a way out also where the statistics may not be read', async () => {
    server.keys = [{ ...app, allows: ['ses:GetAccount', 'ses:GetEmailIdentity'] }]
    const { codes, verdict, delivers } = await run()
    expect([codes, verdict, delivers]).toEqual([['ses_statistics_denied'], 'warn', 'yes'])
  })

  it('takes a temporary key with its token, and says when that has expired', async () => {
    const of = target({
      access_key: temporary.id,
      secret_key: { env: 'TEMPORARY' },
      session_token: { env: 'TOKEN' },
    })
    expect((await run(of)).verdict).toBe('ok')
    server.keys = [{ ...temporary, expires: Date.now() - 1_000 }]
    expect((await run(of)).codes).toEqual(['ses_token_expired'])
    const unread = await run({ ...of, session_token: { file: '/nowhere/token' } })
    expect([unread.codes, unread.delivers]).toEqual([['ses_unreadable'], 'unknown'])
    const without = await run({ ...of, session_token: { env: 'NOT_SET' } })
    expect([without.codes, without.delivers]).toEqual([['ses_malformed'], 'no'])
  })

  it('warns of a clock before AWS refuses it', async () => {
    server.clockAheadMs = 120_000
    const { codes, text, observation, delivers } = await run()
    expect([codes, delivers]).toEqual([['ses_clock_off'], 'yes'])
    expect(text).toMatch(/is 1(19|20|21) s behind that of SES$/)
    expect(gauge(observation, 'clock_skew_seconds')).toBeLessThan(-118)
  })
})

describe('monitor', () => {
  const sendsOnly: AwsKey = { ...app, allows: ['ses:SendEmail'] }

  it('reads what the application may not, once the key of the application is proven', async () => {
    server.keys = [sendsOnly, monitor]
    const { verdict, delivers, observation } = await run(target(withMonitor()))
    expect([verdict, delivers]).toEqual(['ok', 'yes'])
    expect(server.requests[0]?.key).toBe(app.id)
    expect(new Set(server.requests.slice(1).map(({ key }) => key))).toEqual(new Set([monitor.id]))
    expect(gauge(observation, 'credentials_valid')).toBe(1)
    expect(observation.evidence).toContain('read with those of `monitor`')
  })

  it('is not asked where the application may read', async () => {
    await run(target(withMonitor()))
    expect(new Set(server.requests.map(({ key }) => key))).toEqual(new Set([app.id]))
  })

  it('proves nothing by keys of another account, and does not ask with them', async () => {
    const other = { ...monitor, id: accessKeyOf('210987654321') }
    server.keys = [sendsOnly, other]
    const { codes, delivers, observation } = await run(target(withMonitor(other)))
    expect([codes, delivers]).toEqual([['ses_monitor_of_other_account'], 'unknown'])
    expect(gauge(observation, 'sending_enabled')).toBeUndefined()
    expect(server.requests.map(({ key }) => key)).not.toContain(other.id)
  })

  it('says nothing against the application by its own faults', async () => {
    for (const keys of [
      [sendsOnly],
      [sendsOnly, { ...monitor, secret: app.secret }],
      [sendsOnly, { ...monitor, allows: [] }],
    ]) {
      server.keys = keys
      const { codes, text, delivers } = await run(target(withMonitor()))
      expect(codes[0]).toBe('ses_permission_missing')
      expect(text).toContain('`monitor`')
      expect(delivers).toBe('unknown')
    }
  })
})

describe('the sender', () => {
  const missing = (name: string) =>
    (server.identities = Object.fromEntries(Object.entries(server.identities).filter(([one]) => one !== name)))
  const unverified = { ...verifiedIdentity('DOMAIN'), VerifiedForSendingStatus: false, VerificationStatus: 'PENDING' }

  it('is verified by a domain above, which is asked alone from then on', async () => {
    server.identities = { 'example.com': verifiedIdentity('DOMAIN') }
    const of = target()
    const { verdict, observation } = await run(of)
    expect(verdict).toBe('ok')
    expect(observation.evidence).toContain('example.com verified')
    expect(asked().filter(action => action === 'GetEmailIdentity')).toHaveLength(3)
    server.requests.length = 0
    await run(of)
    expect(server.requests.filter(({ url }) => url.endsWith('/example.com'))).toHaveLength(1)
    expect(server.requests.length).toBeLessThanOrEqual(4)
  })

  it('is missing where SES has neither address nor domain', async () => {
    missing('app.example.com')
    const { codes, text, delivers, observation } = await run()
    expect([codes, delivers]).toEqual([['ses_identity_missing'], 'no'])
    expect(text).toContain('nor for app.example.com, example.com')
    expect(gauge(observation, 'identity_verified')).toBe(0)
  })

  it('is seen to be verified again in the next run', async () => {
    const of = target()
    missing('app.example.com')
    await run(of)
    server.identities = { 'example.com': verifiedIdentity('DOMAIN') }
    expect((await run(of)).verdict).toBe('ok')
    server.identities = { 'app.example.com': unverified }
    expect((await run(of)).codes).toEqual(['ses_identity_not_verified'])
  })

  it('inherits from its domain; with a configuration set that is a warning', async () => {
    server.identities['no-reply@app.example.com'] = { ...unverified, IdentityType: 'EMAIL_ADDRESS' }
    expect((await run()).verdict).toBe('ok')
    const { codes, delivers } = await run(target({ configuration_set: 'transactional' }))
    expect([codes, delivers]).toEqual([['ses_identity_inherited'], 'yes'])
  })

  it('has advice that fits it', async () => {
    const remedy = async () => (await run()).observation.reasons[0]?.remedy
    server.identities = { 'app.example.com': unverified }
    expect(await remedy()).toContain('DNS records')
    server.identities = { 'no-reply@app.example.com': { ...unverified, IdentityType: 'EMAIL_ADDRESS' } }
    expect(await remedy()).toContain('Open the link in the mail')
    server.reset()
    server.signedUp = 'region_not_enabled'
    expect(await remedy()).toContain('whether the account has the region enabled')
  })

  it('is not called missing while one of the identities could not be read', async () => {
    missing('app.example.com')
    server.misbehave(
      { status: 500, type: 'application/json', body: '{"__type":"InternalFailure"}' },
      'GetEmailIdentity',
    )
    const { codes, delivers } = await run()
    expect([codes, delivers]).toEqual([['ses_error'], 'unknown'])
  })

  it('has to be said, else SES is not known to take it', async () => {
    const { codes, delivers } = await run(target({ from: undefined }))
    expect([codes, delivers]).toEqual([['ses_sender_not_said'], 'unknown'])
  })

  it('is asked for in few requests, however many domains are above it', async () => {
    const labels = Array.from({ length: 40 }, (_, i) => `d${i}`).join('.')
    server.identities = { 'example.com': verifiedIdentity('DOMAIN') }
    expect((await run(target({ from: `no-reply@${labels}.example.com` }))).verdict).toBe('ok')
    expect(asked().filter(action => action === 'GetEmailIdentity').length).toBeLessThanOrEqual(6)
    expect(server.requests.map(({ url }) => url)).not.toContain('/v2/email/identities/com')
  })

  it('is seen to have got an identity of its own, in turn', async () => {
    const of = target({ configuration_set: 'transactional' })
    expect((await run(of)).verdict).toBe('ok')
    server.identities['no-reply@app.example.com'] = { ...unverified, IdentityType: 'EMAIL_ADDRESS' }
    await run(of)
    expect((await run(of)).codes).toEqual(['ses_identity_inherited'])
  })

  it('is not called missing while a domain above was not asked', async () => {
    const from = 'no-reply@a.b.c.d.e.f.g.example.com'
    server.identities = { 'c.d.e.f.g.example.com': verifiedIdentity('DOMAIN') }
    const hidden = await run(target({ from }))
    expect([hidden.codes, hidden.delivers]).toEqual([['ses_error'], 'unknown'])
    expect(hidden.text).toContain('only the last 4 are asked')
    server.identities = { [from]: { ...unverified, IdentityType: 'EMAIL_ADDRESS' } }
    expect((await run(target({ from }))).delivers).toBe('unknown')
  })

  it('has only ASCII before the @, since SES takes no other', async () => {
    const { codes, delivers } = await run(target({ from: 'jörg@app.example.com' }))
    expect([codes, delivers]).toEqual([['ses_unreadable'], 'unknown'])
    expect(server.requests).toEqual([])
  })

  it('is no way out where its MAIL FROM domain may refuse mail', async () => {
    const delivering = async (attributes: Record<string, unknown>) => {
      server.identities['app.example.com'] = { ...verifiedIdentity('DOMAIN'), MailFromAttributes: attributes }
      return (await run()).delivers
    }
    const refusing = { BehaviorOnMxFailure: 'REJECT_MESSAGE', MailFromDomainStatus: 'FAILED' }
    // The name says nothing: it may have a form that is not known here, or be left out.
    for (const name of ['bounce.app.example.com', 'bounce münchen', 7, undefined])
      expect([name, await delivering({ ...refusing, MailFromDomain: name })]).toEqual([name, 'no'])
    const of = { MailFromDomain: 'bounce.app.example.com' }
    expect(await delivering({ ...refusing, ...of, MailFromDomainStatus: 'EXPIRED' })).toBe('unknown')
    expect(await delivering({ ...of, BehaviorOnMxFailure: 'REJECT_MESSAGE' })).toBe('unknown')
    expect(await delivering({ ...of, MailFromDomainStatus: 'FAILED' })).toBe('unknown')
    expect(await delivering({ ...of, MailFromDomainStatus: 'FAILED', BehaviorOnMxFailure: 'USE_DEFAULT_VALUE' })).toBe(
      'yes',
    )
    expect(await delivering({ ...of, MailFromDomainStatus: 'EXPIRED', BehaviorOnMxFailure: 'USE_DEFAULT_VALUE' })).toBe(
      'yes',
    )
    expect(await delivering({ BehaviorOnMxFailure: 'REJECT_MESSAGE' })).toBe('yes')
  })

  it('may have a domain in other letters', async () => {
    server.identities = { 'xn--mnchen-3ya.example': verifiedIdentity('DOMAIN') }
    expect((await run(target({ from: 'no-reply@München.example' }))).verdict).toBe('ok')
  })
})

describe('what SES says', () => {
  it('has recipients only by their place', async () => {
    server.suppressed = { [recipient]: 'BOUNCE' }
    const { codes, text, delivers } = await run(target({ recipients: ['other@box.example.net', recipient] }))
    expect([codes, delivers]).toEqual([['ses_recipient_suppressed'], 'yes'])
    expect(text).toContain('recipients[1] (BOUNCE)')
  })

  it('counts the mails of 24 hours', async () => {
    const point = { attempts: 100, bounces: 3, complaints: 0, rejects: 0 }
    server.statistics = [
      { ...point, at: Date.now() - 3_600_000 },
      { ...point, at: Date.now() - 90_000_000, complaints: 50 },
    ]
    const { codes, text, observation } = await run()
    expect(codes).toEqual(['ses_bounces_high'])
    expect(text).toContain('3 bounces in 100 delivery attempts in 24 h (3 %)')
    expect(gauge(observation, 'bounce_ratio')).toBe(0.03)
    expect(gauge(observation, 'complaint_ratio')).toBe(0)
  })

  it('is no proof where a field is missing', async () => {
    const { SendingEnabled: _, ...rest } = healthyAccount()
    server.account = { ...rest, SendQuota: { Max24HourSend: '50000', SentLast24Hours: 1 } }
    const { codes, text, delivers } = await run()
    expect([codes, delivers]).toEqual([['ses_error'], 'unknown'])
    expect(text).toContain('GetAccount does not say SendingEnabled, SendQuota')
  })

  it('has numbers that AWS never sets', async () => {
    const delivering = async (quota: Record<string, unknown>) => {
      server.account = { ...healthyAccount(), SendQuota: { MaxSendRate: 14, ...quota } }
      return (await run()).delivers
    }
    const sent = { SentLast24Hours: 10 }
    expect(await delivering({ Max24HourSend: -1, ...sent })).toBe('yes')
    expect(await delivering({ Max24HourSend: 0, SentLast24Hours: 0 })).toBe('no')
    for (const limit of [-2, -0.5, '50000', null, [50_000]])
      expect([limit, await delivering({ Max24HourSend: limit, ...sent })]).toEqual([limit, 'unknown'])
    expect(await delivering({ Max24HourSend: 50_000, SentLast24Hours: -1 })).toBe('unknown')
    server.misbehave(
      {
        status: 200,
        type: 'application/json',
        body: '{"SendingEnabled":true,"ProductionAccessEnabled":true,"EnforcementStatus":"HEALTHY","SendQuota":{"Max24HourSend":1e999,"SentLast24Hours":1}}',
      },
      'GetAccount',
    )
    expect((await run()).delivers).toBe('unknown')
  })

  it('is shut down in whatever letters', async () => {
    server.account = { ...healthyAccount(), EnforcementStatus: 'Shutdown' }
    const { codes, delivers } = await run()
    expect([codes, delivers]).toEqual([['ses_account_shut_down'], 'no'])
  })

  it.each(['html', 'cut', 'garbled', 'redirect', 'oversized'] as const)('is not SES: %s', async how => {
    server.misbehave(how)
    const { codes, delivers, observation } = await run()
    expect([codes, delivers]).toEqual([['ses_not_ses'], 'unknown'])
    expect(gauge(observation, 'reachable')).toBe(0)
    expect(gauge(observation, 'credentials_valid')).toBeUndefined()
    expect(asked()).toEqual(['GetAccount'])
  })

  it('is not SES where another service of AWS answers', async () => {
    for (const type of ['UnknownOperationException', 'MissingAuthenticationTokenException', 'NotFoundException']) {
      server.misbehave({ status: 404, type: 'application/json', body: JSON.stringify({ __type: type }) })
      const { delivers, observation } = await run()
      expect(delivers).toBe('unknown')
      expect(gauge(observation, 'reachable')).toBeUndefined()
      expect(gauge(observation, 'credentials_valid')).toBeUndefined()
    }
  })

  it('is no answer where it comes too slowly', async () => {
    for (const how of ['silent', 'drip', 'endless'] as const) {
      server.misbehave(how)
      const { observation } = await run(target(), { timeoutMs: 500 })
      expect(['ses_no_answer', 'ses_not_ses']).toContain(observation.reasons[0]?.code)
      expect(gauge(observation, 'reachable')).toBe(0)
    }
  })

  it('holds nothing against sending when only a later answer is missing', async () => {
    server.misbehave('silent', 'GetEmailIdentity')
    const { codes, delivers, observation } = await run(target(), { timeoutMs: 1_000 })
    expect([codes, delivers]).toEqual([['ses_error'], 'unknown'])
    expect(gauge(observation, 'reachable')).toBe(1)
    server.misbehave(undefined, 'GetEmailIdentity')
    server.misbehave('html', 'GetSendStatistics')
    expect((await run()).delivers).toBe('yes')
  })
})

describe('the requests', () => {
  const later = (ms: number) => vi.advanceTimersByTime(ms)

  it('are at most four in a run, one after the other, once all was asked', async () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    const of = target({ configuration_set: 'transactional', recipients: ['a@b.example', recipient] })
    await run(of)
    expect(asked()).toEqual([
      'GetAccount',
      'GetEmailIdentity',
      'GetEmailIdentity',
      'GetConfigurationSet',
      'GetSuppressedDestination',
      'GetSuppressedDestination',
      'GetSendStatistics',
    ])
    const rounds: SesAction[][] = []
    for (let i = 0; i < 20; i++) {
      server.requests.length = 0
      later(60_000)
      expect((await run(of)).delivers).toBe('yes')
      expect(asked().length).toBeLessThanOrEqual(4)
      rounds.push(asked())
      expect(server.requests.every(({ beside }) => beside === 0)).toBe(true)
    }
    const times = (action: SesAction) => rounds.filter(round => round.includes(action)).length
    expect(times('GetConfigurationSet')).toBe(20)
    expect(times('GetSendStatistics')).toBe(1)
    expect(times('GetSuppressedDestination')).toBeGreaterThan(10)
  })

  it('are four at most with `monitor` too', async () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    server.keys = [{ ...app, allows: [] }, monitor]
    const of = target({ configuration_set: 'transactional', ...withMonitor() })
    await run(of)
    for (let i = 0; i < 6; i++) {
      server.requests.length = 0
      later(60_000)
      expect((await run(of)).delivers).toBe('yes')
      expect(asked().length).toBeLessThanOrEqual(4)
    }
  })

  it('are four at most where the keys may only send, and notice within some runs that they may read', async () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    server.keys = [{ ...app, allows: ['ses:SendEmail'] }]
    const of = target({ configuration_set: 'transactional', from: 'no-reply@mail.eu.app.example.com' })
    const next = async () => {
      server.requests.length = 0
      later(60_000)
      const { codes, delivers } = await run(of)
      return { codes, delivers, requests: asked().length }
    }
    await next()
    for (let i = 0; i < 100; i++) {
      const { codes, requests } = await next()
      expect([i, codes.filter(code => code !== 'ses_statistics_denied')]).toEqual([i, ['ses_permission_missing']])
      expect(requests).toBeLessThanOrEqual(4)
    }
    server.keys = [app]
    const found: string[] = []
    for (let i = 0; i < 6; i++) found.push((await next()).delivers)
    expect(found.at(-1)).toBe('yes')
  })

  it('notice in the next run what has changed', async () => {
    const of = target({ configuration_set: 'transactional' })
    await run(of)
    server.configurationSets = {}
    expect((await run(of)).codes).toEqual(['ses_configuration_set_missing'])
    server.account = { ...healthyAccount(), SendingEnabled: false }
    expect((await run(of)).codes).toContain('ses_sending_paused')
  })

  it('ask everything again for another sender', async () => {
    const of = { ...target(), from: { env: 'FROM' } }
    const by = (from: string): LookOptions => ({ references: values({ ...secrets, FROM: from }) })
    expect((await run(of, by('no-reply@app.example.com'))).verdict).toBe('ok')
    expect((await run(of, by('no-reply@other.example'))).codes).toEqual(['ses_identity_missing'])
  })

  it('prove nothing of a new secret by the answers to the old one', async () => {
    const of = target()
    expect((await run(of)).delivers).toBe('yes')
    server.misbehave('throttled')
    const by = (more: Record<string, string>): LookOptions => ({ references: values({ ...secrets, ...more }) })
    const changed = await run(of, by({ SECRET: monitor.secret }))
    expect([changed.codes, changed.delivers]).toEqual([['ses_throttled'], 'unknown'])
    server.misbehave(undefined)
    server.keys = [{ ...app, allows: ['ses:Send*'] }, monitor]
    const read = { ...target(), ...withMonitor() }
    expect((await run(read)).delivers).toBe('yes')
    server.misbehave('throttled')
    expect((await run(read, by({ MONITOR: app.secret }))).delivers).toBe('unknown')
  })

  it('wait longer and longer while SES throttles, and the last facts count for three intervals', async () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    const of = target()
    await run(of)
    server.requests.length = 0
    server.misbehave('throttled')
    const found: string[] = []
    for (let i = 1; i <= 64; i++) {
      later(60_000)
      const before = server.requests.length
      const { codes, delivers, observation } = await run(of)
      const waiting = server.requests.length === before
      expect(gauge(observation, 'reachable')).toBe(waiting ? undefined : 1)
      found.push(`${waiting ? '-' : 'asked'} ${codes.join()} ${delivers}`)
    }
    expect(found.slice(0, 4)).toEqual([
      'asked  yes',
      '-  yes',
      'asked ses_throttled unknown',
      '- ses_throttled unknown',
    ])
    const times = found.flatMap((one, i) => (one.startsWith('asked') ? [i + 1] : []))
    expect(times.map((at, i) => at - (times[i - 1] ?? 0))).toEqual([1, 2, 4, 8, 16, 16, 16])
    server.misbehave(undefined)
    later(16 * 60_000)
    expect((await run(of)).verdict).toBe('ok')
  })

  it('say how old the facts are that were not asked', async () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    const of = target()
    await run(of)
    server.misbehave('rate_exceeded')
    later(60_000)
    expect((await run(of)).text).toMatch(/, as of 60 s ago, since SES throttles$/)
    const low = target({ quota_warning: 0.01 })
    server.misbehave(undefined)
    await run(low)
    server.misbehave('throttled')
    later(60_000)
    expect((await run(low)).text).toMatch(/mails sent in 24 h \(as of 60 s ago, since SES throttles\)$/)
  })

  it('prove nothing when SES throttles in the middle of the first run', async () => {
    server.misbehave('throttled', 'GetEmailIdentity')
    const { codes, delivers, observation } = await run()
    expect([codes, delivers]).toEqual([['ses_throttled'], 'unknown'])
    expect(gauge(observation, 'credentials_valid')).toBe(1)
  })

  it('are none where the settings are wrong, or a stub', async () => {
    expect((await run(target({ region: 'Ireland' }))).codes).toEqual(['ses_malformed'])
    expect((await run(target({ implemented: false }))).codes).toEqual(['ses_stub'])
    expect((await run(target({ verify: false }))).codes).toEqual(['ses_not_verified'])
    const unread = await run(target({ from: { env: 'NOT_SET' } }))
    expect([unread.codes, unread.delivers]).toEqual([['ses_unreadable'], 'unknown'])
    expect(asked()).toEqual([])
  })
})

describe('a role', () => {
  const of = (): SesTarget => target({ access_key: undefined, secret_key: undefined, credentials: 'container' })
  const env = (more: Record<string, string> = {}): LookOptions => ({
    references: createReferences({
      env: {
        AWS_CONTAINER_CREDENTIALS_FULL_URI: `${server.url}/v1/credentials`,
        AWS_CONTAINER_AUTHORIZATION_TOKEN: server.role.containerToken,
        ...more,
      },
      vaults: [],
      kubernetes: undefined,
    }),
  })

  it('counts like keys, which are got once', async () => {
    const one = of()
    const { verdict, delivers, text } = await run(one, env())
    expect([verdict, delivers]).toEqual(['ok', 'yes'])
    expect(text).toContain("the keys of the exporter's role are accepted")
    await run(one, env())
    expect(asked().filter(action => action === 'container')).toHaveLength(1)
    server.account = { ...healthyAccount(), SendingEnabled: false }
    expect((await run(one, env())).codes).toEqual(['ses_sending_paused'])
  })

  it('that gives no keys says nothing of the application', async () => {
    server.role.container = 'denied'
    const { codes, delivers, observation } = await run(of(), env())
    expect([codes, delivers]).toEqual([['ses_role_unusable'], 'unknown'])
    expect(gauge(observation, 'reachable')).toBeUndefined()
    const none = await run(of(), { references: createReferences({ env: {}, vaults: [], kubernetes: undefined }) })
    expect(none.codes).toEqual(['ses_role_unusable'])
    expect(none.observation.reasons[0]?.remedy).toContain('the task role (ECS)')
  })

  it('whose keys were taken back gets new ones', async () => {
    const one = of()
    await run(one, env())
    for (const key of server.issued) key.active = false
    const refused = await run(one, env())
    expect([refused.codes, refused.delivers]).toEqual([['ses_role_unusable'], 'unknown'])
    expect(gauge(refused.observation, 'credentials_valid')).toBeUndefined()
    expect((await run(one, env())).verdict).toBe('ok')
  })
})

probeContract(ses, port => ({ ...target(), endpoint: `http://127.0.0.1:${port}` }), {
  opening: 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"SendingEnabled": true',
  references: () => values(secrets),
})
