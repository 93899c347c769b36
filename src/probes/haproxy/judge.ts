import { endSeconds, endsSoonIn } from '../../clients/certificates.ts'
import { remedyForHost } from '../../clients/socket.ts'
import { gauge, sample, stateSet } from '../../core/metric.ts'
import { finding } from '../../core/probe.ts'
import type { HaproxySeen } from './observe.ts'
import { reason, type Reason } from './reasons.ts'
import { serverStatuses, type HaproxyServer } from './statistics.ts'
import type { HaproxyTarget } from './target.ts'

const labels = ['target', 'proxy', 'server'] as const
export const metrics = {
  reachable: gauge('mailpath_haproxy_reachable', 'Whether HAProxy answered for its statistics.', ['target']),
  serverStatus: gauge('mailpath_haproxy_server_status', 'The status of a server, as a state set.', [
    ...labels,
    'status',
  ]),
  checkStatus: gauge(
    'mailpath_haproxy_check_status_info',
    'The result of the last health check of a server: always 1.',
    [...labels, 'check_status'],
  ),
  sessions: gauge('mailpath_haproxy_server_sessions', 'Sessions open at a server.', labels),
  lastChange: gauge(
    'mailpath_haproxy_server_last_change_timestamp_seconds',
    'When a server last went up or down.',
    labels,
  ),
  notAfter: gauge(
    'mailpath_haproxy_certificate_not_after_timestamp_seconds',
    'When the first certificate of its chain expires, whether it is verified or not; absent without TLS.',
    ['target'],
  ),
}

/** A HAProxy may have thousands of servers. The others have no series. */
const mostServers = 200
/** Servers that the evidence names. */
const mostNamed = 12

export function judge(seen: HaproxySeen, target: HaproxyTarget) {
  return finding(evidence(seen), problemsOf(seen, target), samples(seen, target), seen.certificates?.chain.leaf)
}

function problemsOf(seen: HaproxySeen, target: HaproxyTarget): Reason[] {
  const { address, servers, status, failure } = seen
  if (failure) return [reason(whyNot(failure, address), failure.text, remedyForHost(failure))]
  if (status === 401 || status === 403)
    return [reason('haproxy_login_refused', `${address}: HTTP ${status} from the statistics`)]
  const ends = endsSoonIn(seen.certificates, target.certificate_warning)
  return [
    ...(servers ? [] : [reason('haproxy_not_haproxy', `${address}: ${whatInstead(status)}`)]),
    ...(ends === undefined ? [] : [reason('haproxy_certificate_expires_soon', `${address}: ${ends}`)]),
  ]
}

function whyNot({ timedOut, tls, code }: NonNullable<HaproxySeen['failure']>, address: string): Reason['code'] {
  if (timedOut) return 'haproxy_no_answer'
  if (tls) return 'haproxy_tls_failed'
  // Of a Unix socket: its owner and its mode. Of TCP it is a firewall of this host.
  return code === 'EACCES' && address.startsWith('/') ? 'haproxy_login_refused' : 'haproxy_unreachable'
}

function whatInstead(status: number | undefined): string {
  if (status === undefined) return 'its answer to `show stat` is not one of HAProxy'
  if (status === 200) return 'its answer has neither `haproxy_server_status{…,state=…}` nor the CSV of HAProxy'
  return `HTTP ${status}${status >= 300 && status < 400 ? ', a redirect, which is not followed' : ''}`
}

function evidence({ address, servers = [] }: HaproxySeen): string {
  const named = servers.slice(0, mostNamed)
  const proxies = [...new Set(named.map(({ proxy }) => proxy))].map(proxy => {
    const own = named.filter(one => one.proxy === proxy)
    return `${proxy}: ${own.map(inWords).join(', ')}`
  })
  const more = servers.length - named.length
  return [
    `${address}: ${proxies.join('; ') || 'no servers'}`,
    ...(more > 0 ? [` and ${more} more`] : []),
    ...(servers.length > mostServers ? [`; only the first ${mostServers} have metrics`] : []),
  ].join('')
}

/** A server as in `n1 UP (L7OK 200)`. */
function inWords({ server, status, changing, checkStatus, checkCode }: HaproxyServer): string {
  const step = changing ? ` ${changing.at}/${changing.of}` : ''
  const check = checkCode === undefined ? checkStatus : `${checkStatus ?? ''} ${checkCode}`
  return `${server} ${status ?? 'in an unknown state'}${step}${check === undefined ? '' : ` (${check})`}`
}

function samples({ servers, failure, status, certificates }: HaproxySeen, { name: target }: HaproxyTarget) {
  const reachable = failure ? false : servers !== undefined || status !== undefined
  return [
    ...sample(metrics.reachable, reachable, { target }),
    ...sample(metrics.notAfter, endSeconds(certificates), { target }),
    ...(servers ?? []).slice(0, mostServers).flatMap(one => ofServer(one, target)),
  ]
}

function ofServer({ proxy, server, status, checkStatus, sessions, lastChangeAt }: HaproxyServer, target: string) {
  const at = { target, proxy, server }
  return [
    ...stateSet(metrics.serverStatus, 'status', serverStatuses, status, at),
    ...(checkStatus === undefined ? [] : sample(metrics.checkStatus, 1, { ...at, check_status: checkStatus })),
    ...sample(metrics.sessions, sessions, at),
    ...sample(metrics.lastChange, lastChangeAt === undefined ? undefined : lastChangeAt / 1000, at),
  ]
}
