import type { Verdict } from '../../src/core/probe.ts'

/** What must be seen of a fault, within one interval and one deadline. */
export interface Expectation {
  /** Of the mail path. */
  readonly verdict: Verdict
  /** `probe/target reason_code` of the root blocker; left out where there is none (ok, warn). */
  readonly root?: string
  /** `probe/target reason_code` of reasons that must hold, on a check or (probe `cluster`) a cluster. */
  readonly reasons?: readonly string[]
  /** Of reasons that are only consequences: the check (`probe/target`) they must name as their cause. */
  readonly because?: Readonly<Record<string, string>>
  /** The same for reasons that must not hold. */
  readonly not?: readonly string[]
  /** Series as they stand in the exposition, with their value, be it `any`; null where the series must not be there. */
  readonly samples?: Readonly<Record<string, ExpectedValue>>
}

export type ExpectedValue = number | 'any' | null

/** A row of the matrix: something that breaks on a real component, and what the exporter must say of it. */
export interface Fault<S extends Stage = Stage> {
  /** `SMTP relay: refused`, unique. */
  readonly name: string
  readonly inject: (stage: S) => Promise<void>
  readonly seen: Expectation
  /** What cannot be told of it, and why; for the documentation. */
  readonly hidden?: string | undefined
  /** What else must be true while it holds, such as on the server itself. Rejects where it is not. */
  readonly meanwhile?: (stage: S) => Promise<void>
  /** A first step of healing, and what must be seen after it. Half healed is not ok: that must not be seen meanwhile. */
  readonly halfway?: { readonly step: (stage: S) => Promise<void>; readonly seen: Expectation }
  /** Undoes it; left out where the `heal` of the stage does. */
  readonly heal?: (stage: S) => Promise<void>
  /** Why it cannot be run here (a server is missing, not root); undefined where it can. */
  readonly skip?: string | undefined
}

/** Real servers and the configuration over them; healthy after the start and after every `heal`. */
export interface Stage {
  /** The configuration as YAML; interval and timeout are the runner's to set. */
  readonly config: string
  /** The environment that `{env: …}` references are resolved in. It may change while the exporter runs. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** Texts that must be in no output of the exporter while a fault holds. */
  readonly secrets?: readonly string[]
  readonly heal: () => Promise<void>
  readonly stop: () => Promise<void>
}

/** In milliseconds; what is promised of a fault is one of each. */
export interface Times {
  readonly intervalMs: number
  readonly timeoutMs: number
}

/** Faults that are injected into the same servers, one after the other. */
export interface Area<S extends Stage = Stage> {
  readonly name: string
  readonly start: () => Promise<S>
  readonly faults: readonly Fault<S>[]
  /** What the mail path is on a healthy stage. Default: ok. */
  readonly healthy?: Verdict
  /** Of the exporter; longer than those of the runner for a stage so large that a busy machine is late with it. */
  readonly times?: Times
}
