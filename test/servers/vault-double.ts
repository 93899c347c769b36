import { randomUUID } from 'node:crypto'
import http from 'node:http'
import https from 'node:https'
import { text } from 'node:stream/consumers'
import type { Certificate } from './certificates.ts'
import { type At, extend, listen, type Listening } from './hostile.ts'

/** What a Vault node can be, in the order in which Vault's own handler decides (http/sys_health.go, 1.19 and later). */
export type VaultState =
  | 'uninitialized'
  | 'removed'
  | 'sealed'
  | 'ha_unhealthy'
  | 'dr_secondary'
  | 'performance_standby'
  | 'standby'
  | 'active'

export type VaultMisbehaviour =
  'silent' | 'drip' | 'html502' | 'notVault' | 'truncated' | 'rateLimited' | `redirect:${string}`

export interface VaultOptions extends At {
  tls?: Certificate
  token: string
  /** Seconds the token has left, from now; `never` for a root token. 32 days by default, as Vault has it. */
  tokenTtl?: number | 'never'
  state?: VaultState
  /** By the path a client reads: `secret/data/keybuzz/smtp` in a KV v2 mount, `kv/keybuzz/smtp` in a v1 one. */
  secrets?: Record<string, Record<string, unknown>>
  /** KV version by mount; by default `secret` is v2 and `kv` v1. */
  mounts?: Record<string, 1 | 2>
  /** What logs in at which mount, field by field: role_id and secret_id, or role and jwt. */
  logins?: Record<string, Record<string, string>>
}

/** Whose words it uses: they differ where a token is refused, and of a mount that does not exist. */
type VaultBrand = 'Vault' | 'OpenBao'

/** A token that came of a login. */
interface Issued {
  readonly token: string
  /** Milliseconds since the epoch. */
  readonly endsAt: number
  /** No renewal goes beyond it. */
  readonly longestUntil: number
  /** Requests it is still good for; 0 for any number. */
  uses: number
}

interface VaultRequest {
  method: string
  path: string
  query: string
  /** Whether it carried a token. */
  token: boolean
}

/** What tests turn while the double runs. */
export interface VaultKnobs {
  state: VaultState
  token: string
  /** Set: the seconds left from now. Read: what is left of them. */
  tokenTtl: number | 'never'
  tokenRenewable: boolean
  /** Requests the token is good for; 0 for any number. Each request with it takes one. */
  tokenUses: number
  /** Keys entered so far into a sealed node, of 3. */
  unsealProgress: number
  /** Seconds that its clock is ahead of ours. */
  clockAhead: number
  version: string
  secrets: Record<string, Record<string, unknown>>
  logins: Record<string, Record<string, string>>
  /** Seconds a token of a login lives, and at most lives with all renewals; fractions too. */
  loginTtl: number
  loginMaxTtl: number
  loginRenewable: boolean
  /** Requests the token of a login is good for; 0 for any number. */
  loginUses: number
  brand: VaultBrand
  /** What /sys/leader names; empty where there is none. */
  leaderAddress: string
  /** Namespaces there are besides the root. */
  namespaces: string[]
  /** Wrapping tokens; one that is used for anything but its look-up is gone. */
  readonly wrapping: Set<string>
  /** Tokens that were revoked by themselves, in order. */
  readonly revoked: string[]
  /** The tokens that came of logins, the last one last. */
  readonly issued: readonly Issued[]
  /** Logins and renewals that were granted, and logins that were refused. */
  readonly granted: { logins: number; renewals: number; refusals: number }
  /** Ends every token that came of a login. */
  revoke(): void
  /** Writes a new version of a KV v2 secret. */
  put(path: string, data: Record<string, unknown>): void
  /** Soft-deletes, or destroys, the current version of a KV v2 secret; `put` brings the next. */
  remove(path: string, how?: 'deleted' | 'destroyed'): void
  /** No policy gives the token this path, or, where it ends with a slash, anything below it. */
  deny(path: string, denied?: boolean): void
  /** Answers every request, or those whose path begins with `below`, like this; undefined ends it. */
  answer(how: VaultMisbehaviour | undefined, below?: string): void
  /** Every request received, so that tests can tell that no token went where it should not. */
  readonly requests: VaultRequest[]
}

interface Version {
  version: number
  created: string
  deleted: string
  destroyed: boolean
}

