import type { Chain, Shown } from '../../clients/certificates.ts'
import { unanswered, type RequestFailure } from '../../clients/http-target.ts'
import { HttpFailure, addressOf } from '../../clients/http.ts'
import { readPemFiles, type TlsMaterial } from '../../clients/pem.ts'
import { openVault, readSecret, readToken, type TokenRead, type Vault } from '../../clients/vault.ts'
import { record, type TokenRefusal, type VaultAnswer } from '../../clients/vault-answers.ts'
import { describeError, oneLine } from '../../core/errors.ts'
import type { Look } from '../../core/probe.ts'
import type { Login, LoginFailure } from '../../core/reference.ts'
import { usesToken, type VaultTarget } from './target.ts'

/** What one look at a Vault saw, without values of secrets. */
export interface VaultSeen {
  /** `host:port` */
  readonly address: string
  /** The answer to /sys/health; undefined if none came. */
  readonly health?: HealthSeen | undefined
  /** With a standby: which node is active. */
  readonly leader?: LeaderSeen | undefined
  /** With a sealed node: how far it is unsealed. */
  readonly unsealing?: Unsealing | undefined
  /** Why there is no token, or why the last login failed; undefined if it worked. */
  readonly login?: LoginFailure | undefined
  /** The exporter got the token by a login. */
  readonly byLogin: boolean
  /** Milliseconds since a reference last read a secret with the token; undefined if none did. */
  readonly servedMsAgo?: number | undefined
  /** Undefined if none is configured, the login gave none, or the node serves no requests. */
  readonly token?: TokenRead | undefined
  readonly secrets: readonly SecretSeen[]
  /** The certificates of the node, if it shows any. */
  readonly certificates?: Shown | undefined
  /** The request that got no answer. The requests after it were not sent. */
  readonly failure?: RequestFailure | undefined
}

export interface HealthSeen {
  readonly status: number
  /** Undefined if the answer is not one of Vault. */
  readonly facts: HealthFacts | undefined
}

/** The body of /sys/health. Fields that a node leaves out are undefined. */
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

/** The body of /sys/leader, as far as a standby needs it. */
interface LeaderSeen {
  /** The address that the active node advertises; empty if there is none, or if Vault is set to hide it. */
  readonly address: string
  /** Why that node does not answer as an active one; undefined if it does, or was not asked. */
  readonly silent: string | undefined
}

/** The body of /sys/seal-status, for a node that is unsealed by keys. */
interface Unsealing {
  readonly given: number
  readonly needed: number
}

