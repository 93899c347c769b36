import type { Endpoint } from '../clients/postgres-url/plan.ts'
import type { Line } from './yaml.ts'

/** A place where an application writes to Postgres. */
export interface Database {
  /** The setting that says so. */
  readonly key: string
  /** Keys of its write path, without name and cluster. */
  readonly lines: readonly Line[]
  readonly notes: readonly string[]
  /** Where it leads. Only for comparisons. */
  readonly endpoints: readonly Endpoint[]
  /** Keys with which any node can be logged in to; undefined if they are not known. */
  readonly login: NodeLogin | undefined
}

export interface NodeLogin {
  /** `pg_settings` and `password` of a node. */
  readonly lines: readonly Line[]
  /** The query of its URL. */
  readonly query: string
}
