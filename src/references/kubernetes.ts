import { dirname } from 'node:path'
import { noSuchFile, type ReadFile } from '../clients/files.ts'
import { addressOf } from '../clients/http.ts'
import { inClusterUrl, readKubernetesSecret, serviceAccount, type KubernetesApi } from '../clients/kubernetes.ts'
import { PemError, checkedCertificates, checkedKeyPair } from '../clients/pem.ts'
import type { KubernetesConfig } from '../config/schema.ts'
import { unlessAborted } from '../core/abort.ts'
import type { Aside } from '../core/aside.ts'
import { describeError } from '../core/errors.ts'
import type { ApiServerAnswer, KubernetesSecret, Reference } from '../core/reference.ts'
import { redactor } from '../core/redact.ts'
import { shaped, shapes } from '../core/shape.ts'
import { inPlaceOf } from '../core/want.ts'
import { kubeconfigTask, type KubernetesAccess, type Material } from './kubeconfig.ts'
import { sharing, type Asking } from './sharing.ts'
import { named, requestFailure } from './wrap-error.ts'

interface KubernetesSource {
  readonly config: KubernetesConfig | undefined
  readonly env: Readonly<Record<string, string | undefined>>
  /** Folder where the service account is mounted. */
  readonly account: string | undefined
  readonly read: ReadFile
  readonly value: (reference: Reference, asking: Asking) => Promise<string>
  readonly roundMs: number | undefined
  readonly aside: Aside
}

type Settings = Readonly<Record<string, string>>

/** An answer, with the values of the Secret if there is one. */
type Answer = ApiServerAnswer & { readonly values?: Settings | undefined }

