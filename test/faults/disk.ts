import { execFile } from 'node:child_process'
import { chown, mkdir, open, rm, symlink } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { have, runProcess, unprivileged, waitFor } from '../servers/processes.ts'
import { one, startClusterStage, type ClusterStage } from './cluster-stage.ts'
import type { Area, Fault } from './fault.ts'
import { runnable, type Runnable } from './runner.ts'
import { unlessRoot } from './skip.ts'

const run = promisify(execFile)

/** A server whose WAL and whose tables are on small volumes of their own. */
interface DiskStage extends ClusterStage {
  /** Leaves no byte free on a volume. */
  readonly fill: (volume: Volume) => Promise<void>
}

/** By the folder of the data directory that is on it. */
const volumes = ['pg_wal', 'base'] as const
type Volume = (typeof volumes)[number]

async function startDiskStage(): Promise<DiskStage> {
  const stage = await startClusterStage({ cluster: { standbys: 0, settings: { max_wal_size: '8MB' } } })
  const { cluster } = stage
  const primary = cluster.node(one)
  const volume = (name: Volume): string => path.join(cluster.folder, `volume-${name}`)
  const filler = (name: Volume): string => path.join(volume(name), 'filler')
  const stop = async (): Promise<void> => {
    await primary.stop('immediate')
    for (const name of volumes) await run('umount', ['--lazy', volume(name)]).catch(() => undefined)
    await stage.stop()
  }
  try {
    await primary.stop()
    for (const name of volumes) await moveTo(volume(name), path.join(primary.dataDir, name))
    await primary.start()
  } catch (error) {
    await stop()
    throw error
  }
  return {
    ...stage,
    fill: name => writeUntilFull(filler(name)),
    async heal() {
      for (const name of volumes) await rm(filler(name), { force: true })
      await stage.heal()
    },
    stop,
  }
}

/** Mounts a volume, moves the folder to it, and puts a link in its place. */
async function moveTo(volume: string, folder: string): Promise<void> {
  const owner = unprivileged()
  await mkdir(volume)
  await run('mount', ['-t', 'tmpfs', '-o', 'size=48m,mode=0700', 'mailpath-faults', volume])
  if (owner) await chown(volume, owner.uid, owner.gid)
  const content = path.join(volume, 'content')
  await runProcess('cp', ['-a', folder, content], {})
  await rm(folder, { recursive: true })
  await symlink(content, folder)
}

async function writeUntilFull(file: string): Promise<void> {
  const handle = await open(file, 'w')
  try {
    for (let size = 1_048_576; size >= 1;)
      await handle.write(Buffer.alloc(size)).catch(() => (size = Math.floor(size / 2)))
  } finally {
    await handle.close()
  }
}

const faults: readonly Fault<DiskStage>[] = [
  {
    name: 'Postgres disk: data volume full (53100)',
    async inject(stage) {
      await stage.fill('base')
      const { cluster } = stage
      const insert = `insert into outbound_email (recipient) select repeat('x', 1000) from generate_series(1, 100)`
      const code = await cluster
        .node(one)
        .query(insert, [], cluster.database)
        .then(
          () => 'none',
          (error: unknown) => (error as { code?: string }).code,
        )
      if (code !== '53100') throw new Error(`an insert of the application is refused with ${code ?? 'no code'}`)
    },
    seen: {
      verdict: 'fail',
      root: 'write_path/app write_path_disk_full',
      samples: { 'mailpath_write_path_writable{target="app",postgres_cluster="kb"}': 0 },
    },
  },
  {
    name: 'Postgres disk: WAL volume full, the server gives up',
    async inject(stage) {
      await stage.fill('pg_wal')
      const primary = stage.cluster.node(one)
      await waitFor(
        async () => {
          await primary
            .query(`select pg_logical_emit_message(true, 'fault', repeat('x', 900000))`)
            .catch(() => undefined)
          return !primary.running()
        },
        { timeoutMs: 10_000, what: 'the server has no room for its WAL' },
      )
    },
    seen: {
      verdict: 'fail',
      root: `postgres/${one} postgres_unreachable`,
      reasons: ['write_path/app write_path_unreachable'],
    },
  },
]

const mountable =
  unlessRoot('it mounts small volumes') ?? (have('mount') === undefined ? 'mount is missing' : undefined)

const disk: Area<DiskStage> = {
  name: 'Postgres disk',
  start: startDiskStage,
  faults: faults.map(fault => ({ ...fault, skip: mountable })),
}

export const diskAreas: readonly Runnable[] = [runnable(disk)]
