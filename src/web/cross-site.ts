import type { IncomingMessage } from 'node:http'
import { isHttp2 } from './http2.ts'

/** These change nothing, and any page may have a browser send them. */
const safe = ['GET', 'HEAD', 'OPTIONS']

/**
 * Whether a page of another site had a browser send a request that changes something. Browsers say so in `Sec-Fetch-Site`,
 * which no page can set. Before 2023 they sent an `Origin` that differs from the `Host`; before 2020 some sent only a
 * `Referer` with a form. A request with none of these is not from a browser. `http.CrossOriginProtection` of Go 1.25 does
 * the same, except for `Referer`. It also explains why no token is needed.
 * https://pkg.go.dev/net/http#CrossOriginProtection
 */
export function isCrossSite(request: IncomingMessage): boolean {
  if (safe.includes(request.method ?? '')) return false
  const site = request.headers['sec-fetch-site']
  // Node joins a header that is sent twice. The result is neither of these.
  if (site !== undefined && site !== '') return site !== 'same-origin' && site !== 'none'
  const origin = request.headers.origin ?? request.headers.referer
  if (origin === undefined || origin === '') return false
  const host = isHttp2(request) ? request.authority : request.headers.host
  return !URL.canParse(origin) || !isOf(new URL(origin), host)
}

/** An origin leaves out the default port of its protocol. A `Host` may have it. */
function isOf({ protocol, host: wanted }: URL, host = ''): boolean {
  const url = `${protocol}//${host}/`
  return wanted !== '' && URL.canParse(url) && new URL(url).host === wanted
}
