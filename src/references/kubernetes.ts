import { dirname } from 'node:path'
import type { ReadFile } from '../clients/files.ts'
import { addressOf } from '../clients/http.ts'
import { inClusterUrl, readKubernetesSecret, serviceAccount, type KubernetesApi } from '../clients/kubernetes.ts'
import type { KubernetesConfig } from '../config/schema.ts'
import type { KubernetesSecret, Reference } from '../core/probe.ts'
import { shaped, shapes } from '../core/shape.ts'
import { readKubeconfig, type Material } from './kubeconfig.ts'
import { sharing, type Asking } from './sharing.ts'
import { blotting, named } from './words.ts'

export interface KubernetesSource {
  readonly config: KubernetesConfig | undefined
  readonly env: Readonly<Record<string, string | undefined>>
  /** Where the service account is mounted. */
  readonly account: string | undefined
  readonly read: ReadFile
  readonly value: (reference: Reference, asking: Asking) => Promise<string>
}

export type Settings = Readonly<Record<string, string>>

/** Reads Secrets: one request for all who ask at the same time. What is needed to log in is read anew for each. */
export function kubernetesSecrets({ config, env, account = serviceAccount, read, value }: KubernetesSource) {
  const shared = sharing<Settings>()

  async function inCluster({ url }: { readonly url: string }, asking: Asking): Promise<KubernetesApi> {
    const { signal } = asking
    const token = config?.token
      ? await named('kubernetes.token', value(config.token, asking))
      : (await named('the token of the service account', read(`${account}/token`, signal))).trim()
    const file = config?.ca_file
    const ca = file === undefined ? undefined : await named(file, read(file, signal))
    // Outside of a cluster there is none, and the system's are used.
    return { url, token, ca: ca ?? (await read(`${account}/ca.crt`, signal).catch(() => undefined)) }
  }

  async function byKubeconfig(file: string, { signal }: Asking): Promise<KubernetesApi> {
    const access = await named(file, accessOf(file, signal))
    const get = async (of: Material | undefined): Promise<string | undefined> =>
      of && ('text' in of ? of.text : named(of.file, read(of.file, signal)))
    const token = (await get(access.token))?.trim()
    const [ca, cert, key] = [await get(access.ca), await get(access.cert), await get(access.key)]
    return { url: access.url, servername: access.servername, token, ca, cert, key }
  }

  const accessOf = async (file: string, signal: AbortSignal) =>
    readKubeconfig(await read(file, signal), dirname(file), config?.context)

  const api = (asking: Asking): Promise<KubernetesApi> => {
    const { kubeconfig, url = inClusterUrl(env) } = config ?? {}
    if (kubeconfig !== undefined) return byKubeconfig(kubeconfig, asking)
    if (url !== undefined) return inCluster({ url }, asking)
    const instead = 'set kubernetes.kubeconfig, or kubernetes.url and token'
    throw new Error(`not inside of a cluster (no KUBERNETES_SERVICE_HOST): ${instead}`)
  }

  const ownNamespace = async (signal: AbortSignal): Promise<string> =>
    shaped(
      'the namespace of the service account',
      (await named('the namespace of the service account', read(`${account}/namespace`, signal))).trim(),
      shapes.word,
    )

  return (wanted: KubernetesSecret, asking: Asking): Promise<Settings> =>
    shared(JSON.stringify([wanted.namespace, wanted.secret]), about(config, env), asking, signal =>
      blotting(async conceal => {
        const alone = { ...asking, signal }
        const to = await api(alone)
        if (to.token !== undefined) conceal(to.token)
        const namespace = wanted.namespace ?? (await ownNamespace(signal))
        return readKubernetesSecret(to, { namespace, secret: wanted.secret }, alone)
      }),
    )
}

/** What one who leaves was waiting for: the server, where its address is known without reading a file. */
function about(config: KubernetesConfig | undefined, env: KubernetesSource['env']): string {
  const url = config?.url ?? inClusterUrl(env)
  return config?.kubeconfig ?? (url === undefined ? 'Kubernetes' : addressOf(url))
}
