import { readFile } from 'node:fs/promises'
import type { z } from 'zod'
import { ConfigError, codeOf, seconds } from '../core/errors.ts'
import { checkId, type Check, type Probe, type Reference, type Target } from '../core/probe.ts'
import { mail, type MailTarget } from '../probes/mail/index.ts'
import { probes } from '../probes/index.ts'
import type { VaultTarget } from '../probes/vault/index.ts'
import { fileSchema, type KubernetesConfig } from './schema.ts'
import { parseYaml, type Path, type Source } from './yaml.ts'

/** A configuration that was found good as a whole. */
export interface Config {
  readonly file: string
  readonly checks: readonly Check[]
  readonly mail: readonly MailTarget[]
  readonly vaults: readonly VaultTarget[]
  readonly kubernetes: KubernetesConfig | undefined
}

const maxBytes = 1_048_576

/** Reads and checks a file. Throws one ConfigError with every problem, each as `file:line:col: path: message`. */
export async function loadConfig(file: string): Promise<Config> {
  const bytes = await readFile(file).catch((error: unknown) => {
    throw new ConfigError(`${file}: ${unreadable(error)}`)
  })
  if (bytes.length > maxBytes) throw new ConfigError(`${file}: larger than 1 MiB; this is not a configuration file`)
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new ConfigError(`${file}: not UTF-8 text; save the file as UTF-8`)
  }
  return parseConfig(text, file)
}

const unreadable = (error: unknown): string => {
  switch (codeOf(error)) {
    case 'ENOENT':
      return 'there is no such file; give its path with --config.file'
    case 'EISDIR':
      return 'is a directory; give the path of a file with --config.file'
    case 'EACCES':
      return 'permission denied; let the user the exporter runs as read it'
    default:
      return `cannot be read (${codeOf(error) ?? 'unknown error'})`
  }
}

/** The same for a text. The file's name only stands in messages. */
export function parseConfig(text: string, file: string): Config {
  const source = parseYaml(text)
  const problems = new Problems(file, source)
  if (source.problems.length > 0) problems.fail()
  if (source.data === null || source.data === undefined)
    problems.add([], 'the file is empty; it needs at least one target, for example under `postgres`')
  problems.fail()

  const parsed = fileSchema.safeParse(source.data, { error: translate })
  if (!parsed.success) for (const issue of parsed.error.issues) problems.addIssue(issue)
  problems.fail()

  const { interval, timeout, kubernetes, ...rest } = parsed.data as {
    interval: number
    timeout: number
    kubernetes?: KubernetesConfig
    [kind: string]: unknown
  }
  const sections = rest as Record<string, readonly Target[] | undefined>
  if (probes.every(probe => !sections[probe.kind]?.length))
    problems.add([], `there is no target; give at least one under ${probes.map(p => p.kind).join(', ')}`)
  checkNames(sections, problems)
  checkTimes(sections, { interval, timeout }, problems)
  checkMailLists(sections, problems)
  checkVaultReferences(sections, kubernetes, problems)
  problems.fail()

  if (!sections[mail.kind]?.length) sections[mail.kind] = [defaultMail(sections)]
  const checks = probes.flatMap(probe =>
    (sections[probe.kind] ?? []).map(target => toCheck(probe as unknown as Probe, target, { interval, timeout })),
  )
  return {
    file,
    checks,
    mail: sections[mail.kind] as readonly MailTarget[],
    vaults: (sections['vault'] ?? []) as readonly VaultTarget[],
    kubernetes,
  }
}

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
      referencesIn(target).flatMap(({ reference: { vault } }) =>
        vault ? [checkId({ probe: 'vault', target: vault.target })] : [],
      ),
    ),
  ],
})

/** One path over all targets, for a file that has no `mail` section. */
const defaultMail = (sections: Readonly<Record<string, readonly Target[] | undefined>>): MailTarget => ({
  name: 'default',
  provider: sections['smtp']?.length || !sections['ses']?.length ? 'smtp' : 'ses',
})

function checkNames(sections: Readonly<Record<string, readonly Target[] | undefined>>, problems: Problems): void {
  for (const [kind, targets = []] of Object.entries(sections)) {
    const first = new Map<string, number>()
    targets.forEach((target, index) => {
      const earlier = first.get(target.name)
      if (earlier !== undefined)
        problems.add(
          [kind, index, 'name'],
          `the name "${target.name}" is taken by ${kind}[${earlier}]; names are unique within a section`,
        )
      else first.set(target.name, index)
    })
  }
}

function checkTimes(
  sections: Readonly<Record<string, readonly Target[] | undefined>>,
  defaults: Times,
  problems: Problems,
): void {
  const wrong = (timeout: number, interval: number): string =>
    `the timeout (${seconds(timeout)}) must be less than the interval (${seconds(interval)})`
  if (defaults.timeout >= defaults.interval) problems.add(['timeout'], wrong(defaults.timeout, defaults.interval))
  for (const [kind, targets = []] of Object.entries(sections))
    targets.forEach((target, index) => {
      const { interval = defaults.interval, timeout = defaults.timeout } = target
      const own = target.timeout !== undefined ? 'timeout' : target.interval !== undefined ? 'interval' : undefined
      if (own && timeout >= interval) problems.add([kind, index, own], wrong(timeout, interval))
    })
}

