import type { PatroniFacts } from '../../probes/patroni/answer.ts'
import type { NodeStatus } from '../assessment.ts'
import type { Member } from './members.ts'

/** What Patroni says of a node, in words, where that is not what the node itself says. `bySql`: its role, if known. */
export function patroniDiffers(member: Member | undefined, bySql: NodeStatus['role']): string | undefined {
  if (!member) return undefined
  if (member.silent) return 'does not answer'
  const { facts } = member
  return facts && differs(facts, bySql) ? wordsOf(facts) : undefined
}

const ofPrimary: readonly PatroniFacts['role'][] = ['primary', 'promoted']

function differs({ role, state }: PatroniFacts, bySql: NodeStatus['role']): boolean {
  if (bySql === undefined || (state !== undefined && state !== 'running')) return true
  return role !== undefined && ofPrimary.includes(role) !== (bySql === 'primary')
}

const wordsOf = ({ role, state }: PatroniFacts): string | undefined =>
  [role?.replaceAll('_', ' '), state].filter(word => word !== undefined).join(', ') || undefined
