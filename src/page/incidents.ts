import { isoTime } from '../core/duration.ts'
import { worst } from '../core/probe.ts'
import { runbookUrl } from '../core/runbook.ts'
import type { Shown } from '../core/shown.ts'
import type { Affected, Blocked, Incident } from '../history/incident.ts'
import { dayMs, monthMs, uptimeOf, type Uptime } from '../history/uptime.ts'
import type { Status } from '../monitor/ledger.ts'
import { count, icon, symbols, utc } from './format.ts'
import { html, type Html } from './html.ts'
import {
  healedEach,
  lasting,
  moment,
  notesOf,
  removedEach,
  rootsTogether,
  toldTogether,
  type Told,
  uptimeText,
  whenOf,
} from './incident-words.ts'
import { incidentsStyle } from './incidents-style.ts'
import { layout } from './layout.ts'
import { link } from './link.ts'

/** The page of what happened: uptime, and these incidents, the newest first. Pure. */
export function renderIncidents(status: Status, incidents: readonly Incident[]): Shown {
  const verdict = status.mail.length > 0 ? worst(status.mail.map(path => path.verdict)) : 'unknown'
  return layout(
    { title: `${symbols[verdict]} Incidents`, verdict, more: incidentsStyle },
    html`<main class="incidents">
      <header>
        <p><a href="${link('/')}">Can mail be sent?</a></p>
        <p>
          <a href="${link('/incidents', { format: 'markdown' })}">Markdown</a> ·
          <a href="${link('/incidents', { format: 'json' })}">JSON</a> · as of
          <time datetime="${isoTime(status.at)}">${utc(status.at)}</time>
        </p>
      </header>
      <h1>Incidents</h1>
      <p class="detail">
        An incident begins when mail of an application cannot be sent or does not arrive, and ends when all its mail can
        be sent again.
      </p>
      ${incidents.length === 0 ? html`<p class="none">${noneText(status)}</p>` : ''}
      ${incidents.map(incident => section(incident, status.at, incidents.length === 1 ? Infinity : fewest))}
      ${uptime(status)}
    </main>`,
  )
}

/** So many entries of a list are shown if there are several incidents. */
const fewest = 10

/** Some names, each on its own: one that is written from right to left does not turn its neighbours round. */
const namesOf = (names: readonly string[], most = fewest): Html => {
  const shown = names.slice(0, most).map((name, i) => html`${i > 0 ? ', ' : ''}<bdi>${name}</bdi>`)
  return html`${shown}${names.length > most ? ` and ${names.length - most} more` : ''}`
}

/** What to say without an incident. */
export const noneText = ({ history, at, startedAt }: Status): string => {
  const seen = [...history.uptime.values()].map(({ past, now }) => past[0]?.from ?? now?.from ?? at)
  return `No incident was seen since ${utc(Math.min(startedAt, ...seen))}.`
}

const section = (incident: Incident, at: number, most: number): Html => {
  const { number, paths, endedAt } = incident
  // Alone on its page an incident is told with every check by its name.
  const roots = most === Infinity ? incident.roots : rootsTogether(incident)
  const verdict = endedAt === undefined ? 'fail' : 'ok'
  return html`
    <section id="incident-${number}" class="incident">
      <h2>${icon(verdict)} <a href="${link('/incidents', { number: String(number) })}">${whenOf(incident, at)}</a></h2>
      <p class="detail">${count(paths.length, 'mail path')}. ${notesOf(incident).join(' ')}</p>
      <h3>What was to be fixed</h3>
      <ol>
        ${roots.slice(0, most).map(
          root =>
            html`<li>
              ${time(root.at, incident)}
              <div>${cause(root)}<span class="detail">of ${namesOf(root.paths)}</span></div>
            </li>`,
        )}
      </ol>
      ${more(roots.length - most, incident)}
      ${over('What healed, the first of it first', healedEach(incident), incident, most)}
      ${over('What is no longer configured: nobody saw it heal', removedEach(incident), incident, most)}
      ${affected(paths, incident)}
    </section>
  `
}

