import type { ReadFile } from '../clients/files.ts'
import { addressOf } from '../clients/http.ts'
import { serviceAccount } from '../clients/kubernetes.ts'
import { checkedCertificates, checkedKeyPair } from '../clients/pem.ts'
import { openVault, readSecret, type SecretRead, type Vault } from '../clients/vault.ts'
import { record } from '../clients/vault-answers.ts'
import { revokeSelf } from '../clients/vault-login.ts'
import { describeError } from '../core/errors.ts'
import type { Login, LoginWanted, Reference } from '../core/reference.ts'
import { inPlaceOf, wantOf } from '../core/want.ts'
import { usesToken, type VaultTarget } from '../probes/vault/target.ts'
import { givenAt, givenRefused, givenServed } from './given.ts'
import { loginAt, served, type Credentials, type LoginWay } from './login.ts'
import type { Logins } from './logins.ts'
import { sharing, type Asking } from './sharing.ts'
import { blotting, named } from './wrap-error.ts'

interface VaultSource {
  readonly targets: readonly VaultTarget[]
  /** Folder where the service account is mounted. */
  readonly account: string | undefined
  readonly read: ReadFile
  readonly value: (reference: Reference, asking: Asking) => Promise<string>
  readonly roundMs: number | undefined
  readonly logins: Logins
}

/** The value of a key as text, or undefined if the secret has no such key. */
type ValueOf = (key: string) => string | undefined

/** Identifies the login of a target, whatever its name. */
export function loginKey({ url, namespace, ca_file, cert_file, key_file, ...target }: VaultTarget): string {
  const { token, app_role, kubernetes } = target
  return JSON.stringify([url, namespace, ca_file, cert_file, key_file, token, app_role, kubernetes])
}

