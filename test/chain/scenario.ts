/** What a scenario of the chain is: what is broken, and who is to hear what of it. */
import type { Stage } from './stage.ts'

/** A firing alert as a receiver is to get it. */
export interface Expected {
  readonly to: 'pager' | 'tickets-mail' | 'tickets-database' | 'tickets-platform' | 'log'
  readonly alert: string
  /** Some of its labels. */
  readonly labels?: Readonly<Record<string, string>>
  /** What is in its summary and description: for a person to know what to do. */
  readonly says?: readonly string[]
}

export interface Step {
  readonly does: string
  readonly inject: (stage: Stage) => Promise<void> | void
  /** What is heard of it, besides what was heard before, which goes on. */
  readonly heard: readonly Expected[]
  /** Alerts that fire and are not heard of, by name, with the alert that silences them. */
  readonly silenced?: Readonly<Record<string, string>>
  /** PromQL; the step lasts until it gives something: for what is to change nothing. */
  readonly until?: string
}

export interface Scenario {
  readonly name: string
  /** 2: a pair of exporters, watched by a Prometheus of its own. */
  readonly exporters: 1 | 2
  /** Whether it is among the tests: all of them take three minutes. */
  readonly tested: boolean
  /** What is heard in all of them is exactly this, besides what {@link isOfTheRun}. */
  readonly steps: readonly Step[]
  /** Names of alerts that may be heard as well: a few seconds without a server are at this speed as long as minutes. */
  readonly passing?: readonly string[]
}

/**
 * What follows from the scenarios together, and may be heard in each of them: that there was a failover of late, and
 * that so many outages in a row leave nothing of the error budget, which is a ticket.
 */
export const isOfTheRun = ({ alertname, severity }: Readonly<Record<string, string>>): boolean =>
  alertname === 'MailWatchdog' ||
  alertname === 'MailPostgresFailover' ||
  (alertname === 'MailErrorBudgetBurn' && severity === 'warning')
