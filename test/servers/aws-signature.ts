import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { Sha256 } from '@aws-crypto/sha256-js'
import { SignatureV4 } from '@smithy/signature-v4'

/** A request as it came, before anything is decoded. */
export interface RawRequest {
  readonly method: string
  /** Without the query, still encoded. */
  readonly path: string
  /** Without the `?`, still encoded. */
  readonly query: string
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

/** A pair of keys that AWS knows. */
export interface AwsKey {
  id: string
  secret: string
  /** A temporary key is taken only together with its token. */
  token?: string | undefined
  /** Milliseconds since the epoch. */
  expires?: number | undefined
  /** False: switched off in IAM. AWS then answers as to a key that does not exist. */
  active?: boolean | undefined
  /** Who it belongs to, as AWS names it when it denies something. */
  arn?: string | undefined
  /** Actions of the policy, such as `ses:GetAccount`, `ses:Get*` or `*`. Default: all. */
  allows?: string[] | undefined
}

/** Why AWS refuses a request, by the name of rest-json; the protocol `query` has its own names. */
export interface Refusal {
  readonly status: number
  readonly json: string
  readonly query: string
  readonly message: string
}

export const refusal = (status: number, json: string, query: string, message: string): Refusal => ({
  status,
  json,
  query,
  message,
})

export const unknownKey = refusal(
  403,
  'UnrecognizedClientException',
  'InvalidClientTokenId',
  'The security token included in the request is invalid.',
)
const expiredToken = refusal(
  403,
  'ExpiredTokenException',
  'ExpiredToken',
  'The security token included in the request is expired',
)
const wrongSignature = (message: string): Refusal =>
  refusal(403, 'InvalidSignatureException', 'SignatureDoesNotMatch', message)
const incomplete = (message: string): Refusal =>
  refusal(400, 'IncompleteSignatureException', 'IncompleteSignature', message)

const skewMinutes = 5

interface Scope {
  readonly keys: readonly AwsKey[]
  readonly region: string
  /** The name in the scope: `ses`. */
  readonly service: string
  /** Milliseconds since the epoch, by the clock of AWS. */
  readonly now: number
}

/**
 * Who signed a request, by Signature Version 4. The signature is made again from the raw request by AWS's own signer, so
 * that a mistake of ours is not made twice. In which order AWS looks at key, time and scope is not documented.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
export async function whoSigned(request: RawRequest, { keys, region, service, now }: Scope): Promise<AwsKey | Refusal> {
  const { authorization } = request.headers
  if (authorization === undefined)
    return refusal(
      403,
      'MissingAuthenticationTokenException',
      'MissingAuthenticationToken',
      'Missing Authentication Token',
    )
  const [, id = '', day, ofRegion, ofService, signedHeaders = '', signature = ''] =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
      authorization,
    ) ?? []
  const date = request.headers['x-amz-date']
  if (signature === '' || typeof date !== 'string' || !/^\d{8}T\d{6}Z$/.test(date))
    return incomplete(incompleteText(authorization))

  const key = keys.find(one => one.id === id)
  const token = request.headers['x-amz-security-token']
  if (!key || key.active === false || token !== key.token) return unknownKey

  const names = signedHeaders.split(';')
  if (!names.includes('host'))
    return wrongSignature("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
  const unsigned = Object.keys(request.headers).find(name => name.startsWith('x-amz-') && !names.includes(name))
  if (unsigned !== undefined) return wrongSignature(`'${unsigned}' must be a 'SignedHeader' in the AWS Authorization.`)
  if (ofRegion !== region) return wrongSignature(`Credential should be scoped to a valid region, not '${ofRegion}'. `)
  if (ofService !== service) return wrongSignature(`Credential should be scoped to correct service: '${service}'. `)
  if (day !== date.slice(0, 8))
    return wrongSignature(
      `Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '${day}' != '${date.slice(0, 8)}', from '${date}'.`,
    )
  const skewed = skewText(date, now)
  if (skewed !== undefined) return wrongSignature(skewed)
  if (key.expires !== undefined && key.expires <= now) return expiredToken

  const right = await signatureOf(request, key, names, { region, service, date })
  if (timingSafeEqual(Buffer.from(right, 'hex'), Buffer.from(signature, 'hex'))) return key
  return wrongSignature(mismatchText(request, names, date, `${day}/${region}/${service}/aws4_request`))
}

interface Signing {
  readonly region: string
  readonly service: string
  readonly date: string
}

async function signatureOf(
  { method, path, query, headers, body }: RawRequest,
  { id, secret }: AwsKey,
  names: readonly string[],
  { region, service, date }: Signing,
): Promise<string> {
  const signer = new SignatureV4({
    service,
    region,
    credentials: { accessKeyId: id, secretAccessKey: secret },
    sha256: Sha256,
    applyChecksum: false,
  })
  const said = headers['x-amz-content-sha256']
  // It would be believed.
  if (said !== undefined && said !== sha256(body)) return '00'.repeat(32)
  const signed = await signer.sign(
    {
      method,
      protocol: 'https:',
      hostname: headers.host ?? '',
      path,
      query: parsedQuery(query),
      headers: Object.fromEntries(names.map(name => [name, textOf(headers[name])])),
      body,
    },
    { signingDate: dateOf(date), signableHeaders: new Set(names) },
  )
  const [, signature] = /Signature=([0-9a-f]{64})$/.exec(signed.headers['authorization'] ?? '') ?? []
  if (signature === undefined) throw new Error('the signer gave no signature')
  return signature
}

const textOf = (value: string | string[] | undefined): string =>
  Array.isArray(value) ? value.join(',') : (value ?? '')
const sha256 = (text: string | Buffer): string => createHash('sha256').update(text).digest('hex')

function parsedQuery(query: string): Record<string, string[]> {
  const found: Record<string, string[]> = {}
  for (const one of query.split('&').filter(part => part !== '')) {
    const [name = '', value = ''] = one.split('=').map(decodeURIComponent)
    ;(found[name] ??= []).push(value)
  }
  return found
}

/** 20261130T120000Z, in seconds. */
export const amzDate = (at: number): string => new Date(at).toISOString().replace(/[-:]|\.\d+/g, '')
const dateOf = (date: string): Date =>
  new Date(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'))

function skewText(date: string, now: number): string | undefined {
  const at = dateOf(date).getTime()
  const window = skewMinutes * 60_000
  if (at < now - window)
    return `Signature expired: ${date} is now earlier than ${amzDate(now - window)} (${amzDate(now)} - ${skewMinutes} min.)`
  if (at > now + window)
    return `Signature not yet current: ${date} is still later than ${amzDate(now + window)} (${amzDate(now)} + ${skewMinutes} min.)`
  return undefined
}

function incompleteText(authorization: string): string {
  const missing = ['Credential', 'Signature', 'SignedHeaders'].filter(name => !authorization.includes(`${name}=`))
  const needs = missing.map(name => `Authorization header requires '${name}' parameter. `).join('')
  const hashed = createHash('sha256').update(authorization).digest('base64')
  return `${needs}Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. (Hashed with SHA-256 and encoded with Base64) Authorization=${hashed}`
}

/** What AWS says of a wrong secret: with all that it signed, so the token and the address that was asked for are in it. */
function mismatchText(request: RawRequest, names: readonly string[], date: string, scope: string): string {
  const { method, path, query, headers, body } = request
  const canonical = [
    method,
    path.split('/').map(encodeURIComponent).join('/'),
    query,
    ...names.map(name => `${name}:${textOf(headers[name])}`),
    '',
    names.join(';'),
    sha256(body),
  ].join('\n')
  return [
    'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.',
    `The Canonical String for this request should have been\n'${canonical}'`,
    `The String-to-Sign should have been\n'AWS4-HMAC-SHA256\n${date}\n${scope}\n${sha256(canonical)}'\n`,
  ].join('\n\n')
}
