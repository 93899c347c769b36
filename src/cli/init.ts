import { open, unlink } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import { fileErrorText, fileReader } from '../clients/files.ts'
import { checkedCertificates } from '../clients/pem.ts'
import { ConfigError, codeOf, describeError } from '../core/errors.ts'
import { shownLines } from '../core/shown.ts'
import { environment } from '../environment/taken.ts'
import { literalUrl } from '../fields/index.ts'
import { inTime, type Asked, type Asking } from '../init/asked.ts'
import { dotenvSettings } from '../init/dotenv.ts'
import { balancer, haproxyProblem } from '../init/haproxy.ts'
import { configurationOf, saysNothing } from '../init/index.ts'
import { secretSettings, type SecretName } from '../init/kubernetes.ts'
import { askPatroni } from '../init/patroni.ts'
import { vaultEntry } from '../init/vault.ts'
import { UsageError, type InitOptions, type Options } from './parse.ts'
import { OutputError, type Process } from './process.ts'

/** Writes a first configuration from what the sources say. Gives the exit code: 1 if one of them did not say all. */
export async function init({ init: options }: Options, { stop, print, tell }: Process): Promise<number> {
  const secrets = checked(options)
  const output = options.output === undefined ? undefined : await newFile(options.output)
  try {
    const { text, isWhole } = await written(options, secrets, stop, tell)
    if (text === undefined) throw new Error('there is nothing to write: no source gave anything (see above)')
    if (output) await output.write(text)
    else await print(shownLines(text))
    tell(nextCommand(options.output))
    return isWhole ? 0 : 1
  } finally {
    await output?.close()
  }
}

async function written(
  options: InitOptions,
  secrets: readonly SecretName[],
  stop: AbortSignal,
  tell: (text: string) => void,
): Promise<{ readonly text: string | undefined; readonly isWhole: boolean }> {
  const { kubeconfig: given, output = 'mailpath.yml' } = options
  const kubeconfig = given === undefined ? undefined : resolve(given)
  const ca = await authority(options.caFile, stop)
  const each = <T, R>(list: readonly T[], ask: (one: T, asking: Asking) => Promise<R>): Promise<R[]> =>
    Promise.all(list.map(one => inTime(stop, signal => ask(one, { signal, ca }))))
  const files = await each(options.dotenv, (file, { signal }) => dotenvSettings(file, signal))
  const [ofSecrets, patroni, haproxy, vault] = await Promise.all([
    each(secrets, (one, { signal }) => secretSettings(one, { kubeconfig, env: environment }, signal)),
    each(options.patroni, askPatroni),
    each(options.haproxy, balancer),
    each(options.vault, vaultEntry),
  ])
  const asked: readonly Asked<unknown>[] = [...ofSecrets, ...patroni, ...haproxy, ...vault]
  for (const { place, why } of asked) tell(textOf(place, why))
  const settings = [...files, ...ofSecrets.flatMap(({ found }) => found ?? [])]
  const unknown = settings.filter(saysNothing)
  for (const { place } of unknown) tell(`${place}: has none of the usual settings of a database or of mail`)
  const text = configurationOf(
    {
      settings,
      patroni,
      haproxy: haproxy.flatMap(({ found }) => found ?? []),
      vault: vault.flatMap(({ found }) => found ?? []),
      silent: ofSecrets.filter(({ found }) => found === undefined),
      kubeconfig: secrets.length > 0 ? kubeconfig : undefined,
      caFile: ca?.file,
    },
    output,
  )
  return { text, isWhole: unknown.length === 0 && asked.every(({ why }) => why === undefined) }
}

const textOf = (place: string, why = 'asked, and only read'): string =>
  why.startsWith(place) ? why : `${place}: ${why}`

/** The Secrets that are named. Throws a UsageError for what cannot be asked; nothing of a URL is shown. */
function checked({ dotenv, kubernetes, patroni, haproxy, vault }: InitOptions): SecretName[] {
  if ([dotenv, kubernetes, patroni, haproxy, vault].every(list => list.length === 0))
    throw new UsageError('init needs something to look at, such as --dotenv=FILE and --patroni=URL')
  const problemOf = (url: string, example: string): string | undefined =>
    literalUrl(['http', 'https'], example).safeParse(url).error?.issues[0]?.message
  const problems = [
    ...patroni.map(url => ['patroni', problemOf(url, 'http://db-1:8008')] as const),
    ...haproxy.map(place => ['haproxy', haproxyProblem(place)] as const),
    ...vault.map(url => ['vault', problemOf(url, 'https://vault-01:8200')] as const),
  ]
  for (const [flag, problem] of problems) if (problem !== undefined) throw new UsageError(`--${flag}: ${problem}`)
  return kubernetes.map(secretName)
}

/** https://kubernetes.io/docs/concepts/overview/working-with-objects/names/ */
const secretForm = /^([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)\/([a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?)$/

function secretName(text: string): SecretName {
  const [, namespace, secret] = secretForm.exec(text) ?? []
  if (namespace === undefined || secret === undefined)
    throw new UsageError('--kubernetes must be NAMESPACE/SECRET, such as mail/backend')
  return { namespace, secret }
}

async function authority(given: string | undefined, signal: AbortSignal): Promise<Asking['ca']> {
  if (given === undefined) return undefined
  const file = resolve(given)
  try {
    return { file, text: checkedCertificates(await fileReader()(file, signal), file) }
  } catch (error) {
    signal.throwIfAborted()
    const text = describeError(error)
    throw new ConfigError(`--ca-file: ${text.includes(file) ? text : `${file}: ${text}`}`)
  }
}

/** A file that is not there yet. It is made at once, so that nothing is asked in vain, and goes again if it stays empty. */
async function newFile(file: string) {
  const made = await open(file, 'wx', 0o644).catch((error: unknown) => {
    const why =
      codeOf(error) === 'EEXIST'
        ? 'is there already, and is not overwritten; move it away, or give another name'
        : fileErrorText(error)
    throw new OutputError(undefined, `--output: ${file}: ${why}`)
  })
  let isWhole = false
  return {
    async write(text: string): Promise<void> {
      await made.writeFile(shownLines(text)).catch((error: unknown) => {
        throw new OutputError(undefined, `--output: ${file}: ${fileErrorText(error)}`)
      })
      isWhole = true
    },
    async close(): Promise<void> {
      await made.close()
      if (!isWhole) await unlink(file).catch(() => undefined)
    },
  }
}

function nextCommand(output: string | undefined): string {
  const next = `${ownCommand()} check --config.file=${quoted(output ?? 'mailpath.yml')}`
  return output === undefined
    ? `Nothing was changed anywhere. Save it as mailpath.yml, and then:\n  ${next}`
    : `Nothing was changed anywhere but ${output}, which is new. Next:\n  ${next}`
}

/** How this program was started, so that the next command can be pasted: it need not be installed. */
function ownCommand(): string {
  const [, script = ''] = process.argv
  return basename(script) === installedAs ? installedAs : `node ${quoted(script)}`
}
const installedAs = 'mailpath-exporter'

/** As a shell takes it. */
const quoted = (text: string): string => (/^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`)
