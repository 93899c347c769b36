import type * as z from 'zod'
import { describeError, codeOf, type Failure } from './errors.ts'
import type { Metric, Sample } from './metric.ts'
import type {
  ApiServerAnswer,
  KubernetesSecret,
  Login,
  LoginWanted,
  Resolvable,
  Settings,
  SettingsSource,
} from './reference.ts'
import type { Shape } from './shape.ts'
import type { TakeNote } from './transcript.ts'
import { wantOf, type Want } from './want.ts'

/** As monitoring plugins have it: the exit codes are 0 1 2 3. */
export const verdicts = ['ok', 'warn', 'fail', 'unknown'] as const
export type Verdict = (typeof verdicts)[number]
export const exitCode = (verdict: Verdict): number => verdicts.indexOf(verdict)

const weight: Record<Verdict, number> = { ok: 0, warn: 1, unknown: 2, fail: 3 }
/** Sorts worst first: a proven failure before something unknown, before a warning. */
export const byVerdict = (a: Verdict, b: Verdict): number => weight[b] - weight[a]
export const worst = (list: readonly Verdict[]): Verdict => [...list].sort(byVerdict)[0] ?? 'ok'

/** How soon somebody should act. */
export const severities = ['critical', 'high', 'medium', 'low'] as const
export type Severity = (typeof severities)[number]

/** An entry of a probe's closed list of reasons. */
export interface ReasonSpec {
  readonly verdict: Exclude<Verdict, 'ok'>
  readonly severity: Severity
  /** What it means, for the documentation. */
  readonly meaning: string
  /** What to do about it. */
  readonly remedy: string
}

/** A reason that holds now, with the evidence in one line that never holds a secret. */
export interface Reason<Code extends string = string> {
  readonly code: Code
  readonly verdict: Exclude<Verdict, 'ok'>
  readonly severity: Severity
  readonly text: string
  readonly remedy: string
  /** The check of the system that is to be mended instead: this is only a consequence. Set by the assessment. */
  readonly because?: string | undefined
  /** What the exporter was short of, and what the system said: of `exporter_starved` only. */
  readonly want?: Want | undefined
}

/** What a probe concludes from what was seen. The verdict follows from the reasons: none, and it is ok. */
export interface Finding<Code extends string = string, Name extends string = string> {
  readonly verdict: Verdict
  /** Worst first. */
  readonly reasons: readonly Reason<Code>[]
  /** What was seen, in one line. */
  readonly evidence: string
  readonly samples: readonly Sample<Name>[]
}

/** What a probe may use while it looks: everything ends with the signal. */
export interface Look {
  readonly signal: AbortSignal
  readonly timeoutMs: number
  /**
   * A plain value of the config, fetched now if it is a reference, in the form in which it is used. Throws Unresolved,
   * also where it has not the shape: that error has the field and what was expected, and never the value.
   */
  text<T>(field: string, value: Resolvable, shape: Shape<T>): Promise<T>
  /** The same for a secret, which from then on is blotted out of everything the run says. */
  secret(field: string, value: Resolvable): Promise<string>
  /** Names a secret that was found inside another value (the password of a URL). */
  conceal(secret: string): void
  /** All settings of an application, by name. Throws Unresolved. */
  settings(field: string, source: SettingsSource): Promise<Settings>
  /**
   * The token of the `vault` target named, for one request, or with `uses: 0` only to learn what is known of it. One that
   * comes of a login is shared by all; it is another than the token `refused`.
   */
  login(vault: string, wanted?: LoginWanted): Promise<Login>
  /** How the API server of Kubernetes answers for a Secret: as another check of this round has heard, or asked now. */
  apiServer(secret: KubernetesSecret): Promise<ApiServerAnswer>
  /** Times a step, and names it when it fails. */
  phase<T>(name: string, work: () => Promise<T> | T): Promise<T>
  /** Records how long a step took that was timed elsewhere. */
  took(phase: string, ms: number): void
  /**
   * Adds to the transcript of the run: what was said, or what came back. Every secret the run knows at its end is blotted
   * out of it; even so, nothing that is a secret belongs here.
   */
  readonly note: TakeNote
  /**
   * Says that something failed. Where the exporter itself was short of something, and that is why, nothing that has `text` in
   * it is held against the target. `failureOf` does it, and so does whatever is fetched by a look.
   */
  failed(error: unknown, text: string): void
  /** The step under way: where a failure happened. */
  readonly current: string
}

