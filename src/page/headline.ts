import type { Blocker, MailStatus } from '../assess/assessment.ts'
import { groupBy } from '../core/group.ts'
import { byVerdict, checkId } from '../core/probe.ts'
import { exporterKind } from '../core/want.ts'
import { html, type Html } from './html.ts'
import { codeOf, icon, prose, sentences, type Anchors } from './format.ts'

/** A blocker or an exception: a reason, and the check that has it. */
type Cause = Omit<Blocker, 'level' | 'root'>

/** At most this many more causes are shown in full. The list of checks below has all. */
const mostOthers = 6

/** The answer for each mail path, worst first: the verdict, its root, and what to do. */
export function headlines(paths: readonly MailStatus[], anchors: Anchors): Html {
  if (paths.length === 0) return html`<p class="none">No mail path is configured.</p>`
  const draw = (group: readonly MailStatus[]): Html | undefined => headline(group, anchors, paths.length > 1)
  const bad = paths.filter(path => path.verdict !== 'ok').sort((a, b) => byVerdict(a.verdict, b.verdict))
  const good = paths.filter(path => path.verdict === 'ok').map(path => draw([path]))
  return html`${[...groupBy(bad, answerOf).values()].map(draw)}${paths.length > 1 ? html`<div class="fine">${good}</div>` : good}`
}

/** Paths with the same answer share one panel. */
const answerOf = ({ verdict, blockers, exceptions }: MailStatus): string =>
  JSON.stringify([verdict, blockers, exceptions])

function headline(paths: readonly MailStatus[], anchors: Anchors, many: boolean): Html | undefined {
  const [path] = paths
  if (!path) return undefined
  const { verdict } = path
  const { first, others, survived } = causesOf(path)
  return html`<section class="headline ${verdict}${many ? ' one-of-many' : ''}">
    <div class="answer">
      ${icon(verdict)}
      <div>
        <p class="whose">${paths.map((one, i) => html`${i > 0 ? ', ' : ''}${sender(one)}`)}</p>
        <h2>${sentences[verdict]}</h2>
        ${first ? firstCause(first, anchors) : undefined}
      </div>
    </div>
    ${otherCauses('Also', others, anchors)} ${otherCauses('Broken too, but it does not stop mail', survived, anchors)}
  </section>`
}

const sender = (path: MailStatus): Html =>
  html`<b class="name">${path.name}</b
    >${path.provider ? ` sends with ${path.provider.toUpperCase()}` : ''}${fallenBack(path)}`

/** Mail survives a provider that fails only by the other one. */
function fallenBack({ provider, verdict, exceptions }: MailStatus): string {
  const fails = exceptions.some(({ probe, reason }) => probe === provider && reason.verdict === 'fail')
  return verdict === 'warn' && fails ? `, and falls back to ${provider === 'ses' ? 'SMTP' : 'SES'} now` : ''
}

interface Causes {
  readonly first: Cause | undefined
  readonly others: readonly Cause[]
  readonly survived: readonly Cause[]
}

/** The root comes first. Where mail can be sent, the worst exception does. */
function causesOf({ root, blockers, exceptions }: MailStatus): Causes {
  if (root) return { first: root, others: blockers.filter(blocker => !blocker.root), survived: exceptions }
  const [first, ...others] = [...exceptions].sort((a, b) => byVerdict(a.reason.verdict, b.reason.verdict))
  return { first, others: [...blockers, ...others], survived: [] }
}

const firstCause = ({ reason, ...whose }: Cause, anchors: Anchors): Html => html`
  <p class="cause">${checkLink(whose, anchors)}: ${prose(textOf({ reason, ...whose }))}</p>
  ${isOfExporter(whose) ? undefined : html`<p class="do"><strong>Do this:</strong> ${prose(reason.remedy)}</p>`}
  <p class="code-line"><span class="code">${codeOf(reason)}</span></p>
`

/** What to do about the exporter itself is at the head of the page already. */
const isOfExporter = ({ probe }: Pick<Cause, 'probe'>): boolean => probe === exporterKind

function otherCauses(title: string, causes: readonly Cause[], anchors: Anchors): Html | undefined {
  if (causes.length === 0) return undefined
  // Several checks with the same words are one entry.
  const groups = [
    ...groupBy(causes, ({ reason: { code, text, remedy } }) => JSON.stringify([code, text, remedy])).values(),
  ]
  const rest = groups.slice(mostOthers).flat().length
  return html`<div class="others">
    <h3>${title}</h3>
    <ul>
      ${groups.slice(0, mostOthers).map(group => otherCause(group, anchors))}
    </ul>
    ${rest > 0 ? html`<p class="rest">and ${rest} more, see <a href="#checks">the checks</a></p>` : undefined}
  </div>`
}

function otherCause(causes: readonly Cause[], anchors: Anchors): Html | undefined {
  const [first] = causes
  if (!first) return undefined
  const { reason } = first
  const { verdict, remedy } = reason
  const whose = causes.slice(0, mostOthers).map((cause, i) => html`${i > 0 ? ', ' : ''}${checkLink(cause, anchors)}`)
  const rest = causes.length > mostOthers ? ` and ${causes.length - mostOthers} more` : ''
  return html`<li>
    ${icon(verdict)}
    <div>
      <p><b class="word ${verdict}">${verdict}</b> ${whose}${rest}: ${prose(textOf(first))}</p>
      ${isOfExporter(first) ? undefined : html`<p class="remedy"><b>Do this:</b> ${prose(remedy)}</p>`}
    </div>
  </li>`
}

/** The text without the name of its check, which is shown before it. */
function textOf({ probe, target, reason: { text } }: Cause): string {
  const name = [`${probe} ${target}: `, `${target}: `].find(start => text.startsWith(start)) ?? ''
  return text.slice(name.length)
}

function checkLink(check: { readonly probe: string; readonly target: string }, anchors: Anchors): Html {
  const id = checkId(check)
  const anchor = isOfExporter(check) ? exporterKind : anchors.get(id)
  return anchor ? html`<a class="name" href="#${anchor}">${id}</a>` : html`<span class="name">${id}</span>`
}
