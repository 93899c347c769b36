import type { Shown } from '../../clients/certificates.ts'
import type { Failure } from '../../core/errors.ts'
import type { Look } from '../../core/probe.ts'
import type { HaproxyTarget } from './target.ts'

/** https://docs.haproxy.org/2.6/management.html#9.1 (status) */
export const serverStatuses = ['UP', 'DOWN', 'MAINT', 'DRAIN', 'NOLB'] as const
export type ServerStatus = (typeof serverStatuses)[number]

/** Results of a health check. https://docs.haproxy.org/2.6/management.html#9.1 (check_status) */
export const checkStatuses = [
  'UNK',
  'INI',
  'SOCKERR',
  'L4OK',
  'L4TOUT',
  'L4CON',
  'L6OK',
  'L6TOUT',
  'L6RSP',
  'L7OK',
  'L7OKC',
  'L7TOUT',
  'L7RSP',
  'L7STS',
  'PROCERR',
  'PROCTOUT',
  'PROCOK',
] as const
export type CheckStatus = (typeof checkStatuses)[number]

/** A server of a backend. */
export interface HaproxyServer {
  readonly proxy: string
  readonly server: string
  /** Undefined for a word that is not known, or `no check`. */
  readonly status: ServerStatus | undefined
  readonly checkStatus: CheckStatus | undefined
  /** Of the last check: the HTTP status, or the exit code. */
  readonly checkCode: number | undefined
  readonly sessions: number | undefined
  /** When it last went up or down, in milliseconds since the epoch. */
  readonly lastChangeAt: number | undefined
  /** `address` and `port`, where HAProxy says them. */
  readonly address: string | undefined
  readonly port: number | undefined
}

export interface HaproxySeen {
  /** `host:port`, or the path of the socket. */
  readonly address: string
  /** Undefined if it gave no answer, or not one of HAProxy. */
  readonly servers?: readonly HaproxyServer[] | undefined
  /** The names of all proxies with servers or listeners. */
  readonly proxies?: readonly string[] | undefined
  /** HTTP status, if there was one. */
  readonly status?: number | undefined
  readonly certificates?: Shown | undefined
  readonly failure?: (Failure & { readonly tls: boolean }) | undefined
}

/** One request: the statistics over HTTP, or one line of commands on the socket. */
export async function observe(target: HaproxyTarget, look: Look): Promise<HaproxySeen> {
  await look.phase('request', () => undefined)
  return { address: target.url ?? target.socket ?? '' }
}
