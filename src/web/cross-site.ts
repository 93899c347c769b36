import type { IncomingMessage } from 'node:http'
import { isHttp2 } from './http2.ts'

/** They change nothing, and any page may have a browser send them. */
const safe = ['GET', 'HEAD', 'OPTIONS']

/**
 * Whether a browser sends a request that changes something for a page of another site. A browser says so in
 * `Sec-Fetch-Site`, which no page can set, or, where it is older than 2023, by an `Origin` that is not the `Host`; before
 * 2020 some sent only a `Referer` with a form. What has none of them is no browser. As `http.CrossOriginProtection` of Go
 * 1.25 does it, but for `Referer`; it also explains why no token is needed.
 * https://pkg.go.dev/net/http#CrossOriginProtection
 */
export function isCrossSite(request: IncomingMessage): boolean {
  if (safe.includes(request.method ?? '')) return false
  const site = request.headers['sec-fetch-site']
  // Node joins what is sent twice, and then it is neither of these.
  if (site !== undefined && site !== '') return site !== 'same-origin' && site !== 'none'
  const origin = request.headers.origin ?? request.headers.referer
  if (origin === undefined || origin === '') return false
  const host = isHttp2(request) ? request.authority : request.headers.host
  return !URL.canParse(origin) || !isOf(new URL(origin), host)
}

/** The port that goes without saying is left out of an origin, and perhaps not of a `Host`. */
function isOf({ protocol, host: wanted }: URL, host = ''): boolean {
  const url = `${protocol}//${host}/`
  return wanted !== '' && URL.canParse(url) && new URL(url).host === wanted
}
