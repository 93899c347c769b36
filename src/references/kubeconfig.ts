import { dirname, isAbsolute, join } from 'node:path'
import { fileReader } from '../clients/files.ts'
import { parseYaml } from '../yaml/parse.ts'
import { describeError } from '../core/errors.ts'

/** Certificates, a key or a token: in the field named, or in a file. */
export type Material = { readonly text: string; readonly field: string } | { readonly file: string }

/** How to reach an API server and log in, by a kubeconfig. */
export interface KubernetesAccess {
  readonly url: string
  readonly servername: string | undefined
  readonly ca: Material | undefined
  readonly token: Material | undefined
  readonly cert: Material | undefined
  readonly key: Material | undefined
}

type Fields = Readonly<Record<string, unknown>>

/**
 * Reads one context of a kubeconfig: the one named, or its current one. Throws an Error that says what to do, and shows
 * nothing of the file. Files that it names are relative to `folder`, where it is.
 * https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/
 */
export function readKubeconfig(text: string, folder: string, wanted: string | undefined): KubernetesAccess {
  const { data, problems } = parseYaml(text)
  const [problem] = problems
  if (problem) throw new Error(`line ${problem.position}: ${problem.text}`)
  const file = fieldsOf(data)
  const name = wanted ?? textIn(file, 'current-context')
  if (name === undefined) throw new Error('has no current-context; set kubernetes.context')
  const context = entry(file, 'contexts', name, 'context')
  if (!context)
    throw new Error(wanted === undefined ? 'its current-context is none of its contexts' : `has no context ${wanted}`)
  const cluster = entry(file, 'clusters', textIn(context, 'cluster'), 'cluster')
  if (!cluster) throw new Error('the cluster of the context is none of its clusters')
  const user = entry(file, 'users', textIn(context, 'user'), 'user')
  if (!user) throw new Error('the user of the context is none of its users')
  return { ...serverOf(cluster, folder), ...loginOf(user, folder) }
}

/** `readKubeconfig` with texts only: an empty one for no context. */
export const kubeconfigTask = {
  name: 'kubeconfig',
  run: (text: string, folder: string, wanted: string): KubernetesAccess =>
    readKubeconfig(text, folder, wanted === '' ? undefined : wanted),
}

/** A problem of the configured kubeconfig that shows without the server. */
interface KubeconfigProblem {
  readonly text: string
  /** True if it was read and cannot be used; false if it cannot be read here and now, which another user may. */
  readonly certain: boolean
}

/** Undefined if there is no kubeconfig, or no problem. */
export async function kubeconfigProblem(
  { kubeconfig: file, context }: { readonly kubeconfig?: string | undefined; readonly context?: string | undefined },
  signal: AbortSignal,
): Promise<KubeconfigProblem | undefined> {
  if (file === undefined) return undefined
  let text: string | undefined
  try {
    text = await fileReader()(file, signal)
    readKubeconfig(text, dirname(file), context)
    return undefined
  } catch (error) {
    return { text: `${file}: ${describeError(error)}`, certain: text !== undefined }
  }
}

function serverOf(cluster: Fields, folder: string): Pick<KubernetesAccess, 'url' | 'servername' | 'ca'> {
  const url = textIn(cluster, 'server') ?? ''
  if (!/^https?:\/\/[^/?#@]+(\/[^?#]*)?$/.test(url) || !URL.canParse(url))
    throw new Error('the server of the cluster is not a URL such as https://10.0.0.1:6443')
  if (cluster['insecure-skip-tls-verify'] === true)
    throw new Error(
      'insecure-skip-tls-verify is set, and certificates are always verified here; give the cluster its certificate-authority instead',
    )
  if (textIn(cluster, 'proxy-url') !== undefined)
    throw new Error('the cluster has a proxy-url, and proxies are not used; give a server that can be reached directly')
  return {
    url,
    servername: textIn(cluster, 'tls-server-name'),
    ca: material(cluster, 'certificate-authority', folder),
  }
}

const serviceAccountInstead =
  'give the user a token or a client certificate, for example the token of a service account (kubectl create token)'

function loginOf(user: Fields, folder: string): Pick<KubernetesAccess, 'token' | 'cert' | 'key'> {
  if (user['exec'] !== undefined)
    throw new Error(`the user logs in by an exec plugin, which is not run here; ${serviceAccountInstead}`)
  if (user['auth-provider'] !== undefined)
    throw new Error(`the user logs in by an auth-provider, which is not supported here; ${serviceAccountInstead}`)
  if (['as', 'as-uid', 'as-groups', 'as-user-extra'].some(key => user[key] !== undefined))
    throw new Error(`the user impersonates another, which is not supported here; ${serviceAccountInstead}`)
  const tokenFile = textIn(user, 'tokenFile')
  const text = textIn(user, 'token')
  const cert = material(user, 'client-certificate', folder)
  const key = material(user, 'client-key', folder)
  if ((cert === undefined) !== (key === undefined))
    throw new Error('client-certificate and client-key of the user go together, and one of them is missing')
  // As in client-go, the file wins over the text: it is rotated.
  const token =
    tokenFile !== undefined
      ? { file: within(folder, tokenFile) }
      : text === undefined
        ? undefined
        : { text, field: 'token' }
  if (!token && !cert) throw new Error(`the user has nothing to log in with; ${serviceAccountInstead}`)
  return { token, cert, key }
}

/** PEM from `…-data` in base64, or the file named. */
function material(fields: Fields, key: string, folder: string): Material | undefined {
  const data = textIn(fields, `${key}-data`)
  const file = textIn(fields, key)
  if (data === undefined) return file === undefined ? undefined : { file: within(folder, file) }
  const text = Buffer.from(data, 'base64').toString('utf8')
  if (!text.includes('-----BEGIN ')) throw new Error(`${key}-data is not PEM in base64`)
  if (text.includes('\uFFFD')) throw new Error(`${key}-data is not UTF-8 text`)
  return { text, field: `${key}-data` }
}

const within = (folder: string, file: string): string => (isAbsolute(file) ? file : join(folder, file))

/** Finds `{name, context: {…}}` in `contexts`, and likewise in other lists. */
function entry(file: Fields, list: string, name: string | undefined, what: string): Fields | undefined {
  const all = file[list]
  if (!Array.isArray(all) || name === undefined) return undefined
  const found = all.map(fieldsOf).find(one => one['name'] === name)
  return found && fieldsOf(found[what])
}

const fieldsOf = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {}

function textIn(fields: Fields, key: string): string | undefined {
  const value = Object.hasOwn(fields, key) ? fields[key] : undefined
  return typeof value === 'string' && value !== '' ? value : undefined
}
