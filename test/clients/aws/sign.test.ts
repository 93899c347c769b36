import { Sha256 } from '@aws-crypto/sha256-js'
import { SignatureV4 } from '@smithy/signature-v4'
import { RequestSigner } from 'aws4'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { escaped, signed, type AwsKeys, type Scope, type Signable } from '../../../src/clients/aws/sign.ts'
import { patienceMs } from '../../fuzz/limits.ts'

/** Of the signature suite of AWS, with its secret key. */
const keys: AwsKeys = { accessKey: 'AKIDEXAMPLE', secretKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' }
const scope: Scope = { region: 'us-east-1', service: 'service', at: Date.parse('2015-08-30T12:36:00Z') }
const sessionToken = `AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==`

const signatureOf = (headers: Readonly<Record<string, string>>): string | undefined =>
  /Signature=([\da-f]{64})$/.exec(headers['Authorization'] ?? '')?.[1]

interface Published extends Partial<Omit<Signable, 'url'>> {
  /** Path and query. */
  readonly at?: string
  readonly token?: boolean
  readonly signature: string
}

const vanilla = '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'
const unreserved = '-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const form = 'application/x-www-form-urlencoded'
const post = { method: 'POST' }

/** https://docs.aws.amazon.com/general/latest/gr/signature-v4-test-suite.html, by the names there. */
const suite: Readonly<Record<string, Published>> = {
  'get-vanilla': { signature: vanilla },
  'get-vanilla-query': { signature: vanilla },
  'get-vanilla-empty-query-key': {
    at: '/?Param1=value1',
    signature: 'a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb',
  },
  'get-vanilla-query-order-key': {
    at: '/?Param1=value2&Param1=Value1',
    signature: 'eedbc4e291e521cf13422ffca22be7d2eb8146eecf653089df300a15b2382bd1',
  },
  'get-vanilla-query-order-key-case': {
    at: '/?Param2=value2&Param1=value1',
    signature: 'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500',
  },
  'get-vanilla-query-order-value': {
    at: '/?Param1=value2&Param1=value1',
    signature: '5772eed61e12b33fae39ee5e7012498b51d56abc0abb7c60486157bd471c4694',
  },
  'get-vanilla-query-unreserved': {
    at: `/?${unreserved}=${unreserved}`,
    signature: '9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197',
  },
  'get-vanilla-utf8-query': {
    at: '/?ሴ=bar',
    signature: '2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04',
  },
  'get-unreserved': {
    at: `/${unreserved}`,
    signature: '07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f',
  },
  'get-header-key-duplicate': {
    headers: { 'My-Header1': 'value2,value2,value1' },
    signature: 'c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea',
  },
  'get-header-value-multiline': {
    headers: { 'My-Header1': 'value1,value2,value3' },
    signature: 'ba17b383a53190154eb5fa66a1b836cc297cc0a3d70a5d00705980573d8ff790',
  },
  'get-header-value-order': {
    headers: { 'My-Header1': 'value4,value1,value3,value2' },
    signature: '08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01',
  },
  'get-header-value-trim': {
    headers: { 'My-Header1': ' value1', 'My-Header2': ' "a   b   c"' },
    signature: 'acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736',
  },
  'get-relative': { at: '/example/..', signature: vanilla },
  'get-relative-relative': { at: '/example1/example2/../..', signature: vanilla },
  'get-slash': { at: '//', signature: vanilla },
  'get-slash-dot-slash': { at: '/./', signature: vanilla },
  'get-slash-pointless-dot': {
    at: '/./example',
    signature: 'ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5',
  },
  'get-slashes': {
    at: '//example//',
    signature: '9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84',
  },
  'post-vanilla': { ...post, signature: '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b' },
  'post-vanilla-empty-query-value': {
    ...post,
    at: '/?Param1=value1',
    signature: '28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11',
  },
  'post-header-key-sort': {
    ...post,
    headers: { 'My-Header1': 'value1' },
    signature: 'c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c',
  },
  'post-header-value-case': {
    ...post,
    headers: { 'My-Header1': 'VALUE1' },
    signature: 'cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d',
  },
  'post-sts-header-before': {
    ...post,
    token: true,
    signature: '85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead',
  },
  'post-x-www-form-urlencoded': {
    ...post,
    headers: { 'Content-Type': form },
    body: 'Param1=value1',
    signature: 'ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a',
  },
  'post-x-www-form-urlencoded-parameters': {
    ...post,
    headers: { 'Content-Type': `${form}; charset=utf8` },
    body: 'Param1=value1',
    signature: '1a72ec8f64bd914b0e42e42607c7fbce7fb2c7465f63e3092b3b0d39fa77a6fe',
  },
}

describe('the signature suite of AWS', () => {
  // Not here: get-utf8 and get-space, whose paths are sent without escapes, which no URL of ours is; and
  // post-sts-header-after, where the token is not signed.
  it.each(Object.entries(suite))('%s', (_, { at = '/', token, signature, method = 'GET', headers, body }) => {
    const request = { method, url: `https://example.amazonaws.com${at}`, headers, body }
    expect(signatureOf(signed(request, token ? { ...keys, sessionToken } : keys, scope))).toBe(signature)
  })
})

const segment = fc
  .oneof(
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }),
    fc.emailAddress(),
    fc.stringMatching(/^[!'()*+%@:;=&$,/?#[\] ]{1,9}$/),
  )
  .filter(text => text !== '.' && text !== '..')
const word = fc.stringMatching(/^[\w+/=-]{1,40}$/)
const parameters = fc.dictionary(
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 9 }).filter(name => name !== '__proto__'),
  fc.string({ unit: 'grapheme', maxLength: 9 }),
  { maxKeys: 4 },
)
const generated = fc.record({
  method: fc.constantFrom('GET', 'POST', 'PUT', 'DELETE'),
  port: fc.constantFrom('', ':8443', ':443'),
  path: fc.array(segment, { maxLength: 5 }),
  parameters,
  headers: fc.dictionary(fc.stringMatching(/^X-[A-Z][a-z]{1,8}$/), fc.stringMatching(/^[ -~]{0,20}$/), { maxKeys: 3 }),
  body: fc.option(fc.string({ unit: 'grapheme', maxLength: 99 }), { nil: undefined }),
  keys: fc.record({ accessKey: word, secretKey: word, sessionToken: fc.option(word, { nil: undefined }) }),
  region: fc.constantFrom('eu-west-1', 'us-gov-east-1', 'cn-north-1'),
  at: fc.integer({ min: Date.parse('2020-01-01'), max: Date.parse('2099-12-31') }),
})

