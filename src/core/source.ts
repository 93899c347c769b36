import { checkId } from './probe.ts'
import type { Reference, Resolvable, SettingsSource } from './reference.ts'

/**
 * Where a value of the config comes from, for people: `env SMTP_PASS`, `vault vault-01 secret/data/app#KEY`. Never a
 * value, nor a default.
 */
export function sourceOf(value: Resolvable | SettingsSource): string {
  if (typeof value !== 'object') return 'the config file'
  const { part, ...whole }: Reference = asReference(value)
  return part === undefined ? placeOf(whole) : `${placeOf(whole)} (${part})`
}

function placeOf({ env, file, credential, dotenv, ini, section, key, vault, kubernetes }: Reference): string {
  if (env !== undefined) return `env ${env}`
  if (file !== undefined) return `file ${file}`
  if (credential !== undefined) return `credential ${credential}`
  if (dotenv !== undefined) return withKey(`dotenv ${dotenv}`, key)
  if (ini !== undefined) return withKey(`ini ${ini} [${section ?? ''}]`, key)
  if (vault) return withKey(`vault ${vault.target} ${vault.path}`, vault.key)
  if (!kubernetes) return 'nowhere'
  const { namespace, secret } = kubernetes
  return withKey(`kubernetes ${namespace === undefined ? '' : `${namespace}/`}${secret}`, kubernetes.key)
}

/** The name of the one API server that Secrets are read from. */
export const apiServer = 'api-server'

/**
 * The check of the system that a reference is read from, if there is one: `vault/vault-01`. When that system is down,
 * it is the cause, and not what reads from it.
 */
export function checkBehind({ vault, kubernetes }: Behind): string | undefined {
  if (vault) return checkId({ probe: 'vault', target: vault.target })
  return kubernetes && checkId({ probe: 'kubernetes', target: apiServer })
}

interface Behind {
  readonly vault?: { readonly target: string } | undefined
  readonly kubernetes?: object | undefined
}

/** Whether a text is about a value that is read from the system of that check: it contains what `sourceOf` returns. */
export function isAbout(text: string, check: { readonly probe: string; readonly target: string }): boolean {
  return text.includes(check.probe === 'vault' ? `vault ${check.target} ` : `${check.probe} `)
}

const withKey = (place: string, key: string | undefined): string => (key ? `${place}#${key}` : place)

/** The source of all settings: a reference without a key. */
const asReference = (value: Reference | SettingsSource): Reference => {
  const { kubernetes, ...rest } = value
  return kubernetes ? { ...rest, kubernetes: { key: '', ...kubernetes } } : rest
}
