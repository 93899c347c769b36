import type { Unreadable } from '../core/reference.ts'
import type { Value } from './yaml.ts'

/** The settings of an application, from a file or from a Secret. Their values are looked at, and never written anywhere. */
export interface AppSettings {
  /** Begins the names of its targets. */
  readonly app: string
  /** The file or the Secret, for people. */
  readonly place: string
  readonly values: Readonly<Record<string, string | Unreadable>>
  /** Where a setting is in its place: `line 4`. */
  readonly at: (key: string) => string
  readonly reference: (key: string, more?: Readonly<Record<string, string>>) => Value
  /** The place itself, for `settings.from`. */
  readonly from: Value
  /** Packages of its `package.json` that are installed, and the folder; none if there is no such file. */
  readonly packages?: { readonly folder: string; readonly installed: readonly string[] } | undefined
}

/** The value of a setting; undefined if it is not set, empty, or unreadable. */
export function valueOf({ values }: AppSettings, key: string): string | undefined {
  const value = Object.hasOwn(values, key) ? values[key] : undefined
  return typeof value === 'string' && value.trim() !== '' ? value : undefined
}

/** Why a setting that is there cannot be used. Begins with its name. */
export function whyUnreadable({ values }: AppSettings, key: string): string | undefined {
  const value = Object.hasOwn(values, key) ? values[key] : undefined
  return typeof value === 'object' ? `${key} ${value.why}` : undefined
}

export const isSet = (settings: AppSettings, key: string): boolean =>
  valueOf(settings, key) !== undefined || whyUnreadable(settings, key) !== undefined

/** The first of these that is set. */
export const firstSet = (settings: AppSettings, keys: readonly string[]): string | undefined =>
  keys.find(key => isSet(settings, key))

/** How an application writes yes and no. */
export const isYes = (text = ''): boolean => /^(?:1|true|yes|on)$/i.test(text.trim())