it('signs as the SDK of AWS and aws4 do', { timeout: patienceMs }, async () => {
  await fc.assert(
    fc.asyncProperty(generated, async ({ method, port, path, parameters, headers, body, keys, region, at }) => {
      const query = Object.entries(parameters).map(pair => pair.map(escaped).join('='))
      const url = `https://email.${region}.amazonaws.com${port}/${path.map(escaped).join('/')}?${query.join('&')}`
      const { accessKey, secretKey, sessionToken } = keys
      const ours = signed({ method, url, headers, body }, keys, { region, service: 'ses', at })

      const { hostname, host, pathname } = new URL(url)
      const credentials = {
        accessKeyId: accessKey,
        secretAccessKey: secretKey,
        ...(sessionToken !== undefined && { sessionToken }),
      }
      const smithy = new SignatureV4({ credentials, region, service: 'ses', sha256: Sha256, applyChecksum: false })
      const parts = { protocol: 'https:', hostname, path: pathname, query: parameters, headers: { ...headers, host } }
      const theirs = await smithy.sign({ method, ...parts, body }, { signingDate: new Date(at) })
      expect(ours['Authorization']).toBe(theirs.headers['authorization'])
      expect(ours['X-Amz-Date']).toBe(theirs.headers['x-amz-date'])

      const { Authorization, ...sent } = ours
      const aws4 = new RequestSigner(
        // It would sign headers that it adds itself.
        {
          method,
          host,
          path: `${pathname}?${query.join('&')}`,
          headers: sent,
          body: body ?? '',
          service: 'ses',
          region,
          doNotModifyHeaders: true,
        },
        credentials,
      )
      Object.assign(aws4, { datetime: ours['X-Amz-Date'] })
      expect(aws4.sign().headers?.['Authorization']).toBe(Authorization)
    }),
    { numRuns: 1_000, seed: 16 },
  )
})
