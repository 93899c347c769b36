import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Ran } from '../../src/monitor/run.ts'
import { statisticsIn } from '../../src/probes/ses/answers.ts'
import { ses } from '../../src/probes/ses/index.ts'
import { look, values } from '../probes/look.ts'
import { accessKeyOf } from '../servers/ses-double.ts'
import type { Listening } from '../servers/hostile.ts'
import { answerWith, answering, asJson, fields, objectOf, strangeBody, type Answer } from './answers.ts'
import { bounded, endsWith, patienceMs } from './limits.ts'

const timeoutMs = 200
const secret = 'hT4n/Zp0q+'.repeat(4)
const token = `IQoJCanary${'7ZqToken//'.repeat(20)}wE=`
const person = 'jo.canary7zq'
const values_ = {
  KEY: accessKeyOf('123456789012', 'ASIA'),
  SECRET: secret,
  TOKEN: token,
  FROM: `${person}@mail.app.example.com`,
  TO: `${person}@box.example.net`,
}

/** What a server may say back: what it was sent, and what AWS says of its own in messages. */
const echoes = [
  token,
  values_.TO,
  values_.FROM,
  `${person}%2540box.example.net`,
  `AWS4-HMAC-SHA256 Credential=${values_.KEY}/20261130/eu-west-1/ses/aws4_request`,
  'arn:aws:iam::123456789012:user/canary7zq',
  `User: arn:aws:sts::123456789012:assumed-role/canary7zq/x is not authorized to perform: ses:GetAccount`,
]
const echo = fc
  .tuple(fc.constantFrom('', 'HEALTHY ', 'x'.repeat(30)), fc.constantFrom(...echoes))
  .map(all => all.join(''))
const word = (...right: string[]): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 20, arbitrary: fc.constant(right[0]) }, fc.constantFrom(...right, 'NEW_WORD', '\u202eword'), echo)

const account = fields({
  SendingEnabled: fc.constant(true),
  ProductionAccessEnabled: fc.constant(true),
  EnforcementStatus: word('HEALTHY', 'PROBATION', 'SHUTDOWN'),
  SendQuota: fields({
    Max24HourSend: fc.constantFrom(50_000, 50_000, -1, 0),
    MaxSendRate: fc.constant(14),
    SentLast24Hours: fc.oneof({ weight: 9, arbitrary: fc.constant(10) }, fc.constant(49_000)),
  }),
  Details: fields({ ReviewDetails: fields({ Status: word('GRANTED'), CaseId: echo }) }),
})
const identity = fields({
  IdentityType: fc.constant('DOMAIN'),
  VerifiedForSendingStatus: fc.constant(true),
  VerificationStatus: word('SUCCESS', 'PENDING'),
  VerificationInfo: fields({ ErrorType: word('HOST_NOT_FOUND'), LastCheckedTimestamp: fc.double() }),
  DkimAttributes: fields({ SigningEnabled: fc.constant(true), Status: word('SUCCESS', 'FAILED') }),
  MailFromAttributes: fields({
    MailFromDomain: word('bounce.app.example.com'),
    MailFromDomainStatus: word('SUCCESS', 'FAILED'),
    BehaviorOnMxFailure: word('USE_DEFAULT_VALUE', 'REJECT_MESSAGE'),
  }),
})
const configurationSet = fields({
  ConfigurationSetName: fc.constant('transactional'),
  SendingOptions: fields({ SendingEnabled: fc.constant(true) }),
})
const destination = fields({ SuppressedDestination: fields({ EmailAddress: echo, Reason: word('BOUNCE') }) })

const types = [
  'NotFoundException',
  'AccessDeniedException',
  'UnrecognizedClientException',
  'InvalidSignatureException',
  'ExpiredTokenException',
  'TooManyRequestsException',
  'SubscriptionRequiredException',
  'InternalFailure',
  'Brand.New',
]
/** An error, with its type in any of the places, and much more in the message than anybody should see. */
const error: fc.Arbitrary<Answer> = fc
  .record({
    status: fc.constantFrom(400, 403, 404, 429, 500, 503),
    type: fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...types) }, echo),
    place: fc.constantFrom('header', 'url', '__type', 'code', 'nowhere'),
    message: fc.oneof(echo, fc.constant('Signature expired: x is now earlier than y')),
    key: fc.constantFrom('message', 'Message', '__message'),
  })
  .map(({ status, type, place, message, key }) => ({
    status,
    type: 'application/json',
    headers:
      place === 'header'
        ? { 'x-amzn-ErrorType': type }
        : place === 'url'
          ? { 'x-amzn-ErrorType': `${type}:http://x/` }
          : {},
    body: JSON.stringify({ [key]: message, ...(['__type', 'code'].includes(place) && { [place]: `ns#${type}` }) }),
    ending: 'whole',
  }))
const answerOf = (right: fc.Arbitrary<unknown>): fc.Arbitrary<Answer> =>
  fc.oneof(
    { weight: 12, arbitrary: answerWith(fc.oneof({ weight: 12, arbitrary: asJson(right) }, strangeBody)) },
    { weight: 4, arbitrary: error },
  )

const point = fc.record({
  name: fc.constantFrom('Bounces', 'Complaints', 'DeliveryAttempts', 'Rejects', 'Timestamp', 'member', echoes[0] ?? ''),
  text: fc.oneof(fc.nat().map(String), fc.constantFrom('', '-1', '1e3', '&#x110000;', '<x>', new Date().toISOString())),
})
const xml = fc.array(fc.array(point, { maxLength: 6 }), { maxLength: 4 }).map(points => {
  const members = points.map(
    all => `<member>${all.map(({ name, text }) => `<${name}>${text}</${name}>`).join('')}</member>`,
  )
  return `<GetSendStatisticsResponse><GetSendStatisticsResult><SendDataPoints>${members.join('')}</SendDataPoints></GetSendStatisticsResult></GetSendStatisticsResponse>`
})

