import { worst } from '../core/probe.ts'
import type { Shown } from '../core/shown.ts'
import type { Status } from '../monitor/ledger.ts'
import { canary } from '../probes/canary/index.ts'
import { haproxy } from '../probes/haproxy/index.ts'
import { patroni } from '../probes/patroni/index.ts'
import { pgbouncer } from '../probes/pgbouncer/index.ts'
import { checkList } from './check-list.ts'
import { hopStyle } from './hop-style.ts'
import { layout } from './layout.ts'
import { headlines } from './headline.ts'
import { html, type Html } from './html.ts'
import { link } from './link.ts'
import { pathViews } from './path-view.ts'
import { postures, postureStyle } from './postures.ts'
import { starvedNotice } from './starved.ts'
import { sentences, symbols, utc, type Anchors } from './format.ts'

/** The kinds whose targets the picture shows by marks and boxes of their own. */
const inBetween: readonly string[] = [haproxy.kind, pgbouncer.kind, patroni.kind, canary.kind]

/** What the page says of the exporter itself. */
interface About {
  readonly version: string
  readonly configFile: string
  /** Whether the page reloads by itself. Off, what the reader unfolded stays open. */
  readonly refresh: boolean
}

/** The status page: the answer, then the mail paths, what receivers find in DNS, and every check. Pure. */
export function renderPage(status: Status, about: About): Shown {
  const anchors: Anchors = new Map(status.checks.map((check, i) => [check.id, `check-${i + 1}`]))
  const verdict = status.mail.length > 0 ? worst(status.mail.map(path => path.verdict)) : 'unknown'
  const concerned = status.mail.filter(path => path.verdict === verdict).map(path => path.name)
  const title = `${symbols[verdict]} ${sentences[verdict]} · ${firstFew(concerned)}`
  const dns = postures(status.checks)
  return layout(
    {
      title,
      verdict,
      refresh: about.refresh ? refreshSeconds(status) : undefined,
      more: `${status.checks.some(({ probe }) => inBetween.includes(probe)) ? hopStyle : ''}${dns ? postureStyle : ''}`,
    },
    html`<main>
        <header>
          <h1>Can mail be sent?</h1>
          <p><time datetime="${new Date(status.at).toISOString()}">${utc(status.at)}</time></p>
        </header>
        ${starvedNotice(status.starved)} ${headlines(status.mail, anchors)} ${pathViews(status, anchors)} ${dns}
        ${checkList(status, anchors)}
      </main>
      ${footer(status, about)}`,
  )
}

const firstFew = (names: readonly string[]): string =>
  names.length > 3 ? `${names.slice(0, 2).join(', ')} and ${names.length - 2} more` : names.join(', ')

/** The interval of the most frequent check, between 5 s and 60 s. */
const refreshSeconds = ({ checks }: Status): number =>
  Math.round(Math.min(60, Math.max(5, Math.min(...checks.map(check => check.intervalMs)) / 1000)))

const footer = (status: Status, { version, configFile, refresh }: About): Html => html`
  <footer>
    <p>mailpath-exporter ${version} · up since ${utc(status.startedAt)} · <span class="name">${configFile}</span></p>
    <p><a href="${link('/metrics')}">/metrics</a> · <a href="${link('/api/v1/status')}">/api/v1/status</a></p>
    <p>
      This page as of ${utc(status.at)}.
      ${
        refresh
          ? html`It loads again every ${refreshSeconds(status)} s:
              <a href="${link('/', { refresh: 'off' })}">stop that</a>.`
          : html`It does not load again: <a href="${link('/')}">let it do so</a>.`
      }
    </p>
  </footer>
`
