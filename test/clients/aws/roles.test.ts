import { rm, writeFile } from 'node:fs/promises'
import http from 'node:http'
import { inspect } from 'node:util'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { RoleCredentials } from '../../../src/clients/aws/role-sources.ts'
import { forgetKeysOfRole, keysOfRole, type RoleKeys } from '../../../src/clients/aws/roles.ts'
import { file } from '../../references/resolve.ts'
import { listen, refusedPort, silent, type Listening } from '../../servers/hostile.ts'
import { waitFor } from '../../servers/ports.ts'
import { asking } from './asking.ts'

const secret = 'canaryZq7/SecretAccessKey+0123456789abcd'
const session = 'canary-session-token-Zq7pS'
const serviceToken = 'canary.jwt.of-the-service-account'
const arn = 'arn:aws:iam::123456789012:role/mail'

async function open<S extends Listening>(starting: Promise<S>): Promise<S> {
  const server = await starting
  onTestFinished(() => server.close())
  return server
}

type Answer = (request: http.IncomingMessage, body: string) => [status: number, body: string]
const serve = (answer: Answer) =>
  open(
    listen(
      http.createServer((request, response) => {
        let body = ''
        void request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk))
        request.on('end', () => {
          const [status, text] = answer(request, body)
          response.writeHead(status).end(text)
        })
      }),
    ),
  )

const inAWhile = (ms: number): string => new Date(Date.now() + ms).toISOString()
const given = (accessKey: string, until: string): string =>
  JSON.stringify({
    Code: 'Success',
    AccessKeyId: accessKey,
    SecretAccessKey: secret,
    Token: session,
    Expiration: until,
  })
const keysOf = (accessKey: string) => ({ keys: { accessKey, secretKey: secret, sessionToken: session } })

/** Asks in a run of its own, and sees to it that nothing secret is in the notes of it or in a failure. */
async function ask(
  target: object,
  credentials: RoleCredentials,
  env: Readonly<Record<string, string>>,
  timeoutMs = 4_000,
): Promise<RoleKeys> {
  const { look, notes } = asking({ env, timeoutMs })
  const found = await look.phase('role', () => keysOfRole(target, { credentials, region: 'eu-west-1' }, look))
  const shown = notes() + (found.unusable ?? '')
  for (const hidden of [secret, session, serviceToken, '123456789012', 'canary-path'])
    expect(shown).not.toContain(hidden)
  look.note(`${secret} ${session}`)
  if (found.keys) expect(notes()).not.toContain('canary')
  return found
}

describe('web_identity', () => {
  const xml = (until: string) =>
    `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult><AssumedRoleUser><Arn>${arn}</Arn></AssumedRoleUser><Credentials><AccessKeyId>ASIA1</AccessKeyId><SecretAccessKey>${secret}</SecretAccessKey><SessionToken>${session}</SessionToken><Expiration>${until}</Expiration></Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`

  it('gives the token of the service account to STS, unsigned', async () => {
    let said = new URLSearchParams()
    let authorization: string | undefined = ''
    const sts = await serve((request, body) => {
      said = new URLSearchParams(body)
      authorization = request.headers.authorization
      return [200, xml(inAWhile(3_600_000))]
    })
    const token_file = await file(`${serviceToken}\n`)
    const env = { AWS_ENDPOINT_URL_STS: `http://127.0.0.1:${sts.port}` }
    expect(await ask({}, { web_identity: { role_arn: arn, token_file } }, env)).toEqual(keysOf('ASIA1'))
    expect(Object.fromEntries(said)).toEqual({
      Action: 'AssumeRoleWithWebIdentity',
      Version: '2011-06-15',
      RoleArn: arn,
      RoleSessionName: 'mailpath-exporter',
      WebIdentityToken: serviceToken,
    })
    expect(authorization).toBeUndefined()
    // As EKS sets them.
    const eks = { ...env, AWS_ROLE_ARN: arn, AWS_WEB_IDENTITY_TOKEN_FILE: token_file }
    expect(await ask({}, 'web_identity', eks)).toEqual(keysOf('ASIA1'))
  })

  it.each(['InvalidIdentityToken', 'ExpiredTokenException', 'AccessDenied', 'IDPCommunicationError'])(
    '%s',
    async code => {
      const sts = await serve(() => [
        400,
        `<ErrorResponse><Error><Code>${code}</Code><Message>${arn}</Message></Error></ErrorResponse>`,
      ])
      const env = { AWS_ENDPOINT_URL_STS: `http://127.0.0.1:${sts.port}`, AWS_ROLE_ARN: arn }
      const AWS_WEB_IDENTITY_TOKEN_FILE = await file(serviceToken)
      const { unusable } = await ask({}, 'web_identity', { ...env, AWS_WEB_IDENTITY_TOKEN_FILE })
      expect(unusable).toContain(`127.0.0.1:${sts.port}: HTTP 400 ${code}`)
    },
  )

  it('says what is missing, and sends the token to nobody without TLS', async () => {
    expect((await ask({}, 'web_identity', {})).unusable).toContain('AWS_ROLE_ARN is not set')
    const AWS_WEB_IDENTITY_TOKEN_FILE = await file(serviceToken)
    const env = { AWS_ROLE_ARN: arn, AWS_WEB_IDENTITY_TOKEN_FILE, AWS_ENDPOINT_URL_STS: 'http://sts.example.net' }
    expect((await ask({}, 'web_identity', env)).unusable).toContain('sts.example.net:80: not asked')
    await rm(AWS_WEB_IDENTITY_TOKEN_FILE)
    expect((await ask({}, 'web_identity', env)).unusable).toContain('there is no such file')
  })
})

