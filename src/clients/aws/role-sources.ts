import type { Look } from '../../core/probe.ts'
import type { Reference, Resolvable } from '../../core/reference.ts'
import { shapes, type Shape } from '../../core/shape.ts'
import { addressOf, httpRequest, type HttpResponse } from '../http.ts'
import { fieldsIn, type Fields } from './answers.ts'
import { askAws, noteAs } from './ask.ts'
import { isInTheClear } from './endpoints.ts'
import type { AwsKeys } from './sign.ts'
import { textIn } from './xml.ts'

/**
 * Where a role gives its keys out: a service account of Kubernetes (by STS), the endpoint of a container (ECS, EKS Pod
 * Identity), or that of an EC2 instance. `web_identity` without its two values takes those of the environment, as EKS sets them.
 * https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html
 */
export type RoleCredentials =
  | 'web_identity'
  | 'container'
  | 'instance'
  | { readonly web_identity: { readonly role_arn: Resolvable; readonly token_file: string } }

/** The role gave no keys. The message is one line that begins with whom was asked. */
export class Unusable extends Error {
  override readonly name = 'Unusable'
}

/** `lifeMs`: how long they are good for, by the clock of AWS; undefined if they were given without an end. */
export interface Fetched {
  readonly keys: AwsKeys
  readonly lifeMs: number | undefined
}

/** Gets new keys. Throws Unusable, Unresolved or HttpFailure if there are none. */
export async function fetchKeys(credentials: RoleCredentials, region: string, look: Look): Promise<Fetched> {
  if (credentials === 'container') return fromContainer(look)
  if (credentials === 'instance') return fromInstance(look)
  return fromWebIdentity(credentials === 'web_identity' ? undefined : credentials.web_identity, region, look)
}

/** https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html */
async function fromWebIdentity(
  given: { readonly role_arn: Resolvable; readonly token_file: string } | undefined,
  region: string,
  look: Look,
): Promise<Fetched> {
  const role = await look.text('credentials.web_identity', given?.role_arn ?? { env: 'AWS_ROLE_ARN' }, shapes.line)
  const file = given?.token_file ?? (await variable('AWS_WEB_IDENTITY_TOKEN_FILE', shapes.path, look))
  // It is replaced from time to time, so it is read each time.
  const token = await look.secret('credentials.web_identity', { file })
  const endpoint = await optional('AWS_ENDPOINT_URL_STS', url, look)
  if (endpoint !== undefined) refuseInTheClear(endpoint, [])
  const asked = Date.now()
  const {
    answer,
    address,
    clockSkewSeconds = 0,
  } = await askAws(
    {
      name: 'AssumeRoleWithWebIdentity',
      form: { Version: '2011-06-15', RoleArn: role, RoleSessionName: 'mailpath-exporter', WebIdentityToken: token },
      read: body => keysIn(name => textIn(body, name), 'SessionToken'),
    },
    { service: 'sts', region, endpoint },
    look,
  )
  if (answer.kind === 'ok') return withLife(answer.value, asked - clockSkewSeconds * 1000)
  throw new Unusable(answer.text.startsWith(address) ? answer.text : `${address}: ${answer.text}`)
}

/** https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html */
async function fromContainer(look: Look): Promise<Fetched> {
  const relative = await optional('AWS_CONTAINER_CREDENTIALS_RELATIVE_URI', shapes.line, look)
  const full = await optional('AWS_CONTAINER_CREDENTIALS_FULL_URI', url, look)
  const from = relative === undefined ? full : `http://169.254.170.2${relative}`
  if (from === undefined)
    throw new Unusable(
      'container: neither AWS_CONTAINER_CREDENTIALS_RELATIVE_URI nor AWS_CONTAINER_CREDENTIALS_FULL_URI is set: the container of the exporter has no role',
    )
  if (!URL.canParse(from)) throw new Unusable('container: AWS_CONTAINER_CREDENTIALS_RELATIVE_URI is no path of a URL')
  refuseInTheClear(from, ['169.254.170.2', '169.254.170.23', '[fd00:ec2::23]'])
  const file = await optional('AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE', shapes.path, look)
  const source: Reference = file === undefined ? { env: 'AWS_CONTAINER_AUTHORIZATION_TOKEN', default: '' } : { file }
  const token = await look.secret('credentials: container', source)
  return keysFrom(
    await get('the credentials of the container', from, token === '' ? {} : { Authorization: token }, look),
    from,
  )
}

/**
 * Version 2 only, which asks for a token first:
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html
 */
