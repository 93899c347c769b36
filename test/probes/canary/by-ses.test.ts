import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { HandOver } from '../../../src/probes/canary/seen.ts'
import { ses } from '../../../src/probes/ses/index.ts'
import { createReferences } from '../../../src/references/index.ts'
import { certificates } from '../../servers/certificates.ts'
import { refusedPort } from '../../servers/hostile.ts'
import { accessKeyOf, startSesDouble, type AwsKey, type Misbehaviour } from '../../servers/ses-double.ts'
import { values } from '../look.ts'
import { addresses, handOverOnce, type Handing } from './handing-over.ts'

const app: AwsKey = { id: accessKeyOf(), secret: 'q8Zt0pLm3Vx7Rk1Wc5Yd9Hb2Nf6Js4Ga/Ue+To0P' }
const sender: AwsKey = { ...app, id: accessKeyOf(), allows: ['ses:GetAccount'] }
const temporary: AwsKey = {
  id: accessKeyOf(undefined, 'ASIA'),
  secret: 'Ga/Ue+To0Pq8Zt0pLm3Vx7Rk1Wc5Yd9Hb2Nf6Js4',
  token: 'IQoJb3JpZ2luX2VjTOKEN//////////wEaCWV1LXdlc3QtMSJHMEUCIQ==',
}
const wrong = Array.from(app.secret).reverse().join('')
const references = values({
  SECRET: app.secret,
  WRONG: wrong,
  TEMPORARY: temporary.secret,
  TOKEN: temporary.token ?? '',
})

let server: Awaited<ReturnType<typeof startSesDouble>>
beforeAll(async () => {
  server = await startSesDouble({ keys: [app, sender, temporary] })
})
beforeEach(() => server.reset())
afterAll(() => server.close())

async function send(more: Record<string, unknown> = {}, options: Handing = {}) {
  const target = ses.target.parse({
    name: 'backend SES',
    access_key: app.id,
    secret_key: { env: 'SECRET' },
    region: 'eu-west-1',
    endpoint: server.url,
    ...more,
  })
  const handed = await handOverOnce({ kind: 'ses', target }, { references, ...options })
  const all = JSON.stringify([handed.handOver, handed.notes])
  const { from, to, envelope_from: envelopeFrom } = addresses
  for (const secret of [handed.mark.token, from, to, envelopeFrom, app.secret, temporary.token ?? '', temporary.secret])
    expect(all).not.toContain(secret)
  return handed
}
const simulator = 'success@simulator.amazonses.com'

describe('SES takes', () => {
  it('the mail, signed with the keys of the application, and with its configuration set', async () => {
    const { handOver, address, mark, message, notes } = await send({ configuration_set: 'transactional' })
    expect(address).toBe(`127.0.0.1:${server.port}`)
    const [mail] = server.sent
    expect(handOver).toEqual({
      kind: 'accepted',
      at: expect.closeTo(Date.now(), -4) as number,
      reply: `MessageId ${mail?.id ?? ''}`,
    })
    expect(mail).toMatchObject({
      from: addresses.from,
      to: [addresses.to],
      feedbackTo: addresses.envelope_from,
      configurationSet: 'transactional',
      raw: message,
    })
    expect(mail?.message).toContain(mark.token)
    expect(notes).toContain(`SendEmail at 127.0.0.1:${server.port}: HTTP 200`)
  })

  it('temporary keys with their token', async () => {
    const keys = { access_key: temporary.id, secret_key: { env: 'TEMPORARY' }, session_token: { env: 'TOKEN' } }
    expect((await send({ ...keys, endpoint: server.url })).handOver.kind).toBe('accepted')
  })

  it('the keys of the role of the exporter', async () => {
    const role = createReferences({
      env: {
        AWS_CONTAINER_CREDENTIALS_FULL_URI: `${server.url}/v1/credentials`,
        AWS_CONTAINER_AUTHORIZATION_TOKEN: server.role.containerToken,
      },
      vaults: [],
      kubernetes: undefined,
    })
    const keys = { access_key: undefined, secret_key: undefined, credentials: 'container' }
    const { handOver, phases } = await send(keys, { references: role })
    expect(handOver.kind).toBe('accepted')
    expect(phases).toContain('role')
    expect(server.requests.map(({ action }) => action)).toEqual(['container', 'SendEmail'])
  })

  it('mail to its simulator, also in the sandbox, where it takes no other', async () => {
    server.account['ProductionAccessEnabled'] = false
    expect((await send({}, { target: { to: simulator } })).handOver.kind).toBe('accepted')
    expect((await send({}, { target: { to: 'bounce+label@simulator.amazonses.com' } })).handOver.kind).toBe('accepted')
    expect((await send()).handOver).toMatchObject({ kind: 'refused', code: 400, forNow: false })
  })
})

