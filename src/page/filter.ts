import { byVerdict, verdicts } from '../core/probe.ts'
import { link } from './link.ts'
import { html, type Html } from './html.ts'
import type { View } from './view.ts'

/** Fields that narrow the list of checks. The server does it; the script of the page only does it sooner. */
export const filterForm = ({ q, verdict, path, refresh }: View): Html => html`
  <form class="filter" action="${link('/')}#checks" role="search" aria-label="Checks">
    ${path === undefined ? undefined : hidden('path', path)} ${refresh ? undefined : hidden('refresh', 'off')}
    <label>Name <input id="q" name="q" type="search" value="${q}" maxlength="200" autocomplete="off" /></label>
    <label>
      Verdict
      <select id="verdict" name="verdict">
        <option value="">any</option>
        ${[...verdicts]
          .sort(byVerdict)
          .map(one => (one === verdict ? html`<option selected>${one}</option>` : html`<option>${one}</option>`))}
      </select>
    </label>
    <button>Show</button>
  </form>
`

const hidden = (name: string, value: string): Html => html`<input type="hidden" name="${name}" value="${value}" />`
