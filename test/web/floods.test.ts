/** Some of `npm run floods`, on the program as it is in the source, with as many connections as killed it once. */
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { flood } from '../floods/flood.ts'
import { shapes } from '../floods/shapes.ts'

const tsx = fileURLToPath(import.meta.resolve('tsx'))
const exporter = ['--import', tsx, fileURLToPath(new URL('../../src/main.ts', import.meta.url))]
const megabyte = 1e6

it.concurrent.each([
  ['pipelines the shortest request', 120],
  ['HTTP/2: 32 streams of /, zero window, reads', 250],
])('one that %s takes little memory, and no scrape', { timeout: 60_000 }, async (name, connections) => {
  const shape = shapes.find(one => one.name === name)
  if (!shape) throw new Error(`there is no shape ${name}`)
  const outcome = await flood({
    shape,
    connections,
    lastsMs: 500,
    openMs: 300,
    exporter,
    // What compiles the source is in there too.
    limit: 420 * megabyte,
  })
  if (typeof outcome.caged === 'string') console.info(`without a limit: ${outcome.caged}`)
  console.info(
    `${name}: ${Math.round((outcome.mostMemory - outcome.restMemory) / megabyte)} MB more, ${outcome.scrapes} scrapes`,
  )
  expect(outcome).toMatchObject({ died: undefined, missed: [], reconnects: 0 })
  expect(outcome.falseVerdicts.filter(one => one.includes('verdict="fail"'))).toEqual([])
  expect(outcome.scrapes).toBeGreaterThan(0)
  expect(outcome.mostMemory - outcome.restMemory).toBeLessThan(90 * megabyte)
})
