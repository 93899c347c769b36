import type { Vault } from './vault.ts'
import {
  errorsOf,
  answerText,
  record,
  saysNoNamespace,
  troubleOf,
  type Fields,
  type NoNamespace,
  type Trouble,
  type VaultAnswer,
} from './vault-answers.ts'

/** A token that Vault gave. */
export interface Lease {
  readonly kind: 'ok'
  readonly token: string
  /** Infinity if it never expires. */
  readonly lifeSeconds: number
  readonly renewable: boolean
  /** Number of requests it is good for; Infinity if unlimited. */
  readonly uses: number
}

type LoginRead =
  Lease | { readonly kind: 'refused'; readonly status: number; readonly text: string } | NoNamespace | Trouble

/**
 * Logs in at an auth method: POST /auth/{mount}/login. node-vault's own functions lose the mount of Kubernetes
 * (`/auth//login`) and escape the path as HTML.
 * https://developer.hashicorp.com/vault/api-docs/auth/approle#login-with-approle
 */
export const logIn = async (vault: Vault, mount: string, credentials: Fields): Promise<LoginRead> =>
  leaseOf(await vault.write(`auth/${mount}/login`, credentials))

/** Renews the token of the client, if it is renewable: POST /auth/token/renew-self. */
export const renewSelf = async (vault: Vault): Promise<LoginRead> =>
  leaseOf(await vault.write('auth/token/renew-self', {}))

/** Revokes the token of the client: POST auth/token/revoke-self. */
export const revokeSelf = (vault: Vault): Promise<VaultAnswer> => vault.write('auth/token/revoke-self', {})

/**
 * Whether a token is a wrapping token: POST sys/wrapping/lookup, without a token of the client. Takes no use and
 * changes nothing. https://developer.hashicorp.com/vault/api-docs/system/wrapping-lookup
 */
export async function lookIntoWrapping(
  vault: Vault,
  token: string,
): Promise<{ kind: 'wrapped' } | { kind: 'plain' } | Trouble> {
  const answer = await vault.write('sys/wrapping/lookup', { token })
  const { status, body } = answer
  if (status === 200 && record(record(body)?.['data'])?.['creation_path'] !== undefined) return { kind: 'wrapped' }
  // Stop here: using the token without an answer could destroy it.
  return status === 429 || status >= 500 || (status >= 300 && status < 400) ? troubleOf(answer) : { kind: 'plain' }
}

/** Whether there is an auth method at the mount. Asks by a login without credentials, which Vault does not count. */
export async function hasLogin(vault: Vault, mount: string): Promise<boolean> {
  const { status, body } = await vault.write(`auth/${mount}/login`, {})
  return errorsOf(body) !== undefined && (status === 400 || status === 500)
}

function leaseOf(answer: VaultAnswer): LoginRead {
  const { status, body } = answer
  const auth = status === 200 ? record(record(body)?.['auth']) : undefined
  const { client_token: token, lease_duration: life, renewable, num_uses: uses } = auth ?? {}
  if (typeof token === 'string' && token !== '' && typeof life === 'number')
    return {
      kind: 'ok',
      token,
      lifeSeconds: life > 0 ? life : Infinity,
      renewable: renewable === true,
      uses: typeof uses === 'number' && uses > 0 ? uses : Infinity,
    }
  // Only a first step: Vault wants a second factor.
  if (auth && record(auth['mfa_requirement']))
    return { kind: 'refused', status, text: 'Vault asks for a second factor (MFA)' }
  if (saysNoNamespace(answer)) return { kind: 'no_namespace', text: answerText(answer) }
  // The credentials, the role or the mount are wrong; 404 is a missing mount.
  if ([400, 401, 403, 404].includes(status) && errorsOf(body))
    return { kind: 'refused', status, text: answerText(answer) }
  return troubleOf(answer)
}
