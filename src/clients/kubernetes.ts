import { httpRequest, type HttpResponse } from './http.ts'
import type { ReadFile } from './files.ts'

export interface KubernetesApi {
  readonly url: string
  readonly token: string
  /** PEM certificates to trust instead of the system's. */
  readonly ca: string | undefined
}

/** Where a pod finds the token and the CA certificate of its service account. */
export const serviceAccount = '/var/run/secrets/kubernetes.io/serviceaccount'

/** The address of the API server for a pod, from its environment; undefined outside of a cluster. */
export function inClusterUrl(env: Readonly<Record<string, string | undefined>>): string | undefined {
  const host = env['KUBERNETES_SERVICE_HOST']
  if (!host) return undefined
  return `https://${host.includes(':') ? `[${host}]` : host}:${env['KUBERNETES_SERVICE_PORT'] ?? '443'}`
}

/** The service account's token. It is rotated, so it is read anew each time. */
export async function serviceAccountToken(
  read: ReadFile,
  signal: AbortSignal,
  folder = serviceAccount,
): Promise<string> {
  return (await read(`${folder}/token`, signal)).trim()
}

/**
 * The values of a Secret by key, decoded (GET /api/v1/namespaces/{namespace}/secrets/{name}).
 * Throws HttpFailure where no answer came, else an Error that says in one line what to do about it.
 */
export async function readKubernetesSecret(
  { url, token, ca }: KubernetesApi,
  { namespace, secret }: { readonly namespace: string; readonly secret: string },
  signal: AbortSignal,
): Promise<Readonly<Record<string, string>>> {
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/secrets/${encodeURIComponent(secret)}`
  const headers = { Authorization: `Bearer ${token}`, Accept: 'application/json' }
  const response = await httpRequest({ method: 'GET', url: url.replace(/\/+$/, '') + path, headers, ca, signal })
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
      return '401 unauthorized: the token is not valid, or no longer'
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
