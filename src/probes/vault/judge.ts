import { endSeconds, endsSoonIn } from '../../clients/certificates.ts'
import { defaultCertificateWarning } from '../../config/fields.ts'
import { gauge, sample, stateSet, type Sample } from '../../core/metric.ts'
import { finding, type Finding, type Reason } from '../../core/probe.ts'
import {
  isAccepted,
  stateOf,
  vaultStates,
  type HealthSeen,
  type TokenSeen,
  type SecretSeen,
  type VaultSeen,
  type VaultState,
} from './observe.ts'
import { reason, type VaultReasonCode } from './reasons.ts'
import { defaultTokenWarning, usesToken, type VaultTarget } from './target.ts'

const clockToleranceSeconds = 60

type ValidToken = Extract<TokenSeen, { readonly kind: 'valid' }>

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

export function judge(seen: VaultSeen, target: VaultTarget): Finding {
  const found = [
    ...failureReasons(seen),
    ...certificateReasons(seen, target),
    ...healthReasons(seen, target),
    ...loginReasons(seen),
    ...tokenReasons(seen, target),
    ...secretReasons(seen),
  ]
  // The same trouble befalls every request: it is one reason.
  const once = found.filter(
    (one, index) => found.findIndex(({ code, text }) => code === one.code && text === one.text) === index,
  )
  return finding(evidence(seen), once, samples(seen, target))
}

function evidence({ address, health, token, secrets }: VaultSeen): string {
  const facts = health?.facts
  const parts = [
    `${address}: ${facts ? stateOf(facts).replace('_', ' ') : 'unknown'} (HTTP ${health?.status ?? 'none'})`,
    ...(facts?.version === undefined ? [] : [`version ${facts.version}`]),
    ...(token?.kind === 'valid' ? [`token ${remaining(token.ttlSeconds)}`] : []),
    ...(secrets.length === 0 ? [] : [`${secrets.length} secrets readable`]),
  ]
  return parts.join(', ')
}

function failureReasons({ failure }: VaultSeen): Reason[] {
  if (!failure) return []
  if (failure.timedOut) return [reason('vault_no_answer', failure.text)]
  // A line break within the token: it cannot be sent.
  if (failure.code === 'ERR_INVALID_CHAR') return [reason('vault_token_rejected', failure.text)]
  return [reason(failure.tls ? 'vault_tls_failed' : 'vault_unreachable', failure.text)]
}

function certificateReasons({ address, certificates }: VaultSeen, target: VaultTarget): Reason[] {
  const ends = endsSoonIn(certificates, target.certificate_warning ?? defaultCertificateWarning)
  return ends === undefined ? [] : [reason('vault_certificate_expires_soon', `${address}: ${ends}`)]
}

/** What each state means; a standby is as healthy as the active node. */
const states: Record<VaultState, readonly [VaultReasonCode, string] | undefined> = {
  active: undefined,
  standby: undefined,
  performance_standby: undefined,
  dr_secondary: ['vault_dr_secondary', 'is a disaster recovery secondary'],
  uninitialized: ['vault_uninitialized', 'says that it is not initialized'],
  sealed: ['vault_sealed', 'is sealed'],
  removed: ['vault_removed', 'was removed from its cluster'],
  other: ['vault_standby_without_active', 'is a standby that cannot reach the active node'],
}

function healthReasons({ address, health }: VaultSeen, target: VaultTarget): Reason[] {
  if (!health) return []
  const { status, facts } = health
  if (!facts) return [notVault(address, health)]
  const [stateCode, words] = states[stateOf(facts)] ?? []
  // Healthy for what it is, but somebody means to read secrets there.
  const code = stateCode === 'vault_dr_secondary' && usesToken(target) ? 'vault_serves_no_secrets' : stateCode
  const { clockAheadSeconds: ahead = 0 } = facts
  const side = `${Math.abs(ahead)} s ${ahead > 0 ? 'ahead of' : 'behind'} this host's (limit ${clockToleranceSeconds} s)`
  return [
    ...(code === undefined ? [] : [reason(code, `${address}: ${words ?? ''} (HTTP ${status} from /sys/health)`)]),
    ...(Math.abs(ahead) > clockToleranceSeconds
      ? [reason('vault_clock_skew', `${address}: its clock is ${side}`)]
      : []),
  ]
}

