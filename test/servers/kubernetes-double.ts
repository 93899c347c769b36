import http from 'node:http'
import https from 'node:https'
import type { TLSSocket } from 'node:tls'
import type { Certificate } from './certificates.ts'
import { type At, extend, listen, type Listening } from './hostile.ts'

export interface KubernetesOptions extends At {
  tls?: Certificate
  /** A certificate of this authority logs in as well as the token. */
  clientCa?: string
  token: string
  /** Clear text by key, by `namespace/name`. */
  secrets?: Record<string, Record<string, string>>
}

/** What tests turn while the double runs. */
export interface KubernetesKnobs {
  token: string
  /** A secret whose content was changed, in place or not, has another resourceVersion at the next read. */
  secrets: Record<string, Record<string, string>>
  /** The same as base64, for bytes that are no text; beside `secrets`, and over them. */
  encoded: Record<string, Record<string, string>>
  /** RBAC gives the token no right to read secrets. */
  forbid: boolean
  /** Answers nothing, or what a load balancer answers with no API server behind it; undefined ends it. */
  misbehaviour: 'silent' | 'html' | undefined
  /** Every request received. */
  readonly requests: { method: string; path: string; token: boolean }[]
  /** Milliseconds until it answers. */
  delayMs: number
}

type Answer = [status: number, body: object]

interface Known {
  content: string
  resourceVersion: number
}

/**
 * A DOUBLE of the Kubernetes API server for one request, GET /api/v1/namespaces/{namespace}/secrets/{name}: a Secret,
 * or a Status (meta/v1) with 401, 403 or 404. Written from the API conventions, never compared with a cluster.
 */
export async function startKubernetesDouble(options: KubernetesOptions): Promise<KubernetesKnobs & Listening> {
  const api: KubernetesKnobs = {
    token: options.token,
    secrets: options.secrets ?? {},
    encoded: {},
    forbid: false,
    misbehaviour: undefined,
    requests: [],
    delayMs: 0,
  }
  const known = new Map<string, Known>()
  const handler: http.RequestListener = (request, response) => {
    if (api.delayMs === 0) respond(api, known, request, response)
    else setTimeout(() => respond(api, known, request, response), api.delayMs)
  }
  const { tls, clientCa } = options
  const asks = clientCa !== undefined && { requestCert: true, rejectUnauthorized: false, ca: clientCa }
  const server = tls
    ? https.createServer({ cert: tls.cert, key: tls.key, ...asks }, handler)
    : http.createServer(handler)
  return extend(api, await listen(server, options))
}

function respond(
  api: KubernetesKnobs,
  known: Map<string, Known>,
  request: http.IncomingMessage,
  response: http.ServerResponse,
): void {
  const { method = '', url = '/', headers } = request
  const { pathname } = new URL(url, 'http://kubernetes')
  const token = headers.authorization?.replace(/^Bearer /i, '')
  api.requests.push({ method, path: pathname, token: token !== undefined })
  request.resume()
  if (api.misbehaviour === 'silent') return
  if (api.misbehaviour === 'html') {
    response.writeHead(503, { 'Content-Type': 'text/html' })
    response.end('<html><body><h1>503 Service Unavailable</h1>No server is available.</body></html>\n')
    return
  }
  const [, namespace, name] = /^\/api\/v1\/namespaces\/([^/]+)\/secrets\/([^/]+)$/.exec(pathname) ?? []
  if (method !== 'GET' || namespace === undefined || name === undefined) {
    response.writeHead(404, { 'Content-Type': 'text/plain; charset=utf-8' })
    response.end('404 page not found\n')
    return
  }
  const { authorized = false } = request.socket as Partial<TLSSocket>
  const [code, body] = getSecret(api, known, namespace, name, authorized ? api.token : token)
  response.writeHead(code, { 'Content-Type': 'application/json' })
  response.end(JSON.stringify(body))
}

/** Authentication, then authorization, then existence, as the API server has it: no token is an anonymous user, not a 401. */
function getSecret(
  api: KubernetesKnobs,
  known: Map<string, Known>,
  namespace: string,
  name: string,
  token: string | undefined,
): Answer {
  if (token !== undefined && token !== api.token) return failure(401, 'Unauthorized', 'Unauthorized')
  if (token === undefined || api.forbid) {
    const user = token === undefined ? 'system:anonymous' : 'system:serviceaccount:monitoring:mailpath-exporter'
    const why = `User "${user}" cannot get resource "secrets" in API group "" in the namespace "${namespace}"`
    return failure(403, 'Forbidden', `secrets "${name}" is forbidden: ${why}`, name)
  }
  const secret = api.secrets[`${namespace}/${name}`]
  if (!secret) return failure(404, 'NotFound', `secrets "${name}" not found`, name)
  const at = `${namespace}/${name}`
  const data = { ...inBase64(secret), ...api.encoded[at] }
  return [200, secretObject(namespace, name, data, resourceVersion(known, at, data))]
}

const inBase64 = (secret: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(secret).map(([key, value]) => [key, Buffer.from(value).toString('base64')]))

function secretObject(namespace: string, name: string, data: Record<string, string>, resourceVersion: number): object {
  return {
    kind: 'Secret',
    apiVersion: 'v1',
    metadata: {
      name,
      namespace,
      uid: '5b0c6a1e-2f4d-4c8a-9d3b-1e7f0a6c2b94',
      resourceVersion: String(resourceVersion),
      creationTimestamp: '2026-01-05T09:12:44Z',
    },
    data,
    type: 'Opaque',
  }
}

function resourceVersion(known: Map<string, Known>, key: string, secret: Record<string, string>): number {
  const content = JSON.stringify(secret)
  const before = known.get(key)
  if (before?.content === content) return before.resourceVersion
  const next = (before?.resourceVersion ?? 48_211) + 1
  known.set(key, { content, resourceVersion: next })
  return next
}

function failure(code: number, reason: string, message: string, name?: string): Answer {
  const details = name === undefined ? {} : { details: { name, kind: 'secrets' } }
  return [
    code,
    { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, ...details, code },
  ]
}
