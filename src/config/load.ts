import { dirname, isAbsolute, join, resolve } from 'node:path'
import type { Aside } from '../core/aside.ts'
import type { Check, Probe, Target } from '../core/probe.ts'
import type { KubernetesSecret } from '../core/reference.ts'
import { shapes } from '../core/shape.ts'
import { apiServer, checkBehind } from '../core/source.ts'
import { canary } from '../probes/canary/index.ts'
import type { CanaryTarget, Way } from '../probes/canary/target.ts'
import { dns } from '../probes/dns/index.ts'
import type { DnsTarget } from '../probes/dns/target.ts'
import { kubernetes as apiServerProbe } from '../probes/kubernetes/index.ts'
import type { KubernetesTarget } from '../probes/kubernetes/target.ts'
import { firstProvider, mail, type MailTarget } from '../probes/mail/index.ts'
import { probes } from '../probes/index.ts'
import type { SesTarget } from '../probes/ses/target.ts'
import type { SmtpTarget } from '../probes/smtp/target.ts'
import type { VaultTarget } from '../probes/vault/target.ts'
import { checkAcross, referencesIn } from './across.ts'
import { readText, type Reading } from '../yaml/read-text.ts'
import { isKeys, parseStrictly, type Keys } from '../yaml/strict.ts'
import { mapMarked } from '../fields/marked.ts'
import { defaultInterval, defaultTimes, fileSchema, type KubernetesConfig } from './schema.ts'
import { checkVariables } from './variables.ts'

/** A configuration that is valid as a whole. */
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
 * Reads a file again and again, and returns the part of it that is wanted. It is the same object, at no cost, while the
 * text is that of the last valid one.
 */
export function configReader(
  file: string,
  reading: Reading & { readonly signal: AbortSignal },
  partOf: (whole: Config) => Config,
): (aside: Aside) => Promise<Config> {
  let last: { readonly text: string; readonly config: Config } | undefined
  return async aside => {
    const text = await readText(file, '--config.file', reading)
    if (text === last?.text) return last.config
    const config = partOf(configOf(await aside(configTask, [text, file], reading.signal), file))
    last = { text, config }
    return config
  }
}

/** Parses a text. The name of the file appears in messages, and relative paths start at its folder. */
export const parseConfig = (text: string, file: string): Config => configOf(parseFile(text, file), file)

/** Turns the data of a valid file into checks. */
function configOf(data: unknown, file: string): Config {
  const { interval, timeout, watch, kubernetes, ...rest } = data as Times & {
    watch: boolean
    kubernetes?: KubernetesConfig
    [kind: string]: unknown
  }
  const sections = rest as Sections
  if (!sections[mail.kind]?.length) sections[mail.kind] = [defaultMail(sections)]
  sections[canary.kind] = withWays(sections)
  sections[dns.kind] = withSystems(sections)
  sections[apiServerProbe.kind] = apiServerOf(kubernetes, sections)
  const checks = probes.flatMap(probe =>
    (sections[probe.kind] ?? []).map(target =>
      toCheck(probe, watch ? target : unwatched(target), { interval, timeout }),
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
 * Relative paths start at the folder of the file, as in Prometheus, wherever the exporter was started. A text from a
 * pipe (`/dev/stdin`) has no folder; then it is the working directory.
 */
function withAbsolutePaths(data: unknown, file: string): unknown {
  const absolute = resolve(file)
  const folder = file === '-' || /^\/(?:dev|proc)\//.test(absolute) ? resolve() : dirname(absolute)
  // A text that is no path stays as it is: the schema reports it.
  return mapMarked(fileSchema, data, (text, { path }) =>
    path === true && shapes.path.read(text) !== undefined && !isAbsolute(text) ? join(folder, text) : text,
  )
}

const noSections = (data: unknown): string =>
  data === null
    ? 'the file is empty; it needs at least one target, for example under `postgres`'
    : 'expected sections by name, such as `postgres:` with a list of targets below it'

/** The targets of the file, by kind. */
type Sections = Record<string, readonly Target[] | undefined>

interface Times {
  readonly interval: number
  readonly timeout?: number | undefined
}

function toCheck(probe: Probe, target: Target, defaults: Times): Check {
  const intervalMs = target.interval ?? defaultInterval(probe, defaults.interval)
  return {
    ...probe.bind(target),
    target: target.name,
    intervalMs,
    timeoutMs: target.timeout ?? defaults.timeout ?? defaultTimeout(probe, intervalMs),
    needs: [...new Set(referencesIn(ownOf(probe, target)).flatMap(found => checkBehind(found) ?? []))],
  }
}

/** What a target reads itself. A domain only knows by which relay and SES its mail leaves. */
const ownOf = ({ kind }: Probe, target: Target): Target =>
  kind === dns.kind ? { ...target, ...({ relay: undefined, account: undefined } satisfies Partial<DnsTarget>) } : target

/** The API server, if something is read from it. The first Secret stands for all. */
function apiServerOf(access: KubernetesConfig | undefined, sections: Sections): KubernetesTarget[] {
  const [secret] = referencesIn(sections).flatMap(({ kubernetes }) => secretIn(kubernetes) ?? [])
  return secret ? [{ name: apiServer, secret, access }] : []
}

function secretIn(keys: Keys | undefined): KubernetesSecret | undefined {
  const { namespace, secret } = keys ?? {}
  if (typeof secret !== 'string') return undefined
  return typeof namespace === 'string' ? { namespace, secret } : { secret }
}

/** The default of the probe, as far as the interval leaves time for it. */
const defaultTimeout = ({ timeoutMs = 0 }: Probe, intervalMs: number): number =>
  Math.max(defaultTimes.timeout, Math.min(timeoutMs, (intervalMs * 2) / 3))

const unwatched = <T extends Target>(target: T): T => (target.watch ? { ...target, watch: false } : target)

const byName = (targets: readonly Target[] = []): ReadonlyMap<string | undefined, Target> =>
  new Map(targets.map(target => [target.name, target]))

/** Canaries with the target that each leaves by: its relay and its login are those of the canary, too. */
function withWays(sections: Sections): CanaryTarget[] | undefined {
  const [relays, accounts] = [byName(sections['smtp']), byName(sections['ses'])]
  const wayOf = ({ smtp, ses }: CanaryTarget): Way | undefined => {
    const relay = relays.get(smtp)
    if (relay) return { kind: 'smtp', target: relay as SmtpTarget }
    const account = accounts.get(ses)
    return account && { kind: 'ses', target: account as SesTarget }
  }
  const canaries = sections[canary.kind] as readonly CanaryTarget[] | undefined
  return canaries?.map(target => ({ ...target, way: wayOf(target) }))
}

/** Targets of `dns` with the relay and the SES that they name. */
function withSystems(sections: Sections): DnsTarget[] | undefined {
  const [relays, accounts] = [byName(sections['smtp']), byName(sections['ses'])]
  const targets = sections[dns.kind] as readonly DnsTarget[] | undefined
  return targets?.map(target => ({
    ...target,
    relay: relays.get(target.smtp) as SmtpTarget | undefined,
    account: accounts.get(target.ses) as SesTarget | undefined,
  }))
}

/** The mail path over all targets, for a file without a `mail` section. */
const defaultMail = (sections: Sections): MailTarget => ({
  name: 'default',
  provider: firstProvider(kind => (sections[kind]?.length ?? 0) > 0),
})