/** What every config entry has. Times are in milliseconds. */
export interface Target {
  readonly name: string
  readonly interval?: number | undefined
  readonly timeout?: number | undefined
  /** The cluster of Postgres that it belongs to, or is compared with. */
  readonly cluster?: string | undefined
  /** Whether it is watched between runs. Undefined where its probe cannot. */
  readonly watch?: boolean | undefined
}

/** A kind of look. `observe` does all of the I/O and holds no policy; `judge` is pure and holds all of it. */
export interface Probe<T extends Target = Target, Seen = unknown, Kind extends string = string> {
  readonly kind: Kind
  readonly summary: string
  /** Total time of a run where the configuration says nothing. Default: 5 s. A short interval makes it shorter. */
  readonly timeoutMs?: number
  readonly metrics: Readonly<Record<string, Metric>>
  readonly reasons: Readonly<Record<string, ReasonSpec>>
  /** An expected failure (refused, 535, sealed) is part of what was seen; throws when it could not look. */
  observe(target: T, look: Look): Promise<Seen>
  judge(seen: Seen, target: T): Finding
  /** How its targets are watched between runs, where they can be. */
  readonly watch?: WatchSpec<T, Seen> | undefined
  /** The check of one target. */
  bind(target: T): BoundLook
}

/** A probe whose targets stand in a list of the file; `target` is the schema of an entry. */
export interface ListedProbe<T extends Target = Target, Seen = unknown, Kind extends string = string> extends Probe<
  T,
  Seen,
  Kind
> {
  readonly target: z.ZodType<T>
}

/** Something that is held open at a target, costs it no work, and ends when the target goes down or restarts. */
export interface Watch<Seen = never> {
  /** Resolves when it has ended, on either side. Never rejects. */
  readonly ended: Promise<void>
  /** Says goodbye. */
  close(): Promise<void>
  /** What a run would see, asked here instead of after a login of its own; undefined where that came to nothing. */
  ask?(look: Look): Promise<Seen | undefined>
}

/**
 * What a run says of a watch: `open`, the target lets us in; `closed`, it does not, and what is open there could only be
 * in the way of its shutdown; `no_room`, it lets nobody in, and has better use for what we hold; `in_the_way`, it has no
 * room for the run, and will have it without the watch.
 */
export type WatchStance = 'open' | 'closed' | 'no_room' | 'in_the_way'

interface WatchSpec<T, Seen> {
  /** Whether the configuration asks for it. */
  wanted(target: T): boolean
  stance(seen: Seen): WatchStance
  /** Ends with the look's signal, which lives as long as the watch. */
  open(target: T, look: Look): Promise<Watch<Seen>>
  /** For how long after a login runs may ask the watch instead of logging in, in milliseconds. Default: they never do. */
  trusted?(target: T): number
}

/** A probe bound to a target: its types are gone, it can only be run. */
interface BoundLook {
  readonly probe: string
  readonly config: Target
  /** Set where the target is to be watched. */
  readonly watch?: BoundWatch | undefined
  look(look: Look): Promise<Looked>
}

export interface Looked {
  readonly seen: unknown
  readonly finding: Finding
}

interface BoundWatch {
  readonly trustedMs: number
  stance(seen: unknown): WatchStance
  open(look: Look): Promise<Watch<Looked>>
}

export interface Check extends BoundLook {
  readonly target: string
  readonly intervalMs: number
  readonly timeoutMs: number
  /** The checks of the systems that this one takes references from: `vault/vault-01`, `kubernetes/api-server`. */
  readonly needs: readonly string[]
}

/** A finding with who, when and how long. */
export interface Observation extends Finding {
  readonly probe: string
  readonly target: string
  readonly config: Target
  /** What the probe saw; read it through `seenBy`. Undefined where it could not look. */
  readonly seen: unknown
  /** Milliseconds since the epoch. */
  readonly startedAt: number
  readonly finishedAt: number
  readonly phases: Readonly<Record<string, number>>
  /** Those of the check's `needs` that did not give what was to be taken from them. */
  readonly unmet: readonly string[]
}

/** The name of a check: `probe/target`. */
export const checkId = (check: { readonly probe: string; readonly target: string }): string =>
  `${check.probe}/${check.target}`

