import http from 'node:http'
import { text } from 'node:stream/consumers'
import { sign } from 'aws4'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { waitFor } from './ports.ts'
import { accessKeyOf, startSesDouble, type SesAction } from './ses-double.ts'

const key = { id: accessKeyOf(), secret: 'q8Zt0pLm3Vx7Rk1Wc5Yd9Hb2Nf6Js4Ga/Ue+To0P' }
const temporary = {
  id: accessKeyOf(undefined, 'ASIA'),
  secret: 'Ue+To0Pq8Zt0pLm3Vx7Rk1Wc5Yd9Hb2Nf6Js4Ga/',
  token: 'IQoJb3JpZ2luX2VjEXAMPLETOKEN//////////wEaCWV1LXdlc3QtMSJHMEUCIQ==',
  expires: Date.now() + 600_000,
}

let ses: Awaited<ReturnType<typeof startSesDouble>>
beforeAll(async () => {
  ses = await startSesDouble({ keys: [key, temporary] })
})
beforeEach(() => ses.reset())
afterAll(() => ses.close())

interface Asking {
  readonly path?: string
  readonly body?: string
  readonly type?: string
  readonly id?: string
  readonly secret?: string
  readonly token?: string | undefined
  readonly region?: string
  readonly service?: string
  /** Milliseconds that the clock of the client is ahead. */
  readonly aheadMs?: number
  /** Done to the headers once they are signed. */
  readonly tamper?: (headers: http.OutgoingHttpHeaders) => http.OutgoingHttpHeaders
}

const account = '/v2/email/account'

/** Signed by aws4, where the double uses AWS's own signer: two that do not know of each other. */
function ask({ path = account, body, aheadMs = 0, tamper = same => same, ...given }: Asking = {}) {
  const { id = key.id, secret = key.secret, token, region = 'eu-west-1', service = 'ses', type } = given
  const date = new Date(Date.now() + aheadMs).toISOString().replace(/[-:]|\.\d+/g, '')
  const signed = sign(
    {
      host: `${ses.host}:${ses.port}`,
      path,
      service,
      region,
      headers: { 'X-Amz-Date': date, ...(type !== undefined && { 'Content-Type': type }) },
      ...(body === undefined ? {} : { body, method: 'POST' }),
    },
    { accessKeyId: id, secretAccessKey: secret, ...(token === undefined ? {} : { sessionToken: token }) },
  )
  return send(path, { body, headers: tamper({ ...signed.headers }) })
}

async function send(
  path: string,
  {
    method,
    body,
    headers = {},
  }: { method?: string; body?: string | undefined; headers?: http.OutgoingHttpHeaders } = {},
) {
  const request = http.request({
    host: ses.host,
    port: ses.port,
    path,
    method: method ?? (body === undefined ? 'GET' : 'POST'),
    headers,
    agent: false,
  })
  const answered = new Promise<http.IncomingMessage>((resolve, reject) => {
    request.on('response', resolve).on('error', reject)
  })
  request.end(body)
  const response = await answered
  return { status: response.statusCode, headers: response.headers, body: await text(response) }
}

/** Status and name of an error, as in `403 AccessDeniedException`; only the status without one. */
async function outcome(asking?: Asking): Promise<string> {
  const { status, headers } = await ask(asking)
  const name = headers['x-amzn-errortype']
  return [status, ...(name === undefined ? [] : [name])].join(' ')
}

