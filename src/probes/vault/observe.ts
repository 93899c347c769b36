import type { Chain, Shown } from '../../clients/certificates.ts'
import { HttpFailure, addressOf } from '../../clients/http.ts'
import { openVault, readSecret, readToken, type TokenRead, type Vault } from '../../clients/vault.ts'
import { record, type VaultAnswer } from '../../clients/vault-answers.ts'
import { Unresolved, describeError, type Failure } from '../../core/errors.ts'
import { failureOf, type Login, type LoginFailure, type Look } from '../../core/probe.ts'
import { shapes } from '../../core/shape.ts'
import { usesToken, type VaultTarget } from './target.ts'

/** What one look at a Vault brought back. Values of secrets are not in it. */
export interface VaultSeen {
  /** `host:port` */
  readonly address: string
  /** The answer to /sys/health; undefined where none came. */
  readonly health: HealthSeen | undefined
  /** Why the last login failed; undefined where it did not, and where there is none. */
  readonly login: LoginFailure | undefined
  /** Undefined where none is configured or came of a login, or the node serves no requests. */
  readonly token: TokenSeen | undefined
  readonly secrets: readonly SecretSeen[]
  /** The certificates of the node, where it shows any. */
  readonly certificates?: Shown | undefined
  /** The request that got no answer. What would have come after it was not looked at. */
  readonly failure: VaultFailure | undefined
}

export interface HealthSeen {
  readonly status: number
  /** Undefined where the answer is not one of a Vault. */
  readonly facts: HealthFacts | undefined
}

/** The body of /sys/health. What a node does not say is undefined. */
export interface HealthFacts {
  readonly initialized: boolean
  readonly sealed: boolean
  readonly removed: boolean | undefined
  readonly haHealthy: boolean | undefined
  readonly drSecondary: boolean
  readonly performanceStandby: boolean
  readonly standby: boolean
  readonly version: string | undefined
  /** Seconds that the node's clock is ahead of this host's. */
  readonly clockAheadSeconds: number | undefined
}

export type TokenSeen = TokenRead | { readonly kind: 'unresolved'; readonly text: string }

export interface SecretSeen {
  readonly path: string
  readonly kind: Awaited<ReturnType<typeof readSecret>>['kind']
  /** Why it could not be read; empty where it could. */
  readonly text: string
  /** The keys asked for; empty where the secret could not be read. */
  readonly keys: Readonly<Record<string, 'present' | 'empty' | 'missing'>>
}

export interface VaultFailure extends Failure {
  /** It failed in the TLS handshake. */
  readonly tls: boolean
}

export const vaultStates = [
  'active',
  'standby',
  'performance_standby',
  'dr_secondary',
  'uninitialized',
  'sealed',
  'removed',
  'other',
] as const
export type VaultState = (typeof vaultStates)[number]

/** The state of a node, in the order of Vault's own handler (http/sys_health.go); `other` is a standby that lost the active node. */
export function stateOf(facts: HealthFacts): VaultState {
  if (!facts.initialized) return 'uninitialized'
  if (facts.removed === true) return 'removed'
  if (facts.sealed) return 'sealed'
  if (facts.haHealthy === false) return 'other'
  if (facts.drSecondary) return 'dr_secondary'
  if (facts.performanceStandby) return 'performance_standby'
  return facts.standby ? 'standby' : 'active'
}

/** What was seen so far: a failure must not take with it what came before. */
type Draft = { -readonly [Fact in keyof VaultSeen]: VaultSeen[Fact] }

const nothing = {
  health: undefined,
  login: undefined,
  token: undefined,
  secrets: [],
  certificates: undefined,
  failure: undefined,
}

/** Asks for the health first and without the token, so that it is known whatever becomes of the rest. */
export async function observe(target: VaultTarget, look: Look): Promise<VaultSeen> {
  const { url, ca_file: file } = target
  const ca = file === undefined ? undefined : await look.text('ca_file', { file }, shapes.certificates)
  const seen: Draft = { ...nothing, address: addressOf(url) }
  try {
    const onChain = (chain: Chain): void => {
      seen.certificates = { chain, verified: true, at: Date.now() }
    }
    const anonymous = await openVault({ url, ca, signal: look.signal, note: look.note, onChain })
    seen.health = await look.phase('health', async () => healthSeen(await anonymous.health()))
    if (serves(seen.health)) await observeWithToken(target, ca, look, seen)
  } catch (error) {
    if (!(error instanceof HttpFailure)) throw error
    seen.failure = { ...failureOf(error, look, seen.address), tls: error.phase === 'tls' }
    if (error.chain) seen.certificates = { chain: error.chain, verified: false, at: Date.now() }
  }
  return seen
}

