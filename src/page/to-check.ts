import type { CheckStatus } from '../assess/assessment.ts'
import { exporterKind } from '../core/want.ts'
import { link } from './link.ts'

/** Where links to checks lead: to their rows on this page, or to the view that has them. */
export interface ToCheck {
  /** The id of the row of a check, if its row is on this page in full. */
  readonly rowId: (id: string) => string | undefined
  /** The link for a check by its id, or for several of a kind. What is no check (a cluster) leads to all of them. */
  readonly hrefOf: (ids: readonly string[]) => string
  /** Whether there is such a check. */
  readonly has: (id: string) => boolean
}

/** `rows` are the checks with a row in full, `all` those that there are. */
export function toChecks(rows: readonly CheckStatus[], all: readonly CheckStatus[]): ToCheck {
  const inFull = new Set(rows)
  const rowIds = new Map(all.map((check, i) => [check.id, inFull.has(check) ? `check-${i + 1}` : undefined]))
  const view = (q: string): string => `${link('/', { q })}#checks`
  return {
    rowId: id => rowIds.get(id),
    has: id => rowIds.has(id),
    hrefOf(ids) {
      const [id = ''] = ids
      const kind = id.slice(0, id.indexOf('/'))
      if (kind === exporterKind) return `#${exporterKind}`
      if (!rowIds.has(id)) return '#checks'
      const rowId = rowIds.get(id)
      return rowId !== undefined ? `#${rowId}` : view(ids.length > 1 ? `${kind}/` : id)
    },
  }
}
