/** One real Patroni with its Postgres, and one etcd: enough to hear what Patroni says. The large stage is in test/patroni. */
import { chown, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { rewindBinaries } from './postgres-binaries.ts'
import {
  fastTempBase,
  freePort,
  have,
  removeFolder,
  startProcess,
  tempFolder,
  unprivileged,
  untilListening,
  waitFor,
  type RunningProcess,
} from './processes.ts'

export const patroniInstall = 'apt-get install patroni python3-etcd etcd-server postgresql-15'
/** Undefined if one of the three is missing. */
export const patroniBinary = () => (have('etcd') && rewindBinaries() ? have('patroni') : undefined)

export interface Patroni {
  readonly url: string
  /** The port of its Postgres. */
  readonly postgresPort: number
  readonly process: RunningProcess
  readonly etcd: RunningProcess
  /** Sends a signal to each process of its Postgres but the postmaster. */
  signalBackends: (signal: NodeJS.Signals) => Promise<void>
  /** Changes the configuration of the cluster (PATCH /config). */
  configure: (change: object) => Promise<void>
  stop: () => Promise<void>
}

const host = '127.0.0.1'

/** A cluster `kb` with the member `p1`, which holds the lock. */
export async function startPatroni(): Promise<Patroni> {
  const [patroni, etcd, binDir] = [patroniBinary(), have('etcd'), rewindBinaries()]
  if (patroni === undefined || etcd === undefined || binDir === undefined)
    throw new Error(`patroni, etcd or Postgres is not installed: ${patroniInstall}`)
  const account = unprivileged()
  const folder = tempFolder('mailpath-patroni-', account, fastTempBase())
  const started: RunningProcess[] = []
  const stop = async (): Promise<void> => {
    for (const one of started.toReversed()) await one.stop('SIGTERM', 5_000)
    await removeFolder(folder)
  }
  const start = (name: string, command: string, args: readonly string[]): RunningProcess => {
    const env = { PATH: '/usr/bin:/bin', HOME: folder, LC_ALL: 'C.UTF-8' }
    const running = startProcess(name, command, args, { ...account, cwd: folder, env, lastSignal: 'SIGTERM' })
    started.push(running)
    return running
  }
  try {
    const [etcdPort, peerPort, apiPort, postgresPort] = await Promise.all([
      freePort(),
      freePort(),
      freePort(),
      freePort(),
    ])
    const [client, peer] = [etcdPort, peerPort].map(port => `http://${host}:${port}`)
    const etcdRuns = start('etcd', etcd, [
      ...['--name', 'e1', '--data-dir', path.join(folder, 'etcd'), '--unsafe-no-fsync'],
      ...[`--listen-client-urls=${client ?? ''}`, `--advertise-client-urls=${client ?? ''}`],
      ...[`--listen-peer-urls=${peer ?? ''}`, `--initial-advertise-peer-urls=${peer ?? ''}`],
      `--initial-cluster=e1=${peer ?? ''}`,
    ])
    await untilListening(etcdRuns, etcdPort)
    const file = path.join(folder, 'p1.yml')
    // JSON is YAML.
    await writeFile(file, JSON.stringify(settings({ folder, binDir, etcdPort, apiPort, postgresPort })), {
      mode: 0o600,
    })
    if (account) await chown(file, account.uid, account.gid)
    const running = start('patroni', patroni, [file])
    const url = `http://${host}:${apiPort}`
    await waitFor(async () => (await fetch(`${url}/primary`)).status === 200, { timeoutMs: 60_000, what: 'p1 leads' })
    const configure = async (change: object): Promise<void> => {
      const { status } = await fetch(`${url}/config`, { method: 'PATCH', body: JSON.stringify(change) })
      if (status !== 200) throw new Error(`PATCH /config: ${status}`)
    }
    const signalBackends = async (signal: NodeJS.Signals): Promise<void> => {
      const [postmaster = ''] = (await readFile(path.join(folder, 'data/postmaster.pid'), 'utf8')).split('\n')
      const children = await readFile(`/proc/${postmaster}/task/${postmaster}/children`, 'utf8')
      for (const pid of children.split(' ').filter(one => one !== '')) process.kill(Number(pid), signal)
    }
    return { url, postgresPort, signalBackends, process: running, etcd: etcdRuns, configure, stop }
  } catch (error) {
    const logs = started.map(one => `${one.name}: ${one.log().slice(-2_000)}`)
    await stop()
    throw new Error(logs.join('\n'), { cause: error })
  }
}

interface Places {
  readonly folder: string
  readonly binDir: string
  readonly etcdPort: number
  readonly apiPort: number
  readonly postgresPort: number
}

const settings = ({ folder, binDir, etcdPort, apiPort, postgresPort }: Places): object => ({
  scope: 'kb',
  name: 'p1',
  restapi: { listen: `${host}:${apiPort}`, connect_address: `${host}:${apiPort}` },
  etcd3: { host: `${host}:${etcdPort}` },
  bootstrap: {
    dcs: { ttl: 20, loop_wait: 1, retry_timeout: 3 },
    initdb: [{ encoding: 'UTF8' }, { locale: 'C' }, 'no-sync'],
    pg_hba: ['local all all trust', 'host all all 127.0.0.1/32 trust', 'host replication all 127.0.0.1/32 trust'],
  },
  postgresql: {
    listen: `${host}:${postgresPort}`,
    connect_address: `${host}:${postgresPort}`,
    data_dir: path.join(folder, 'data'),
    bin_dir: binDir,
    pgpass: path.join(folder, 'pgpass'),
    authentication: {
      superuser: { username: 'postgres', password: 'x' },
      replication: { username: 'replicator', password: 'x' },
    },
    parameters: { unix_socket_directories: folder, shared_buffers: '16MB', fsync: 'off' },
  },
  tags: { nofailover: false, noloadbalance: true },
  watchdog: { mode: 'off' },
})
