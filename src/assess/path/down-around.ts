import type { ConnectionProblem } from '../../clients/postgres-errors.ts'
import { groupBy } from '../../core/group.ts'
import { listed } from '../cluster/context.ts'
import { seenBy } from '../../core/probe.ts'
import { serverInWords } from '../../probes/haproxy/judge.ts'
import { writePath } from '../../probes/write_path/index.ts'
import type { CheckStatus, ClusterStatus } from '../assessment.ts'
import { clusterOf, clustersByName, hasProblem, homeOf, isDown, type Home, type Node } from '../nodes.ts'
import { indexOf } from '../checks.ts'
import { isNamed, whereIs } from './advice.ts'
import { hopChecks, hopsBetween, type Balancer } from './hops.ts'

/** What a proxy does that has no server to give. */
const problems: readonly ConnectionProblem[] = ['no_answer', 'closed', 'pooler_refused']
const ofProxy = problems.map(problem => `${writePath.kind}_${problem}`)

/** What befalls a path that is let in, while no node takes writes. */
const ofStandby: readonly string[] = ['write_path_read_only', 'write_path_check_lag']

/**
 * The checks. Where a proxy lets a write path go no further and no single cause is known, the remedy names the nodes of its
 * cluster that are down, and the primary that the proxy has to lead to: what the proxy answers names neither. Where no node is
 * known to be down, it names the servers of HAProxy. Where a path is led to a standby since the primary is down, the remedy
 * names that first.
 */
export function withDownNodes(
  checks: readonly CheckStatus[],
  nodes: readonly Node[],
  clusters: readonly ClusterStatus[],
): readonly CheckStatus[] {
  const nodesIn = groupBy(nodes, node => node.cluster)
  const byName = clustersByName(clusters)
  const all = indexOf(checks)
  return checks.map(check => {
    if (check.probe !== writePath.kind || check.verdict !== 'fail') return check
    const name = clusterOf(check)
    const own = nodesIn.get(name) ?? []
    const home = homeOf(name, own, byName.get(name))
    if (check.reasons.some(({ code }) => ofStandby.includes(code))) return amended(check, ofStandby, forNoPrimary(home))
    if (!hasProblem(check, problems) || namesNode(check, own)) return check
    const remedy = own.some(node => isDown(node.check))
      ? forDown(home)
      : forNoServer(hopsBetween(check, hopChecks(check, all), own).balancer)
    return amended(check, ofProxy, remedy)
  })
}

/** A remedy in place of another; undefined if there is none better. */
type Better = ((before: string) => string) | undefined

const amended = (check: CheckStatus, codes: readonly string[], better: Better): CheckStatus =>
  better === undefined
    ? check
    : {
        ...check,
        reasons: check.reasons.map(reason =>
          codes.includes(reason.code) && reason.because === undefined
            ? { ...reason, remedy: better(reason.remedy) }
            : reason,
        ),
      }

/** Patroni starts its nodes itself. */
function forNoPrimary({ primary, nodes, hasPatroni }: Home): Better {
  const down = nodes.filter(node => isDown(node.check))
  if (primary || hasPatroni || down.length === 0 || nodes.some(({ facts }) => facts?.in_recovery === false))
    return undefined
  return before => `No node that answers is a primary, and ${downInWords(down)}: ${startFirst(down)} ${before}`
}

function forDown({ nodes, elected }: Home): Better {
  const down = nodes.filter(node => isDown(node.check))
  if (!elected || down.includes(elected)) return before => `${downInWords(down)}: ${startFirst(down)} ${before}`
  return () =>
    `The primary is ${whereIs(elected)} and answers: see why what is in between (HAProxy, a pooler) does not lead there. ${downInWords(down)}.`
}

const downInWords = (down: readonly Node[]): string =>
  `${listed(down.map(whereIs))} ${down.length > 1 ? 'do' : 'does'} not answer`
const startFirst = (down: readonly Node[]): string => `start ${down.length > 1 ? 'them' : 'it'} first.`

/** Servers that are named. */
const mostNamed = 6

/** What to do about a proxy of HAProxy that has no server to give; undefined if one is up, or nothing is known of them. */
function forNoServer(balancer: Balancer | undefined): Better {
  const servers = (balancer?.servers ?? []).map(({ server }) => server)
  if (!balancer || servers.length === 0 || servers.some(({ status }) => status !== 'DOWN' && status !== 'MAINT'))
    return undefined
  const named = servers.slice(0, mostNamed).map(serverInWords).join(', ')
  const more = servers.length > mostNamed ? ` and ${servers.length - mostNamed} more` : ''
  return () =>
    `HAProxy ${balancer.check.target} has no server of ${balancer.proxy} up: ${named}${more}. Start the one that was the primary, or see why its check fails.`
}

/** Whether the path leads to a node and not to a proxy. */
function namesNode(check: CheckStatus, nodes: readonly Node[]): boolean {
  const seen = seenBy(writePath, check.observation)?.seen
  if (!seen) return false
  const { address, places = [address] } = seen
  return nodes.some(node => places.some(place => isNamed(place, node)))
}
