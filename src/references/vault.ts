import type { ReadFile } from '../clients/files.ts'
import { addressOf } from '../clients/http.ts'
import { serviceAccount } from '../clients/kubernetes.ts'
import { openVault, readSecret, readToken, type SecretRead, type Vault } from '../clients/vault.ts'
import type { Login, Reference } from '../core/probe.ts'
import type { VaultTarget } from '../probes/vault/index.ts'
import { loginAt, type Credentials, type LoginWay } from './login.ts'
import { sharing, type Asking } from './sharing.ts'
import { blotting, named } from './words.ts'

export interface VaultSource {
  readonly targets: readonly VaultTarget[]
  /** Where the service account is mounted. */
  readonly account: string | undefined
  readonly read: ReadFile
  readonly value: (reference: Reference, asking: Asking) => Promise<string>
  readonly roundMs: number | undefined
}

/** The value of a key as text, or undefined where the secret has no such key. */
export type ValueOf = (key: string) => string | undefined

/** Reads secrets of Vault targets: one request, and one login, for all who ask at the same time. */
export function vaultSecrets({ targets, account = serviceAccount, read, value, roundMs }: VaultSource) {
  const shared = sharing<ValueOf>(undefined, roundMs)

  function targetOf(name: string): VaultTarget {
    const target = targets.find(one => one.name === name)
    if (!target) throw new Error(`there is no vault target ${name}`)
    return target
  }

  async function open(
    { url, namespace, ca_file: file }: VaultTarget,
    { signal, note }: Omit<Asking, 'maxAgeMs'>,
    token?: string,
  ): Promise<Vault> {
    const ca = file === undefined ? undefined : await named(file, read(file, signal))
    return openVault({ url, token, namespace, ca, signal, note })
  }

  /** Undefined where the target has its token written as a reference, or none. */
  function wayOf(target: VaultTarget, { maxAgeMs, note }: Omit<Asking, 'signal'>): LoginWay | undefined {
    const { app_role: appRole, kubernetes } = target
    const way = {
      address: addressOf(target.url),
      open: (signal: AbortSignal, token?: string) => open(target, { signal, note }, token),
    }
    if (appRole) {
      const fetch = (key: 'role_id' | 'secret_id', signal: AbortSignal): Promise<string> =>
        named(key, value(appRole[key], { signal, maxAgeMs }))
      const credentials = async (signal: AbortSignal): Promise<Credentials> => {
        const [role_id, secret_id] = await Promise.all([fetch('role_id', signal), fetch('secret_id', signal)])
        return { fields: { role_id, secret_id }, secrets: [role_id, secret_id] }
      }
      return { ...way, mount: appRole.mount, credentials }
    }
    if (!kubernetes) return undefined
    const { mount, role, jwt_file: file = `${account}/token` } = kubernetes
    const credentials = async (signal: AbortSignal): Promise<Credentials> => {
      const jwt = (await named(file, read(file, signal))).trim()
      return { fields: { role, jwt }, secrets: [jwt] }
    }
    return { ...way, mount, credentials }
  }

  async function tokenOf(target: VaultTarget, asking: Asking, refused?: string): Promise<string> {
    const { name, token } = target
    if (token) return named(`the token of ${name}`, value(token, asking))
    const way = wayOf(target, asking)
    if (!way) throw new Error(`${name} has no token in the configuration`)
    const login = await loginAt(target, way, asking, refused)
    if (login.token !== undefined) return login.token
    throw new Error(`the login at ${name}: ${login.failure?.text ?? 'the token has come to its end'}`)
  }

  async function readFrom(
    target: VaultTarget,
    path: string,
    asking: Asking,
    conceal: (secret: string) => void,
  ): Promise<SecretRead> {
    const get = async (token: string): Promise<SecretRead> => {
      conceal(token)
      return named(target.name, readSecret(await open(target, asking, token), path))
    }
    const token = await tokenOf(target, asking)
    const secret = await get(token)
    if (target.token || secret.kind !== 'denied') return secret
    // A token that may look itself up was not revoked: it has no right to this secret, and neither would the next.
    const looked = await named(target.name, readToken(await open(target, asking, token)))
    if (looked.kind === 'valid') return secret
    const next = await tokenOf(target, asking, token)
    return next === token ? secret : get(next)
  }

  return {
    secret: ({ target: name, path }: { target: string; path: string }, asking: Asking): Promise<ValueOf> => {
      const target = targetOf(name)
      return shared(JSON.stringify([name, path]), `${name}: ${addressOf(target.url)}`, asking, signal =>
        blotting(async conceal => {
          const secret = await readFrom(target, path, { ...asking, signal }, conceal)
          if (secret.kind === 'ok') return key => secret.value(key)
          throw new Error(secret.kind === 'sealed' ? `${name} is sealed` : `${name}: ${secret.text}`)
        }),
      )
    },
    /** See `Look.login`. */
    async login(name: string, asking: Asking, refused?: string): Promise<Login> {
      const target = targets.find(one => one.name === name)
      const way = target && wayOf(target, asking)
      if (target && way) return loginAt(target, way, asking, refused)
      return { token: undefined, failure: { kind: 'unresolved', text: `${name} is no vault target that logs in` } }
    },
  }
}
