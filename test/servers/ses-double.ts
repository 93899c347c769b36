import http from 'node:http'
import https from 'node:https'
import { buffer } from 'node:stream/consumers'
import { randomBytes, randomUUID } from 'node:crypto'
import {
  errorInJson,
  errorInXml,
  jsonReply,
  sendReply,
  xmlReply,
  type ErrorForm,
  type Reply,
  type Spoiling,
} from './aws-answers.ts'
import { assumeRole, containerKeys, instanceMetadata, issuedKeys, type Issued, type RoleKnobs } from './aws-roles.ts'
import { refusal, unknownKey, whoSigned, type AwsKey, type RawRequest, type Refusal } from './aws-signature.ts'
import type { Certificate } from './certificates.ts'
import { mailIn, sentReply, type SentMail } from './ses-send.ts'
import { type At, extend, listen, type Listening } from './hostile.ts'

export type { AwsKey } from './aws-signature.ts'
export type { SentMail } from './ses-send.ts'

/** What is asked, by the name AWS has for it; `other` for anything that a look at SES has no business with. */
export type SesAction =
  | 'GetAccount'
  | 'GetEmailIdentity'
  | 'GetConfigurationSet'
  | 'GetSuppressedDestination'
  | 'GetSendStatistics'
  | 'SendEmail'
  | 'AssumeRoleWithWebIdentity'
  | 'container'
  | 'metadata'
  | 'other'

/** `throttled`: 429, as SES says it; `rate_exceeded`: 400, as the front of AWS says it; `internal`: 500. */
export type Misbehaviour = Spoiling | 'throttled' | 'rate_exceeded' | 'internal' | Reply

export interface SesOptions extends At {
  tls?: Certificate | undefined
  /** Default: eu-west-1. */
  region?: string | undefined
  keys: AwsKey[]
}

export interface SesRequest {
  readonly action: SesAction
  readonly method: string
  /** Still encoded, with its query. */
  readonly url: string
  readonly headers: http.IncomingHttpHeaders
  /** The access key id that it names. */
  readonly key: string | undefined
  /** How many others were under way when it came. */
  readonly beside: number
}

/** One of the 15 minutes of GetSendStatistics. */
export interface SendDataPoint {
  /** Milliseconds since the epoch. */
  at: number
  attempts: number
  bounces: number
  complaints: number
  rejects: number
}

/** What tests turn while the double runs. Bodies are those of AWS, so a test can leave fields out, or put others in. */
export interface SesKnobs {
  region: string
  keys: AwsKey[]
  /** Keys that were given out for the role. */
  issued: AwsKey[]
  /** The account is not signed up for SES; or the region is not enabled for it, which AWS says as of an unknown key. */
  signedUp: 'yes' | 'SubscriptionRequiredException' | 'OptInRequired' | 'region_not_enabled'
  /** Answer of GetAccount. */
  account: Record<string, unknown>
  /** Answers of GetEmailIdentity, by address or domain. */
  identities: Record<string, Record<string, unknown>>
  /** Answers of GetConfigurationSet, by name. */
  configurationSets: Record<string, Record<string, unknown>>
  /** Reason (BOUNCE or COMPLAINT) by address. */
  suppressed: Record<string, string>
  statistics: SendDataPoint[]
  /** The mails that were taken, in the order in which they came. */
  sent: SentMail[]
  /** Takes each of them further, such as to a mailbox. */
  deliver: ((mail: SentMail) => unknown) | undefined
  /** Milliseconds that the clock of AWS is ahead of ours. */
  clockAheadMs: number
  errorForm: ErrorForm
  role: RoleKnobs
  /** The answer to the action, or to those that have none of their own, from now on; undefined ends it. */
  misbehave(how: Misbehaviour | undefined, action?: SesAction): void
  /** All requests, in the order in which they came. */
  readonly requests: SesRequest[]
  /** Back to what it was at the start, and no requests. Keys that were given out stay good. */
  reset(): void
}

interface State extends Omit<SesKnobs, 'reset' | 'misbehave' | 'requests'> {
  misbehaviours: Map<SesAction | 'all', Misbehaviour>
  /** Tokens of IMDSv2. */
  sessions: Set<string>
}

const accountNumber = '123456789012'
const regionOf = 'eu-west-1'
const sesNamespace = 'http://ses.amazonaws.com/doc/2010-12-01/'

/**
 * A DOUBLE of Amazon SES: API v2 in JSON with SendEmail of raw mails, GetSendStatistics of v1 in XML, and what gives out the keys of roles (STS, the
 * container endpoint, the metadata of an instance, IMDSv2). All on one port. Written from the API references, and from
 * answers in bug reports where they are silent; never compared with AWS.
 * https://docs.aws.amazon.com/ses/latest/APIReference-V2/
 */
