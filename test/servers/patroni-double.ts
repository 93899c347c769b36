import net from 'node:net'
import tls from 'node:tls'
import type { Certificate } from './certificates.ts'
import { type At, extend, floodOf, listen, type Listening } from './hostile.ts'

/**
 * How it fails: `silent`, a Patroni that hangs; `drip`, one byte at a time; `endless`, a body without end; `cut`, half a body;
 * `closes`, an exception in the handler, after which Python closes the connection.
 */
export type PatroniMisbehaviour = 'silent' | 'drip' | 'endless' | 'cut' | 'closes'

/** What other servers say on that port. */
interface Foreign {
  readonly status: number
  readonly type?: string
  readonly body: string
}

export interface PatroniOptions extends At {
  tls?: Certificate
  /** `verify_client: required`: PEM of the authority that client certificates need. */
  clientsBy?: string
}

interface PatroniRequest {
  readonly line: string
  readonly authorization: string | undefined
}

/** What tests turn while the double runs. */
export interface PatroniKnobs {
  version: string
  scope: string
  name: string
  /** `postgresql.state` and `postgresql.role`, as Patroni keeps them. */
  state: string
  role: 'primary' | 'standby_leader' | 'replica' | 'promoted' | 'demoted' | 'uninitialized'
  /** Whether the Postgres answers the query of the API. */
  answersQueries: boolean
  /** `ha.is_leader()`: it took or renewed the lock less than `ttl` ago. */
  isLeader: boolean
  /** Whether it knows the cluster: the DCS gave it less than `ttl` ago. */
  knowsCluster: boolean
  /** What reads the DCS: /cluster waits for ever, or ends in an exception. */
  dcs: 'fine' | 'hangs' | 'fails'
  /** Seconds since it last reached the DCS. */
  dcsAge: number
  paused: boolean
  standbyCluster: boolean
  failsafe: boolean
  /** The key `leader` of the DCS; empty for none. */
  leader: string
  pendingRestart: string[]
  synchronous: 'off' | 'sync' | 'quorum'
  tags: Record<string, unknown>
  timeline: number
  /** What stream from it. */
  followers: string[]
  members: Record<string, unknown>[]
  /** Seconds that its clock is ahead of ours. */
  clockAhead: number
  /** What comes in front of the path, where a proxy cuts it. */
  prefix: string
  /** Status for health checks (/primary) that have not noticed a change yet; undefined for that of now. */
  checkedAs: number | undefined
  /** Answers every request like this; undefined ends it. */
  answer(how: PatroniMisbehaviour | Foreign | undefined): void
  readonly requests: PatroniRequest[]
}

interface Patroni extends PatroniKnobs {
  misbehaviour: PatroniMisbehaviour | Foreign | undefined
}

/**
 * A DOUBLE of the REST API of one Patroni, for states that a real one cannot be brought into at will. Written from
 * `do_GET`, `get_postgresql_status` and `_write_status_response` of patroni/api.py and `cluster_as_json` of
 * patroni/utils.py in 2.1.0, 3.0.2 and 4.1.4. As the real one it speaks HTTP/1.0 without a length of the body.
 */
export async function startPatroniDouble(options: PatroniOptions = {}): Promise<PatroniKnobs & Listening> {
  const patroni = knobs()
  const onSocket = (socket: net.Socket): void => serve(patroni, socket)
  const { tls: pair, clientsBy } = options
  const server = pair
    ? tls.createServer(
        { cert: pair.cert, key: pair.key, ...(clientsBy !== undefined && { ca: clientsBy, requestCert: true }) },
        onSocket,
      )
    : net.createServer(onSocket)
  server.on('tlsClientError', () => undefined)
  return extend(patroni, await listen(server, options))
}

function knobs(): Patroni {
  const patroni: Patroni = {
    version: '4.1.4',
    scope: 'kb',
    name: 'p1',
    state: 'running',
    role: 'primary',
    answersQueries: true,
    isLeader: true,
    knowsCluster: true,
    dcs: 'fine',
    dcsAge: 2,
    paused: false,
    standbyCluster: false,
    failsafe: false,
    leader: 'p1',
    pendingRestart: [],
    synchronous: 'off',
    tags: {},
    timeline: 3,
    followers: ['p2'],
    members: [member('p1', 'leader', 'running'), member('p2', 'replica', 'streaming')],
    clockAhead: 0,
    prefix: '',
    checkedAs: undefined,
    requests: [],
    misbehaviour: undefined,
    answer: how => {
      patroni.misbehaviour = how
    },
  }
  return patroni
}

const member = (name: string, role: string, state: string) => ({
  name,
  role,
  state,
  api_url: `http://${name}:8008/patroni`,
  host: name,
  port: 5432,
  timeline: 3,
  ...(role === 'leader' ? {} : { lag: 0 }),
})

function serve(patroni: Patroni, socket: net.Socket): void {
  let head = ''
  socket.on('error', () => undefined)
  socket.on('data', data => {
    if (head.includes('\r\n\r\n')) return
    head += data.toString('latin1')
    // As http.server does with a handshake.
    if (!/^[A-Z]/.test(head)) socket.end('HTTP/1.0 400 Bad request syntax\r\n\r\n')
    if (!head.includes('\r\n\r\n')) return
    const [line = '', ...headers] = head.split('\r\n')
    const [, authorization] = headers.map(one => /^authorization: (.*)$/i.exec(one)).find(found => found) ?? []
    patroni.requests.push({ line, authorization })
    respond(patroni, socket, line)
  })
}