function checkMailLists(sections: Readonly<Record<string, readonly Target[] | undefined>>, problems: Problems): void {
  const paths = (sections[mail.kind] ?? []) as readonly MailTarget[]
  paths.forEach((path, index) => {
    for (const kind of ['write_path', 'smtp', 'ses', 'settings', 'packages'] as const)
      path[kind]?.forEach((name, at) => {
        const names = (sections[kind] ?? []).map(target => target.name)
        if (!names.includes(name))
          problems.add(
            [mail.kind, index, kind, at],
            `there is no ${kind} target "${name}"; ${knownTargets(kind, names)}`,
          )
      })
  })
}

const knownTargets = (kind: string, names: readonly string[]): string =>
  names.length === 0 ? `the file has no ${kind} targets` : `known are ${names.map(name => `"${name}"`).join(', ')}`

function checkVaultReferences(
  sections: Readonly<Record<string, readonly Target[] | undefined>>,
  kubernetes: KubernetesConfig | undefined,
  problems: Problems,
): void {
  const names = (sections['vault'] ?? []).map(target => target.name)
  for (const { path, reference } of referencesIn({ ...sections, kubernetes })) {
    if (!reference.vault) continue
    const at = [...path, 'vault', 'target']
    if (!names.includes(reference.vault.target))
      problems.add(at, `there is no vault target "${reference.vault.target}"; ${knownTargets('vault', names)}`)
    if (path[0] === 'vault')
      problems.add(
        at,
        'what is needed to talk to a Vault cannot come out of a Vault; use env, file, dotenv or kubernetes',
      )
  }
}

/** Every reference below a value of the config, with its path. */
function referencesIn(value: unknown, path: Path = []): { path: Path; reference: Reference }[] {
  if (typeof value !== 'object' || value === null) return []
  const own = 'vault' in value && !Array.isArray(value.vault) ? [{ path, reference: value as Reference }] : []
  return [
    ...own,
    ...Object.entries(value).flatMap(([key, child]) =>
      referencesIn(child, [...path, Array.isArray(value) ? Number(key) : key]),
    ),
  ]
}

/** Collects problems and throws them all at once. */
class Problems {
  readonly #lines: { position: string; text: string }[] = []
  readonly #file: string
  readonly #source: Source
  constructor(file: string, source: Source) {
    this.#file = file
    this.#source = source
    this.#lines.push(...source.problems)
  }

  add(path: Path, message: string): void {
    this.#push(this.#source.position(path), path, message)
  }

  addIssue(issue: z.core.$ZodIssue, prefix: Path = []): void {
    const path = [...prefix, ...issue.path]
    if (issue.code === 'invalid_union') for (const inner of likeliest(issue.errors)) this.addIssue(inner, path)
    else if (issue.code === 'unrecognized_keys')
      this.#push(this.#source.keyPosition([...path, issue.keys[0] ?? '']), path, issue.message)
    else this.add(path, issue.message)
  }

  #push(position: string, path: Path, message: string): void {
    const where = path
      .map((key, i) => (typeof key === 'number' ? `[${key}]` : `${i > 0 ? '.' : ''}${String(key)}`))
      .join('')
    this.#lines.push({ position, text: where === '' ? message : `${where}: ${message}` })
  }

  /** Throws if there is any problem so far. */
  fail(): void {
    if (this.#lines.length === 0) return
    const order = (position: string): number => Number(position.split(':')[0]) * 1e6 + Number(position.split(':')[1])
    const sorted = [...this.#lines].sort((a, b) => order(a.position) - order(b.position))
    throw new ConfigError(sorted.map(line => `${this.#file}:${line.position}: ${line.text}`).join('\n'))
  }
}

/** The issues of the branch that was meant: the one whose type fits. */
function likeliest(branches: readonly (readonly z.core.$ZodIssue[])[]): readonly z.core.$ZodIssue[] {
  const fits = branches.find(issues => !issues.some(issue => issue.code === 'invalid_type' && issue.path.length === 0))
  return fits ?? branches[0]?.slice(0, 1) ?? []
}

const kinds: Record<string, string> = {
  object: 'a section with keys',
  array: 'a list',
  string: 'text',
  number: 'a number',
  boolean: 'true or false',
}

/** Zod's issue as a sentence. Never quotes the value: it may be a secret. */
function translate(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.code === 'invalid_type')
    return issue.input === undefined ? 'is missing' : `expected ${kinds[issue.expected] ?? issue.expected}`
  if (issue.code === 'invalid_value') return `expected one of ${issue.values.map(String).join(', ')}`
  if (issue.code === 'too_small') return 'must not be empty'
  return undefined
}
