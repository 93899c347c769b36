import type { CheckStatus } from '../assess/assessment.ts'
import { worst, type Reason, type Verdict } from '../core/probe.ts'
import { createMemo } from '../core/memo.ts'
import type { HeldVerdict } from '../history/history.ts'
import type { Status } from '../monitor/ledger.ts'
import { groupsOf, tallyOf, worstFirst, type CheckGroup } from './check-groups.ts'
import { checkRow } from './check-row.ts'
import { filterForm } from './filter.ts'
import { html, type Html } from './html.ts'
import { count, icon, inBrief, symbols } from './format.ts'
import { link } from './link.ts'
import { sinceWhen } from './since.ts'
import type { ToCheck } from './to-check.ts'
import { viewQuery, type View } from './view.ts'

/** Up to this many checks have a row in full each. More of them have a line each, in groups. */
export const mostInFull = 50
/** At most this many lines. The page says so, and a narrower view has the rest. */
const mostLines = 1_000

/** The checks of the view, worst first: in full, or a line each where they are many. */
export function checkList(
  checks: readonly CheckStatus[],
  status: Status,
  view: View,
  toCheck: ToCheck,
  told: readonly Reason[],
): Html {
  const isNarrow = checks.length < status.checks.length
  return html`<section class="checks" id="checks">
    <h2>Checks</h2>
    ${status.checks.length > 1 ? filterForm(view) : undefined}
    <p class="tally" role="status">${tally(checks, status, view)}</p>
    ${checks.length === 0 && isNarrow ? html`<p class="none">No check is like that. <a href="${link('/')}#checks">Show all</a></p>` : undefined}
    ${checks.length > mostInFull ? inLines(checks, status, isNarrow) : inFull(checks, status, toCheck, told, isNarrow)}
  </section>`
}

/** How many there are of each verdict, with a link to just these. */
function tally(checks: readonly CheckStatus[], { checks: all }: Status, view: View): Html {
  const whole =
    checks.length < all.length
      ? html`${checks.length} of ${count(all.length, 'check')}, <a href="${link('/')}#checks">show all</a>`
      : html`${count(all.length, 'check')}`
  return html`<span>${whole}</span> ${tallyOf(checks).map(
      ([verdict, n]) =>
        html`<span
          >${icon(verdict)} <a href="${link('/', viewQuery({ ...view, verdict }))}#checks">${n} ${verdict}</a></span
        >`,
    )}`
}

/** What is well is folded where something is not, and so is what is lesser than the worst. */
function inFull(
  checks: readonly CheckStatus[],
  status: Status,
  toCheck: ToCheck,
  told: readonly Reason[],
  isNarrow: boolean,
): Html {
  const draw = (check: CheckStatus): Html =>
    checkRow(check, status, { id: toCheck.rowId(check.id), told, isFolded: !isNarrow && isLesser(check, worstOfAll) })
  const worstOfAll = worst(checks.map(({ verdict }) => verdict))
  const bad = worstFirst(checks.filter(({ verdict }) => verdict !== 'ok'))
  const good = checks.filter(({ verdict }) => verdict === 'ok')
  if (bad.length === 0 || isNarrow)
    return html`<ol>
      ${[...bad, ...good].map(draw)}
    </ol>`
  return html`<ol>
      ${bad.map(draw)}
    </ol>
    ${
      good.length === 0
        ? undefined
        : html`<details class="group" id="well">
            <summary>
              ${icon('ok')} ${good.length === 1 ? 'The other check is ok' : `The other ${good.length} checks are ok`}
            </summary>
            <ol>
              ${good.map(draw)}
            </ol>
          </details>`
    }`
}

/** What follows from another check, or is less bad than what the page is about: the headline has it in a line as well. */
const isLesser = ({ verdict, reasons }: CheckStatus, worstOfAll: Verdict): boolean =>
  reasons.length > 0 && (verdict !== worstOfAll || reasons.every(({ because }) => because !== undefined))

/** Groups of lines. What was looked for is unfolded. */
function inLines(checks: readonly CheckStatus[], status: Status, isNarrow: boolean): Html {
  const kept = new Set(worstFirst(checks).slice(0, mostLines))
  const groups = groupsOf([...kept], status.mail)
  const hidden = checks.length - kept.size
  return html`<div class="groups">${groups.map(group => drawGroup(group, status, isNarrow))}</div>
    ${hidden > 0 ? html`<p class="rest">and ${hidden} more, none of them worse: look for them by name.</p>` : undefined}`
}

const drawGroup = ({ title, checks }: CheckGroup, { at, history }: Status, isOpen: boolean): Html =>
  html`<details class="group" id="${encodeURIComponent(title)}" ${isOpen ? openAttribute : undefined}>
    <summary>
      <b class="name">${title}</b>
      ${tallyOf(checks).map(([verdict, n]) => html`<span class="n ${verdict}">${symbols[verdict]} ${n} ${verdict}</span> `)}
    </summary>
    <ul class="lines">
      ${checks.map(check => line(check, history.checks.get(check.id), at))}
    </ul>
  </details>`

const openAttribute = html` open`

const lines = createMemo<CheckStatus, Html>()

/** A check in a line. It is as short as it can be: there may be a thousand. */
function line(check: CheckStatus, since: HeldVerdict | undefined, at: number): Html {
  const day = Math.floor(at / 86_400_000)
  return lines(check, [since?.at, day], () => {
    const { id, probe, verdict, reasons } = check
    const when = since && verdict !== 'ok' ? `, ${sinceWhen(since, at)}` : ''
    return html`<li class="${verdict}">
      <a href="${link('/', { q: id })}#checks">${id}</a> ${inBrief(probe, verdict, reasons[0])}${when}
    </li>`
  })
}