/** Reads Secrets: one request for all that ask at the same time. The login is read again for each request. */
export function kubernetesSecrets({
  config,
  env,
  account = serviceAccount,
  read,
  value,
  roundMs,
  aside,
}: KubernetesSource) {
  const shared = sharing<Answer>(undefined, roundMs)
  /** The text of the kubeconfig when it was last read, and its result. */
  let last: { readonly text: string; readonly access: Promise<KubernetesAccess> } | undefined

  async function inCluster(url: string, asking: Asking): Promise<KubernetesApi> {
    const { signal } = asking
    const [what, fetched] = config?.token
      ? (['kubernetes.token', value(config.token, asking)] as const)
      : (['the token of the service account', read(`${account}/token`, signal)] as const)
    const token = tokenIn(await named(what, fetched), what)
    return { url, token, ca: url.startsWith('https:') ? await authority(signal) : undefined }
  }

  async function authority(signal: AbortSignal): Promise<string | undefined> {
    const file = config?.ca_file
    if (file !== undefined) return checkedCertificates(await named(file, read(file, signal)), file)
    const what = 'the ca.crt of the service account'
    try {
      return checkedCertificates(await read(`${account}/ca.crt`, signal), what)
    } catch (error) {
      if (error instanceof PemError || signal.aborted) throw error
      const why = describeError(error)
      // Outside of a cluster there is no such file, and the system's certificates are used.
      if (why === noSuchFile && config?.url !== undefined) return undefined
      throw new Error(`${what}: ${why}; mount it, or set kubernetes.ca_file`)
    }
  }

  async function byKubeconfig(file: string, { signal }: Asking): Promise<KubernetesApi> {
    const access = await named(file, accessOf(file, signal))
    const get = async (of: Material): Promise<string> =>
      'text' in of ? of.text : named(of.file, read(of.file, signal))
    const what = (of: Material): string => ('text' in of ? `${file}: ${of.field}` : of.file)
    const { url, servername } = access
    const token = access.token && tokenIn(await get(access.token), what(access.token))
    const ca = access.ca && checkedCertificates(await get(access.ca), what(access.ca))
    if (!access.cert || !access.key) return { url, servername, token, ca }
    const pair = { cert: await get(access.cert), key: await get(access.key) }
    return { url, servername, token, ca, ...checkedKeyPair(pair, { cert: what(access.cert), key: what(access.key) }) }
  }

  async function accessOf(file: string, signal: AbortSignal): Promise<KubernetesAccess> {
    const text = await read(file, signal)
    if (text === last?.text) return unlessAborted(signal, last.access)
    // The result is shared, so it goes on when the first that asks leaves.
    const access = aside(kubeconfigTask, [text, dirname(file), config?.context ?? ''], new AbortController().signal)
    last = { text, access }
    return unlessAborted(signal, access)
  }

  const api = (asking: Asking): Promise<KubernetesApi> => {
    const { kubeconfig, url = inClusterUrl(env) } = config ?? {}
    if (kubeconfig !== undefined) return byKubeconfig(kubeconfig, asking)
    if (url !== undefined) return inCluster(url, asking)
    const instead = 'set kubernetes.kubeconfig, or kubernetes.url and token'
    throw new Error(`not inside of a cluster (no KUBERNETES_SERVICE_HOST): ${instead}`)
  }

  const ownNamespace = async (signal: AbortSignal): Promise<string> =>
    shaped(
      'the namespace of the service account',
      (await named('the namespace of the service account', read(`${account}/namespace`, signal))).trim(),
      shapes.word,
    )

  /** Throws only if the signal ends it. */
  async function ask({ namespace: wanted, secret }: KubernetesSecret, asking: Asking): Promise<Answer> {
    // The run never sees the token, and a server may echo it.
    const redact = redactor()
    let address: string | undefined
    try {
      const to = await api(asking)
      address = addressOf(to.url)
      if (to.token !== undefined) redact.add(to.token)
      const namespace = wanted ?? (await ownNamespace(asking.signal))
      const found = await readKubernetesSecret(to, { namespace, secret }, asking)
      return { ...found, address, text: found.kind === 'ok' ? '' : redact.text(found.text) }
    } catch (error) {
      if (asking.signal.aborted) throw error
      return { address, ...requestFailure(error, redact.text(describeError(error))) }
    }
  }

  const answerOf = (wanted: KubernetesSecret, asking: Asking): Promise<Answer> =>
    shared(JSON.stringify([wanted.namespace, wanted.secret]), about(config, env), asking, signal =>
      ask(wanted, { ...asking, signal }),
    )

  return {
    /** The values by key. Throws an Error that says in one line what to do. */
    async secret(wanted: KubernetesSecret, asking: Asking): Promise<Settings> {
      const answer = await answerOf(wanted, asking)
      if (answer.values) return answer.values
      throw inPlaceOf(new Error(answerText(answer)), answer)
    },
    /** See `Look.apiServer`. */
    async answer(wanted: KubernetesSecret, asking: Asking): Promise<ApiServerAnswer> {
      const { values: _, ...answer } = await answerOf(wanted, asking)
      return answer
    },
  }
}

/** A token is one word. With an empty one the exporter would be an anonymous user. */
function tokenIn(text: string, what: string): string {
  const token = text.trim()
  if (token === '') throw new Error(`${what}: is empty; expected a token`)
  if (/[\r\n]/.test(token)) throw new Error(`${what}: has more than one line; expected one token`)
  if (!/^[\x20-\x7e]+$/.test(token)) throw new Error(`${what}: has characters that no token has; expected one token`)
  return token
}

/** A problem of the server begins with its name; a problem of one Secret, or of this host, names itself. */
function answerText({ kind, address, text }: Answer): string {
  if (kind === 'unanswered') return `the API server ${text}`
  const isOfServer = kind === 'unauthorized' || kind === 'throttled' || kind === 'failed' || kind === 'not_kubernetes'
  return isOfServer ? `the API server ${address ?? ''}: ${text}` : text
}

/** What an aborted request was waiting for: the server, if its address is known without reading a file. */
function about(config: KubernetesConfig | undefined, env: KubernetesSource['env']): string {
  const url = config?.url ?? inClusterUrl(env)
  if (config?.kubeconfig !== undefined) return `the API server of ${config.kubeconfig}`
  return url === undefined ? 'the API server' : `the API server ${addressOf(url)}`
}
