import type { Reason } from '../../core/probe.ts'
import type { ConnectionProblem } from '../../clients/postgres-errors.ts'
import { startAgain } from '../../probes/patroni/start.ts'
import { writePathReason } from '../../probes/write_path/reasons.ts'
import type { WritePathTarget } from '../../probes/write_path/target.ts'
import type { CheckStatus } from '../assessment.ts'
import { isBefore, type Balancer, type ProxyServer } from './hops.ts'
import { hasProblem, isDown, lookedAt, type Home, type Node } from '../nodes.ts'

/** What a path saw of its sessions. */
export interface Arrived {
  readonly path: CheckStatus
  readonly address: string
  readonly outcome: 'committed' | 'read-only' | 'not let in'
  /** The nodes that its sessions landed on. */
  readonly on: readonly Node[]
}

/** What is remembered of check lag at a path. */
export interface LagBefore {
  /** There was check lag when the checks were assessed before. */
  readonly was: boolean
  /** HAProxy was seen to lead wrong. */
  readonly said: boolean
  /** It has lasted so long that waiting does not help. */
  readonly lasts: boolean
  /** When HAProxy was first seen to lead right; milliseconds since the epoch. */
  readonly rightAt: number | undefined
}

/** After this time check lag is no lag, in milliseconds: `inter` × `fall` is 9 s in the template of Patroni. */
export const lagMs = 60_000

/** An older view of HAProxy keeps check lag going for at most this time, in milliseconds. */
const oldMs = 30_000

/** Whether the view of HAProxy is not much older than the run of the path. */
const isNotOld = ({ observation: run }: CheckStatus, { observation: look }: CheckStatus): boolean =>
  (run?.startedAt ?? 0) - (look?.finishedAt ?? 0) <= oldMs

/** Failures of a path that HAProxy without the right server may be the cause of. */
export const notLetIn: readonly ConnectionProblem[] = [
  'unreachable',
  'no_answer',
  'closed',
  'starting_up',
  // PgBouncer passes on what it met behind itself.
  'pooler_refused',
]

/**
 * Why HAProxy leads wrong or nowhere, by its own view: the server of the primary is in maintenance; its health check has not
 * noticed yet who the primary is. While it leads to several servers of which one is no primary, a session that committed
 * proves nothing for the next one. A view from before the run of the path says nothing about it, and it ends no lag either.
 */
export function lagOf(
  { path, address, outcome, on }: Arrived,
  { check, proxy, servers }: Balancer,
  home: Home,
  before: LagBefore,
): Reason | undefined {
  const lets = servers.some(one => isUp(one) && isOn(one, on))
  // A session that landed on a standby shows that HAProxy still led there.
  if (isBefore(check, path) && !((before.was || (outcome === 'read-only' && lets)) && isNotOld(path, check)))
    return undefined
  const { elected } = home
  const wrong = takersOf(servers, home, on).filter(
    one => !leadsRight(one, home) || (outcome === 'read-only' && isOn(one, on) && one.node !== home.lockHolder),
  )
  const toElected = elected ? servers.filter(({ node }) => node === elected) : []
  const right = toElected.find(isUp) ?? toElected[0]
  const status = right?.server.status
  const where = `HAProxy ${check.target}`
  if (elected && right && outcome !== 'committed' && (status === 'MAINT' || status === 'DRAIN')) {
    const { server } = right.server
    return writePathReason(
      'write_path_server_in_maintenance',
      `${address}: ${elected.name} is the primary, and its server ${server} is ${status} in ${where}`,
      `If the work on ${elected.name} is done: set server ${proxy}/${server} state ready, on the runtime API of ${where}.`,
    )
  }
  const misled = outcome === 'committed' ? wrong.filter(({ node }) => node && !on.includes(node)) : wrong
  const isThere = elected?.facts !== undefined
  const shut = right && outcome !== 'committed' && status === 'DOWN' && isThere ? right : undefined
  // Without a primary there is nothing that HAProxy has to notice.
  if (!shut && (misled.length === 0 || (outcome === 'not let in' && !isThere))) return undefined
  const leads = misled.map(
    one => `still leads to ${one.node?.name ?? '?'} (${inWords(one, home)}), ${whatIs(one, home)}`,
  )
  const lacks = shut ? [`does not lead to ${elected?.name ?? '?'} yet, the primary (${inWords(shut, home)})`] : []
  return writePathReason(
    'write_path_check_lag',
    `${address}: ${where} ${[...leads, ...lacks].join(', and ')}`,
    remedyFor({ shut, misled, home, where, proxy, lasts: before.lasts }),
  )
}

/**
 * What keeps a path from being well after check lag, for a moment: it has not begun a run since; sessions that got to a standby are
 * seen there only now; PgBouncer lets in only with its next try.
 */
export function afterLag(
  { path, address, outcome }: Arrived,
  { check }: Balancer,
  { nodes, elected }: Home,
  hasPooler: boolean,
  rightAt: number,
): { readonly reason: Reason; readonly recheck: readonly string[] } | undefined {
  if (!elected) return undefined
  const leads = `${address}: HAProxy ${check.target} leads to ${elected.name} by now`
  if (outcome === 'not let in' && hasPooler && hasProblem(path, ['pooler_refused', 'no_answer'])) {
    const text = `${leads}, and PgBouncer has yet to try that (server_connect_timeout and server_login_retry, 15 s each by default)`
    return { reason: writePathReason('write_path_check_lag', text), recheck: [] }
  }
  if (outcome !== 'committed' && lookedAt(path) <= rightAt) {
    const text = `${leads}; whether it lets in again is tried in this moment`
    return { reason: writePathReason('write_path_check_lag', text), recheck: [path.id] }
  }
  if (outcome !== 'committed' || (path.config as WritePathTarget).pooled !== true) return undefined
  const unseen = nodes.filter(node => node.facts?.in_recovery && node.facts.sessions && lookedAt(node.check) < rightAt)
  if (unseen.length === 0) return undefined
  const names = unseen.map(({ name }) => name).join(', ')
  const text = `${leads}; whether the pool of the application keeps sessions on ${names} is looked at in this moment`
  return { reason: writePathReason('write_path_check_lag', text), recheck: unseen.map(node => node.check.id) }
}

