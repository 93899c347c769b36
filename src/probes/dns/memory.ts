import { queryCodes, type QueryCode } from '../../clients/dns/index.ts'
import type { DnsTarget } from './target.ts'

/** What is kept of a target between its runs. */
export interface Memory {
  /** Records that the last look found, as `app.example.com TXT`. */
  found: ReadonlySet<string>
  /** Those that were missing in the last look for the first time: if they are in the next one, they are gone. */
  missing: ReadonlySet<string>
  /** Questions by how they ended, since the process started. */
  readonly queries: Record<QueryCode, number>
  /** Since when the servers of the zone have had different versions of it, in milliseconds since the epoch. */
  differSince: number | undefined
  /** The policy of MTA-STS that was first seen with this id, and since when another one is. */
  policy: { readonly id: string; readonly fingerprint: string; changedSince: number | undefined } | undefined
}

/** Kept here because a probe has no state, and weakly, so that it goes with the target. */
const memories = new WeakMap<DnsTarget, Memory>()

export function memoryOf(target: DnsTarget): Memory {
  let memory = memories.get(target)
  if (!memory) memories.set(target, (memory = emptyMemory()))
  return memory
}

/** Whatever was changed, a record that was there is still asked for twice before it counts as gone. */
export function inheritMemory(before: DnsTarget, target: DnsTarget): void {
  memories.set(target, memoryOf(before))
}

export const emptyMemory = (): Memory => ({
  found: new Set(),
  missing: new Set(),
  queries: Object.fromEntries(queryCodes.map(code => [code, 0])) as Record<QueryCode, number>,
  differSince: undefined,
  policy: undefined,
})
