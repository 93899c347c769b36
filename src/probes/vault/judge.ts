import { endSeconds, endsSoonIn, wantsClientCertificate } from '../../clients/certificates.ts'
import { remedyForName } from '../../clients/names/index.ts'
import type { TokenRead } from '../../clients/vault.ts'
import { defaultCertificateWarning } from '../../fields/index.ts'
import { gauge, sample, stateSet } from '../../core/metric.ts'
import { finding } from '../../core/probe.ts'
import {
  isAccepted,
  stateOf,
  vaultStates,
  type HealthSeen,
  type SecretSeen,
  type VaultSeen,
  type VaultState,
} from './observe.ts'
import { reason, reasons, type Reason } from './reasons.ts'
import { defaultTokenWarning, usesToken, type VaultTarget } from './target.ts'

const clockToleranceSeconds = 60

type ValidToken = Extract<TokenRead, { readonly kind: 'valid' }>

export const metrics = {
  reachable: gauge(
    'mailpath_vault_reachable',
    'Whether the node answered over HTTP within the timeout, whatever it said.',
    ['target'],
  ),
  state: gauge('mailpath_vault_state', 'State of the Vault node (1 for the current one); none while it is unknown.', [
    'target',
    'state',
  ]),
  tokenExpiry: gauge(
    'mailpath_vault_token_expiry_timestamp_seconds',
    'When the token expires, by the clock of Vault; +Inf for never.',
    ['target'],
  ),
  secretReadable: gauge(
    'mailpath_vault_secret_readable',
    'Whether the secret could be read and has the key with a value; the key is empty where the configuration names none.',
    ['target', 'path', 'key'],
  ),
  notAfter: gauge(
    'mailpath_vault_certificate_not_after_timestamp_seconds',
    'When the first certificate of the chain of the node expires, whether it verifies or not.',
    ['target'],
  ),
  info: gauge('mailpath_vault_info', 'Version of Vault; the value is 1.', ['target', 'version']),
}

export function judge(seen: VaultSeen, target: VaultTarget) {
  const found = [
    ...failureReasons(seen, target),
    ...certificateReasons(seen, target),
    ...healthReasons(seen, target),
    ...leaderReasons(seen),
    ...loginReasons(seen),
    ...tokenReasons(seen, target),
    ...secretReasons(seen),
  ]
  // A problem that every request has is one reason.
  const once = found.filter(
    (one, index) => found.findIndex(({ code, text }) => code === one.code && text === one.text) === index,
  )
  return finding(evidence(seen), once, samples(seen, target), seen.certificates?.chain.leaf)
}

function evidence({ address, health, leader, token, secrets }: VaultSeen): string {
  const facts = health?.facts
  const parts = [
    `${address}: ${facts ? stateOf(facts).replace('_', ' ') : 'unknown'} (HTTP ${health?.status ?? 'none'})`,
    ...(facts?.version === undefined ? [] : [`version ${facts.version}`]),
    ...(leader === undefined || leader.address === '' ? [] : [`active node ${leader.address}`]),
    ...(token?.kind === 'valid' ? [`token ${remaining(token.ttlSeconds)}`] : []),
    ...(secrets.length === 0 ? [] : [`${counted(secrets.length, 'secret')} readable`]),
  ]
  return parts.join(', ')
}

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`

function failureReasons({ failure }: VaultSeen, { cert_file: file }: VaultTarget): Reason[] {
  if (!failure) return []
  if (failure.timedOut) return [reason('vault_no_answer', failure.text, remedyForName(failure))]
  // A line break within the token: it cannot be sent.
  if (failure.code === 'ERR_INVALID_CHAR') return [reason('vault_token_rejected', failure.text)]
  if (wantsClientCertificate(failure)) {
    const why = file === undefined ? 'wants a client certificate' : 'does not accept the certificate of cert_file'
    return [reason('vault_client_certificate_refused', `${failure.text}: the listener ${why}`)]
  }
  return [reason(failure.tls ? 'vault_tls_failed' : 'vault_unreachable', failure.text, remedyForName(failure))]
}

function certificateReasons({ address, certificates }: VaultSeen, target: VaultTarget): Reason[] {
  const ends = endsSoonIn(certificates, target.certificate_warning ?? defaultCertificateWarning)
  return ends === undefined ? [] : [reason('vault_certificate_expires_soon', `${address}: ${ends}`)]
}

/** The meaning of each state; a standby is as healthy as the active node. */
const states: Record<VaultState, readonly [Reason['code'], string] | undefined> = {
  active: undefined,
  standby: undefined,
  performance_standby: undefined,
  dr_secondary: ['vault_dr_secondary', 'is a disaster recovery secondary'],
  uninitialized: ['vault_uninitialized', 'says that it is not initialized'],
  sealed: ['vault_sealed', 'is sealed'],
  removed: ['vault_removed', 'was removed from its cluster'],
  other: ['vault_standby_without_active', 'is a standby that cannot reach the active node'],
}

function healthReasons({ address, health, leader, unsealing }: VaultSeen, target: VaultTarget): Reason[] {
  if (!health) return []
  const { status, facts } = health
  if (!facts) return [notVault(address, health)]
  const [stateCode, words] = states[stateOf(facts)] ?? []
  // Healthy for what it is, but it is configured to read secrets there.
  const code = stateCode === 'vault_dr_secondary' && usesToken(target) ? 'vault_serves_no_secrets' : stateCode
  const progress = unsealing && `, ${unsealing.given} of ${counted(unsealing.needed, 'key')} given`
  const active = stateCode === 'vault_standby_without_active' ? naming(leader) : ''
  const { clockAheadSeconds: ahead = 0 } = facts
  const side = `${Math.abs(ahead)} s ${ahead > 0 ? 'ahead of' : 'behind'} this host's (limit ${clockToleranceSeconds} s)`
  return [
    ...(code === undefined
      ? []
      : [reason(code, `${address}: ${words ?? ''}${progress ?? ''} (HTTP ${status} from /sys/health)${active}`)]),
    ...(Math.abs(ahead) > clockToleranceSeconds
      ? [reason('vault_clock_skew', `${address}: its clock is ${side}`)]
      : []),
  ]
}

