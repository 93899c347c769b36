import type { CheckStatus } from '../assess/assessment.ts'
import { isoTime } from '../core/duration.ts'
import type { Shown } from '../core/shown.ts'
import type { Note } from '../core/transcript.ts'
import { failedKept, type FailedRun } from '../monitor/failed-runs.ts'
import { reasonLines } from './check-row.ts'
import { layout } from './layout.ts'
import { html, type Html } from './html.ts'
import { icon, length, symbols, utc } from './format.ts'
import { link } from './link.ts'

/** The page of the last failed runs of a check, the newest first. Pure. */
export function renderFailures(check: CheckStatus, failed: readonly FailedRun[], startedAt: number): Shown {
  const { id, probe, target, verdict } = check
  return layout(
    { title: `${symbols[verdict]} Failures of ${id}`, verdict },
    html`<main class="failures">
      <header>
        <p><a href="${link('/')}">Can mail be sent?</a> · <a href="${link('/failures')}">all failures</a></p>
        <p><a href="${link('/probe', { probe, target, debug: 'true' })}" rel="nofollow">Run it now</a></p>
      </header>
      <h1>Last failures of <span class="probe">${probe}/</span><span class="name">${target}</span></h1>
      <p class="now">${icon(verdict)} now <b class="word ${verdict}">${verdict}</b></p>
      ${
        failed.length === 0
          ? html`<p class="none">Nothing has failed since ${utc(startedAt)}, or since the check was changed.</p>`
          : html`<p class="detail">
              The last ${failedKept} runs that failed, or found nothing out, are kept; of those in a row that failed
              alike, the first and the last.
            </p>`
      }
      ${[...failed].reverse().map((run, i) => failure(run, i === 0))}
    </main>`,
  )
}

const failure = ({ startedAt, tookMs, verdict, reasons, transcript, inRow }: FailedRun, open: boolean): Html => html`
  <section class="check ${verdict}">
    ${icon(verdict)}
    <div class="found">
      <h2><time datetime="${isoTime(startedAt)}">${utc(startedAt)}</time></h2>
      <p class="detail">
        <b class="word ${verdict}">${verdict}</b> after
        ${length(tookMs)}${inRow > 1 ? `, number ${inRow} in a row` : ''}
      </p>
      ${reasons.map((reason, i) => html`<div class="${i === 0 ? 'reason first' : 'reason'}">${reasonLines(reason)}</div>`)}
      ${open ? html`<details open>${steps(transcript)}</details>` : html`<details>${steps(transcript)}</details>`}
    </div>
  </section>
`

const steps = (transcript: readonly Note[]): Html => html`
  <summary>What was done</summary>
  <table class="transcript">
    <thead>
      <tr>
        <th scope="col">ms</th>
        <th scope="col">phase</th>
        <th scope="col">what was said and done</th>
      </tr>
    </thead>
    <tbody>
      ${transcript.map(
        ({ atMs, phase, text }) =>
          html`<tr>
            <td>${atMs.toFixed(1)}</td>
            <td>${phase}</td>
            <td>${lines(text)}</td>
          </tr>`,
      )}
    </tbody>
  </table>
`

/** The text without its empty lines. */
const lines = (text: string): Html =>
  html`${text
    .split('\n')
    .filter(line => line.trim() !== '')
    .map((line, i) => html`${i > 0 ? html`<br />` : ''}${line}`)}`
