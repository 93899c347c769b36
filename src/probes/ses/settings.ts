import { isRegion } from '../../clients/aws/endpoints.ts'
import { isSmtpPassword } from '../../clients/aws/smtp-password.ts'
import { Unresolved, describeError } from '../../core/errors.ts'
import type { Look } from '../../core/probe.ts'
import type { Resolvable } from '../../core/reference.ts'
import type { Shape } from '../../core/shape.ts'
import { sourceOf } from '../../core/source.ts'

/** The settings an application needs to send through SES. */
export const settingNames = ['access_key', 'secret_key', 'region'] as const
export type SettingName = (typeof settingNames)[number]

/** What can be wrong with a value, as the end of a sentence that begins with the setting. */
export const faults = {
  placeholder: 'is a placeholder, not a value',
  white_space: 'has white space or a newline around it (made with `kubectl create secret --from-file`?)',
  not_an_access_key: 'is not shaped like an access key id (AKIA and 16 capitals or digits)',
  temporary_access_key:
    'is a temporary key, and `session_token` has none for it: AWS does not take it without its session token',
  not_a_secret_key: 'is not shaped like a secret access key (40 letters, digits, / or +)',
  smtp_password: 'is an SES SMTP password, made from a secret access key: the SES API does not take it',
  not_a_region: 'is not shaped like a region (eu-west-1)',
} as const
export type Fault = keyof typeof faults

/** What the value of a setting looks like; never the value. */
export type Lint =
  | { readonly state: 'absent' }
  | { readonly state: 'well_formed' }
  | { readonly state: 'malformed'; readonly fault: Fault }

export type SesSetting = (Lint | { readonly state: 'unreadable'; readonly why: string }) & {
  /** Its source, as text. */
  readonly source: string
}

/** A setting, and its value if it could be read. The value stays with the caller. */
export interface ReadSetting {
  readonly setting: SesSetting
  readonly value?: string
}

/** Reads a setting and looks at its form. */
export async function readSetting(name: SettingName, from: Resolvable, look: Look): Promise<ReadSetting> {
  const source = sourceOf(from)
  // A readable source without such a key gives the default, so '' means "absent", not "could not be read".
  const orEmpty = typeof from === 'object' ? { ...from, default: from.default ?? '' } : from
  try {
    const value = name === 'region' ? await readRegion(orEmpty, look) : await look.secret(name, orEmpty)
    return { setting: { ...lint(name, value), source }, value }
  } catch (error) {
    if (!(error instanceof Unresolved)) throw error
    return { setting: { state: 'unreadable', why: describeError(error), source } }
  }
}

const anyText: Shape = { expected: 'a text', read: text => text }

/** A region is no secret: it is in the address of SES. What is no region may be one. */
async function readRegion(from: Resolvable, look: Look): Promise<string> {
  const value = await look.text('region', from, anyText)
  if (lint('region', value).state === 'malformed') look.conceal(value)
  return value
}

/** The value of a setting that SES can accept. */
export const usable = ({ setting, value }: ReadSetting): string | undefined =>
  setting.state === 'well_formed' ? value : undefined

/** With a session token a temporary access key is right. */
export function withToken(accessKey: ReadSetting): ReadSetting {
  const { setting } = accessKey
  return setting.state === 'malformed' && setting.fault === 'temporary_access_key'
    ? { ...accessKey, setting: { state: 'well_formed', source: setting.source } }
    : accessKey
}

/** Looks at a value without asking anybody. Well-formed does not mean that SES takes it. */
export function lint(name: SettingName, value: string): Lint {
  const bare = value.trim()
  if (bare === '') return { state: 'absent' }
  const around = bare === value ? undefined : 'white_space'
  const fault = placeholder.test(bare) ? 'placeholder' : (shapeFault[name](bare) ?? around)
  return fault ? { state: 'malformed', fault } : { state: 'well_formed' }
}

const words =
  'change[-_ ]?(me|it)|replace[-_ ]?me|test(ing)?|todo|tbd|dummy|fake|foo|bar|none|null|undefined|any[-_ ]?string|redacted|secret|region|placeholder'
/** Words people leave in place of a value, the examples of the AWS manual, and templates that were not filled in. */
const placeholder = new RegExp(
  `^(?:${words}|x+|\\*+|\\.{2,}|…|your[-_ ].*|.*example(key)?|<.*>|\\$\\{.*\\}|\\{\\{.*\\}\\}|\\[.*\\])$`,
  'i',
)

function accessKeyFault(value: string): Fault | undefined {
  if (!/^(?:AKIA|ASIA)[A-Z0-9]{16}$/.test(value)) return 'not_an_access_key'
  return value.startsWith('ASIA') ? 'temporary_access_key' : undefined
}

function secretKeyFault(value: string): Fault | undefined {
  if (isSmtpPassword(value)) return 'smtp_password'
  return /^[A-Za-z0-9/+=]{40}$/.test(value) ? undefined : 'not_a_secret_key'
}

const regionFault = (value: string): Fault | undefined => (isRegion(value) ? undefined : 'not_a_region')

const shapeFault: Record<SettingName, (value: string) => Fault | undefined> = {
  access_key: accessKeyFault,
  secret_key: secretKeyFault,
  region: regionFault,
}
