import { expect, it } from 'vitest'
import { smtpRegionOf } from '../../src/clients/aws/endpoints.ts'
import { fingerprint } from '../../src/core/fingerprint.ts'
import { ses } from '../../src/probes/ses/index.ts'
import { smtp } from '../../src/probes/smtp/index.ts'
import type { SmtpSeen } from '../../src/probes/smtp/observe.ts'
import { assessed, checkOf, intervalMs, judged, start, type Looked } from '../status/looked.ts'

const host = 'email-smtp.eu-west-1.amazonaws.com'
const relay = smtp.target.parse({ name: 'relay', host, user: 'AKIAQ7Q7Q7Q7Q7Q7Q7Q7', password: { env: 'PASS' } })
const account = ses.target.parse({
  name: 'backend SES',
  access_key: { env: 'KEY' },
  secret_key: { env: 'SECRET' },
  region: 'eu-west-1',
  verify: false,
})
const wellFormed = { state: 'well_formed', source: 'env' } as const

/** A secret key that derives these passwords, by region. */
const derives = (passwords: Readonly<Record<string, string>>, at = start): Looked => {
  const smtpPasswords = new Map(Object.entries(passwords).map(([region, password]) => [fingerprint(password), region]))
  const settings = { access_key: wellFormed, secret_key: wellFormed, region: wellFormed }
  return { check: checkOf(ses, account), observation: judged(ses, account, { settings, smtpPasswords }, at) }
}

const reply = { step: 'auth', code: 535, text: '535 Authentication Credentials Invalid' } as const
/** A relay of SES at which this password was used. */
const used = (password: string, fields: Partial<SmtpSeen> = {}): Looked => {
  const seen: SmtpSeen = {
    at: start,
    address: `${host}:587`,
    replies: [{ step: 'greeting', code: 220, text: '220 email-smtp.amazonaws.com ESMTP' }, reply],
    extensions: { clear: ['STARTTLS'], now: ['AUTH PLAIN LOGIN'] },
    injected: false,
    tls: { version: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384', chain: undefined, expected: host, problems: [] },
    user: 'AKIAQ7Q7Q7Q7Q7Q7Q7Q7',
    authenticated: false,
    backOff: { until: start + 60_000, count: 1, reply },
    mechanism: 'PLAIN',
    sesPassword: { region: 'eu-west-1', fingerprint: fingerprint(password) },
    ...fields,
  }
  return { check: checkOf(smtp, relay), observation: judged(smtp, relay, seen) }
}

const saidOf = (...all: readonly Looked[]): readonly string[] =>
  assessed(all)
    .checks.find(({ probe }) => probe === 'smtp')
    ?.reasons.map(({ code, text }) => `${code} ${text}`) ?? []
const passwords = { 'eu-central-1': 'BMXh-of-frankfurt', 'eu-west-1': 'BBbp-of-ireland' }
const otherRegion = `smtp_password_of_other_region ${host}:587: the password was made for eu-central-1, used in eu-west-1 (by the secret key of ses/backend SES)`

it('says for which region the password was made, in place of the refusal', () => {
  expect(saidOf(used('BMXh-of-frankfurt'), derives(passwords))).toEqual([otherRegion])
})

it('says it also while the login is backed off, and where it came to no login', () => {
  const heldOff = used('BMXh-of-frankfurt', { authenticated: undefined, replies: [] })
  expect(saidOf(heldOff, derives(passwords))).toContain(otherRegion)
  const failure = { phase: 'connect', code: 'ECONNREFUSED', text: `${host}:587: refused`, timedOut: false }
  const unreachable = used('BMXh-of-frankfurt', { failure, replies: [], authenticated: undefined, backOff: undefined })
  const said = saidOf(unreachable, derives(passwords))
  expect(said).toHaveLength(2)
  expect(said[0]).toMatch(/^smtp_unreachable /)
})

it('says nothing of a password of the right region, of another key, that is taken, or where nothing is known', () => {
  const plain = saidOf(used('BBbp-of-ireland'))
  expect(plain[0]).toMatch(/^smtp_auth_failed /)
  expect(saidOf(used('BBbp-of-ireland'), derives(passwords))).toEqual(plain)
  expect(saidOf(used('another'), derives(passwords))).toEqual(plain)
  expect(saidOf(used('BMXh-of-frankfurt'), derives(passwords, start - 4 * intervalMs))).toEqual(plain)
  const taken = used('BMXh-of-frankfurt', { authenticated: true, backOff: undefined })
  expect(saidOf(taken, derives(passwords))).toEqual([])
})

it.each([
  [host, 'eu-west-1'],
  ['Email-SMTP.US-GOV-WEST-1.amazonaws.com', 'us-gov-west-1'],
  ['email-smtp-fips.us-east-1.amazonaws.com', 'us-east-1'],
  ['email-smtp.cn-north-1.amazonaws.com.cn', 'cn-north-1'],
  ['vpce-0f1e-a1b2.email-smtp.eu-west-1.vpce.amazonaws.com', 'eu-west-1'],
  ['mail.keybuzz.io', undefined],
  ['not-email-smtp.eu-west-1.example.com', undefined],
  ['email-smtp.example.com', undefined],
])('%s is the relay of SES in %s', (name, region) => {
  expect(smtpRegionOf(name)).toBe(region)
})
