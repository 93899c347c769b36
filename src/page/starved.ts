import type { Starved } from '../assess/starved.ts'
import { exporterKind } from '../core/want.ts'
import { html, type Html } from './html.ts'
import { codeOf, icon, prose } from './format.ts'

/** What the exporter itself lacks, for the head of the page. It explains the unknowns below. */
export function starvedNotice(starved: readonly Starved[]): Html | undefined {
  if (starved.length === 0) return undefined
  return html`<section class="starved" id="${exporterKind}">
    ${starved.map(
      ({ reason: { verdict, text, remedy, code, severity } }) =>
        html`<div class="reason">
          ${icon(verdict)}
          <div>
            <p class="text">${prose(`${text[0]?.toUpperCase() ?? ''}${text.slice(1)}`)}.</p>
            <p class="remedy">
              <b>Do this:</b> ${prose(remedy)} <span class="code">${codeOf({ code, severity })}</span>
            </p>
          </div>
        </div>`,
    )}
  </section>`
}
