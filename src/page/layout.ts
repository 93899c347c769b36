import { verdicts, type Verdict } from '../core/probe.ts'
import { vouched, type Shown } from '../core/shown.ts'
import { html, ownMarkup, type Html } from './html.ts'
import { style, tints } from './style.ts'
import { shapes } from './format.ts'
import { script } from './script.ts'

interface Head {
  readonly title: string
  /** The icon of the browser's tab. */
  readonly verdict: Verdict
  /** The page reloads after this many seconds; undefined for never. */
  readonly refresh?: number | undefined
  /** It has the script that filters. */
  readonly hasScript?: boolean
  /** A style sheet that only some pages need. */
  readonly more?: string | undefined
}

/** A whole page. It needs no script. It works under the content policy of `src/web/guard.ts`, and loads nothing. */
export function layout({ title, verdict, refresh, hasScript = false, more = '' }: Head, body: Html): Shown {
  const page = html`<!doctype html>
    <html lang="en" ${refresh === undefined ? undefined : html` data-refresh="${refresh}"`}>
      <head>
        <meta charset="utf-8" />
        <title>${title}</title>
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="robots" content="noindex" />
        ${refresh === undefined ? undefined : html`<noscript><meta http-equiv="refresh" content="${refresh}" /></noscript>`}
        <link rel="icon" href="${favicon(shapes[verdict], tints[verdict])}" />
        ${sheetOf(more)}
      </head>
      <body>
        ${sprite()} ${body} ${hasScript ? ownMarkup(`<script>${script}</script>`) : undefined}
      </body>
    </html> `
  // Takes out the indentation of the templates. Text has no line breaks, so nothing else changes.
  return vouched(page.markup.replace(/\n\s+/g, '\n'))
}

const sheetOf = (more: string): Html => ownMarkup(`<style>${style}${more}</style>`)

const favicon = (shape: string, fill: string): string =>
  `data:image/svg+xml,${encodeURIComponent(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><path fill="${fill}" fill-rule="evenodd" d="${shape}"/></svg>`)}`

const sprite = (): Html => html`
  <svg class="sprite" aria-hidden="true">
    ${verdicts.map(verdict => html`<symbol id="shape-${verdict}" viewBox="0 0 16 16"><path d="${shapes[verdict]}" /></symbol>`)}
  </svg>
`
