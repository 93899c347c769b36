import { domainToASCII } from 'node:url'
import type { ConnectionOptions } from 'node:tls'
import { isQuoted } from '../../core/looks-like.ts'
import { misfit, shapes } from '../../core/shape.ts'
import { doubtInConnection, percentDecoded } from '../../core/url-doubt.ts'
import type { Method } from './mechanisms.ts'

export const securities = ['starttls', 'tls', 'none', 'opportunistic'] as const
export type Security = (typeof securities)[number]

/** nodemailer's own limits, in milliseconds, if the URL sets them. */
export interface Waits {
  readonly connectionTimeout?: number
  readonly greetingTimeout?: number
  readonly socketTimeout?: number
}

/** What an application does with a URL. */
export interface UrlPlan {
  readonly host: string
  readonly port: number
  readonly security: Security
  readonly user: string | undefined
  readonly password: string | undefined
  readonly hello: string | undefined
  readonly servername: string | undefined
  readonly verify: boolean | undefined
  readonly method: Method
  /** nodemailer's `forceAuth`. */
  readonly force: boolean
  readonly waits: Waits
  readonly tls: Pick<ConnectionOptions, 'minVersion' | 'maxVersion' | 'ciphers'>
}

type UrlReading =
  | {
      readonly kind: 'plan'
      readonly plan: UrlPlan
      /** Parameters that do not affect a session. */
      readonly ignored: readonly string[]
    }
  /** It may have an effect, and cannot be followed here. `why` names the parameter or the form, and no value. */
  | { readonly kind: 'not_understood'; readonly why: string }

/** A service whose host nodemailer knows (lib/well-known); else false. */
export type WellKnown = (service: string) => Readonly<Record<string, unknown>> | false

/** Schemes of nodemailer and of more precise clients. Only `submission` implies a port (RFC 6409, RFC 8314). */
const schemes: Readonly<Record<string, Scheme>> = {
  smtp: { secure: false },
  smtps: { secure: true },
  direct: {},
  'smtp+starttls': { secure: false, starttls: true, foreign: true },
  'smtp+tls': { secure: false, starttls: true, foreign: true },
  'smtp+ssl': { secure: true, foreign: true },
  submission: { secure: false, starttls: true, port: 587 },
  submissions: { secure: true, port: 465 },
}
interface Scheme {
  readonly secure?: boolean
  readonly starttls?: boolean
  readonly port?: number
  /** For clients that disagree about the default port: Django uses 25. */
  readonly foreign?: boolean
}

