import { oneLine } from '../core/errors.ts'
import type { TokenLife } from '../core/reference.ts'
import type { TakeNote } from '../core/transcript.ts'
import type { Chain } from './certificates.ts'
import { httpRequest } from './http.ts'
import {
  answerText,
  isVaults,
  record,
  refusalOf,
  saysNoNamespace,
  troubleOf,
  type Fields,
  type NoNamespace,
  type TokenRefusal,
  type Trouble,
  type VaultAnswer,
} from './vault-answers.ts'

interface VaultConnection {
  readonly url: string
  readonly token?: string | undefined
  /** Namespace of Vault Enterprise. */
  readonly namespace?: string | undefined
  /** PEM certificates to trust instead of the system's. */
  readonly ca?: string | undefined
  /** PEM certificate and private key for a listener that asks for them. */
  readonly cert?: string | undefined
  readonly key?: string | undefined
  readonly signal: AbortSignal
  readonly note?: TakeNote | undefined
  /** Called with the certificates of the server at each answer over TLS. */
  readonly onChain?: ((chain: Chain) => void) | undefined
}

/** Calls throw only HttpFailure, if no whole answer came. */
export interface Vault {
  /** GET /sys/health, without token and namespace, which it does not need. */
  health(): Promise<VaultAnswer>
  /** GET /sys/leader and /sys/seal-status, without token and namespace. */
  leader(): Promise<VaultAnswer>
  sealStatus(): Promise<VaultAnswer>
  /** GET /auth/token/lookup-self. Takes one use of a token with a limited number. */
  lookupSelf(): Promise<VaultAnswer>
  read(path: string): Promise<VaultAnswer>
  write(path: string, body: Fields): Promise<VaultAnswer>
}

/** What node-vault asks of a transport, for the calls made here. */
interface TransportRequest {
  readonly method: string
  readonly uri: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  /** The body of a write. */
  readonly json?: unknown
}

/**
 * A client for Vault: node-vault on a transport of our own. Its own would never time out, ignore the signal, carry the
 * token along a redirect, obey proxies and VAULT_SKIP_VERIFY, and put the token into its errors.
 */
export async function openVault({ url, token, namespace, onChain, ...rest }: VaultConnection): Promise<Vault> {
  // Imported here, so that a configuration without Vault does not load axios.
  const { default: nodeVault } = await import('node-vault')
  const send = async ({ method, uri, path, headers, json }: TransportRequest) => {
    const sent = record(json)
    const answer = await httpRequest({
      method,
      url: uri,
      headers: sent ? { ...headers, 'Content-Type': 'application/json' } : headers,
      body: sent && JSON.stringify(sent),
      ...rest,
    })
    if (answer.chain) onChain?.(answer.chain)
    return { statusCode: answer.status, body: parsed(answer.body), request: { path } }
  }
  const clientWith = (credentials: { token: string; namespace: string }) => {
    // Its own debug prints everything sent if DEBUG=node-vault is set.
    const client = nodeVault({ endpoint: url, debug: () => undefined, 'request-promise': { defaults: () => send } })
    // Set afterwards: for empty options node-vault takes VAULT_TOKEN, VAULT_NAMESPACE and VAULT_PREFIX.
    Object.assign(client, { ...credentials, pathPrefix: '' })
    // Its own loses the status of /sys/health and throws the others.
    client.handleVaultResponse = response =>
      Promise.resolve<VaultAnswer>({ status: response?.statusCode ?? 0, body: response?.body })
    return client
  }
  const anonymous = clientWith({ token: '', namespace: '' })
  const client = clientWith({ token: token ?? '', namespace: namespace ?? '' })
  return {
    health: () => anonymous.health() as Promise<VaultAnswer>,
    leader: () => anonymous.read('sys/leader') as Promise<VaultAnswer>,
    sealStatus: () => anonymous.read('sys/seal-status') as Promise<VaultAnswer>,
    lookupSelf: () => client.tokenLookupSelf() as Promise<VaultAnswer>,
    read: path => client.read(encoded(path)) as Promise<VaultAnswer>,
    write: (path, body) => client.write(encoded(path), body) as Promise<VaultAnswer>,
  }
}

export type TokenRead =
  | ({ readonly kind: 'valid' } & TokenLife)
  /** `rejected`: not valid; `lookup_denied`: may not look itself up, so it may be valid or not. */
  | { readonly kind: 'rejected' | 'lookup_denied'; readonly text: string }
  | NoNamespace
  | Trouble