describe('container', () => {
  it('reads the token of the file each time', async () => {
    const tokens: unknown[] = []
    const server = await serve(request => {
      tokens.push(request.headers.authorization)
      return [200, given('ASIA2', inAWhile(3_600_000))]
    })
    const AWS_CONTAINER_CREDENTIALS_FULL_URI = `http://127.0.0.1:${server.port}/v1/canary-path`
    const AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE = await file(serviceToken)
    const env = { AWS_CONTAINER_CREDENTIALS_FULL_URI, AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE }
    expect(await ask({}, 'container', env)).toEqual(keysOf('ASIA2'))
    await writeFile(AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE, `${serviceToken}2`)
    await ask({}, 'container', env)
    expect(tokens).toEqual([serviceToken, `${serviceToken}2`])
    expect(await ask({}, 'container', { AWS_CONTAINER_CREDENTIALS_FULL_URI })).toEqual(keysOf('ASIA2'))
    expect(tokens[2]).toBeUndefined()
  })

  it.each([
    ['', 'the container of the exporter has no role'],
    ['http://example.net/canary-path', 'example.net:80: not asked, since it would be without TLS'],
    ['http://169.254.169.254/', '169.254.169.254:80: not asked'],
    ['http://127.0.0.1.example.net/', 'not asked'],
    ['http://user:canary-path@127.0.0.1/', 'expected a URL without a password'],
    ['file:///etc/passwd', 'expected a URL without a password'],
  ])('asks only where keys may be: %j', async (AWS_CONTAINER_CREDENTIALS_FULL_URI, text) => {
    expect((await ask({}, 'container', { AWS_CONTAINER_CREDENTIALS_FULL_URI })).unusable).toContain(text)
  })

  it('lets no relative URI name another host', async () => {
    const env = { AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: '@example.net/canary-path' }
    expect((await ask({}, 'container', env)).unusable).toContain('example.net:80: not asked')
    const none = { AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: ':canary-path/' }
    expect((await ask({}, 'container', none)).unusable).toContain('is no path of a URL')
  })

  it.each(['{"toString":1}', '{"valueOf":null}', '[{"toString":1}]', '7', 'null', '"soon"', '"9e99"'])(
    'has keys of the usual life where their end is %s',
    async end => {
      const server = await serve(() => [200, given('ASIA1', 'x').replace('"x"', end)])
      const env = { AWS_CONTAINER_CREDENTIALS_FULL_URI: `http://127.0.0.1:${server.port}/` }
      expect(await ask({}, 'container', env)).toEqual(keysOf('ASIA1'))
    },
  )

  it.each<[what: string, answer: [number, string], text: string]>([
    ['refuses', [403, JSON.stringify({ code: 'AccessDenied', message: arn })], 'HTTP 403 AccessDenied, and no keys'],
    ['says nothing', [200, ''], 'HTTP 200, and no keys in the answer'],
    ['leaves out the secret', [200, JSON.stringify({ AccessKeyId: 'ASIA', Token: session })], 'no keys'],
    [
      'has a line break in a key',
      [200, JSON.stringify({ AccessKeyId: 'a\nb', SecretAccessKey: secret, Token: 'c' })],
      'no keys',
    ],
    ['sends 64 KiB and a byte', [200, ' '.repeat(65_537)], 'the answer is larger than'],
  ])('it %s', async (_, answer, text) => {
    const server = await serve(() => answer)
    const env = { AWS_CONTAINER_CREDENTIALS_FULL_URI: `http://127.0.0.1:${server.port}/` }
    const { unusable } = await ask({}, 'container', env)
    expect(unusable).toContain(`127.0.0.1:${server.port}: `)
    expect(unusable).toContain(text)
  })
})

