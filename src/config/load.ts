import type * as z from 'zod'
import { readBeginning } from '../clients/files.ts'
import { ConfigError, codeOf } from '../core/errors.ts'
import { checkId, type Check, type Probe, type Target } from '../core/probe.ts'
import { mail, type MailTarget } from '../probes/mail/index.ts'
import { probes } from '../probes/index.ts'
import type { VaultTarget } from '../probes/vault/index.ts'
import { checkAcross, isKeys, referencesIn } from './across.ts'
import { problemsOf, translate, type Problems } from './problems.ts'
import { fileSchema, type KubernetesConfig } from './schema.ts'
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

export const maxBytes = 1_048_576

/** Reads and checks a file. Throws one ConfigError with every problem, each as `file:line:col: path: message`. */
export async function loadConfig(file: string): Promise<Config> {
  return parseConfig(await readText(file, '--config.file'), file)
}

/** A file that is not too large, as text. Throws a ConfigError that names the flag it was given by. */
export async function readText(file: string, flag: string): Promise<string> {
  const bytes = await readBeginning(file, maxBytes).catch((error: unknown) => {
    throw new ConfigError(`${file}: ${unreadable(error, flag)}`)
  })
  if (bytes.length > maxBytes) throw new ConfigError(`${file}: larger than 1 MiB; this is not a configuration file`)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new ConfigError(`${file}: not UTF-8 text; save the file as UTF-8`)
  }
}

const unreadable = (error: unknown, flag: string): string => {
  switch (codeOf(error) ?? '') {
    case 'ENOENT':
      return `there is no such file; give its path with ${flag}`
    case 'EISDIR':
      return `is a directory; give the path of a file with ${flag}`
    case 'EACCES':
      return 'permission denied; let the user the exporter runs as read it'
    default:
      return `cannot be read (${codeOf(error) ?? 'unknown error'})`
  }
}

/** The same for a text. The file's name only stands in messages. */
export function parseConfig(text: string, file: string): Config {
  const data = parseFile(text, file)
  const { interval, timeout, watch, kubernetes, ...rest } = data as Times & {
    watch: boolean
    kubernetes?: KubernetesConfig
    [kind: string]: unknown
  }
  const sections = rest as Record<string, readonly Target[] | undefined>
  if (!sections[mail.kind]?.length) sections[mail.kind] = [defaultMail(sections)]
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

const parseFile = (text: string, file: string): unknown =>
  parseStrictly(
    fileSchema,
    text,
    file,
    (data, problems) => {
      if (isKeys(data)) checkAcross(data, problems.add)
      else if (data !== undefined) problems.add([], noSections(data))
    },
    (data, problems) => checkVariables(data, problems.add),
  )

/**
 * A YAML text by a schema. Throws one ConfigError with every problem; `more` adds those the schema cannot see, and `first`
 * those that make what the schema says of the same value beside the point.
 */
export function parseStrictly<T extends z.ZodType>(
  schema: T,
  text: string,
  file: string,
  more: (data: unknown, problems: Problems) => void,
  first: (data: unknown, problems: Problems) => void = () => undefined,
): z.output<T> {
  const source = parseYaml(text)
  const problems = problemsOf(file, source)
  const { data } = source
  const parsed = schema.safeParse(data, { error: translate })
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
  readonly timeout: number
}

const toCheck = (probe: Probe, target: Target, defaults: Times): Check => ({
  ...probe.bind(target),
  target: target.name,
  intervalMs: target.interval ?? defaults.interval,
  timeoutMs: target.timeout ?? defaults.timeout,
  needs: [
    ...new Set(
      referencesIn(target).flatMap(({ vault }) =>
        vault === undefined ? [] : [checkId({ probe: 'vault', target: vault })],
      ),
    ),
  ],
})

const unwatched = <T extends Target>(target: T): T => ('watch' in target ? { ...target, watch: false } : target)

/** One path over all targets, for a file that has no `mail` section. */
const defaultMail = (sections: Readonly<Record<string, readonly Target[] | undefined>>): MailTarget => ({
  name: 'default',
  provider: sections['smtp']?.length || !sections['ses']?.length ? 'smtp' : 'ses',
})
