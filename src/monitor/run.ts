import { isIP } from 'node:net'
import { unlessAborted } from '../core/abort.ts'
import { deadline } from '../core/deadline.ts'
import { Unresolved, codeOf, describeError } from '../core/errors.ts'
import {
  finding,
  type ApiServerAnswer,
  type Check,
  type Finding,
  type KubernetesSecret,
  type Login,
  type LoginWanted,
  type Look,
  type Looked,
  type Observation,
  type Reference,
  type Resolvable,
  type Settings,
  type SettingsSource,
} from '../core/probe.ts'
import type { Sample } from '../core/metric.ts'
import { secretsIn } from '../core/looks-like.ts'
import { commonReason } from '../core/reasons.ts'
import { blot, redactor } from '../core/redact.ts'
import { shaped } from '../core/shape.ts'
import { checkBehind, sourceOf } from '../core/source.ts'
import { withoutOurs, type Lack } from '../core/starved.ts'
import { takeNotes, type Note, type TakeNote } from '../core/transcript.ts'
import { inPlaceOf, wantOf } from '../core/want.ts'

/** A run and the target of its check, by identity. */
export interface Asker {
  readonly check: object
  readonly run: object
}

/**
 * Fetches references. Every call ends with the signal; a failure is an Unresolved that says which and why. What was
 * fetched for somebody else, at most `maxAgeMs` ago (default 0), will do, unless an earlier run of the check has had it.
 * `note` is told what was asked of whom.
 */
export interface References {
  value(reference: Reference, signal: AbortSignal, maxAgeMs?: number, note?: TakeNote, by?: Asker): Promise<string>
  settings(
    source: SettingsSource,
    signal: AbortSignal,
    maxAgeMs?: number,
    note?: TakeNote,
    by?: Asker,
  ): Promise<Settings>
  /** See `Look.apiServer`. Rejects only where the signal ends it. */
  apiServer(
    secret: KubernetesSecret,
    signal: AbortSignal,
    maxAgeMs?: number,
    note?: TakeNote,
    by?: Asker,
  ): Promise<ApiServerAnswer>
  /** See `Look.login`. Never rejects. */
  login(vault: string, signal: AbortSignal, wanted?: LoginWanted, note?: TakeNote): Promise<Login>
}

/** After its deadline a check has this long to say what it had seen so far. */
const windUpMs = 250

/** An observation, and how it came about. */
export interface Ran extends Observation {
  /** Made when it is asked for: of most runs nobody does. */
  readonly transcript: () => readonly Note[]
  /** The deadline cut it off. */
  readonly timedOut: boolean
  /** For so long the exporter itself was held up meanwhile: its event loop was blocked, or its process stopped. */
  readonly heldUpMs: number
}

/** Runs a check once, under one total deadline. Never rejects; undefined when `stop` cut it off: no half-run is recorded. */
export async function run(check: Check, references: References, stop: AbortSignal): Promise<Ran | undefined> {
  const began = performance.now()
  const limit = deadline(check.timeoutMs, stop)
  const { look, phases, unmet, lacks, redact, transcript } = startLook(check, references, limit.signal)
  try {
    if (limit.signal.aborted) return undefined
    const { seen, finding: found } = withoutOurs(await withinDeadline(check, look), lacks)
    // An abort is judged by the signal, not by the clock: what a run cut off by shutdown saw is not evidence.
    if (stop.aborted) return undefined
    const about = { probe: check.probe, target: check.target, config: check.config }
    // As copies: a look that was cut off may still be going on.
    const { verdict } = found
    const samples = found.samples.map(sample => withoutSecrets(sample, redact))
    const finishedAt = Date.now()
    // No difference of wall clock times: the clock may have been set meanwhile.
    const startedAt = finishedAt - Math.round(performance.now() - began)
    const how = { startedAt, finishedAt, phases: { ...phases }, unmet: [...unmet] }
    const timedOut = limit.signal.aborted
    const said = saidWithout(seen, found, redact)
    return {
      ...about,
      ...how,
      verdict,
      samples,
      ...said,
      transcript: transcript(),
      timedOut,
      heldUpMs: limit.heldUpMs(),
    }
  } finally {
    limit.clear()
  }
}

async function withinDeadline(check: Check, look: Look): Promise<Looked> {
  try {
    return await unlessAborted(look.signal, check.look(look), windUpMs)
  } catch (error) {
    return { seen: undefined, finding: notSeen(error, look) }
  } finally {
    if (look.signal.aborted) look.note(describeError(look.signal.reason))
  }
}

function notSeen(error: unknown, look: Look): Finding {
  const text = describeError(error)
  if (!look.signal.aborted) look.failed(error, text)
  const reason =
    error instanceof Unresolved
      ? commonReason('reference_unresolved', text)
      : look.signal.aborted
        ? commonReason('deadline_exceeded', `${describeError(look.signal.reason)} (phase ${look.current})`)
        : commonReason('probe_error', text)
  return finding(text, [reason], [])
}

