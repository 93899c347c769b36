import type { Shown } from '../../clients/certificates.ts'
import type { SessionFailure } from '../../clients/postgres-errors.ts'
import type { Look } from '../../core/probe.ts'
import type { OutboxTarget } from './target.ts'

/** What the table says. Ages are in seconds by the clock of the server; numbers of rows stop at `limit` + 1. */
export interface OutboxRows {
  readonly pending: number
  /** Undefined if none waits. */
  readonly oldestPendingSeconds: number | undefined
  /** Undefined without `sent`, or if none was sent. */
  readonly lastSentSeconds: number | undefined
  /** Undefined without the key. */
  readonly sending: number | undefined
  readonly oldestSendingSeconds: number | undefined
  readonly failed: number | undefined
  /** A standby answered: it may be behind. */
  readonly standby: boolean
  /** Seconds since the epoch by the clock of the server. */
  readonly now: number
}

export interface OutboxSeen {
  /** Where we connected to: `host:port`. */
  readonly address: string
  /** Why the URL leads nowhere: then nothing was seen. */
  readonly notUnderstood?: string | undefined
  readonly rows?: OutboxRows | undefined
  /** The cost the server expects, and the index that would make it small; undefined if that was not asked or is fine. */
  readonly costly?: { readonly cost: number; readonly index: string } | undefined
  readonly certificates?: Shown | undefined
  readonly failure?: SessionFailure | undefined
}

/** One session, one statement in a read-only transaction. */
export function observe(target: OutboxTarget, _look: Look): Promise<OutboxSeen> {
  return Promise.resolve({ address: target.table, notUnderstood: 'is not looked at yet' })
}