describe('a request that is signed right', () => {
  it.each([
    ['the account', account, 'EnforcementStatus'],
    ['a domain', '/v2/email/identities/app.example.com', 'DkimAttributes'],
    ['an address', '/v2/email/identities/a%2Bb%40app.example.com', 'DkimAttributes'],
    [
      'an address with all that is left as it is',
      "/v2/email/identities/~a-b_c.!'()*%40app.example.com",
      'DkimAttributes',
    ],
    ['a configuration set', '/v2/email/configuration-sets/transactional', 'SendingOptions'],
    ['a suppressed address', '/v2/email/suppression/addresses/gone%40example.net', 'SuppressedDestination'],
  ])('%s', async (_, path, field) => {
    ses.identities['a+b@app.example.com'] = ses.identities["~a-b_c.!'()*@app.example.com"] = { DkimAttributes: {} }
    ses.suppressed['gone@example.net'] = 'BOUNCE'
    const { status, headers, body } = await ask({ path })
    expect([status, headers['content-type']]).toEqual([200, 'application/json'])
    expect(JSON.parse(body)).toHaveProperty(field)
  })

  it('with a temporary key and its token', async () => {
    expect(await outcome(temporary)).toBe('200')
  })

  it.each([
    ['POST', { path: '/', body: 'Action=GetSendStatistics&Version=2010-12-01' }],
    ['GET', { path: '/?Action=GetSendStatistics&Version=2010-12-01' }],
  ])('statistics, by %s', async (_, asking) => {
    ses.statistics = [{ at: Date.UTC(2026, 10, 30, 12), attempts: 200, bounces: 7, complaints: 1, rejects: 0 }]
    const { status, headers, body } = await ask(asking)
    expect([status, headers['content-type']]).toEqual([200, 'text/xml'])
    expect(body).toContain('<DeliveryAttempts>200</DeliveryAttempts>')
    expect(body).toContain('<Timestamp>2026-11-30T12:00:00Z</Timestamp>')
  })

  it('says the time of its own clock', async () => {
    ses.clockAheadMs = 90_000
    const { headers } = await ask()
    const ahead = new Date(headers.date ?? '').getTime() - Date.now()
    expect(ahead).toBeGreaterThan(80_000)
    expect(ahead).toBeLessThanOrEqual(90_000)
  })
})

