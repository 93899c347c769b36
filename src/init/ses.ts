import { firstSet, isSet, type AppSettings } from './settings.ts'
import type { Entry, Line } from './yaml.ts'

const names = {
  access: ['AWS_SES_ACCESS_KEY', 'AWS_SES_ACCESS_KEY_ID', 'SES_ACCESS_KEY_ID', 'SES_ACCESS_KEY', 'SES_KEY'],
  secret: [
    ...['AWS_SES_SECRET_KEY', 'AWS_SES_SECRET_ACCESS_KEY', 'SES_SECRET_ACCESS_KEY'],
    ...['SES_SECRET_KEY', 'SES_SECRET'],
  ],
  region: ['AWS_SES_REGION', 'SES_REGION'],
} as const
/** Of the account as a whole: they count if nothing names SES alone. */
const general = {
  access: 'AWS_ACCESS_KEY_ID',
  secret: 'AWS_SECRET_ACCESS_KEY',
  region: ['AWS_REGION', 'AWS_DEFAULT_REGION'],
} as const
const from = ['AWS_SES_FROM', 'SES_FROM', 'SES_FROM_EMAIL', 'EMAIL_FROM', 'MAIL_FROM', 'MAIL_FROM_ADDRESS', 'SMTP_FROM']
const configurationSet = ['AWS_SES_CONFIGURATION_SET', 'SES_CONFIGURATION_SET']

/** The SES of an application: its target, and the settings that it is made of. */
interface Ses {
  readonly entry: Entry
  readonly keys: readonly string[]
}

/** The SES of the application by its usual settings. `isWanted`: it says that it sends by SES. */
export function sesOf(settings: AppSettings, isWanted: boolean): Ses | undefined {
  const own = [...names.access, ...names.secret, ...names.region].some(key => isSet(settings, key))
  if (!own && !isWanted) return undefined
  const access = firstSet(settings, [...names.access, general.access])
  const secret = firstSet(settings, [...names.secret, general.secret])
  const region = firstSet(settings, [...names.region, ...general.region])
  const token = access === general.access ? firstSet(settings, ['AWS_SESSION_TOKEN']) : undefined
  const [sender, set] = [firstSet(settings, from), firstSet(settings, configurationSet)]
  const needed = (key: string, found: string | undefined, usual: string): Line => [
    key,
    settings.reference(found ?? usual),
    found === undefined ? 'missing' : settings.at(found),
  ]
  const more = (key: string, found: string | undefined): Line[] =>
    found === undefined ? [] : [[key, settings.reference(found), settings.at(found)]]
  return {
    entry: {
      notes: [
        `SES, by the settings of ${settings.place}`,
        ...(access === undefined && secret === undefined
          ? [
              'Missing: keys. If the application has a role, write `credentials: instance`, container or web_identity instead.',
            ]
          : []),
        'If its SES sender is only a stub, add: implemented: false',
      ],
      lines: [
        ['name', `${settings.app} SES`],
        needed('access_key', access, names.access[0]),
        needed('secret_key', secret, names.secret[0]),
        ...more('session_token', token),
        needed('region', region, names.region[0]),
        ...more('from', sender),
        ...more('configuration_set', set),
      ],
    },
    keys: [access, secret, region].flatMap(key => key ?? []),
  }
}