async function fromInstance(look: Look): Promise<Fetched> {
  const base = (await optional('AWS_EC2_METADATA_SERVICE_ENDPOINT', url, look)) ?? 'http://169.254.169.254'
  const at = base.replace(/\/+$/, '')
  const ttl = { 'X-aws-ec2-metadata-token-ttl-seconds': '300' }
  const token = await metadata('a token of the instance', { method: 'PUT', url: `${at}/latest/api/token` }, ttl, look)
  if (token.status !== 200) throw new Unusable(`${addressOf(at)}: HTTP ${token.status} for a token of the instance`)
  look.conceal(token.body)
  const headers = { 'X-aws-ec2-metadata-token': token.body }
  const roles = `${at}/latest/meta-data/iam/security-credentials/`
  const list = await get('the role of the instance', roles, headers, look)
  const role = /^[\w+=,.@-]{1,64}$/m.exec(list.body)?.[0]
  if (list.status !== 200 || role === undefined)
    throw new Unusable(`${addressOf(at)}: HTTP ${list.status} for the role of the instance: it has none`)
  return keysFrom(
    await get('the credentials of the instance', `${roles}${encodeURIComponent(role)}`, headers, look),
    at,
  )
}

const get = (
  what: string,
  from: string,
  headers: Readonly<Record<string, string>>,
  look: Look,
): Promise<HttpResponse> => metadata(what, { method: 'GET', url: from }, headers, look)

/** The path of a container is as good as a key, and so kept out of the transcript. */
const metadata = (
  what: string,
  request: { readonly method: string; readonly url: string },
  headers: Readonly<Record<string, string>>,
  look: Look,
): Promise<HttpResponse> =>
  httpRequest({ ...request, headers, maxBodyBytes: 65_536, signal: look.signal, note: noteAs(what, request, look) })

/** Of the endpoints of containers and instances, whose answers are the same. */
function keysFrom({ status, body }: HttpResponse, from: string): Fetched {
  const fields: Fields = fieldsIn(body) ?? {}
  const keys = keysIn(name => fields[name], 'Token')
  if (status === 200 && keys) return withLife(keys, Date.now())
  // The agent of EKS answers with a line of its log.
  const code = fields['Code'] ?? fields['code'] ?? /\((\w{1,60}Exception)\)/.exec(body.slice(0, 1_000))?.[1]
  const said = typeof code === 'string' && /^[\w.-]{1,64}$/.test(code) ? ` ${code}` : ''
  throw new Unusable(`${addressOf(from)}: HTTP ${status}${said}, and no keys in the answer`)
}

interface Given {
  readonly keys: AwsKeys
  /** Milliseconds since the epoch, by the clock of AWS. */
  readonly until: number | undefined
}

function keysIn(field: (name: string) => unknown, token: string): Given | undefined {
  const [accessKey, secretKey, sessionToken] = ['AccessKeyId', 'SecretAccessKey', token].map(field)
  if (!isWord(accessKey) || !isWord(secretKey) || !isWord(sessionToken)) return undefined
  const end = field('Expiration')
  const until = typeof end === 'string' ? Date.parse(end) : NaN
  return { keys: { accessKey, secretKey, sessionToken }, until: Number.isNaN(until) ? undefined : until }
}

const isWord = (value: unknown): value is string => typeof value === 'string' && /^[\x21-\x7e]{1,16384}$/.test(value)

const withLife = ({ keys, until }: Given, now: number): Fetched => ({
  keys,
  lifeMs: until === undefined ? undefined : Math.max(0, until - now),
})

const variable = <T>(name: string, shape: Shape<T>, look: Look): Promise<T> =>
  look.text('credentials', { env: name }, shape)

/** A variable of the environment, as the SDKs of AWS read it; undefined if it is not set. */
async function optional(name: string, shape: Shape, look: Look): Promise<string | undefined> {
  const orEmpty: Shape = { ...shape, read: text => (text === '' ? text : shape.read(text)) }
  const text = await look.text('credentials', { env: name, default: '' }, orEmpty)
  return text === '' ? undefined : text
}

const url: Shape = {
  expected: 'a URL without a password',
  read: text => {
    const { protocol = '', username, password } = URL.canParse(text) ? new URL(text) : { username: 'x', password: '' }
    return /^https?:$/.test(protocol) && username === '' && password === '' ? text : undefined
  },
}

/** Keys and tokens go without TLS only to this host, and to the addresses that AWS answers at itself. */
function refuseInTheClear(to: string, trusted: readonly string[]): void {
  if (!isInTheClear(to) || trusted.includes(new URL(to).hostname)) return
  throw new Unusable(`${addressOf(to)}: not asked, since it would be without TLS, and is no address of AWS for this`)
}
