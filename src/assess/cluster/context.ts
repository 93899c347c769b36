import type { ClusterMemory, Down } from './memory.ts'
import type { clusterReasons } from './reasons.ts'
import type { Pending } from './pending.ts'
import type { Member, PatroniView } from './members.ts'
import type { Node } from '../nodes.ts'

/** All that the reasons of a cluster follow from. */
export interface ClusterContext {
  readonly nodes: readonly Node[]
  /** The nodes that take writes, the one with the best claim first. */
  readonly primaries: readonly Node[]
  /** Those that are standbys by their last look, and took a write since. None where there are primaries. */
  readonly promoted: readonly Node[]
  readonly view: PatroniView
  readonly before: ClusterMemory | undefined
  readonly down: Down | undefined
  readonly pending: Pending
}

/** A reason, without the name of the cluster. */
export interface ReasonDraft {
  readonly code: keyof typeof clusterReasons
  readonly text: string
  /** Default: that of the closed list. */
  readonly remedy?: string | undefined
  /** `fail` in the situation that the closed list names. */
  readonly verdict?: 'fail'
}

/** "a, b and c" */
export const listed = (names: readonly string[]): string =>
  names.length < 2 ? (names[0] ?? '') : `${names.slice(0, -1).join(', ')} and ${names.at(-1) ?? ''}`

export const namesOf = (list: readonly (Node | Member)[]): string => listed(list.map(({ name }) => name))

/** An age for people: whole seconds. */
export const inSeconds = (ms: number): string => `${Math.max(0, Math.round(ms / 1000))} s`
