import type { TakeNote } from '../core/transcript.ts'
import { httpRequest, type HttpResponse } from './http.ts'

/** An API server, and a token or a client certificate to log in with. */
export interface KubernetesApi {
  readonly url: string
  readonly token?: string | undefined
  /** PEM certificates to trust instead of the system's. */
  readonly ca?: string | undefined
  /** PEM certificate and private key of the client. */
  readonly cert?: string | undefined
  readonly key?: string | undefined
  /** The name the certificate of the server must have, where it is not that of the URL. */
  readonly servername?: string | undefined
}

/** Where a pod finds the token, the CA certificate and the namespace of its service account. */
export const serviceAccount = '/var/run/secrets/kubernetes.io/serviceaccount'

/** The address of the API server for a pod, from its environment; undefined outside of a cluster. */
export function inClusterUrl(env: Readonly<Record<string, string | undefined>>): string | undefined {
  const host = env['KUBERNETES_SERVICE_HOST']
  if (!host) return undefined
  return `https://${host.includes(':') ? `[${host}]` : host}:${env['KUBERNETES_SERVICE_PORT'] ?? '443'}`
}

/**
 * The values of a Secret by key, decoded (GET /api/v1/namespaces/{namespace}/secrets/{name}).
 * Throws HttpFailure where no answer came, else an Error that says in one line what to do about it.
 */
export async function readKubernetesSecret(
  { url, token, ...tls }: KubernetesApi,
  { namespace, secret }: { readonly namespace: string; readonly secret: string },
  { signal, note }: { readonly signal: AbortSignal; readonly note?: TakeNote | undefined },
): Promise<Readonly<Record<string, string>>> {
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/secrets/${encodeURIComponent(secret)}`
  const headers = { Accept: 'application/json', ...(token !== undefined && { Authorization: `Bearer ${token}` }) }
  const response = await httpRequest({
    method: 'GET',
    url: url.replace(/\/+$/, '') + path,
    headers,
    ...tls,
    signal,
    note,
  })
  const object = parsed(response.body)
  if (response.status !== 200 || object.kind !== 'Secret') throw new Error(problem(response, object))
  const { data = null } = object
  const entries = typeof data === 'object' && data !== null ? Object.entries(data) : []
  return Object.fromEntries(
    entries.flatMap(([key, value]) => (isBase64(value) ? [[key, Buffer.from(value, 'base64').toString('utf8')]] : [])),
  )
}

/** Anything else is no value: decoded all the same it would be a password out of nothing. */
const isBase64 = (value: unknown): value is string =>
  typeof value === 'string' && value.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(value)

/** A Secret, a Status, or neither. */
interface KubernetesObject {
  readonly kind?: unknown
  readonly data?: unknown
}

function problem({ status }: HttpResponse, { kind }: KubernetesObject): string {
  // A load balancer says 403 and 404 as well, of something else.
  if (kind !== 'Status') return `HTTP ${status}, not an answer of a Kubernetes API server`
  switch (status) {
    case 401:
      return '401 unauthorized: the token or client certificate is not valid, or no longer'
    case 403:
      return '403 forbidden: grant get on this Secret'
    case 404:
      return '404 not found: there is no such Secret in this namespace'
    default:
      return `the API server answered ${status}`
  }
}

function parsed(body: string): KubernetesObject {
  try {
    const value: unknown = JSON.parse(body)
    return typeof value === 'object' && value !== null ? value : {}
  } catch {
    return {}
  }
}
