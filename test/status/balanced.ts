/** Status values of a platform with Patroni on each node, HAProxy in front of them, and PgBouncer in front of that. */
import type { WritePathTarget } from '../../src/probes/write_path/target.ts'
import type { Status } from '../../src/monitor/ledger.ts'
import { haproxy } from '../../src/probes/haproxy/index.ts'
import type { HaproxySeen, HaproxyServer } from '../../src/probes/haproxy/observe.ts'
import { mail } from '../../src/probes/mail/index.ts'
import type { PatroniFacts } from '../../src/probes/patroni/answer.ts'
import { pgbouncer } from '../../src/probes/pgbouncer/index.ts'
import type { PgbouncerDatabase, PgbouncerSeen } from '../../src/probes/pgbouncer/observe.ts'
import { smtp } from '../../src/probes/smtp/index.ts'
import { writePath } from '../../src/probes/write_path/index.ts'
import type { Landing, WritePathSeen } from '../../src/probes/write_path/observe.ts'
import {
  checkOf,
  judged,
  landingOn,
  node,
  pathTarget,
  primaryFacts,
  reported,
  standbyFacts,
  start,
  statusFrom,
  wrote,
  type Looked,
} from './looked.ts'
import { serverDown } from './haproxy.ts'
import { patroniOf, replicaSays } from './patroni.ts'

/** What the Patroni of the node n1, n2 or n3 says; nothing where it is silent. */
const manages = (number: number, fields: Partial<PatroniFacts> | undefined): Looked => {
  const name = `n${number}`
  const url = `http://10.0.0.12${number}:8008`
  return patroniOf(name, fields && replicaSays(number, { name, ...fields }), { url, node: name })
}
const leads = { role: 'primary', holdsLock: true } as const

const server = (number: number, fields: Partial<HaproxyServer> = {}): HaproxyServer =>
  serverDown(`pg-${number}`, { lastChangeAt: start - 60_000, address: `10.0.0.12${number}`, port: 5432, ...fields })
const up = { status: 'UP', checkStatus: 'L7OK', checkCode: 200 } as const

function balances(servers: readonly HaproxyServer[] | undefined): Looked {
  const target = haproxy.target.parse({ name: 'lb-1', url: 'http://10.0.0.10:8404/metrics' })
  const address = '10.0.0.10:8404'
  const seen: HaproxySeen = { address, servers, proxies: ['write'] }
  const observation = servers
    ? judged(haproxy, target, seen)
    : reported(haproxy, target, ['haproxy_unreachable'], { seen: { address } })
  return { check: checkOf(haproxy, target), observation }
}

function pools(fields: Partial<PgbouncerDatabase> = {}, codes: readonly string[] = []): Looked {
  const target = pgbouncer.target.parse({ name: 'pool-1', url: 'postgres://stats@10.0.0.11:6432/pgbouncer' })
  const database: PgbouncerDatabase = {
    name: 'keybuzz',
    host: '10.0.0.10',
    port: 5432,
    paused: false,
    disabled: false,
    active: 3,
    waiting: 0,
    maxWaitSeconds: 0,
    servers: [{ address: '10.0.0.10', port: 5432, connections: 4, connecting: 0 }],
    ...fields,
  }
  const seen: PgbouncerSeen = { address: '10.0.0.11:6432', databases: [database] }
  return { check: checkOf(pgbouncer, target), observation: reported(pgbouncer, target, codes, { seen }) }
}

/** A write path that goes through these. */
function through(
  name: string,
  landings: readonly Landing[],
  fields: Partial<WritePathTarget>,
  seen: Partial<WritePathSeen> = {},
): Looked {
  const target = { ...pathTarget(name), ...fields }
  return { check: checkOf(writePath, target), observation: judged(writePath, target, wrote(landings, seen)) }
}
const lb = { haproxy: { target: 'lb-1', proxy: 'write' } }
const both = { ...lb, pgbouncer: { target: 'pool-1', database: 'keybuzz' } }

const relay = smtp.target.parse({ name: 'mail.keybuzz.io', host: 'mail.keybuzz.io' })
const app = mail.target.parse({ name: 'keybuzz-backend' })
const rest: readonly Looked[] = [
  { check: checkOf(smtp, relay), observation: reported(smtp, relay, []) },
  { check: checkOf(mail, app), observation: judged(mail, app, { provider: 'smtp' }) },
]
const options = { mail: [app], now: start + 4_000, startedAt: start - 9 * 86_400_000 }

const [first, second, third] = [primaryFacts(1), standbyFacts(2), standbyFacts(3)]

/** All is well: one path goes to HAProxy, and one through PgBouncer to the same HAProxy. */
export const balanced = (): Status =>
  statusFrom(
    [
      node('n1', first),
      node('n2', second),
      node('n3', third),
      manages(1, leads),
      manages(2, {}),
      manages(3, {}),
      balances([server(1, up), server(2), server(3)]),
      pools(),
      through('backend', [landingOn(first)], lb),
      through('worker', [landingOn(first, { pooled: true })], both),
      ...rest,
    ],
    options,
  )

/** The primary has moved from n1 to n2: HAProxy has not noticed it, n3 is in maintenance, and PgBouncer is paused. */
export const lagging = (): Status => {
  const now = primaryFacts(2, { wal_file_timeline: '00000002' })
  const old = standbyFacts(1, { received_timeline: 2, upstream_host: '10.0.0.122' })
  const left = { role: 'kb_backend', database: 'keybuzz_backend', count: 2, idle: 2, settled: 2, oldest_seconds: 34 }
  const hangs = {
    phase: 'login',
    code: undefined,
    text: '10.0.0.11:6432: no answer within 5 s (phase login)',
    timedOut: true,
  }
  return statusFrom(
    [
      node('n1', { ...old, sessions: [left] }),
      node('n2', now),
      node('n3', undefined),
      manages(1, { state: 'starting', role: 'replica' }),
      manages(2, leads),
      manages(3, undefined),
      balances([
        server(1, { ...up, changing: { at: 2, of: 3 } }),
        server(2),
        server(3, { status: 'MAINT', checkStatus: 'L4CON', checkCode: undefined }),
      ]),
      pools({ paused: true, active: 0, waiting: 7, maxWaitSeconds: 12.4 }, ['pgbouncer_paused']),
      through('backend', [landingOn(old)], lb),
      through('reports', [landingOn(now)], {}),
      through('worker', [], both, { address: '10.0.0.11:6432', failure: hangs }),
      ...rest,
    ],
    options,
  )
}

/** Neither HAProxy nor PgBouncer answers. */
export const unseen = (): Status =>
  statusFrom(
    [
      node('n1', first),
      balances(undefined),
      { ...pools(), observation: undefined },
      through('backend', [landingOn(first)], lb),
      through('worker', [landingOn(first)], { pgbouncer: both.pgbouncer }),
      ...rest,
    ],
    options,
  )