export async function startSesDouble(options: SesOptions): Promise<SesKnobs & Listening & { readonly url: string }> {
  const state = fresh(options)
  const requests: SesRequest[] = []
  let under = 0
  const handler: http.RequestListener = (request, response) => {
    const beside = under++
    response.on('close', () => under--)
    void answer(state, requests, beside, request, response).catch((error: unknown) => {
      response.writeHead(500).end(`the double failed: ${String(error)}`)
    })
  }
  const { tls } = options
  const server = tls ? https.createServer({ cert: tls.cert, key: tls.key }, handler) : http.createServer(handler)
  const listening = await listen(server, options)
  return extend(
    Object.assign(state, {
      misbehave: (how: Misbehaviour | undefined, action: SesAction | 'all' = 'all') => {
        if (how === undefined) state.misbehaviours.delete(action)
        else state.misbehaviours.set(action, how)
      },
      requests,
      reset: () => {
        const { issued, sessions } = state
        Object.assign(state, fresh(options), { issued, sessions })
        requests.length = 0
      },
      url: `${tls ? 'https' : 'http'}://${listening.host}:${listening.port}`,
    }),
    listening,
  )
}

const fresh = ({ keys, region = regionOf }: SesOptions): State => ({
  region,
  keys: structuredClone(keys),
  issued: [],
  signedUp: 'yes',
  account: healthyAccount(),
  identities: { 'app.example.com': verifiedIdentity('DOMAIN') },
  configurationSets: { transactional: configurationSet('transactional') },
  suppressed: {},
  statistics: [],
  sent: [],
  deliver: undefined,
  clockAheadMs: 0,
  errorForm: 'header',
  role: {
    arn: `arn:aws:iam::${accountNumber}:role/mailer`,
    allows: ['*'],
    lifeMs: 3_600_000,
    identityToken: 'eyJhbGciOiJSUzI1NiJ9.service-account.signature',
    sts: undefined,
    containerToken: 'container-authorization-token',
    container: undefined,
    metadata: undefined,
  },
  misbehaviours: new Map(),
  sessions: new Set(),
})

/** https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_GetAccount.html */
export const healthyAccount = (): Record<string, unknown> => ({
  DedicatedIpAutoWarmupEnabled: false,
  Details: {
    AdditionalContactEmailAddresses: ['postmaster@app.example.com'],
    ContactLanguage: 'EN',
    MailType: 'TRANSACTIONAL',
    ReviewDetails: { CaseId: '174203712500879', Status: 'GRANTED' },
    UseCaseDescription: 'Mails about orders',
    WebsiteURL: 'https://app.example.com',
  },
  EnforcementStatus: 'HEALTHY',
  ProductionAccessEnabled: true,
  SendQuota: { Max24HourSend: 50_000, MaxSendRate: 14, SentLast24Hours: 1_234 },
  SendingEnabled: true,
  SuppressionAttributes: { SuppressedReasons: ['BOUNCE', 'COMPLAINT'] },
})

/** https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_GetEmailIdentity.html */
export const verifiedIdentity = (type: 'DOMAIN' | 'EMAIL_ADDRESS'): Record<string, unknown> => ({
  IdentityType: type,
  FeedbackForwardingStatus: true,
  VerifiedForSendingStatus: true,
  DkimAttributes: {
    CurrentSigningKeyLength: 'RSA_2048_BIT',
    LastKeyGenerationTimestamp: 1.767_225_6e9,
    NextSigningKeyLength: 'RSA_2048_BIT',
    SigningAttributesOrigin: 'AWS_SES',
    SigningEnabled: true,
    Status: 'SUCCESS',
    Tokens: ['vvjuipp74whm76gqoni7qmwwn4w4qusjiainivf6f', '3frqe7jn4obpuxjpwpolz6ipb3k5nvt2nhjpik2oy'],
  },
  MailFromAttributes: { BehaviorOnMxFailure: 'USE_DEFAULT_VALUE' },
  Policies: {},
  Tags: [],
  VerificationInfo: { LastCheckedTimestamp: 1.796_040_000_123e9, LastSuccessTimestamp: 1.796_040_000_123e9 },
  VerificationStatus: 'SUCCESS',
})

/** https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_GetConfigurationSet.html */
export const configurationSet = (name: string): Record<string, unknown> => ({
  ConfigurationSetName: name,
  DeliveryOptions: { TlsPolicy: 'OPTIONAL' },
  ReputationOptions: { ReputationMetricsEnabled: false },
  SendingOptions: { SendingEnabled: true },
  Tags: [],
})