describe('SES refuses', () => {
  it.each<[string, () => unknown, Record<string, unknown>, Partial<HandOver>, string]>([
    [
      'a sender it has not verified',
      () => (server.identities = {}),
      {},
      { code: 400, forNow: false },
      'MessageRejected: an address, or its domain, is not verified in this region',
    ],
    [
      'a MAIL FROM domain',
      () =>
        Object.assign(server.identities['app.example.com'] ?? {}, {
          MailFromAttributes: { MailFromDomainStatus: 'FAILED', BehaviorOnMxFailure: 'REJECT_MESSAGE' },
        }),
      {},
      { code: 400 },
      'MailFromDomainNotVerifiedException: the MAIL FROM domain of the sender is not verified',
    ],
    [
      'to send while it is paused',
      () => (server.account['SendingEnabled'] = false),
      {},
      { code: 400 },
      'SendingPausedException: sending is paused',
    ],
    [
      'an account that was shut down',
      () => (server.account['EnforcementStatus'] = 'SHUTDOWN'),
      {},
      { code: 400 },
      'AccountSuspendedException: the account may not send any more',
    ],
    [
      'a configuration set that is not there',
      () => undefined,
      { configuration_set: 'other' },
      { code: 404, forNow: false },
      'NotFoundException',
    ],
    [
      'a user that may not send',
      () => undefined,
      { access_key: sender.id },
      { code: 403, forNow: false },
      'AccessDeniedException: ses:SendEmail is not allowed (no identity-based policy allows it)',
    ],
    ['too many', () => server.misbehave('throttled'), {}, { code: 429, forNow: true }, 'TooManyRequestsException'],
    [
      'more than the rate',
      () => server.misbehave('rate_exceeded'),
      {},
      { code: 400, forNow: true },
      'ThrottlingException',
    ],
    ['on an error of its own', () => server.misbehave('internal'), {}, { code: 500, forNow: true }, 'InternalFailure'],
  ])('%s', async (_, prepare, more, expected, text) => {
    prepare()
    const { handOver } = await send(more)
    expect(handOver).toMatchObject({ kind: 'refused', verb: 'SendEmail', status: undefined, ...expected })
    expect(handOver.kind === 'refused' && handOver.text).toBe(
      `127.0.0.1:${server.port}: HTTP ${'code' in expected ? expected.code : ''} ${text}`,
    )
    expect(server.sent).toEqual([])
  })
})

describe('SES is not reached', () => {
  it.each<[string, Record<string, unknown>, RegExp]>([
    ['a wrong secret', { secret_key: { env: 'WRONG' } }, /the secret key is not that of the access key/],
    ['an unknown key', { access_key: accessKeyOf() }, /AWS does not know the access key/],
    [
      'a key that is none',
      { access_key: 'postmaster' },
      /^ses\/backend SES: access_key: .*not shaped like an access key id/,
    ],
    ['no secret', { secret_key: { env: 'NONE' } }, /^ses\/backend SES: .*NONE/],
    ['no region', { region: { env: 'NONE' } }, /^ses\/backend SES: region: .*NONE/],
  ])('and nothing is sent: %s', async (_, more, text) => {
    const { handOver } = await send(more)
    expect(handOver).toMatchObject({ kind: 'not_sent', text: expect.stringMatching(text) as string })
    expect(server.sent).toEqual([])
  })

  it('where nothing listens, a proxy answers, or its certificate is not trusted', async () => {
    const closed = await refusedPort()
    expect((await send({ endpoint: `http://127.0.0.1:${closed.port}` })).handOver).toMatchObject({
      kind: 'not_sent',
      text: expect.stringContaining('ECONNREFUSED') as string,
    })
    await closed.close()
    server.misbehave('html')
    expect((await send()).handOver).toMatchObject({ kind: 'not_sent', text: expect.stringContaining('HTML') as string })
    const { good } = await certificates()
    const secure = await startSesDouble({ keys: [app], tls: good })
    expect((await send({ endpoint: secure.url })).handOver.kind).toBe('not_sent')
    expect(secure.requests).toEqual([])
    await secure.close()
  })
})

it.each<Misbehaviour>(['silent', 'reset', 'cut', 'endless', 'drip'])(
  'a mail that went to SES without a whole answer may have been taken: %s',
  async how => {
    server.misbehave(how)
    const { handOver } = await send({}, { timeoutMs: 400 })
    expect(handOver).toMatchObject({
      kind: 'unanswered',
      text: expect.stringMatching(/^127\.0\.0\.1:\d+: /) as string,
    })
    expect(server.sent).toHaveLength(1)
  },
)