/** The knobs, and what no test needs to see. */
interface Vault extends VaultKnobs {
  mounts: Record<string, 1 | 2>
  versions: Map<string, Version>
  denied: Set<string>
  /** Refused logins in a row, by RoleID. */
  failures: Map<string, number>
  issued: Issued[]
  misbehaviour: { how: VaultMisbehaviour; below: string } | undefined
}

type Answer = [status: number, body: unknown]

/**
 * A DOUBLE of HashiCorp Vault's HTTP API, for want of a Vault that can be had from a package registry. Written from
 * Vault's handler of /sys/health and its API documentation; what it says to tokens, logins and wrapping tokens was
 * compared with OpenBao 2.6.2.
 */
export async function startVaultDouble(options: VaultOptions): Promise<VaultKnobs & Listening> {
  const vault = knobs(options)
  const handler: http.RequestListener = (request, response) => {
    void respond(vault, request, response)
  }
  const { tls } = options
  const server = tls ? https.createServer({ cert: tls.cert, key: tls.key }, handler) : http.createServer(handler)
  return extend(vault, await listen(server, options))
}

function knobs(options: VaultOptions): Vault {
  let expires = Infinity
  const vault: Vault = {
    state: options.state ?? 'active',
    token: options.token,
    get tokenTtl() {
      return expires === Infinity ? 'never' : Math.max(0, Math.round((expires - Date.now()) / 1000))
    },
    set tokenTtl(seconds) {
      expires = seconds === 'never' ? Infinity : Date.now() + seconds * 1000
    },
    tokenRenewable: true,
    tokenUses: 0,
    unsealProgress: 0,
    clockAhead: 0,
    version: '1.20.4',
    secrets: options.secrets ?? {},
    mounts: options.mounts ?? { secret: 2, kv: 1 },
    logins: options.logins ?? {},
    loginTtl: 3_600,
    loginMaxTtl: 32 * 86_400,
    loginRenewable: true,
    loginUses: 0,
    brand: 'Vault',
    leaderAddress: 'https://10.0.0.1:8200',
    namespaces: [],
    wrapping: new Set(),
    revoked: [],
    failures: new Map(),
    issued: [],
    granted: { logins: 0, renewals: 0, refusals: 0 },
    revoke: () => {
      vault.issued = []
    },
    versions: new Map(),
    denied: new Set(),
    misbehaviour: undefined,
    requests: [],
    put: (path, data) => {
      const version = (vault.versions.get(path)?.version ?? (vault.secrets[path] ? 1 : 0)) + 1
      vault.versions.set(path, { version, created: new Date().toISOString(), deleted: '', destroyed: false })
      vault.secrets[path] = data
    },
    remove: (path, how = 'deleted') => {
      const current = versionOf(vault, path)
      if (how === 'destroyed') current.destroyed = true
      else current.deleted = new Date().toISOString()
    },
    deny: (path, denied = true) => {
      if (denied) vault.denied.add(path)
      else vault.denied.delete(path)
    },
    answer: (how, below = '/') => {
      vault.misbehaviour = how && { how, below }
    },
  }
  vault.tokenTtl = options.tokenTtl ?? 32 * 86_400
  return vault
}

async function respond(vault: Vault, request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
  const { method = '', url = '/' } = request
  const { pathname, search, searchParams } = new URL(url, 'http://vault')
  const token = tokenOf(request)
  vault.requests.push({ method, path: pathname, query: search, token: token !== undefined })
  response.on('error', () => undefined)
  const sent = await bodyOf(request)
  if (vault.misbehaviour && pathname.startsWith(vault.misbehaviour.below)) {
    misbehave(vault.misbehaviour.how, url, response)
    return
  }
  const namespace = request.headers['x-vault-namespace']
  if (typeof namespace === 'string' && !vault.namespaces.includes(namespace)) {
    json(response, 404, { errors: ['namespace not found'] })
    return
  }
  const [status, body] =
    method === 'POST' ? written(vault, pathname, sent, token) : route(vault, method, pathname, searchParams, token)
  json(response, status, body)
}

