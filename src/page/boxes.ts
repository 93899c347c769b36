import type { Verdict } from '../core/probe.ts'

/** A box of the picture: the application, a node, a relay, a Vault. */
export interface Box {
  /** `probe/target` of its check, or another unique name. */
  readonly id: string
  readonly name: string
  readonly verdict: Verdict
  readonly detail: string
  readonly tag: string | undefined
  /** More tags, such as `holds the lock`. */
  readonly marks?: readonly string[]
  /** What is behind it: the servers of a balancer. */
  readonly rows?: readonly Row[]
}

/** A line in a box. */
export interface Row {
  readonly name: string
  readonly tag: string | undefined
  readonly detail: string
}

/** A line from a box to others: from a write path to the nodes it lands on, from a Vault to its users. */
export interface Link {
  readonly from: Box
  /** The boxes on the way, such as a HAProxy. Without any it is left out. */
  readonly through?: readonly Box[]
  readonly to: readonly Box[]
}

/** Links that share an end. Without links, the application itself leads to `to`. */
export interface Join {
  readonly links: readonly Link[]
  readonly to: readonly { readonly box: Box; readonly link: Verdict }[]
}
