import { misfit, shapes } from '../core/shape.ts'
import { readUrl, type Security } from '../probes/smtp/url.ts'
import { firstSet, isSet, isYes, valueOf, whyUnreadable, type AppSettings } from './settings.ts'
import type { Entry, Line } from './yaml.ts'

const urlNames = ['SMTP_URL', 'MAIL_URL', 'EMAIL_URL', 'MAILER_DSN', 'MAILER_URL', 'MAIL_DSN', 'EMAIL_SERVER']
/** As nodemailer, Laravel, Django, NextAuth and Spring have them. */
const prefixes = ['SMTP', 'MAIL', 'EMAIL', 'EMAIL_SERVER', 'SPRING_MAIL']
const overSmtp = /^["']?(?:smtps?|submissions?)(?:\+\w+)?:/i

/** The relay of an application: its target, and the settings that it is made of. */
export interface Relay {
  readonly entry: Entry
  readonly keys: readonly string[]
}

/** The relay of the application by its usual settings. `isWanted`: it says that it sends by SMTP, so one is missing. */
export function relayOf(settings: AppSettings, isWanted: boolean): Relay | undefined {
  const url = urlNames.find(
    key => whyUnreadable(settings, key) !== undefined || overSmtp.test(valueOf(settings, key) ?? ''),
  )
  if (url !== undefined) return byUrl(settings, url)
  const prefix = prefixes.find(one => firstSet(settings, hostNames(one)) !== undefined)
  if (prefix === undefined && !isWanted) return undefined
  return byHost(settings, prefix ?? 'SMTP')
}

function byUrl(settings: AppSettings, key: string): Relay {
  const value = valueOf(settings, key)
  const reading = value === undefined ? undefined : readUrl(value)
  const why =
    value === undefined ? whyUnreadable(settings, key) : reading?.kind === 'not_understood' ? reading.why : undefined
  const notes = [
    `${key} of ${settings.place}`,
    ...(why === undefined ? [] : [`Fix it first, the check is unknown until then: ${why}.`]),
    ...(reading?.kind === 'plan' && reading.plan.user === undefined ? ['It has no user, so no login is tried.'] : []),
  ]
  return {
    entry: {
      notes,
      lines: [
        ['name', `${settings.app} ${key}`],
        ['url', settings.reference(key), settings.at(key)],
      ],
    },
    keys: [key],
  }
}

const hostNames = (prefix: string): string[] => [`${prefix}_HOST`, `${prefix}_SERVER`, `${prefix}_HOSTNAME`]

function byHost(settings: AppSettings, prefix: string): Relay {
  const of = (...ends: readonly string[]): readonly string[] => ends.map(end => `${prefix}_${end}`)
  const host = firstSet(settings, hostNames(prefix))
  const port = firstSet(settings, of('PORT'))
  const user = firstSet(settings, of('USER', 'USERNAME', 'LOGIN', 'HOST_USER'))
  const password = firstSet(settings, of('PASS', 'PASSWORD', 'HOST_PASSWORD'))
  const needed = (found: string | undefined, other: string | undefined, name: string): Line[] => {
    const key = name.endsWith('USER') ? 'user' : 'password'
    if (found !== undefined) return [[key, settings.reference(found), settings.at(found)]]
    return other === undefined ? [] : [[key, settings.reference(name), 'missing']]
  }
  const [security, because] = securityOf(settings, prefix, port)
  const missing = [
    ...(host === undefined ? [`${prefix}_HOST`] : []),
    ...(user !== undefined && password === undefined ? [`${prefix}_PASS`] : []),
    ...(user === undefined && password !== undefined ? [`${prefix}_USER`] : []),
  ]
  const notes = [
    `${host ?? `${prefix}_HOST`} of ${settings.place}`,
    ...missing.map(name => `Missing: ${name}. The check is unknown until its reference below leads to a value.`),
    ...(missing.includes(`${prefix}_PASS`)
      ? ['If it is in a Vault: password: { vault: { target: NAME, path: secret/data/…, key: … } }']
      : []),
    ...(user === undefined && password === undefined ? ['There is no user, so no login is tried.'] : []),
    ...oddities(settings, host, port),
  ]
  return {
    entry: {
      notes,
      lines: [
        ['name', `${settings.app} ${prefix.replace(/_.*/, '')}`],
        ['host', settings.reference(host ?? `${prefix}_HOST`), host === undefined ? 'missing' : settings.at(host)],
        ...(port === undefined ? [] : [['port', settings.reference(port), settings.at(port)] as const]),
        ['security', security, because],
        ...needed(user, password, `${prefix}_USER`),
        ...needed(password, user, `${prefix}_PASS`),
      ],
    },
    keys: [host, port, user, password].flatMap(key => key ?? []),
  }
}

/** Values that look like something else. */
function oddities(settings: AppSettings, host: string | undefined, port: string | undefined): string[] {
  const check = (key: string | undefined, shape: typeof shapes.host | typeof shapes.port): string[] => {
    if (key === undefined) return []
    const value = valueOf(settings, key)
    if (value === undefined) return [`Fix it first: ${whyUnreadable(settings, key) ?? key}.`]
    return shape.read(value) === undefined ? [`Fix it first, ${key}: ${misfit(value, shape)}.`] : []
  }
  return [...check(host, shapes.host), ...check(port, shapes.port)]
}

/** What the application does about TLS, and what that follows from. */
function securityOf(settings: AppSettings, prefix: string, port: string | undefined): readonly [Security, string] {
  const number = port === undefined ? undefined : valueOf(settings, port)?.trim()
  const guess = (): readonly [Security, string] => {
    const why = `by ${port ?? 'the default port'}; tls, starttls, opportunistic or none, as the application has it`
    if (number === '465') return ['tls', why]
    return [number === undefined || number === '587' ? 'starttls' : 'opportunistic', why]
  }
  const value = (end: string): string => valueOf(settings, `${prefix}_${end}`)?.trim().toLowerCase() ?? ''
  const scheme = ['ENCRYPTION', 'SCHEME'].find(end => isSet(settings, `${prefix}_${end}`))
  if (scheme !== undefined) {
    const by = `by ${prefix}_${scheme}`
    if (/^(?:ssl|smtps)$/.test(value(scheme)) || number === '465') return ['tls', by]
    return [/tls/.test(value(scheme)) ? 'starttls' : 'opportunistic', by]
  }
  const direct = ['SECURE', 'SSL', 'USE_SSL'].find(end => isYes(value(end)))
  if (direct !== undefined) return ['tls', `by ${prefix}_${direct}`]
  const later = ['TLS', 'USE_TLS', 'STARTTLS', 'REQUIRE_TLS'].find(end => isYes(value(end)))
  if (later !== undefined) return [number === '465' ? 'tls' : 'starttls', `by ${prefix}_${later}`]
  if (isSet(settings, `${prefix}_SECURE`) && number !== '465') return ['opportunistic', `by ${prefix}_SECURE`]
  return guess()
}
