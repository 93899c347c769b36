/** Data folders: a new one by initdb, a standby's by a hot copy or by pg_rewind. */
import { chown, mkdir, readdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { removeFolder, runProcess, unprivileged, type Account } from './processes.ts'
import { serverOptions, type PostgresNode } from './postgres-node.ts'
import { host, superuser, withSession } from './postgres-session.ts'

async function own(file: string, account: Account | undefined): Promise<void> {
  if (account !== undefined) await chown(file, account.uid, account.gid)
}

interface NewDataFolder {
  binDir: string
  dataDir: string
  conf: readonly string[]
  hba: readonly string[]
}

export async function initdb({ binDir, dataDir, conf, hba }: NewDataFolder): Promise<void> {
  const args = [
    '-D',
    dataDir,
    '-U',
    superuser,
    '-A',
    'trust',
    '-E',
    'UTF8',
    '--locale=C',
    '-N',
    '--data-checksums',
    '--wal-segsize=1',
  ]
  await runProcess(path.join(binDir, 'initdb'), [...args, '--no-instructions'], serverOptions())
  await writeFile(path.join(dataDir, 'postgresql.conf'), `${conf.join('\n')}\n`)
  await writeFile(path.join(dataDir, 'pg_hba.conf'), `${hba.join('\n')}\n`)
}

// As pg_basebackup does: what belongs to the running server, and WAL, which is streamed.
const emptyInCopy = [
  ...['pg_wal', 'pg_replslot', 'pg_dynshmem', 'pg_notify', 'pg_serial', 'pg_snapshots', 'pg_stat_tmp', 'pg_subtrans'],
  'pg_stat',
]
const leftOut = ['postmaster.pid', 'postmaster.opts', 'standby.signal', 'backup_label', 'postgresql.auto.conf']

async function copyData(from: string, to: string): Promise<void> {
  const account = unprivileged()
  await removeFolder(to)
  for (const folder of [to, ...emptyInCopy.map(name => path.join(to, name))]) {
    await mkdir(folder, { mode: 0o700 })
    await own(folder, account)
  }
  const names = (await readdir(from)).filter(name => !emptyInCopy.includes(name) && !leftOut.includes(name))
  try {
    await runProcess('cp', ['-a', ...names.map(name => path.join(from, name)), to], serverOptions())
  } catch (error) {
    // A file that vanishes under the copy is what the backup label is for.
    const lines = String(error).split('\n').slice(1)
    if (!lines.every(line => line === '' || /No such file/.test(line))) throw error
  }
}

export const conninfo = (standby: PostgresNode, port: number) =>
  `host=${host} port=${port} user=${superuser} application_name=${standby.name}`

/** Makes a data folder that of a standby, whatever it was copied from. */
async function writeStandbyFiles(
  standby: PostgresNode,
  from: PostgresNode,
  more: Readonly<Record<string, string>> = {},
): Promise<void> {
  const settings = `primary_conninfo = '${conninfo(standby, from.port)}'\n`
  for (const [name, text] of Object.entries({ 'standby.signal': '', 'postgresql.auto.conf': settings, ...more })) {
    await writeFile(path.join(standby.dataDir, name), text, { mode: 0o600 })
    await own(path.join(standby.dataDir, name), unprivileged())
  }
}

/** Makes the data folders of standbys (which must be stopped) out of a running server, without pg_basebackup. */
export async function hotCopy(from: PostgresNode, standbys: readonly PostgresNode[]): Promise<void> {
  await withSession(from.port, {}, async client => {
    await client.query(`select pg_backup_start('test-harness', true)`)
    await Promise.all(standbys.map(standby => copyData(from.dataDir, standby.dataDir)))
    const result = await client.query<{ labelfile: string }>('select labelfile from pg_backup_stop(false)')
    const label = { backup_label: result.rows[0]?.labelfile ?? '' }
    for (const standby of standbys) await writeStandbyFiles(standby, from, label)
  })
}

/**
 * Makes a standby out of a node that has diverged from a running primary, and was shut down in order. Needs data
 * checksums or wal_log_hints. https://www.postgresql.org/docs/current/app-pgrewind.html
 */
export async function rewind(binDir: string, diverged: PostgresNode, from: PostgresNode): Promise<void> {
  // Until its first checkpoint a promoted server has the old timeline in its control file, which looks as if nothing
  // were to be rewound (up to 15).
  await from.query('checkpoint')
  const source = `${conninfo(diverged, from.port)} dbname=postgres`
  const args = ['--target-pgdata', diverged.dataDir, '--source-server', source]
  await runProcess(path.join(binDir, 'pg_rewind'), args, serverOptions())
  await writeStandbyFiles(diverged, from)
}
