import type { Look } from '../../core/probe.ts'
import type { SesSeen } from './seen.ts'
import { observeSetting, type SettingName } from './settings.ts'
import type { SesTarget } from './target.ts'

/** Fetches the settings. If one cannot be read, the others are judged all the same. Then asks SES, if it can. */
export async function observe(target: SesTarget, look: Look): Promise<SesSeen> {
  const setting = (name: SettingName) => observeSetting(name, target[name] ?? '', look)
  const [access_key, secret_key, region] = await Promise.all([
    setting('access_key'),
    setting('secret_key'),
    setting('region'),
  ])
  return { settings: { access_key, secret_key, region } }
}
