import type { CheckStatus } from '../assess/assessment.ts'
import type { Reason } from '../core/probe.ts'
import { exporterKind } from '../core/want.ts'
import type { CheckRecord, Status } from '../monitor/ledger.ts'
import { html, type Html } from './html.ts'
import { ago, codeOf, icon, length, prose, shortCode } from './format.ts'
import { link } from './link.ts'
import { sinceWhen } from './since.ts'
import { strip } from './strip.ts'

/** How the row of a check is drawn. */
interface Row {
  readonly id?: string | undefined
  /** What is told above already: it is not told again. */
  readonly told: readonly Reason[]
  /** What is wrong is in a line that can be unfolded. */
  readonly isFolded: boolean
}

/** The row of a check. A link to a folded row leads into the fold: browsers then unfold it. */
export function checkRow(check: CheckStatus, status: Status, row: Row): Html {
  const { id, verdict, stale, probe, target } = check
  const record = status.records.get(id)
  const since = status.history.checks.get(id)
  return html`<li class="check ${verdict}${stale ? ' stale' : ''}" ${row.isFolded ? undefined : idAttribute(row.id)}>
    ${icon(verdict)}
    <div class="found">
      <h3>
        <span class="probe">${probe}/</span><span class="name">${target}</span>
        <b class="word ${verdict}">${verdict}</b> ${stale ? html`<b class="tag">stale</b>` : undefined}
        ${since && verdict !== 'ok' ? html`<span class="since">${sinceWhen(since, status.at)}</span>` : undefined}
      </h3>
      ${row.isFolded ? folded(check, row) : found(check, row.told)}
    </div>
    <details class="run">
      <summary>${strip(record?.history ?? [])}<span>${lastRun(check, status.at)}</span></summary>
      ${lastOk(check, record, status.at)}
      <p>every ${length(check.intervalMs)}</p>
      ${duration(check)}
    </details>
    ${failures(check, record)}
  </li>`
}

const idAttribute = (id: string | undefined): Html | undefined => (id ? html` id="${id}"` : undefined)

function folded(check: CheckStatus, { id, told }: Row): Html {
  const { probe, reasons } = check
  const [first] = reasons
  const because = first?.because === undefined ? '' : `, because of ${first.because}`
  const more = reasons.length > 1 ? `, and ${reasons.length - 1} more` : ''
  return html`<details class="why" ${idAttribute(id && `${id}-why`)}>
    <summary>${first && shortCode(probe, first.code)}${because}${more}</summary>
    <div class="unfolded" ${idAttribute(id)}>${found(check, told)}</div>
  </details>`
}

function found({ reasons, evidence }: CheckStatus, told: readonly Reason[]): Html {
  if (reasons.length === 0) return html`<p class="evidence">${evidence}</p>`
  return html`${reasons.map(
    (reason, i) =>
      html`<div class="${i === 0 ? 'reason first' : 'reason'}">
        ${told.includes(reason) ? html`<p class="text">This is <a href="#answer">the cause named above</a>.</p>` : reasonLines(reason)}
      </div>`,
  )}`
}

/** What is wrong, and what to do about it. */
export const reasonLines = ({ text, remedy, code, severity, want }: Reason): Html =>
  want === undefined
    ? html`
        <p class="text">${prose(text)}</p>
        <p class="remedy">
          <b>Do this:</b> ${prose(remedy)}
          <span class="code">${codeOf({ code, severity })}</span>
        </p>
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
  const phases = Object.entries(observation.phases)
  return html`<p>took ${length(observation.finishedAt - observation.startedAt)}</p>
    ${
      phases.length === 0
        ? undefined
        : html`<dl>
            ${phases.map(
              ([name, seconds]) =>
                html`<dt>${name}</dt>
                  <dd>${length(seconds * 1000)}</dd>`,
            )}
          </dl>`
    }`
}

/** Link to the transcripts of failed runs. */
function failures({ probe, target }: CheckStatus, record: CheckRecord | undefined): Html | undefined {
  const kept = record?.failed.length ?? 0
  if (kept === 0) return undefined
  return html`<p class="failed">
    <a href="${link('/failures', { probe, target })}">${kept === 1 ? 'last failure' : `last ${kept} failures`}</a>
  </p>`
}
