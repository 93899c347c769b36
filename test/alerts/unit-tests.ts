/** Runs the unit tests of the rules: each with the rules that it needs, all of a file in one process. */
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { removeFolder, runProcess, tempFolder } from '../servers/processes.ts'
import { partsOf } from './needed.ts'
import type { RuleGroup, TestFile } from './rules-file.ts'

/** What Prometheus reads: a file of rules, or of tests. */
type Written = (content: object) => string

/** JSON is YAML. */
export const asTheyAre: Written = content => JSON.stringify(content)

const unitMs: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Each range a millisecond shorter, so that it leaves out what is at its start: every range of Prometheus 3 does. */
export const withoutTheStart: Written = content =>
  asTheyAre(content).replaceAll(
    /\[(\d+)([smhd])\]/g,
    (_, count: string, unit: string) => `[${Number(count) * (unitMs[unit] ?? 0) - 1}ms]`,
  )

/** What `tool` (a promtool) says of them. Throws with its text where one fails. */
export async function runUnitTests(
  tool: string,
  groups: readonly RuleGroup[],
  content: TestFile,
  written: Written = asTheyAre,
): Promise<string> {
  const folder = tempFolder('mailpath-rules-')
  try {
    const files = partsOf(groups, content).map(async (part, index) => {
      const [rules, tests] = [`rules-${index}.json`, path.join(folder, `tests-${index}.json`)]
      await writeFile(path.join(folder, rules), written({ groups: part.groups }))
      await writeFile(tests, written({ ...part.content, rule_files: [rules] }))
      return tests
    })
    return await runProcess(tool, ['test', 'rules', ...(await Promise.all(files))], { timeoutMs: 600_000 })
  } finally {
    await removeFolder(folder)
  }
}