function respond(patroni: Patroni, socket: net.Socket, line: string): void {
  const { misbehaviour: how } = patroni
  const path = (/^GET (\S+) HTTP/.exec(line)?.[1] ?? '').replace(patroni.prefix, '')
  const head = (status: number, type: string): string =>
    [
      `HTTP/1.0 ${status} ${status === 200 ? 'OK' : 'Service Unavailable'}`,
      'Server: BaseHTTP/0.6 Python/3.11.2',
      `Date: ${new Date(Date.now() + patroni.clockAhead * 1000).toUTCString()}`,
      `Content-Type: ${type}`,
      '\r\n',
    ].join('\r\n')
  if (typeof how === 'object') {
    socket.end(head(how.status, how.type ?? 'text/html') + how.body)
    return
  }
  if (how === 'silent' || (path === '/cluster' && patroni.dcs === 'hangs')) return
  if (how === 'closes' || (path === '/cluster' && patroni.dcs === 'fails')) {
    socket.end()
    return
  }
  const [status, body] = path === '/cluster' ? [200, clusterOf(patroni)] : leader(patroni)
  const late = path === '/primary' ? patroni.checkedAs : undefined
  const whole = head(late ?? status, 'application/json') + JSON.stringify(body)
  if (how === 'cut') socket.end(whole.slice(0, -40))
  else if (how === 'endless') floodOf(`${whole} `).into(socket)
  else if (how === 'drip') dripInto(socket, whole)
  else socket.end(whole)
}

function dripInto(socket: net.Socket, text: string): void {
  let at = 0
  const timer = setInterval(() => socket.write(text.charAt(at++ % text.length)), 20)
  socket.on('close', () => clearInterval(timer))
}

/** `do_GET` for /leader. */
function leader(patroni: Patroni): [number, object] {
  const status = statusOf(patroni)
  const { role } = status as { role: string }
  const leads = ['master', 'primary', 'standby_leader'].includes(role)
  const code = !patroni.knowsCluster && patroni.paused ? leads : patroni.isLeader
  const { version, scope, name, tags, pendingRestart, paused } = patroni
  const body = {
    ...status,
    ...(Object.keys(tags).length > 0 && { tags }),
    database_system_identifier: '7423412345678901234',
    ...(pendingRestart.length > 0 && { pending_restart: true }),
    ...(pendingRestart.length > 0 &&
      isFrom(version, '3.3.0') && {
        pending_restart_reason: Object.fromEntries(
          pendingRestart.map(one => [one, { old_value: '100', new_value: '200' }]),
        ),
      }),
    patroni: { version, scope, ...(isFrom(version, '3.2.0') && { name }) },
    ...(paused && { pause: true }),
  }
  return [code ? 200 : 503, body]
}

/** `get_postgresql_status`. */
function statusOf(patroni: Patroni): object {
  const { version, state, role, timeline, knowsCluster, synchronous, followers } = patroni
  const asked = ['running', 'restarting', 'starting'].includes(state)
  const isPrimary = role === 'primary' || role === 'promoted'
  const named = (what: string): string => (what === 'primary' && !isFrom(version, '4.0.0') ? 'master' : what)
  const isUnlocked = !knowsCluster || patroni.leader === ''
  const known = {
    ...(isFrom(version, '2.1.2') && isUnlocked && { cluster_unlocked: true }),
    ...(patroni.failsafe && { failsafe_mode_is_active: true }),
    ...(isFrom(version, '2.1.2') && {
      dcs_last_seen: Math.floor(Date.now() / 1000) + patroni.clockAhead - patroni.dcsAge,
    }),
  }
  if (!asked || !patroni.answersQueries)
    return { state: state === 'running' ? 'unknown' : state, role: named(role), ...known }
  const answered = isPrimary ? 'primary' : patroni.standbyCluster ? role : 'replica'
  const isStandby = answered === 'replica' && knowsCluster
  return {
    state,
    postmaster_start_time: '2026-11-30 08:00:00.123456+00:00',
    role: named(answered),
    server_version: 150_018,
    // Before 2.1.2 it is said with false as well, and only of a Postgres that answers.
    ...(!isFrom(version, '2.1.2') && { cluster_unlocked: isUnlocked }),
    xlog: isPrimary
      ? { location: 67_108_864 }
      : { received_location: 67_108_864, replayed_location: 67_108_864, replayed_timestamp: null, paused: false },
    ...(isStandby && synchronous !== 'off' && { [`${synchronous}_standby`]: true }),
    timeline,
    ...(followers.length > 0 && {
      replication: followers.map(one => ({
        usename: 'replicator',
        application_name: one,
        client_addr: '10.0.0.2',
        state: one === 'pg_basebackup' ? 'backup' : 'streaming',
        sync_state: 'async',
        sync_priority: 0,
      })),
    }),
    ...known,
  }
}

const clusterOf = ({ members, paused, scope, version }: Patroni): object => ({
  members,
  ...(paused && { pause: true }),
  ...(isFrom(version, '3.2.0') && { scope }),
})

const isFrom = (version: string, first: string): boolean => version.localeCompare(first, 'en', { numeric: true }) >= 0
