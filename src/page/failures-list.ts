import type { CheckStatus } from '../assess/assessment.ts'
import { isoTime } from '../core/duration.ts'
import type { Shown } from '../core/shown.ts'
import { worst } from '../core/probe.ts'
import type { FailedRun } from '../monitor/failed-runs.ts'
import type { Status } from '../monitor/ledger.ts'
import { count, icon, prose, symbols, utc } from './format.ts'
import { html, type Html } from './html.ts'
import { layout } from './layout.ts'
import { link } from './link.ts'

interface Failing {
  readonly check: CheckStatus
  readonly last: FailedRun
  readonly kept: number
}

/** The page of the checks of which failed runs are kept, by the last failure, the newest first. Pure. */
export function renderFailuresList({ checks, records, startedAt }: Status): Shown {
  const failing = checks
    .flatMap((check): Failing[] => {
      const failed = records.get(check.id)?.failed ?? []
      const last = failed.at(-1)
      return last ? [{ check, last, kept: failed.length }] : []
    })
    .sort((a, b) => b.last.startedAt - a.last.startedAt)
  const verdict = worst(failing.map(({ check }) => check.verdict))
  return layout(
    { title: `${symbols[verdict]} Failures`, verdict },
    html`<main class="failures">
      <header>
        <p><a href="${link('/')}">Can mail be sent?</a></p>
      </header>
      <h1>Last failures</h1>
      ${
        failing.length === 0
          ? html`<p class="none">Nothing has failed since ${utc(startedAt)}.</p>`
          : html`<p class="detail">
              ${count(failing.length, 'check')} of ${checks.length} failed, or found nothing out.
            </p>`
      }
      ${failing.map(row)}
    </main>`,
  )
}

const row = ({ check: { probe, target, verdict }, last, kept }: Failing): Html => html`
  <section class="check ${verdict}">
    ${icon(verdict)}
    <div class="found">
      <h2>
        <a href="${link('/failures', { probe, target })}"
          ><span class="probe">${probe}/</span><span class="name">${target}</span></a
        >
      </h2>
      <p class="detail">
        now <b class="word ${verdict}">${verdict}</b>; last failure
        <time datetime="${isoTime(last.startedAt)}">${utc(last.startedAt)}</time>, ${kept} kept
      </p>
      ${last.reasons.slice(0, 1).map(({ text }) => html`<p class="text">${prose(text)}</p>`)}
    </div>
  </section>
`
