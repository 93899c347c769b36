import type { LoginFailure, TokenLife } from '../core/reference.ts'
import type { LoginBackOff, RefusalMemory } from '../core/back-off.ts'
import { createVaultBackOff, type VaultRefusal } from './back-off.ts'
import { sharing } from './sharing.ts'

/** Ends a token at its Vault. */
export type Revoke = (token: string, signal: AbortSignal) => Promise<unknown>

/** A token got by a login. Times are those of the monotonic clock, in milliseconds. */
export interface Held {
  readonly token: string
  readonly renewable: boolean
  readonly since: number
  readonly lifeMs: number
  /** From here on it is to be renewed, while it can still be used: when two thirds of its life are over. */
  readonly renewAt: number
  readonly endsAt: number
  /** The one before was refused. */
  readonly insteadOfRefused: boolean
  /** The requests it was good for at first; Infinity for any number. */
  readonly uses: number
  readonly revoke: Revoke
}

/** How it stands with one login. */
export interface Standing {
  held: Held | undefined
  /** Requests that the token held is still good for. */
  usesLeft: number
  failure: LoginFailure | undefined
  /** The token held last was refused. */
  refused: boolean
  /** A refusal that Vault does not count: when to try these credentials again, by the monotonic clock. */
  pause: { readonly credentials: string; readonly until: number } | undefined
  /** When a secret was last read with the token held. */
  servedAt: number | undefined
  readonly attempt: ReturnType<typeof sharing<undefined>>
}

/** How it stands with a token that is written in the configuration as a reference. */
export interface Given {
  readonly token: string
  /** Of a token that is good for a limited number of requests. */
  life: (Omit<TokenLife, 'ttlSeconds'> & { readonly of: number }) | undefined
  servedAt: number | undefined
}

/** What is known of logins at Vaults for as long as the process lives, whatever becomes of the configuration. */
export interface Logins {
  readonly backOff: LoginBackOff<VaultRefusal>
  standing(key: string): Standing
  /** Undefined where another token was given there before, or none. */
  given(key: string, token: string): Given | undefined
  give(key: string, given: Given): void
  /** Work that is done one after the other, by key; what hangs is not waited for. */
  inTurn<T>(key: string, work: () => Promise<T>): Promise<T>
  /** The token held is used no more. It is revoked soon, when what was asked with it has come back. */
  retire(standing: Standing): void
  /** Forgets what no configuration names any more, and revokes its tokens. */
  retain(keys: ReadonlySet<string>): void
  /** Revokes every token of ours, as far as that is possible until the signal aborts. Never rejects. */
  end(signal: AbortSignal): Promise<void>
}

/** A login that takes longer than this is not waited for by those who come later. */
const joinMs = 5_000
/** What was asked with a token has come back by then. If not, it is asked again with the next one. */
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
      const known = standings.get(key)
      if (known) return known
      const made: Standing = {
        held: undefined,
        usesLeft: 0,
        failure: undefined,
        refused: false,
        pause: undefined,
        servedAt: undefined,
        attempt: sharing<undefined>(joinMs),
      }
      standings.set(key, made)
      return made
    },
    given(key, token) {
      const known = givens.get(key)
      return known?.token === token ? known : undefined
    },
    give: (key, given) => void givens.set(key, given),
    inTurn<T>(key: string, work: () => Promise<T>): Promise<T> {
      const before = turns.get(key)
      const mine = before ? Promise.race([before, wait(longestTurnMs)]).then(work) : work()
      const ended = mine.then(
        () => undefined,
        () => undefined,
      )
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
