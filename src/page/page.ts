import type { MailStatus } from '../assess/assessment.ts'
import { sentenceOf } from '../assess/sentence.ts'
import { isoTime } from '../core/duration.ts'
import { worst, type Verdict } from '../core/probe.ts'
import type { Shown } from '../core/shown.ts'
import type { Status } from '../monitor/ledger.ts'
import { canary } from '../probes/canary/index.ts'
import { haproxy } from '../probes/haproxy/index.ts'
import { patroni } from '../probes/patroni/index.ts'
import { pgbouncer } from '../probes/pgbouncer/index.ts'
import { answersOf } from './answers.ts'
import { idsOf } from './check-groups.ts'
import { checkList, mostInFull } from './check-list.ts'
import { hopStyle } from './hop-style.ts'
import { layout } from './layout.ts'
import { headlines } from './headline.ts'
import { html, type Html } from './html.ts'
import { lastIncident } from './last-incident.ts'
import { link } from './link.ts'
import { pathList } from './path-list.ts'
import { pathViews, mostPictures } from './path-view.ts'
import { postures, postureStyle } from './postures.ts'
import { starvedNotice } from './starved.ts'
import { symbols, utc } from './format.ts'
import { toChecks } from './to-check.ts'
import { everything, finds, viewQuery, type View } from './view.ts'

/** The kinds whose targets the picture shows by marks and boxes of their own. */
const inBetween: readonly string[] = [haproxy.kind, pgbouncer.kind, patroni.kind, canary.kind]

/** What the page says of the exporter itself. */
interface About {
  readonly version: string
  readonly configFile: string
}

/**
 * The status page: the answers, then the mail paths, what receivers find in DNS, and the checks. A view narrows the checks,
 * or everything to one mail path. Pure.
 */
export function renderPage(status: Status, about: About, view: View = everything): Shown {
  const paths = view.path === undefined ? status.mail : status.mail.filter(({ name }) => name === view.path)
  const answers = answersOf(status, paths)
  const own = view.path === undefined ? undefined : new Set(paths.flatMap(idsOf))
  const isFound = finds(view, new Set(status.checks.map(({ id }) => id.toLowerCase())))
  const checks = status.checks.filter(({ id, verdict }) => (own?.has(id) ?? true) && isFound(id, verdict))
  const toCheck = toChecks(checks.length > mostInFull ? [] : checks, status.checks)
  const drawn = paths.length > mostPictures ? [] : paths
  const dns = view.path === undefined ? postures(status.checks) : undefined
  return layout(
    {
      title: titleOf(paths),
      verdict: verdictOf(paths),
      refresh: view.refresh ? refreshSeconds(status) : undefined,
      hasScript: true,
      more: `${drawn.length > 0 && status.checks.some(({ probe }) => inBetween.includes(probe)) ? hopStyle : ''}${dns ? postureStyle : ''}`,
    },
    html`<main id="answer">
        <header>
          <h1>${view.path === undefined ? 'Can mail be sent?' : html`<a href="${link('/')}">Can mail be sent?</a>`}</h1>
          <p>
            <a href="${link('/incidents')}">Incidents</a> ·
            <time datetime="${isoTime(status.at)}">${utc(status.at)}</time>
          </p>
        </header>
        ${starvedNotice(status.starved)} ${otherPaths(status, view)} ${noSuchPath(paths, view)}
        ${paths.length === 0 && view.path !== undefined ? undefined : headlines(answers, status, toCheck)}
        ${lastIncident(status)} ${drawn.length > 0 ? pathViews(drawn, status, toCheck) : pathList(answers, view)} ${dns}
        ${checkList(checks, status, view, toCheck, toldIn(answers))}
      </main>
      ${footer(status, about, view)}`,
  )
}

/** The reasons that the answers tell in full: of several checks with the same problem, that of the first. */
const toldIn = (answers: ReturnType<typeof answersOf>) =>
  answers.flatMap(({ first }) => first?.causes.slice(0, 1).map(({ reason }) => reason) ?? [])

const verdictOf = (paths: readonly MailStatus[]): Verdict =>
  paths.length > 0 ? worst(paths.map(path => path.verdict)) : 'unknown'

function titleOf(paths: readonly MailStatus[]): string {
  const verdict = verdictOf(paths)
  const concerned = paths.filter(path => path.verdict === verdict)
  const names = concerned.map(path => path.name)
  return `${symbols[verdict]} ${sentenceOf(verdict, concerned)} · ${firstFew(names, paths.length)}`
}

const firstFew = (names: readonly string[], of: number): string =>
  names.length > 3 ? `${names.length} of ${of} mail paths` : names.join(', ')

/** Who looks at one mail path still sees how many others are not well. */
function otherPaths({ mail }: Status, { path }: View): Html | undefined {
  const others = mail.filter(({ name, verdict }) => name !== path && verdict !== 'ok').length
  if (path === undefined || mail.length < 2) return undefined
  return html`<p class="elsewhere">
    <a href="${link('/')}">All ${mail.length} mail paths</a>:
    ${others === 0 ? 'the others are ok' : `${others} of the others ${others === 1 ? 'is' : 'are'} not ok`}
  </p>`
}

const noSuchPath = (paths: readonly MailStatus[], { path }: View): Html | undefined =>
  path !== undefined && paths.length === 0
    ? html`<p class="none">
        No mail path has the name <b class="name">${path}</b>. <a href="${link('/')}">Show all</a>
      </p>`
    : undefined

/** The interval of the most frequent check, between 5 s and 60 s. */
const refreshSeconds = ({ checks }: Status): number =>
  Math.round(Math.min(60, Math.max(5, Math.min(...checks.map(check => check.intervalMs)) / 1000)))

const footer = (status: Status, { version, configFile }: About, view: View): Html => html`
  <footer>
    <p>mailpath-exporter ${version} · up since ${utc(status.startedAt)} · <span class="name">${configFile}</span></p>
    <p><a href="${link('/metrics')}">/metrics</a> · <a href="${link('/api/v1/status')}">/api/v1/status</a></p>
    <p>
      This page as of ${utc(status.at)}.
      ${
        view.refresh
          ? html`It loads again every ${refreshSeconds(status)} s:
              <a href="${link('/', viewQuery({ ...view, refresh: false }))}">stop that</a>.`
          : html`It does not load again:
              <a href="${link('/', viewQuery({ ...view, refresh: true }))}">let it do so</a>.`
      }
    </p>
  </footer>
`
