import type { LoginFailure, TokenLife } from '../core/reference.ts'
import type { LoginBackOff, RefusalMemory } from '../core/back-off.ts'
import { createVaultBackOff, type VaultRefusal } from './back-off.ts'
import { sharing } from './sharing.ts'

/** Revokes a token at its Vault. */
export type Revoke = (token: string, signal: AbortSignal) => Promise<unknown>

/** A token from a login. Times are those of the monotonic clock, in milliseconds. */
export interface Held {
  readonly token: string
  readonly renewable: boolean
  readonly since: number
  readonly lifeMs: number
  /** Renew it from here on, when two thirds of its life are over; it can still be used. */
  readonly renewAt: number
  readonly endsAt: number
  /** It replaces a token that Vault refused. */
  readonly insteadOfRefused: boolean
  /** Requests that it was good for at first; Infinity if unlimited. */
  readonly uses: number
  readonly revoke: Revoke
}

/** The state of one login. */
export interface Standing {
  held?: Held | undefined
  /** Requests that the token held is still good for. */
  usesLeft: number
  failure?: LoginFailure | undefined
  /** Vault refused the last token held. */
  refused: boolean
  /** After a refusal that Vault does not count: when to try these credentials again, by the monotonic clock. */
  pause?: { readonly credentials: string; readonly until: number } | undefined
  /** When a secret was last read with the token held. */
  servedAt?: number | undefined
  readonly attempt: ReturnType<typeof sharing<undefined>>
}

/** The state of a token that the configuration names by a reference. */
export interface Given {
  readonly token: string
  /** For a token with a limited number of uses. */
  life?: (Omit<TokenLife, 'ttlSeconds'> & { readonly of: number }) | undefined
  servedAt?: number | undefined
}

/** State of logins at Vaults. It lives as long as the process, across reloads. */
export interface Logins {
  readonly backOff: LoginBackOff<VaultRefusal>
  standing(key: string): Standing
  /** Undefined if no token or another one was given before. */
  given(key: string, token: string): Given | undefined
  give(key: string, given: Given): void
  /** Runs work one at a time by key; does not wait long for work that hangs. */
  inTurn<T>(key: string, work: () => Promise<T>): Promise<T>
  /** Stops using the token held. It is revoked soon, when the requests that use it have come back. */
  retire(standing: Standing): void
  /** Forgets logins that no configuration names any more, and revokes their tokens. */
  retain(keys: ReadonlySet<string>): void
  /** Revokes every token of ours, as far as possible until the signal aborts. Never rejects. */
  end(signal: AbortSignal): Promise<void>
}

/** Later callers do not wait for a login that has taken longer than this. */
const joinMs = 5_000
/** Time for requests with a retired token to come back. Later ones are repeated with the next token. */
const retireMs = 1_000
const revokeMs = 5_000
const longestTurnMs = 1_000

const wait = (ms: number): Promise<void> => new Promise(resolve => void setTimeout(resolve, ms).unref())

export function createLogins(memory?: RefusalMemory<VaultRefusal>): Logins {
  const standings = new Map<string, Standing>()
  const givens = new Map<string, Given>()
  const turns = new Map<string, Promise<unknown>>()
  const retired = new Set<Held>()

  const revoke = async (one: Held, signal: AbortSignal): Promise<void> => {
    if (!retired.delete(one) || performance.now() >= one.endsAt) return
    await one.revoke(one.token, signal).catch(() => undefined)
  }

  const retire = (standing: Standing): void => {
    const { held } = standing
    standing.held = standing.servedAt = undefined
    if (!held) return
    retired.add(held)
    setTimeout(() => void revoke(held, AbortSignal.timeout(revokeMs)), retireMs).unref()
  }

  return {
    backOff: createVaultBackOff(memory),
    retire,
    standing(key) {
      const standing = standings.get(key) ?? { usesLeft: 0, refused: false, attempt: sharing<undefined>(joinMs) }
      standings.set(key, standing)
      return standing
    },
    given(key, token) {
      const known = givens.get(key)
      return known?.token === token ? known : undefined
    },
    give: (key, given) => void givens.set(key, given),
    inTurn<T>(key: string, work: () => Promise<T>): Promise<T> {
      const before = turns.get(key)
      const mine = before ? Promise.race([before, wait(longestTurnMs)]).then(work) : work()
      const ended = mine.catch(() => undefined)
      turns.set(key, ended)
      void ended.then(() => turns.get(key) === ended && turns.delete(key))
      return mine
    },
    retain(keys) {
      for (const [key, standing] of standings)
        if (!keys.has(key)) {
          retire(standing)
          standings.delete(key)
        }
      for (const key of givens.keys()) if (!keys.has(key)) givens.delete(key)
    },
    async end(signal) {
      for (const standing of standings.values()) retire(standing)
      standings.clear()
      await Promise.all([...retired].map(one => revoke(one, signal)))
    },
  }
}