const missing: Answer = {
  status: 404,
  type: 'application/json',
  headers: { 'x-amzn-ErrorType': 'NotFoundException' },
  body: '{}',
  ending: 'whole',
}
const paths = {
  account: '/v2/email/account',
  address: '/v2/email/identities/jo.',
  domain: '/v2/email/identities/mail.app.example.com',
  parent: '/v2/email/identities/app.example.com',
  top: '/v2/email/identities/',
  configurationSet: '/v2/email/configuration-sets/',
  suppressed: '/v2/email/suppression/addresses/',
  statistics: '/',
}
type Name = keyof typeof paths
const none = fc.constant(missing)
const world = fc.record<Record<Name, Answer>>({
  account: answerOf(account),
  address: fc.oneof(answerOf(identity), none),
  domain: fc.oneof(answerOf(identity), none),
  parent: fc.oneof(answerOf(identity), none),
  top: none,
  configurationSet: answerOf(configurationSet),
  suppressed: fc.oneof({ weight: 4, arbitrary: none }, answerOf(destination)),
  statistics: answerWith(fc.oneof({ weight: 8, arbitrary: xml }, strangeBody)),
})

let server: Listening
let now: Readonly<Record<string, Answer>> = {}
beforeAll(async () => {
  server = await answering(() => now)
})
afterAll(() => server.close())

/** Each run has a target of its own, since a target is remembered. */
const target = () =>
  ses.target.parse({
    name: 'app',
    access_key: { env: 'KEY' },
    secret_key: { env: 'SECRET' },
    session_token: { env: 'TOKEN' },
    region: 'eu-west-1',
    from: { env: 'FROM' },
    recipients: [{ env: 'TO' }],
    configuration_set: 'transactional',
    endpoint: `http://127.0.0.1:${server.port}`,
  })

/** The object of an answer as it should be. */
const told = (answer: Answer): Record<string, unknown> | undefined =>
  answer.status === 200 && answer.ending === 'whole' ? objectOf(answer) : undefined

/** SES itself may have said it: a body that it may send, or an error that names its type. */
function mayBeOfSes(answer: Answer): boolean {
  if (answer.ending !== 'whole') return false
  const object = objectOf(answer)
  if (answer.status === 200) return object !== undefined && ('SendQuota' in object || 'SendingEnabled' in object)
  const type = answer.headers?.['x-amzn-ErrorType'] ?? object?.['__type'] ?? object?.['code']
  return answer.status >= 400 && typeof type === 'string'
}

describe('whatever SES says', () => {
  it('shows no secret, and proves only what was said', { timeout: patienceMs }, async () => {
    let good = 0
    await fc.assert(
      fc.asyncProperty(world, async said => {
        now = Object.fromEntries(Object.entries(paths).map(([name, path]) => [path, said[name as Name]]))
        const options = { timeoutMs, references: values(values_) }
        const seen = await endsWith(timeoutMs, look(ses, target(), options))
        if (!seen) throw new Error('the run was not recorded')
        const codes = seen.reasons.map(({ code }) => code)
        expect(codes).not.toContain('probe_error')

        const shown = JSON.stringify({ ...seen, config: undefined, transcript: (seen as Ran).transcript() })
        expect(shown).not.toMatch(/canary7zq|AWS4-HMAC|\barn:aws/i)
        expect(shown).not.toContain(token.slice(0, 20))
        expect(shown).not.toContain(secret.slice(0, 20))
        for (const { value, labels } of seen.samples) {
          expect(value).not.toBeNaN()
          expect(JSON.stringify(labels)).toMatch(/^[\w",:{}]*$/)
        }

        const valueOf = (name: string) => seen.samples.find(({ metric }) => metric.name === name)?.value
        if (valueOf('mailpath_ses_reachable') === 1) expect(mayBeOfSes(said.account)).toBe(true)
        if (!mayBeOfSes(said.account)) expect(valueOf('mailpath_ses_credentials_valid')).toBeUndefined()
        if (seen.verdict !== 'ok' && seen.verdict !== 'warn') return
        good++
        expect(told(said.account)).toMatchObject({ SendingEnabled: true, ProductionAccessEnabled: true })
        expect(told(said.configurationSet)).toMatchObject({ SendingOptions: { SendingEnabled: true } })
        const identities = [said.address, said.domain, said.parent].map(told)
        expect(identities.some(one => one?.['VerifiedForSendingStatus'] === true)).toBe(true)
        if (seen.verdict === 'warn') return
        expect(told(said.account)).toMatchObject({ EnforcementStatus: 'HEALTHY' })
        // An object is an entry, whatever is in it.
        const entry = told(said.suppressed)?.['SuppressedDestination']
        expect(typeof entry === 'object' && entry !== null && !Array.isArray(entry)).toBe(false)
      }),
      bounded(10),
    )
    // Otherwise nothing was proven of good answers.
    expect(good).toBeGreaterThan(0)
  })

  it('sums of the statistics are sums', { timeout: patienceMs }, () => {
    fc.assert(
      fc.property(fc.oneof({ weight: 8, arbitrary: xml }, fc.string()), text => {
        const sums = statisticsIn(text, Date.now())
        for (const sum of Object.values(sums ?? {})) expect(sum).toBeGreaterThanOrEqual(0)
      }),
      bounded(3),
    )
  })
})
