import type { KubernetesSecret, Reference, SettingsSource } from '../core/probe.ts'

/** A reference as it stands in the configuration, without its default: that is a value. */
export function written({ env, file, credential, dotenv, key, kubernetes: secret, vault }: Reference): string {
  if (secret) return `{kubernetes: {${ofSecret(secret)}, key: ${secret.key}}}`
  if (vault) return `{vault: {target: ${vault.target}, path: ${vault.path}, key: ${vault.key}}}`
  if (dotenv !== undefined) return `{dotenv: ${dotenv}, key: ${key ?? ''}}`
  if (credential !== undefined) return `{credential: ${credential}}`
  return env === undefined ? `{file: ${file ?? ''}}` : `{env: ${env}}`
}

export const writtenSource = ({ dotenv, kubernetes: secret }: SettingsSource): string =>
  secret ? `{kubernetes: {${ofSecret(secret)}}}` : `{dotenv: ${dotenv ?? ''}}`

const ofSecret = ({ namespace, secret }: KubernetesSecret): string =>
  `${namespace === undefined ? '' : `namespace: ${namespace}, `}secret: ${secret}`
