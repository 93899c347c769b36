import type { Vault } from './vault.ts'
import { errorsOf, inWords, record, troubleOf, type Fields, type Trouble, type VaultAnswer } from './vault-answers.ts'

/** A token that Vault gave. */
export interface Lease {
  readonly kind: 'ok'
  readonly token: string
  /** Infinity where it never expires. */
  readonly lifeSeconds: number
  readonly renewable: boolean
}

export type LoginRead = Lease | { readonly kind: 'refused'; readonly text: string } | Trouble

/**
 * Logs in at an auth method: POST /auth/{mount}/login. Not by node-vault's own functions, which lose the mount of
 * Kubernetes (`/auth//login`) and escape what is in the path as HTML.
 * https://developer.hashicorp.com/vault/api-docs/auth/approle#login-with-approle
 */
export const logIn = async (vault: Vault, mount: string, credentials: Fields): Promise<LoginRead> =>
  leaseOf(await vault.write(`auth/${mount}/login`, credentials))

/** Gives the token of the client a new life, if it may have one: POST /auth/token/renew-self. */
export const renewSelf = async (vault: Vault): Promise<LoginRead> =>
  leaseOf(await vault.write('auth/token/renew-self', {}))

function leaseOf(answer: VaultAnswer): LoginRead {
  const { status, body } = answer
  const auth = status === 200 ? record(record(body)?.['auth']) : undefined
  const { client_token: token, lease_duration: life, renewable } = auth ?? {}
  if (typeof token === 'string' && token !== '' && typeof life === 'number')
    return { kind: 'ok', token, lifeSeconds: life > 0 ? life : Infinity, renewable: renewable === true }
  // A first step only: Vault wants a second factor.
  if (auth && record(auth['mfa_requirement'])) return { kind: 'refused', text: 'Vault asks for a second factor (MFA)' }
  // What is wrong with the credentials, the role or the mount; 404 is a mount that is not there.
  if ([400, 401, 403, 404].includes(status) && errorsOf(body)) return { kind: 'refused', text: inWords(answer) }
  return troubleOf(answer)
}
