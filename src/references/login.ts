import { unlessAborted } from '../core/abort.ts'
import { describeError, seconds } from '../core/errors.ts'
import { fingerprint } from '../core/fingerprint.ts'
import type { Vault } from '../clients/vault.ts'
import { hasLogin, logIn, lookIntoWrapping, renewSelf, type Lease } from '../clients/vault-login.ts'
import type { Login, LoginFailure, LoginWanted, TokenLife } from '../core/reference.ts'
import { redactor } from '../core/redact.ts'
import { backOffText } from './back-off.ts'
import type { Held, Logins, Revoke, Standing } from './logins.ts'
import type { Asking } from './sharing.ts'
import { requestFailure } from './wrap-error.ts'

/** How to log in at one Vault. */
export interface LoginWay {
  /** Identifies the login: the Vault, the mount, and the source of the credentials. */
  readonly key: string
  /** `host:port` */
  readonly address: string
  readonly namespace: string | undefined
  readonly mount: string
  /** Fetched for each login, since they are rotated. */
  readonly credentials: (signal: AbortSignal) => Promise<Credentials>
  readonly open: (signal: AbortSignal, token?: string) => Promise<Vault>
  readonly revoke: Revoke
}

export interface Credentials {
  readonly fields: Readonly<Record<string, string>>
  /** Values among the fields that must not be shown. */
  readonly secrets: readonly string[]
  /** The RoleID, if Vault counts refusals and locks the role. */
  readonly locks?: string | undefined
  /** The value that could be a wrapping token by mistake. */
  readonly wrapped?: string | undefined
}

/** After a refusal that Vault does not count: no need to be blind for longer than a round. */
const retryMs = 10_000
/** While a role is locked: trying does no harm, and little good. */
const lockedMs = 60_000
/** A refused token that was of use is replaced after this time at the earliest; one that never was, after the other. */
const replaceMs = 5_000
const replaceUnusedMs = 60_000
/** Others may take the uses of a new token before we do, again and again. */
const mostTries = 20

/**
 * The shared login. It is renewed or made again only if two thirds of the token's life or all but one of its uses are
 * over, or if Vault `refused` the token. The refusal may be about a right that it does not have, so a token that never
 * was of use is kept for a while. docs/design.md says when refused credentials are tried again. A failed attempt is
 * shared by all that ask within their `maxAgeMs`.
 */
export async function loginAt(
  logins: Logins,
  way: LoginWay,
  asking: Asking,
  { refused, uses = 1 }: LoginWanted,
): Promise<Login> {
  const standing = logins.standing(way.key)
  if (standing.held && standing.held.token === refused && mayBeReplaced(standing)) {
    logins.retire(standing)
    standing.refused = true
  }
  for (let tries = 0; tries < mostTries; tries++) {
    const ready = isFresh(standing) ? take(standing, uses) : undefined
    if (ready) return { ...ready, failure: undefined }
    try {
      const maxAgeMs = standing.failure ? asking.maxAgeMs : 0
      await standing.attempt('login', way.address, { ...asking, maxAgeMs }, alone =>
        renewOrLogIn(logins, standing, way, alone),
      )
    } catch (error) {
      const failure = { kind: 'unanswered', text: describeError(error) } as const
      return { ...(take(standing, uses) ?? nothing), failure }
    }
    const { failure } = standing
    if (failure) return { ...(take(standing, uses) ?? nothing), failure }
  }
  return { ...nothing, failure: { kind: 'failed', text: 'each new token was used up by others' } }
}

/** Remembers that a secret was read with the token. */
export function served(logins: Logins, key: string, token: string): void {
  const standing = logins.standing(key)
  if (standing.held?.token === token) standing.servedAt = performance.now()
}

const nothing = { token: undefined }

const isFresh = ({ held }: Standing): boolean => held !== undefined && performance.now() < held.renewAt

/** Takes uses of the token held; undefined if it has too few. The last use is kept to revoke it with. */
function take(standing: Standing, uses: number): Omit<Login, 'failure'> | undefined {
  const held = alive(standing)
  if (!held || standing.usesLeft < uses + keptBack(held)) return undefined
  standing.usesLeft -= uses
  const { token } = held
  const { servedAt } = standing
  const accepted = (): void => {
    if (standing.held?.token === token) standing.servedAt = performance.now()
  }
  return { token, life: lifeOf(held, standing.usesLeft), servedAt, byLogin: true, accepted }
}

/** Undefined if a look-up costs nothing. */
function lifeOf({ uses, endsAt }: Held, left: number): TokenLife | undefined {
  if (uses === Infinity) return undefined
  const ms = endsAt - performance.now()
  return { ttlSeconds: ms / 1000, expiresAt: Date.now() + ms, uses: left }
}

const keptBack = ({ uses }: Held): number => (uses > 1 && uses < Infinity ? 1 : 0)

function mayBeReplaced({ held, servedAt }: Standing): boolean {
  if (!held?.insteadOfRefused) return true
  const least = servedAt === undefined ? Math.min(held.lifeMs / 3, replaceUnusedMs) : replaceMs
  return performance.now() - held.since >= least
}

const alive = ({ held }: Standing): Held | undefined => (held && performance.now() < held.endsAt ? held : undefined)

