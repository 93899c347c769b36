import type { MailStatus } from '../assess/assessment.ts'
import { sentenceOf } from '../assess/sentence.ts'
import { exporterKind } from '../core/want.ts'
import { checkId } from '../core/probe.ts'
import type { Status } from '../monitor/ledger.ts'
import { textOf, type Answer, type Problem } from './answers.ts'
import { html, type Html } from './html.ts'
import { codeOf, count, icon, prose } from './format.ts'
import type { Cause } from './in-words.ts'
import { sinceText, sinceWhen } from './since.ts'
import type { ToCheck } from './to-check.ts'

/** At most this many answers have a panel of their own. The others are a line each. */
const mostPanels = 3
/** At most this many lines of each list. The checks below have all. */
const mostLines = 8
/** At most this many names in a line. */
const mostNames = 3

/** What the panels are drawn with. */
interface Drawn {
  readonly status: Status
  readonly toCheck: ToCheck
  /** There are several mail paths. */
  readonly many: boolean
}

/** The answers: how many mail paths, since when, the one thing to fix, and what to do. */
export function headlines(answers: readonly Answer[], status: Status, toCheck: ToCheck): Html {
  if (answers.length === 0) return html`<p class="none">No mail path is configured.</p>`
  const drawn = { status, toCheck, many: status.mail.length > 1 }
  const bad = answers.filter(({ verdict }) => verdict !== 'ok')
  const good = answers.filter(({ verdict }) => verdict === 'ok')
  const rest = bad.slice(mostPanels)
  return html`${bad.slice(0, mostPanels).map((answer, i) => panel(answer, drawn, bad.length > 1 && i > 0))}
  ${rest.length > 0 ? moreAnswers(rest, drawn) : undefined} ${good.map(answer => panel(answer, drawn, bad.length > 0))}`
}

function panel(answer: Answer, drawn: Drawn, isSmall: boolean): Html {
  const { verdict, since, first, others, survived } = answer
  const { status } = drawn
  const own = others.filter(problem => !isConsequence(problem))
  const follows = others.filter(isConsequence)
  return html`<section class="headline ${verdict}${isSmall ? ' one-of-many' : ''}">
    <div class="answer">
      ${icon(verdict)}
      <div>
        <p class="whose">${whose(answer, drawn)}</p>
        <h2>${sentenceOf(verdict, answer.paths)}</h2>
        ${first ? firstProblem(first, answer, drawn) : html`<p class="since">${sinceText(since, status.at)}</p>`}
      </div>
    </div>
    ${problemList('Also', own, drawn)} ${consequences(follows, answer.paths[0]?.name ?? '', drawn)}
    ${problemList('Broken too, but it does not stop mail', survived, drawn)}
  </section>`
}

/** `20 of 20 mail paths: app-01, app-02 and 18 more`. */
function whose({ paths }: Answer, { status, many }: Drawn): Html {
  const [path] = paths
  if (!many && path) return sender(path)
  const names = paths.slice(0, paths.length > mostNames ? mostNames - 1 : mostNames)
  const rest = paths.length - names.length
  return html`<b>${paths.length} of ${count(status.mail.length, 'mail path')}</b>:
    ${names.map(
      (one, i) => html`${i > 0 ? ', ' : ''}<b class="name">${one.name}</b>`,
    )}${rest > 0 ? html` and <a href="#paths">${rest} more</a>` : ''}`
}

const sender = (path: MailStatus): Html =>
  html`<b class="name">${path.name}</b
    >${path.provider ? ` sends with ${path.provider.toUpperCase()}` : ''}${fallenBack(path)}`

/** Mail survives a provider that fails only by the other one. */
function fallenBack({ provider, verdict, exceptions }: MailStatus): string {
  const fails = exceptions.some(({ probe, reason }) => probe === provider && reason.verdict === 'fail')
  return verdict === 'warn' && fails ? `, and falls back to ${provider === 'ses' ? 'SMTP' : 'SES'} now` : ''
}

