import type { ConnectionProblem } from '../../clients/postgres-errors.ts'
import { groupBy } from '../../core/group.ts'
import { seenBy } from '../../core/probe.ts'
import { listed } from '../cluster/context.ts'
import { writePath } from '../../probes/write_path/index.ts'
import type { CheckStatus, ClusterStatus } from '../assessment.ts'
import { clusterOf, clustersByName, hasProblem, homeOf, isDown, type Node } from '../nodes.ts'
import { isNamed, whereIs } from './advice.ts'

/** What a proxy does that has no server to give. */
const problems: readonly ConnectionProblem[] = ['no_answer', 'closed', 'pooler_refused']
const ofProxy = problems.map(problem => `${writePath.kind}_${problem}`)

/**
 * The checks. Where a proxy lets a write path go no further and no single cause is known, the remedy names the nodes of its
 * cluster that are down, and the primary that the proxy has to lead to: what the proxy answers names neither.
 */
export function withDownNodes(
  checks: readonly CheckStatus[],
  nodes: readonly Node[],
  clusters: readonly ClusterStatus[],
): readonly CheckStatus[] {
  const nodesIn = groupBy(nodes, node => node.cluster)
  const byName = clustersByName(clusters)
  return checks.map(check => {
    if (check.probe !== writePath.kind || check.verdict !== 'fail' || !hasProblem(check, problems)) return check
    const name = clusterOf(check)
    const own = nodesIn.get(name) ?? []
    const down = own.filter(node => isDown(node.check))
    if (down.length === 0 || namesNode(check, own)) return check
    const { elected } = homeOf(name, own, byName.get(name))
    const known = elected && !down.includes(elected) ? elected : undefined
    const reasons = check.reasons.map(reason =>
      ofProxy.includes(reason.code) && reason.because === undefined
        ? { ...reason, remedy: remedyFor(down, known, reason.remedy) }
        : reason,
    )
    return { ...check, reasons }
  })
}

/** Whether the path leads to a node and not to a proxy. */
function namesNode(check: CheckStatus, nodes: readonly Node[]): boolean {
  const seen = seenBy(writePath, check.observation)?.seen
  if (!seen) return false
  const { address, places = [address] } = seen
  return nodes.some(node => places.some(place => isNamed(place, node)))
}

function remedyFor(down: readonly Node[], primary: Node | undefined, remedy: string): string {
  const names = listed(down.map(whereIs))
  const silent = `${names} ${down.length > 1 ? 'do' : 'does'} not answer`
  return primary
    ? `The primary is ${whereIs(primary)} and answers: see why what is in between (HAProxy, a pooler) does not lead there. ${silent}.`
    : `${silent}: start ${down.length > 1 ? 'them' : 'it'} first. ${remedy}`
}
