import { receivesWal } from '../../probes/postgres/judge.ts'
import { byAddress, type Node } from '../nodes.ts'

/** A standby whose WAL does not come from the primary, not even through other standbys. */
export interface Stray {
  readonly node: Node
  /** The node it streams from. */
  readonly upstream: Node
  /** The origin of its WAL: another primary, or a standby that receives none. */
  readonly source: Node
}

/**
 * The standbys that stream, but not from the primary: their lag says nothing. A standby behind another standby is fine.
 * Upstreams are recognised by address, so one with a name, or with an address that the exporter does not use, is not
 * judged. `primary` must be certain.
 */
export function straysOf(nodes: readonly Node[], primary: Node): Stray[] {
  return nodes.flatMap(node => {
    if (!receives(node)) return []
    const [upstream] = upstreamOf(node, nodes)
    const source = sourceOf(node, primary, nodes)
    return upstream && source ? [{ node, upstream, source }] : []
  })
}

const receives = ({ facts }: Node): boolean => facts !== undefined && receivesWal(facts) === true

/** Undefined if it is the primary, or unknown. */
function sourceOf(standby: Node, primary: Node, nodes: readonly Node[]): Node | undefined {
  let at = standby
  for (const _ of nodes) {
    if (!receives(at)) return receivesNone(at) ? at : undefined
    const upstream = upstreamOf(at, nodes)
    const [next] = upstream
    if (!next || upstream.includes(primary)) return undefined
    at = next
  }
  // A ring of standbys.
  return at
}

/** True for another primary or a standby without a WAL receiver; false where we cannot tell. */
const receivesNone = ({ facts }: Node): boolean =>
  facts !== undefined && (!facts.in_recovery || receivesWal(facts) === false)

/** Several targets may be one server. */
const upstreamOf = ({ facts }: Node, nodes: readonly Node[]): readonly Node[] =>
  facts ? byAddress(nodes, facts.upstream_host, facts.upstream_port) : []
