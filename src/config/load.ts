import { dirname, isAbsolute, join, resolve } from 'node:path'
import type { Aside } from '../core/aside.ts'
import type { Check, KubernetesSecret, Probe, Target } from '../core/probe.ts'
import { shapes } from '../core/shape.ts'
import { apiServer, checkBehind } from '../core/source.ts'
import { kubernetes as apiServerProbe, type KubernetesTarget } from '../probes/kubernetes/index.ts'
import { firstProvider, mail, type MailTarget } from '../probes/mail/index.ts'
import { probes } from '../probes/index.ts'
import type { VaultTarget } from '../probes/vault/index.ts'
import { checkAcross, referencesIn } from './across.ts'
import { readText, type Reading } from '../yaml/read-text.ts'
import { isKeys, parseStrictly, type Keys } from '../yaml/strict.ts'
import { mapMarked } from '../fields/marked.ts'
import { defaultTimes, fileSchema, type KubernetesConfig } from './schema.ts'
import { checkVariables } from './variables.ts'

/** A configuration that was found good as a whole. */
export interface Config {
  readonly file: string
  readonly checks: readonly Check[]
  readonly mail: readonly MailTarget[]
  readonly vaults: readonly VaultTarget[]
  readonly kubernetes: KubernetesConfig | undefined
}

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
  provider: firstProvider(kind => (sections[kind]?.length ?? 0) > 0),
})
