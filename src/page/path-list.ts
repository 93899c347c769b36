import type { Answer } from './answers.ts'
import { sentenceOf } from '../assess/sentence.ts'
import { html, type Html } from './html.ts'
import { count, icon } from './format.ts'
import { link } from './link.ts'
import type { View } from './view.ts'

/** More names than these are folded. */
const mostOpen = 60

/** The names of the mail paths, those with the same answer together. Each leads to its own page, with its picture. */
export function pathList(answers: readonly Answer[], view: View): Html | undefined {
  if (answers.length === 0) return undefined
  return html`<section class="paths" id="paths">
    <h2>Mail paths</h2>
    ${answers.map(answer => group(answer, view))}
  </section>`
}

function group({ verdict, paths, first }: Answer, { refresh }: View): Html {
  const names = html`<ul class="names">
    ${paths.map(
      ({ name }) =>
        html`<li>
          <a class="name" href="${link('/', { path: name, ...(!refresh && { refresh: 'off' }) })}">${name}</a>
        </li>`,
    )}
  </ul>`
  const title = html`${icon(verdict)} <b>${count(paths.length, 'mail path')}</b>:
    ${first?.words ?? sentenceOf(verdict, paths)}`
  return paths.length > mostOpen
    ? html`<details id="paths-${verdict}">
        <summary>${title}</summary>
        ${names}
      </details>`
    : html`<h3>${title}</h3>
        ${names}`
}
