import type { Shown } from '../../clients/certificates.ts'
import type { SessionFailure } from '../../clients/postgres-errors.ts'
import type { Look } from '../../core/probe.ts'
import type { PgbouncerTarget } from './target.ts'

/** A database of PgBouncer: a row of `show databases`, with its pools. https://www.pgbouncer.org/usage.html */
export interface PgbouncerDatabase {
  readonly name: string
  /** Where it leads; null is a Unix socket. */
  readonly host: string | null
  readonly port: number | undefined
  readonly paused: boolean
  readonly disabled: boolean
  /** Clients with a server connection, and clients that wait for one, of all its pools. */
  readonly active: number
  readonly waiting: number
  /** How long the client that waits longest has waited, in seconds. */
  readonly maxWaitSeconds: number
  readonly servers: readonly PgbouncerServer[]
}

/** The server connections of one database to one address (`show servers`). */
export interface PgbouncerServer {
  readonly address: string
  readonly port: number | undefined
  readonly connections: number
  /** Of them, those that are being opened: no login yet. */
  readonly connecting: number
}

export interface PgbouncerSeen {
  readonly address: string
  /** Why the URL leads nowhere: then nothing was seen. */
  readonly notUnderstood?: string | undefined
  readonly databases?: readonly PgbouncerDatabase[] | undefined
  readonly version?: string | undefined
  readonly certificates?: Shown | undefined
  readonly failure?: SessionFailure | undefined
}

/** One session on the console: show databases, show pools, show servers. */
export async function observe(_target: PgbouncerTarget, look: Look): Promise<PgbouncerSeen> {
  await look.phase('query', () => undefined)
  return { address: 'url' }
}