function route(vault: Vault, method: string, path: string, query: URLSearchParams, token: string | undefined): Answer {
  if (!path.startsWith('/v1/')) return [404, { errors: [] }]
  if (method !== 'GET' && !(method === 'HEAD' && path === '/v1/sys/health')) return [405, { errors: [] }]
  if (path === '/v1/sys/health') return health(vault, query)
  if (path === '/v1/sys/seal-status') return [200, sealStatus(vault)]
  if (path === '/v1/sys/leader') return [200, leader(vault)]
  return unavailable(vault.state) ?? authenticated(vault, decodeURIComponent(path.slice('/v1/'.length)), token)
}

const defaultCodes: Record<VaultState, { code: number; parameter: string; ok?: string }> = {
  uninitialized: { code: 501, parameter: 'uninitcode' },
  removed: { code: 530, parameter: 'removedcode' },
  sealed: { code: 503, parameter: 'sealedcode' },
  ha_unhealthy: { code: 474, parameter: 'haunhealthycode' },
  dr_secondary: { code: 472, parameter: 'drsecondarycode' },
  performance_standby: { code: 473, parameter: 'performancestandbycode', ok: 'perfstandbyok' },
  standby: { code: 429, parameter: 'standbycode', ok: 'standbyok' },
  active: { code: 200, parameter: 'activecode' },
}

/** GET or HEAD /sys/health: the status code says the state, unless the query asks for another code. */
function health(vault: Vault, query: URLSearchParams): Answer {
  const codes = new Map<string, number>()
  for (const { code, parameter } of Object.values(defaultCodes)) {
    const wanted = query.get(parameter)
    if (wanted !== null && !/^[1-9]\d\d$/.test(wanted)) return [400, { errors: [] }]
    codes.set(parameter, wanted === null ? code : Number(wanted))
  }
  const accepted = new Map(['standbyok', 'perfstandbyok'].map(name => [name, goBoolean(query.get(name))]))
  if ([...accepted.values()].includes(undefined)) return [400, { errors: [] }]
  const { parameter, ok } = defaultCodes[vault.state]
  const effective = ok !== undefined && accepted.get(ok) === true ? 'activecode' : parameter
  return [codes.get(effective) ?? 500, healthBody(vault)]
}

function healthBody({ state, version, clockAhead, brand }: Vault): object {
  const initialized = state !== 'uninitialized'
  const sealed = isSealed(state)
  const standby = state !== 'active' && state !== 'dr_secondary'
  const heartbeats = standby && !sealed
  const mode = sealed ? 'unknown' : 'disabled'
  return {
    initialized,
    sealed,
    standby,
    performance_standby: state === 'performance_standby',
    replication_performance_mode: mode,
    replication_dr_mode: state === 'dr_secondary' ? 'secondary' : mode,
    server_time_utc: Math.floor(Date.now() / 1000) + clockAhead,
    version,
    enterprise: state === 'performance_standby' || state === 'dr_secondary',
    ...(!sealed && cluster),
    echo_duration_ms: 0,
    clock_skew_ms: 0,
    replication_primary_canary_age_ms: 0,
    ...(initialized && { removed_from_cluster: state === 'removed' }),
    // OpenBao says nothing of it.
    ...(heartbeats &&
      brand === 'Vault' && {
        ha_connection_healthy: state !== 'ha_unhealthy',
        last_request_forwarding_heartbeat_ms: state === 'ha_unhealthy' ? 32_000 : 512,
      }),
  }
}

function sealStatus({ state, version, unsealProgress }: Vault): object {
  const initialized = state !== 'uninitialized'
  const sealed = isSealed(state)
  const progress = initialized && sealed ? unsealProgress : 0
  return {
    type: 'shamir',
    initialized,
    sealed,
    t: initialized ? 3 : 0,
    n: initialized ? 5 : 0,
    progress,
    nonce: progress > 0 ? '7dc24d8f-3b6d-4b2c-b7a2-5d1f3a0f3c11' : '',
    version,
    build_date: '2025-09-23T13:22:38Z',
    migration: false,
    ...(!sealed && cluster),
    recovery_seal: false,
    storage_type: 'raft',
    ...(initialized && { removed_from_cluster: state === 'removed' }),
  }
}

const leader = ({ state, leaderAddress }: Vault): object => ({
  ha_enabled: !isSealed(state),
  is_self: state === 'active',
  active_time: '0001-01-01T00:00:00Z',
  leader_address: isSealed(state) ? '' : leaderAddress,
  leader_cluster_address: isSealed(state) ? '' : leaderAddress.replace('8200', '8201'),
  performance_standby: state === 'performance_standby',
  performance_standby_last_remote_wal: 0,
})

