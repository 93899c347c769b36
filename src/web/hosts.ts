import { hostname } from 'node:os'
import { isIP } from 'node:net'
import type { IncomingHttpHeaders } from 'node:http'

/**
 * Whether to answer a request by its Host. A page of somebody else can let its own name lead to the exporter, and read it
 * from the browser of someone who may reach it (DNS rebinding). So what comes from a browser has to ask by an address, by
 * a name that public DNS does not have, or by one that is allowed. What machines send is answered under every name: no page
 * can ask without a header by which a browser is known.
 */
export function isForUs(headers: IncomingHttpHeaders, allowed: readonly string[]): boolean {
  if (!isOfBrowser(headers)) return true
  const name = nameIn(headers.host ?? '')
  return isIP(name) !== 0 || isPrivate(name) || [hostname(), ...allowed].some(one => one.toLowerCase() === name)
}

/** Browsers set these themselves; Accept-Language cannot be left out by a script, only changed. */
const isOfBrowser = (headers: IncomingHttpHeaders): boolean =>
  ['accept-language', 'sec-fetch-site', 'origin', 'referer'].some(name => name in headers) ||
  /^Mozilla\//.test(headers['user-agent'] ?? '')

/** Without the port, the brackets of IPv6 and the dot at the end. */
const nameIn = (host: string): string =>
  host
    .toLowerCase()
    .replace(/:\d*$/, '')
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '')

/**
 * A name of one label, or below a domain that is never delegated: RFC 6761, RFC 6762, RFC 8375, RFC 9476 and
 * https://www.icann.org/en/board-activities-and-meetings/materials/approved-resolutions-special-meeting-of-the-icann-board-29-07-2024-en
 * (`internal`); `svc` and `cluster.local` are of Kubernetes.
 */
const isPrivate = (name: string): boolean =>
  name !== '' && (!name.includes('.') || /\.(?:localhost|local|internal|home\.arpa|test|svc)$/.test(name))
