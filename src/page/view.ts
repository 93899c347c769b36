import { verdicts, type Verdict } from '../core/probe.ts'

/** What of the status a reader wants to see. It is the query of the page's URL. */
export interface View {
  /** Names of checks and mail paths that contain this, in small letters; empty for all. */
  readonly q: string
  readonly verdict: Verdict | undefined
  /** One mail path by its name: its answer, its picture and its checks. */
  readonly path: string | undefined
  /** The page loads itself again. */
  readonly refresh: boolean
}

export const everything: View = { q: '', verdict: undefined, path: undefined, refresh: true }

/** A longer text finds nothing, and would only fill the page. */
const longest = 200

/** The view of a query, or undefined if its verdict is none. Parameters of others are left alone. */
export function viewOf(query: URLSearchParams): View | undefined {
  const wanted = query.get('verdict') ?? ''
  const verdict = verdicts.find(one => one === wanted)
  if (verdict === undefined && wanted !== '') return undefined
  return {
    q: (query.get('q') ?? '').trim().toLowerCase().slice(0, longest),
    verdict,
    path: query.get('path')?.slice(0, longest) || undefined,
    refresh: query.get('refresh') !== 'off',
  }
}

/** The query of a view. Equal views have the same. */
export const viewQuery = ({ q, verdict, path, refresh }: View): Readonly<Record<string, string>> => ({
  ...(path !== undefined && { path }),
  ...(q !== '' && { q }),
  ...(verdict && { verdict }),
  ...(!refresh && { refresh: 'off' }),
})

/** Whether a check is in the view. The whole name of a check finds that one only. */
export function finds({ q, verdict }: View, ids: ReadonlySet<string>): (id: string, own: Verdict) => boolean {
  const isWhole = ids.has(q)
  return (id, own) => {
    if (verdict !== undefined && own !== verdict) return false
    const name = id.toLowerCase()
    return isWhole ? name === q : name.includes(q)
  }
}