const cluster = { cluster_name: 'vault-cluster-keybuzz', cluster_id: 'a4b2a1f6-0d3e-4a51-9f0c-2d8f5b7c9e10' }

function isSealed(state: VaultState): boolean {
  return state === 'uninitialized' || state === 'removed' || state === 'sealed'
}

/** Why a node in this state serves no request; a standby forwards them and answers as the active node does. */
function unavailable(state: VaultState): Answer | undefined {
  if (isSealed(state)) return [503, { errors: ['Vault is sealed'] }]
  if (state === 'ha_unhealthy') return [500, { errors: ['local node not active but active cluster node not found'] }]
  if (state === 'dr_secondary') return [400, { errors: ['path disabled in replication DR secondary mode'] }]
  return undefined
}

async function bodyOf(request: http.IncomingMessage): Promise<Record<string, unknown>> {
  const body = await text(request).catch(() => '')
  return body === '' ? {} : (JSON.parse(body) as Record<string, unknown>)
}

/** POST: a login, or what a token does to itself. */
function written(vault: Vault, path: string, sent: Record<string, unknown>, token: string | undefined): Answer {
  const closed = unavailable(vault.state)
  if (closed) return closed
  if (path === '/v1/sys/wrapping/lookup') return wrappingLookup(vault, sent)
  if (path === '/v1/auth/token/renew-self') return renewal(vault, token)
  if (path === '/v1/auth/token/revoke-self') return revocation(vault, token)
  const [, mount = ''] = /^\/v1\/auth\/(.+)\/login$/.exec(path) ?? []
  const accepted = vault.logins[mount]
  const route = path.replace('/v1/', '')
  if (!accepted)
    return vault.brand === 'OpenBao'
      ? permissionDenied
      : [404, { errors: [`no handler for route "${route}". route entry not found.`] }]
  return login(vault, accepted, sent)
}

/** Vault locks a role at the fifth refusal; then every login by it is refused, also with the right SecretID. */
const lockedAt = 5

function login(vault: Vault, accepted: Record<string, string>, sent: Record<string, unknown>): Answer {
  const isAppRole = 'role_id' in accepted
  const { role_id: role } = sent
  if (isAppRole && role === undefined) return [vault.brand === 'OpenBao' ? 500 : 400, { errors: ['missing role_id'] }]
  const failures = typeof role === 'string' ? (vault.failures.get(role) ?? 0) : 0
  const right = Object.entries(accepted).every(([field, value]) => sent[field] === value)
  if (failures >= lockedAt || !right) vault.granted.refusals++
  if (failures >= lockedAt) return permissionDenied
  if (typeof role === 'string') vault.failures.set(role, right ? 0 : failures + 1)
  if (!right) return isAppRole ? [400, { errors: ['invalid role or secret ID'] }] : permissionDenied
  vault.granted.logins++
  const [endsAt, longestUntil] = [Date.now() + vault.loginTtl * 1000, Date.now() + vault.loginMaxTtl * 1000]
  const issued = { token: `hvs.${randomUUID()}`, endsAt, longestUntil, uses: vault.loginUses }
  vault.issued.push(issued)
  return [200, auth(vault, issued)]
}

function wrappingLookup(vault: Vault, { token }: Record<string, unknown>): Answer {
  if (typeof token !== 'string' || !vault.wrapping.has(token))
    return [400, { errors: ['wrapping token is not valid or does not exist'] }]
  const creation = { creation_path: 'auth/token/create', creation_time: new Date().toISOString(), creation_ttl: 600 }
  return [200, envelope(creation, 'system')]
}

function revocation(vault: Vault, token: string | undefined): Answer {
  const held = vault.issued.find(one => one.token === token && one.endsAt > Date.now())
  if (!held) return badToken(vault)
  vault.issued = vault.issued.filter(one => one !== held)
  vault.revoked.push(held.token)
  return [204, undefined]
}

function renewal(vault: Vault, token: string | undefined): Answer {
  const held = vault.issued.find(one => one.token === token && one.endsAt > Date.now())
  if (!held) return badToken(vault)
  if (!vault.loginRenewable) return [400, { errors: ['lease is not renewable'] }]
  vault.granted.renewals++
  const renewed = { ...held, endsAt: Math.min(Date.now() + vault.loginTtl * 1000, held.longestUntil) }
  vault.issued[vault.issued.indexOf(held)] = renewed
  return [200, auth(vault, renewed)]
}

