import { createHmac, randomBytes } from 'node:crypto'
import { HttpFailure } from '../clients/http.ts'
import type { Vault } from '../clients/vault.ts'
import { logIn, renewSelf, type Lease } from '../clients/vault-login.ts'
import { describeError, seconds } from '../core/errors.ts'
import type { Login, LoginFailure } from '../core/probe.ts'
import { redactor } from '../core/redact.ts'
import { sharing, type Asking } from './sharing.ts'

/** How to log in at one Vault. */
export interface LoginWay {
  /** `host:port` */
  readonly address: string
  readonly mount: string
  /** What is sent; fetched for each login, since it is rotated. */
  readonly credentials: (signal: AbortSignal) => Promise<Credentials>
  readonly open: (signal: AbortSignal, token?: string) => Promise<Vault>
}

export interface Credentials {
  readonly fields: Readonly<Record<string, string>>
  /** Those values of the fields that nobody may see. */
  readonly secrets: readonly string[]
}

/** A token got by a login. Times are those of the monotonic clock, in milliseconds. */
interface Held {
  readonly token: string
  readonly renewable: boolean
  readonly since: number
  readonly lifeMs: number
  /** From here on it is to be renewed, while it can still be used: when two thirds of its life are over. */
  readonly renewAt: number
  readonly endsAt: number
  /** The one before was refused. */
  readonly insteadOfRefused: boolean
}

/** Credentials that Vault does not accept. */
interface Refusal {
  readonly fingerprint: string
  readonly count: number
  readonly until: number
  readonly failure: LoginFailure
}

interface Standing {
  held: Held | undefined
  failure: LoginFailure | undefined
  refusal: Refusal | undefined
  /** The token held last was refused. */
  refused: boolean
  readonly attempt: ReturnType<typeof sharing<undefined>>
}

/** By the target, so that it goes with it: a reloaded configuration has new targets, and logs in anew. */
const standings = new WeakMap<object, Standing>()

/** A login that takes longer than this is not waited for by those who come later. */
const joinMs = 5_000
/** Vault locks an AppRole out, for everybody, at the fifth failure that comes within 15 minutes of the one before. */
const firstPauseMs = 60_000
const pauseFactor = 4
const longestPauseMs = 3_600_000
/** A token that is refused although it came instead of a refused one is replaced after this time at the earliest. */
const replaceMs = 60_000

/** Makes fingerprints of credentials worth nothing outside of this process. */
const key = randomBytes(32)
const fingerprintOf = ({ fields }: Credentials): string =>
  createHmac('sha256', key).update(JSON.stringify(fields)).digest('base64')

/**
 * The login at a Vault target that all share. It is renewed, or made anew, only when two thirds of the token's life are
 * over, or when Vault `refused` the token. That may be for a right it does not have, so one that is refused again is kept
 * for a while. Credentials that were refused are held off, unless they change. A try that failed is one for all who ask
 * within their `maxAgeMs`.
 */
export async function loginAt(target: object, way: LoginWay, asking: Asking, refused?: string): Promise<Login> {
  const standing = standingOf(target)
  const { held } = standing
  if (held && held.token === refused && mayBeReplaced(held)) Object.assign(standing, { held: undefined, refused: true })
  if (standing.held && performance.now() < standing.held.renewAt)
    return { token: standing.held.token, failure: undefined }
  try {
    const maxAgeMs = standing.failure ? asking.maxAgeMs : 0
    await standing.attempt('login', way.address, { ...asking, maxAgeMs }, alone => renewOrLogIn(standing, way, alone))
  } catch (error) {
    return { token: alive(standing)?.token, failure: { kind: 'unanswered', text: describeError(error) } }
  }
  return { token: alive(standing)?.token, failure: standing.failure }
}

function standingOf(target: object): Standing {
  const known = standings.get(target)
  if (known) return known
  const attempt = sharing<undefined>(joinMs)
  const made: Standing = { held: undefined, failure: undefined, refusal: undefined, refused: false, attempt }
  standings.set(target, made)
  return made
}

const mayBeReplaced = ({ insteadOfRefused, since, lifeMs }: Held): boolean =>
  !insteadOfRefused || performance.now() - since >= Math.min(lifeMs / 3, replaceMs)

const alive = ({ held }: Standing): Held | undefined => (held && performance.now() < held.endsAt ? held : undefined)

async function renewOrLogIn(standing: Standing, way: LoginWay, signal: AbortSignal): Promise<undefined> {
  const redact = redactor()
  try {
    standing.failure = (await renewed(standing, way, signal))
      ? undefined
      : await loggedIn(standing, way, signal, redact)
  } catch (error) {
    // All who waited for it have left: that says nothing of Vault.
    if (signal.aborted) throw error
    const text = redact.text(describeError(error))
    standing.failure =
      error instanceof HttpFailure
        ? { kind: 'unanswered', text, code: error.code, tls: error.phase === 'tls' }
        : { kind: 'unresolved', text }
  }
}

/** Whether the token has a new life. One that nears the end of all renewals would get ever shorter ones. */
async function renewed(standing: Standing, way: LoginWay, signal: AbortSignal): Promise<boolean> {
  const held = alive(standing)
  if (!held?.renewable) return false
  const asked = performance.now()
  const lease = await renewSelf(await way.open(signal, held.token))
  const isNew = lease.kind === 'ok' && lease.lifeSeconds * 1000 >= held.lifeMs / 2
  const isLast = lease.kind === 'ok' || lease.kind === 'refused'
  if (isNew) standing.held = { ...held, ...livesFrom(asked, lease) }
  else if (isLast) standing.held = { ...held, renewable: false }
  return isNew
}

/** Why there was no login; undefined where there was. */
async function loggedIn(
  standing: Standing,
  way: LoginWay,
  signal: AbortSignal,
  redact: ReturnType<typeof redactor>,
): Promise<LoginFailure | undefined> {
  const credentials = await way.credentials(signal)
  credentials.secrets.forEach(redact.add)
  const fingerprint = fingerprintOf(credentials)
  const before = standing.refusal?.fingerprint === fingerprint ? standing.refusal : undefined
  if (before && performance.now() < before.until) return before.failure
  const asked = performance.now()
  const lease = await logIn(await way.open(signal), way.mount, credentials.fields)
  standing.refusal = undefined
  if (lease.kind === 'ok') {
    const { token, renewable } = lease
    standing.held = { token, renewable, since: asked, insteadOfRefused: standing.refused, ...livesFrom(asked, lease) }
    standing.refused = false
    return undefined
  }
  const failure = { ...lease, text: redact.text(lease.text) }
  if (failure.kind === 'refused') standing.refusal = refusalOf(fingerprint, failure, before)
  return standing.refusal?.failure ?? failure
}

function refusalOf(fingerprint: string, failure: LoginFailure, before: Refusal | undefined): Refusal {
  const count = (before?.count ?? 0) + 1
  const pauseMs = Math.min(firstPauseMs * pauseFactor ** (count - 1), longestPauseMs)
  const text = `${failure.text}; not tried again for ${seconds(pauseMs)}, unless the credentials change`
  return { fingerprint, count, until: performance.now() + pauseMs, failure: { ...failure, text } }
}

const livesFrom = (asked: number, { lifeSeconds }: Lease): Pick<Held, 'lifeMs' | 'renewAt' | 'endsAt'> => {
  const lifeMs = lifeSeconds * 1000
  return { lifeMs, renewAt: asked + (lifeMs * 2) / 3, endsAt: asked + lifeMs }
}
