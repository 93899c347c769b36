import type { Blocker, MailStatus } from '../assess/assessment.ts'
import { byVerdict, checkId } from '../core/probe.ts'
import { html, type Html } from './html.ts'
import { icon, prose, sentences, type Anchors } from './words.ts'

/** A reason and whose it is: a blocker or an exception. */
type Cause = Omit<Blocker, 'level' | 'root'>

/** So many besides the first are told in full; the list of checks below has the rest. */
const mostOthers = 6

/** The answer for each mail path, worst first: the verdict, its root and what to do about it. */
export function headlines(paths: readonly MailStatus[], anchors: Anchors): Html {
  if (paths.length === 0) return html`<p class="none">No mail path is configured.</p>`
  const sorted = [...paths].sort((a, b) => byVerdict(a.verdict, b.verdict))
  const many = paths.length > 1
  const [good, bad] = [sorted.filter(isGood), sorted.filter(path => !isGood(path))]
  return html`${bad.map(path => headline(path, anchors, many))}${
    many && good.length > 0
      ? html`<div class="fine">${good.map(path => headline(path, anchors, many))}</div>`
      : good.map(path => headline(path, anchors, many))
  }`
}

const isGood = (path: MailStatus): boolean => path.verdict === 'ok'

function headline(path: MailStatus, anchors: Anchors, many: boolean): Html {
  const { verdict, name, provider } = path
  const { first, others, survived } = causesOf(path)
  return html`<section class="headline ${verdict}${many ? ' one-of-many' : ''}">
    <div class="answer">
      ${icon(verdict)}
      <div>
        <p class="whose"><b class="name">${name}</b>${provider ? ` sends with ${provider.toUpperCase()}` : ''}</p>
        <h2>${sentences[verdict]}</h2>
        ${first ? firstCause(first, anchors) : undefined}
      </div>
    </div>
    ${otherCauses('Also', others, anchors)} ${otherCauses('Broken too, but it does not stop mail', survived, anchors)}
  </section>`
}

interface Causes {
  readonly first: Cause | undefined
  readonly others: readonly Cause[]
  readonly survived: readonly Cause[]
}

/** The root comes first; of a path that can send, the first exception. */
function causesOf({ root, blockers, exceptions }: MailStatus): Causes {
  if (root)
    return { first: root, others: blockers.filter(blocker => blocker !== root && !blocker.root), survived: exceptions }
  const [first, ...others] = exceptions
  return { first, others: [...blockers, ...others], survived: [] }
}

const firstCause = ({ reason, ...whose }: Cause, anchors: Anchors): Html => html`
  <p class="cause">${checkLink(whose, anchors)}: ${reason.text}</p>
  <p class="do"><strong>Do this:</strong> ${prose(reason.remedy)}</p>
  <p class="code-line"><code>${reason.code}</code> · ${reason.severity}</p>
`

function otherCauses(title: string, causes: readonly Cause[], anchors: Anchors): Html | undefined {
  if (causes.length === 0) return undefined
  const groups = alike(causes)
  const rest = groups.slice(mostOthers).flat().length
  return html`<div class="others">
    <h3>${title}</h3>
    <ul>
      ${groups.slice(0, mostOthers).map(group => otherCause(group, anchors))}
    </ul>
    ${rest > 0 ? html`<p class="rest">and ${rest} more, see <a href="#checks">the checks</a></p>` : undefined}
  </div>`
}

/** Causes with the same reason word for word stand together. */
function alike(causes: readonly Cause[]): Cause[][] {
  const groups = new Map<string, Cause[]>()
  for (const cause of causes) {
    const { code, text, remedy } = cause.reason
    const key = JSON.stringify([code, text, remedy])
    groups.set(key, [...(groups.get(key) ?? []), cause])
  }
  return [...groups.values()]
}

function otherCause(causes: readonly Cause[], anchors: Anchors): Html | undefined {
  const reason = causes[0]?.reason
  if (!reason) return undefined
  const { verdict, text, remedy } = reason
  const whose = causes.slice(0, mostOthers).map((cause, i) => html`${i > 0 ? ', ' : ''}${checkLink(cause, anchors)}`)
  const rest = causes.length > mostOthers ? ` and ${causes.length - mostOthers} more` : ''
  return html`<li>
    ${icon(verdict)}
    <div>
      <p><b class="word ${verdict}">${verdict}</b> ${whose}${rest}: ${text}</p>
      <p class="remedy"><b>Do this:</b> ${prose(remedy)}</p>
    </div>
  </li>`
}

function checkLink(check: { readonly probe: string; readonly target: string }, anchors: Anchors): Html {
  const id = checkId(check)
  const anchor = anchors.get(id)
  return anchor ? html`<a class="name" href="#${anchor}">${id}</a>` : html`<span class="name">${id}</span>`
}
