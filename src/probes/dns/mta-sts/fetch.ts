import type { LookupFunction } from 'node:net'
import { isIP } from 'node:net'
import { httpRequest, HttpFailure, type HttpResponse } from '../../../clients/http.ts'
import { deadline } from '../../../core/deadline.ts'
import { describeError } from '../../../core/errors.ts'
import type { Look } from '../../../core/probe.ts'

/** What came of fetching a policy. `problem` and `text` of what was not read are one line, with the address in front. */
type Fetched =
  | { readonly kind: 'policy'; readonly text: string }
  | { readonly kind: 'problem'; readonly problem: string }
  | { readonly kind: 'unread'; readonly text: string }

export interface FetchOptions extends Pick<Look, 'signal' | 'timeoutMs' | 'note' | 'failed'> {
  /** PEM certificates to trust instead of those of the system. */
  readonly ca?: string | undefined
}

/** RFC 8461, 3.3 suggests this limit. */
const mostBytes = 65_536
const mostAddresses = 4
/** A server that is silent must not use up the time of all that is asked of DNS: a third of it. */
const share = 3

/** Errors of the way to the server. They say nothing of the policy, and may be a firewall before the exporter. */
const ofTheWay = /^E(?:CONN|HOST|NET|TIMEDOUT|PIPE|ADDR|ACCES|PERM|MFILE|NFILE|NOBUFS)/

/**
 * Fetches the policy of a domain (RFC 8461, 3.3): from `mta-sts` below it, at these addresses, and no redirect is followed. DNS decides
 * where this leads, possibly into the own network: so the certificate has to be right before a byte is asked for, and what is asked
 * for holds nothing secret.
 */
export async function fetchPolicy(
  host: string,
  addresses: readonly string[],
  { signal, timeoutMs, note, failed, ca }: FetchOptions,
): Promise<Fetched> {
  const limit = deadline(timeoutMs / share, signal)
  try {
    const url = `https://${host}/.well-known/mta-sts.txt`
    const lookup = leadingTo(addresses.slice(0, mostAddresses))
    const request = { method: 'GET', url, lookup, ca, maxBodyBytes: mostBytes, signal: limit.signal, note }
    return policyIn(host, await httpRequest(request))
  } catch (error) {
    signal.throwIfAborted()
    const text = describeError(error)
    if (!(error instanceof HttpFailure)) throw error
    if (error.want) failed(error, text)
    const isUnread = limit.signal.aborted || error.want !== undefined || ofTheWay.test(error.code ?? '')
    return isUnread ? { kind: 'unread', text } : { kind: 'problem', problem: text }
  } finally {
    limit.clear()
  }
}

/** Names are looked up at the name servers of the target, which is done by now. */
const leadingTo =
  (addresses: readonly string[]): LookupFunction =>
  (_host, { all }, done) => {
    const found = addresses.map(address => ({ address, family: isIP(address) }))
    const [first] = found
    if (all === true) done(null, found)
    else done(null, first?.address ?? '', first?.family)
  }

function policyIn(host: string, { status, headers, body }: HttpResponse): Fetched {
  const at = `https://${host}/.well-known/mta-sts.txt`
  // A server that is in trouble may give the policy a minute later, and senders ask again as well.
  if (status >= 500 || status === 429) return { kind: 'unread', text: `${at} answers HTTP ${status}` }
  if (status >= 300 && status < 400)
    return { kind: 'problem', problem: `${at} redirects (HTTP ${status}), which senders do not follow` }
  if (status !== 200) return { kind: 'problem', problem: `${at} answers HTTP ${status}` }
  const type = /^[^;]*/
    .exec(headers['content-type'] ?? '')?.[0]
    .trim()
    .toLowerCase()
  if (type !== 'text/plain') return { kind: 'problem', problem: `${at} is not sent as text/plain` }
  return { kind: 'policy', text: body }
}
