import { freePort } from '../servers/processes.ts'
import { clusterName, one, startClusterStage, type ClusterStage } from './cluster-stage.ts'
import { startRelay } from './relay.ts'
import { intervalMs } from './runner.ts'

/** An outbox in the database of the application, read by a role that may read four of its columns. */
export interface OutboxStage extends ClusterStage {
  /** As superuser, in the database of the application. */
  readonly sql: (text: string) => Promise<void>
  /** The role that reads the outbox. */
  readonly reader: string
  /** The relay refuses connections, until `heal`. */
  readonly loseRelay: () => Promise<void>
  /** The table, its rows, its grants and the role as at the start; for what breaks no server. */
  readonly reset: () => Promise<void>
}

/** The name of the target. */
export const outboxName = 'mails'
/** Rows from which on it counts as growing. */
export const growingFrom = 50

export async function startOutboxStage(): Promise<OutboxStage> {
  const relay = await startRelay()
  const stage = await startClusterStage({
    cluster: { standbys: 1 },
    sections: {
      smtp: relay.section.map(section => ({ ...section, port: { env: 'RELAY_PORT' } })),
      outbox: [
        {
          name: outboxName,
          interval: `${intervalMs}ms`,
          cluster: clusterName,
          url: { env: 'OUTBOX_URL' },
          driver: 'node-postgres',
          table: 'app.outbound_emails',
          created: 'created_at',
          pending: "status = 'queued'",
          sending: "status = 'sending'",
          failed: "status = 'failed'",
          sent: 'sent_at',
          quiet_after: '24h',
          limit: growingFrom,
        },
      ],
    },
  })
  const { cluster, env } = stage
  const { plain } = cluster.logins
  const sql = async (text: string): Promise<void> => {
    await cluster.node(one).query(text, [], cluster.database)
  }
  env['OUTBOX_URL'] = cluster.node(one).url(plain, cluster.database)
  const port = String(relay.smtp.port)
  Object.assign(env, relay.env, { RELAY_PORT: port })
  const reset = (): Promise<void> => sql(tableSql(plain.user, plain.password))
  await reset()
  return {
    ...stage,
    sql,
    reader: plain.user,
    reset,
    async loseRelay() {
      env['RELAY_PORT'] = String(await freePort())
    },
    async heal() {
      env['RELAY_PORT'] = port
      await stage.heal()
      await reset()
    },
    async stop() {
      await stage.stop()
      await relay.smtp.close()
    },
  }
}

/** With one mail, sent a minute ago. The statements are one transaction. */
const tableSql = (reader: string, password: string): string => `
  drop schema if exists app cascade;
  alter role ${reader} reset all;
  alter role ${reader} connection limit -1 password '${password}';
  create schema app;
  create table app.outbound_emails (
    id bigint generated always as identity primary key,
    recipient text not null default 'anna@example.com',
    status text not null default 'queued',
    created_at timestamptz not null default now(),
    sent_at timestamptz
  );
  insert into app.outbound_emails (status, created_at, sent_at)
    values ('sent', now() - interval '2 minutes', now() - interval '1 minute');
  grant usage on schema app to ${reader};
  grant select (created_at, sent_at, status) on app.outbound_emails to ${reader}`