const base32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/**
 * An access key id of that account, in the form since 2019: 48 bits behind the prefix, of which the highest is set and 40
 * are the number of the account.
 */
export function accessKeyOf(account = accountNumber, prefix: 'AKIA' | 'ASIA' = 'AKIA'): string {
  const [random] = randomBytes(1)
  const head = (1n << 47n) | (BigInt(account) << 7n) | BigInt((random ?? 0) & 127)
  let bits = (head << 32n) | BigInt(`0x${randomBytes(4).toString('hex')}`)
  let text = ''
  for (let i = 0; i < 16; i++, bits >>= 5n) text = (base32[Number(bits & 31n)] ?? '') + text
  return prefix + text
}

async function answer(
  state: State,
  requests: SesRequest[],
  beside: number,
  incoming: http.IncomingMessage,
  response: http.ServerResponse,
): Promise<void> {
  const { method = '', url = '/', headers } = incoming
  const body = await buffer(incoming)
  const [path = '', query = ''] = url.split(/\?(.*)/s)
  const request: RawRequest = { method, path, query, headers, body }
  const call = callOf(request)
  const [, key] = /Credential=([^/]+)\//.exec(headers.authorization ?? '') ?? []
  requests.push({ action: call.action, method, url, headers, key, beside })
  response.setHeader('Date', new Date(Date.now() + state.clockAheadMs).toUTCString())
  response.setHeader('x-amzn-RequestId', randomUUID())
  const how = state.misbehaviours.get(call.action) ?? state.misbehaviours.get('all')
  if (typeof how === 'object') sendReply(how, undefined, response, '')
  else if (how === 'throttled' || how === 'rate_exceeded' || how === 'internal')
    sendReply(refused(state, call, overloads[how]), undefined, response, '')
  else sendReply(await reply(state, call, request), how, response, `${redirectHost}${url}`)
}

/** Nobody is there: a request that follows is lost. */
const redirectHost = 'http://192.0.2.1'

const overloads = {
  throttled: refusal(429, 'TooManyRequestsException', 'Throttling', 'Too many requests'),
  rate_exceeded: refusal(400, 'ThrottlingException', 'Throttling', 'Rate exceeded'),
  internal: refusal(500, 'InternalFailure', 'InternalFailure', 'We encountered an internal error. Please try again.'),
}

interface Call {
  readonly action: SesAction
  /** Of the identity, the configuration set or the recipient. */
  readonly name?: string
  readonly form: URLSearchParams
}

const places: readonly (readonly [RegExp, SesAction])[] = [
  [/^\/v2\/email\/account$/, 'GetAccount'],
  [/^\/v2\/email\/identities\/([^/]+)$/, 'GetEmailIdentity'],
  [/^\/v2\/email\/configuration-sets\/([^/]+)$/, 'GetConfigurationSet'],
  [/^\/v2\/email\/suppression\/addresses\/([^/]+)$/, 'GetSuppressedDestination'],
]

