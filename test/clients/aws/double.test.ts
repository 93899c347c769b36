import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { fieldsIn } from '../../../src/clients/aws/answers.ts'
import { askAws, type AwsCall } from '../../../src/clients/aws/ask.ts'
import type { RoleCredentials } from '../../../src/clients/aws/role-sources.ts'
import { keysOfRole, type RoleKeys } from '../../../src/clients/aws/roles.ts'
import type { AwsKeys } from '../../../src/clients/aws/sign.ts'
import { textIn } from '../../../src/clients/aws/xml.ts'
import { stsRefusals, type StsRefusal } from '../../servers/aws-roles.ts'
import { accessKeyOf, startSesDouble, verifiedIdentity } from '../../servers/ses-double.ts'
import { file } from '../../references/resolve.ts'
import { asking } from './asking.ts'

const [id, temporary] = [accessKeyOf(), accessKeyOf('123456789012', 'ASIA')]
const secret = 'canaryZq7/SecretAccessKey+0123456789abcd'
const token = 'canary/session+token=='
const double = await startSesDouble({
  keys: [
    { id, secret },
    { id: temporary, secret, token },
  ],
})
afterAll(() => double.close())
beforeEach(() => double.reset())

const keys: AwsKeys = { accessKey: id, secretKey: secret }
const identityOf = (name: string): AwsCall<true> => ({
  name: 'GetEmailIdentity',
  path: ['v2', 'email', 'identities', name],
  read: body => (typeof fieldsIn(body)?.['IdentityType'] === 'string' ? true : undefined),
})
const account: AwsCall<true> = {
  name: 'GetAccount',
  path: ['v2', 'email', 'account'],
  read: body => (typeof fieldsIn(body)?.['SendingEnabled'] === 'boolean' ? true : undefined),
}

const kindOf = async (
  call: AwsCall<unknown>,
  by: AwsKeys | undefined = keys,
  region = 'eu-west-1',
): Promise<string> => {
  const { look } = asking()
  return (await askAws(call, { service: 'ses', region, endpoint: double.url, keys: by }, look)).answer.kind
}

describe('a double that checks signatures by itself', () => {
  it.each([
    'no-reply@app.example.com',
    "a+b!#$%&'*/=?^_`{|}~.-@example.com",
    'two..dots@example.com',
    'grüße@müller.example',
    'with space@example.com',
    'per%cent@example.com',
  ])('takes a signature over %s', async name => {
    double.identities[name] = verifiedIdentity('EMAIL_ADDRESS')
    expect(await kindOf(identityOf(name))).toBe('ok')
    expect(await kindOf(identityOf(`x${name}`))).toBe('not_found')
  })

  it('tells what is wrong with keys', async () => {
    expect(await kindOf(account, { accessKey: temporary, secretKey: secret, sessionToken: token })).toBe('ok')
    expect(await kindOf(account, { accessKey: temporary, secretKey: secret })).toBe('key_unknown')
    expect(await kindOf(account, { accessKey: accessKeyOf(), secretKey: secret })).toBe('key_unknown')
    expect(await kindOf(account, { ...keys, secretKey: `${secret}x` })).toBe('secret_wrong')
    expect(await kindOf(account, keys, 'eu-central-1')).toBe('bad_request')
    double.clockAheadMs = 600_000
    expect(await kindOf(account)).toBe('clock_skewed')
    double.clockAheadMs = -600_000
    expect(await kindOf(account)).toBe('clock_skewed')
  })

  it.each(['header', 'header_with_url', '__type', 'code'] as const)('whatever the form of errors: %s', async form => {
    double.errorForm = form
    double.keys = [{ id, secret, allows: [] }]
    expect(await kindOf(account)).toBe('denied')
  })

  it('answers the older protocol', async () => {
    const call: AwsCall<string> = {
      name: 'GetSendStatistics',
      form: { Version: '2010-12-01' },
      read: body => textIn(body, 'RequestId'),
    }
    expect(await kindOf(call)).toBe('ok')
    expect(await kindOf(call, { ...keys, secretKey: 'x' })).toBe('secret_wrong')
    double.misbehave('throttled')
    expect(await kindOf(call)).toBe('throttled')
    expect(await kindOf(account)).toBe('throttled')
  })
})

describe('keys of a role', () => {
  const keysFrom = async (credentials: RoleCredentials, token = double.role.identityToken): Promise<RoleKeys> => {
    const { look } = asking({
      env: {
        AWS_ROLE_ARN: double.role.arn,
        AWS_WEB_IDENTITY_TOKEN_FILE: await file(token),
        AWS_ENDPOINT_URL_STS: double.url,
        AWS_CONTAINER_CREDENTIALS_FULL_URI: `${double.url}/v1/credentials`,
        AWS_CONTAINER_AUTHORIZATION_TOKEN: double.role.containerToken,
        AWS_EC2_METADATA_SERVICE_ENDPOINT: double.url,
      },
    })
    return keysOfRole({}, { credentials, region: 'eu-west-1' }, look)
  }

  it.each(['web_identity', 'container', 'instance'] as const)('%s: SES takes them', async credentials => {
    const { keys } = await keysFrom(credentials)
    expect(await kindOf(account, keys ?? { accessKey: '', secretKey: '' })).toBe('ok')
  })

  it.each(Object.keys(stsRefusals) as StsRefusal[])('STS says %s', async refusal => {
    double.role.sts = refusal
    expect((await keysFrom('web_identity')).unusable).toContain(` ${refusal}`)
  })

  it('says why there are none', async () => {
    expect((await keysFrom('web_identity', 'another token')).unusable).toContain(' InvalidIdentityToken')
    double.role.container = 'denied'
    expect((await keysFrom('container')).unusable).toContain('HTTP 400 AccessDeniedException, and no keys')
    double.role.container = 'not_found'
    expect((await keysFrom('container')).unusable).toContain('HTTP 404 InvalidIdInRequest')
    double.role.metadata = 'unauthorized'
    expect((await keysFrom('instance')).unusable).toContain('HTTP 200 AssumeRoleUnauthorizedAccess')
    double.role.metadata = 'no_role'
    expect((await keysFrom('instance')).unusable).toContain('it has none')
    double.role.metadata = 'v1_only'
    expect((await keysFrom('instance')).unusable).toContain('HTTP 404 for a token')
  })
})