function notVault(address: string, { status }: HealthSeen): Reason {
  // A standby has the same status, but with a body.
  if (status === 429) return reason('vault_rate_limited', `${address}: HTTP 429 from /sys/health: too many requests`)
  const redirect = status >= 300 && status < 400 ? ', a redirect, which is not followed' : ''
  return reason('vault_not_vault', `${address}: HTTP ${status} from /sys/health${redirect}: not an answer of a Vault`)
}

function naming(leader: VaultSeen['leader']): string {
  if (leader === undefined || leader.address === '') return ''
  return `; it names ${leader.address} as the active node${leader.silent === undefined ? '' : ', which does not answer'}`
}

/** A standby without an active node takes no login and no write. OpenBao still serves reads. */
function leaderReasons({ address, health, leader, token, secrets }: VaultSeen): Reason[] {
  const facts = health?.facts
  if (!facts || !leader || stateOf(facts) === 'other') return []
  // With `redact_addresses` Vault hides the address, and reports the active node in another field.
  const none = leader.address === '' && facts.haHealthy !== true
  if (!none && leader.silent === undefined) return []
  const what = none ? 'knows no active node (/sys/leader)' : `names ${leader.address} as the active node`
  const text = `${address}: is a standby and ${what}${none ? '' : `, which does not answer (${leader.silent ?? ''})`}`
  if (isAccepted(secrets) || token?.kind === 'valid')
    return [reason('vault_no_leader', `${text}; it still serves what is read`)]
  // That it is not seen from here does not prove that the standby has lost it.
  return [none ? reason('vault_standby_without_active', text) : reason('vault_no_leader', text)]
}

const troubles = {
  sealed: 'vault_sealed',
  rate_limited: 'vault_rate_limited',
  redirected: 'vault_redirected',
  failed: 'vault_api_failed',
  no_namespace: 'vault_namespace_missing',
} as const satisfies Record<string, Reason['code']>

function troubleReason(
  { address, leader }: VaultSeen,
  kind: keyof typeof troubles,
  text: string,
  phase: string,
): Reason {
  const active = kind === 'redirected' || kind === 'failed' ? naming(leader) : ''
  return reason(troubles[kind], `${address}: ${text} (phase ${phase})${active}`)
}

function loginReasons(seen: VaultSeen): Reason[] {
  const { address, login } = seen
  switch (login?.kind) {
    case undefined:
    // A failure, like any request without an answer.
    case 'unanswered':
      return []
    case 'unresolved':
      return [reason('vault_token_unresolved', `${address}: ${login.text}`)]
    case 'wrapped':
      return [reason('vault_token_wrapped', `${address}: ${login.text}`)]
    case 'used_up':
      return [reason('vault_token_rejected', `${address}: ${login.text}`, reasons.vault_token_uses_limited.remedy)]
    case 'refused':
      return [reason('vault_login_failed', `${address}: the login was refused (${login.text})`)]
    case 'locked':
      return [reason('vault_login_locked', `${address}: no login by this role is accepted (${login.text})`)]
    case 'sealed':
    case 'rate_limited':
    case 'redirected':
    case 'failed':
    case 'no_namespace':
      return [troubleReason(seen, login.kind, login.text, 'login')]
  }
}

/** A read with the token longer ago than this proves nothing about it now. */
const servedMs = 60_000

