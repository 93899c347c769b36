import { randomBytes } from 'node:crypto'
import { fingerprint } from './fingerprint.ts'

/** A login that may be refused. */
export interface Attempt {
  /** What the server would lock, such as a role. */
  readonly account: readonly string[]
  /** Everything that is sent. */
  readonly credentials: unknown
}

/** The last refusal of an account. */
export interface Refusal {
  /** Fingerprint of the credentials. */
  readonly login: string
  /** By the clock of the policy. */
  readonly at: number
  /** How often in a row these credentials were refused. */
  readonly count: number
  /** Refusals of the account in a row with any credentials, each within `windowMs` of the one before. */
  readonly chain: number
}

/** How long a server is left alone after a refusal. */
interface Policy<R extends Refusal> {
  /** A clock in milliseconds: the monotonic one, or the wall clock if other processes read the times. */
  readonly now: () => number
  /** How long the account is not tried: with the same credentials, or with others. */
  readonly pauseMs: (last: R, isSame: boolean) => number
  readonly windowMs: number
}

/** A refusal, and until when the login waits. */
export type BackOff<R extends Refusal> = R & {
  /** When the login is tried again, in milliseconds since the epoch. */
  readonly until: number
  readonly pauseMs: number
}

/** The last refusal of each account by its fingerprint, and the key of the fingerprints. */
interface Refused<R extends Refusal> {
  readonly key: string
  readonly accounts: Map<string, R>
}

/** A place that outlives the process. Never rejects. */
export interface RefusalMemory<R extends Refusal> {
  read(): Promise<Refused<R> | undefined>
  /** Whether it could be written. */
  write(refused: Refused<R>): Promise<boolean>
}

/** Keeps a refused login from being sent again and again, so that no server locks the account. */
export interface LoginBackOff<R extends Refusal> {
  /** Set if the login must not be tried now. */
  current(attempt: Attempt): Promise<BackOff<R> | undefined>
  /** The server refused the login; `more` is what else the policy, or a text, needs. */
  refused(attempt: Attempt, more: Omit<R, keyof Refusal>): Promise<{ backOff: BackOff<R>; isKept: boolean }>
  accepted(attempt: Attempt): Promise<void>
}

/** Of servers that do not say when they lock an account. */
export const leastPauseMs = 60_000
export const longestPauseMs = 3_600_000

/** Twice as long after each refusal in a row, up to an hour. */
export const doublingPause = (firstMs: number, count: number): number =>
  Math.min(firstMs * 2 ** (count - 1), longestPauseMs)

const forgetMs = 86_400_000
/** Refusals further in the future than this do not count: the clock was set back. */
const clockMs = 3_600_000

/**
 * Refusals that this process has seen, and with a memory those of other processes. The memory may be lost, or rewritten
 * by another process with its own key; refusals that this process has seen still count.
 */
export function createBackOff<R extends Refusal>(policy: Policy<R>, memory?: RefusalMemory<R>): LoginBackOff<R> {
  const own = { key: randomBytes(32).toString('hex'), accounts: new Map<string, R>() }

  /** The newest refusal, and the login by the key of the side that knows it. */
  const look = async (attempt: Attempt) => {
    const shared = (await memory?.read()) ?? own
    const mine = find(own, attempt)
    const theirs = shared === own ? mine : find(shared, attempt)
    const isTheirs = theirs.last !== undefined && theirs.last.at >= (mine.last?.at ?? -Infinity)
    const [newest, other] = isTheirs ? [theirs, mine] : [mine, theirs]
    return { shared, login: newest.login, last: withCounts(newest, other, policy.windowMs) }
  }
  const following = (last: R, login: string): BackOff<R> => {
    const pauseMs = policy.pauseMs(last, last.login === login)
    return { ...last, pauseMs, until: Date.now() + last.at + pauseMs - policy.now() }
  }

  return {
    async current(attempt) {
      const { login, last } = await look(attempt)
      if (!last) return undefined
      const age = policy.now() - last.at
      const backOff = following(last, login)
      return age > -clockMs && age < backOff.pauseMs ? backOff : undefined
    },
    async refused(attempt, more) {
      const { shared, login, last } = await look(attempt)
      const at = policy.now()
      const count = last?.login === login ? last.count + 1 : 1
      const chain = last && at - last.at < policy.windowMs ? last.chain + 1 : 1
      const refusal = { ...more, login, at, count, chain } as R
      for (const side of new Set([own, shared])) add(side, attempt, refusal)
      const isKept = memory === undefined || (await memory.write(shared))
      return { backOff: following(refusal, login), isKept }
    },
    async accepted(attempt) {
      const { shared, last } = await look(attempt)
      if (!last) return
      for (const side of [own, shared]) side.accounts.delete(find(side, attempt).name)
      await memory?.write(shared)
    },
  }
}

interface Found<R> {
  readonly name: string
  readonly login: string
  readonly last: R | undefined
}

function find<R extends Refusal>({ key, accounts }: Refused<R>, { account, credentials }: Attempt): Found<R> {
  const name = fingerprint(account, key)
  return { name, login: fingerprint(credentials, key), last: accounts.get(name) }
}

/** A memory that was lost in between has counted too few. */
function withCounts<R extends Refusal>({ login, last }: Found<R>, other: Found<R>, windowMs: number): R | undefined {
  if (!last || !other.last) return last
  const isSame = last.login === login && other.last.login === other.login
  const isChain = last.at - other.last.at < windowMs
  return {
    ...last,
    count: isSame ? Math.max(last.count, other.last.count) : last.count,
    chain: isChain ? Math.max(last.chain, other.last.chain) : last.chain,
  }
}

/** Adds the refusal and removes those that are too old. In place: when a password is wrong everywhere, there are thousands. */
function add<R extends Refusal>(side: Refused<R>, attempt: Attempt, refusal: R): void {
  const { name, login } = find(side, attempt)
  for (const [one, { at }] of side.accounts) if (refusal.at - at >= forgetMs) side.accounts.delete(one)
  side.accounts.set(name, { ...refusal, login })
}
