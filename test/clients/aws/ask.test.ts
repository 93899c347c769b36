import http from 'node:http'
import https from 'node:https'
import { inspect } from 'node:util'
import { describe, expect, it, onTestFinished } from 'vitest'
import { fieldsIn, isFromAws } from '../../../src/clients/aws/answers.ts'
import { askAws, type AwsCall, type AwsReply, type AwsService } from '../../../src/clients/aws/ask.ts'
import { textIn } from '../../../src/clients/aws/xml.ts'
import { certificates } from '../../servers/certificates.ts'
import { cutOff, drip, garbage, listen, refusedPort, silent, type Listening } from '../../servers/hostile.ts'
import { asking } from './asking.ts'

const canary = 'canaryZq7/SecretAccessKey+0123456789abcd'
const token = 'canary-session-token-Zq7pS'
const keys = { accessKey: 'AKIAQNZGKIQY56JQ7WML', secretKey: canary, sessionToken: token }
const person = 'erika.mustermann@example.net'

async function open<S extends Listening>(starting: Promise<S>): Promise<S> {
  const server = await starting
  onTestFinished(() => server.close())
  return server
}

const serve = (handler: http.RequestListener) => open(listen(http.createServer(handler)))
type Sent = [status: number, headers: http.OutgoingHttpHeaders, body: string | Buffer]
const answering = (...[status, headers, body]: Sent) =>
  serve((_, response) => void response.writeHead(status, headers).end(body))

const identity: AwsCall<string> = {
  name: 'GetEmailIdentity',
  path: ['v2', 'email', 'identities', person],
  read: body => {
    const type = fieldsIn(body)?.['IdentityType']
    return typeof type === 'string' ? type : undefined
  },
}
const statistics: AwsCall<string> = {
  name: 'GetSendStatistics',
  form: { Version: '2010-12-01' },
  read: body => textIn(body, 'RequestId'),
}

/** Asks, and sees to it that nothing of the keys and no mail address is in what comes of it. */
async function ask(
  port: number,
  {
    call = identity,
    timeoutMs = 5_000,
    ...more
  }: Partial<AwsService> & { call?: AwsCall<string>; timeoutMs?: number } = {},
): Promise<AwsReply<string>> {
  const { look, notes } = asking({ timeoutMs })
  const service: AwsService = {
    service: 'ses',
    region: 'eu-west-1',
    endpoint: `http://127.0.0.1:${port}`,
    keys,
    ...more,
  }
  const reply = await look.phase('request', () => askAws(call, service, look))
  const shown = inspect(reply, { depth: 9, showHidden: true }) + notes()
  for (const hidden of [canary, token, 'mustermann', '123456789012', 'Signature=', 'line\n'])
    expect(shown).not.toContain(hidden)
  expect(notes()).toContain(`${call.name} at 127.0.0.1:${port}: `)
  return reply
}

const json = (fields: object): string => JSON.stringify(fields)
const typed = (type: string, message = ''): Sent => [403, { 'x-amzn-errortype': type }, json({ message })]

