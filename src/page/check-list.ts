import type { CheckStatus } from '../assess/assessment.ts'
import { byVerdict, verdicts, type Reason, type Verdict } from '../core/probe.ts'
import { exporterKind } from '../core/want.ts'
import { historyLength, type CheckRecord, type Status } from '../monitor/ledger.ts'
import { html, type Html } from './html.ts'
import { ago, codeOf, count, icon, length, prose, type Anchors } from './format.ts'
import { link } from './link.ts'

/** Every check, worst first. */
export function checkList({ checks, records, at }: Status, anchors: Anchors): Html {
  const sorted = [...checks].sort((a, b) => byVerdict(a.verdict, b.verdict))
  return html`<section class="checks" id="checks">
    <h2>Checks</h2>
    <p class="tally">${tally(checks)}</p>
    <ol>
      ${sorted.map(check => row(check, records.get(check.id), at, anchors.get(check.id)))}
    </ol>
  </section>`
}

function tally(checks: readonly CheckStatus[]): Html {
  const counted = [...verdicts].sort(byVerdict).flatMap(verdict => {
    const n = checks.filter(check => check.verdict === verdict).length
    return n > 0 ? [html`<span>${icon(verdict)} ${n} ${verdict}</span>`] : []
  })
  return html`<span>${count(checks.length, 'check')}</span>${counted}`
}

const row = (check: CheckStatus, record: CheckRecord | undefined, at: number, anchor = ''): Html => html`
  <li class="check ${check.verdict}${check.stale ? ' stale' : ''}" id="${anchor}">
    ${icon(check.verdict)}
    <div class="found">
      <h3>
        <span class="probe">${check.probe}/</span><span class="name">${check.target}</span>
        <b class="word ${check.verdict}">${check.verdict}</b>
        ${check.stale ? html`<b class="tag">stale</b>` : undefined}
      </h3>
      ${found(check)}
    </div>
    <div class="run">
      ${strip(record?.history ?? [])}
      <div>
        <p>${lastRun(check, at)}</p>
        ${lastOk(check, record, at)}
        <p>every ${length(check.intervalMs)}</p>
        ${duration(check)} ${failures(check, record)}
      </div>
    </div>
  </li>
`

function found({ reasons, evidence }: CheckStatus): Html {
  const [first, ...others] = reasons
  if (!first) return html`<p class="evidence">${evidence}</p>`
  return html`<div class="reason first">${reasonLines(first)}</div>
    ${others.map(reason => html`<div class="reason">${reasonLines(reason)}</div>`)}`
}

export const reasonLines = ({ text, remedy, code, severity, want }: Reason): Html =>
  want === undefined
    ? html`
        <p class="text">${prose(text)}</p>
        <p class="remedy"><b>Do this:</b> ${prose(remedy)} <span class="code">${codeOf({ code, severity })}</span></p>
      `
    : html`<p class="text">${prose(text)}: <a href="${link('/')}#${exporterKind}">see above</a></p>`

const lastRun = ({ observation, stale }: CheckStatus, at: number): string => {
  if (!observation) return 'has not run yet'
  return `${stale ? 'stale, last seen ' : ''}${ago(at - observation.finishedAt)}`
}

function lastOk({ verdict, observation }: CheckStatus, record: CheckRecord | undefined, at: number): Html | undefined {
  if (verdict === 'ok' || !observation) return undefined
  return html`<p>
    ${record?.lastOkAt === undefined ? 'never ok since the start' : `last ok ${ago(at - record.lastOkAt)}`}
  </p>`
}

/** How long the last run took, and each phase of it. */
function duration({ observation }: CheckStatus): Html | undefined {
  if (!observation) return undefined
  const took = `took ${length(observation.finishedAt - observation.startedAt)}`
  const phases = Object.entries(observation.phases)
  if (phases.length === 0) return html`<p>${took}</p>`
  const lines = phases.map(
    ([name, seconds]) =>
      html`<dt>${name}</dt>
        <dd>${length(seconds * 1000)}</dd>`,
  )
  return html`<details>
    <summary>${took}</summary>
    <dl>${lines}</dl>
  </details>`
}

/** Link to the transcripts of failed runs. */
function failures({ probe, target }: CheckStatus, record: CheckRecord | undefined): Html | undefined {
  const kept = record?.failed.length ?? 0
  if (kept === 0) return undefined
  return html`<p>
    <a href="${link('/failures', { probe, target })}">${kept === 1 ? 'last failure' : `last ${kept} failures`}</a>
  </p>`
}

/** A worse verdict is a taller cell, and an unknown one is striped: the strip reads without colour. */
const cellHeight: Readonly<Record<Verdict, number>> = { ok: 8, warn: 13, unknown: 20, fail: 20 }
/** Width of a cell and its gap. The style sheet dashes a line into cells of 4 and gaps of 1. */
const step = 5
const height = 20

/** The last verdicts as cells, the newest at the right. */
function strip(history: readonly Verdict[]): Html {
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
