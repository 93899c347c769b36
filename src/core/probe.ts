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
import { withSubject } from './subject.ts'
import type { TakeNote } from './transcript.ts'
import { wantOf, type Want } from './want.ts'

/** As in monitoring plugins: exit codes 0 1 2 3. */
export const verdicts = ['ok', 'warn', 'fail', 'unknown'] as const
export type Verdict = (typeof verdicts)[number]
export const exitCode = (verdict: Verdict): number => verdicts.indexOf(verdict)

const weight: Record<Verdict, number> = { ok: 0, warn: 1, unknown: 2, fail: 3 }
/** Sorts worst first: fail, unknown, warn, ok. */
export const byVerdict = (a: Verdict, b: Verdict): number => weight[b] - weight[a]
export const worst = (list: readonly Verdict[]): Verdict => [...list].sort(byVerdict)[0] ?? 'ok'

/** How soon somebody should act. */
export const severities = ['critical', 'high', 'medium', 'low'] as const
export type Severity = (typeof severities)[number]

/** An entry of a probe's closed list of reasons. */
export interface ReasonSpec {
  readonly verdict: Exclude<Verdict, 'ok'>
  /** When it is `fail` instead. Completes "fail if". */
  readonly failsIf?: string
  readonly severity: Severity
  /** What it means, for the documentation. */
  readonly meaning: string
  /** What to do about it. */
  readonly remedy: string
}

/** A reason that holds now, with the evidence in one line without secrets. */
export interface Reason<Code extends string = string> {
  readonly code: Code
  readonly verdict: Exclude<Verdict, 'ok'>
  readonly severity: Severity
  readonly text: string
  readonly remedy: string
  /** The check to fix instead: this reason is only a consequence. Set by the assessment. */
  readonly because?: string | undefined
  /** What the exporter was short of, and the system's error: for `exporter_starved` only. */
  readonly want?: Want | undefined
}

/** What an info metric says of the certificate that a server showed as its own. It names its labels. */
export const certificateLabels = [
  'fingerprint_sha256',
  'subject',
  'issuer',
  'subjectalternative',
  'serialnumber',
] as const
export type CertificateLabels = Readonly<Record<(typeof certificateLabels)[number], string>>

/** What a probe concludes from what it saw. The verdict follows from the reasons: without any it is ok. */
export interface Finding<Code extends string = string, Name extends string = string> {
  readonly verdict: Verdict
  /** Worst first. */
  readonly reasons: readonly Reason<Code>[]
  /** What was seen, in one line. */
  readonly evidence: string
  readonly samples: readonly Sample<Name>[]
  /** The certificate that the target showed. */
  readonly certificate?: CertificateLabels | undefined
}

/** What a probe may use while it looks. Everything ends with the signal. */
export interface Look {
  readonly signal: AbortSignal
  readonly timeoutMs: number
  /** How often the check runs. */
  readonly intervalMs: number
  /**
   * A plain value of the configuration, in the form in which it is used; a reference is fetched now. Throws Unresolved,
   * also if the value has the wrong shape. The error has the field and what was expected, never the value.
   */
  text<T>(field: string, value: Resolvable, shape: Shape<T>): Promise<T>
  /** The same for a secret, which from then on is blotted out of all output of the run. */
  secret(field: string, value: Resolvable): Promise<string>
  /** Registers a secret that was found inside another value (the password of a URL). */
  conceal(secret: string): void
  /** All settings of an application, by name. Throws Unresolved. */
  settings(field: string, source: SettingsSource): Promise<Settings>
  /**
   * A token of this `vault` target, good for one request, or with `uses: 0` only what is known of it. A token from a
   * login is shared by all; it is never the token `refused`.
   */
  login(vault: string, wanted?: LoginWanted): Promise<Login>
  /** How the API server of Kubernetes answers for a Secret: from another check of this round, or asked now. */
  apiServer(secret: KubernetesSecret): Promise<ApiServerAnswer>
  /** Times a step, and names it if it fails. */
  phase<T>(name: string, work: () => Promise<T> | T): Promise<T>
  /** Records how long a step took that was timed elsewhere. */
  took(phase: string, ms: number): void
  /** Adds to the transcript of the run, without the run's secrets; even so, no secret belongs here. */
  readonly note: TakeNote
  /**
   * Records a failure. If a shortage of the exporter is the cause, findings that contain `text` do not count against
   * the target. `failureOf` calls it, and so does everything that a look fetches.
   */
  failed(error: unknown, text: string): void
  /** The step under way: where a failure happened. */
  readonly current: string
}