function tokenReasons(seen: VaultSeen, target: VaultTarget): Reason[] {
  const { address, token, secrets, servedMsAgo = Infinity } = seen
  if (!token) return []
  switch (token.kind) {
    case 'valid':
      return lifetimeReasons(seen, token, target)
    case 'rejected':
      if (isAccepted(secrets)) return [lookupDenied(address, token.text)]
      return seen.byLogin
        ? [reason('vault_token_rejected', `${address}: the token of a login was rejected (${token.text})`, whoRevokes)]
        : [reason('vault_token_rejected', `${address}: the token was rejected (${token.text})`)]
    case 'lookup_denied': {
      if (isAccepted(secrets) || servedMsAgo <= Math.max(servedMs, 2 * (target.interval ?? 0)))
        return [lookupDenied(address, token.text)]
      const text = `${address}: the token may not look itself up (${token.text}), and nothing was read with it`
      return [reason('vault_token_unproven', text)]
    }
    case 'sealed':
    case 'rate_limited':
    case 'redirected':
    case 'failed':
    case 'no_namespace':
      return [troubleReason(seen, token.kind, token.text, 'token')]
  }
}

const lookupDenied = (address: string, text: string): Reason =>
  reason('vault_token_lookup_denied', `${address}: the token may not look itself up (${text})`)

const whoRevokes =
  'Is the role bound to other addresses (token_bound_cidrs)? If not, find out who revokes the tokens of this role. The exporter logs in again within a minute.'

function lifetimeReasons(
  { address, byLogin }: VaultSeen,
  { ttlSeconds, uses }: ValidToken,
  { token, token_warning: limit = defaultTokenWarning, secrets = [] }: VaultTarget,
): Reason[] {
  const found: Reason[] = []
  // The exporter renews a token from a login, and reports it if that fails.
  if (token && ttlSeconds * 1000 < limit) {
    const warning = `(warning below ${span(limit / 1000)})`
    found.push(reason('vault_token_expires_soon', `${address}: the token ${remaining(ttlSeconds)} ${warning}`))
  }
  if (uses === Infinity) return found
  const left = `${counted(uses, 'use')} left`
  const text = byLogin
    ? `the login gives tokens for a limited number of requests, and this one has ${left}; the exporter logs in again before it has none`
    : `the token has ${left}; each run of this check takes ${secrets.length}, and each secret that another check reads takes one`
  return [...found, reason('vault_token_uses_limited', `${address}: ${text}`)]
}

function secretReasons(seen: VaultSeen): Reason[] {
  const rejected = seen.token?.kind === 'rejected' && !isAccepted(seen.secrets)
  return seen.secrets.flatMap(secret => {
    switch (secret.kind) {
      case 'ok':
        return keyReasons(secret)
      case 'denied':
        // No second reason if the token itself was rejected.
        return rejected ? [] : [reason('vault_secret_denied', `${secret.path}: ${secret.text}`)]
      case 'missing':
        return [reason('vault_secret_missing', `${secret.path}: ${secret.text}`)]
      case 'deleted':
      case 'destroyed':
        return [reason('vault_secret_deleted', `${secret.path}: ${secret.text}`)]
      case 'sealed':
      case 'rate_limited':
      case 'redirected':
      case 'failed':
      case 'no_namespace':
        return [troubleReason(seen, secret.kind, secret.text, 'secrets')]
    }
  })
}

const keyReasons = ({ path, keys }: SecretSeen): Reason[] =>
  Object.entries(keys).flatMap(([key, state]) => {
    if (state === 'present') return []
    return state === 'missing'
      ? [reason('vault_secret_key_missing', `${path}: has no key ${key}`)]
      : [reason('vault_secret_key_empty', `${path}: the key ${key} is empty`)]
  })

function samples(
  { health, failure, token, secrets, certificates }: VaultSeen,
  { name: target, secrets: wanted }: VaultTarget,
) {
  // A listener that refuses our certificate is up, but proves nothing about the node.
  const refused = failure && !wantsClientCertificate(failure) ? false : undefined
  const answered = health !== undefined || refused
  const facts = health?.facts
  return [
    ...sample(metrics.reachable, answered, { target }),
    ...stateSet(metrics.state, 'state', vaultStates, facts && stateOf(facts), { target }),
    ...sample(metrics.tokenExpiry, token?.kind === 'valid' ? token.expiresAt / 1000 : undefined, { target }),
    ...sample(metrics.notAfter, endSeconds(certificates), { target }),
    ...secrets.flatMap(secret => secretSamples(secret, target, wanted?.find(({ path }) => path === secret.path)?.keys)),
    ...(facts?.version === undefined ? [] : sample(metrics.info, 1, { target, version: facts.version })),
  ]
}

function secretSamples({ path, kind, keys }: SecretSeen, target: string, wanted: readonly string[] = ['']) {
  // The answer says nothing of the secret itself.
  if (kind in troubles) return []
  return wanted.flatMap(key => {
    const readable = kind === 'ok' && (key === '' || keys[key] === 'present')
    return sample(metrics.secretReadable, readable, { target, path, key })
  })
}

const remaining = (ttlSeconds: number): string =>
  ttlSeconds === Infinity ? 'never expires' : `expires in ${span(ttlSeconds)}`

function span(length: number): string {
  const [unit, size] =
    length >= 172_800 ? ['d', 86_400] : length >= 7_200 ? ['h', 3_600] : length >= 120 ? ['min', 60] : ['s', 1]
  return `${Math.floor(length / size)} ${unit}`
}