const time = (ms: number, incident: Incident): Html =>
  html`<time datetime="${isoTime(ms)}">${moment(ms, incident)}</time>`

const cause = ({ probe, target, code, text }: Blocked): Html => html`
  <p>
    <span class="probe">${probe}/</span><span class="name">${target}</span> <a href="${runbookUrl(code)}">${code}</a>
  </p>
  <p class="detail">${text}</p>
`

const more = (left: number, { number }: Incident): Html | undefined =>
  left > 0 ? html`<p><a href="${link('/incidents', { number: String(number) })}">${left} more</a></p>` : undefined

function over(title: string, each: readonly Told[], incident: Incident, most: number): Html {
  const all = most === Infinity ? each : toldTogether(each)
  if (all.length === 0) return html``
  return html`<h3>${title}</h3>
    <ol>
      ${all.slice(0, most).map(
        one =>
          html`<li>
            ${time(one.to, incident)}
            <p>
              <span class="probe">${one.probe}/</span><span class="name">${one.target}</span>
              <a href="${runbookUrl(one.code)}">${one.code}</a>, after
              ${lasting(one.to - one.from)}${one.blocked.length > 1 ? `, of ${one.blocked.length} mail paths` : ''}
            </p>
          </li>`,
      )}
    </ol>
    ${more(all.length - most, incident)}`
}

const affected = (paths: readonly Affected[], incident: Incident): Html => html`
  <details>
    <summary>
      Mail paths:
      ${namesOf(
        paths.map(({ name }) => name),
        3,
      )}
    </summary>
    <ul>
      ${paths.map(
        ({ name, from, to, isRemoved }) =>
          html`<li>
            <span class="name">${name}</span>
            <p>
              ${time(from, incident)} to
              ${to === undefined ? 'now' : time(to, incident)}${isRemoved ? ', then no longer configured' : ''}
            </p>
          </li>`,
      )}
    </ul>
  </details>
`

/** So many mail paths stand in the table of uptime. The rest is folded. */
const mostRows = 10

/** The mail paths that were down for the longest time come first, if not all are shown. */
function uptime({ mail, history, at }: Status): Html {
  const all = mail.map(({ name }) => {
    const seen = history.uptime.get(name)
    return { name, day: uptimeOf(seen, at, dayMs), month: uptimeOf(seen, at, monthMs) }
  })
  const rows =
    all.length > mostRows ? all.toSorted((a, b) => b.month.down - a.month.down || b.day.down - a.day.down) : all
  const [first, rest] = [rows.slice(0, mostRows), rows.slice(mostRows)]
  const isFine = rest.length > 0 && rest.every(({ month }) => month.down === 0)
  return html`
    <h2>How much of the time mail could be sent</h2>
    ${uptimeTable(first)}
    ${
      rest.length > 0
        ? html`<details>
            <summary>${rest.length} more${isFine ? ', never seen down' : ''}</summary>
            ${uptimeTable(rest)}
          </details>`
        : ''
    }
    <p class="detail">Of the time that is known. Not known is when the exporter did not run, or could not tell.</p>
  `
}

const uptimeTable = (
  rows: readonly { readonly name: string; readonly day: Uptime; readonly month: Uptime }[],
): Html => html`
  <table class="uptime">
    <thead>
      <tr>
        <th scope="col">mail path</th>
        <th scope="col">last 24 hours</th>
        <th scope="col">last 30 days</th>
      </tr>
    </thead>
    <tbody>
      ${rows.map(
        ({ name, day, month }) =>
          html`<tr>
            <th scope="row" class="name">${name}</th>
            <td>${uptimeText(day)}</td>
            <td>${uptimeText(month)}</td>
          </tr>`,
      )}
    </tbody>
  </table>
`
