import { isoTime } from '../core/duration.ts'
import { type Severity, type Verdict } from '../core/probe.ts'
import { runbookUrl } from '../core/runbook.ts'
import { inLines, json, shown, vouched, type Shown } from '../core/shown.ts'
import type { PostureState } from '../probes/dns/posture/index.ts'
import type { SettingState } from '../probes/settings/observe.ts'
import { starvedId } from '../assess/starved.ts'
import type { Status } from '../monitor/ledger.ts'
import { statusJson } from './api.ts'
import { audit, type Action, type Answer, type Audit, type SettingRow } from './audit.ts'
import { inMarkdown, markdownBlocks, markdownLines, markdownLink, tableOf } from './markdown.ts'
import { postureLines, postureTable, postureTitle } from './posture.ts'
import { cell, tableLines, wrap, type Paint } from './table.ts'

export const reportFormats = ['table', 'markdown', 'json'] as const
export type ReportFormat = (typeof reportFormats)[number]

interface ReportOptions extends Omit<TextOptions, 'format'> {
  readonly format: ReportFormat
}

interface TextOptions {
  readonly format: Exclude<ReportFormat, 'json'>
  /** Width of the terminal in columns. */
  readonly width?: number | undefined
  readonly colour?: boolean | undefined
}

/** What `check` prints of a status, with a newline at its end. As JSON it is the value of `/api/v1/status`. */
export const report = (status: Status, { format, ...options }: ReportOptions): Shown =>
  format === 'json' ? inLines([json(statusJson(status), 2)]) : auditText(audit(status), { format, ...options })

/** The audit as text. The verdict is its first line. */
export const auditText = (audit: Audit, { format, width = 100, colour = false }: TextOptions): Shown =>
  format === 'table' ? terminalReport(audit, Math.max(80, width), colour) : markdownReport(audit)

/** SGR codes: https://www.ecma-international.org/publications-and-standards/standards/ecma-48/ */
const codes: Readonly<Record<Verdict | Severity | SettingState | PostureState | 'bold' | 'dim', string>> = {
  ok: '32',
  warn: '33',
  fail: '31;1',
  unknown: '35',
  critical: '31;1',
  high: '31',
  medium: '33',
  low: '0',
  verified: '32',
  present: '32',
  absent: '33',
  different: '31;1',
  unreadable: '35',
  weak: '33',
  wrong: '31;1',
  missing: '31;1',
  unused: '2',
  not_judged: '2',
  bold: '1',
  dim: '2',
}

function terminalReport(audit: Audit, width: number, colour: boolean): Shown {
  const paint = (code: keyof typeof codes): Paint =>
    colour ? text => vouched(`\u001b[${codes[code]}m${text}\u001b[0m`) : text => text
  const title = (text: Shown): Shown[] => [shown``, paint('bold')(text)]
  const components = audit.components.map(({ name, verdict, evidence }) => [
    cell(verdict, paint(verdict)),
    cell(name),
    cell(evidence),
  ])
  const lines = [
    ...audit.answers.flatMap(answer => answerLines(answer, width, paint)),
    ...notices(audit).flatMap(text => wrap(text, width).map(paint('unknown'))),
    ...title(shown`Components`),
    ...tableLines(components, width),
    ...groupedByTarget(audit.settings).flatMap(([target, rows]) => [
      ...title(shown`Settings of ${target}`),
      ...tableLines(
        rows.map(row => [
          cell(row.state, paint(row.state)),
          cell(row.setting),
          cell(row.expected),
          cell([row.source, ...(row.why === undefined ? [] : [row.why])]),
        ]),
        width,
      ),
    ]),
    ...audit.postures.flatMap(one => [...title(postureTitle(one)), ...postureLines(one, width, paint)]),
    ...title(shown`Actions`),
    ...(audit.actions.length === 0 ? [shown`  none: nothing is wrong`] : []),
    ...tableLines(
      audit.actions.map(action => [
        cell(action.reason.severity, paint(action.reason.severity)),
        cell([
          `${whereText(action)} · ${action.reason.code}`,
          action.reason.text,
          `→ ${action.reason.remedy}`,
          runbookUrl(action.reason.code),
        ]),
      ]),
      width,
    ),
    shown``,
    paint('dim')(shown`as of ${isoTime(audit.at)}`),
  ]
  return inLines(lines)
}

function answerLines(answer: Answer, width: number, paint: (code: Verdict) => Paint): Shown[] {
  const { root, sentence, verdict } = answer
  const paragraphs = root ? [root.reason.text, `→ ${root.reason.remedy}`, runbookUrl(root.reason.code)] : []
  const why = paragraphs.flatMap(text => wrap(text, width - 2))
  return [...wrap(sentence, width).map(paint(verdict)), ...why.map(line => shown`  ${line}`)]
}

/** What the exporter lacks, where no answer says it. */
const notices = ({ starved, answers }: Audit): string[] =>
  starved
    .filter(one => !answers.some(({ root }) => root?.where === starvedId(one)))
    .map(({ reason: { text, remedy } }) => `${text} → ${remedy}`)

const whereText = ({ where, root }: Action): string => `${where.join(', ')}${root ? ' (root blocker)' : ''}`

function groupedByTarget(rows: readonly SettingRow[]): (readonly [string, readonly SettingRow[]])[] {
  const targets = [...new Set(rows.map(row => row.target))]
  return targets.map(target => [target, rows.filter(row => row.target === target)])
}

const markdownReport = (audit: Audit): Shown =>
  markdownBlocks([
    ...audit.answers.flatMap(({ sentence, root }) => [
      inMarkdown`# ${sentence}`,
      ...(root
        ? [
            inMarkdown`${root.reason.text}`,
            inMarkdown`**Fix:** ${root.reason.remedy} ${markdownLink('Runbook', runbookUrl(root.reason.code))}`,
          ]
        : []),
    ]),
    ...notices(audit).map(text => inMarkdown`${text}`),
    inMarkdown`## Components`,
    tableOf(
      ['Component', 'Verdict', 'Evidence'],
      audit.components.map(({ name, verdict, evidence }) => [name, verdict, markdownLines(evidence)]),
    ),
    ...groupedByTarget(audit.settings).flatMap(([target, rows]) => [
      inMarkdown`## Settings of ${target}`,
      tableOf(
        ['Setting', 'Expected', 'Source', 'State'],
        rows.map(({ setting, expected, source, state, why }) => [
          setting,
          expected,
          source,
          why === undefined ? state : inMarkdown`${state}: ${why}`,
        ]),
      ),
    ]),
    ...audit.postures.flatMap(one => [inMarkdown`## ${postureTitle(one)}`, postureTable(one)]),
    inMarkdown`## Actions`,
    audit.actions.length === 0
      ? inMarkdown`None: nothing is wrong.`
      : tableOf(
          ['Priority', 'Where', 'Evidence', 'Remedy'],
          audit.actions.map(action => {
            const { severity, text, remedy, code } = action.reason
            return [severity, inMarkdown`${whereText(action)} · ${markdownLink(code, runbookUrl(code))}`, text, remedy]
          }),
        ),
    inMarkdown`As of ${isoTime(audit.at)}.`,
  ])
