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
  // Made when first asked for: mostly all is well, and then nothing is looked up.
  let kinds: ReadonlyMap<string, readonly CheckStatus[]> | undefined
  let places: ReadonlyMap<string, number> | undefined
  return {
    all,
    ofKind: kind => (kinds ??= groupBy(all, ({ probe }) => probe)).get(kind) ?? [],
    withIds(ids) {
      const asked = new Set(ids)
      if (asked.size === 0) return []
      const at = (places ??= new Map(all.map(({ id }, place) => [id, place])))
      return [...asked]
        .flatMap(id => at.get(id) ?? [])
        .sort((a, b) => a - b)
        .flatMap(place => all[place] ?? [])
    },
  }
}
