import { oneLine } from '../core/errors.ts'
import { ellipsis } from '../core/shown.ts'
import type { TakeNote } from '../core/transcript.ts'
import { httpRequest, type HttpResponse } from './http.ts'

/** An API server, and the token or client certificate to log in with. */
export interface KubernetesApi {
  readonly url: string
  readonly token?: string | undefined
  /** PEM certificates to trust instead of those of the system. */
  readonly ca?: string | undefined
  /** PEM certificate and private key of the client. */
  readonly cert?: string | undefined
  readonly key?: string | undefined
  /** The name that the certificate of the server must have. Default: the host of the URL. */
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

/** What an API server answers to a request for a Secret. */
type KubernetesRead = { readonly kind: 'ok'; readonly values: Readonly<Record<string, string>> } | KubernetesRefusal

/** Why the answer has no Secret. `text` is one line that says what to do. */
interface KubernetesRefusal {
  readonly kind: 'unauthorized' | 'forbidden' | 'missing' | 'throttled' | 'failed' | 'not_kubernetes'
  readonly text: string
}

/**
 * A Secret has up to 1 MiB of values, and base64 makes them a third longer. Annotations and managed fields come on top.
 */
const maxBodyBytes = 2.5 * 1_048_576

/**
 * The values of a Secret by key, decoded (GET /api/v1/namespaces/{namespace}/secrets/{name}). Throws HttpFailure if no
 * answer came.
 */
export async function readKubernetesSecret(
  { url, token, ...tls }: KubernetesApi,
  { namespace, secret }: { readonly namespace: string; readonly secret: string },
  { signal, note }: { readonly signal: AbortSignal; readonly note?: TakeNote | undefined },
): Promise<KubernetesRead> {
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/secrets/${encodeURIComponent(secret)}`
  const headers = { Accept: 'application/json', ...(token !== undefined && { Authorization: `Bearer ${token}` }) }
  const response = await httpRequest({
    method: 'GET',
    url: url.replace(/\/+$/, '') + path,
    headers,
    ...tls,
    maxBodyBytes,
    signal,
    note,
  })
  const object = parsed(response.body)
  if (response.status !== 200 || object.kind !== 'Secret') return refusal(response, object)
  const { data = null } = object
  const entries = typeof data === 'object' && data !== null ? Object.entries(data) : []
  const values = Object.fromEntries(
    entries.flatMap(([key, value]) => (isBase64(value) ? [[key, Buffer.from(value, 'base64').toString('utf8')]] : [])),
  )
  return { kind: 'ok', values }
}

/** Anything else is no value. Decoding it anyway would make up a password. */
const isBase64 = (value: unknown): value is string =>
  typeof value === 'string' && value.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(value)

/** A Secret, a Status, or neither. */
interface KubernetesObject {
  readonly kind?: unknown
  readonly data?: unknown
  readonly message?: unknown
}

function refusal({ status, headers }: HttpResponse, object: KubernetesObject): KubernetesRefusal {
  // Priority and fairness answers in plain text, and so does the limit of requests in flight.
  if (status === 429) return { kind: 'throttled', text: `429 too many requests${retryAfter(headers['retry-after'])}` }
  // A load balancer says 403 and 404 as well, about something else.
  if (object.kind !== 'Status') {
    const redirect = status >= 300 && status < 400 ? ', a redirect, which is not followed' : ''
    return { kind: 'not_kubernetes', text: `HTTP ${status}${redirect}, not an answer of a Kubernetes API server` }
  }
  const message = messageOf(object)
  switch (status) {
    case 401:
      return {
        kind: 'unauthorized',
        text: '401 unauthorized: the token or client certificate is not valid, or no longer',
      }
    case 403:
      return message.includes('"system:anonymous"')
        ? { kind: 'unauthorized', text: `403 forbidden to "system:anonymous": ${notLoggedIn}` }
        : { kind: 'forbidden', text: `403 forbidden: ${forbidden(message)}` }
    case 404:
      return { kind: 'missing', text: '404 not found: there is no such Secret in this namespace' }
    default:
      return { kind: 'failed', text: `it answered ${status}${message === '' ? '' : `: ${short(message, 160)}`}` }
  }
}

/** There is always a token or a certificate. */
const notLoggedIn =
  'the login did not reach it; a proxy or load balancer between may take the token or client certificate away'

/** Its own words, in one line of bounded length. */
const messageOf = ({ message }: KubernetesObject): string => (typeof message === 'string' ? oneLine(message) : '')
/** Marked as cut off, so that half of a secret is found at the end. */
const short = (text: string, length: number): string =>
  text.length > length ? `${text.slice(0, length)}${ellipsis}` : text

/**
 * Whom it refuses, from `secrets "app" is forbidden: User "x" cannot get resource "secrets" in … : RBAC: …`, and what
 * to do. If a role lists the names it may read, a wrong name is 403 and never 404.
 */
function forbidden(message: string): string {
  const [, user = 'the exporter'] = /\b[Uu]ser ("[^"]{1,200}")/.exec(message) ?? []
  const [, rbac] = /: (RBAC: .+)$/.exec(message) ?? []
  const grant = `grant ${user} get on this Secret, or correct the name: with resourceNames a wrong name is 403 too`
  return rbac === undefined ? grant : `${grant} (${short(rbac, 120)})`
}

const retryAfter = (header: string | undefined): string =>
  header !== undefined && /^\d{1,6}$/.test(header) ? `; it asks to wait for ${header} s` : ''

function parsed(body: string): KubernetesObject {
  try {
    const value: unknown = JSON.parse(body)
    return typeof value === 'object' && value !== null ? value : {}
  } catch {
    return {}
  }
}
