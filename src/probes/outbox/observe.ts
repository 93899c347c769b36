import * as z from 'zod'
import { shownIn, type Shown } from '../../clients/certificates.ts'
import { isSqlState, sessionFailure, type SessionFailure } from '../../clients/postgres-errors.ts'
import { maybe } from '../../clients/postgres-facts.ts'
import { routineOf } from '../../clients/postgres-messages.ts'
import {
  openOwnSession,
  openWatch,
  planText,
  watchThatAnswers,
  type Row,
  type Session,
} from '../../clients/postgres.ts'
import type { Plan } from '../../clients/postgres-url/plan.ts'
import { codeOf, describeError, Unresolved } from '../../core/errors.ts'
import type { Look, Watch } from '../../core/probe.ts'
import { costlyIn, type Costly } from './cost.ts'
import { planOf } from './plan.ts'
import { beginSql, rowsSql, standbyLaterSql, standbySql } from './sql.ts'
import type { OutboxTarget } from './target.ts'

/** What the table says. Ages are in seconds by the clock of the server; numbers of rows stop at `limit` + 1. */
export interface OutboxRows {
  readonly pending: number
  /** Undefined if none waits, or if `created` is empty in all that wait. Negative if it is in the future. */
  readonly oldestPendingSeconds: number | undefined
  /** Undefined without `sent`, or if none was sent. */
  readonly lastSentSeconds: number | undefined
  /** Undefined without the key. */
  readonly sending: number | undefined
  readonly oldestSendingSeconds: number | undefined
  readonly failed: number | undefined
  /** A standby answered: it may be behind. */
  readonly standby: boolean
  /** Set on a standby that receives nothing: for how many seconds it has replayed nothing. */
  readonly detachedSeconds?: number | undefined
  /** Set on a standby that does not replay what it receives: for how many seconds. */
  readonly behindSeconds?: number | undefined
  /** Of those that wait, and that are being sent: how many have no time in `created`. */
  readonly timeless?: number | undefined
  /** `created` has no time zone. It is taken as UTC. */
  readonly zoneless?: boolean | undefined
  /** Seconds since the epoch by the clock of the server. */
  readonly now: number
}

export interface OutboxSeen {
  /** Where we connected to: `host:port`. */
  readonly address: string
  /** Why the URL leads nowhere: then nothing was seen. */
  readonly notUnderstood?: string | undefined
  readonly rows?: OutboxRows | undefined
  /** Undefined if that was not asked or is fine. */
  readonly costly?: Costly | undefined
  readonly certificates?: Shown | undefined
  readonly failure?: SessionFailure | undefined
}

/** At most, in milliseconds. A run with little time has to hear of them before it ends. */
const longest = { statement: 2_000, lock: 500 }
const limitsOf = ({ timeoutMs }: Look) => ({
  statement: Math.min(longest.statement, Math.round(timeoutMs * 0.6)),
  lock: Math.min(longest.lock, Math.round(timeoutMs * 0.3)),
})

/** The phase in which the table is asked. A failure before it is one of the login. */
export const asking = 'query'

type Found = { -readonly [Key in keyof OutboxSeen]: OutboxSeen[Key] }

/** One session, one statement in a read-only transaction. Once an hour also what the statement is expected to cost. */
export async function observe(target: OutboxTarget, look: Look): Promise<OutboxSeen> {
  const plan = await planOf(target, look)
  if (typeof plan === 'string')
    return { address: target.url === undefined ? 'host' : 'url', notUnderstood: plan.replace(/^the URL /, '') }
  const found: Found = { address: planText(plan) }
  try {
    const session = await openOwnSession(look, plan)
    try {
      await read(found, session, { target, plan, look })
    } catch (error) {
      // PgBouncer ends its own session, too, if ours ends within a transaction.
      if (isSqlState(codeOf(error) ?? '') && !look.signal.aborted)
        await session.query('rollback', look).catch(() => undefined)
      throw error
    } finally {
      await session.close()
    }
  } catch (error) {
    found.certificates ??= shownIn(error)
    found.failure = sessionFailure(error, look, found.address)
  }
  return found
}

/** Opens a watch with the login of a run. */
export async function watch(target: OutboxTarget, look: Look): Promise<Watch<OutboxSeen>> {
  const plan = await planOf(target, look)
  if (typeof plan === 'string') throw new Unresolved(`url: ${plan}`)
  const session = await openWatch(look, plan)
  let found: Found
  return watchThatAnswers(
    session,
    async run => {
      found = { address: session.address }
      await read(found, session, { target, plan, look: run })
      return found
    },
    async (error, run) => {
      // A session in which a statement failed stays in its transaction.
      const ended = session.query('rollback', run).catch(() => undefined)
      if (!run.signal.aborted) await ended
      // A login would meet these again, and wait as long. A run without an answer has no time left for one.
      if (!run.signal.aborted && !takesItsTime.has(codeOf(error) ?? '')) return undefined
      return { ...found, failure: sessionFailure(error, run, session.address) }
    },
  )
}

