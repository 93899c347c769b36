import type { Area, Fault } from './fault.ts'
import { growingFrom, outboxName, startOutboxStage, type OutboxStage } from './outbox-stage.ts'
import { runnable, type Runnable } from './runner.ts'

const series = (metric: string): string => `mailpath_outbox_${metric}{target="${outboxName}"}`
const held = (code: string): string => `outbox/${outboxName} outbox_${code}`

type Row = Pick<Fault<OutboxStage>, 'name' | 'inject' | 'seen'>

/** A fault of rows, table or role, which needs no server to heal. */
const ofTable = (row: Row): Fault<OutboxStage> => ({ ...row, heal: stage => stage.reset() })

const put =
  (status: string, ago: string, count = 1) =>
  (stage: OutboxStage) =>
    stage.sql(`insert into app.outbound_emails (status, created_at)
    select '${status}', now() - interval '${ago}' from generate_series(1, ${count})`)

const change =
  (text: string | ((stage: OutboxStage) => string)) =>
  (stage: OutboxStage): Promise<void> =>
    stage.sql(typeof text === 'string' ? text : text(stage))

/** It cannot be read: nothing is known, and there are no series. */
const unreadable = (name: string, inject: Row['inject']): Row => ({
  name: `Outbox: ${name}`,
  inject,
  seen: { verdict: 'unknown', root: held('unreadable'), samples: { [series('pending')]: null } },
})

const rows: readonly Fault<OutboxStage>[] = [
  ofTable({
    name: 'Outbox: a mail waits, the sender is slow',
    inject: put('queued', '6 minutes'),
    seen: { verdict: 'warn', reasons: [held('late')], not: [held('stuck')], samples: { [series('pending')]: 1 } },
  }),
  ofTable({
    name: 'Outbox: mails wait, the sender does nothing',
    inject: put('queued', '20 minutes', 12),
    seen: {
      verdict: 'fail',
      root: held('stuck'),
      not: [held('late'), held('growing')],
      samples: { [series('pending')]: 12, [series('oldest_pending_timestamp_seconds')]: 'any' },
    },
  }),
  ofTable({
    name: 'Outbox: the sender died while it sent a mail',
    inject: put('sending', '20 minutes'),
    seen: { verdict: 'fail', root: held('stuck'), samples: { [series('sending')]: 1, [series('pending')]: 0 } },
  }),
  ofTable({
    name: 'Outbox: more mails than the sender can send',
    inject: put('queued', '10 s', 200),
    seen: {
      verdict: 'warn',
      reasons: [held('growing')],
      not: [held('late'), held('stuck')],
      samples: { [series('pending')]: growingFrom + 1 },
    },
  }),
  ofTable({
    name: 'Outbox: mails that the application has given up',
    inject: put('failed', '1 day', 3),
    seen: { verdict: 'warn', reasons: [held('given_up')], samples: { [series('failed')]: 3 } },
  }),
  ofTable({
    name: 'Outbox: no mail for two days',
    inject: change(`update app.outbound_emails set sent_at = sent_at - interval '2 days'`),
    seen: { verdict: 'warn', reasons: [held('quiet')], samples: { [series('pending')]: 0 } },
  }),
]

const unread: readonly Fault<OutboxStage>[] = [
  unreadable('the table was renamed (42P01)', change('alter table app.outbound_emails rename to outbox')),
  unreadable(
    'a migration renamed a column (42703)',
    change('alter table app.outbound_emails rename created_at to "createdAt"'),
  ),
  unreadable(
    'a column is not granted (42501)',
    change(({ reader }) => `revoke select (status) on app.outbound_emails from ${reader}`),
  ),
  unreadable(
    'times are kept as text (42883)',
    change('alter table app.outbound_emails alter created_at drop default, alter created_at type text'),
  ),
  unreadable(
    'local times of another zone, without a time zone',
    change(`alter table app.outbound_emails alter created_at type timestamp;
      insert into app.outbound_emails (created_at) values (now() at time zone 'Asia/Kolkata')`),
  ),
  unreadable(
    'row-level security hides the rows that wait',
    change(`insert into app.outbound_emails (created_at) values (now() - interval '20 minutes');
      alter table app.outbound_emails enable row level security`),
  ),
  unreadable(
    'the statement takes too long (57014)',
    change(
      ({ reader }) => `alter table app.outbound_emails rename to stored;
      create view app.outbound_emails as select * from app.stored where pg_sleep(60) is not null;
      grant select on app.outbound_emails to ${reader}`,
    ),
  ),
  unreadable(
    'its role has another password now (28P01)',
    change(({ reader }) => `alter role ${reader} password 'another'`),
  ),
  unreadable(
    'its role has no connection left (53300)',
    change(({ reader }) => `alter role ${reader} connection limit 0`),
  ),
].map(ofTable)

const withServers: readonly Fault<OutboxStage>[] = [
  {
    ...unreadable('a migration holds a lock on the table (55P03)', stage =>
      stage.holdSession('begin; lock table app.outbound_emails', stage.cluster.database),
    ),
    meanwhile: waitsBriefly,
  },
  {
    name: 'Outbox: the relay refuses connections, and mails wait',
    async inject(stage) {
      await stage.loseRelay()
      await put('queued', '20 minutes', 5)(stage)
    },
    seen: {
      verdict: 'fail',
      root: 'smtp/relay smtp_unreachable',
      reasons: [held('stuck')],
      because: { [held('stuck')]: 'smtp/relay' },
      samples: { [series('pending')]: 5 },
    },
  },
  {
    name: 'Outbox: the primary is down',
    inject: stage => stage.cluster.node('db-postgres-01').stop('immediate'),
    seen: {
      verdict: 'fail',
      root: 'postgres/db-postgres-01 postgres_unreachable',
      reasons: [held('unreadable')],
      because: { [held('unreadable')]: 'postgres/db-postgres-01' },
      samples: { [series('pending')]: null },
    },
  },
]

/** None of our sessions waits for a lock longer than its timeout allows, and none is left over. */
async function waitsBriefly({ cluster, reader }: OutboxStage): Promise<void> {
  const rows = await cluster.node('db-postgres-01').query<{ count: number }>(
    `select count(*)::int as count from pg_stat_activity
      where usename = $1 and clock_timestamp() - backend_start > interval '2 s'`,
    [reader],
  )
  if (rows[0]?.count !== 0) throw new Error('sessions of the exporter wait for the lock')
}

const area: Area<OutboxStage> = {
  name: 'Outbox',
  start: startOutboxStage,
  faults: [...rows, ...unread, ...withServers],
}

export const outboxAreas: readonly Runnable[] = [runnable(area)]
