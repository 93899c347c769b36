import { Unresolved, codeOf, describeError } from '../core/errors.ts'
import type { Check, Look } from '../core/probe.ts'
import type {
  ApiServerAnswer,
  KubernetesSecret,
  Login,
  LoginWanted,
  Reference,
  Resolvable,
  Settings,
  SettingsSource,
} from '../core/reference.ts'
import { secretsIn } from '../core/looks-like.ts'
import { redactor } from '../core/redact.ts'
import { shaped } from '../core/shape.ts'
import { checkBehind, sourceOf } from '../core/source.ts'
import type { Lack } from '../core/starved.ts'
import { takeNotes, type Note, type TakeNote } from '../core/transcript.ts'
import { inPlaceOf, wantOf } from '../core/want.ts'

/** Who asks for a reference: a run, and the target of its check. Both are compared by identity. */
export interface Asker {
  readonly check: object
  readonly run: object
}

/** How a reference is fetched. */
export interface Fetching {
  /** A value that was fetched for another check at most this many milliseconds ago is used again. Default: 0. */
  readonly maxAgeMs?: number | undefined
  /** Gets what was asked, and of which server. */
  readonly note?: TakeNote | undefined
  /** What a run of a check was given once, no later run of that check is given again. */
  readonly by?: Asker | undefined
}

/** Fetches references. Every call ends with the signal. A failure is an Unresolved that says which reference, and why. */
export interface References {
  value(reference: Reference, signal: AbortSignal, fetching?: Fetching): Promise<string>
  settings(source: SettingsSource, signal: AbortSignal, fetching?: Fetching): Promise<Settings>
  /** See `Look.apiServer`. Rejects only where the signal ends it. */
  apiServer(secret: KubernetesSecret, signal: AbortSignal, fetching?: Fetching): Promise<ApiServerAnswer>
  /** See `Look.login`. Never rejects. */
  login(vault: string, signal: AbortSignal, wanted?: LoginWanted, note?: TakeNote): Promise<Login>
}

/** What a run gives to the look of its probe, and what it reads after it. */
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
  // All checks of a round share what one of them fetched. The next round fetches again. The target stands for the check,
  // since the check is copied for each run.
  const shared: Fetching = { maxAgeMs: check.intervalMs / 2, by: { check: check.config, run: phases } }
  const fetched = async <T>(
    field: string,
    source: Reference | SettingsSource,
    fetch: (fetching: Fetching) => Promise<T>,
  ): Promise<T> => {
    try {
      return await look.phase('references', () =>
        fetch({ ...shared, note: text => note('references', `${field}: ${text}`) }),
      )
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
      ? fetched(field, value, fetching => references.value(value, signal, fetching))
      : String(value)
  const conceal = (secret: string): void => secretsIn(secret).forEach(redact.add)
  const look: Look = {
    signal,
    timeoutMs: check.timeoutMs,
    intervalMs: check.intervalMs,
    get current() {
      return current
    },
    took,
    conceal,
    note: text => note(current, text),
    failed,
    async text(field, value, shape) {
      const text = await raw(field, value)
      // A value of the wrong shape may be a secret.
      if (shape.read(text) === undefined) conceal(text)
      return shaped(`${field}: ${sourceOf(value)}`, text, shape)
    },
    async secret(field, value) {
      const secret = await raw(field, value)
      conceal(secret)
      return secret
    },
    settings: (field, source) => fetched(field, source, fetching => references.settings(source, signal, fetching)),
    async apiServer(secret) {
      const fetching = { ...shared, note: look.note }
      const answer = await look.phase('secret', () => references.apiServer(secret, signal, fetching))
      failed(answer, answer.text)
      return answer
    },
    async login(vault, wanted) {
      const login = await look.phase('login', () => references.login(vault, signal, wanted, look.note))
      if (login.token !== undefined) redact.add(login.token)
      if (login.failure) failed(login.failure, login.failure.text)
      // The exporter logs in with what the check needs: any of that may be missing.
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
        // Not the text of the error: a probe may have to keep it back.
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
