import { oneLine, seconds } from '../core/errors.ts'
import { visible } from '../core/shown.ts'
import { canary } from '../probes/canary/index.ts'
import { mail, providers } from '../probes/mail/index.ts'
import { listedProbes, systemProbes } from '../probes/index.ts'
import { vaultAuths } from '../probes/vault/target.ts'
import { duration } from '../fields/index.ts'
import { mapMarked } from '../fields/marked.ts'
import { nearest } from '../yaml/nearest.ts'
import type { Problems } from '../yaml/problems.ts'
import { defaultInterval, defaultTimes, fileSchema } from './schema.ts'
import { isKeys, type Keys } from '../yaml/strict.ts'
import type { Path } from '../yaml/parse.ts'

type Add = Problems['add']

/** Each takes memory for as long as the process lives. */
const maxTargets = 10_000

/** The rules between entries. They read the raw file and skip what only the schema can report. */
export function checkAcross(file: Keys, add: Add): void {
  const kinds = systemProbes.filter(probe => 'target' in probe).map(probe => probe.kind)
  const isEmpty = (section: unknown): boolean =>
    section === undefined || (Array.isArray(section) && section.length === 0)
  if (kinds.every(kind => isEmpty(file[kind])))
    add([], `there is no target; give at least one under ${kinds.join(', ')}`)
  const targets = listedProbes.reduce((sum, { kind }) => sum + entriesOf(file, kind).length, 0)
  if (targets > maxTargets)
    add([], `has ${targets} targets, and one exporter takes ${maxTargets}; divide them among several files`)
  checkNames(file, add)
  checkTimes(file, add)
  checkNamed(file, add)
  checkReferences(file, add)
  checkFallbacks(file, add)
  checkCanaries(file, add)
}

interface Entry {
  readonly path: Path
  readonly keys: Keys
  readonly name: string | undefined
}

function entriesOf(file: Keys, kind: string): Entry[] {
  const section = file[kind]
  if (!Array.isArray(section)) return []
  return section.flatMap((keys: unknown, index) =>
    isKeys(keys) ? [{ path: [kind, index], keys, name: textOf(keys['name']) }] : [],
  )
}

function checkNames(file: Keys, add: Add): void {
  for (const { kind } of listedProbes) {
    const first = new Map<string, Path>()
    for (const { path, name } of entriesOf(file, kind)) {
      if (name === undefined) continue
      // Names that look alike would be one series.
      const earlier = first.get(visible(name))
      if (!earlier) first.set(visible(name), path)
      else
        add(
          [...path, 'name'],
          `${quoted(name)} is the name of ${kind}[${String(earlier[1])}] already; a name stands for one target of a section`,
        )
    }
  }
}

function checkTimes(file: Keys, add: Add): void {
  const own = timesOf(file)
  const every = { interval: own.interval ?? defaultTimes.interval, timeout: own.timeout ?? defaultTimes.timeout }
  const check = (path: Path, { interval, timeout }: Times, probe: { readonly intervalMs?: number } = {}): void => {
    const set = timeout !== undefined ? 'timeout' : interval !== undefined ? 'interval' : undefined
    const times = {
      interval: interval ?? defaultInterval(probe, every.interval),
      timeout: timeout ?? every.timeout,
    }
    if (set && times.timeout >= times.interval)
      add(
        [...path, set],
        `the timeout (${seconds(times.timeout)}) must be less than the interval (${seconds(times.interval)})`,
      )
  }
  check([], own)
  for (const probe of listedProbes)
    for (const { path, keys } of entriesOf(file, probe.kind)) check(path, timesOf(keys), probe)
}

/** Without a target of its own, the way that an application falls back to would count as none. */
function checkFallbacks(file: Keys, add: Add): void {
  for (const { path, keys } of entriesOf(file, mail.kind)) {
    const { fallback, provider = 'smtp' } = keys
    if (typeof fallback !== 'string' || !isProvider(fallback)) continue
    const said =
      fallback === provider
        ? `is the provider itself; name the other one, or none`
        : entriesOf(file, fallback).length === 0
          ? `needs a target under ${fallback}, or it is not known whether mail can leave that way`
          : undefined
    if (said !== undefined) add([...path, 'fallback'], said)
  }
}