export interface SecretSeen {
  readonly path: string
  readonly kind: Awaited<ReturnType<typeof readSecret>>['kind']
  /** Why it could not be read; empty if it was. */
  readonly text: string
  /** With `denied`: what the answer says of the token. */
  readonly token?: TokenRefusal | undefined
  /** The keys asked for; empty if the secret could not be read. */
  readonly keys: Readonly<Record<string, 'present' | 'empty' | 'missing'>>
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

/** The state of a node, in the order of Vault's http/sys_health.go; `other`: a standby without an active node. */
export function stateOf(facts: HealthFacts): VaultState {
  if (!facts.initialized) return 'uninitialized'
  if (facts.removed === true) return 'removed'
  if (facts.sealed) return 'sealed'
  if (facts.haHealthy === false) return 'other'
  if (facts.drSecondary) return 'dr_secondary'
  if (facts.performanceStandby) return 'performance_standby'
  return facts.standby ? 'standby' : 'active'
}

/** What was seen so far, so that a failure does not lose it. */
type Draft = { -readonly [Fact in keyof VaultSeen]: VaultSeen[Fact] }

/** Asks for the health first and without the token, so that it is known even if the rest fails. */
export async function observe(target: VaultTarget, look: Look): Promise<VaultSeen> {
  const { url } = target
  const trust = await readPemFiles(target, look)
  const seen: Draft = { address: addressOf(url), byLogin: false, secrets: [] }
  try {
    const onChain = (chain: Chain): void => {
      seen.certificates = { chain, verified: true, at: Date.now() }
    }
    const anonymous = await openVault({ url, ...trust, signal: look.signal, note: look.note, onChain })
    seen.health = await look.phase('health', async () => healthSeen(await anonymous.health()))
    const { facts } = seen.health
    const state = facts && stateOf(facts)
    if (state === 'sealed')
      seen.unsealing = await look.phase('health', async () => unsealingOf(await anonymous.sealStatus()))
    if (state === 'standby' || state === 'performance_standby' || state === 'other')
      seen.leader = await look.phase('health', async () => leaderOf(await anonymous.leader()))
    // Vault's health says whether a standby has its active node; OpenBao goes on naming a dead one.
    const asking =
      state === 'standby' && facts?.haHealthy === undefined ? askLeader(target, trust, look, seen) : undefined
    try {
      if (serves(seen.health)) await observeWithToken(target, trust, look, seen)
    } finally {
      await asking
    }
  } catch (error) {
    const { failure, certificates } = unanswered(error, look, seen.address)
    seen.failure = failure
    if (certificates) seen.certificates = certificates
  }
  return seen
}

/** Asks the active node for its health, without the token, in parallel: it may hang. Never rejects. */
async function askLeader({ url }: VaultTarget, trust: TlsMaterial, look: Look, seen: Draft): Promise<void> {
  const { leader } = seen
  if (!leader || !canBeAsked(leader.address, url)) return
  try {
    const vault = await openVault({ url: leader.address, ...trust, signal: look.signal, note: look.note })
    const { status, facts } = healthSeen(await vault.health())
    if (!facts || stateOf(facts) === 'active') return
    seen.leader = { ...leader, silent: `HTTP ${status} from /sys/health, ${stateOf(facts).replace('_', ' ')}` }
  } catch (error) {
    // A certificate that does not fit, or a name that only its cluster resolves, proves nothing about the node.
    if (!(error instanceof HttpFailure) || error.phase === 'tls' || error.code === 'ENOTFOUND' || error.want) return
    seen.leader = { ...leader, silent: describeError(look.signal.aborted ? look.signal.reason : error) }
  }
}

/** A local address that a node on another host advertises is a mistake in its configuration. */
function canBeAsked(address: string, url: string): boolean {
  if (!/^https?:/.test(address) || !URL.canParse(address)) return false
  const isLocal = (of: string): boolean => /^(localhost|127\.|\[::1\]|0\.0\.0\.0|\[::\])/.test(new URL(of).hostname)
  return !isLocal(address) || isLocal(url)
}

/** Whether a node in its state serves requests; a standby forwards them. */
function serves({ facts }: HealthSeen): boolean {
  return facts !== undefined && ['active', 'standby', 'performance_standby'].includes(stateOf(facts))
}

async function observeWithToken(target: VaultTarget, trust: TlsMaterial, look: Look, seen: Draft): Promise<void> {
  if (!usesToken(target)) return
  const login = await loginFor(target, look, seen)
  if (login?.token === undefined || seen.failure) return
  await askWith(login, target, trust, look, seen)
  if (seen.token?.kind !== 'rejected' || isAccepted(seen.secrets) || !login.byLogin) return
  const next = await loginFor(target, look, seen, login.token)
  if (next?.token !== undefined && next.token !== login.token) await askWith(next, target, trust, look, seen)
}

async function askWith(login: Login, target: VaultTarget, trust: TlsMaterial, look: Look, seen: Draft): Promise<void> {
  const { url, namespace, secrets } = target
  const { token, life } = login
  const open = (token: string | undefined): Promise<Vault> =>
    openVault({ url, token, namespace, ...trust, signal: look.signal, note: look.note })
  // A look-up would take one of its uses.
  const read: TokenRead = life
    ? { kind: 'valid', ...life }
    : await look.phase('token', async () => readToken(await open(token)))
  Object.assign(seen, { token: read, secrets: [] })
  if (read.kind === 'valid' && !life) login.accepted?.()
  const isLimited = read.kind === 'valid' && read.uses < Infinity
  if (isLimited && !life) login.learn?.(read)
  // Rejected may only mean that it may not look itself up. After any other trouble the secrets would fail the same way.
  if (!['valid', 'rejected', 'lookup_denied'].includes(read.kind)) return
  for (const { path, keys } of secrets ?? []) {
    const next = isLimited ? await loginFor(target, look, seen, undefined, 1) : login
    if (next?.token === undefined) return
    if (next.life) seen.token = { kind: 'valid', ...next.life }
    const readWith = (token: string): Promise<SecretSeen> =>
      look.phase('secrets', async () => observeSecret(await open(token), path, keys ?? []))
    let secret = await readWith(next.token)
    if (isLimited && secret.token === 'bad') {
      const other = await loginFor(target, look, seen, next.token, 1)
      if (other?.token !== undefined && other.token !== next.token) secret = await readWith(other.token)
      if (secret.token === 'bad') seen.token = { kind: 'rejected', text: secret.text }
    }
    seen.secrets = [...seen.secrets, secret]
    if (isAccepted([secret])) next.accepted?.()
  }
}

/** Vault says what is at a path only to a token that it accepts. */
export const isAccepted = (secrets: readonly SecretSeen[]): boolean =>
  secrets.some(({ kind }) => ['ok', 'missing', 'deleted', 'destroyed'].includes(kind))

/** Undefined if it got no answer. After a failed login the token of the one before is used while it lives. */
async function loginFor(
  { name }: VaultTarget,
  look: Look,
  seen: Draft,
  refused?: string,
  uses: 0 | 1 = 0,
): Promise<Login | undefined> {
  const login = await look.login(name, { refused, uses })
  const { failure, byLogin = false, servedAt } = login
  Object.assign(seen, { byLogin, servedMsAgo: servedAt === undefined ? undefined : performance.now() - servedAt })
  if (failure?.kind !== 'unanswered') seen.login = failure
  else {
    const text = `${failure.text} (phase login)`
    const timedOut = look.signal.aborted
    seen.failure = { phase: 'login', code: failure.code, text, timedOut, tls: failure.tls === true, want: failure.want }
  }
  return login
}

/** The values stay in here. */
async function observeSecret(vault: Vault, path: string, keys: readonly string[]): Promise<SecretSeen> {
  const secret = await readSecret(vault, path)
  if (secret.kind === 'denied') return { path, ...secret, keys: {} }
  if (secret.kind !== 'ok') return { path, kind: secret.kind, text: secret.text, keys: {} }
  const stateOfKey = (key: string) => {
    const value = secret.value(key)
    return value === undefined ? 'missing' : value === '' ? 'empty' : 'present'
  }
  return { path, kind: 'ok', text: '', keys: Object.fromEntries(keys.map(key => [key, stateOfKey(key)])) }
}

function leaderOf({ status, body }: VaultAnswer): LeaderSeen | undefined {
  const fields = record(body)
  if (status !== 200 || fields?.['ha_enabled'] !== true) return undefined
  const { leader_address: address } = fields
  // Go leaves out empty fields.
  return { address: typeof address === 'string' ? oneLine(address).slice(0, 200) : '', silent: undefined }
}

function unsealingOf({ status, body }: VaultAnswer): Unsealing | undefined {
  const { type, progress, t: needed } = record(body) ?? {}
  if (status !== 200 || type !== 'shamir' || typeof progress !== 'number' || typeof needed !== 'number')
    return undefined
  return needed > 0 ? { given: progress, needed } : undefined
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
    // Empty if redacted. It becomes a label, so it must look like a version.
    version: typeof version === 'string' && /^[\w.+-]{1,64}$/.test(version) ? version : undefined,
    clockAheadSeconds: typeof time === 'number' && time > 0 ? Math.round(time - Date.now() / 1000) : undefined,
  }
  return { status, facts }
}

const boolean = (value: unknown): boolean | undefined => (typeof value === 'boolean' ? value : undefined)