function callOf({ method, path, query, body }: RawRequest): Call {
  const form = new URLSearchParams(method === 'POST' ? body.toString('utf8') : query)
  const action = form.get('Action')
  if (path === '/') {
    if (action === 'GetSendStatistics' && form.get('Version') === '2010-12-01') return { action, form }
    if (action === 'AssumeRoleWithWebIdentity' && form.get('Version') === '2011-06-15') return { action, form }
  }
  if (method === 'POST' && path === '/v2/email/outbound-emails') return { action: 'SendEmail', form }
  if (path.startsWith('/latest/')) return { action: 'metadata', form }
  if (method !== 'GET') return { action: 'other', form }
  if (/^\/v1\/credentials$|^\/v2\/credentials\/./.test(path)) return { action: 'container', form }
  for (const [place, name] of places) {
    const found = place.exec(path)
    // A plus that is not encoded is a space.
    if (found) return { action: name, name: decoded((found[1] ?? '').replaceAll('+', ' ')), form }
  }
  return { action: 'other', form }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

async function reply(state: State, call: Call, request: RawRequest): Promise<Reply> {
  const { region } = state
  const now = Date.now() + state.clockAheadMs
  const issue = (): Issued => {
    const issued = issuedKeys(accessKeyOf(accountNumber, 'ASIA'), now + state.role.lifeMs)
    const arn = `${state.role.arn.replace(':iam:', ':sts:').replace(':role/', ':assumed-role/')}/mailpath`
    state.issued.push({ ...issued, arn, allows: state.role.allows })
    return issued
  }
  if (call.action === 'AssumeRoleWithWebIdentity') return assumeRole(state.role, call.form, issue)
  if (call.action === 'container') return containerKeys(state.role, request, issue)
  if (call.action === 'metadata') return instanceMetadata(state.role, state.sessions, request, issue)
  const signer = await whoSigned(request, { keys: [...state.keys, ...state.issued], region, service: 'ses', now })
  if ('status' in signer) return refused(state, call, signer)
  const account = refusedFor(state)
  if (account) return refused(state, call, account)
  if (call.action === 'other')
    return jsonReply(404, { Output: { __type: 'com.amazon.coral.service#UnknownOperationException' }, Version: '1.0' })
  if (!isAllowed(signer, `ses:${call.action}`)) return refused(state, call, denied(state, signer, call))
  return call.action === 'SendEmail' ? sendEmail(state, call, request) : asked(state, call)
}

function sendEmail(state: State, call: Call, request: RawRequest): Reply {
  const mail = mailIn(request, state)
  if ('status' in mail) return refused(state, call, mail)
  state.sent.push(mail)
  state.deliver?.(mail)
  return sentReply(mail)
}

function refusedFor({ signedUp }: State): Refusal | undefined {
  if (signedUp === 'yes') return undefined
  if (signedUp === 'region_not_enabled') return unknownKey
  return refusal(403, signedUp, 'OptInRequired', 'The AWS Access Key Id needs a subscription for the service')
}

const isAllowed = ({ allows = ['*'] }: AwsKey, action: string): boolean =>
  allows.some(one => (one.endsWith('*') ? action.startsWith(one.slice(0, -1)) : action === one))

const resources: Partial<Record<SesAction, string>> = {
  GetEmailIdentity: 'identity',
  GetConfigurationSet: 'configuration-set',
}

function denied({ region }: State, { id, arn }: AwsKey, { action, name }: Call): Refusal {
  const who = arn ?? `arn:aws:iam::${accountNumber}:user/mailer-${id.slice(-4).toLowerCase()}`
  const kind = resources[action]
  const resource =
    kind === undefined ? '' : ` on resource: arn:aws:ses:${region}:${accountNumber}:${kind}/${name ?? ''}`
  return refusal(
    403,
    'AccessDeniedException',
    'AccessDenied',
    `User: ${who} is not authorized to perform: ses:${action}${resource} because no identity-based policy allows the ses:${action} action`,
  )
}

const refused = ({ errorForm }: State, { action }: Call, { status, json, query, message }: Refusal): Reply =>
  action === 'GetSendStatistics' || action === 'AssumeRoleWithWebIdentity'
    ? errorInXml(status === 429 ? 400 : status, query, message, sesNamespace)
    : errorInJson(status, json, message, errorForm)

function asked(state: State, call: Call): Reply {
  const { name = '' } = call
  const missing = (what: string): Reply => refused(state, call, refusal(404, 'NotFoundException', 'NotFound', what))
  if (call.action === 'GetAccount') return jsonReply(200, state.account)
  if (call.action === 'GetEmailIdentity') {
    const identity = state.identities[name]
    return identity ? jsonReply(200, identity) : missing(`Email identity ${name} does not exist.`)
  }
  if (call.action === 'GetConfigurationSet') {
    const set = state.configurationSets[name]
    return set ? jsonReply(200, set) : missing(`Configuration set <${name}> does not exist.`)
  }
  if (call.action === 'GetSuppressedDestination') {
    const reason = state.suppressed[name]
    return reason === undefined
      ? missing(`Email address ${name} does not exist on your suppression list.`)
      : jsonReply(200, {
          SuppressedDestination: { EmailAddress: name, LastUpdateTime: 1.795_953_600_5e9, Reason: reason },
        })
  }
  return xmlReply(200, statisticsXml(state.statistics))
}

const statisticsXml = (points: readonly SendDataPoint[]): string => `<GetSendStatisticsResponse xmlns="${sesNamespace}">
  <GetSendStatisticsResult>
    <SendDataPoints>
${points.map(dataPointXml).join('')}    </SendDataPoints>
  </GetSendStatisticsResult>
  <ResponseMetadata>
    <RequestId>${randomUUID()}</RequestId>
  </ResponseMetadata>
</GetSendStatisticsResponse>
`

const dataPointXml = ({ at, attempts, bounces, complaints, rejects }: SendDataPoint): string => `      <member>
        <Complaints>${complaints}</Complaints>
        <Rejects>${rejects}</Rejects>
        <Bounces>${bounces}</Bounces>
        <DeliveryAttempts>${attempts}</DeliveryAttempts>
        <Timestamp>${new Date(at).toISOString().replace(/\.\d+Z$/, 'Z')}</Timestamp>
      </member>
`
