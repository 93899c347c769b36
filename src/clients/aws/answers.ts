import type { HttpResponse } from '../http.ts'
import { textIn } from './xml.ts'

/**
 * Why a signed request was not answered as asked. AWS checks the signature first and the policy then, so `denied` proves
 * the keys. https://docs.aws.amazon.com/ses/latest/APIReference-V2/CommonErrors.html
 */
export const awsFaults = [
  'key_unknown',
  'secret_wrong',
  'clock_skewed',
  'token_expired',
  'denied',
  'region_disabled',
  'throttled',
  'not_found',
  /** A request that AWS calls wrong: our own mistake, a proxy took a header, or the endpoint is of another region. */
  'bad_request',
  /** An error of AWS that is none of these, such as its own 5xx. */
  'error',
  /** No answer of AWS, whatever its status: HTML, cut off, not JSON, a redirect, too large. */
  'not_aws',
  'unreachable',
  'no_answer',
  'certificate_invalid',
] as const
export type AwsFault = (typeof awsFaults)[number]

/** Anything but the answer that was asked for. */
export interface AwsFailure {
  readonly kind: AwsFault
  /** One line without a secret, an address or a token. */
  readonly text: string
  /** The action that is not allowed, as AWS names it. */
  readonly action?: string | undefined
  /** The status of HTTP, if AWS itself answered. */
  readonly status?: number | undefined
}

/** What AWS answered to one request. */
export type AwsAnswer<T> = { readonly kind: 'ok'; readonly value: T } | AwsFailure

export const failureIn = (answer: AwsAnswer<unknown> | undefined): AwsFailure | undefined =>
  answer?.kind === 'ok' ? undefined : answer

/** Whether AWS took the keys: it checks the signature first and the policy then. */
export const takesKeys = ({ kind }: Pick<AwsAnswer<unknown>, 'kind'>): boolean => kind === 'ok' || kind === 'denied'

/** Whether AWS does not take the keys themselves. Of other failures neither is known. */
export const refusesKeys = ({ kind }: Pick<AwsAnswer<unknown>, 'kind'>): boolean =>
  ['key_unknown', 'secret_wrong', 'token_expired'].includes(kind)

/** Whether AWS itself said it: the body that was asked for, or an error of a type that AWS names. */
export const isFromAws = ({ kind }: Pick<AwsAnswer<unknown>, 'kind'>): boolean =>
  !['not_aws', 'unreachable', 'no_answer', 'certificate_invalid'].includes(kind)

/** The fields of a JSON object. */
export type Fields = Readonly<Record<string, unknown>>

export const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The fields of a body; undefined if it is no JSON object. */
export function fieldsIn(body: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(body)
    return isFields(value) ? value : undefined
  } catch {
    return undefined
  }
}

/**
 * What a whole answer says. `read` finds the value in the body of a 200, and gives undefined if it is not what was asked
 * for. `xml`: the call is of the older protocol, whose errors are XML. The message of an error is never shown: AWS puts the
 * whole request into it, with the session token, and ARNs.
 */
export function answerIn<T>(
  response: HttpResponse,
  {
    read,
    xml,
    address,
  }: { readonly read: (body: string) => T | undefined; readonly xml: boolean; readonly address: string },
): AwsAnswer<T> {
  const { status, body } = response
  const value = status === 200 ? read(body) : undefined
  if (value !== undefined) return { kind: 'ok', value }
  const error = status >= 400 ? errorIn(response, xml) : undefined
  if (!error) return { kind: 'not_aws', text: `${address}: ${foreign(response)}` }
  const kind = kindOf(error)
  const action = kind === 'denied' ? /\bperform: ([a-z\d-]{1,40}:[A-Za-z]{1,60})\b/.exec(error.message)?.[1] : undefined
  const more = kind === 'denied' ? deniedBecause(error.message, action) : (inWords[kind] ?? refusedMail(error))
  const scope = kind === 'bad_request' && isOtherScope(error) ? ': the endpoint is of another region or service' : ''
  return { kind, action, status, text: `${address}: HTTP ${status} ${error.type}${more}${scope}` }
}

/** The types of AWS are not for readers: one of them stands for a wrong secret and for a wrong clock. */
const inWords: Partial<Record<AwsFault, string>> = {
  key_unknown: ': AWS does not know the access key',
  secret_wrong: ': the secret key is not that of the access key',
  clock_skewed: ': the time in the signature is too far from the clock of AWS',
  token_expired: ': the token has expired',
  region_disabled: ': the account has no SES in this region',
}

/** Of SendEmail: https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html#API_SendEmail_Errors */
function refusedMail({ type, message }: AwsError): string {
  switch (bareType(type)) {
    case 'MessageRejected':
      return /\bnot verified\b/i.test(message)
        ? ': an address, or its domain, is not verified in this region'
        : ': SES does not take the mail'
    case 'MailFromDomainNotVerified':
      return ': the MAIL FROM domain of the sender is not verified'
    case 'AccountSuspended':
      return ': the account may not send any more'
    case 'SendingPaused':
      return ': sending is paused'
    case 'LimitExceeded':
      return ': a limit of the account is reached'
    default:
      return ''
  }
}