describe('a request that AWS refuses', () => {
  const minutes = (count: number): number => count * 60_000
  it.each<[string, Asking, string]>([
    ['unknown key', { id: accessKeyOf() }, '403 UnrecognizedClientException'],
    ['wrong secret', { secret: key.secret.replace('q', 'Q') }, '403 InvalidSignatureException'],
    ['secret with a newline', { secret: `${key.secret}\n` }, '403 InvalidSignatureException'],
    ['clock late', { aheadMs: minutes(-6) }, '403 InvalidSignatureException'],
    ['clock ahead', { aheadMs: minutes(6) }, '403 InvalidSignatureException'],
    ['clock late, but not by much', { aheadMs: minutes(-4) }, '200'],
    ['another region', { region: 'eu-central-1' }, '403 InvalidSignatureException'],
    ['another service', { service: 'sts' }, '403 InvalidSignatureException'],
    ['temporary key without its token', { ...temporary, token: undefined }, '403 UnrecognizedClientException'],
    ['temporary key with another token', { ...temporary, token: 'x' }, '403 UnrecognizedClientException'],
    ['token with a key that needs none', { token: temporary.token }, '403 UnrecognizedClientException'],
    ['nothing signed', { tamper: () => ({}) }, '403 MissingAuthenticationTokenException'],
    [
      'no signature',
      {
        tamper: ({ Authorization, ...rest }) => ({
          ...rest,
          Authorization: String(Authorization).replace(/, Signature=.*/, ''),
        }),
      },
      '400 IncompleteSignatureException',
    ],
    [
      'a header that AWS wants signed',
      { tamper: headers => ({ ...headers, 'x-amz-meta': '1' }) },
      '403 InvalidSignatureException',
    ],
    [
      'another host',
      { tamper: headers => ({ ...headers, Host: 'email.eu-west-1.amazonaws.com' }) },
      '403 InvalidSignatureException',
    ],
  ])('%s', async (_, asking, expected) => {
    expect(await outcome(asking)).toBe(expected)
  })

  it('another path or body than was signed', async () => {
    const signed = sign(
      {
        host: `${ses.host}:${ses.port}`,
        path: '/',
        service: 'ses',
        region: 'eu-west-1',
        body: 'Action=GetSendStatistics&Version=2010-12-01',
      },
      { accessKeyId: key.id, secretAccessKey: key.secret },
    )
    const other = { body: 'Version=2010-12-01&Action=GetSendStatistics', headers: signed.headers ?? {} }
    const { status, body } = await send('/', other)
    expect([status, body]).toEqual([403, expect.stringContaining('<Code>SignatureDoesNotMatch</Code>')])
  })

  it('says which of both is wrong, the clock or the secret', async () => {
    expect((await ask({ aheadMs: minutes(-6) })).body).toMatch(
      /"Signature expired: \d{8}T\d{6}Z is now earlier than \d{8}T\d{6}Z \(\d{8}T\d{6}Z - 5 min\.\)"/,
    )
    expect((await ask({ aheadMs: minutes(6) })).body).toContain('Signature not yet current: ')
    expect((await ask({ secret: 'x' })).body).toContain('does not match the signature you provided')
  })

  it('shows what it signed where the secret is wrong, token and address with it', async () => {
    const path = '/v2/email/suppression/addresses/canary%40box.example.net'
    const { body } = await ask({ ...temporary, secret: 'x', path })
    expect(body).toContain(temporary.token)
    expect(body).toContain('canary%2540box.example.net')
  })

  it('an expired token, a key that was switched off, an account that is not signed up, a region that is off', async () => {
    ses.clockAheadMs = minutes(11)
    expect(await outcome({ ...temporary, aheadMs: minutes(11) })).toBe('403 ExpiredTokenException')
    ses.reset()
    ses.signedUp = 'SubscriptionRequiredException'
    expect(await outcome()).toBe('403 SubscriptionRequiredException')
    ses.signedUp = 'region_not_enabled'
    expect(await outcome()).toBe('403 UnrecognizedClientException')
    ses.signedUp = 'yes'
    Object.assign(ses.keys[0] ?? {}, { active: false })
    expect(await outcome()).toBe('403 UnrecognizedClientException')
  })

  it('what the policy does not allow, after the signature', async () => {
    Object.assign(ses.keys[0] ?? {}, { allows: ['ses:GetSend*', 'ses:GetConfigurationSet'] })
    expect(await outcome()).toBe('403 AccessDeniedException')
    expect(await outcome({ secret: 'x' })).toBe('403 InvalidSignatureException')
    expect(await outcome({ path: '/v2/email/configuration-sets/none' })).toBe('404 NotFoundException')
    expect((await ask({ path: '/v2/email/identities/app.example.com' })).body).toMatch(
      /^\{"Message":"User: arn:aws:iam::123456789012:user\/\S+ is not authorized to perform: ses:GetEmailIdentity on resource: arn:aws:ses:eu-west-1:123456789012:identity\/app\.example\.com because/,
    )
    const statistics = { path: '/', body: 'Action=GetSendStatistics&Version=2010-12-01' }
    expect((await ask(statistics)).status).toBe(200)
    Object.assign(ses.keys[0] ?? {}, { allows: [] })
    expect(await ask(statistics)).toMatchObject({
      status: 403,
      body: expect.stringContaining('<Code>AccessDenied</Code>') as unknown,
    })
  })
})

it.each([
  ['header', 'NotFoundException', { message: expect.any(String) as unknown }],
  [
    'header_with_url',
    expect.stringMatching(/^NotFoundException:http/) as unknown,
    { message: expect.any(String) as unknown },
  ],
  ['__type', undefined, { __type: expect.stringMatching(/#NotFoundException$/) as unknown }],
  ['code', undefined, { code: 'NotFoundException' }],
] as const)('names an error as %s', async (form, header, body) => {
  ses.errorForm = form
  const found = await ask({ path: '/v2/email/identities/other.example.com' })
  expect([found.status, found.headers['x-amzn-errortype']]).toEqual([404, header])
  expect(JSON.parse(found.body)).toMatchObject(body)
})

it.each<[string, string]>([
  ['an identity', '/v2/email/identities/a%2Bb%40app.example.com'],
  ['a plus that is not encoded', '/v2/email/identities/a+b%40app.example.com'],
  ['a configuration set', '/v2/email/configuration-sets/none'],
  ['a recipient', '/v2/email/suppression/addresses/here%40example.net'],
])('does not find %s', async (_, path) => {
  if (path.includes('+')) ses.identities['a+b@app.example.com'] = {}
  expect(await outcome({ path })).toBe('404 NotFoundException')
})

it('takes a raw mail of a verified sender, puts its own Message-ID into it, and takes it further', async () => {
  const raw = 'From: no-reply@app.example.com\r\nDate: x\r\nMessage-ID: <a@b>\r\nX-Mine: y\r\n\r\nhello\r\n'
  const bodyOf = (to: string, from?: string) =>
    JSON.stringify({
      ...(from !== undefined && { FromEmailAddress: from }),
      Destination: { ToAddresses: [to] },
      Content: { Raw: { Data: Buffer.from(raw).toString('base64') } },
    })
  const path = '/v2/email/outbound-emails'
  const type = 'application/json'
  const taken: string[] = []
  ses.deliver = ({ message }) => taken.push(message)
  const answer = await ask({ path, type, body: bodyOf('a@example.test') })
  expect(answer.status).toBe(200)
  const { MessageId: id } = JSON.parse(answer.body) as { MessageId: string }
  expect(taken[0]).toContain(`Message-ID: <${id}@eu-west-1.amazonses.com>\r\nX-Mine: y`)
  expect(ses.sent[0]).toMatchObject({ from: 'no-reply@app.example.com', to: ['a@example.test'], raw })
  expect(await ask({ path, type, body: bodyOf('a@example.test', 'x@other.example') })).toMatchObject({
    status: 400,
    body: expect.stringContaining('region EU-WEST-1: x@other.example') as unknown,
  })
  expect((await ask({ path, type, body: '{}' })).status).toBe(400)
  expect((await ask({ path, type, body: bodyOf('a@example.test'), secret: temporary.secret })).status).toBe(403)
})

it('has no other operation', async () => {
  expect(await ask({ path: '/v2/email/outbound-bulk-emails', body: '{}' })).toMatchObject({
    status: 404,
    body: expect.stringContaining('UnknownOperationException') as unknown,
  })
  expect(ses.requests.map(({ action }) => action)).toEqual(['other'])
})

describe('answers that are spoilt', () => {
  it.each([
    ['throttled', 429, 'TooManyRequestsException', '"Too many requests"'],
    ['rate_exceeded', 400, 'ThrottlingException', '"Rate exceeded"'],
    ['internal', 500, 'InternalFailure', 'internal error'],
    ['html', 503, undefined, '<html>'],
    ['garbled', 200, undefined, '"EnforcementStatus":"HEALTHY"'],
    ['drip', 200, undefined, '{}'],
  ] as const)('%s', async (how, status, name, text) => {
    if (how === 'drip') ses.account = {}
    ses.misbehave(how, 'GetAccount')
    const found = await ask()
    expect([found.status, found.headers['x-amzn-errortype']]).toEqual([status, name])
    expect(found.body).toContain(text)
    expect(await outcome({ path: '/v2/email/identities/app.example.com' })).toBe('200')
    ses.misbehave(undefined, 'GetAccount')
    expect(await outcome()).toBe('200')
  })

  it('1 MiB and a byte, which is JSON', async () => {
    ses.misbehave('oversized')
    const { body } = await ask()
    expect(body).toHaveLength(1_048_577)
    expect(JSON.parse(body)).toHaveProperty('SendQuota')
  })

  it('elsewhere', async () => {
    ses.misbehave('redirect')
    expect(await ask()).toMatchObject({ status: 307, headers: { location: `http://192.0.2.1${account}` } })
  })

  it.each(['cut', 'reset'] as const)('%s', async how => {
    ses.misbehave(how)
    await expect(ask()).rejects.toThrow(/aborted|ECONNRESET|socket hang up|terminated/)
  })

  it.each(['silent', 'endless'] as const)('%s', async how => {
    ses.misbehave(how)
    const request = http
      .request({ host: ses.host, port: ses.port, path: account, agent: false })
      .on('error', () => undefined)
    let received = 0
    request.on('response', response =>
      response.on('error', () => undefined).on('data', (data: Buffer) => (received += data.length)),
    )
    request.end()
    const reached = () => (how === 'silent' ? ses.requests.length === 1 : received > 2_000_000)
    await waitFor(reached, { what: how })
    if (how === 'silent') expect(received).toBe(0)
    request.destroy()
  })

  it('with any words that a test has', async () => {
    ses.misbehave({ status: 200, type: 'application/json', body: '[]' })
    expect(await ask()).toMatchObject({ status: 200, body: '[]' })
  })
})

it('knows what was asked, by whom, and what was under way beside it', async () => {
  ses.misbehave('drip', 'GetAccount')
  ses.account = {}
  await Promise.all([
    ask(),
    waitFor(() => ses.requests.length === 1, { what: 'it was asked' }).then(() => ask(temporary)),
  ])
  await ask({ path: '/v2/email/configuration-sets/transactional' })
  const seen: [SesAction, string, number][] = [
    ['GetAccount', key.id, 0],
    ['GetAccount', temporary.id, 1],
    ['GetConfigurationSet', key.id, 0],
  ]
  expect(ses.requests.map(({ action, key, beside }) => [action, key, beside])).toEqual(seen)
})

describe('keys of a role', () => {
  /** What is between two tags. */
  const tag = (xml: string, name: string): string => new RegExp(`<${name}>(.*?)</${name}>`).exec(xml)?.[1] ?? ''
  const form = (more: Record<string, string> = {}) => ({
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({
      Action: 'AssumeRoleWithWebIdentity',
      Version: '2011-06-15',
      RoleArn: ses.role.arn,
      RoleSessionName: 'mailpath',
      WebIdentityToken: ses.role.identityToken,
      ...more,
    }).toString(),
  })

  it('of a web identity, which are taken until they expire, and may what the role may', async () => {
    ses.role.allows = ['ses:GetAccount']
    const { status, body } = await send('/', form())
    expect(status).toBe(200)
    const keys = {
      id: tag(body, 'AccessKeyId'),
      secret: tag(body, 'SecretAccessKey'),
      token: tag(body, 'SessionToken'),
    }
    expect(await outcome(keys)).toBe('200')
    expect((await ask({ ...keys, path: '/v2/email/identities/app.example.com' })).body).toContain(
      'arn:aws:sts::123456789012:assumed-role/mailer/mailpath is not',
    )
    ses.reset()
    expect(await outcome(keys)).toBe('200')
    ses.clockAheadMs = ses.role.lifeMs + 1_000
    expect(await outcome({ ...keys, aheadMs: ses.clockAheadMs })).toBe('403 ExpiredTokenException')
    expect(new Date(tag(body, 'Expiration')).getTime()).toBeGreaterThan(Date.now())
  })

  it.each([
    ['another token', { WebIdentityToken: 'x' }, 400, 'InvalidIdentityToken'],
    ['another role', { RoleArn: 'arn:aws:iam::123456789012:role/other' }, 403, 'AccessDenied'],
    ['no token', { WebIdentityToken: '' }, 400, 'ValidationError'],
    ['a name that is none', { RoleSessionName: 'a b' }, 400, 'ValidationError'],
  ])('not for %s', async (_, more, status, code) => {
    const found = await send('/', form(more))
    expect([found.status, tag(found.body, 'Code')]).toEqual([status, code])
  })

  it.each([
    ['ExpiredTokenException', 400],
    ['IDPCommunicationError', 400],
    ['RegionDisabledException', 403],
  ] as const)('not where STS says %s', async (code, status) => {
    ses.role.sts = code
    const found = await send('/', form())
    expect([found.status, tag(found.body, 'Code')]).toEqual([status, code])
  })

  it('of a container, for its token', async () => {
    const at = (authorization?: string) =>
      send('/v1/credentials', { headers: authorization === undefined ? {} : { Authorization: authorization } })
    expect((await at()).status).toBe(400)
    expect((await at('x')).body).toContain('AccessDeniedException')
    const {
      AccessKeyId: id,
      SecretAccessKey: secret,
      Token: token,
    } = JSON.parse((await at(ses.role.containerToken)).body) as Record<string, string>
    expect(await outcome({ ...(id && { id }), ...(secret && { secret }), token })).toBe('200')
  })

  it('of an instance, for a token of its metadata only', async () => {
    const place = '/latest/meta-data/iam/security-credentials/'
    const put = (headers: http.OutgoingHttpHeaders) => send('/latest/api/token', { method: 'PUT', headers })
    expect((await send(place)).status).toBe(401)
    expect((await put({})).status).toBe(400)
    const { body: session } = await put({ 'X-aws-ec2-metadata-token-ttl-seconds': '60' })
    const get = (path: string) => send(path, { headers: { 'X-aws-ec2-metadata-token': session } })
    expect((await get(place)).body).toBe('mailer')
    expect((await get(`${place}other`)).status).toBe(404)
    const {
      AccessKeyId: id,
      SecretAccessKey: secret,
      Token: token,
    } = JSON.parse((await get(`${place}mailer`)).body) as Record<string, string>
    expect(await outcome({ ...(id && { id }), ...(secret && { secret }), token })).toBe('200')
    ses.role.metadata = 'unauthorized'
    expect(JSON.parse((await get(`${place}mailer`)).body)).toMatchObject({ Code: 'AssumeRoleUnauthorizedAccess' })
    ses.role.metadata = 'no_role'
    expect((await get(place)).status).toBe(404)
    ses.role.metadata = 'off'
    expect((await put({ 'X-aws-ec2-metadata-token-ttl-seconds': '60' })).status).toBe(403)
  })
})

it('makes key ids that hold their account', () => {
  // As others read them: https://awsteele.com/blog/2020/09/26/aws-access-key-format.html
  const accountIn = (id: string): string => {
    let bits = 0n
    for (const letter of id.slice(4)) bits = (bits << 5n) | BigInt('ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter))
    return String((bits >> 39n) & 0xff_ffff_ffffn).padStart(12, '0')
  }
  for (const number of ['123456789012', '000000000001', '999999999999']) {
    const id = accessKeyOf(number)
    expect(id).toMatch(/^AKIA[Q-Z2-7][A-Z2-7]{15}$/)
    expect(accountIn(id)).toBe(number)
  }
})
