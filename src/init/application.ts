import { providers, type Provider } from '../probes/mail/index.ts'
import type { Database } from './database.ts'
import { databasesOf } from './databases.ts'
import { relayOf } from './relay.ts'
import { sesOf } from './ses.ts'
import { firstSet, valueOf, type AppSettings } from './settings.ts'
import { nameOf, type Entry, type Value } from './yaml.ts'

/** What a source of settings says about an application. */
export interface Application {
  readonly settings: AppSettings
  readonly databases: readonly Database[]
  /** What was found and left out, and why. */
  readonly notes: readonly string[]
  readonly smtp: readonly Entry[]
  readonly ses: readonly Entry[]
  /** The settings that were found. */
  readonly keys: readonly string[]
  /** The setting that says what it sends with, if it is set, and what that is, if it is known here. */
  readonly providerKey: string | undefined
  readonly provider: Provider | undefined
}

const providerNames = [
  ...['EMAIL_PROVIDER', 'MAIL_PROVIDER', 'MAILER_PROVIDER', 'EMAIL_TRANSPORT', 'MAIL_TRANSPORT'],
  ...['MAIL_MAILER', 'MAIL_DRIVER'],
]

export function applicationIn(settings: AppSettings): Application {
  const providerKey = firstSet(settings, providerNames)
  const said = providerKey === undefined ? undefined : valueOf(settings, providerKey)?.trim().toLowerCase()
  const provider = providers.find(one => one === said)
  const { found: databases, notes } = databasesOf(settings)
  const [relay, ses] = [relayOf(settings, provider === 'smtp'), sesOf(settings, provider === 'ses')]
  const keys = [
    ...databases.map(({ key }) => key),
    ...(relay?.keys ?? []),
    ...(ses?.keys ?? []),
    ...(providerKey === undefined ? [] : [providerKey]),
  ]
  return {
    settings,
    databases,
    notes: [
      ...notes,
      ...(databases.length === 0 ? [`Missing in ${settings.place}: a database (DATABASE_URL, PGHOST).`] : []),
      ...(relay || ses ? [] : [`Missing in ${settings.place}: a way out of mail (${usualWays}).`]),
    ],
    smtp: relay ? [relay.entry] : [],
    ses: ses ? [ses.entry] : [],
    keys: [...new Set(keys)],
    providerKey,
    provider,
  }
}

const usualWays = 'SMTP_HOST, MAIL_URL, AWS_SES_ACCESS_KEY'

/** Whether it has a way out, or says that it has one. */
export const sendsMail = ({ smtp, ses, providerKey }: Application): boolean =>
  smtp.length + ses.length > 0 || providerKey !== undefined

export const writePathName = ({ settings }: Application, { key }: Database): string => `${settings.app} ${key}`

/** The databases that its mail needs: its own one by the usual name, or all if none has that. */
export const neededDatabases = ({ databases }: Application): readonly Database[] => {
  const own = databases.find(({ key }) => key === 'DATABASE_URL')
  return own ? [own] : databases
}

/** The settings that were found have to stay. */
export function settingsEntry({ settings, keys }: Application): Entry | undefined {
  const readable = keys.filter(key => valueOf(settings, key) !== undefined)
  if (readable.length === 0) return undefined
  const expected = Object.fromEntries(readable.map((key): [string, Value] => [key, { present: true }]))
  return {
    lines: [
      ['name', settings.app],
      ['from', settings.from],
      ['expect', expected],
    ],
  }
}

/** What is installed now has to stay. */
export function packagesEntry({ settings: { app, packages }, smtp, ses }: Application): Entry | undefined {
  const needed = packages?.installed.filter(name => (name.startsWith('@aws-sdk/') ? ses : smtp).length > 0) ?? []
  if (!packages || needed.length === 0) return undefined
  return {
    lines: [
      ['name', app],
      ['folder', packages.folder],
      ['require', needed],
    ],
  }
}

/** The mail path of an application. `writePaths`: the names of those that it needs. */
export function mailEntry(application: Application, writePaths: readonly string[]): Entry {
  const { settings, smtp, ses, providerKey, provider } = application
  const usual = smtp.length === 0 && ses.length > 0 ? 'ses' : 'smtp'
  const left = application.databases
    .map(database => writePathName(application, database))
    .filter(name => !writePaths.includes(name))
  const named = (entries: readonly Entry[]): string[] => entries.flatMap(entry => nameOf(entry) ?? [])
  return {
    notes: [
      ...(left.length > 0 ? [`If its mail needs them too, add to write_path: ${left.join(', ')}`] : []),
      ...(smtp.length > 0 && ses.length > 0
        ? ['Missing: `fallback: smtp`, ses or none, which is what its sender does if the provider fails.']
        : []),
    ],
    lines: [
      ['name', settings.app],
      [
        'provider',
        settings.reference(providerKey ?? 'EMAIL_PROVIDER', providerKey === undefined ? { default: usual } : {}),
        providerKey === undefined
          ? `not set: ${usual} is what it sends with`
          : `${settings.at(providerKey)}${provider === undefined ? `; neither of ${providers.join(' and ')}, so mail is unknown` : ''}`,
      ],
      ['write_path', writePaths],
      ['smtp', named(smtp)],
      ['ses', named(ses)],
      ['settings', settingsEntry(application) ? [settings.app] : []],
      ['packages', packagesEntry(application) ? [settings.app] : []],
    ],
  }
}