/** The same look, which ends with this signal. */
export const endingWith = (signal: AbortSignal, look: Look): Look => ({
  ...look,
  signal,
  get current() {
    return look.current
  },
})

/** Every entry of the configuration has these. Times are in milliseconds. */
export interface Target {
  readonly name: string
  readonly interval?: number | undefined
  readonly timeout?: number | undefined
  /** The cluster of Postgres that it belongs to, or is compared with. */
  readonly cluster?: string | undefined
  /** Whether it is watched between runs. Undefined if its probe cannot watch. */
  readonly watch?: boolean | undefined
}

/** A kind of check. `observe` does all I/O and holds no policy; `judge` is pure and holds all policy. */
export interface Probe<T extends Target = Target, Seen = unknown, Kind extends string = string> {
  readonly kind: Kind
  readonly summary: string
  /** Default timeout of a run. If left out: 5 s. A short interval makes it shorter. */
  readonly timeoutMs?: number
  /** Default interval of a check, if that of the file is not longer. If left out: that of the file. */
  readonly intervalMs?: number
  readonly metrics: Readonly<Record<string, Metric>>
  readonly reasons: Readonly<Record<string, ReasonSpec>>
  /** An expected failure (refused, 535, sealed) is part of what was seen; throws if it could not look. */
  observe(target: T, look: Look): Promise<Seen>
  judge(seen: Seen, target: T): Finding
  /**
   * How long after this look another one may find more, in milliseconds, if that is before the interval is over. Pure. It is
   * asked after each run, so only the next moment counts. Default: never.
   */
  againInMs?(seen: Seen, target: T): number | undefined
  /** Checks whose last answers its look uses (`ses/app`). A single round of all checks runs it after them. Default: none. */
  after?(target: T): readonly string[]
  /** How its targets are watched between runs, if they can be. */
  readonly watch?: WatchSpec<T, Seen> | undefined
  /**
   * Takes over what is remembered of a target from the one of the same name in a configuration before. Its check may go on with
   * that one: then other checks may hold the new one, so what is remembered belongs to both from then on.
   */
  inherit?(before: T, target: T): void
  /** The check of one target. */
  bind(target: T): BoundLook
}

/** A probe with a list of targets in the file; `target` is the schema of an entry. */
export interface ListedProbe<T extends Target = Target, Seen = unknown, Kind extends string = string> extends Probe<
  T,
  Seen,
  Kind
> {
  readonly target: z.ZodType<T>
}

/** A connection that is held open at a target, costs it no work, and ends when the target goes down or restarts. */
export interface Watch<Seen = never> {
  /** Resolves when it has ended, on either side. Never rejects. */
  readonly ended: Promise<void>
  /** Ends it politely. */
  close(): Promise<void>
  /** Returns what a run would see, without a login of its own; undefined if that failed. */
  ask?(look: Look): Promise<Seen | undefined>
}

/**
 * What a run means for a watch: `open`, the target lets us in; `closed`, it does not, and an open watch could only
 * delay its shutdown; `no_room`, it accepts no other login, and needs our place; `in_the_way`, it has no room for the run
 * because of the watch.
 */
export type WatchStance = 'open' | 'closed' | 'no_room' | 'in_the_way'

interface WatchSpec<T, Seen> {
  /** Whether the configuration asks for it. */
  wanted(target: T): boolean
  stance(seen: Seen): WatchStance
  /** Ends with the look's signal, which lives as long as the watch. */
  open(target: T, look: Look): Promise<Watch<Seen>>
  /** How long after a login runs may ask the watch instead, in milliseconds. Default: never. */
  trusted?(target: T): number
}

