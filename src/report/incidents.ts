import { isoTime } from '../core/duration.ts'
import { runbookUrl } from '../core/runbook.ts'
import type { Shown } from '../core/shown.ts'
import { blockedBy, healedOf, removedOf, type Blocked, type Cause, type Incident } from '../history/incident.ts'
import { dayMs, monthMs, uptimeOf } from '../history/uptime.ts'
import type { Status } from '../monitor/ledger.ts'
import {
  healedEach,
  lasting,
  moment,
  notesOf,
  removedEach,
  rootsTogether,
  someOf,
  toldTogether,
  type Told,
  uptimeText,
  whenOf,
} from '../page/incident-words.ts'
import { noneText } from '../page/incidents.ts'
import { isoOrNull } from './api.ts'
import { inMarkdown, markdownBlocks, markdownLink, tableOf, type Markdown } from './markdown.ts'

/** These incidents, newest first, as JSON. Times are ISO 8601 in UTC, durations are in seconds, and null is "not yet". */
export const incidentsJson = ({ at }: Status, incidents: readonly Incident[]) => ({
  at: isoTime(at),
  incidents: incidents.map(one => incidentJson(one, at)),
})

function incidentJson(incident: Incident, at: number) {
  const { number, startedAt, startExact, endedAt, endExact, interruptions, unseenMs, paths, roots } = incident
  const { isCut, rootsLeftOut, causesLeftOut } = incident
  const causeJson = causeOf(incident)
  return {
    number,
    started_at: isoTime(startedAt),
    /** False: nobody saw when it began. */
    start_exact: startExact,
    ended_at: isoOrNull(endedAt),
    end_exact: endExact,
    duration_seconds: ((endedAt ?? at) - startedAt) / 1000,
    /** Nobody looked for so much of it, or it was unknown whether mail can be sent. */
    unseen_seconds: unseenMs / 1000,
    /** How often all mail worked in between, for less than five minutes. */
    interruptions,
    mail_paths: paths.map(({ name, from, to, isRemoved }) => ({
      name,
      from: isoTime(from),
      to: isoOrNull(to),
      /** It ended because the mail path is not configured any longer. */
      removed: isRemoved === true,
    })),
    roots: roots.map(root => ({ at: isoTime(root.at), ...blockedJson(root), mail_paths: root.paths })),
    /** What blocked mail and does so no longer, the first that healed first. */
    healed: healedOf(incident).map(causeJson),
    /** What is not configured any longer: nobody saw it heal. */
    removed: removedOf(incident).map(causeJson),
    blocking: incident.causes.filter(({ to }) => to === undefined && endedAt === undefined).map(causeJson),
    /** Some roots or causes are left out. */
    cut: isCut,
    left_out: { roots: rootsLeftOut, causes: causesLeftOut },
  }
}

const blockedJson = ({ probe, target, code, text }: Blocked) => ({
  probe,
  target,
  code,
  text,
  runbook_url: runbookUrl(code),
})

const causeOf = (incident: Incident) => (cause: Cause) => ({
  ...blockedJson(cause),
  mail_paths: blockedBy(incident, cause),
  from: isoTime(cause.from),
  to: isoOrNull(cause.to),
})

/** These incidents, newest first, as Markdown to paste into a post-mortem. */
export function incidentsMarkdown(status: Status, incidents: readonly Incident[]): Shown {
  const { mail, history, at } = status
  const rows = mail.map(({ name }) => {
    const seen = history.uptime.get(name)
    return [name, uptimeText(uptimeOf(seen, at, dayMs)), uptimeText(uptimeOf(seen, at, monthMs))]
  })
  return markdownBlocks([
    inMarkdown`# Incidents`,
    ...(incidents.length === 0 ? [inMarkdown`${noneText(status)}`] : incidents.flatMap(one => blocksOf(one, at))),
    inMarkdown`## How much of the time mail could be sent`,
    tableOf(['mail path', 'last 24 hours', 'last 30 days'], rows),
  ])
}

function blocksOf(incident: Incident, at: number): readonly Markdown[] {
  const { paths } = incident
  const notes = notesOf(incident)
  return [
    inMarkdown`## ${whenOf(incident, at)}`,
    ...(notes.length > 0 ? [inMarkdown`${notes.join(' ')}`] : []),
    tableOf(
      ['mail path', 'from', 'to'],
      paths.map(({ name, from, to, isRemoved }) => [
        name,
        moment(from, incident),
        to === undefined ? 'now' : `${moment(to, incident)}${isRemoved ? ', then no longer configured' : ''}`,
      ]),
    ),
    inMarkdown`### What was to be fixed`,
    tableOf(
      ['from', 'check', 'reason', 'what was said', 'mail paths'],
      rootsTogether(incident).map(({ at: from, probe, target, code, text, paths: names }) => [
        moment(from, incident),
        `${probe}/${target}`,
        markdownLink(code, runbookUrl(code)),
        text,
        someOf(names),
      ]),
    ),
    ...overBlocks(inMarkdown`### What healed, the first of it first`, healedEach(incident), incident),
    ...overBlocks(inMarkdown`### What is no longer configured: nobody saw it heal`, removedEach(incident), incident),
  ]
}

const overBlocks = (title: Markdown, each: readonly Told[], incident: Incident): readonly Markdown[] =>
  each.length === 0
    ? []
    : [
        title,
        tableOf(
          ['at', 'check', 'reason', 'after', 'mail paths'],
          toldTogether(each).map(({ to, from, probe, target, code, blocked }) => [
            moment(to, incident),
            `${probe}/${target}`,
            markdownLink(code, runbookUrl(code)),
            lasting(to - from),
            someOf(blocked),
          ]),
        ),
      ]
