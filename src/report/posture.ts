import type { TargetPosture } from '../assess/postures.ts'
import { shown, type Shown } from '../core/shown.ts'
import type { PostureRow, PostureState } from '../probes/dns/posture/index.ts'
import { inMarkdown, markdownCode, markdownLines, markdownParts, tableOf, type Markdown } from './markdown.ts'
import { cell, tableLines, type Paint } from './table.ts'

export const postureTitle = ({ target, servers }: TargetPosture): Shown =>
  shown`DNS of ${target}, as ${servers.join(' and ')} ${servers.length > 1 ? 'say' : 'says'}`

/** What receivers find, and what to publish, as lines for a terminal. */
export function postureLines({ rows }: TargetPosture, width: number, paint: (state: PostureState) => Paint): Shown[] {
  const cells = rows.map(row => [
    cell(stateText(row), paint(row.state)),
    cell(row.record),
    cell([
      row.name,
      ...row.found,
      ...[row.publish, row.advice].flatMap(todo => (todo === undefined ? [] : `→ ${todo}`)),
    ]),
  ])
  return tableLines(cells, width)
}

export const postureTable = ({ rows }: TargetPosture): Markdown =>
  tableOf(
    ['Record', 'Name', 'State', 'What to publish'],
    rows.map(row => [
      row.record,
      row.name,
      markdownLines([stateText(row), ...row.found]),
      markdownParts([
        ...(row.publish === undefined ? [] : [markdownCode(row.publish)]),
        ...(row.advice === undefined ? [] : [inMarkdown`${row.advice}`]),
      ]),
    ]),
  )

const stateText = ({ state }: PostureRow): string => state.replace('_', ' ')
