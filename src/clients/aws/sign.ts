import { createHash, createHmac } from 'node:crypto'

/** Keys as AWS gives them out. */
export interface AwsKeys {
  readonly accessKey: string
  readonly secretKey: string
  /** Of temporary keys. */
  readonly sessionToken?: string | undefined
}

export interface Signable {
  readonly method: string
  readonly url: string
  /** All of them are signed. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly body?: string | undefined
}

/** What a signature is good for. `at`: milliseconds since the epoch. AWS takes it for some minutes. */
export interface Scope {
  readonly region: string
  readonly service: string
  readonly at: number
}

/**
 * The headers of a request with its signature: Signature Version 4.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
export function signed(
  { method, url, headers, body = '' }: Signable,
  { accessKey, secretKey, sessionToken }: AwsKeys,
  { region, service, at }: Scope,
): Readonly<Record<string, string>> {
  const { host, pathname, searchParams } = new URL(url)
  const time = new Date(at).toISOString().replace(/[-:]|\.\d+/g, '')
  const scope = [time.slice(0, 8), region, service, 'aws4_request']
  const sent: Record<string, string> = { ...headers, Host: host, 'X-Amz-Date': time }
  if (sessionToken !== undefined) sent['X-Amz-Security-Token'] = sessionToken
  const lines = Object.entries(sent)
    .map(([name, value]) => [name.toLowerCase(), value.trim().replace(/\s+/g, ' ')] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1))
  const names = lines.map(([name]) => name).join(';')
  const headerLines = lines.map(([name, value]) => `${name}:${value}\n`).join('')
  const request = [method, canonicalPath(pathname), canonicalQuery(searchParams), headerLines, names, sha256(body)]
  const toSign = ['AWS4-HMAC-SHA256', time, scope.join('/'), sha256(request.join('\n'))].join('\n')
  const signature = hmacChain(`AWS4${secretKey}`, [...scope, toSign]).toString('hex')
  const authorization = `AWS4-HMAC-SHA256 Credential=${accessKey}/${scope.join('/')}, SignedHeaders=${names}, Signature=${signature}`
  return { ...sent, Authorization: authorization }
}

/** Each text is signed with the signature of the one before it. The first is signed with `secret`. */
export const hmacChain = (secret: string, texts: readonly string[]): Buffer =>
  texts.reduce((key, text) => createHmac('sha256', key).update(text).digest(), Buffer.from(secret))

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

/** RFC 3986: all but letters, digits and `-._~` is escaped. `encodeURIComponent` leaves some more. */
export const escaped = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, sign => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)

/** The path as it is sent, escaped once more, as for all services but S3. `new URL` has resolved `.` and `..`. */
function canonicalPath(path: string): string {
  const segments = path.split('/').filter(segment => segment !== '')
  const end = path.endsWith('/') && segments.length > 0 ? '/' : ''
  return `/${segments.map(escaped).join('/')}${end}`
}

const canonicalQuery = (query: URLSearchParams): string =>
  [...query]
    .map(pair => pair.map(escaped))
    .sort(([a = '', x = ''], [b = '', y = '']) => (a === b ? compare(x, y) : compare(a, b)))
    .map(pair => pair.join('='))
    .join('&')

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
