/** A real PostgreSQL cluster: a primary and its streaming standbys, from nothing in two seconds or so. */
import { fastTempBase, freePort, removeFolder, tempFolder, unprivileged } from './processes.ts'
import { postgresBinaries } from './postgres-binaries.ts'
import { attach, createCluster, type Cluster, type Logins } from './postgres-cluster.ts'
import { initdb } from './postgres-copy.ts'
import { createNode, type PostgresNode } from './postgres-node.ts'
import { identifier, quoted, superuser, withSession } from './postgres-session.ts'

export type { Cluster, ReadOnlyScope } from './postgres-cluster.ts'
export type { PostgresNode } from './postgres-node.ts'
export type { Login } from './postgres-session.ts'

export interface ClusterOptions {
  standbys?: number
  /** Commits wait for one standby. */
  synchronous?: boolean
  database?: string
  logins?: Partial<Logins>
  names?: readonly string[]
  ports?: readonly number[]
  /** More lines for postgresql.conf. */
  settings?: Readonly<Record<string, string>>
  binDir?: string
  onProgress?: (line: string) => void
}

const defaultLogins: Logins = {
  backend: { user: 'kb_backend', password: 'kb-backend-password' },
  monitor: { user: 'mailpath', password: 'mailpath-password' },
  plain: { user: 'mailpath_plain', password: 'mailpath-plain-password' },
}

const hba = [
  `host replication ${superuser} 127.0.0.1/32 trust`,
  `host all ${superuser} 127.0.0.1/32 trust`,
  'host all all 127.0.0.1/32 scram-sha-256',
]

function configuration({ synchronous = false, settings = {} }: ClusterOptions): string[] {
  const all = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    fsync: 'off',
    dynamic_shared_memory_type: 'mmap', // in the data folder, and gone with it
    shared_buffers: '16MB',
    max_connections: '40',
    wal_level: 'replica',
    wal_log_hints: 'on',
    max_wal_senders: '10',
    max_replication_slots: '10',
    hot_standby: 'on',
    wal_keep_size: '256MB',
    wal_receiver_status_interval: '1s',
    wal_retrieve_retry_interval: '200ms',
    synchronous_standby_names: synchronous ? 'ANY 1 (*)' : '',
    log_line_prefix: '%m [%p] %q%u@%d %a ',
    timezone: 'UTC',
    lc_messages: 'C',
    ...settings,
  }
  return Object.entries(all).map(([name, value]) => `${name} = '${value}'`)
}

async function createObjects(node: PostgresNode, database: string, { backend, monitor, plain }: Logins): Promise<void> {
  await withSession(node.port, {}, async client => {
    await client.query(
      [backend, monitor, plain]
        .map(({ user, password }) => `create role ${identifier(user)} login password ${quoted(password)};`)
        .join('\n'),
    )
    await client.query(`grant pg_monitor to ${identifier(monitor.user)}`)
    await client.query(`create database ${identifier(database)} owner ${identifier(backend.user)}`)
  })
  await withSession(node.port, { database }, client =>
    client.query(`
      set role ${identifier(backend.user)};
      create table outbound_email (
        id bigint generated always as identity primary key,
        recipient text not null,
        status text not null default 'queued',
        created_at timestamptz not null default now()
      );
      insert into outbound_email (recipient) values ('somebody@example.com');
    `),
  )
}

export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const { standbys = 2, database = 'keybuzz_backend', onProgress = () => undefined } = options
  const logins = { ...defaultLogins, ...options.logins }
  const began = Date.now()
  const progress = (line: string) => onProgress(`${line} (${Date.now() - began} ms)`)

  const binDir = await postgresBinaries(options.binDir)
  const folder = tempFolder('mailpath-pg-', unprivileged(), fastTempBase())
  const nodes: PostgresNode[] = []
  try {
    for (let index = 0; index <= standbys; index += 1) {
      const name = options.names?.[index] ?? `db-postgres-${String(index + 1).padStart(2, '0')}`
      nodes.push(createNode({ name, port: options.ports?.[index] ?? (await freePort()), folder, binDir }))
    }
    const [first, ...others] = nodes
    if (first === undefined) throw new Error('a cluster has at least one node')
    await initdb({ binDir, dataDir: first.dataDir, conf: configuration(options), hba })
    progress(`data folder made`)
    await first.start()
    await createObjects(first, database, logins)
    progress(`primary ${first.name} on ${first.host}:${first.port}`)
    await attach(others, first)
    for (const standby of others) progress(`standby ${standby.name} on ${standby.host}:${standby.port} streams`)
    return createCluster(nodes, { database, logins, folder, binDir, deadPort: await freePort() })
  } catch (error) {
    await Promise.all(nodes.map(node => node.stop('immediate')))
    await removeFolder(folder)
    throw error
  }
}