/**
 * A probe as its author writes it. All types follow from `observe`, `metrics` and `reasons`. A finding with a metric or a
 * reason of another probe does not compile.
 */
interface Written<T extends Target, Seen, Kind extends string, Code extends string, Name extends string> extends Omit<
  Probe<T, Seen, Kind>,
  'bind'
> {
  readonly metrics: Readonly<Record<string, Metric<string, Name>>>
  readonly reasons: Readonly<Record<Code, ReasonSpec>>
  judge(seen: Seen, target: T): Finding<NoInfer<Code>, NoInfer<Name>>
}

export const defineProbe = <
  T extends Target,
  Seen,
  const Kind extends string,
  Code extends string = never,
  Name extends string = never,
>(
  probe: Written<T, Seen, Kind, Code, Name> & Pick<ListedProbe<NoInfer<T>>, 'target'>,
): ListedProbe<T, Seen, Kind> => ({ ...probe, bind: bindingOf(probe) })

/** A probe whose one target is in no list, but follows from the rest of the file. */
export const defineImplied = <
  T extends Target,
  Seen,
  const Kind extends string,
  Code extends string = never,
  Name extends string = never,
>(
  probe: Written<T, Seen, Kind, Code, Name>,
): Probe<T, Seen, Kind> => ({ ...probe, bind: bindingOf(probe) })

const bindingOf =
  <T extends Target, Seen>(probe: Omit<Probe<T, Seen>, 'bind'>) =>
  (target: T): BoundLook => {
    const looked = (seen: Seen): Looked => ({ seen, finding: probe.judge(seen, target) })
    return {
      probe: probe.kind,
      config: target,
      watch: probe.watch?.wanted(target) ? boundWatch(probe.watch, target, looked) : undefined,
      look: async look => looked(await probe.observe(target, look)),
    }
  }

const boundWatch = <T, Seen>(spec: WatchSpec<T, Seen>, target: T, looked: (seen: Seen) => Looked): BoundWatch => ({
  trustedMs: spec.trusted?.(target) ?? 0,
  stance: seen => spec.stance(seen as Seen),
  async open(look) {
    const watch = await spec.open(target, look)
    return {
      ended: watch.ended,
      close: () => watch.close(),
      async ask(run) {
        const seen = await watch.ask?.(run)
        return seen === undefined ? undefined : looked(seen)
      },
    }
  },
})

/** The facts of an observation with the types of its probe; undefined for another probe's, or where nothing was seen. */
export function seenBy<T extends Target, Seen>(
  probe: Probe<T, Seen>,
  observation: Observation | undefined,
): { readonly seen: Seen; readonly target: T } | undefined {
  if (observation?.probe !== probe.kind || observation.seen === undefined) return undefined
  // Here the types come back that `bind` took away.
  return { seen: observation.seen as Seen, target: observation.config as T }
}

/**
 * A function that makes the reasons of a closed list, so that no code outside of it can be written. What it returns is the
 * `Reason` of its probe.
 */
export const reasonsOf =
  <Code extends string>(specs: Readonly<Record<Code, ReasonSpec>>) =>
  (code: Code, text: string, remedy?: string): Reason<Code> => ({
    code,
    verdict: specs[code].verdict,
    severity: specs[code].severity,
    text,
    remedy: remedy ?? specs[code].remedy,
  })

/** The finding that follows from reasons: ok where there are none, else as bad as the worst of them. */
export function finding<Code extends string = never, Name extends string = never>(
  evidence: string,
  reasons: readonly Reason<Code>[],
  samples: readonly Sample<Name>[],
): Finding<Code, Name> {
  const sorted = [...reasons].sort((a, b) => byVerdict(a.verdict, b.verdict))
  return {
    verdict: worst(reasons.map(r => r.verdict)),
    reasons: sorted,
    evidence: sorted[0]?.text ?? evidence,
    samples,
  }
}

/** What went wrong, where and why, as a fact for `judge`. The subject (an address) begins the line. */
export function failureOf(error: unknown, look: Look, subject: string): Failure {
  const timedOut = look.signal.aborted
  const cause = describeError(timedOut ? look.signal.reason : error)
  const line = cause.startsWith(subject) ? cause : `${subject}: ${cause}`
  const text = `${line} (phase ${look.current})`
  const want = timedOut ? undefined : wantOf(error)
  if (want) look.failed(error, text)
  return { phase: look.current, code: codeOf(error), text, timedOut, want }
}