/**
 * The views that would explain why a path fails, and that are older than its run: HAProxy, and the node that it should lead
 * to. They are to be looked at again at once. Then they are newer, so each run has that once.
 */
export function olderViews(path: CheckStatus, { check }: Balancer, { elected }: Home): readonly string[] {
  const began = lookedAt(path)
  const older = [check, ...(elected ? [elected.check] : [])].filter(view => !view.stale && endOf(view) < began)
  return older.map(({ id }) => id)
}

/** When the last look ended, in milliseconds since the epoch. */
export const endOf = ({ observation }: CheckStatus): number => observation?.finishedAt ?? Infinity

const isUp = ({ server }: ProxyServer): boolean => server.status === 'UP'

/**
 * The servers that HAProxy gives new sessions to, or gave one (`on`). A backup gets none while another server takes them; of
 * several backups the first one gets all. If it is not known which are backups, a server that leads right may be the only one.
 */
function takersOf(servers: readonly ProxyServer[], home: Home, on: readonly Node[]): readonly ProxyServer[] {
  const open = servers.filter(one => isUp(one) && one.server.weight !== 0)
  const active = open.filter(({ server }) => server.backup === false)
  const isUnsure = active.length === 0 && open.some(({ server }) => server.backup === undefined)
  const taking = active.length > 0 ? active : isUnsure ? open : open.slice(0, 1)
  const sure = isUnsure && taking.some(one => leadsRight(one, home)) ? [] : taking
  return servers.filter(one => sure.includes(one) || (isUp(one) && isOn(one, on)))
}

const isOn = ({ node }: ProxyServer, on: readonly Node[]): boolean => node !== undefined && on.includes(node)

/** Whether a server of HAProxy leads to a node that takes writes, or may. */
function leadsRight({ server, node }: ProxyServer, { lockHolder, primary }: Home): boolean {
  if (!node) return true
  // Its promotion may be under way.
  if (lockHolder === node) return true
  if (isDown(node.check)) return false
  if (!node.facts) return true
  // Without another primary it is right, though the look at Patroni may be older.
  if (lockHolder) return node === primary
  // It may have been promoted since, and then taken in. HAProxy counts whole seconds.
  const lookedAt = node.check.observation?.finishedAt ?? 0
  return !node.facts.in_recovery || lookedAt + 1_000 < (server.lastChangeAt ?? 0)
}

/** `UP, L7OK 200`, or `DOWN, L7STS 503: not the leader by the last check` */
function inWords({ server: { status, checkStatus, checkCode } }: ProxyServer, home: Home): string {
  const check = [checkStatus, checkCode].filter(part => part !== undefined).join(' ')
  return `${[status ?? '?', check].filter(Boolean).join(', ')}${meaning(checkStatus, checkCode, home)}`
}

function whatIs({ node }: ProxyServer, { lockHolder }: Home): string {
  if (!node?.facts) return 'which does not answer'
  return node.facts.in_recovery || !lockHolder ? 'a standby' : `which does not hold the leader lock of Patroni`
}

/** What the last result of a health check means. https://docs.haproxy.org/2.6/management.html#9.1 (check_status) */
function meaning(status: ProxyServer['server']['checkStatus'], code: number | undefined, { hasPatroni }: Home): string {
  const asked = hasPatroni ? 'Patroni' : 'what the check asks'
  if (status === 'L4CON' || status === 'L4TOUT') return `: ${asked} takes no connection`
  if (status === 'L7TOUT' || status === 'L6TOUT') return `: ${asked} does not answer in time`
  return status === 'L7STS' && code === 503 ? ': not the leader by the last check' : ''
}

interface Lag {
  readonly shut: ProxyServer | undefined
  readonly misled: readonly ProxyServer[]
  readonly home: Home
  readonly where: string
  readonly proxy: string
  readonly lasts: boolean
}

/** Undefined where waiting is all there is to do. */
function remedyFor({ shut, misled, home, where, proxy, lasts }: Lag): string | undefined {
  const { checkStatus } = shut?.server ?? {}
  const name = shut?.node?.name ?? ''
  if (shut && home.hasPatroni && !home.lockHolder)
    return `HAProxy takes ${name} in once it holds the leader lock of Patroni, and by now no member holds it: see patronictl list, and the log of Patroni on ${name}.`
  if (home.hasPatroni && (checkStatus === 'L4CON' || checkStatus === 'L4TOUT'))
    return `HAProxy asks the Patroni of ${name} who the leader is. ${startAgain(name)}`
  if (!lasts) return undefined
  if (misled.length > 0)
    return `It has lasted for more than a minute, so the health check of ${proxy} in ${where} does not ask for the role. With Patroni: option httpchk GET /primary, http-check expect status 200, and on each server \`check port 8008\`. Else a check that asks pg_is_in_recovery().`
  return `It has lasted for more than a minute, so the health check of ${proxy} in ${where} fails for another reason: see what it asks (path, port, TLS), and ask the same of ${name} by hand.`
}
