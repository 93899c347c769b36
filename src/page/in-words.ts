import type { Blocker } from '../assess/assessment.ts'
import { exporterKind } from '../core/want.ts'
import type { Status } from '../monitor/ledger.ts'
import { needRow, titled } from '../probes/needs.ts'
import { writePath } from '../probes/write_path/index.ts'
import { shortCode } from './format.ts'

/** A blocker or an exception: a reason, and the check that has it. */
export type Cause = Pick<Blocker, 'probe' | 'target' | 'reason'>

/** What a cause is, in a few words that follow a name: ` leads to standby db-3`, `: login refused`. */
export function saysOf({ probe, target, reason: { code } }: Cause, status: Status): string {
  const leads = probe === writePath.kind ? leadsWrong(code, target, status) : undefined
  return leads === undefined ? `: ${shortCode(probe, code)}` : ` ${leads}`
}

/** Where a write path leads, if that is what is wrong with it. */
function leadsWrong(code: string, target: string, { landings, clusters }: Status): string | undefined {
  const { nodes = [] } = landings.find(one => one.writePath === target) ?? {}
  const roleOf = (name: string): string | undefined =>
    clusters.flatMap(cluster => cluster.nodes).find(node => node.name === name)?.role
  const standbys = nodes.filter(name => roleOf(name) === 'standby')
  if (code === 'write_path_read_only')
    return standbys.length > 0
      ? `leads to ${list('standby', standbys)}`
      : nodes.length > 0
        ? `is read only on ${nodes.join(' and ')}`
        : undefined
  if (code === 'write_path_old_primary' && nodes.length > 0) return `leads to old primary ${nodes.join(' and ')}`
  if (code === 'write_path_other_cluster') return 'leads to another cluster'
  return undefined
}

const list = (what: string, names: readonly string[]): string => names.map(name => `${what} ${name}`).join(' and ')

/** `DATABASE_URL leads to standby db-3`: one sentence for the same thing in several checks. */
export function inWords(causes: readonly Cause[], says: string): string {
  const [first] = causes
  if (!first) return ''
  const { probe } = first
  const targets = [...new Set(causes.map(({ target }) => target))]
  return `${nameOf(probe, targets, says.startsWith(':'))}${says}`
}

/** The title and the name of a check, or of several of a kind. */
export function nameOf(probe: string, targets: readonly string[], isTitled: boolean): string {
  if (probe === exporterKind) return 'The exporter'
  const [first = ''] = targets
  const title = probe === 'cluster' ? 'Cluster' : (needRow(probe)?.title ?? probe)
  if (targets.length === 1) return isTitled ? titled(title, first) : first
  const shared = sharedWords(targets)
  if (isTitled) return shared === '' ? `${title} (${targets.length})` : `${titled(title, shared)} (${targets.length})`
  return shared === '' ? `Each of ${targets.length} write paths` : shared
}

/** The words that all names have: of `shop DATABASE_URL` and `crm DATABASE_URL` it is the second. */
function sharedWords([first = '', ...others]: readonly string[]): string {
  const rest = others.map(name => new Set(name.split(' ')))
  return first
    .split(' ')
    .filter(word => rest.every(words => words.has(word)))
    .join(' ')
}