describe('instance', () => {
  it('asks for a token first, then for the role, then for its keys', async () => {
    const asked: string[] = []
    const server = await serve(request => {
      const { method = '', url = '', headers } = request
      asked.push(`${method} ${url}`)
      if (method === 'PUT')
        return headers['x-aws-ec2-metadata-token-ttl-seconds'] === undefined ? [400, ''] : [200, 'canary-imds']
      if (headers['x-aws-ec2-metadata-token'] !== 'canary-imds') return [401, '']
      return [200, url.endsWith('/') ? 'mail-role' : given('ASIA3', inAWhile(3_600_000))]
    })
    const env = { AWS_EC2_METADATA_SERVICE_ENDPOINT: `http://127.0.0.1:${server.port}/` }
    expect(await ask({}, 'instance', env)).toEqual(keysOf('ASIA3'))
    const at = '/latest/meta-data/iam/security-credentials/'
    expect(asked).toEqual(['PUT /latest/api/token', `GET ${at}`, `GET ${at}mail-role`])
  })

  it('says which of them failed', async () => {
    const at = (server: Listening) => ({ AWS_EC2_METADATA_SERVICE_ENDPOINT: `http://127.0.0.1:${server.port}` })
    const version1 = await serve(({ method }) => (method === 'PUT' ? [404, ''] : [200, given('ASIA', inAWhile(9_000))]))
    expect((await ask({}, 'instance', at(version1))).unusable).toContain('HTTP 404 for a token of the instance')
    const noRole = await serve(({ method }) => (method === 'PUT' ? [200, 'x'] : [404, '<html>']))
    expect((await ask({}, 'instance', at(noRole))).unusable).toContain('it has none')
    expect((await ask({}, 'instance', at(await open(refusedPort())))).unusable).toContain('ECONNREFUSED')
    // Half of the time of the run: the rest is for saying so.
    expect((await ask({}, 'instance', at(await open(silent())), 600)).unusable).toContain('no answer within 0.3 s')
  })
})

describe('the keys', () => {
  /** A container whose keys live this long; `down` lets it fail. */
  async function container(lifeMs: number) {
    const state = { asked: 0, down: false }
    const server = await serve(() => {
      state.asked++
      return state.down ? [500, ''] : [200, given(`ASIA${state.asked}`, inAWhile(lifeMs))]
    })
    const env = { AWS_CONTAINER_CREDENTIALS_FULL_URI: `http://127.0.0.1:${server.port}/` }
    return { state, next: (target: object) => ask(target, 'container', env) }
  }

  it('are kept for each target, until they are forgotten', async () => {
    const { state, next } = await container(3_600_000)
    const [one, other] = [{}, {}]
    expect(await next(one)).toEqual(keysOf('ASIA1'))
    expect(await next(one)).toEqual(keysOf('ASIA1'))
    expect(await next(other)).toEqual(keysOf('ASIA2'))
    forgetKeysOfRole(one)
    expect(await next(one)).toEqual(keysOf('ASIA3'))
    expect(state.asked).toBe(3)
  })

  it('are renewed at two thirds of their life, and used to their end if that fails', async () => {
    const lifeMs = 3_000
    const { state, next } = await container(lifeMs)
    const target = {}
    const from = performance.now()
    expect(await next(target)).toEqual(keysOf('ASIA1'))
    state.down = true
    const found = await waitFor(
      async () => {
        const found = await next(target)
        return state.asked > 1 && found
      },
      { what: 'it wants new ones' },
    )
    expect(performance.now() - from).toBeGreaterThanOrEqual((lifeMs * 2) / 3)
    expect(inspect(found)).toContain('ASIA1')
    const { unusable } = await waitFor(
      async () => {
        const found = await next(target)
        return found.unusable !== undefined && found
      },
      { what: 'their end' },
    )
    expect(unusable).toContain('HTTP 500, and no keys')
    state.down = false
    expect(await next(target)).toEqual(keysOf(`ASIA${state.asked}`))
  })
})
