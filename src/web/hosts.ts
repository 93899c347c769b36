import { hostname } from 'node:os'
import { isIP } from 'node:net'
import type { IncomingHttpHeaders } from 'node:http'

/**
 * Whether to answer a request by its `Host`. A hostile page can point its own name to the exporter, and then read the
 * answers through the browser of someone who can reach it (DNS rebinding). So a browser must ask by an IP address, by a
 * name that public DNS does not have, or by an allowed name. Other clients may use any name: a page cannot leave out the
 * headers that show a browser.
 */
export function isAllowedHost(headers: IncomingHttpHeaders, allowed: readonly string[]): boolean {
  if (!isOfBrowser(headers)) return true
  const name = nameIn(headers.host ?? '')
  return isIP(name) !== 0 || isPrivate(name) || [hostname(), ...allowed].some(one => one.toLowerCase() === name)
}

/** Browsers set these themselves. A script can change Accept-Language, and cannot leave it out. */
const isOfBrowser = (headers: IncomingHttpHeaders): boolean =>
  ['accept-language', 'sec-fetch-site', 'origin', 'referer'].some(name => name in headers) ||
  /^Mozilla\//.test(headers['user-agent'] ?? '')

/** Without the port, the brackets of IPv6 and the last dot. */
const nameIn = (host: string): string =>
  host
    .toLowerCase()
    .replace(/:\d*$/, '')
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '')

/**
 * A name without a dot, or in a domain that public DNS never has: RFC 6761, RFC 6762, RFC 8375, RFC 9476, and for
 * `internal`
 * https://www.icann.org/en/board-activities-and-meetings/materials/approved-resolutions-special-meeting-of-the-icann-board-29-07-2024-en
 * Kubernetes uses `svc` and `cluster.local`.
 */
const isPrivate = (name: string): boolean =>
  name !== '' && (!name.includes('.') || /\.(?:localhost|local|internal|home\.arpa|test|svc)$/.test(name))
