/** A cluster that is looked at in all ways: by SQL, Patroni, HAProxy and PgBouncer. */
import type { Shown } from '../../src/clients/certificates.ts'
import type { Status } from '../../src/monitor/ledger.ts'
import { haproxy } from '../../src/probes/haproxy/index.ts'
import type { HaproxyServer } from '../../src/probes/haproxy/statistics.ts'
import { mail } from '../../src/probes/mail/index.ts'
import { patroni } from '../../src/probes/patroni/index.ts'
import { pgbouncer } from '../../src/probes/pgbouncer/index.ts'
import { writePath } from '../../src/probes/write_path/index.ts'
import {
  checkOf,
  judged,
  landingOn,
  node,
  primaryFacts,
  standbyFacts,
  start,
  statusFrom,
  wrote,
  type Looked,
} from './looked.ts'
import { serverDown } from './haproxy.ts'
import { leaderSays, listedMember, replicaSays } from './patroni.ts'
import { leafOf } from '../clients/certificate-leaf.ts'

const day = 86_400_000
const certificates: Shown = {
  chain: {
    certificates: [
      { name: 'db', issuer: 'Example CA', notBefore: start - 30 * day, notAfter: start + 60 * day, selfSigned: false },
    ],
    anchored: true,
    names: 'db',
    leaf: leafOf('db'),
  },
  verified: true,
  at: start,
}

const server = (number: number, fields: Partial<HaproxyServer>): HaproxyServer =>
  serverDown(`db-${number}`, { lastChangeAt: start - 3_600_000, address: `10.0.0.12${number}`, port: 5432, ...fields })

const sessions = [
  { role: 'kb_backend', database: 'keybuzz_backend', count: 2, idle: 2, settled: 2, oldest_seconds: 340 },
]

/** After a switchover from db-2 to db-1: db-2 still has sessions of the application, and db-3 is out for maintenance. */
export function views(): Status {
  const nodes = [primaryFacts(1), standbyFacts(2, { sessions }), standbyFacts(3)]
  const members = [1, 2, 3].map(number => listedMember(number))
  const said = [
    leaderSays(1, { followers: ['db-2', 'db-3'] }),
    replicaSays(2, { syncStandby: true, pendingRestart: true, pendingParameters: ['max_connections'] }),
    replicaSays(3, { tags: { nofailover: true, noloadbalance: false, nostream: false } }),
  ].map((facts, index): Looked => {
    const name = `db-${index + 1}`
    const target = patroni.target.parse({ name, cluster: 'keybuzz', url: `https://${name}:8008` })
    const seen = {
      address: `${name}:8008`,
      status: facts.holdsLock ? 200 : 503,
      answeredAt: start,
      facts: { ...facts, dcsLastSeenAt: start - 2_000 },
      members: facts.holdsLock ? members : undefined,
      certificates,
    }
    return { check: checkOf(patroni, target), observation: judged(patroni, target, seen) }
  })
  const lb = haproxy.target.parse({ name: 'lb-1', url: 'https://lb-1:8404/metrics' })
  const servers = [
    server(1, { status: 'UP', checkStatus: 'L7OK', checkCode: 200, sessions: 7, lastChangeAt: start - 40_000 }),
    server(2, { lastChangeAt: start - 45_000 }),
    server(3, { status: 'MAINT' }),
  ]
  const pool = pgbouncer.target.parse({ name: 'pool-1', url: 'postgres://stats@pool-1:6432/pgbouncer' })
  const databases = [
    {
      name: 'keybuzz_backend',
      host: '10.0.0.10',
      port: 5432,
      paused: false,
      disabled: false,
      active: 5,
      waiting: 1,
      maxWaitSeconds: 0.25,
      servers: [{ address: '10.0.0.10', port: 5432, connections: 5, connecting: 0 }],
    },
  ]
  const path = writePath.target.parse({
    name: 'DATABASE_URL',
    cluster: 'keybuzz',
    url: 'postgres://kb_backend@pool-1:6432/keybuzz_backend',
    pooled: true,
    haproxy: { target: 'lb-1', proxy: 'write' },
    pgbouncer: { target: 'pool-1', database: 'keybuzz_backend' },
  })
  const landed = wrote(
    nodes.slice(0, 1).map(facts => landingOn(facts, { role: 'kb_backend', database: 'keybuzz_backend', pooled: true })),
  )
  const app = mail.target.parse({ name: 'app', write_path: ['DATABASE_URL'] })
  return statusFrom(
    [
      ...nodes.map((facts, index) => node(`db-${index + 1}`, facts)),
      ...said,
      {
        check: checkOf(haproxy, lb),
        observation: judged(haproxy, lb, {
          address: 'lb-1:8404',
          status: 200,
          servers,
          proxies: ['write'],
          certificates,
        }),
      },
      {
        check: checkOf(pgbouncer, pool),
        observation: judged(pgbouncer, pool, { address: 'pool-1:6432', databases, version: '1.21.0', certificates }),
      },
      { check: checkOf(writePath, path), observation: judged(writePath, path, landed) },
      { check: checkOf(mail, app), observation: judged(mail, app, { provider: 'smtp' }) },
    ],
    { mail: [app] },
  )
}
