import type { Reference, Resolvable, SettingsSource } from './probe.ts'

/**
 * Where a value of the config comes from, for a human: `env SMTP_PASS`, `vault vault-01 secret/data/app#KEY`. Never a value,
 * nor the default that stands in for one.
 */
export function sourceOf(value: Resolvable | SettingsSource): string {
  if (typeof value !== 'object') return 'the config file'
  const { env, file, credential, dotenv, key, vault, kubernetes }: Reference = asReference(value)
  if (env !== undefined) return `env ${env}`
  if (file !== undefined) return `file ${file}`
  if (credential !== undefined) return `credential ${credential}`
  if (dotenv !== undefined) return withKey(`dotenv ${dotenv}`, key)
  if (vault) return withKey(`vault ${vault.target} ${vault.path}`, vault.key)
  if (!kubernetes) return 'nowhere'
  const { namespace, secret } = kubernetes
  return withKey(`kubernetes ${namespace === undefined ? '' : `${namespace}/`}${secret}`, kubernetes.key)
}

const withKey = (place: string, key: string | undefined): string => (key ? `${place}#${key}` : place)

/** A source of all settings is a reference that has no key yet. */
const asReference = (value: Reference | SettingsSource): Reference => {
  const { kubernetes, ...rest } = value
  return kubernetes ? { ...rest, kubernetes: { key: '', ...kubernetes } } : rest
}
