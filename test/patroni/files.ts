/** The configuration files of the stage. */
import { nodeNames, type NodeName } from './record.ts'

export const addresses: Readonly<Record<NodeName, string>> = { n1: '10.15.0.11', n2: '10.15.0.12', n3: '10.15.0.13' }
export const etcdNames = ['e1', 'e2', 'e3'] as const
export type EtcdName = (typeof etcdNames)[number]
export const etcdAddresses: Readonly<Record<EtcdName, string>> = {
  e1: '10.15.0.21',
  e2: '10.15.0.22',
  e3: '10.15.0.23',
}
export const outside = '10.15.0.1'
export const ports = {
  postgres: 5432,
  patroni: 8008,
  haproxy: 5000,
  'haproxy-plain': 5001,
  pgbouncer: 6432,
  metrics: 8404,
} as const

/** Debian's Postgres. */
export const binaries = '/usr/lib/postgresql/15/bin'

/** Of Patroni, in seconds: as short as it takes them. Since 4.0 it raises a `ttl` below 20. */
export interface Times {
  readonly ttl: number
  readonly loop_wait: number
  readonly retry_timeout: number
}

/** What is in the DCS on a healthy stage. `null` takes a key out again. */
export const dynamic = (times: Times): Readonly<Record<string, unknown>> => ({
  ...times,
  maximum_lag_on_failover: 1_048_576,
  postgresql: {
    use_pg_rewind: true,
    use_slots: true,
    parameters: {
      max_connections: 50,
      max_files_per_process: 1000,
      wal_log_hints: 'on',
      hot_standby: 'on',
      max_wal_senders: 10,
      max_replication_slots: 10,
      wal_keep_size: '48MB',
      max_wal_size: '96MB',
      min_wal_size: '32MB',
    },
  },
})

/** JSON is YAML. */
export const patroniFile = (
  name: NodeName,
  folder: string,
  wal: string,
  times: Times,
  tags: Readonly<Record<string, boolean>> = {},
): string =>
  JSON.stringify({
    scope: 'kb',
    name,
    restapi: { listen: `${addresses[name]}:${ports.patroni}`, connect_address: `${addresses[name]}:${ports.patroni}` },
    etcd3: { hosts: etcdNames.map(etcd => `${etcdAddresses[etcd]}:2379`) },
    bootstrap: {
      dcs: dynamic(times),
      initdb: [{ encoding: 'UTF8' }, { locale: 'C' }, { waldir: wal }, 'data-checksums', 'no-sync'],
    },
    postgresql: {
      listen: `${addresses[name]}:${ports.postgres}`,
      connect_address: `${addresses[name]}:${ports.postgres}`,
      data_dir: `${folder}/data`,
      bin_dir: binaries,
      pgpass: `${folder}/pgpass`,
      authentication: {
        superuser: { username: 'postgres', password: 'x' },
        replication: { username: 'replicator', password: 'x' },
        rewind: { username: 'rewind', password: 'x' },
      },
      parameters: {
        unix_socket_directories: folder,
        shared_buffers: '24MB',
        fsync: 'off',
        log_min_messages: 'warning',
        // In files of its own: what kill -9 leaves behind is gone with them.
        dynamic_shared_memory_type: 'mmap',
      },
      pg_hba: ['local all all trust', 'host all all 0.0.0.0/0 trust', 'host replication all 0.0.0.0/0 trust'],
      basebackup: [{ checkpoint: 'fast' }, { waldir: wal }, 'no-sync'],
    },
    watchdog: { mode: 'off' },
    tags,
  })

/** As in extras/confd/templates/haproxy.tmpl of Patroni, once more without `on-marked-down`, and with what shows its state. */
export const haproxyFile = (sockets: { readonly admin: string; readonly user: string }): string =>
  [
    'global',
    '  maxconn 400',
    `  stats socket ${sockets.admin} mode 600 level admin`,
    `  stats socket ${sockets.user} mode 660 level user`,
    'defaults',
    '  mode tcp',
    '  retries 2',
    '  timeout client 30m',
    '  timeout connect 4s',
    '  timeout server 30m',
    '  timeout check 5s',
    'frontend metrics',
    '  mode http',
    `  bind ${outside}:${ports.metrics}`,
    '  http-request use-service prometheus-exporter if { path /metrics }',
    ...(['haproxy', 'haproxy-plain'] as const).flatMap(name => [
      `listen ${name}`,
      `  bind ${outside}:${ports[name]}`,
      '  option httpchk OPTIONS /primary',
      '  http-check expect status 200',
      `  default-server inter 3s fall 3 rise 2${name === 'haproxy' ? ' on-marked-down shutdown-sessions' : ''}`,
      ...nodeNames.map(
        node => `  server ${node} ${addresses[node]}:${ports.postgres} maxconn 100 check port ${ports.patroni}`,
      ),
    ]),
    '',
  ].join('\n')

export const database = 'app'
export const roles = { application: 'backend', monitor: 'mailpath', console: 'console', stats: 'stats' } as const

export const pgbouncerFiles = (usersFile: string): { readonly ini: string; readonly users: string } => ({
  ini: [
    '[databases]',
    `app = host=${outside} port=${ports.haproxy} dbname=${database} pool_mode=transaction`,
    `app_session = host=${outside} port=${ports.haproxy} dbname=${database} pool_mode=session`,
    '[pgbouncer]',
    `listen_addr = ${outside}`,
    `listen_port = ${ports.pgbouncer}`,
    'unix_socket_dir =',
    'auth_type = trust',
    `auth_file = ${usersFile}`,
    `admin_users = ${roles.console}`,
    `stats_users = ${roles.stats}`,
    'default_pool_size = 10',
    'server_login_retry = 1',
    'ignore_startup_parameters = extra_float_digits,options',
    '',
  ].join('\n'),
  users: `${Object.values(roles)
    .map(role => `"${role}" ""`)
    .join('\n')}\n`,
})

/** Where the writers, and the exporter as the application, log in. */
export const wayUrls = {
  haproxy: `postgres://${roles.application}@${outside}:${ports.haproxy}/${database}`,
  'haproxy-plain': `postgres://${roles.application}@${outside}:${ports['haproxy-plain']}/${database}`,
  pgbouncer: `postgres://${roles.application}@${outside}:${ports.pgbouncer}/app`,
  'pgbouncer-session': `postgres://${roles.application}@${outside}:${ports.pgbouncer}/app_session`,
} as const
