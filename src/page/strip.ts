import { verdicts, type Verdict } from '../core/probe.ts'
import { historyLength } from '../monitor/ledger.ts'
import { count } from './format.ts'
import { html, type Html } from './html.ts'

/** A worse verdict is a taller cell, and an unknown one is striped: the strip reads without colour. */
const cellHeight: Readonly<Record<Verdict, number>> = { ok: 8, warn: 13, unknown: 20, fail: 20 }
/** Width of a cell and its gap. The style sheet dashes a line into cells of 4 and gaps of 1. */
const step = 5
const height = 20

/** The last verdicts as cells, the newest at the right. */
export function strip(history: readonly Verdict[]): Html {
  const shown = history.slice(-historyLength)
  const width = historyLength * step - 1
  const runs = runsOf(shown, historyLength - shown.length)
  const lines = verdicts.flatMap(verdict => {
    const own = runs.filter(run => run.verdict === verdict)
    const d = own.map(({ from, to }) => `M${from * step} ${height - cellHeight[verdict] / 2}h${(to - from) * step - 1}`)
    return own.length > 0 ? [html`<path class="${verdict}" d="${d.join('')}" />`] : []
  })
  return html`<svg
    class="strip"
    viewBox="0 0 ${width} ${height}"
    preserveAspectRatio="none"
    role="img"
    aria-label="${stripLabel(shown)}"
  >
    <path class="ground" d="M0 19.5h${width}" />
    ${lines}
  </svg>`
}

interface Run {
  readonly verdict: Verdict
  readonly from: number
  readonly to: number
}

/** Neighbours of the same verdict, as half-open ranges of cells. */
const runsOf = (history: readonly Verdict[], offset: number): readonly Run[] =>
  history.reduce<readonly Run[]>((runs, verdict, i) => {
    const last = runs.at(-1)
    const to = offset + i + 1
    return last?.verdict === verdict
      ? [...runs.slice(0, -1), { ...last, to }]
      : [...runs, { verdict, from: offset + i, to }]
  }, [])

function stripLabel(history: readonly Verdict[]): string {
  const newest = history.at(-1)
  if (newest === undefined) return 'No runs yet'
  const counts = verdicts.flatMap(verdict => {
    const n = history.filter(one => one === verdict).length
    return n > 0 ? [`${n} ${verdict}`] : []
  })
  return `Last ${count(history.length, 'run')}: ${counts.join(', ')}; the newest ${newest}`
}