/** What a look is given, and what it leaves behind. */
export function startLook(check: Check, references: References, signal: AbortSignal) {
  const phases: Record<string, number> = {}
  const redact = redactor()
  const { note, soFar } = takeNotes()
  let current = 'start'
  const took = (phase: string, ms: number): void => {
    phases[phase] = (phases[phase] ?? 0) + ms / 1000
  }
  const unmet = new Set<string>()
  const lacks: Lack[] = []
  const failed: Look['failed'] = (error, text) => {
    const want = wantOf(error)
    if (want) lacks.push({ want, text })
  }
  // The checks of a round take what one of them fetched; the next round of any of them fetches again.
  const maxAgeMs = check.intervalMs / 2
  // Of the target, since a check is copied for each run.
  const by: Asker = { check: check.config, run: phases }
  const fetched = async <T>(
    field: string,
    source: Reference | SettingsSource,
    fetch: (told: TakeNote) => Promise<T>,
  ): Promise<T> => {
    try {
      return await look.phase('references', () => fetch(text => note('references', `${field}: ${text}`)))
    } catch (error) {
      const behind = checkBehind(source)
      if (behind !== undefined) unmet.add(behind)
      const text = `${field}: ${describeError(error)}`
      failed(error, text)
      throw inPlaceOf(new Unresolved(text), error)
    }
  }
  const raw = async (field: string, value: Resolvable): Promise<string> =>
    typeof value === 'object'
      ? fetched(field, value, told => references.value(value, signal, maxAgeMs, told, by))
      : String(value)
  const conceal = (secret: string): void => secretsIn(secret).forEach(redact.add)
  const look: Look = {
    signal,
    timeoutMs: check.timeoutMs,
    get current() {
      return current
    },
    took,
    conceal,
    note: text => note(current, text),
    failed,
    async text(field, value, shape) {
      const text = await raw(field, value)
      // Whatever it is instead, it may be a secret.
      if (shape.read(text) === undefined) conceal(text)
      return shaped(`${field}: ${sourceOf(value)}`, text, shape)
    },
    async secret(field, value) {
      const secret = await raw(field, value)
      conceal(secret)
      return secret
    },
    settings: (field, source) =>
      fetched(field, source, told => references.settings(source, signal, maxAgeMs, told, by)),
    async apiServer(secret) {
      const asked = (): Promise<ApiServerAnswer> => references.apiServer(secret, signal, maxAgeMs, look.note, by)
      const answer = await look.phase('secret', asked)
      failed(answer, answer.text)
      return answer
    },
    async login(vault, wanted) {
      const login = await look.phase('login', () => references.login(vault, signal, wanted, look.note))
      if (login.token !== undefined) redact.add(login.token)
      if (login.failure) failed(login.failure, login.failure.text)
      // What it logs in with comes out of what the target itself needs.
      if (login.failure?.kind === 'unresolved') for (const id of check.needs) unmet.add(id)
      return login
    },
    async phase(name, work) {
      current = name
      const from = performance.now()
      const ended = (how: string): void => {
        const ms = performance.now() - from
        took(name, ms)
        note(name, `${how} after ${ms.toFixed(1)} ms`)
      }
      try {
        const result = await work()
        ended('done')
        return result
      } catch (error) {
        // Without its text, which a probe may have to keep to itself.
        const code = codeOf(error)
        ended(signal.aborted ? 'cut off' : code === undefined ? 'failed' : `failed with ${code}`)
        throw error
      }
    },
  }
  const transcript = (): (() => readonly Note[]) => {
    const read = soFar()
    return () => read(redact.text)
  }
  return { look, phases, unmet, lacks, redact: redact.text, transcript }
}

/** Of the labels only a version is a text of a server; what the others can be is known, or of the configuration. */
const withoutSecrets = (sample: Sample, redact: (text: string) => string): Sample =>
  sample.labels['version'] === undefined
    ? sample
    : { ...sample, labels: { ...sample.labels, version: redact(sample.labels['version']) } }

/** Codes and verdicts stay: somebody's password may be "postgres". */
const saidWithout = (seen: unknown, { evidence, reasons }: Finding, redact: (text: string) => string) => ({
  seen: blotted(seen, redact),
  evidence: redact(evidence),
  reasons: reasons.map(reason => ({ ...reason, text: redact(reason.text), remedy: redact(reason.remedy) })),
})

/**
 * By addresses, numbers, times and words what checks saw of one server is compared, or judged later. So they stay, also where
 * somebody's password is `streaming`, `2026` or the address itself; but not a number that is the secret as a whole.
 */
function withoutSecret(text: string, redact: (text: string) => string): string {
  const clean = redact(text)
  const isNumber = /^[\dA-FT.:-]{1,40}$/.test(text) && clean !== blot
  return isIP(text) !== 0 || isNumber || /^[a-z_]{1,20}$/.test(text) ? text : clean
}

/** No probe sees anything near it, unless it repeats what a server sent. */
const maxDepth = 200

/** A copy in which every text is without the secrets; what is no plain object stays as it is, and what is too deep goes. */
function blotted<T>(value: T, redact: (text: string) => string, depth?: number): T
function blotted(value: unknown, redact: (text: string) => string, depth = 0): unknown {
  if (typeof value === 'string') return withoutSecret(value, redact)
  if (depth > maxDepth) return undefined
  if (Array.isArray(value)) return value.map(item => blotted(item as unknown, redact, depth + 1))
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, blotted(item as unknown, redact, depth + 1)]),
  )
}
