import { quoted } from '../../clients/postgres.ts'
import type { OutboxTarget } from './target.ts'

/** A comment in a condition ends with its line. */
const where = (condition: string): string => `where (${condition}\n)`

/**
 * A transaction that changes nothing and soon ends. With row_security off the server refuses what a policy would hide:
 * an outbox that only looks empty. `read committed`, since a standby has no `serializable`. In milliseconds.
 */
export const beginSql = (statementMs: number, lockMs: number): string =>
  [
    'begin transaction isolation level read committed read only',
    `set local statement_timeout = ${statementMs}`,
    `set local lock_timeout = ${lockMs}`,
    `set local idle_in_transaction_session_timeout = ${statementMs}`,
    'set local row_security = off',
  ].join('; ')

/** The rows under a condition, the oldest first, up to one more than the limit. */
const oldest = ({ table, created, limit }: OutboxTarget, condition: string): string =>
  `select ${quoted(created)} as moment from ${quoted(table)} ${where(condition)} order by 1 limit ${limit + 1}`

/** isfinite() leaves out `infinity`. It also refuses what is no time. */
const seconds = (moment: string): string => `extract(epoch from ${moment})::float8`

/**
 * The epoch of a `timestamp` without time zone is that of the same time in UTC, whatever the time zone of the session.
 * https://www.postgresql.org/docs/current/functions-datetime.html#FUNCTIONS-DATETIME-EXTRACT
 */
const countOf = (target: OutboxTarget, name: string, condition: string): string => `
  (select count(*)::float8 as ${name},
    ${seconds('min(moment) filter (where isfinite(moment))')} as oldest_${name},
    (count(*) filter (where moment is null or not isfinite(moment)))::float8 as timeless_${name},
    case pg_typeof(min(moment)) when 'timestamptz'::regtype then 1 when 'timestamp'::regtype then 0 end as zone_${name}
  from (${oldest(target, condition)}) as rows) as ${name}`

/** No aggregate, so that an index on the column serves it, be it partial. */
const newest = ({ table }: OutboxTarget, column: string): string => {
  const name = quoted(column)
  return `select ${name} as moment from ${quoted(table)} where ${name} is not null and isfinite(${name}) order by ${name} desc limit 1`
}

const upToLimit = ({ table, limit }: OutboxTarget, condition: string): string =>
  `select 1 from ${quoted(table)} ${where(condition)} limit ${limit + 1}`

/** One row of numbers: all that is asked of the table. */
export function rowsSql(target: OutboxTarget): string {
  const { pending, sending, sent, failed } = target
  const parts = [
    countOf(target, 'pending', pending),
    ...(sending === undefined ? [] : [countOf(target, 'sending', sending)]),
    ...(sent === undefined
      ? []
      : [`\n  (select max(${seconds('moment')}) as last_sent from (${newest(target, sent)}) as rows) as sent`]),
    ...(failed === undefined
      ? []
      : [`\n  (select count(*)::float8 as failed from (${upToLimit(target, failed)}) as rows) as failed`]),
  ]
  return `select ${seconds('clock_timestamp()')} as now, pg_is_in_recovery()::int as standby, *\nfrom${parts.join(',')}`
}

/**
 * Only on a standby, and not everywhere: Aurora has no such function. Whether it receives WAL, since when nothing was
 * replayed, in seconds, and how far both are, in bytes.
 */
export const standbySql = `
select (select count(*) from pg_stat_get_wal_receiver() as receiver where receiver.pid is not null)::int as receivers,
  ${seconds('clock_timestamp() - pg_last_xact_replay_timestamp()')} as replayed_ago,
  (pg_last_wal_receive_lsn() - '0/0')::float8 as received, (pg_last_wal_replay_lsn() - '0/0')::float8 as replayed`

/** The same a moment later: WAL that has just come is replayed by then. */
export const standbyLaterSql = `${standbySql} from pg_sleep(0.2)`

/** What `table` is: `r` a table, `p` one with partitions, `v` a view, … https://www.postgresql.org/docs/current/catalog-pg-class.html */
export const relationSql = ({ table }: OutboxTarget): string =>
  `select relkind::text as kind from pg_class where oid = '${quoted(table)}'::regclass`

/** Where the index belongs. It cannot be made of a view, nor `concurrently` of a table with partitions. */
const ofKind: Readonly<Record<string, (name: string) => string>> = {
  r: name => name,
  m: name => name,
  p: name => `<each partition of ${name}>`,
}
const behind = (name: string): string => `<the table behind ${name}>`

/** A part of the statement, to be explained, and the index that makes it cheap, by the kind of relation. */
export interface Part {
  readonly sql: string
  readonly index: (kind: string) => string
}

export function partsOf(target: OutboxTarget): readonly Part[] {
  const { table, created, pending, sending, sent, failed } = target
  const index = (column: string, condition: string) => (kind: string) =>
    `create index concurrently on ${(ofKind[kind] ?? behind)(quoted(table))} (${quoted(column)}) where ${condition}`
  const counted = (key: string, condition: string | undefined, sql: (condition: string) => string): readonly Part[] =>
    condition === undefined ? [] : [{ sql: sql(condition), index: index(created, shownCondition(key, condition)) }]
  return [
    ...counted('pending', pending, condition => oldest(target, condition)),
    ...counted('sending', sending, condition => oldest(target, condition)),
    ...(sent === undefined ? [] : [{ sql: newest(target, sent), index: index(sent, `${quoted(sent)} is not null`) }]),
    ...counted('failed', failed, condition => upToLimit(target, condition)),
  ]
}

/** A condition may hold a mail address, or end in a comment. */
const shownCondition = (key: string, condition: string): string =>
  /@|--/.test(condition) ? `<the condition of \`${key}\`>` : `(${condition})`
