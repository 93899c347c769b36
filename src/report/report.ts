import { exitCode, type Severity, type Verdict } from '../core/probe.ts'
import { inLines, json, shown, vouched, type Shown } from '../core/shown.ts'
import type { PostureState } from '../probes/dns/posture/index.ts'
import type { SettingState } from '../probes/settings/observe.ts'
import { starvedId } from '../assess/starved.ts'
import { postureJson, reasonJson, starvedJson } from './api.ts'
import type { Action, Answer, Audit, SettingRow } from './audit.ts'
import { inMarkdown, markdownBlocks, markdownLines, tableOf } from './markdown.ts'
import { postureLines, postureTable, postureTitle } from './posture.ts'
import { cell, tableLines, wrap, type Paint } from './table.ts'

export const reportFormats = ['table', 'markdown', 'json'] as const
export type ReportFormat = (typeof reportFormats)[number]

interface ReportOptions {
  readonly format: ReportFormat
  /** Width of the terminal in columns. */
  readonly width?: number | undefined
  readonly colour?: boolean | undefined
}

/** The audit as text, with a newline at its end. The verdict is its first line. */
export function report(audit: Audit, { format, width = 100, colour = false }: ReportOptions): Shown {
  switch (format) {
    case 'table':
      return terminalReport(audit, Math.max(80, width), colour)
    case 'markdown':
      return markdownReport(audit)
    case 'json':
      return inLines([json(reportJson(audit), 2)])
  }
}

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
        cell([whereText(action), action.reason.text, `→ ${action.reason.remedy}`]),
      ]),
      width,
    ),
    shown``,
    paint('dim')(shown`as of ${new Date(audit.at).toISOString()}`),
  ]
  return inLines(lines)
}

function answerLines(answer: Answer, width: number, paint: (code: Verdict) => Paint): Shown[] {
  const { root, sentence, verdict } = answer
  const why = root ? [...wrap(root.reason.text, width - 2), ...wrap(`→ ${root.reason.remedy}`, width - 2)] : []
  return [...wrap(sentence, width).map(paint(verdict)), ...why.map(line => shown`  ${line}`)]
}

/** What the exporter lacks, where no answer says it. */
const notices = ({ starved, answers }: Audit): string[] =>
  starved
    .filter(one => !answers.some(({ root }) => root?.where === starvedId(one)))
    .map(({ reason: { text, remedy } }) => `${text} → ${remedy}`)

const whereText = ({ where, root, reason: { code } }: Action): string =>
  `${where.join(', ')}${root ? ' (root blocker)' : ''} · ${code}`

function groupedByTarget(rows: readonly SettingRow[]): (readonly [string, readonly SettingRow[]])[] {
  const targets = [...new Set(rows.map(row => row.target))]
  return targets.map(target => [target, rows.filter(row => row.target === target)])
}

const markdownReport = (audit: Audit): Shown =>
  markdownBlocks([
    ...audit.answers.flatMap(({ sentence, root }) => [
      inMarkdown`# ${sentence}`,
      ...(root ? [inMarkdown`${root.reason.text}`, inMarkdown`**Fix:** ${root.reason.remedy}`] : []),
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
            const { severity, text, remedy } = action.reason
            return [severity, whereText(action), text, remedy]
          }),
        ),
    inMarkdown`As of ${new Date(audit.at).toISOString()}.`,
  ])

/** Unknown is null. */
const reportJson = (audit: Audit) => ({
  at: new Date(audit.at).toISOString(),
  verdict: audit.verdict,
  exit_code: exitCode(audit.verdict),
  answers: audit.answers.map(({ root, ...answer }) => ({
    ...answer,
    root: root ? { where: root.where, ...root.reason } : null,
  })),
  starved: audit.starved.map(starvedJson),
  components: audit.components,
  settings: audit.settings.map(row => ({ ...row, why: row.why ?? null })),
  dns: audit.postures.map(postureJson),
  actions: audit.actions.map(({ root, where, reason }) => {
    const { severity, ...rest } = reasonJson(reason)
    return { severity, root, where, ...rest }
  }),
})