async function renewOrLogIn(
  logins: Logins,
  standing: Standing,
  way: LoginWay,
  signal: AbortSignal,
): Promise<undefined> {
  const redact = redactor()
  try {
    standing.failure = (await renewed(standing, way, signal))
      ? undefined
      : await loggedIn(logins, standing, way, signal, redact)
  } catch (error) {
    // All that waited for it have left: that says nothing of Vault.
    if (signal.aborted) throw error
    standing.failure = requestFailure(error, redact.text(describeError(error)))
  }
}

/** Renews the token; false if it has no new life. Near its maximum life the renewals would get ever shorter. */
async function renewed(standing: Standing, way: LoginWay, signal: AbortSignal): Promise<boolean> {
  const held = alive(standing)
  // A renewal takes a use as well.
  if (!held?.renewable || held.uses < Infinity) return false
  const asked = performance.now()
  const lease = await renewSelf(await way.open(signal, held.token))
  const isNew = lease.kind === 'ok' && lease.lifeSeconds * 1000 >= held.lifeMs / 2
  const isLast = lease.kind === 'ok' || lease.kind === 'refused'
  if (isNew) standing.held = { ...held, ...livesFrom(asked, lease) }
  else if (isLast) standing.held = { ...held, renewable: false }
  return isNew
}

/** Logs in. Returns why that failed, or undefined. */
async function loggedIn(
  logins: Logins,
  standing: Standing,
  way: LoginWay,
  signal: AbortSignal,
  redact: ReturnType<typeof redactor>,
): Promise<LoginFailure | undefined> {
  const credentials = await way.credentials(signal)
  credentials.secrets.forEach(redact.add)
  const { locks, wrapped } = credentials
  if (wrapped !== undefined && looksLikeToken(wrapped)) {
    const answer = await lookIntoWrapping(await way.open(signal), wrapped)
    if (answer.kind === 'wrapped')
      return { kind: 'wrapped', text: 'secret_id is a wrapping token, and not the SecretID that is wrapped in it' }
    if (answer.kind !== 'plain') return answer
  }
  if (locks === undefined) return oneLogin(logins, standing, way, credentials, signal, redact)
  // Several nodes may be one cluster: their logins by one role are counted together.
  const role = JSON.stringify([way.namespace, way.mount, locks])
  const turn = logins.inTurn(role, () => oneLogin(logins, standing, way, credentials, signal, redact))
  return unlessAborted(signal, turn)
}

async function oneLogin(
  logins: Logins,
  standing: Standing,
  way: LoginWay,
  { fields, locks }: Credentials,
  signal: AbortSignal,
  redact: ReturnType<typeof redactor>,
): Promise<LoginFailure | undefined> {
  signal.throwIfAborted()
  const { namespace = '', mount } = way
  const attempt = locks === undefined ? undefined : { account: [namespace, mount, locks], credentials: fields }
  const earlier = attempt && (await logins.backOff.current(attempt))
  if (earlier) return { kind: 'refused', text: backOffText(earlier) }
  const sent = fingerprint(fields)
  if (standing.failure && standing.pause?.credentials === sent && performance.now() < standing.pause.until)
    return standing.failure
  const asked = performance.now()
  const lease = await logIn(await way.open(signal), mount, fields)
  standing.pause = undefined
  if (lease.kind === 'ok') {
    hold(logins, standing, way.revoke, lease, asked)
    if (attempt) await logins.backOff.accepted(attempt)
    return undefined
  }
  const failure = { kind: lease.kind, text: redact.text(lease.text) }
  if (failure.kind !== 'refused') return failure
  const status = lease.kind === 'refused' ? lease.status : undefined
  // An address that may not log in is a mistake that Vault does not count.
  if (attempt && status === 400 && !failure.text.includes('CIDR')) {
    const { backOff, isKept } = await logins.backOff.refused(attempt, { text: failure.text })
    return { ...failure, text: backOffText(backOff, isKept) }
  }
  // Vault answers the same for a locked role and for a missing mount. An empty login tells them apart.
  const isThere = attempt && status === 403 ? await hasLogin(await way.open(signal), mount) : undefined
  const locked = isThere === true
  const noMount = isThere === false ? `; there is no login at auth/${mount}` : ''
  const pauseMs = locked ? lockedMs : retryMs
  standing.pause = { credentials: sent, until: performance.now() + pauseMs }
  return {
    kind: locked ? 'locked' : 'refused',
    text: `${failure.text}${noMount}; tried again after ${seconds(pauseMs)}`,
  }
}

/** Replaces the token held. */
function hold(logins: Logins, standing: Standing, revoke: Revoke, lease: Lease, asked: number): void {
  logins.retire(standing)
  const { token, renewable, uses } = lease
  const insteadOfRefused = standing.refused
  const lives = livesFrom(asked, lease)
  standing.held = { token, renewable, since: asked, insteadOfRefused, uses, revoke, ...lives }
  standing.usesLeft = uses
  standing.refused = false
}

/** In the form of Vault and OpenBao. A SecretID is a UUID, unless another was chosen. */
const looksLikeToken = (text: string): boolean => /^(hvs|hvb|hvr|s|b|r)\./.test(text)

const livesFrom = (asked: number, { lifeSeconds }: Lease): Pick<Held, 'lifeMs' | 'renewAt' | 'endsAt'> => {
  const lifeMs = lifeSeconds * 1000
  return { lifeMs, renewAt: asked + (lifeMs * 2) / 3, endsAt: asked + lifeMs }
}