const auth = ({ loginRenewable }: Vault, { token, endsAt, uses }: Issued): object => ({
  ...envelope(null, ''),
  auth: {
    client_token: token,
    accessor: 'hmac1cT2Ka0wRn4sW6yO8uLe',
    policies: ['default', 'mailpath'],
    token_policies: ['default', 'mailpath'],
    metadata: null,
    lease_duration: (endsAt - Date.now()) / 1000,
    renewable: loginRenewable,
    entity_id: randomUUID(),
    token_type: 'service',
    orphan: true,
    mfa_requirement: null,
    num_uses: uses,
  },
})

function authenticated(vault: Vault, path: string, token: string | undefined): Answer {
  if (token === undefined) return permissionDenied
  // Any use but its look-up destroys it.
  if (vault.wrapping.delete(token)) return noRight
  const issued = vault.issued.find(one => one.token === token)
  const alive = issued ? issued.endsAt > Date.now() : vault.tokenTtl === 'never' || vault.tokenTtl > 0
  if ((!issued && token !== vault.token) || !alive) return badToken(vault)
  const uses = issued ? used(vault, issued) : usedOwn(vault)
  if (isDenied(vault, path)) return noRight
  if (path === 'auth/token/lookup-self') return [200, envelope(lookupSelf(vault, token, issued, uses), 'token')]
  const mounts = 'sys/internal/ui/mounts/'
  return path.startsWith(mounts) ? mount(vault, path.slice(mounts.length)) : readSecret(vault, path)
}

/** What is left, as a look-up says it: 0 for any number, -1 for none. */
function used(vault: Vault, issued: Issued): number {
  if (issued.uses === 0) return 0
  if (--issued.uses > 0) return issued.uses
  vault.issued = vault.issued.filter(one => one !== issued)
  return -1
}

function usedOwn(vault: Vault): number {
  if (vault.tokenUses === 0) return 0
  if (--vault.tokenUses > 0) return vault.tokenUses
  vault.token = `revoked ${randomUUID()}`
  return -1
}

const permissionDenied: Answer = [403, { errors: ['permission denied'] }]
/** As Vault and OpenBao say it alike. */
const noRight: Answer = [403, { errors: ['1 error occurred:\n\t* permission denied\n\n'] }]
const badToken = ({ brand }: Vault): Answer =>
  brand === 'OpenBao'
    ? permissionDenied
    : [403, { errors: ['2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n'] }]

function lookupSelf(vault: Vault, id: string, issued: Issued | undefined, uses: number): object {
  const { tokenRenewable } = vault
  const tokenTtl = issued ? Math.round((issued.endsAt - Date.now()) / 1000) : vault.tokenTtl
  const root = tokenTtl === 'never'
  const created = Date.now() - 3_600_000
  return {
    accessor: 'hmac0bS1Jz9vQm3rV5xN7tKd',
    creation_time: Math.floor(created / 1000),
    creation_ttl: root ? 0 : tokenTtl + 3600,
    display_name: root ? 'root' : 'token-mailpath',
    entity_id: '',
    expire_time: root ? null : new Date(Date.now() + tokenTtl * 1000).toISOString(),
    explicit_max_ttl: 0,
    id,
    meta: null,
    num_uses: uses,
    orphan: true,
    path: root ? 'auth/token/root' : 'auth/token/create',
    policies: root ? ['root'] : ['default', 'mailpath'],
    ttl: root ? 0 : tokenTtl,
    type: 'service',
    // A token without a lease has neither.
    ...(!root && { renewable: tokenRenewable, issue_time: new Date(created).toISOString() }),
  }
}

function mount(vault: Vault, path: string): Answer {
  const found = mountOf(vault, path)
  if (!found) {
    const why = `preflight capability check returned 403, please ensure client's policies grant access to path "${path}/"`
    return [403, { errors: [why] }]
  }
  const data = {
    accessor: `kv_${found.name}`,
    config: { default_lease_ttl: 0, force_no_cache: false, max_lease_ttl: 0 },
    description: 'key/value secret storage',
    external_entropy_access: false,
    local: false,
    // What `vault secrets enable kv` leaves of a v1 mount.
    options: found.version === 2 ? { version: '2' } : null,
    path: `${found.name}/`,
    seal_wrap: false,
    type: 'kv',
    uuid: '0f8b1c3e-6a57-4d0e-9b52-7e4d5c6a1b90',
  }
  return [200, envelope(data, 'system')]
}

