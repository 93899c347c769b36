import { join } from 'node:path'
import { fileReader, type ReadFile } from '../clients/files.ts'
import { inPlace, type Aside } from '../core/aside.ts'
import { Unresolved, describeError } from '../core/errors.ts'
import type { Reference, Settings, SettingsSource, Unreadable } from '../core/reference.ts'
import type { References } from '../monitor/look.ts'
import { sourceOf } from '../core/source.ts'
import { inPlaceOf } from '../core/want.ts'
import type { VaultTarget } from '../probes/vault/target.ts'
import { kubernetesSecrets } from './kubernetes.ts'
import { createLogins, type Logins } from './logins.ts'
import type { Asking } from './sharing.ts'
import { vaultSecrets } from './vault.ts'
import { readDotenv } from './dotenv.ts'
import { readIni } from './ini.ts'
import { urlPart } from './url-part.ts'
import type { KubernetesConfig } from '../config/schema.ts'

/** What references are fetched from. */
export interface Sources {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly vaults: readonly VaultTarget[]
  readonly kubernetes: KubernetesConfig | undefined
  /** Folder of the pod's service account. Default: where Kubernetes mounts it. */
  readonly serviceAccount?: string | undefined
  /** How long a value may be shared with other checks, in milliseconds: until all checks of a round have run. */
  readonly roundMs?: number | undefined
  /** Logins at Vaults that outlive a reload. Default: none do. */
  readonly logins?: Logins | undefined
  /** Reads of files that may hang, which outlive a reload too. */
  readonly read?: ReadFile | undefined
  /** Where large texts are parsed. */
  readonly aside?: Aside | undefined
}

/** What a source has; undefined if it was read and has no such name. */
interface Found {
  readonly found: string | Unreadable | undefined
  readonly name: string
}

/**
 * Fetches references each time they are needed, but once for all that ask at the same time. An Unresolved begins with
 * the reference and never has the value. An empty value is refused: an empty password or host is always a mistake.
 */
export function createReferences({
  env,
  vaults,
  kubernetes,
  serviceAccount: account,
  roundMs,
  logins = createLogins(),
  read = fileReader(),
  aside = inPlace,
}: Sources): References {
  const fromKubernetes = kubernetesSecrets({ config: kubernetes, env, account, read, value, roundMs, aside })
  const fromVault = vaultSecrets({ targets: vaults, account, read, value, roundMs, logins })

  async function value(reference: Reference, asking: Asking): Promise<string> {
    return resolved(sourceOf(reference), asking, async () => {
      const { found: given, name } = await find(reference, asking)
      const found = given === undefined ? undefined : asText(given)
      if (typeof found === 'object') throw new Error(`${name} ${found.why}`)
      if (found === '' && reference.default !== '') throw new Error(`${name} is empty`)
      if (found !== undefined) return reference.part === undefined ? found : urlPart(found, reference.part, name)
      if (reference.default !== undefined) return reference.default
      throw new Error(reference.env === undefined ? `has no ${name}` : `${name} is not set`)
    })
  }

  async function find(reference: Reference, asking: Asking): Promise<Found> {
    const { signal } = asking
    const {
      env: variable,
      file,
      credential,
      dotenv,
      ini,
      section = '',
      key = '',
      expand,
      kubernetes: secret,
      vault,
    } = reference
    if (variable !== undefined) return { found: own(env, variable), name: variable }
    if (file !== undefined) return { found: withoutNewline(await read(file, signal)), name: 'the file' }
    if (credential !== undefined) return { found: await fromSystemd(credential, signal), name: 'the credential' }
    if (dotenv !== undefined) return { found: own(readDotenv(await read(dotenv, signal), expand), key), name: key }
    if (ini !== undefined)
      return { found: own(readIni(await read(ini, signal), section), key), name: `${key} in [${section}]` }
    if (secret) return { found: own(await fromKubernetes.secret(secret, asking), secret.key), name: secret.key }
    if (vault) return { found: (await fromVault.secret(vault, asking))(vault.key), name: vault.key }
    throw new Error('names no source')
  }

  /** https://systemd.io/CREDENTIALS/ */
  async function fromSystemd(credential: string, signal: AbortSignal): Promise<string> {
    const folder = env['CREDENTIALS_DIRECTORY']
    if (!folder)
      throw new Error(
        `CREDENTIALS_DIRECTORY is not set: give the systemd unit LoadCredential=${credential}:/path/to/file, or write { file: … }`,
      )
    return withoutNewline(await read(join(folder, credential), signal))
  }

  async function allOf(source: SettingsSource, asking: Asking): Promise<Settings> {
    if (source.dotenv !== undefined) return readDotenv(await read(source.dotenv, asking.signal), source.expand)
    if (source.kubernetes) return fromKubernetes.secret(source.kubernetes, asking)
    throw new Error('names no source')
  }

  return {
    value: (reference, signal, fetching) => value(reference, { ...fetching, signal }),
    settings: (source, signal, fetching = {}) =>
      resolved(sourceOf(source), fetching, async (): Promise<Settings> => {
        const all = await allOf(source, { ...fetching, signal })
        return Object.fromEntries(Object.entries(all).map(([name, value]) => [name, asText(value)]))
      }),
    apiServer: (secret, signal, fetching) => fromKubernetes.answer(secret, { ...fetching, signal }),
    login: (vault, signal, wanted, note) => fromVault.login(vault, { signal, note }, wanted),
  }
}

/** Bytes that are not UTF-8 are U+FFFD by now (environment too): different values would be equal, passwords wrong. */
const asText = (value: string | Unreadable): string | Unreadable =>
  typeof value === 'string' && value.includes('\uFFFD') ? { why: 'is not UTF-8 text' } : value

const own = <T>(values: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(values, name) ? values[name] : undefined

const withoutNewline = (text: string): string => text.replace(/\r?\n$/, '')

async function resolved<T>(reference: string, { note }: Pick<Asking, 'note'>, work: () => Promise<T>): Promise<T> {
  try {
    const value = await work()
    note?.(`${reference} was fetched`)
    return value
  } catch (error) {
    throw inPlaceOf(new Unresolved(`${reference}: ${describeError(error)}`), error)
  }
}
