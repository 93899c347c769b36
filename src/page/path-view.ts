import type { MailStatus } from '../assess/assessment.ts'
import { sentenceOf } from '../assess/sentence.ts'
import { byVerdict, worst } from '../core/probe.ts'
import type { Status } from '../monitor/ledger.ts'
import { mail } from '../probes/mail/index.ts'
import { kindsOf } from '../probes/needs.ts'
import { outbox } from '../probes/outbox/index.ts'
import { writePath } from '../probes/write_path/index.ts'
import { html, type Html } from './html.ts'
import type { Box, Join, Link, Row } from './boxes.ts'
import { checkBox, lanesOf, type Lane } from './path-model.ts'
import { icon } from './format.ts'
import type { ToCheck } from './to-check.ts'

/** Up to this many idle nodes are below the others. More of them take the whole width. */
const mostBeside = 3
/** A picture with more boxes is taller than the window. The box of the application then stays in view while scrolling. */
const mostInView = 12

/** Up to this many mail paths are drawn. More of them are a list, and each has a page of its own. */
export const mostPictures = 3

/** A picture of each mail path: from the application to where its writes land and its mail leaves. Worst first. */
export function pathViews(paths: readonly MailStatus[], status: Status, toCheck: ToCheck): Html {
  const sorted = [...paths].sort((a, b) => byVerdict(a.verdict, b.verdict))
  return html`<section class="pictures" id="paths">
    <h2>${paths.length > 1 ? 'Mail paths' : 'Mail path'}</h2>
    ${sorted.map(path => picture(path, status, toCheck))}
  </section>`
}

function picture(path: MailStatus, status: Status, toCheck: ToCheck): Html {
  const lanes = lanesOf(path, status)
  const links = lanes.flatMap(lane => lane.joins.flatMap(join => join.links))
  const behind = links.flatMap(link => (link.through ?? []).flatMap(box => box.rows ?? []))
  const rows = links.length + lanes.flatMap(lane => lane.idle).length + behind.length / 2
  const label = `${path.name}: ${sentenceOf(path.verdict, [path])}`
  return html`<div class="path${rows > mostInView ? ' tall' : ''}" role="group" aria-label="${label}">
    ${application(path, status, toCheck)}
    <div class="lanes">${lanes.map(lane => drawLane(lane, toCheck))}</div>
  </div>`
}

/** Write paths and outboxes have lanes of their own. */
const inApplication = kindsOf('needed').filter(kind => kind !== writePath.kind && kind !== outbox.kind)

/** The application, with the checks of its settings and packages. */
function application(path: MailStatus, status: Status, toCheck: ToCheck): Html {
  const own = [
    checkBox(mail.kind, path.name, status),
    ...inApplication.flatMap(kind => path.needs[kind].map(name => checkBox(kind, name, status))),
  ].filter(box => toCheck.has(box.id))
  const verdict = worst(own.map(box => box.verdict))
  const line = (box: Box): Html => html`
    <li>
      ${icon(box.verdict)}
      <span
        ><a class="name" href="${toCheck.hrefOf([box.id])}">${box.id}</a>
        <span class="detail">${box.detail}</span></span
      >
    </li>
  `
  return html`<div class="app">
    <div class="box ${verdict}">
      <p><span class="name">${path.name}</span> <span class="tag">application</span></p>
      <ul>
        ${own.map(line)}
      </ul>
    </div>
  </div>`
}

function drawLane(lane: Lane, toCheck: ToCheck): Html {
  const { title, note, verdict, reasons, joins, idle, unsure, hidden } = lane
  const isBad = verdict !== undefined && verdict !== 'ok'
  const hasHops = joins.some(join => join.links.some(link => link.through))
  return html`<section class="lane${hasHops ? ' hops' : ''}">
    <h3>
      <span class="name">${title}</span>
      ${note ? html`<span class="note">${isBad ? icon(verdict) : undefined} ${note}</span>` : undefined}
    </h3>
    ${reasons.map(
      reason =>
        html`<p class="trouble">
          ${icon(reason.verdict)} <span><b class="word ${reason.verdict}">${reason.verdict}</b> ${reason.text}</span>
        </p>`,
    )}
    ${joins.map(join => drawJoin(join, toCheck))}
    ${
      idle.length > 0
        ? html`<div class="idle${idle.length > mostBeside ? ' wide' : ''}">
            <p>${unsure ? 'Nothing is known to write here:' : 'Nothing writes here:'}</p>
            <ul>
              ${idle.map(box => html`<li>${drawBox(box, toCheck)}</li>`)}
            </ul>
          </div>`
        : undefined
    }
    ${hidden > 0 ? html`<p class="hidden">and ${hidden} more, see <a href="#checks">the checks</a></p>` : undefined}
  </section>`
}

const drawJoin = ({ links, to }: Join, toCheck: ToCheck): Html => html`
  <div class="join${links.length > 0 ? '' : ' direct'}">
    <ul class="from">
      ${
        links.length > 0
          ? links.map(link => drawFrom(link, toCheck))
          : to.map(({ link }) => html`<li class="through ${link}"><i class="wire"></i></li>`)
      }
    </ul>
    <ul class="to">
      ${to.map(({ box, link }) => html` <li class="${link}"><i class="wire"></i>${drawBox(box, toCheck)}</li> `)}
    </ul>
  </div>
`

/** The wire from the application, the box, and the wire to the right. */
const drawFrom = ({ from, through = [], to }: Link, toCheck: ToCheck): Html => html`
  <li class="${from.verdict}">
    <i class="wire"></i>${drawChain([from, ...through], toCheck)}
    ${
      to.length > 0
        ? html`<i class="wire out">${from.verdict === 'ok' ? undefined : icon(from.verdict)}</i>
            <span class="aside">leads to ${to.map(box => box.name).join(', ')}</span>`
        : undefined
    }
  </li>
`

/** The box of a write path, and those that it goes through. */
const drawChain = ([first, ...others]: readonly Box[], toCheck: ToCheck): Html | undefined =>
  first &&
  html`${drawBox(first, toCheck)}${others.map(box => html`<i class="hop"></i><span class="aside">through</span> ${drawBox(box, toCheck)}`)}`

function drawBox({ id, name, verdict, detail, tag, marks = [], rows = [] }: Box, toCheck: ToCheck): Html {
  const label = toCheck.has(id)
    ? html`<a class="name" href="${toCheck.hrefOf([id])}">${name}</a>`
    : html`<span class="name">${name}</span>`
  return html`<div class="box ${verdict}">
    ${icon(verdict)}
    <div>
      <p>${label} ${tag ? drawTag(tag) : undefined}${marks.map(mark => html` ${drawTag(mark)}`)}</p>
      <p class="detail">${detail}</p>
      ${
        rows.length > 0
          ? html`<ul class="servers">
              ${rows.map(drawRow)}
            </ul>`
          : undefined
      }
    </div>
  </div>`
}

const drawTag = (tag: string): Html => html`<span class="tag ${tag.replaceAll(' ', '-')}">${tag}</span>`

const drawRow = ({ name, tag, detail }: Row): Html =>
  html`<li>
    <span class="name">${name}</span> ${tag ? drawTag(tag) : undefined} <span class="detail">${detail}</span>
  </li>`