describe('what AWS answers', () => {
  it('is the value, with the certificates and how far our clock is off', async () => {
    const { good, ca } = await certificates()
    const server = await open(
      listen(
        https.createServer({ key: good.key, cert: good.cert }, (_, response) => {
          response
            .writeHead(200, { date: new Date(Date.now() - 90_000).toUTCString() })
            .end(json({ IdentityType: 'DOMAIN' }))
        }),
      ),
    )
    const reply = await ask(server.port, { endpoint: `https://127.0.0.1:${server.port}`, ca })
    expect(reply).toMatchObject({ answer: { kind: 'ok', value: 'DOMAIN' }, certificates: { verified: true } })
    expect(Math.abs((reply.clockSkewSeconds ?? 0) - 90)).toBeLessThan(3)
    const distrusted = await ask(server.port, { endpoint: `https://127.0.0.1:${server.port}` })
    expect(distrusted).toMatchObject({ answer: { kind: 'certificate_invalid' }, certificates: { verified: false } })
  })

  it('is asked for with the path escaped once, a signature, and no header that is not signed but those of Node', async () => {
    let got: http.IncomingMessage | undefined
    const server = await serve((request, response) => {
      got = request
      response.end(json({ IdentityType: 'EMAIL_ADDRESS' }))
    })
    await ask(server.port, { call: { ...identity, path: ['v2', 'email', 'identities', "a+b!'()*@example.com"] } })
    expect(got?.url).toBe('/v2/email/identities/a%2Bb%21%27%28%29%2A%40example.com')
    expect(got?.headers).toMatchObject({ host: `127.0.0.1:${server.port}`, 'x-amz-security-token': token })
    expect(got?.headers.authorization).toContain('SignedHeaders=host;x-amz-date;x-amz-security-token, ')
  })

  it('may be XML, to a form', async () => {
    let body = ''
    const server = await serve((request, response) => {
      void request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk))
      request.on('end', () =>
        response.end('<GetSendStatisticsResponse><RequestId>7&amp;7</RequestId></GetSendStatisticsResponse>'),
      )
    })
    expect((await ask(server.port, { call: statistics })).answer).toEqual({ kind: 'ok', value: '7&7' })
    expect(body).toBe('Action=GetSendStatistics&Version=2010-12-01')
  })

  const user =
    'User: arn:aws:iam::123456789012:user/mail is not authorized to perform: ses:GetEmailIdentity on resource: arn:aws:ses:eu-west-1:123456789012:identity/x'
  const whole = `The request signature we calculated does not match. The Canonical String should have been 'GET\n/v2/email/identities/${person}\n\nx-amz-security-token:${token}\n'`

  it.each<[what: string, sent: Sent, kind: string, text: string]>([
    [
      'an unknown key',
      typed('UnrecognizedClientException', 'The security token included in the request is invalid.'),
      'key_unknown',
      'HTTP 403 UnrecognizedClientException: AWS does not know the access key',
    ],
    [
      'a URL behind the type',
      typed('UnrecognizedClientException:http://internal.amazon.com/coral/com.amazon.coral.service/'),
      'key_unknown',
      'HTTP 403 UnrecognizedClientException',
    ],
    [
      'a wrong secret, with the whole request in the message',
      typed('InvalidSignatureException', whole),
      'secret_wrong',
      'HTTP 403 InvalidSignatureException: the secret key is not that of the access key',
    ],
    [
      'an old signature',
      typed(
        'InvalidSignatureException',
        'Signature expired: 20261130T110000Z is now earlier than 20261130T114500Z (20261130T115000Z - 5 min.)',
      ),
      'clock_skewed',
      'HTTP 403 InvalidSignatureException: the time in the signature is too far from the clock of AWS',
    ],
    [
      'a signature of later',
      typed(
        'SignatureDoesNotMatch',
        'Signature not yet current: 20261130T130000Z is still later than 20261130T120500Z',
      ),
      'clock_skewed',
      'HTTP 403 SignatureDoesNotMatch',
    ],
    [
      'another region',
      typed('InvalidSignatureException', "Credential should be scoped to a valid region, not 'us-east-1'."),
      'bad_request',
      'the endpoint is of another region or service',
    ],
    [
      'an expired token',
      typed('ExpiredTokenException', 'The security token included in the request is expired'),
      'token_expired',
      'ExpiredTokenException',
    ],
    [
      'no permission',
      typed('AccessDeniedException', `${user} because no identity-based policy allows the ses:GetEmailIdentity action`),
      'denied',
      'AccessDeniedException: ses:GetEmailIdentity is not allowed (no identity-based policy allows it)',
    ],
    [
      'a permission taken away',
      typed('AccessDeniedException', `${user} with an explicit deny in a service control policy`),
      'denied',
      '(a service control policy denies it)',
    ],
    ['no permission, without words', typed('AccessDeniedException'), 'denied', 'HTTP 403 AccessDeniedException'],
    ['a region that is not enabled', typed('OptInRequired'), 'region_disabled', 'OptInRequired'],
    [
      'too many requests',
      [429, {}, json({ __type: 'TooManyRequestsException' })],
      'throttled',
      'HTTP 429 TooManyRequestsException',
    ],
    [
      'throttling',
      [400, {}, json({ __type: 'com.amazon.coral.availability#ThrottlingException' })],
      'throttled',
      'HTTP 400 ThrottlingException',
    ],
    [
      'no such thing',
      [404, {}, json({ code: 'NotFoundException', Message: person })],
      'not_found',
      'HTTP 404 NotFoundException',
    ],
    [
      'no signature',
      [403, {}, json({ __type: 'MissingAuthenticationTokenException' })],
      'bad_request',
      'MissingAuthenticationTokenException',
    ],
    ['an error of its own', [500, { 'x-amzn-errortype': 'InternalFailure' }, ''], 'error', 'HTTP 500 InternalFailure'],
    ['an error that is new', [418, {}, json({ __type: 'aws#TeapotException' })], 'error', 'HTTP 418 TeapotException'],
  ])('%s', async (_, sent, kind, text) => {
    const server = await answering(...sent)
    const { answer, clockSkewSeconds } = await ask(server.port)
    expect(answer.kind).toBe(kind)
    expect(answer.kind === 'ok' ? '' : answer.text).toContain(`127.0.0.1:${server.port}: `)
    expect(answer.kind === 'ok' ? '' : answer.text).toContain(text)
    expect(isFromAws(answer)).toBe(true)
    expect(clockSkewSeconds).toBeTypeOf('number')
    expect(answer).toMatchObject(kind === 'denied' && text.includes('ses:') ? { action: 'ses:GetEmailIdentity' } : {})
  })

  it.each<[code: string, kind: string]>([
    ['InvalidClientTokenId', 'key_unknown'],
    ['SignatureDoesNotMatch', 'secret_wrong'],
    ['AccessDenied', 'denied'],
    ['Throttling', 'throttled'],
    ['ExpiredToken', 'token_expired'],
  ])('%s in XML', async (code, kind) => {
    const server = await answering(
      403,
      {},
      `<ErrorResponse xmlns="http://ses.amazonaws.com/doc/2010-12-01/">\n<Error><Type>Sender</Type><Code>${code}</Code><Message>${person}</Message></Error></ErrorResponse>`,
    )
    expect((await ask(server.port, { call: statistics })).answer).toMatchObject({
      kind,
      text: expect.stringContaining(code) as string,
    })
    // It is the answer of another service where JSON was asked for.
    expect((await ask(server.port)).answer.kind).toBe('not_aws')
  })
})

