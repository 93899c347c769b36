import type { MailStatus } from '../assess/assessment.ts'
import { distinctBy, groupBy } from '../core/group.ts'
import { byVerdict, checkId, type Verdict } from '../core/probe.ts'
import { blockerKey, causeKey, type Since } from '../history/history.ts'
import type { Status } from '../monitor/ledger.ts'
import { inWords, saysOf, type Cause } from './in-words.ts'
import { earliest } from './since.ts'

/** The same thing in one check or in several. */
export interface Problem {
  /** `DATABASE_URL leads to standby db-3` */
  readonly words: string
  /** One for each check. */
  readonly causes: readonly Cause[]
  readonly since: Since | undefined
}

/** What holds for some mail paths: a verdict, the one thing to fix, and what else is broken. */
export interface Answer {
  readonly verdict: Verdict
  readonly paths: readonly MailStatus[]
  readonly since: Since | undefined
  /** The root. Where mail can be sent, the worst of what is broken. Undefined if nothing is. */
  readonly first: Problem | undefined
  /** What else stops mail, or what else is broken where nothing does. */
  readonly others: readonly Problem[]
  /** What is broken too and stops no mail. */
  readonly survived: readonly Problem[]
}

/** The answers, worst first, and of these the one for the most mail paths. Paths with the same root share one. Pure. */
export function answersOf(status: Status, paths: readonly MailStatus[] = status.mail): readonly Answer[] {
  const groups = groupBy(paths, path => {
    const [first] = firstOf(path)
    return `${path.verdict} ${first ? sameness(first, status) : ''}`
  })
  return [...groups.values()]
    .sort((a, b) => byVerdict(verdictOf(a), verdictOf(b)) || b.length - a.length)
    .map(group => answerOf(group, status))
}

const verdictOf = ([path]: readonly MailStatus[]): Verdict => path?.verdict ?? 'unknown'

/** The root, or the worst exception. What is after it comes in the order in which it is to be told. */
function firstOf({ root, blockers, exceptions }: MailStatus): readonly Cause[] {
  const bad = [...exceptions].sort((a, b) => byVerdict(a.reason.verdict, b.reason.verdict))
  return root ? [root, ...blockers.filter(one => !one.root)] : [...bad.slice(0, 1), ...blockers, ...bad.slice(1)]
}

/** Causes with the same sameness have one remedy, and are told once. */
function sameness(cause: Cause, status: Status): string {
  const { probe, reason } = cause
  const says = saysOf(cause, status)
  return `${probe} ${reason.code}${says} ${says.startsWith(':') ? textOf(cause) : ''}`
}

/** The text without the name of its check, which is told before it. */
export function textOf({ probe, target, reason: { text } }: Cause): string {
  const name = [`${probe} ${target}: `, `${target}: `].find(start => text.startsWith(start)) ?? ''
  return text.slice(name.length)
}

function answerOf(paths: readonly MailStatus[], status: Status): Answer {
  const each = paths.map(path => ({ path, causes: firstOf(path) }))
  const roots = each.flatMap(({ causes }) => causes.slice(0, 1))
  const same = new Set(roots.map(cause => sameness(cause, status)))
  const after = groupBy(
    each.flatMap(({ causes }) => causes.slice(1)),
    cause => same.has(sameness(cause, status)),
  )
  // The same thing in other checks of an application is named with its root.
  const firsts = distinctBy([...roots, ...(after.get(true) ?? [])], causeKey)
  const rest = after.get(false) ?? []
  const survived = paths.flatMap(({ root, exceptions }) => (root ? exceptions : []))
  const since = (causes: readonly Cause[]): Since | undefined => sinceOf(causes, paths, status)
  return {
    verdict: verdictOf(paths),
    paths,
    since: earliest(paths.map(({ name }) => status.history.mail.get(name))),
    first: problemsOf(firsts, status, since)[0],
    others: problemsOf(rest, status, since),
    survived: problemsOf(worstFirst(survived), status, since),
  }
}

const worstFirst = (causes: readonly Cause[]): readonly Cause[] =>
  [...causes].sort((a, b) => byVerdict(a.reason.verdict, b.reason.verdict))

/** In the order given. The same reason of several checks is one problem. */
function problemsOf(
  causes: readonly Cause[],
  status: Status,
  since: (causes: readonly Cause[]) => Since | undefined,
): readonly Problem[] {
  const groups = groupBy(causes, cause => `${cause.probe} ${cause.reason.code}${saysOf(cause, status)}`)
  return [...groups.values()].map(all => {
    const [first] = all
    const distinct = distinctBy(all, checkId)
    return { words: first ? inWords(distinct, saysOf(first, status)) : '', causes: distinct, since: since(distinct) }
  })
}

/** Since when the first of them is there: as a blocker, or else as what is wrong with its check. */
function sinceOf(causes: readonly Cause[], paths: readonly MailStatus[], { history }: Status): Since | undefined {
  const blocked = causes.flatMap(cause => paths.map(({ name }) => history.blockers.get(blockerKey(name, cause))))
  return earliest(blocked) ?? earliest(causes.map(cause => history.checks.get(checkId(cause))))
}