/** Reads secrets of Vault targets: one request, and one login, for all that ask at the same time. */
export function vaultSecrets({ targets, account = serviceAccount, read, value, roundMs, logins }: VaultSource) {
  const shared = sharing<ValueOf>(undefined, roundMs)

  function targetOf(name: string): VaultTarget {
    const target = targets.find(one => one.name === name)
    if (!target) throw new Error(`there is no vault target ${name}`)
    return target
  }

  async function open(
    { url, namespace, ca_file, cert_file, key_file }: VaultTarget,
    { signal, note }: Omit<Asking, 'maxAgeMs'>,
    token?: string,
  ): Promise<Vault> {
    const get = async (file: string | undefined): Promise<string | undefined> =>
      file === undefined ? undefined : named(file, read(file, signal))
    const [ca, cert, key] = await Promise.all([ca_file, cert_file, key_file].map(get))
    const trust = {
      ...(ca !== undefined && ca_file !== undefined && { ca: checkedCertificates(ca, ca_file) }),
      ...(cert !== undefined &&
        cert_file !== undefined &&
        key !== undefined &&
        key_file !== undefined &&
        checkedKeyPair({ cert, key }, { cert: cert_file, key: key_file })),
    }
    return openVault({ url, token, namespace, ...trust, signal, note })
  }

  /** Undefined if the token of the target is a reference, or there is none. */
  function wayOf(target: VaultTarget, { maxAgeMs, note }: Omit<Asking, 'signal'>): LoginWay | undefined {
    const { app_role: appRole, kubernetes, namespace } = target
    const way = {
      key: loginKey(target),
      address: addressOf(target.url),
      namespace,
      open: (signal: AbortSignal, token?: string) => open(target, { signal, note }, token),
      revoke: async (token: string, signal: AbortSignal) => revokeSelf(await open(target, { signal }, token)),
    }
    if (appRole) {
      const fetch = (key: 'role_id' | 'secret_id', signal: AbortSignal): Promise<string> =>
        named(key, value(appRole[key], { signal, maxAgeMs }))
      const credentials = async (signal: AbortSignal): Promise<Credentials> => {
        const [role_id, secret_id] = await Promise.all([fetch('role_id', signal), fetch('secret_id', signal)])
        const fields = { role_id, secret_id }
        return { fields, secrets: [role_id, secret_id], locks: role_id, wrapped: secret_id }
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

  async function loginOf(target: VaultTarget, asking: Asking, wanted: LoginWanted): Promise<Login> {
    const way = wayOf(target, asking)
    if (way) return loginAt(logins, way, asking, wanted)
    const { name, token: reference } = target
    if (!reference) return { token: undefined, failure: { kind: 'unresolved', text: `${name} has no token` } }
    const token = await value(reference, asking)
    const given = { key: loginKey(target), token, open: () => open(target, asking) }
    return givenAt(logins, given, wanted.uses ?? 1)
  }

  async function tokenOf(target: VaultTarget, asking: Asking, wanted: LoginWanted = {}): Promise<string> {
    if (!usesToken(target)) throw new Error(`${target.name} has no token in the configuration`)
    const what = target.token ? 'no token' : 'no login'
    const login = await named(what, loginOf(target, asking, wanted))
    if (login.token !== undefined) return login.token
    const text = `${what}: ${login.failure?.text ?? 'the token has come to its end'}`
    throw inPlaceOf(new Error(text), login.failure)
  }

  async function readFrom(
    target: VaultTarget,
    path: string,
    asking: Asking,
    conceal: (secret: string) => void,
  ): Promise<SecretRead> {
    const get = async (token: string): Promise<SecretRead> => {
      conceal(token)
      const secret = await named(target.name, readSecret(await open(target, asking, token), path))
      const key = loginKey(target)
      const isBad = secret.kind === 'denied' && secret.token === 'bad'
      if (target.token && isBad) givenRefused(logins, key, token)
      if (isServed(secret)) (target.token ? givenServed : served)(logins, key, token)
      return secret
    }
    const token = await tokenOf(target, asking)
    const secret = await get(token)
    // The token has no right to this secret, and the next one would not have it either.
    if (target.token || secret.kind !== 'denied' || secret.token !== 'bad') return secret
    const next = await tokenOf(target, asking, { refused: token })
    return next === token ? secret : get(next)
  }

  /** Why a node says that it is sealed: Vault says so without data, too. */
  async function whySealed(target: VaultTarget, asking: Asking): Promise<string> {
    const vault = await open(target, asking)
    const body = record((await vault.health().catch(() => undefined))?.body)
    if (body?.['initialized'] === false) return 'is not initialized'
    return body?.['removed_from_cluster'] === true ? 'was removed from its cluster' : 'is sealed'
  }

  return {
    secret: ({ target: name, path }: { target: string; path: string }, asking: Asking): Promise<ValueOf> => {
      const target = targetOf(name)
      return shared(JSON.stringify([name, path]), `${name}: ${addressOf(target.url)}`, asking, signal =>
        blotting(async conceal => {
          const alone = { ...asking, signal }
          const secret = await readFrom(target, path, alone, conceal)
          if (secret.kind === 'ok') return key => secret.value(key)
          throw new Error(
            secret.kind === 'sealed' ? `${name} ${await whySealed(target, alone)}` : `${name}: ${secret.text}`,
          )
        }),
      )
    },
    /** See `Look.login`. */
    async login(name: string, asking: Asking, wanted: LoginWanted = {}): Promise<Login> {
      const target = targets.find(one => one.name === name)
      try {
        return await loginOf(targetOf(name), asking, wanted)
      } catch (error) {
        const text = `${target?.token ? 'token: ' : ''}${describeError(error)}`
        return { token: undefined, failure: { kind: 'unresolved', text, want: wantOf(error) } }
      }
    },
  }
}

/** Vault says what is at a path only to a token that it accepts. */
const isServed = ({ kind }: SecretRead): boolean => ['ok', 'missing', 'deleted', 'destroyed'].includes(kind)