describe('what does not come from AWS', () => {
  it.each<[what: string, sent: Sent, text: string]>([
    [
      'HTML of a proxy',
      [503, {}, `<html><body>${person}</body></html>`],
      'HTTP 503 with HTML, which is no answer of AWS',
    ],
    ['a login page', [200, {}, '<!DOCTYPE html><title>Login</title>'], 'HTTP 200 with HTML'],
    ['nothing', [200, {}, ''], 'HTTP 200 with an empty body'],
    ['half of the JSON', [200, {}, '{"IdentityType":"DOM'], 'HTTP 200 with a body that is no JSON, or only part of it'],
    ['a list', [200, {}, '[]'], 'no JSON'],
    ['other JSON', [200, {}, json({ hello: person })], 'HTTP 200 with JSON of another kind'],
    [
      'the error of another API',
      [404, {}, json({ code: 'not_found', message: person })],
      'HTTP 404 with JSON of another kind',
    ],
    ['a number in place of the type', [403, {}, json({ __type: 7, code: 403 })], 'HTTP 403 with JSON of another kind'],
    ['a type that is no word', [403, { 'x-amzn-errortype': `<b>${person}</b>` }, '{}'], 'HTTP 403'],
    ['429 of a proxy', [429, {}, 'slow down'], 'HTTP 429'],
    ['nested JSON', [403, {}, '['.repeat(200_000)], 'HTTP 403'],
    [
      'a page with a type',
      [403, { 'x-amzn-errortype': 'AccessDeniedException' }, '\n<html></html>'],
      'HTTP 403 with HTML',
    ],
    ['a redirect', [307, { location: 'http://127.0.0.1:1/' }, ''], 'HTTP 307, a redirect, which is not followed'],
    ['a redirect with a type', [301, { 'x-amzn-errortype': 'AccessDeniedException' }, ''], 'a redirect'],
    ['1 MiB and a byte', [200, {}, Buffer.alloc(1_048_577, ' ')], 'the answer is larger than 1 MiB'],
  ])('%s', async (_, sent, text) => {
    const server = await answering(...sent)
    const { answer, clockSkewSeconds } = await ask(server.port)
    expect(answer).toMatchObject({ kind: 'not_aws', text: expect.stringContaining(text) as string })
    expect(isFromAws(answer)).toBe(false)
    expect(clockSkewSeconds).toBeUndefined()
  })

  it.each<[what: string, start: () => Promise<Listening>, kind: string]>([
    ['no listener', refusedPort, 'unreachable'],
    ['silence', () => silent(), 'no_answer'],
    [
      'a drip',
      () => drip('HTTP/1.1 200 OK\r\nDate: Mon, 30 Nov 2026 12:00:00 GMT\r\n\r\n{', 5, { after: 'repeat' }),
      'no_answer',
    ],
    ['noise', () => garbage(), 'not_aws'],
    ['the end before an answer', () => cutOff(0, { how: 'fin' }), 'no_answer'],
    [
      'the end within the body',
      () => cutOff(99, { greeting: 'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"Id' }),
      'not_aws',
    ],
    [
      'another protocol',
      () => cutOff(999, { greeting: 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n' }),
      'not_aws',
    ],
  ])('%s', async (_, start, kind) => {
    const { port } = await open<Listening>(start())
    const { answer } = await ask(port, { timeoutMs: 600 })
    expect(answer).toMatchObject({ kind, text: expect.stringContaining(`127.0.0.1:${port}: `) as string })
    expect(isFromAws(answer)).toBe(false)
  })

  it('no TLS', async () => {
    const server = await answering(200, {}, '{}')
    const { answer } = await ask(server.port, { endpoint: `https://127.0.0.1:${server.port}` })
    expect(answer.kind).toBe('not_aws')
  })

  it('a name that does not resolve', async () => {
    const { look } = asking()
    const { answer } = await askAws(
      identity,
      { service: 'ses', region: 'x', endpoint: 'http://email.x.invalid', keys },
      look,
    )
    expect(answer).toMatchObject({
      kind: 'unreachable',
      text: expect.stringContaining('email.x.invalid:80: ') as string,
    })
  })

  it('a token with a line break: it is not sent', async () => {
    const server = await answering(200, {}, '{}')
    const { answer } = await ask(server.port, { keys: { ...keys, sessionToken: 'line\nbreak' } })
    expect(answer.kind).toBe('bad_request')
    expect(server.accepted).toBe(0)
  })
})