/** KV v1 answers the data as they are; v2 wraps them, and answers a deleted version with 404 and its metadata. */
function readSecret(vault: Vault, path: string): Answer {
  const found = mountOf(vault, path)
  if (!found) return noRight
  const data = vault.secrets[path]
  if (found.version === 2 && !path.startsWith(`${found.name}/data/`)) return invalidPath
  if (!data) return [404, { errors: [] }]
  if (found.version === 1) return [200, { ...envelope(data, 'kv'), lease_duration: 2_764_800 }]
  const { version, created, deleted, destroyed } = versionOf(vault, path)
  const gone = destroyed || deleted !== ''
  const metadata = { created_time: created, custom_metadata: null, deletion_time: deleted, destroyed, version }
  return [gone ? 404 : 200, envelope({ data: gone ? null : data, metadata }, 'kv')]
}

const invalidPath: Answer = [
  404,
  {
    request_id: randomUUID(),
    lease_id: '',
    renewable: false,
    lease_duration: 0,
    data: null,
    wrap_info: null,
    warnings: [
      "Invalid path for a versioned K/V secrets engine. See the API docs for the appropriate API endpoints to use. If using the Vault CLI, use 'vault kv get' for this operation.",
    ],
    auth: null,
  },
]

function versionOf({ versions }: Vault, path: string): Version {
  const known = versions.get(path)
  if (known) return known
  const first = { version: 1, created: new Date().toISOString(), deleted: '', destroyed: false }
  versions.set(path, first)
  return first
}

function mountOf({ mounts }: Vault, path: string): { name: string; version: 1 | 2 } | undefined {
  const [name, version] = Object.entries(mounts).find(([name]) => path === name || path.startsWith(`${name}/`)) ?? []
  return name === undefined || version === undefined ? undefined : { name, version }
}

function isDenied({ denied }: Vault, path: string): boolean {
  return [...denied].some(rule => path === rule || (rule.endsWith('/') && path.startsWith(rule)))
}

function envelope(data: unknown, mountType: string): object {
  return {
    request_id: randomUUID(),
    lease_id: '',
    renewable: false,
    lease_duration: 0,
    data,
    wrap_info: null,
    warnings: null,
    auth: null,
    mount_type: mountType,
  }
}

function tokenOf({ headers }: http.IncomingMessage): string | undefined {
  const header = headers['x-vault-token']
  return typeof header === 'string' ? header : headers.authorization?.replace(/^Bearer /i, '')
}

/** Go's strconv.ParseBool, which takes what is empty for false here; undefined for what it refuses. */
function goBoolean(text: string | null): boolean | undefined {
  if (text === null || ['', '0', 'f', 'F', 'false', 'FALSE', 'False'].includes(text)) return false
  return ['1', 't', 'T', 'true', 'TRUE', 'True'].includes(text) ? true : undefined
}

function json(response: http.ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' })
  response.end(body === undefined ? '' : JSON.stringify(body) + '\n')
}

function misbehave(how: VaultMisbehaviour, url: string, response: http.ServerResponse): void {
  if (how === 'silent') return
  if (how === 'html502') {
    response.writeHead(502, { 'Content-Type': 'text/html', Server: 'nginx' })
    response.end('<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>')
  } else if (how === 'notVault') {
    json(response, 200, { status: 'ok', uptime: 12 })
  } else if (how === 'rateLimited') {
    response.setHeader('Retry-After', '1')
    json(response, 429, { errors: [`request path "${url.slice('/v1/'.length)}": rate limit quota exceeded`] })
  } else if (how === 'truncated') {
    const half = '{"initialized":true,"sealed":fa'
    response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': String(half.length * 2) })
    response.write(half, () => response.destroy())
  } else if (how === 'drip') {
    response.writeHead(200, { 'Content-Type': 'application/json' })
    // White space is a lawful beginning of JSON, for ever.
    const timer = setInterval(() => response.write(' '), 20)
    response.on('close', () => {
      clearInterval(timer)
    })
  } else {
    response.writeHead(307, { Location: how.slice('redirect:'.length).replace(/\/$/, '') + url })
    response.end()
  }
}