/** Looks up the token itself. */
export async function readToken(vault: Vault): Promise<TokenRead> {
  const answer = await vault.lookupSelf()
  const refusal = answer.status === 403 ? refusalOf(answer.body) : undefined
  if (refusal) return { kind: refusal === 'bad' ? 'rejected' : 'lookup_denied', text: answerText(answer) }
  if (saysNoNamespace(answer)) return { kind: 'no_namespace', text: answerText(answer) }
  const data = dataOf(answer)
  if (typeof data?.['ttl'] !== 'number') return troubleOf(answer)
  const { ttl, expire_time: expires, num_uses: uses } = data
  // A root token has ttl 0 and no expiry time.
  const never = ttl === 0 && (expires === null || expires === undefined)
  const at = typeof expires === 'string' ? Date.parse(expires) : NaN
  return {
    kind: 'valid',
    ttlSeconds: never ? Infinity : ttl,
    expiresAt: never ? Infinity : Number.isNaN(at) ? Date.now() + ttl * 1000 : at,
    uses: usesLeft(uses),
  }
}

/** Vault gives 0 for a token without a limit, and -1 for one whose last use is over. */
function usesLeft(uses: unknown): number {
  if (typeof uses !== 'number' || uses === 0) return Infinity
  return Math.max(0, uses)
}

export type SecretRead =
  | {
      readonly kind: 'ok'
      /** The value of a key as text, or undefined where the secret has no such key. */
      value(key: string): string | undefined
    }
  | { readonly kind: 'missing' | 'deleted' | 'destroyed'; readonly text: string }
  | {
      readonly kind: 'denied'
      /** What the same answer says of the token. */
      readonly token: TokenRefusal
      readonly text: string
    }
  | NoNamespace
  | Trouble

/**
 * Reads a secret of the KV engine, version 1 or 2, at the path of the HTTP API (`secret/data/app` in version 2).
 * Vault answers `denied` both for a missing mount and for a path that the token has no right to.
 */
export async function readSecret(vault: Vault, path: string): Promise<SecretRead> {
  const answer = await vault.read(path)
  const data = dataOf(answer)
  if (data) {
    const values = hasDataSegment(path) && isVersioned(data) ? (record(data['data']) ?? {}) : data
    return { kind: 'ok', value: key => textOf(values, key) }
  }
  const token = answer.status === 403 ? refusalOf(answer.body) : undefined
  if (token) {
    return { kind: 'denied', token, text: `${refusals[token]} (${answerText(answer)})${hint(path)}` }
  }
  if (saysNoNamespace(answer)) return { kind: 'no_namespace', text: answerText(answer) }
  if (answer.status === 404 && isVaults(answer.body)) return unreadable(answer, path)
  return troubleOf(answer)
}

const refusals = {
  bad: 'the token is not valid',
  no_right: 'the token may not read it',
  unclear: 'the token is not valid or may not read it',
} as const

/** A 404 of version 2 for a deleted version carries its metadata. */
function unreadable(answer: VaultAnswer, path: string): SecretRead {
  const metadata = record(record(record(answer.body)?.['data'])?.['metadata'])
  const deletedAt = metadata?.['deletion_time']
  if (metadata?.['destroyed'] === true) return { kind: 'destroyed', text: 'its current version was destroyed' }
  if (typeof deletedAt === 'string' && deletedAt !== '')
    return { kind: 'deleted', text: `its current version was deleted at ${oneLine(deletedAt).slice(0, 40)}` }
  return { kind: 'missing', text: `there is no such secret (${answerText(answer)})${hint(path)}` }
}

function hint(path: string): string {
  if (hasDataSegment(path)) return ''
  const [mount = '', ...rest] = path.split('/')
  return `; is this a KV version 2 mount? then the path is ${[mount, 'data', ...rest].join('/')}`
}

const hasDataSegment = (path: string): boolean => path.split('/').slice(1).includes('data')
const isVersioned = (data: Fields): boolean =>
  'data' in data && typeof record(data['metadata'])?.['version'] === 'number'

function textOf(values: Fields, key: string): string | undefined {
  if (!Object.hasOwn(values, key)) return undefined
  const value = values[key]
  if (value === null) return ''
  return typeof value === 'string' ? value : JSON.stringify(value)
}

const dataOf = ({ status, body }: VaultAnswer): Fields | undefined =>
  status === 200 ? record(record(body)?.['data']) : undefined

/** Code that walks the value recurses, and would run out of stack. */
const maxDepth = 100
const tooDeep = { errors: [`its JSON is nested deeper than ${maxDepth} levels`] }

function parsed(body: string): unknown {
  try {
    const value: unknown = JSON.parse(body)
    return depthOf(body) > maxDepth ? tooDeep : value
  } catch {
    return body
  }
}

/** The nesting depth of a JSON text. */
function depthOf(json: string): number {
  let [depth, deepest] = [0, 0]
  for (let i = 0; i < json.length; i++) {
    const sign = json[i]
    if (sign === '"') i = endOfString(json, i)
    else if (sign === '{' || sign === '[') deepest = Math.max(deepest, ++depth)
    else if (sign === '}' || sign === ']') depth--
  }
  return deepest
}

function endOfString(json: string, start: number): number {
  let i = start + 1
  while (i < json.length && json[i] !== '"') i += json[i] === '\\' ? 2 : 1
  return i
}

const encoded = (path: string): string =>
  path
    .replace(/^\/+/, '')
    .split('/')
    .map(segment => encodeURIComponent(segment))
    .join('/')
