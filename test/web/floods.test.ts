/** One of `npm run floods`, on the program as it is in the source. */
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { flood } from '../floods/flood.ts'
import { shapes } from '../floods/shapes.ts'

const tsx = fileURLToPath(import.meta.resolve('tsx'))
const exporter = ['--import', tsx, fileURLToPath(new URL('../../src/main.ts', import.meta.url))]
const megabyte = 1e6

it(
  'one that pipelines and never reads takes little memory, no scrape, and no target',
  { timeout: 90_000 },
  async () => {
    const shape = shapes.find(({ name }) => name === 'pipelines /, never reads')
    if (!shape) throw new Error('there is no such shape')
    const outcome = await flood({
      shape,
      // Before requests were taken one at a time these took 844 MB, and no scrape was answered for ten seconds.
      connections: 40,
      lastsMs: 300,
      openMs: 100,
      intervalMs: 800,
      exporter,
      // What compiles the source is in there too.
      limit: 420 * megabyte,
    })
    if (typeof outcome.caged === 'string') console.info(`without a limit: ${outcome.caged}`)
    expect(outcome).toMatchObject({ died: undefined, missed: [], reconnects: 0 })
    expect(outcome.falseVerdicts.filter(one => one.includes('verdict="fail"'))).toEqual([])
    expect(outcome.scrapes).toBeGreaterThan(0)
    expect(outcome.mostMemory - outcome.restMemory).toBeLessThan(90 * megabyte)
  },
)
