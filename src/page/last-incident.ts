import type { Status } from '../monitor/ledger.ts'
import { html, type Html } from './html.ts'
import { age, clock, shortCode } from './format.ts'
import { nameOf } from './in-words.ts'
import { link } from './link.ts'

/** What happened last, once it is over: nothing else on the page says that there was an outage. */
export function lastIncident({ history, at }: Status): Html | undefined {
  const [last] = history.incidents
  if (last?.endedAt === undefined) return undefined
  const { startedAt, endedAt, roots } = last
  const [root] = roots
  const what = root && `: ${nameOf(root.probe, [root.target], true)}: ${shortCode(root.probe, root.code)}`
  return html`<p class="elsewhere">
    <a href="${link('/incidents')}">Last incident</a>: ${clock(startedAt, at)} to ${clock(endedAt, at)},
    ${age(endedAt - startedAt)}${what}
  </p>`
}
