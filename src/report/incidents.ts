import { isoTime } from '../core/duration.ts'
import { runbookUrl } from '../core/runbook.ts'
import type { Shown } from '../core/shown.ts'
import { healedOf, type Blocked, type Cause, type Incident } from '../history/incident.ts'
import { dayMs, monthMs, uptimeOf } from '../history/uptime.ts'
import type { Status } from '../monitor/ledger.ts'
import {
  healedTogether,
  lasting,
  moment,
  notesOf,
  rootsTogether,
  someOf,
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
  const { number, startedAt, startExact, endedAt, endExact, interruptions, unseenMs, paths, roots, isCut } = incident
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
    mail_paths: paths.map(({ name, from, to }) => ({
      name,
      from: isoTime(from),
      to: isoOrNull(to),
    })),
    roots: roots.map(root => ({ at: isoTime(root.at), ...blockedJson(root), mail_paths: root.paths })),
    /** What blocked mail and does so no longer, the first that healed first. */
    healed: healedOf(incident).map(causeJson),
    blocking: incident.causes.filter(({ to }) => to === undefined && endedAt === undefined).map(causeJson),
    /** Some roots or causes are left out. */
    cut: isCut,
  }
}

const blockedJson = ({ probe, target, code, text }: Blocked) => ({
  probe,
  target,
  code,
  text,
  runbook_url: runbookUrl(code),
})

const causeJson = (cause: Cause) => ({
  ...blockedJson(cause),
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
  const healed = healedTogether(incident)
  return [
    inMarkdown`## ${whenOf(incident, at)}`,
    ...(notes.length > 0 ? [inMarkdown`${notes.join(' ')}`] : []),
    tableOf(
      ['mail path', 'from', 'to'],
      paths.map(({ name, from, to }) => [
        name,
        moment(from, incident),
        to === undefined ? 'now' : moment(to, incident),
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
    ...(healed.length === 0
      ? []
      : [
          inMarkdown`### What healed, the first of it first`,
          tableOf(
            ['at', 'check', 'reason', 'after'],
            healed.map(({ to, from, probe, target, code }) => [
              moment(to, incident),
              `${probe}/${target}`,
              markdownLink(code, runbookUrl(code)),
              lasting(to - from),
            ]),
          ),
        ]),
  ]
}
