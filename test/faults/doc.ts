import { inCell } from '../../docs/generate/docs.ts'
import { markdownTable } from '../../src/report/table.ts'
import type { Runnable } from './runner.ts'

export const docFile = new URL('../../docs/faults.md', import.meta.url)

const generated = '<!-- Generated from test/faults; `npm run faults` writes it again. -->'

const intro = `What the exporter was seen to catch: each of these faults is injected into a real component, or where none can be
had into a double of it, and must be named as given here within one interval and one deadline; from then on the exporter
must not say \`ok\`, nor change its mind in the next round, until the fault is healed. \`npm run faults\` proves it.

The **root blocker** is the one thing to fix: exactly one while mail fails or is unknown, and otherwise none. Rows with
the verdict \`ok\` are what must not raise an alarm. The sections of pairs are of two faults at the same time.`

/** docs/faults.md: no timings, so that it only changes with the matrix. */
export function faultsDoc(areas: readonly Runnable[]): string {
  const rows = areas.flatMap(area => area.faults)
  const groups = areas.flatMap(({ name, faults }) => [
    `## ${name}`,
    markdownTable(['Fault', 'Mail', 'Root blocker', 'Also reported'], faults.map(row)),
  ])
  return `${['# Faults', generated, intro, `There are ${rows.length} of them.`, ...groups].join('\n\n')}\n`
}

const code = (text: string): string => `\`${text}\``

const row = ({ name, seen, hidden }: Runnable['faults'][number]): string[] => [
  inCell(name),
  seen.verdict,
  seen.root === undefined ? '' : code(seen.root),
  [
    ...(seen.reasons ?? []).filter(reason => reason !== seen.root).map(code),
    ...(hidden === undefined ? [] : [`not yet ${inCell(hidden)}`]),
  ].join(', '),
]
