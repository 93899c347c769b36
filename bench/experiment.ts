/** What is measured, against whom, and what is good enough. */
import type { Servers } from './stage/servers.ts'

export type Unit = 'req/s' | 'ms' | 's' | 'kB' | 'MB' | '%' | ''

/** `ratio`: of ours to the peer's. `value`: of ours, in its unit. */
export interface Goal {
  readonly kind: 'ratio' | 'value'
  readonly bound: number
}

/** A line of the page, before it is measured. */
export interface Line {
  readonly what: string
  readonly unit: Unit
  readonly better: 'higher' | 'lower'
  /** Who is measured, where it is not the exporter. */
  readonly subject?: string
  readonly peer?: string
  readonly goal?: Goal
}

/** What was measured of it, each time. */
interface Measured {
  readonly ours: readonly number[]
  readonly peer?: readonly number[]
}

/** Something that is plotted against the number of targets. */
export interface Curve {
  readonly what: string
  readonly unit: Unit
  readonly points: readonly { readonly targets: number; readonly value: number }[]
}

export interface Outcome<Key extends string = string> {
  readonly lines: Readonly<Record<Key, Measured>>
  /** What a reader should know of the figures: sizes, counts. */
  readonly notes?: readonly string[]
  readonly curves?: readonly Curve[]
  /** What could not be measured, and why. The rest counts. */
  readonly failed?: readonly string[]
}

export interface Stage {
  readonly servers: Servers
  /** Shorter runs and fewer of them: to try, not to publish. */
  readonly quick: boolean
}

/** One measurement and the lines that come of it. */
export interface Experiment<Key extends string = string> {
  /** Names its file of results, and what `--only` looks for. */
  readonly id: string
  readonly title: string
  /** How it is measured, for one who wants to do it again or doubts it. */
  readonly how: string
  /** What is not installed, and how to install it. */
  readonly missing?: () => string | undefined
  readonly lines: Readonly<Record<Key, Line>>
  measure(stage: Stage): Promise<Outcome<Key>>
}

/** Keeps the keys of the lines and of what is measured the same. */
export const experiment = <Key extends string>(one: Experiment<Key>): Experiment<Key> => one
