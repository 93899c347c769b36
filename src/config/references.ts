import { fileReader } from '../clients/files.ts'
import { inClusterUrl, readKubernetesSecret, serviceAccount, serviceAccountToken } from '../clients/kubernetes.ts'
import { openVault, readSecret } from '../clients/vault.ts'
import { Unresolved, describeError } from '../core/errors.ts'
import type { Reference, SettingsSource } from '../core/probe.ts'
import { redactor } from '../core/redact.ts'
import type { References } from '../core/run.ts'
import type { VaultTarget } from '../probes/vault/index.ts'
import { parseDotenv } from './dotenv.ts'
import type { KubernetesConfig } from './schema.ts'

/** What references are fetched from. */
export interface Sources {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly vaults: readonly VaultTarget[]
  readonly kubernetes: KubernetesConfig | undefined
}

type Settings = Readonly<Record<string, string>>

/**
 * Fetches references, anew each time. An Unresolved begins with the reference as a person wrote it and never has the
 * value. An empty value is none: an empty password or host is a mistake wherever it comes from.
 */
export function createReferences({ env, vaults, kubernetes }: Sources): References {
  const read = fileReader()

  async function value(reference: Reference, fetch: Fetch): Promise<string> {
    return fetched(written(reference), fetch, async () => {
      const { found, name } = await find(reference, fetch)
      if (found === '' && reference.default !== '') throw new Error(`${name} is empty`)
      if (found !== undefined) return found
      if (reference.default !== undefined) return reference.default
      throw new Error(reference.env === undefined ? `has no ${name}` : `${name} is not set`)
    })
  }

  /** What the source holds; undefined where it could be read and has nothing of that name. */
  async function find(reference: Reference, fetch: Fetch): Promise<{ found: string | undefined; name: string }> {
    const { signal } = fetch
    const { env: variable, file, dotenv, key = '', kubernetes: secret, vault } = reference
    if (variable !== undefined) return { found: own(env, variable), name: variable }
    if (file !== undefined) return { found: (await read(file, signal)).replace(/\r?\n$/, ''), name: 'the file' }
    if (dotenv !== undefined) return { found: own(parseDotenv(await read(dotenv, signal)), key), name: key }
    if (secret) return { found: own(await fromKubernetes(secret, fetch), secret.key), name: secret.key }
    if (vault) return { found: await fromVault(vault, fetch), name: vault.key }
    throw new Error('names no source')
  }

  async function fromKubernetes(secret: { namespace: string; secret: string }, fetch: Fetch): Promise<Settings> {
    const { signal } = fetch
    const url = kubernetes?.url ?? inClusterUrl(env)
    if (url === undefined) throw new Error('not inside of a cluster (no KUBERNETES_SERVICE_HOST): set kubernetes.url')
    const token = kubernetes?.token
      ? await named('kubernetes.token', value(kubernetes.token, fetch))
      : await named('the token of the service account', serviceAccountToken(read, signal))
    fetch.redact.add(token)
    return readKubernetesSecret({ url, token, ca: await authority(signal) }, secret, signal)
  }

  async function authority(signal: AbortSignal): Promise<string | undefined> {
    const file = kubernetes?.ca_file
    if (file !== undefined) return named(file, read(file, signal))
    // Outside of a cluster there is none, and the system's are used.
    return read(`${serviceAccount}/ca.crt`, signal).catch(() => undefined)
  }

  async function fromVault(wanted: NonNullable<Reference['vault']>, fetch: Fetch): Promise<string | undefined> {
    const { signal } = fetch
    const target = vaults.find(({ name }) => name === wanted.target)
    if (!target) throw new Error(`there is no vault target ${wanted.target}`)
    const { name, url, namespace, ca_file: file } = target
    if (!target.token) throw new Error(`${name} has no token in the configuration`)
    const token = await named(`the token of ${name}`, value(target.token, fetch))
    fetch.redact.add(token)
    const ca = file === undefined ? undefined : await named(file, read(file, signal))
    const vault = await openVault({ url, token, namespace, ca, signal })
    const secret = await named(name, readSecret(vault, wanted.path))
    if (secret.kind === 'ok') return secret.value(wanted.key)
    throw new Error(secret.kind === 'sealed' ? `${name} is sealed` : `${name}: ${secret.text}`)
  }

  return {
    value: (reference, signal) => value(reference, { signal, redact: redactor() }),
    settings: (source, signal) => {
      const fetch = { signal, redact: redactor() }
      return fetched(writtenSource(source), fetch, async () => {
        if (source.dotenv !== undefined) return parseDotenv(await read(source.dotenv, signal))
        if (source.kubernetes) return fromKubernetes(source.kubernetes, fetch)
        throw new Error('names no source')
      })
    },
  }
}

/** One fetch. The tokens it takes are secrets that the run never sees, so it blots them out of its own errors. */
interface Fetch {
  readonly signal: AbortSignal
  readonly redact: ReturnType<typeof redactor>
}

const own = (values: Sources['env'], name: string): string | undefined =>
  Object.hasOwn(values, name) ? values[name] : undefined

/** The same, and an error says what it was about. */
async function named<T>(what: string, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw new Error(`${what}: ${describeError(error)}`)
  }
}

async function fetched<T>(reference: string, { redact }: Fetch, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw new Unresolved(redact.text(`${reference}: ${describeError(error)}`))
  }
}

/** A reference as it stands in the configuration, without its default: that is a value. */
function written({ env, file, dotenv, key, kubernetes: secret, vault }: Reference): string {
  if (secret) return `{kubernetes: {namespace: ${secret.namespace}, secret: ${secret.secret}, key: ${secret.key}}}`
  if (vault) return `{vault: {target: ${vault.target}, path: ${vault.path}, key: ${vault.key}}}`
  if (dotenv !== undefined) return `{dotenv: ${dotenv}, key: ${key ?? ''}}`
  return env === undefined ? `{file: ${file ?? ''}}` : `{env: ${env}}`
}

const writtenSource = ({ dotenv, kubernetes: secret }: SettingsSource): string =>
  secret ? `{kubernetes: {namespace: ${secret.namespace}, secret: ${secret.secret}}}` : `{dotenv: ${dotenv ?? ''}}`
