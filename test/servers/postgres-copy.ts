/** Data folders: a new one by initdb, a standby's by a hot copy. */
import { chown, mkdir, readdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { removeFolder, runProcess, unprivileged, type Account } from './processes.ts'
import { serverOptions, type PostgresNode } from './postgres-node.ts'
import { host, superuser, withSession } from './postgres-session.ts'

async function own(file: string, account: Account | undefined): Promise<void> {
  if (account !== undefined) await chown(file, account.uid, account.gid)
}

export interface NewDataFolder {
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

/** Makes the data folders of standbys (which must be stopped) out of a running server, without pg_basebackup. */
export async function hotCopy(from: PostgresNode, standbys: readonly PostgresNode[]): Promise<void> {
  const account = unprivileged()
  await withSession(from.port, {}, async client => {
    await client.query(`select pg_backup_start('test-harness', true)`)
    await Promise.all(standbys.map(standby => copyData(from.dataDir, standby.dataDir)))
    const result = await client.query<{ labelfile: string }>('select labelfile from pg_backup_stop(false)')
    for (const standby of standbys) {
      const files = {
        backup_label: result.rows[0]?.labelfile ?? '',
        'standby.signal': '',
        'postgresql.auto.conf': `primary_conninfo = '${conninfo(standby, from.port)}'\n`,
      }
      for (const [name, text] of Object.entries(files)) {
        await writeFile(path.join(standby.dataDir, name), text, { mode: 0o600 })
        await own(path.join(standby.dataDir, name), account)
      }
    }
  })
}
