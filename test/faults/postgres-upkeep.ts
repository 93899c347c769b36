import { chown, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { certificates } from '../servers/certificates.ts'
import { languageInstall, speaking } from '../servers/locales.ts'
import { removeFolder, tempFolder, unprivileged, waitFor } from '../servers/processes.ts'
import { withSession } from '../servers/postgres-session.ts'
import { clusterName, one, startClusterStage, type ClusterStage } from './cluster-stage.ts'
import type { Area, Expectation, Fault } from './fault.ts'
import { restoreHba, setHba } from './postgres-hba.ts'
import { connectWith } from './postgres-login.ts'
import { without } from './skip.ts'

const language = 'de_DE'
const binaries = speaking(language)
/** Why there is no such stage here. */
const noStage = without(`a server that speaks ${language}`, binaries, languageInstall(language))

const series = (metric: string, labels = ''): string =>
  `mailpath_${metric}{target="${metric.startsWith('postgres') ? one : 'app'}",postgres_cluster="kb"${labels}}`

/** One server, in German, with limits so low that a test need not wait for them. */
async function startUpkeepStage(): Promise<ClusterStage> {
  const made = await certificates()
  const folder = tempFolder('mailpath-upkeep-', unprivileged())
  const owner = unprivileged()
  for (const [name, text] of Object.entries({ 'server.crt': made.good.cert, 'server.key': made.good.key })) {
    await writeFile(path.join(folder, name), text, { mode: 0o600 })
    if (owner) await chown(path.join(folder, name), owner.uid, owner.gid)
  }
  const stage = await startClusterStage({
    cluster: {
      standbys: 0,
      settings: {
        lc_messages: `${language}.UTF-8`,
        archive_mode: 'on',
        archive_command: 'true',
        max_prepared_transactions: '5',
        ssl: 'on',
        ssl_cert_file: path.join(folder, 'server.crt'),
        ssl_key_file: path.join(folder, 'server.key'),
      },
      ...(binaries !== undefined && { binDir: binaries }),
    },
    sections: {
      postgres: [
        {
          name: one,
          cluster: clusterName,
          url: { env: one },
          max_slot_wal: 2_097_152,
          max_archive_failure: '100ms',
          max_prepared_time: '100ms',
          max_transaction_time: '100ms',
        },
      ],
    },
  })
  return {
    ...stage,
    async stop() {
      await stage.stop()
      await removeFolder(folder)
    },
  }
}

const ask = ({ cluster }: ClusterStage, sql: string) => cluster.node(one).query(sql)

/** The same, as a step of a fault. */
const run =
  (sql: string) =>
  async (stage: ClusterStage): Promise<void> => {
    await ask(stage, sql)
  }

/** The next WAL file, after a little in this one. */
async function switchWal(stage: ClusterStage): Promise<void> {
  await ask(stage, `select pg_logical_emit_message(true, 'test-harness', 'x')`)
  await ask(stage, 'select pg_switch_wal()')
}

async function archive(stage: ClusterStage, command: 'true' | 'false'): Promise<void> {
  await ask(stage, `alter system set archive_command = '${command}'`)
  await ask(stage, 'select pg_reload_conf()')
  await switchWal(stage)
  const failed = `
    select coalesce(last_failed_time > coalesce(last_archived_time, '-infinity'), false) as failed from pg_stat_archiver`
  await waitFor(async () => (await ask(stage, failed))[0]?.['failed'] === (command === 'false'), {
    what: `archive_command is ${command}`,
  })
}

const warns = (reason: string, samples: Expectation['samples'] = {}): Expectation => ({
  verdict: 'warn',
  reasons: [reason],
  samples: { [series('write_path_writable')]: 1, ...samples },
})

/** The database of the application lets its role run these no more, as some services do. */
const refused = ['pg_current_wal_lsn', 'pg_control_system', 'pg_is_in_recovery', 'pg_stat_get_activity']
const allow = (stage: ClusterStage, verb: 'grant' | 'revoke'): Promise<void> =>
  withSession(stage.cluster.node(one).port, { database: stage.cluster.database }, async client => {
    for (const name of refused)
      await client.query(`${verb} execute on function ${name} ${verb === 'grant' ? 'to' : 'from'} public`)
  })

/**
 * Makes the server believe that it has nearly used up its transaction IDs: a database that looks as old as that, and whose
 * table nobody can vacuum. (pg_resetwal and a transaction prepared before it do the same, and 8 GB of pg_subtrans.)
 */
async function useUpIds(stage: ClusterStage): Promise<void> {
  const { port } = stage.cluster.node(one)
  await ask(stage, 'create database old')
  const longAgo = `(select mod(4294967296 + pg_current_xact_id()::text::bigint - 2127000000, 4294967296)::text::xid)`
  await withSession(port, { database: 'old' }, async client => {
    await client.query('create table old ()')
    await client.query(`update pg_class set relfrozenxid = ${longAgo} where relname = 'old'`)
  })
  await stage.holdSession('begin; lock table old in share update exclusive mode', 'old')
  await ask(stage, `update pg_database set datfrozenxid = ${longAgo} where datname = 'old'`)
  // The limits are computed anew when a database has got younger.
  await ask(stage, 'vacuum freeze')
}

async function restoreIds(stage: ClusterStage): Promise<void> {
  await ask(stage, 'drop database old with (force)')
  await ask(stage, 'vacuum freeze')
  await stage.heal()
}

const faults: readonly Fault<ClusterStage>[] = [
  {
    name: 'Postgres upkeep: a prepared transaction that is not ended',
    inject: run(`begin; select pg_current_xact_id(); prepare transaction 'forgotten'`),
    heal: run(`rollback prepared 'forgotten'`),
    seen: warns(`postgres/${one} postgres_prepared_transaction_old`, {
      [series('postgres_oldest_prepared_transaction_seconds')]: 'any',
    }),
  },
  {
    name: 'Postgres upkeep: a session that keeps a transaction open',
    inject: stage =>
      stage.holdSession('begin isolation level repeatable read; select count(*) from pg_class', 'postgres'),
    seen: warns(`postgres/${one} postgres_transaction_long`, { [series('postgres_horizon_age')]: 'any' }),
  },
  {
    name: 'Postgres upkeep: a replication slot without a reader',
    async inject(stage) {
      await ask(stage, `select pg_create_physical_replication_slot('unread', true)`)
      for (let file = 0; file < 4; file++) await switchWal(stage)
    },
    heal: run(`select pg_drop_replication_slot('unread')`),
    seen: warns(`postgres/${one} postgres_slot_holds_wal`, {
      [series('postgres_slot_kept_wal_bytes', ',active="0"')]: 'any',
    }),
  },
  {
    name: 'Postgres upkeep: the archiver fails (archive_command = false)',
    inject: stage => archive(stage, 'false'),
    heal: stage => archive(stage, 'true'),
    seen: warns(`postgres/${one} postgres_archiver_failing`, { [series('postgres_archive_failing_seconds')]: 'any' }),
  },
  {
    name: 'Postgres upkeep: the role of the application is valid for two more hours',
    inject: run(
      `do $$ begin execute format('alter role kb_backend valid until %L', now() + interval '2 hours'); end $$`,
    ),
    heal: run(`alter role kb_backend valid until 'infinity'`),
    seen: warns('write_path/app write_path_role_expires_soon', {
      [series('write_path_role_valid_until_timestamp_seconds')]: 'any',
    }),
  },
  {
    name: 'Postgres upkeep: functions that the role of the application may not run',
    inject: stage => allow(stage, 'revoke'),
    heal: stage => allow(stage, 'grant'),
    seen: {
      verdict: 'ok',
      not: ['write_path/app write_path_refused_statement'],
      samples: { [series('write_path_writable')]: 1, [series('write_path_read_only')]: 0 },
    },
  },
  {
    name: 'Postgres upkeep: statement_timeout of 1 ms for the role of the application',
    inject: run('alter role kb_backend set statement_timeout = 1'),
    heal: run('alter role kb_backend reset statement_timeout'),
    seen: { verdict: 'ok', samples: { [series('write_path_writable')]: 1 } },
  },
  {
    name: 'Postgres in German: the role has to use TLS (28000)',
    async inject(stage) {
      await setHba(stage, ['hostnossl all kb_backend 127.0.0.1/32 reject'])
      await connectWith(stage, 'sslmode=disable')
    },
    heal: restoreHba,
    seen: {
      verdict: 'fail',
      root: 'write_path/app write_path_tls_failed',
      not: ['write_path/app write_path_login_failed'],
    },
  },
  {
    name: 'Postgres in German: wrong password of the application (28P01)',
    inject: run(`alter role kb_backend password 'other'`),
    heal: async stage => {
      await ask(stage, `alter role kb_backend password '${stage.cluster.logins.backend.password}'`)
    },
    seen: { verdict: 'fail', root: 'write_path/app write_path_login_failed' },
  },
  {
    name: 'Postgres upkeep: transaction IDs nearly used up, and the server warns of it',
    inject: useUpIds,
    heal: restoreIds,
    seen: {
      verdict: 'warn',
      reasons: ['write_path/app write_path_server_warns', `postgres/${one} postgres_transaction_ids_old`],
      samples: { [series('write_path_writable')]: 1, [series('postgres_transaction_id_age')]: 'any' },
    },
  },
]

export const upkeep: Area<ClusterStage> = {
  name: 'What a Postgres server says of itself',
  start: startUpkeepStage,
  faults: faults.map(fault => ({ ...fault, skip: noStage })),
}