/** Whether a node in its state serves requests; a standby forwards them. */
function serves({ facts }: HealthSeen): boolean {
  return facts !== undefined && ['active', 'standby', 'performance_standby'].includes(stateOf(facts))
}

async function observeWithToken(target: VaultTarget, ca: string | undefined, look: Look, seen: Draft): Promise<void> {
  if (!usesToken(target)) return
  const token = await tokenFor(target, look, seen)
  if (token === undefined || seen.failure) return
  await askWith(token, target, ca, look, seen)
  if (target.token || seen.token?.kind !== 'rejected' || isAccepted(seen.secrets)) return
  const next = await tokenFor(target, look, seen, token)
  if (next !== undefined && next !== token) await askWith(next, target, ca, look, seen)
}

async function askWith(
  token: string,
  { url, namespace, secrets }: VaultTarget,
  ca: string | undefined,
  look: Look,
  seen: Draft,
): Promise<void> {
  const vault = await openVault({ url, token, namespace, ca, signal: look.signal, note: look.note })
  const looked = await look.phase('token', () => readToken(vault))
  Object.assign(seen, { token: looked, secrets: [] })
  // Rejected may only mean that it may not look itself up; after any other trouble the secrets would tell the same.
  if (looked.kind !== 'valid' && looked.kind !== 'rejected') return
  for (const { path, keys } of secrets ?? []) {
    const secret = await look.phase('secrets', () => observeSecret(vault, path, keys ?? []))
    seen.secrets = [...seen.secrets, secret]
  }
}

/** Vault tells what there is at a path only to a token that it accepts. */
export const isAccepted = (secrets: readonly SecretSeen[]): boolean =>
  secrets.some(({ kind }) => ['ok', 'missing', 'deleted', 'destroyed'].includes(kind))

/** Undefined where there is none, with the reason why in what was seen. */
async function tokenFor(target: VaultTarget, look: Look, seen: Draft, refused?: string): Promise<string | undefined> {
  if (!target.token) return tokenOf(await look.login(target.name, refused), look, seen)
  try {
    return await look.secret('token', target.token)
  } catch (error) {
    if (!(error instanceof Unresolved)) throw error
    seen.token = { kind: 'unresolved', text: describeError(error) }
    return undefined
  }
}

/** A failed login leaves the token of the one before, while it lives. */
function tokenOf({ token, failure }: Login, look: Look, seen: Draft): string | undefined {
  if (failure?.kind !== 'unanswered') seen.login = failure
  else {
    const text = `${failure.text} (phase login)`
    const timedOut = look.signal.aborted
    seen.failure = { phase: 'login', code: failure.code, text, timedOut, tls: failure.tls === true }
  }
  return token
}

/** The values stay in here. */
async function observeSecret(vault: Vault, path: string, keys: readonly string[]): Promise<SecretSeen> {
  const secret = await readSecret(vault, path)
  if (secret.kind !== 'ok') return { path, kind: secret.kind, text: secret.text, keys: {} }
  const stateOfKey = (key: string) => {
    const value = secret.value(key)
    return value === undefined ? 'missing' : value === '' ? 'empty' : 'present'
  }
  return { path, kind: 'ok', text: '', keys: Object.fromEntries(keys.map(key => [key, stateOfKey(key)])) }
}

function healthSeen({ status, body }: VaultAnswer): HealthSeen {
  const fields = record(body)
  const initialized = boolean(fields?.['initialized'])
  const sealed = boolean(fields?.['sealed'])
  if (!fields || initialized === undefined || sealed === undefined) return { status, facts: undefined }
  const { version, server_time_utc: time } = fields
  const facts: HealthFacts = {
    initialized,
    sealed,
    removed: boolean(fields['removed_from_cluster']),
    haHealthy: boolean(fields['ha_connection_healthy']),
    drSecondary: fields['replication_dr_mode'] === 'secondary',
    performanceStandby: fields['performance_standby'] === true,
    standby: fields['standby'] === true,
    // A redacted one is empty. It becomes a label, so it has to look like a version.
    version: typeof version === 'string' && /^[\w.+-]{1,64}$/.test(version) ? version : undefined,
    clockAheadSeconds: typeof time === 'number' && time > 0 ? Math.round(time - Date.now() / 1000) : undefined,
  }
  return { status, facts }
}

const boolean = (value: unknown): boolean | undefined => (typeof value === 'boolean' ? value : undefined)