/** A probe bound to a target: its types are gone, and it can only be run. */
interface BoundLook {
  readonly probe: string
  readonly config: Target
  /** See `Probe`. Some of them may not be in the plan (`check --only`). */
  readonly after?: readonly string[]
  /** Set if the target is to be watched. */
  readonly watch?: BoundWatch | undefined
  /** Takes over what is remembered of the target of a check with the same name. */
  inherit?(before: Target): void
  look(look: Look): Promise<Looked>
}

export interface Looked {
  readonly seen: unknown
  readonly finding: Finding
  /** When to look again, out of turn: in milliseconds from now. */
  readonly againInMs?: number | undefined
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

/** A finding with the check, the time and the duration. */
export interface Observation extends Finding {
  readonly probe: string
  readonly target: string
  readonly config: Target
  /** What the probe saw; read it through `seenBy`. Undefined if it could not look. */
  readonly seen: unknown
  /** Milliseconds since the epoch. */
  readonly startedAt: number
  readonly finishedAt: number
  readonly phases: Readonly<Record<string, number>>
  /** The `needs` of the check that did not give the values asked for. */
  readonly unmet: readonly string[]
}

/** The name of a check: `probe/target`. */
export const checkId = (check: { readonly probe: string; readonly target: string }): string =>
  `${check.probe}/${check.target}`

/**
 * A probe as its author writes it. All types follow from `observe`, `metrics` and `reasons`. A finding with a metric or
 * a reason of another probe does not compile.
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

/** Defines a probe that has one target, which follows from the rest of the file. */
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
    const looked = (seen: Seen): Looked => ({
      seen,
      finding: probe.judge(seen, target),
      againInMs: probe.againInMs?.(seen, target),
    })
    return {
      probe: probe.kind,
      config: target,
      after: probe.after?.(target) ?? [],
      watch: probe.watch?.wanted(target) ? boundWatch(probe.watch, target, looked) : undefined,
      // A check of the same name is of the same kind.
      inherit: before => probe.inherit?.(before as T, target),
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

/** What was seen, with the types of its probe; undefined for another probe's observation, or if nothing was seen. */
export function seenBy<T extends Target, Seen>(
  probe: Probe<T, Seen>,
  observation: Observation | undefined,
): { readonly seen: Seen; readonly target: T } | undefined {
  if (observation?.probe !== probe.kind || observation.seen === undefined) return undefined
  // `bind` removed the types; this restores them.
  return { seen: observation.seen as Seen, target: observation.config as T }
}

/** Returns a function that makes reasons of a closed list only. It returns the `Reason` of its probe. */
export const reasonsOf =
  <Code extends string>(specs: Readonly<Record<Code, ReasonSpec>>) =>
  (code: Code, text: string, remedy?: string, verdict?: 'fail'): Reason<Code> => ({
    code,
    verdict: verdict ?? specs[code].verdict,
    severity: specs[code].severity,
    text,
    remedy: remedy ?? specs[code].remedy,
  })

/** The finding that follows from reasons: as bad as the worst of them, and ok without any. */
export function finding<Code extends string = never, Name extends string = never>(
  evidence: string,
  reasons: readonly Reason<Code>[],
  samples: readonly Sample<Name>[],
  certificate?: CertificateLabels,
): Finding<Code, Name> {
  const sorted = [...reasons].sort((a, b) => byVerdict(a.verdict, b.verdict))
  return {
    verdict: worst(reasons.map(r => r.verdict)),
    reasons: sorted,
    evidence: sorted[0]?.text ?? evidence,
    samples,
    certificate,
  }
}

/** What failed, where and why, as a fact for `judge`. The subject (an address) begins the line. */
export function failureOf(error: unknown, look: Look, subject: string): Failure {
  const timedOut = look.signal.aborted
  const cause = describeError(timedOut ? look.signal.reason : error)
  const text = `${withSubject(subject, cause)} (phase ${look.current})`
  const want = timedOut ? undefined : wantOf(error)
  if (want) look.failed(error, text)
  return { phase: look.current, code: codeOf(error), text, timedOut, want }
}