/** https://symfony.com/doc/current/mailer.html#using-a-third-party-transport, and names for sending nothing. */
const otherForms: readonly (readonly [RegExp, string])[] = [
  [/^(?:failover|roundrobin)\s*\(/i, 'it is a list of transports of Symfony Mailer; make a target of each'],
  [
    /^(?:ses|gmail|mailgun|sendgrid|postmark|mailjet|brevo|sendinblue|mandrill|mailersend|mailtrap|resend|infobip|scaleway|azure|sweego|ahasend|mailpace|mailomat|postal)(?:\+\w+)?:\/\//i,
    'it is a transport of Symfony Mailer, which knows the host itself; set host, port, user and password',
  ],
  [
    /^(?:sendmail|native|null|log|array|failover|console|consolemail|filemail|memorymail|dummymail|mailto|file|json|stream):/i,
    'it is of a transport that is not SMTP',
  ],
  [
    /^(?:https?|wss?|postgres(?:ql)?|mysql|redis|amqps?|mongodb(?:\+srv)?|imaps?|pop3s?|ldaps?):/i,
    'it is the URL of something else',
  ],
]

/** They do not affect a session: pool, logging, composing. lib/smtp-pool, lib/shared, lib/mailer of nodemailer 10. */
const withoutEffect = new Set([
  ...['pool', 'maxConnections', 'maxMessages', 'maxRequeues', 'idleTimeout', 'rateDelta', 'rateLimit', 'dnsTtl'],
  ...['logger', 'debug', 'transactionLog', 'component', 'maxResponseSize', 'socketCloseTimeout'],
  ...['disableFileAccess', 'disableUrlAccess', 'attachDataUrls', 'textEncoding'],
])
/** The same in Symfony's SmtpTransport: they add pauses between messages or connections. */
const symfonyWithoutEffect = new Set([
  'restart_threshold',
  'restart_threshold_sleep',
  'ping_threshold',
  'max_per_second',
])
const symfony = new Set(['verify_peer', 'auto_tls', 'require_tls', 'local_domain', ...symfonyWithoutEffect])

const notUnderstood = (why: string): UrlReading => ({ kind: 'not_understood', why })
const quoted = notUnderstood('it is in quotes: `docker run --env-file` keeps them; take them out')
const expected = notUnderstood('expected a URL such as smtp://user:password@mail.example.com:587')

/**
 * How nodemailer 10 reads a connection URL (`parseConnectionUrl` in lib/shared, the transport, the connection). Pure. A
 * parameter that is unknown to nodemailer, or not followed here, gives `not_understood`; no text contains a value.
 */
export function readUrl(text: string, wellKnown: WellKnown = () => false): UrlReading {
  // With other characters before it, nodemailer does not take a text for a URL.
  if (/^[\0-\x20]/.test(text)) return notUnderstood('there is white space before it, which nodemailer does not take')
  const value = text.replace(/[\0-\x20]+$/, '')
  const form = otherForms.find(([pattern]) => pattern.test(value))
  if (form) return notUnderstood(form[1])
  const [, name = '', rest = ''] = /^([a-z][a-z\d+.-]*):(?:\/\/)?([^]*)$/i.exec(value) ?? []
  const scheme = Object.hasOwn(schemes, name.toLowerCase()) ? schemes[name.toLowerCase()] : undefined
  if (!scheme) return isQuoted(value) ? quoted : expected
  const doubt = doubtInConnection(`${name}://${rest}`)
  if (doubt !== undefined) return notUnderstood(`it cannot be split without doubt, since it ${doubt}`)
  const url = parse(`${name}://${rest}`)
  if (!url) return notUnderstood('it is no valid URL; is its host a name, and its port a number from 1 to 65535?')
  const query = queryOf(url)
  if (typeof query === 'string') return notUnderstood(query)
  return planOf(url, scheme, query, wellKnown)
}

const parse = (text: string): URL | undefined => (URL.canParse(text) ? new URL(text) : undefined)

/** A value as nodemailer converts it: a number if JavaScript takes it for one, so an empty text is 0. */
type Value = string | number | boolean
const convert = (value: string): Value =>
  !Number.isNaN(Number(value)) ? Number(value) : value === 'true' ? true : value === 'false' ? false : value

/** The parameters by name, or what is wrong with them. */
function queryOf({ searchParams }: URL): ReadonlyMap<string, Value> | string {
  const query = new Map<string, Value>()
  for (const [key, value] of searchParams) {
    if (query.has(key)) return `${named(key)} is given twice`
    query.set(key, convert(value))
  }
  return query
}

/** The name of a parameter, unless it does not look like one. */
const named = (key: string): string =>
  /^[A-Za-z][\w.-]{0,40}$/.test(key) ? `its parameter ${key}` : 'one of its parameters'

/** nodemailer's options: parts of the URL win over its query, and a known service over both. Adds to `ignored`. */
function optionsOf(
  url: URL,
  scheme: Scheme,
  query: ReadonlyMap<string, Value>,
  service: Readonly<Record<string, unknown>>,
  ignored: string[],
): Map<string, unknown> {
  const options = new Map<string, unknown>()
  const port = Number(url.port) || scheme.port
  const host = hostIn(url)
  if (scheme.secure !== undefined) options.set('secure', scheme.secure)
  if (port !== undefined) options.set('port', port)
  if (host !== '') options.set('host', host)
  for (const [key, value] of query)
    if (options.has(key) || (key.includes('.') && !key.startsWith('tls.'))) ignored.push(key)
    else options.set(key, value)
  for (const [key, value] of Object.entries(service)) if (key !== 'description') options.set(key, value)
  return options
}

function planOf(url: URL, scheme: Scheme, query: ReadonlyMap<string, Value>, wellKnown: WellKnown): UrlReading {
  const problems: string[] = []
  const ignored: string[] = []
  const service = query.get('service')
  const known = service === undefined ? false : wellKnown(String(service))
  const options = optionsOf(url, scheme, query, known === false ? {} : known, ignored)
  const take = (key: string): unknown => {
    const value = options.get(key)
    options.delete(key)
    return value
  }
  const flag = (key: string): boolean => Boolean(take(key))
  const read = <T>(key: string, parse: (value: unknown) => T | undefined): T | undefined => {
    const value = take(key)
    // nodemailer treats these as not given.
    if (value === undefined || value === '' || value === 0 || value === false) return undefined
    const result = parse(value)
    if (result === undefined) problems.push(`${named(key)} has a value that is not understood`)
    return result
  }
  take('service')

  const isSymfony = [...query.keys()].some(key => symfony.has(key))
  const port = read('port', number)
  if (port === undefined && (isSymfony || scheme.foreign === true))
    problems.push('it has no port, and clients with such URLs disagree about it: Symfony and Django take 25. Write it')
  const saidSecure = take('secure')
  const secure = isSymfony && saidSecure === false ? port === 465 : Boolean(saidSecure ?? port === 465)
  const [requireTls, ignoreTls, goesOn] = [flag('requireTLS'), flag('ignoreTLS'), flag('opportunisticTLS')]
  const [wantsTls, autoTls] = [isTrue(take('require_tls')), take('auto_tls')]
  const insists = requireTls || wantsTls || scheme.starttls === true
  if (goesOn && !secure && !insists)
    problems.push('its parameter opportunisticTLS (to go on after a refused STARTTLS) is not followed here')
  const [unverified, verifyPeer] = [take('tls.rejectUnauthorized') === false, take('verify_peer')]
  const [tlsName, name] = [read('tls.servername', text(isHost)), read('servername', text(isHost))]
  const plan: UrlPlan = {
    host: read('host', text(isHost)) ?? 'localhost',
    port: port ?? (secure ? 465 : 587),
    security: secure
      ? 'tls'
      : insists
        ? 'starttls'
        : ignoreTls || (autoTls !== undefined && !isTrue(autoTls))
          ? 'none'
          : 'opportunistic',
    user: percentDecoded(url.username) || undefined,
    password: percentDecoded(url.password) || undefined,
    hello: read('name', text(isHello)) ?? read('local_domain', text(isHello)),
    servername: tlsName ?? name,
    verify: unverified || (verifyPeer !== undefined && verifyPeer !== '' && !isTrue(verifyPeer)) ? false : undefined,
    method: read('authMethod', method) ?? 'auto',
    force: flag('forceAuth'),
    waits: {
      ...optional('connectionTimeout', read('connectionTimeout', number)),
      ...optional('greetingTimeout', read('greetingTimeout', number)),
      ...optional('socketTimeout', read('socketTimeout', number)),
    },
    tls: {
      ...optional('minVersion', read('tls.minVersion', version)),
      ...optional('maxVersion', read('tls.maxVersion', version)),
      ...optional('ciphers', read('tls.ciphers', text(isCiphers))),
    },
  }
  for (const key of options.keys())
    if (withoutEffect.has(key) || symfonyWithoutEffect.has(key)) ignored.push(key)
    else problems.push(whyNot(key))
  if (url.pathname !== '' && url.pathname !== '/') ignored.push('its path')
  if (!isHost(plan.host)) problems.push(`its host: ${misfit(plan.host, shapes.host)}`)
  if (plan.user !== undefined && shapes.user.read(plan.user) === undefined)
    problems.push(`its user: ${misfit(plan.user, shapes.user)}`)
  const [first] = problems
  return first === undefined ? { kind: 'plan', plan, ignored } : notUnderstood(first)
}

const text =
  (fits: (text: string) => boolean) =>
  (value: unknown): string | undefined =>
    fits(String(value)) ? String(value) : undefined
const number = (value: unknown): number | undefined =>
  typeof value === 'number' && value > 0 && value < 2 ** 31 ? value : undefined
const isHello = (text: string): boolean => shapes.hello.read(text) !== undefined
const isCiphers = (text: string): boolean => /^[\w:!+@=.-]+$/.test(text)
const version = (value: unknown) => tlsVersions.find(known => known === value)
const tlsVersions = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'] as const

const optional = <K extends string, T>(key: K, value: T | undefined): Partial<Record<K, T>> =>
  value === undefined ? {} : ({ [key]: value } as Record<K, T>)

/** nodemailer ignores XOAUTH2 if there is only a password. */
const method = (value: unknown): Method | undefined => {
  const name = String(value).trim().toLowerCase()
  return name === 'xoauth2' ? 'auto' : (['plain', 'login', 'cram-md5'] as const).find(known => known === name)
}

const isHost = (text: string): boolean => shapes.host.read(text) !== undefined

/** Without brackets, and in the form of DNS: the URL parser does not change the host of such schemes. */
function hostIn({ hostname }: URL): string {
  if (/^\[.*\]$/.test(hostname)) return hostname.slice(1, -1)
  return domainToASCII(percentDecoded(hostname))
}

/** As in PHP's FILTER_VALIDATE_BOOL, which Symfony uses. */
const isTrue = (value: unknown): boolean =>
  value === true || value === 1 || (typeof value === 'string' && /^(?:true|on|yes)$/i.test(value))

/** Parameters of other clients, so that the text can name the client. */
const foreign: readonly (readonly [RegExp, string])[] = [
  [
    /^(?:peer_fingerprint|source_ip|auth_mode|username|password|region|session_token|verify_peer|stream)$/,
    'of Symfony Mailer',
  ],
  [/^(?:encryption|auth_mode|timeout)$/, 'of Laravel'],
  [/^(?:ssl|tls|use_tls|use_ssl|ssl_certfile|ssl_keyfile)$/i, 'of Django'],
  [/^(?:enable_starttls|enable_starttls_auto|authentication|openssl_verify_mode|domain)$/, 'of Rails'],
]

function whyNot(key: string): string {
  if (['sendmail', 'SES', 'streamTransport', 'jsonTransport'].includes(key))
    return `with ${named(key)} nodemailer does not use SMTP`
  const of = foreign.find(([pattern]) => pattern.test(key))?.[1]
  return of === undefined
    ? `${named(key)} is not followed here`
    : `${named(key)} is ${of}, and nodemailer passes over it`
}