function notVault(address: string, { status }: HealthSeen): Reason {
  // Without the body of a standby, which has the same status.
  if (status === 429) return reason('vault_rate_limited', `${address}: HTTP 429 from /sys/health: too many requests`)
  const redirect = status >= 300 && status < 400 ? ', a redirect, which is not followed' : ''
  return reason('vault_not_vault', `${address}: HTTP ${status} from /sys/health${redirect}: not an answer of a Vault`)
}

const troubles = {
  sealed: 'vault_sealed',
  rate_limited: 'vault_rate_limited',
  redirected: 'vault_redirected',
  failed: 'vault_api_failed',
} as const satisfies Record<string, VaultReasonCode>

function loginReasons({ address, login }: VaultSeen): Reason[] {
  switch (login?.kind) {
    case undefined:
    // That is a failure, like any request that is not answered.
    case 'unanswered':
      return []
    case 'unresolved':
      return [reason('vault_token_unresolved', `${address}: ${login.text}`)]
    case 'refused':
      return [reason('vault_login_failed', `${address}: the login was refused (${login.text})`)]
    case 'sealed':
    case 'rate_limited':
    case 'redirected':
    case 'failed':
      return [reason(troubles[login.kind], `${address}: ${login.text} (phase login)`)]
  }
}

function tokenReasons({ address, token, secrets }: VaultSeen, target: VaultTarget): Reason[] {
  if (!token) return []
  switch (token.kind) {
    case 'valid':
      return lifetimeReasons(address, token, target)
    case 'unresolved':
      return [reason('vault_token_unresolved', `${address}: ${token.text}`)]
    case 'rejected':
      return isAccepted(secrets)
        ? [reason('vault_token_lookup_denied', `${address}: the token may not look itself up (${token.text})`)]
        : [reason('vault_token_rejected', `${address}: the token was rejected (${token.text})`)]
    case 'sealed':
    case 'rate_limited':
    case 'redirected':
    case 'failed':
      return [reason(troubles[token.kind], `${address}: ${token.text} (phase token)`)]
  }
}

function lifetimeReasons(
  address: string,
  { ttlSeconds, uses }: ValidToken,
  { token, token_warning: limit = defaultTokenWarning }: VaultTarget,
): Reason[] {
  const reasons: Reason[] = []
  // One that comes of a login is renewed by the exporter, and where that fails there is a reason for it.
  if (token && ttlSeconds * 1000 < limit) {
    const warning = `(warning below ${span(limit / 1000)})`
    reasons.push(reason('vault_token_expires_soon', `${address}: the token ${remaining(ttlSeconds)} ${warning}`))
  }
  if (uses > 0) reasons.push(reason('vault_token_uses_limited', `${address}: the token has ${uses} uses left`))
  return reasons
}

function secretReasons(seen: VaultSeen): Reason[] {
  const rejected = seen.token?.kind === 'rejected' && !isAccepted(seen.secrets)
  return seen.secrets.flatMap(secret => {
    switch (secret.kind) {
      case 'ok':
        return keyReasons(secret)
      case 'denied':
        // Not a second fact where the token is good for nothing.
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
        return [reason(troubles[secret.kind], `${seen.address}: ${secret.text} (phase secrets)`)]
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
): Sample[] {
  const answered = health !== undefined || (failure ? false : undefined)
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

function secretSamples({ path, kind, keys }: SecretSeen, target: string, wanted: readonly string[] = ['']): Sample[] {
  // Then nothing was said of the secret itself.
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
