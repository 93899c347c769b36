import { posturesOf, type TargetPosture } from '../assess/postures.ts'
import type { CheckStatus } from '../assess/assessment.ts'
import type { Verdict } from '../core/probe.ts'
import type { PostureRow, PostureState } from '../probes/dns/posture/index.ts'
import { count, icon, prose } from './format.ts'
import { html, type Html } from './html.ts'

/** Of more targets, the page would be a list of records. `check` and `/api/v1/status` show all. */
const most = 10

/** What receivers find in DNS: a table for each `dns` target, folded while nothing has to be done. */
export function postures(checks: readonly CheckStatus[]): Html | undefined {
  const all = [...posturesOf(checks)].sort((a, b) => todos(b) - todos(a))
  if (all.length === 0) return undefined
  const more = all.length - most
  return html`<section class="postures" id="dns">
    <h2>What receivers find in DNS</h2>
    ${all.slice(0, most).map(postureTable)}
    ${more > 0 ? html`<p class="rest">And ${count(more, 'target')} more: see /api/v1/status.</p>` : undefined}
  </section>`
}

const isTodo = ({ publish, advice }: PostureRow): boolean => publish !== undefined || advice !== undefined
const todos = ({ rows }: TargetPosture): number => rows.filter(isTodo).length

function postureTable(posture: TargetPosture): Html {
  const { target, servers, rows } = posture
  const todo = todos(posture)
  const body = html`<summary>
      <span class="name">${target}</span>:
      ${todo === 0 ? 'nothing to publish' : `${count(todo, 'record')} to publish or mend`}, as ${servers.join(' and ')}
      ${servers.length > 1 ? 'say' : 'says'}
    </summary>
    <table>
      <thead>
        <tr>
          <th>State</th>
          <th>Record</th>
          <th>Name, and what is there</th>
          <th>What to publish</th>
        </tr>
      </thead>
      <tbody>
        ${rows.map(tableRow)}
      </tbody>
    </table>`
  return todo === 0 ? html`<details>${body}</details>` : html`<details open>${body}</details>`
}

const tableRow = ({ record, name, state, found, publish, advice }: PostureRow): Html => html`
  <tr>
    <td class="state ${state}">${mark(state)} ${state.replace('_', ' ')}</td>
    <th scope="row">${record}</th>
    <td><code class="name">${name}</code>${found.map(part => html`<p>${prose(part)}</p>`)}</td>
    <td>
      ${publish === undefined ? undefined : html`<code class="publish">${publish}</code>`}
      ${advice === undefined ? undefined : html`<p>${prose(advice)}</p>`}
    </td>
  </tr>
`

const verdictOf: Readonly<Record<PostureState, Verdict | undefined>> = {
  ok: 'ok',
  weak: 'warn',
  wrong: 'fail',
  missing: 'fail',
  unknown: 'unknown',
  unused: undefined,
  not_judged: undefined,
}

const mark = (state: PostureState): Html | undefined => {
  const verdict = verdictOf[state]
  return verdict && icon(verdict)
}

/** Only pages with such a table have it. */
export const postureStyle = `
.postures details { margin-top: .75rem; padding: .9rem 1.25rem; border-radius: .9rem; background: var(--surface) }
.postures summary .name { font-weight: 600 }
.postures table { width: 100%; margin-top: .6rem; border-collapse: collapse; font-size: .9rem }
.postures th { text-align: left; font-weight: 600 }
.postures thead th { color: var(--quiet); font-weight: 400 }
.postures :is(th, td) { padding: .4rem .9rem .4rem 0; border-top: 1px solid var(--line); vertical-align: top }
.postures thead th { border: 0 }
.postures td p { color: var(--quiet) }
.postures .state { white-space: nowrap }
.postures .state .icon { margin: 0; vertical-align: -.12em }
.postures .state.ok { color: var(--ok) }
.postures .state.weak { color: var(--warn) }
.postures .state:is(.wrong, .missing) { color: var(--fail); font-weight: 600 }
.postures .state:is(.unknown, .unused, .not_judged) { color: var(--unknown) }
.postures .publish { display: block; padding: .15rem .5rem; border-radius: .3rem; outline: 1px solid var(--line); background: var(--ground); user-select: all }
@media (max-width: 46rem) {
  .postures :is(table, tbody, tr, th, td) { display: block }
  .postures thead { display: none }
  .postures tr { padding: .5rem 0; border-top: 1px solid var(--line) }
  .postures :is(th, td) { padding: 0; border: 0 }
  .postures .state, .postures .state + th { display: inline }
  .postures .state { float: right }
  .postures .publish { margin-block: .3rem }
}
`
