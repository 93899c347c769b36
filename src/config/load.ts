import { dirname, isAbsolute, join, resolve } from 'node:path'
import type * as z from 'zod'
import { bytesReader, inWords, isPassed, readPassed, type ReadBytes } from '../clients/files.ts'
import { unlessAborted } from '../core/abort.ts'
import type { Aside } from '../core/aside.ts'
import { ConfigError, DeadlineExceeded, codeOf } from '../core/errors.ts'
import type { Check, KubernetesSecret, Probe, Target } from '../core/probe.ts'
import { deadline } from '../core/deadline.ts'
import { shapes } from '../core/shape.ts'
import { apiServer, checkBehind } from '../core/source.ts'
import { kubernetes as apiServerProbe, type KubernetesTarget } from '../probes/kubernetes/index.ts'
import { mail, type MailTarget } from '../probes/mail/index.ts'
import { probes } from '../probes/index.ts'
import type { VaultTarget } from '../probes/vault/index.ts'
import { checkAcross, isKeys, referencesIn, type Keys } from './across.ts'
import { mapMarked } from './marked.ts'
import { problemsOf, translate, type Problems } from './problems.ts'
import { defaultTimes, fileSchema, type KubernetesConfig } from './schema.ts'
import { checkVariables } from './variables.ts'
import { parseYaml } from './yaml.ts'

/** A configuration that was found good as a whole. */
export interface Config {
  readonly file: string
  readonly checks: readonly Check[]
  readonly mail: readonly MailTarget[]
  readonly vaults: readonly VaultTarget[]
  readonly kubernetes: KubernetesConfig | undefined
}

/** How a file of the command line is read. */
export interface Reading {
  /** Default: it ends only by its own time. */
  readonly signal?: AbortSignal
  /** It is read once, so that it may come out of a pipe that the shell opened. */
  readonly once?: boolean
  /** Given where it is read again and again, so that reads that hang are not begun again. */
  readonly bytes?: ReadBytes
}

/** A file system that does not answer for so long, in milliseconds, is taken for dead. */
const readMs = 10_000
/** Where the exporter itself was held up for so much of that, it waits once more for as long, and so on, so many times in all. */
const heldUpMs = 1_000
const readings = 3

/** Reads and checks a file. Throws one ConfigError with every problem, each as `file:line:col: path: message`. */
export async function loadConfig(file: string, reading: Reading = {}): Promise<Config> {
  return parseConfig(await readText(file, '--config.file', reading), file)
}

/** The task of `configReader`. */
export const configTask = { name: 'config', run: parseFile }

/**
 * The same again and again: the very same object while the text is that of the last good one, for which nothing is done.
 */
export function configReader(file: string, reading: Reading): (aside: Aside, signal: AbortSignal) => Promise<Config> {
  let last: { readonly text: string; readonly config: Config } | undefined
  return async (aside, signal) => {
    const text = await readText(file, '--config.file', { ...reading, signal })
    if (text !== last?.text) last = { text, config: configOf(await aside(configTask, [text, file], signal), file) }
    return last.config
  }
}

/** A file that is not too large, as text. Throws a ConfigError that names the flag it was given by. */
export async function readText(
  file: string,
  flag: string,
  { signal = new AbortController().signal, once = false, bytes: read = bytesReader() }: Reading = {},
): Promise<string> {
  const from = async (limit: AbortSignal): Promise<Buffer> => {
    // A pipe takes as long as whoever writes to it.
    if (!(await unlessAborted(limit, isPassed(file)))) return read(file, limit)
    if (!once) throw new ConfigError(`${file}: ${notTwice(flag)}`)
    return readPassed(file, signal)
  }
  for (let reading = 1; ; reading++) {
    const limit = deadline(readMs, signal)
    try {
      const bytes = await from(limit.signal)
      return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    } catch (error) {
      signal.throwIfAborted()
      if (error instanceof ConfigError) throw error
      // It may be there by now, and no file system is blamed for what a busy machine does. A read that is under way is joined.
      const isOurs = error instanceof DeadlineExceeded && limit.heldUpMs() > heldUpMs
      if (!isOurs || reading === readings) throw new ConfigError(`${file}: ${unreadable(error, flag, isOurs)}`)
    } finally {
      limit.clear()
    }
  }
}

const notTwice = (flag: string): string =>
  `is not a regular file, and what is served is read again at each reload; give the path of a file with ${flag}`

function unreadable(error: unknown, flag: string, isOurs: boolean): string {
  if (isOurs) return 'could not be read in time: the exporter itself was held up; give it more CPU, and reload again'
  if (error instanceof DeadlineExceeded) return `cannot be read (${error.message}); its file system hangs`
  switch (codeOf(error) ?? '') {
    case 'ENOENT':
    case 'ENOTDIR':
      return `there is no such file; give its path with ${flag}`
    case 'EISDIR':
      return `is a directory; give the path of a file with ${flag}`
    case 'ENXIO':
      return `is not a regular file; give the path of one with ${flag}`
    case 'EACCES':
    case 'EPERM':
      return 'permission denied; let the user the exporter runs as read it'
    case 'EFBIG':
      return 'larger than 1 MiB; this is not a configuration file'
    case 'ERR_ENCODING_INVALID_ENCODED_DATA':
      return 'not UTF-8 text; save the file as UTF-8'
    default:
      return inWords(error)
  }
}

