/** Every command of README and docs is run, or says in its first line why it is not. */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { have, needs } from '../servers/processes.ts'
import { documents, shellBlocks } from './shell-blocks.ts'
import { runElsewhere, startShellStage, type ShellStage } from './shell-stage.ts'

const blocks = documents.flatMap(shellBlocks)
const run = blocks.filter(({ notRun }) => notRun === undefined)

describe('the commands of the documents', () => {
  it('are blocks of sh', () => {
    expect(blocks.filter(({ language }) => language !== 'sh').map(({ where }) => where)).toEqual([])
    expect(run.length).toBeGreaterThan(10)
  })

  it.each(Object.entries(runElsewhere))('%s is run by %s', (command, file) => {
    const text = readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8')
    const { scripts } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
      scripts: Record<string, string>
    }
    const [, name = ''] = /^npm (?:run )?(\w+)$/.exec(command) ?? []
    const does = file === '.ci/run' ? command : scripts[name]?.split(' ').at(-1)
    expect(text).toContain(does)
  })
})

describe.skipIf(!needs('curl', have('curl'), 'apt-get install curl'))('as they stand,', () => {
  let stage: ShellStage
  beforeAll(async () => {
    stage = await startShellStage()
  })
  afterAll(() => stage.stop())

  it.each(run.map(({ where, script }) => [where, script] as const))('those of %s can be run', async (_, script) => {
    const { failed, printed } = await stage.run(script)
    // A verdict is no failure: nothing listens at the addresses of the example.
    const unexpected = failed.filter(line => !/^[123]: \S*(node dist\/main\.js|mailpath-exporter) check( |$)/.test(line))
    expect(unexpected, printed).toEqual([])
  })
})
