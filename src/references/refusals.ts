import { randomBytes } from 'node:crypto'
import { seconds } from '../core/errors.ts'
import { fingerprint } from '../core/fingerprint.ts'

/** Whose login it is. Vault counts what it refuses by role, for everybody who logs in by it. */
export interface Who {
  readonly role: readonly string[]
  /** All that is sent. */
  readonly credentials: Readonly<Record<string, string>>
}

/** The last refusal of a role. */
export interface Refusal {
  /** Fingerprint of what was sent. */
  readonly login: string
  /** Milliseconds since the epoch: other processes read it. */
  readonly at: number
  /** How often in a row this very login was refused. */
  readonly count: number
  /** How many refusals came so far, each soon after the one before, whatever was sent. */
  readonly chain: number
  /** What Vault said, in one line without a secret. */
  readonly text: string
}

/** What is remembered: the last refusal of each role, by its fingerprint, and the key that the fingerprints are made with. */
export interface Refused {
  readonly key: string
  readonly roles: Readonly<Record<string, Refusal>>
}

/** A place that outlives the process. Never rejects. */
export interface RefusalMemory {
  read(): Promise<Refused | undefined>
  /** Whether it could be written. */
  write(refused: Refused): Promise<boolean>
}

export interface Refusals {
  /** Why this login must not be tried now; undefined where it may be. */
  held(who: Who): Promise<string | undefined>
  /** Remembers that Vault refused it. Returns what it said, with when it is tried again. */
  refused(who: Who, text: string): Promise<string>
  taken(who: Who): Promise<void>
}

/**
 * Vault locks a role at the fifth refusal, each less than 15 minutes after the one before. So a login is tried twice, and
 * then once in an hour: two exporters with the same mistake stay below it. Other credentials of the role are tried at once,
 * but not a fourth time in a row.
 */
const pausesMs = [60_000, 3_600_000] as const
const chainMs = 900_000
const longestChain = 3
const afterChainMs = 960_000
const forgetMs = 86_400_000
/** A clock that was set back by more than this makes a refusal one of another time. */
const clockMs = 3_600_000

/** What Vault refused of the logins that it counts, in this process and, with a memory, in others of this user. */
export function createRefusals(memory?: RefusalMemory): Refusals {
  let known: Refused = { key: randomBytes(32).toString('hex'), roles: {} }

  /** Another process may have been refused meanwhile. */
  const look = async ({ role, credentials }: Who) => {
    const stored = await memory?.read()
    // What is of another key cannot be compared.
    if (stored) known = stored.key === known.key ? { ...known, roles: newest(known.roles, stored.roles) } : stored
    const name = fingerprint(role, known.key)
    return { name, login: fingerprint(credentials, known.key), last: known.roles[name] }
  }
  const keep = async (roles: Refused['roles']): Promise<boolean> => {
    known = { ...known, roles }
    return memory === undefined || (await memory.write(known))
  }

  return {
    async held(who) {
      const { login, last } = await look(who)
      if (!last) return undefined
      const age = Date.now() - last.at
      return age > -clockMs && age < pauseMs(last, login) ? inWords(last, login) : undefined
    },
    async refused(who, text) {
      const { name, login, last } = await look(who)
      const at = Date.now()
      const count = last?.login === login ? last.count + 1 : 1
      const chain = last && at - last.at < chainMs ? last.chain + 1 : 1
      const refusal = { login, at, count, chain, text }
      const fresh = Object.entries(known.roles).filter(([, one]) => at - one.at < forgetMs)
      const kept = await keep({ ...Object.fromEntries(fresh), [name]: refusal })
      return kept ? inWords(refusal, login) : `${inWords(refusal, login)}; ${forgotten}`
    },
    async taken(who) {
      const { name, last } = await look(who)
      if (!last) return
      const { [name]: _, ...others } = known.roles
      await keep(others)
    },
  }
}

const pauseMs = (last: Refusal, login: string): number => {
  const ofLogin = last.login === login ? (pausesMs[last.count - 1] ?? pausesMs[1]) : 0
  return last.chain < longestChain ? ofLogin : Math.max(ofLogin, afterChainMs)
}

function inWords(last: Refusal, login: string): string {
  const again = `${last.text}; not tried again for ${seconds(pauseMs(last, login))}`
  return last.chain < longestChain
    ? `${again}, unless the credentials change`
    : `${again}: ${last.chain} logins of this role were refused in a row, and Vault locks it at the fifth`
}

const forgotten =
  'no later run can know of this, since no folder for it can be written: each sends it again, and Vault locks the role at the fifth refusal'

const newest = (ours: Refused['roles'], theirs: Refused['roles']): Refused['roles'] => ({
  ...ours,
  ...Object.fromEntries(Object.entries(theirs).filter(([name, { at }]) => at >= (ours[name]?.at ?? -Infinity))),
})
