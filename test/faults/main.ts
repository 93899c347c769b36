/** `npm run faults [-- --only <pattern>]`: proves the fault matrix, and writes docs/faults.md when all of it was run. */
import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { cell, tableLines } from '../../src/report/table.ts'
import { areas } from './areas.ts'
import { docFile, faultsDoc } from './doc.ts'
import { benchOf, type Proof, type Runnable } from './runner.ts'
import { areasAtOnce, longestFirst, turns } from './turns.ts'

type Row = Runnable['faults'][number]
type Outcome = { readonly proof: Proof } | { readonly failed: string } | { readonly skipped: string }

const say = (line: string): void => {
  process.stdout.write(`${line}\n`)
}
const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`

/** Runs the faults of an area one after the other. Never rejects. */
async function prove(area: Runnable): Promise<Map<string, Outcome>> {
  const outcomes = new Map<string, Outcome>()
  const bench = benchOf(area)
  for (const fault of area.faults) {
    const outcome = await (fault.skip === undefined
      ? bench.prove(fault.name).then(
          proof => ({ proof }),
          (error: unknown) => ({ failed: error instanceof Error ? error.message : String(error) }),
        )
      : Promise.resolve({ skipped: fault.skip }))
    outcomes.set(fault.name, outcome)
    say(line(fault, outcome))
  }
  await bench.stop().catch((error: unknown) => say(`stopping: ${String(error)}`))
  return outcomes
}

function line({ name, seen }: Row, outcome: Outcome): string {
  if ('failed' in outcome) return `FAILED  ${name}: ${outcome.failed}`
  if ('skipped' in outcome) return `skipped ${name}: ${outcome.skipped}`
  const { detectedAfter, healedAfter } = outcome.proof
  return `proven  ${name}: ${seen.root ?? seen.verdict} after ${seconds(detectedAfter)}, healed after ${seconds(healedAfter)}`
}

function tableRow({ name, seen }: Row, outcome: Outcome | undefined): string[] {
  const as = `${seen.verdict}${seen.root === undefined ? '' : `: ${seen.root}`}`
  if (!outcome || 'failed' in outcome) return [name, as, 'FAILED', '']
  if ('skipped' in outcome) return [name, as, 'skipped', '']
  return [name, as, seconds(outcome.proof.detectedAfter), seconds(outcome.proof.healedAfter)]
}

/** Areas with only the faults whose area or name has the pattern in it, whatever its case. */
function narrowed(pattern: string | undefined): Runnable[] {
  if (pattern === undefined) return [...areas]
  const has = (text: string): boolean => text.toLowerCase().includes(pattern.toLowerCase())
  return areas
    .map(area => (has(area.name) ? area : { ...area, faults: area.faults.filter(({ name }) => has(name)) }))
    .filter(({ faults }) => faults.length > 0)
}

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { only: { type: 'string' } } })
  const chosen = narrowed(values.only)
  if (chosen.length === 0) {
    say(`no fault has ${JSON.stringify(values.only)} in its name`)
    return 64
  }
  const turn = turns(areasAtOnce)
  const proven = new Map<Runnable, Map<string, Outcome>>()
  await Promise.all(
    longestFirst(chosen).map(async area => {
      const end = await turn()
      proven.set(area, await prove(area))
      end()
    }),
  )
  const rows = chosen.flatMap(area => area.faults.map(fault => tableRow(fault, proven.get(area)?.get(fault.name))))
  const table = [['fault', 'detected as', 'after', 'healed after'], ...rows]
  say(
    [
      '',
      ...tableLines(
        table.map(row => row.map(text => cell(text))),
        160,
        '',
      ),
    ].join('\n'),
  )
  if (values.only === undefined) await writeFile(docFile, faultsDoc(areas))
  const outcomes = [...proven.values()].flatMap(one => [...one.values()])
  const count = (kind: 'proof' | 'failed' | 'skipped'): number => outcomes.filter(one => kind in one).length
  say(`\n${count('proof')} proven, ${count('failed')} failed, ${count('skipped')} skipped`)
  return count('failed') > 0 ? 1 : 0
}

process.exitCode = await main()
