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
const mostRoles = 500
/** A clock that was set back by more than this makes a refusal one of another time. */
const clockMs = 3_600_000

/**
 * What Vault refused of the logins that it counts, in this process and, with a memory, in others of this user. The memory may
 * be lost, or written by another process with a key of its own: what this process has seen itself holds all the same.
 */
export function createRefusals(memory?: RefusalMemory): Refusals {
  let own: Refused = { key: randomBytes(32).toString('hex'), roles: {} }

  /** The last refusal that anybody knows of, and the login by the key of who knows it. */
  const look = async (who: Who) => {
    const shared = (await memory?.read()) ?? own
    const [mine, theirs] = [find(own, who), find(shared, who)]
    const isTheirs = theirs.last !== undefined && theirs.last.at >= (mine.last?.at ?? -Infinity)
    const [newest, other] = isTheirs ? [theirs, mine] : [mine, theirs]
    return { shared, login: newest.login, last: withCounts(newest, other) }
  }

  return {
    async held(who) {
      const { login, last } = await look(who)
      if (!last) return undefined
      const age = Date.now() - last.at
      return age > -clockMs && age < pauseMs(last, login) ? inWords(last, login) : undefined
    },
    async refused(who, text) {
      const { shared, login, last } = await look(who)
      const at = Date.now()
      const count = last?.login === login ? last.count + 1 : 1
      const chain = last && at - last.at < chainMs ? last.chain + 1 : 1
      const refusal = { login, at, count, chain, text }
      own = withRefusal(own, who, refusal)
      const kept = memory === undefined || (await memory.write(withRefusal(shared, who, refusal)))
      return kept ? inWords(refusal, login) : `${inWords(refusal, login)}; ${forgotten}`
    },
    async taken(who) {
      const { shared, last } = await look(who)
      if (!last) return
      own = without(own, who)
      await memory?.write(without(shared, who))
    },
  }
}

function find({ key, roles }: Refused, { role, credentials }: Who) {
  const name = fingerprint(role, key)
  return { name, login: fingerprint(credentials, key), last: Object.hasOwn(roles, name) ? roles[name] : undefined }
}

type Found = ReturnType<typeof find>

/** A memory that was lost in between has counted too few. */
function withCounts({ login, last }: Found, other: Found): Refusal | undefined {
  if (!last || !other.last) return last
  const isSame = last.login === login && other.last.login === other.login
  const isChain = last.at - other.last.at < chainMs
  return {
    ...last,
    count: isSame ? Math.max(last.count, other.last.count) : last.count,
    chain: isChain ? Math.max(last.chain, other.last.chain) : last.chain,
  }
}

/** With what is not old yet, and no more than a file of it can have. */
function withRefusal({ key, roles }: Refused, who: Who, refusal: Refusal): Refused {
  const { name, login } = find({ key, roles }, who)
  const others = Object.entries(roles)
    .filter(([one, { at }]) => one !== name && refusal.at - at < forgetMs)
    .sort(([, a], [, b]) => b.at - a.at)
    .slice(0, mostRoles - 1)
  return { key, roles: Object.fromEntries([[name, { ...refusal, login }], ...others]) }
}

function without({ key, roles }: Refused, who: Who): Refused {
  const { [find({ key, roles }, who).name]: _, ...others } = roles
  return { key, roles: others }
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
