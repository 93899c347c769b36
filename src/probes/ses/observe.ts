import { Unresolved, describeError } from '../../core/errors.ts'
import type { Look } from '../../core/probe.ts'
import type { Resolvable } from '../../core/reference.ts'
import { sourceOf } from '../../core/source.ts'
import { lint, type Lint, type SettingName } from './lint.ts'
import type { SesTarget } from './target.ts'

export type SesSetting = (Lint | { readonly state: 'unreadable'; readonly why: string }) & {
  /** Its source, as text. */
  readonly source: string
}

/** The form of each setting. The values stay in here. */
export interface SesSeen {
  readonly settings: Readonly<Record<SettingName, SesSetting>>
}

/** Fetches the three settings. If one cannot be read, the other two are judged all the same. */
export async function observe(target: SesTarget, look: Look): Promise<SesSeen> {
  const setting = (name: SettingName): Promise<SesSetting> => observeSetting(name, target[name], look)
  const [access_key, secret_key, region] = await Promise.all([
    setting('access_key'),
    setting('secret_key'),
    setting('region'),
  ])
  return { settings: { access_key, secret_key, region } }
}

async function observeSetting(name: SettingName, from: Resolvable, look: Look): Promise<SesSetting> {
  const source = sourceOf(from)
  // A readable source without such a key gives the default, so '' means "absent", not "could not be read".
  const orEmpty = typeof from === 'object' ? { ...from, default: from.default ?? '' } : from
  try {
    const value = await look.secret(name, orEmpty)
    return { ...lint(name, value), source }
  } catch (error) {
    if (error instanceof Unresolved) return { state: 'unreadable', why: describeError(error), source }
    throw error
  }
}
