import { groupBy } from '../core/group.ts'
import type { CheckStatus } from './assessment.ts'

/** All checks, with ways to look them up. Each list is in the order of the configuration. */
export interface Checks {
  readonly all: readonly CheckStatus[]
  readonly ofKind: (kind: string) => readonly CheckStatus[]
  /** The checks with these ids. */
  readonly withIds: (ids: Iterable<string>) => readonly CheckStatus[]
}

export function indexOf(all: readonly CheckStatus[]): Checks {
  const kinds = groupBy(all, ({ probe }) => probe)
  const places = new Map(all.map(({ id }, place) => [id, place]))
  return {
    all,
    ofKind: kind => kinds.get(kind) ?? [],
    withIds: ids =>
      [...new Set(ids)]
        .flatMap(id => places.get(id) ?? [])
        .sort((a, b) => a - b)
        .flatMap(place => all[place] ?? []),
  }
}
