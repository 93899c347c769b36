import { Unresolved, codeOf, describeError } from '../core/errors.ts'
import type {
  ApiServerAnswer,
  Check,
  KubernetesSecret,
  Login,
  LoginWanted,
  Look,
  Reference,
  Resolvable,
  Settings,
  SettingsSource,
} from '../core/probe.ts'
import { secretsIn } from '../core/looks-like.ts'
import { redactor } from '../core/redact.ts'
import { shaped } from '../core/shape.ts'
import { checkBehind, sourceOf } from '../core/source.ts'
import type { Lack } from '../core/starved.ts'
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