/** The same for a text. The file's name stands in messages, and relative paths are taken from its folder. */
export const parseConfig = (text: string, file: string): Config => configOf(parseFile(text, file), file)

/** What is made of a file that was found good. */
function configOf(data: unknown, file: string): Config {
  const { interval, timeout, watch, kubernetes, ...rest } = data as Times & {
    watch: boolean
    kubernetes?: KubernetesConfig
    [kind: string]: unknown
  }
  const sections = rest as Record<string, readonly Target[] | undefined>
  if (!sections[mail.kind]?.length) sections[mail.kind] = [defaultMail(sections)]
  sections[apiServerProbe.kind] = apiServerOf(kubernetes, sections)
  const checks = probes.flatMap(probe =>
    (sections[probe.kind] ?? []).map(target =>
      toCheck(probe as unknown as Probe, watch ? target : unwatched(target), { interval, timeout }),
    ),
  )
  return {
    file,
    checks,
    mail: sections[mail.kind] as readonly MailTarget[],
    vaults: (sections['vault'] ?? []) as readonly VaultTarget[],
    kubernetes,
  }
}

function parseFile(text: string, file: string): unknown {
  return parseStrictly(
    fileSchema,
    text,
    file,
    (data, problems) => {
      if (isKeys(data)) checkAcross(data, problems.add)
      else if (data !== undefined) problems.add([], noSections(data))
    },
    {
      first: (data, problems) => checkVariables(data, problems.add),
      prepare: data => withAbsolutePaths(data, file),
    },
  )
}

/**
 * Every path is taken from the folder of the file, as Prometheus does it, wherever the exporter was started. A text that
 * comes through a pipe (`/dev/stdin`) has no folder: there it is the working directory.
 */
function withAbsolutePaths(data: unknown, file: string): unknown {
  const absolute = resolve(file)
  const folder = file === '-' || /^\/(?:dev|proc)\//.test(absolute) ? resolve() : dirname(absolute)
  // What is no path stays as it is: the schema says so.
  return mapMarked(fileSchema, data, (text, { path }) =>
    path === true && shapes.path.read(text) !== undefined && !isAbsolute(text) ? join(folder, text) : text,
  )
}

/**
 * A YAML text by a schema. Throws one ConfigError with every problem; `more` adds those the schema cannot see, and `first`
 * those that make what the schema says of the same value beside the point. `prepare` makes of the data of the file what
 * the schema gets.
 */
export function parseStrictly<T extends z.ZodType>(
  schema: T,
  text: string,
  file: string,
  more: (data: unknown, problems: Problems) => void,
  {
    first = () => undefined,
    prepare = data => data,
  }: {
    readonly first?: (data: unknown, problems: Problems) => void
    readonly prepare?: (data: unknown) => unknown
  } = {},
): z.output<T> {
  const source = parseYaml(text)
  const problems = problemsOf(file, source)
  const { data } = source
  const parsed = schema.safeParse(prepare(data), { error: translate })
  first(data, problems)
  if (isKeys(data)) for (const issue of parsed.error?.issues ?? []) problems.addIssue(issue)
  if (source.problems.length === 0) more(data, problems)
  const error = problems.error()
  if (error) throw error
  if (!parsed.success) throw new ConfigError(`${file}:1:1: expected keys with values`)
  return parsed.data
}

const noSections = (data: unknown): string =>
  data === null
    ? 'the file is empty; it needs at least one target, for example under `postgres`'
    : 'expected sections by name, such as `postgres:` with a list of targets below it'

interface Times {
  readonly interval: number
  readonly timeout?: number | undefined
}

const toCheck = (probe: Probe, target: Target, defaults: Times): Check => ({
  ...probe.bind(target),
  target: target.name,
  intervalMs: target.interval ?? defaults.interval,
  timeoutMs: target.timeout ?? defaults.timeout ?? defaultTimeout(probe, target.interval ?? defaults.interval),
  needs: [
    ...new Set(
      referencesIn(target).flatMap(
        ({ vault, kubernetes }) =>
          checkBehind({ kubernetes, vault: vault === undefined ? vault : { target: vault } }) ?? [],
      ),
    ),
  ],
})

/** The API server, where something is read from it: the first Secret stands for all. */
function apiServerOf(
  access: KubernetesConfig | undefined,
  sections: Readonly<Record<string, readonly Target[] | undefined>>,
): KubernetesTarget[] {
  const [secret] = referencesIn(sections).flatMap(({ kubernetes }) => secretIn(kubernetes) ?? [])
  return secret ? [{ name: apiServer, secret, access }] : []
}

function secretIn(keys: Keys | undefined): KubernetesSecret | undefined {
  const { namespace, secret } = keys ?? {}
  if (typeof secret !== 'string') return undefined
  return typeof namespace === 'string' ? { namespace, secret } : { secret }
}
/** Of a probe that takes longer than others, as far as the interval leaves time. */
const defaultTimeout = ({ timeoutMs = 0 }: Probe, intervalMs: number): number =>
  Math.max(defaultTimes.timeout, Math.min(timeoutMs, (intervalMs * 2) / 3))

const unwatched = <T extends Target>(target: T): T => ('watch' in target ? { ...target, watch: false } : target)

/** One path over all targets, for a file that has no `mail` section. */
const defaultMail = (sections: Readonly<Record<string, readonly Target[] | undefined>>): MailTarget => ({
  name: 'default',
  provider: sections['smtp']?.length || !sections['ses']?.length ? 'smtp' : 'ses',
})