/** SQLSTATEs: the limit of the statement is over, or that of a lock. */
const takesItsTime = new Set(['57014', '55P03'])

interface Reading {
  readonly target: OutboxTarget
  readonly plan: Plan
  readonly look: Look
}

/** Adds what a session shows to what was found. Rejects with the transaction still open. */
async function read(found: Found, session: Session, { target, plan, look }: Reading): Promise<void> {
  found.address = session.address
  found.certificates = session.certificates
  await look.phase(asking, async () => {
    const { statement, lock } = limitsOf(look)
    await session.query(beginSql(statement, lock), look)
    const ask = asker(session, look)
    // First, since a scan that costs too much ends in a timeout.
    found.costly = await costlyIn(target, look, `${session.address}/${plan.database}`, ask)
    const rows = rowsOf(await ask(rowsSql(target)))
    look.note(`< ${JSON.stringify(rows)}`)
    const following = rows.standby ? await followingOf(session, look, target) : {}
    // A session that ends within a transaction counts as a rollback.
    await session.query('commit', look)
    found.rows = { ...rows, ...following }
  })
}

const asker =
  (session: Session, look: Look) =>
  async (sql: string): Promise<Row | undefined> => {
    look.note(`> ${withoutAddress(sql)}`)
    try {
      const [row] = await session.statement(sql, look)
      return row
    } catch (error) {
      const kept = withoutData(error)
      look.note(`< ${[codeOf(kept), describeError(kept)].join(' ').trim()}`)
      throw kept
    }
  }

/** A condition of the configuration may hold a mail address. */
const withoutAddress = (text: string): string => text.replace(/[^\s'"@]*@[^\s'"]*/g, '…')

/** SQLSTATE classes whose texts name only parts of the statement. A data exception (22) quotes the value of a row. */
const ofStatement = /^(?:08|0A|25|28|40|42|53|54|55|57|58)/

function withoutData(error: unknown): unknown {
  if (!(error instanceof Error) || !('severity' in error)) return error
  const code = codeOf(error) ?? ''
  if (ofStatement.test(code) && !error.message.includes('@')) return error
  return Object.assign(new Error('the server refused the statement'), { code, routine: routineOf(error) })
}

const number = maybe(z.number())
const answer = z.object({
  now: z.number(),
  standby: z.number(),
  pending: z.number(),
  oldest_pending: number,
  timeless_pending: z.number(),
  zone_pending: number,
  sending: number,
  oldest_sending: number,
  timeless_sending: number,
  zone_sending: number,
  last_sent: number,
  failed: number,
})

const datatypeMismatch = '42804'
const isNoTimestamp = (moment: number | null, zone: number | null): boolean => moment !== null && zone === null

/** Throws if it is no row of numbers. */
function rowsOf(row: Row | undefined): OutboxRows {
  const { data } = answer.safeParse(row)
  if (!data) throw new Error('not a Postgres server, or a broken one: its answer is no row of numbers')
  const { now } = data
  if (isNoTimestamp(data.oldest_pending, data.zone_pending) || isNoTimestamp(data.oldest_sending, data.zone_sending))
    throw Object.assign(new Error('the column of `created` is no timestamp'), { code: datatypeMismatch })
  const age = (moment: number | null): number | undefined => (moment === null ? undefined : now - moment)
  return {
    now,
    standby: data.standby === 1,
    pending: data.pending,
    oldestPendingSeconds: age(data.oldest_pending),
    lastSentSeconds: age(data.last_sent),
    sending: data.sending ?? undefined,
    oldestSendingSeconds: age(data.oldest_sending),
    failed: data.failed ?? undefined,
    timeless: data.timeless_pending + (data.timeless_sending ?? 0),
    zoneless: data.zone_pending === 0 || data.zone_sending === 0,
  }
}

const positions = z.object({ receivers: z.number(), replayed_ago: number, received: number, replayed: number })

type Following = Pick<OutboxRows, 'detachedSeconds' | 'behindSeconds'>

/** Whether a standby shows what is old by now; nothing of it if that is not sure. */
async function followingOf(session: Session, look: Look, { late_after }: OutboxTarget): Promise<Following> {
  const ask = async (sql: string) => positions.safeParse((await session.query(sql, look))[0]).data
  try {
    const first = await ask(standbySql)
    const seconds = first?.replayed_ago ?? undefined
    if (!first || seconds === undefined) return {}
    if (first.receivers === 0) return { detachedSeconds: seconds }
    if (seconds * 1000 < late_after || isReplayed(first, first)) return {}
    const later = await ask(standbyLaterSql)
    return later && !isReplayed(first, later) ? { behindSeconds: seconds } : {}
  } catch (error) {
    if (look.signal.aborted) throw error
    return {}
  }
}

type Positions = z.infer<typeof positions>

/** Without commits on the primary nothing is replayed either. So what counts is whether something is left to be. */
const isReplayed = ({ received }: Positions, { replayed }: Positions): boolean =>
  received === null || replayed === null || replayed >= received