/** The words first, then what to do, then the evidence: of the first check, if there are several. */
function firstProblem({ words, causes, since }: Problem, answer: Answer, { status, toCheck }: Drawn): Html | undefined {
  const [cause] = causes
  if (!cause) return undefined
  const { reason } = cause
  const [own, whole] = [sinceText(since, status.at), sinceText(answer.since, status.at)]
  return html`<p class="cause">${words}${own === undefined ? '' : html`, <span class="since">${own}</span>`}</p>
    ${isOfExporter(cause) ? undefined : html`<p class="do"><strong>Do this:</strong> ${prose(reason.remedy)}</p>`}
    <p class="evidence">${namesOf(causes, toCheck)}: ${prose(textOf(cause))}</p>
    <p class="code-line">
      <span class="code">${codeOf(reason)}</span>${
        whole === undefined || whole === own ? '' : ` · verdict ${answer.verdict} ${whole}`
      }
    </p>`
}

/** What to do about the exporter itself is at the head of the page already. */
const isOfExporter = ({ probe }: Pick<Cause, 'probe'>): boolean => probe === exporterKind

/** A line for each problem. What to do about it is with its check. */
function problemList(title: string, problems: readonly Problem[], { status, toCheck }: Drawn): Html | undefined {
  if (problems.length === 0) return undefined
  const rest = problems.length - mostLines
  return html`<div class="others">
    <h3>${title}</h3>
    ${problemLines(problems, status.at, toCheck)}
    ${rest > 0 ? html`<p class="rest">and ${rest} more, see <a href="#checks">the checks</a></p>` : undefined}
  </div>`
}

/** What follows from what is told already: folded, and unfolded again when the page loads itself. */
function consequences(problems: readonly Problem[], name: string, { status, toCheck }: Drawn): Html | undefined {
  if (problems.length === 0) return undefined
  return html`<details class="others" id="${encodeURIComponent(`follows ${name}`)}">
    <summary>${problems.length === 1 ? '1 more follows' : `${problems.length} more follow`} from this</summary>
    ${problemLines(problems, status.at, toCheck)}
  </details>`
}

const problemLines = (problems: readonly Problem[], at: number, toCheck: ToCheck): Html =>
  html`<ul>
    ${problems.slice(0, mostLines).map(problem => problemLine(problem, at, toCheck))}
  </ul>`

const isConsequence = ({ causes }: Problem): boolean => causes.every(({ reason }) => reason.because !== undefined)

function problemLine({ words, causes, since }: Problem, at: number, toCheck: ToCheck): Html | undefined {
  const [first] = causes
  if (!first) return undefined
  const { verdict, because } = first.reason
  const consequence = because === undefined ? '' : causes.length > 1 ? ', a consequence' : `, because of ${because}`
  return html`<li>
    ${icon(verdict)}
    <p>
      <b class="word ${verdict}">${verdict}</b>
      <a href="${toCheck.hrefOf(causes.map(checkId))}">${words}</a>${consequence}${
        since ? html`<span class="since">, ${sinceWhen(since, at)}</span>` : ''
      }
    </p>
  </li>`
}

/** The names of the checks, each with a link. */
function namesOf(causes: readonly Cause[], toCheck: ToCheck): Html {
  const names = causes.slice(0, causes.length > mostNames ? mostNames - 1 : mostNames)
  const rest = causes.slice(names.length)
  return html`${names.map(
    (cause, i) =>
      html`${i > 0 ? ', ' : ''}<a class="name" href="${toCheck.hrefOf([checkId(cause)])}">${checkId(cause)}</a>`,
  )}${rest.length > 0 ? html` and <a href="${toCheck.hrefOf(causes.map(checkId))}">${rest.length} more</a>` : ''}`
}

/** Answers beyond the panels, a line each. */
const moreAnswers = (answers: readonly Answer[], { status, toCheck }: Drawn): Html => {
  const rest = answers.length - 5 * mostLines
  return html`<section class="headline more">
    <div class="others">
      <h3>And of other mail paths</h3>
      <ul>
        ${answers.slice(0, 5 * mostLines).map(
          ({ verdict, paths, first, since }) =>
            html`<li>
              ${icon(verdict)}
              <p>
                <b class="word ${verdict}">${verdict}</b>
                ${paths.length === 1 ? html`<span class="name">${paths[0]?.name}</span>` : count(paths.length, 'mail path')}:
                <a href="${toCheck.hrefOf((first?.causes ?? []).map(checkId))}">${first?.words}</a
                ><span class="since">${withComma(sinceText(first?.since ?? since, status.at))}</span>
              </p>
            </li>`,
        )}
      </ul>
      ${rest > 0 ? html`<p class="rest">and ${rest} more, see <a href="#paths">the mail paths</a></p>` : undefined}
    </div>
  </section>`
}

const withComma = (text: string | undefined): string => (text === undefined ? '' : `, ${text}`)