/** A canary that leaves by another way than the mail of the application proves nothing of that mail. */
function checkCanaries(file: Keys, add: Add): void {
  const canaries = new Map(entriesOf(file, canary.kind).map(({ name, keys }) => [name, keys]))
  for (const provider of providers) {
    const there = new Set(textsOf(file, provider))
    for (const { path, keys } of entriesOf(file, mail.kind)) {
      if (!Array.isArray(keys[provider])) continue
      const ways = new Set<unknown>(keys[provider])
      for (const [index, name] of listOf(keys[canary.kind]).entries()) {
        const way = textOf(canaries.get(textOf(name))?.[provider])
        if (way !== undefined && there.has(way) && !ways.has(way))
          add(
            [...path, canary.kind, index],
            `it leaves by ${provider} ${quoted(way)}, which this mail path does not name; add that to its ${provider}, or take the canary out`,
          )
      }
    }
  }
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

const isProvider = (text: string): boolean => providers.some(provider => provider === text)

interface Times {
  readonly interval: number | undefined
  readonly timeout: number | undefined
}

const anyDuration = duration('')
const timesOf = (keys: Keys): Times => ({
  interval: anyDuration.safeParse(keys['interval']).data,
  timeout: anyDuration.safeParse(keys['timeout']).data,
})

/** Limits the work: a file could have any number of wrong names, each compared with all that exist. */
const maxCompared = 10_000
const maxKnownShown = 10

/** Every name that a field with a mark refers to has to exist. */
function checkNamed(file: Keys, add: Add): void {
  const known = new Map<string, ReadonlySet<string>>()
  const knownOf = (names: string): ReadonlySet<string> => {
    const found = known.get(names) ?? new Set(textsOf(file, names))
    known.set(names, found)
    return found
  }
  let compared = 0
  mapMarked(fileSchema, file, (text, { names, orNone }, path) => {
    const there = names === undefined ? undefined : knownOf(names)
    if (names === undefined || !there || there.has(text) || (orNone === true && there.size === 0)) return text
    compared += there.size
    const meant = compared <= maxCompared ? nearest(text, there) : undefined
    add(path, noSuch(names, text, there, meant))
    return text
  })
}

/** The texts that a mark such as `smtp` or `postgres.cluster` refers to. */
function textsOf(file: Keys, names: string): string[] {
  const [kind = '', key = 'name'] = names.split('.')
  return entriesOf(file, kind).flatMap(({ keys }) => textOf(keys[key]) ?? [])
}

function noSuch(names: string, text: string, known: ReadonlySet<string>, meant: string | undefined): string {
  const [kind = '', key] = names.split('.')
  const none =
    key === undefined
      ? `there is no ${kind} target ${quoted(text)}`
      : `there is no ${key} ${quoted(text)} among the ${kind} targets`
  if (known.size === 0) return `${none}; the file has no ${kind} targets`
  if (meant !== undefined && known.size === 1) return `${none}; did you mean ${quoted(meant)}?`
  const shown = firstOf(known, maxKnownShown).map(quoted).join(', ')
  const more = known.size > maxKnownShown ? ` and ${known.size - maxKnownShown} more` : ''
  return `${none}; ${meant === undefined ? '' : `did you mean ${quoted(meant)}? `}known are ${shown}${more}`
}

/** The first values, without reading all the others for each wrong name. */
function firstOf<T>(values: Iterable<T>, count: number): T[] {
  const first: T[] = []
  for (const value of values) {
    if (first.length >= count) break
    first.push(value)
  }
  return first
}

const quoted = (name: string): string => `"${oneLine(name)}"`

function checkReferences(file: Keys, add: Add): void {
  const vaults = new Map(entriesOf(file, 'vault').map(({ name, keys }) => [name, keys]))
  const settings = isKeys(file['kubernetes']) ? file['kubernetes'] : {}
  const outside = ['url', 'kubeconfig'].find(key => settings[key] !== undefined)
  for (const [section, value] of Object.entries(file))
    for (const { path, vault, kubernetes } of referencesIn(value, [section])) {
      if (section === 'kubernetes' && (vault || kubernetes))
        add(
          path,
          'what is needed to talk to Kubernetes cannot come out of Kubernetes or a Vault; use env, file, credential, dotenv or ini',
        )
      else if (section === 'vault' && vault)
        add(
          path,
          'what is needed to talk to a Vault cannot come out of a Vault; use env, file, credential, dotenv, ini or kubernetes',
        )
      else if (vault) {
        const at = [...path, 'vault', 'target']
        const keys = vaults.get(vault.target)
        if (keys && vaultAuths.every(auth => keys[auth] === undefined))
          add(
            at,
            `the vault target ${quoted(vault.target)} has no token to read it with; give it one of ${vaultAuths.join(', ')}`,
          )
      } else if (kubernetes && outside !== undefined && kubernetes['namespace'] === undefined)
        add(
          [...path, 'kubernetes', 'namespace'],
          `is missing; it has a default only inside of a cluster, and kubernetes.${outside} is set`,
        )
    }
}

interface Found {
  readonly path: Path
  /** The `vault` target it names. */
  readonly vault: { readonly target: string } | undefined
  /** The Secret it names. */
  readonly kubernetes: Keys | undefined
}

/** Every reference to Vault or Kubernetes within a value of the configuration. */
export function referencesIn(value: unknown, path: Path = []): Found[] {
  if (Array.isArray(value)) return value.flatMap((item: unknown, index) => referencesIn(item, [...path, index]))
  if (!isKeys(value)) return []
  const below = Object.entries(value).flatMap(([key, child]) => referencesIn(child, [...path, key]))
  const { vault, kubernetes } = value
  const target = isKeys(vault) ? textOf(vault['target']) : undefined
  // A login at Vault through Kubernetes names no Secret.
  const secret = isKeys(kubernetes) && kubernetes['secret'] !== undefined ? kubernetes : undefined
  const named = target === undefined ? undefined : { target }
  return named || secret ? [{ path, vault: named, kubernetes: secret }, ...below] : below
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)
