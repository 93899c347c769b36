import {
  connectionProblem,
  connectionReasons,
  failureText,
  isOfPooler,
  isSqlState,
  remedyOf,
  type SessionFailure,
} from '../../clients/postgres-errors.ts'
import { durationText } from '../../core/duration.ts'
import { asking, type OutboxRows, type OutboxSeen } from './observe.ts'
import { reason, type Reason } from './reasons.ts'
import type { OutboxTarget } from './target.ts'
import { count } from './words.ts'

/** Clocks differ by less, and time zones by more. */
const futureFrom = 300

/** Why nothing is known of the outbox; undefined if it could be read. */
export function whyUnreadable(seen: OutboxSeen, target: OutboxTarget): Reason | undefined {
  const { address, notUnderstood, failure, rows } = seen
  if (notUnderstood !== undefined) return reason('outbox_unreadable', `${address}: ${notUnderstood}`, correctUrl)
  if (failure) return reason('outbox_unreadable', failureText(failure), remedyFor(seen, failure, target))
  const found = rows && (whyOld(rows, target) ?? whyWorthless(rows, target))
  return found && reason('outbox_unreadable', `${address}, ${target.table}: ${found.text}`, found.remedy)
}

const correctUrl = 'Correct the URL or the host, or say with `driver` how the application reads it.'

interface Why {
  readonly text: string
  readonly remedy: string
}

/** A standby whose rows are of another time: what waits there may have been sent. */
export function whyOld(
  { detachedSeconds: detached = 0, behindSeconds: behind = 0 }: OutboxRows,
  { late_after }: OutboxTarget,
): Why | undefined {
  if (detached * 1000 >= late_after)
    return {
      text: `this standby receives nothing from its primary, and has replayed nothing for ${durationText(detached)}`,
      remedy: 'Read the primary instead, or fix the replication of this standby.',
    }
  if (behind * 1000 < late_after) return undefined
  return {
    text: `this standby does not replay what it receives, and is ${durationText(behind)} behind`,
    remedy:
      'Read the primary instead, or see what holds up the replay of this standby: a pause (pg_is_wal_replay_paused), recovery_min_apply_delay, or a long query.',
  }
}

/** Rows whose times say nothing. */
function whyWorthless(rows: OutboxRows, { limit }: OutboxTarget): Why | undefined {
  const { pending, sending = 0, oldestPendingSeconds, oldestSendingSeconds, lastSentSeconds, timeless = 0 } = rows
  if ((pending > 0 && oldestPendingSeconds === undefined) || (sending > 0 && oldestSendingSeconds === undefined))
    return {
      text: `${count(Math.max(pending, sending), limit, 'waits', 'wait')}, and \`created\` has no time in any of them`,
      remedy: 'Name another column in `created`: one that is always set.',
    }
  if (timeless > 0)
    return {
      text: `${count(timeless, limit, 'waits', 'wait')} without a time in \`created\`, so for how long is not known`,
      remedy:
        'Give these rows a time, or name a column in `created` that is always set. If they are not to be sent, leave them out of the condition.',
    }
  const ages = [oldestPendingSeconds, oldestSendingSeconds, lastSentSeconds].filter(age => age !== undefined)
  const youngest = Math.min(...ages)
  if (youngest > -futureFrom) return undefined
  const what = youngest === lastSentSeconds ? 'the last mail was sent' : 'the oldest mail was put there'
  return { text: `${what} ${durationText(-youngest)} in the future`, remedy: inFuture }
}

const inFuture =
  'A column without a time zone is taken as UTC. If it holds another time zone, name a view that gives it as `timestamptz`. If these mails are to be sent later, leave them out of the condition: `and … <= now()`. docs/outbox.md has both.'

function remedyFor({ costly }: OutboxSeen, failure: SessionFailure, { table }: OutboxTarget): string {
  const { code = '', phase, routine, timedOut } = failure
  if (phase === asking && !timedOut) {
    if (code === '57014' && costly) return `It takes too long to read. Create an index: ${costly.index}.`
    if (routine === 'check_enable_rls') return behindPolicies
    if (code === '42501') return `Grant what is missing, as docs/outbox.md says: to use the schema, and to read the columns of ${table} that are named in \`created\`, \`sent\` and the conditions.` // prettier-ignore
    const known = Object.hasOwn(byState, code) ? byState[code] : undefined
    if (known !== undefined) return known
    if (isSqlState(code) && !code.startsWith('57P') && !isOfPooler(failure)) return ofStatement
  }
  return remedyOf(failure) ?? connection[`outbox_${connectionProblem(failure)}`].remedy
}

const connection = connectionReasons('outbox')

const behindPolicies =
  'Row-level security could hide rows from this role. Name a view in `table` that belongs to the owner of the table (docs/outbox.md), or give the role `bypassrls`.'
const ofStatement =
  'The server refuses the statement. See its log for what it says, and try the conditions in psql as this role.'
const badTypes =
  '`created` and `sent` have to be of type timestamp or timestamptz, and a condition has to be true or false, and may compare only what is of one type. For other types name a view in `table` (docs/outbox.md).'

/** https://www.postgresql.org/docs/current/errcodes-appendix.html */
const byState: Readonly<Record<string, string>> = {
  '42P01':
    'There is no such table in this database, or not in a schema that the role looks in. Check `table`, with its schema, and the database.',
  '42703': 'There is no such column. Check `created`, `sent` and the conditions. In a condition, a name with capital letters needs double quotes.', // prettier-ignore
  '42601': 'A condition is no SQL, or is more than one condition. Try it in psql: select count(*) from the table where (condition).', // prettier-ignore
  '42804': badTypes,
  '42846': badTypes,
  '42883': badTypes,
  '25006': 'Something in a condition writes. A condition may only read.',
  '40001': 'The standby ended the statement, since it was in the way of replay. Read the primary instead.',
  '55P03':
    'Another session holds a lock on the table, such as a migration or a `vacuum full`: see pg_locks and pg_stat_activity. The application may wait for it too.',
  '57014':
    'It takes too long to read, or somebody cancelled the statement. Look at the load of the server, and at the plan of the conditions (explain).',
}
