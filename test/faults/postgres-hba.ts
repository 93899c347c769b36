import { constants } from 'node:fs'
import { copyFile, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { PostgresNode } from '../servers/postgres.ts'
import { waitFor } from '../servers/processes.ts'
import { one, type ClusterStage } from './cluster-stage.ts'

/** Puts rules before those of pg_hba.conf of the primary, without those of them that are like `instead`. */
export async function setHba({ cluster }: ClusterStage, rules: readonly string[], instead?: RegExp): Promise<void> {
  const primary = cluster.node(one)
  const file = path.join(primary.dataDir, 'pg_hba.conf')
  // Not in the data folder, which is copied to standbys.
  const original = path.join(cluster.folder, 'pg_hba.conf.original')
  await copyFile(file, original, constants.COPYFILE_EXCL).catch(() => undefined)
  const before = (await readFile(original, 'utf8')).split('\n').filter(rule => /^\w/.test(rule))
  const after = [...rules, ...before.filter(rule => instead?.test(rule) !== true)]
  await writeFile(file, `${after.join('\n')}\n`)
  await reload(primary)
  const ask = 'select count(*)::int as rules from pg_hba_file_rules where error is null'
  await waitFor(async () => (await primary.query<{ rules: number }>(ask))[0]?.rules === after.length, {
    what: 'the rules of pg_hba.conf are without an error',
  })
}

/** Has the server read its files again. The postmaster logs SIGHUP, in any language, and then reads them before it lets anybody in. */
export async function reload(node: PostgresNode): Promise<void> {
  const times = (): number => node.log().split('SIGHUP').length
  const before = times()
  await node.query('select pg_reload_conf()')
  await waitFor(() => times() > before, { what: `${node.name} reads its files` })
}

/** pg_hba.conf and the environment as they were at the start. */
export async function restoreHba(stage: ClusterStage): Promise<void> {
  await setHba(stage, [])
  await stage.resetEnv()
}