interface AwsError {
  readonly type: string
  readonly message: string
}

/**
 * The type is in a header, with a URL behind a colon at times, or in the body, with a namespace before a #. Anybody's JSON
 * has a `code`, so there it has to be one of AWS.
 * https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html#operation-error-serialization
 */
function errorIn({ headers, body }: HttpResponse, xml: boolean): AwsError | undefined {
  const fields = fieldsIn(body) ?? {}
  const { __type, code, message, Message } = fields
  const header = headers['x-amzn-errortype']
  const ofBody =
    xml && body.includes('<Error>') ? typeIn(textIn(body, 'Code')) : (typeIn(__type) ?? known(typeIn(code)))
  // A page has it only if it was made to look like AWS.
  const ofHeader = body.trimStart().startsWith('<') && !xml ? undefined : typeIn(header)
  const type = ofHeader ?? ofBody
  if (type === undefined) return undefined
  const said = [message, Message, xml ? textIn(body, 'Message') : undefined].find(one => typeof one === 'string')
  return { type, message: typeof said === 'string' ? said.slice(0, 4_000) : '' }
}

function typeIn(said: unknown): string | undefined {
  if (typeof said !== 'string') return undefined
  const bare = said.slice(0, 300).split(/[,:]/)[0]?.split('#').at(-1)?.trim() ?? ''
  return /^[A-Za-z][\w.]{0,99}$/.test(bare) ? bare : undefined
}

const known = (type: string | undefined): string | undefined =>
  type !== undefined && (Object.hasOwn(kinds, bareType(type)) || type.endsWith('Exception')) ? type : undefined

/** SES v2 names them with `Exception` at the end, SES v1 and STS without. */
const bareType = (type: string): string => type.replace(/Exception$/, '')

const kinds: Readonly<Record<string, AwsFault>> = {
  UnrecognizedClient: 'key_unknown',
  InvalidClientTokenId: 'key_unknown',
  InvalidAccessKeyId: 'key_unknown',
  InvalidToken: 'key_unknown',
  InvalidSignature: 'secret_wrong',
  SignatureDoesNotMatch: 'secret_wrong',
  RequestExpired: 'clock_skewed',
  RequestTimeTooSkewed: 'clock_skewed',
  ExpiredToken: 'token_expired',
  AccessDenied: 'denied',
  NotAuthorized: 'denied',
  OptInRequired: 'region_disabled',
  SubscriptionRequired: 'region_disabled',
  RegionDisabled: 'region_disabled',
  TooManyRequests: 'throttled',
  Throttling: 'throttled',
  RequestThrottled: 'throttled',
  RequestLimitExceeded: 'throttled',
  NotFound: 'not_found',
  BadRequest: 'bad_request',
  MissingAuthenticationToken: 'bad_request',
  IncompleteSignature: 'bad_request',
  Validation: 'bad_request',
  ValidationError: 'bad_request',
  InvalidParameterValue: 'bad_request',
  InvalidAction: 'bad_request',
  UnknownOperation: 'bad_request',
}

function kindOf(error: AwsError): AwsFault {
  const type = bareType(error.type)
  const kind = Object.hasOwn(kinds, type) ? kinds[type] : undefined
  if (kind !== 'secret_wrong') return kind ?? 'error'
  if (/\bsignature (?:expired|not yet current)/i.test(error.message)) return 'clock_skewed'
  return isOtherScope(error) ? 'bad_request' : 'secret_wrong'
}

const isOtherScope = ({ message }: AwsError): boolean => /\bcredential should be scoped to/i.test(message)

/** The kind of policy decides where to look. */
function deniedBecause(message: string, action: string | undefined): string {
  const [, explicit] = /\bwith an explicit deny in an? ([A-Za-z -]{1,60}policy)\b/.exec(message) ?? []
  const [, none] = /\bbecause no ([A-Za-z -]{1,60}policy) allows\b/.exec(message) ?? []
  const what = action === undefined ? '' : `: ${action} is not allowed`
  const why = explicit === undefined ? none && `no ${none} allows it` : `a ${explicit} denies it`
  return why === undefined ? what : `${what} (${why})`
}

/** What came in place of an answer of AWS. */
function foreign({ status, body }: HttpResponse): string {
  if (status >= 300 && status < 400) return `HTTP ${status}, a redirect, which is not followed`
  const start = body.slice(0, 500).trimStart().toLowerCase()
  const form = (): string => {
    if (start === '') return 'an empty body'
    if (start.startsWith('<!doctype html') || start.includes('<html')) return 'HTML'
    if (start.startsWith('<')) return 'XML'
    return fieldsIn(body) ? 'JSON of another kind' : 'a body that is no JSON, or only part of it'
  }
  return `HTTP ${status} with ${form()}, which is no answer of AWS`
}
