import { experiment } from '../experiment.ts'
import { createScraper } from '../measure/scrape.ts'
import { launchExporter, untilReady } from '../stage/exporter.ts'
import { configOf } from '../stage/targets.ts'
import { targetsOf } from './scale.ts'

export const page = experiment({
  id: 'page',
  title: 'Status page of 1,000 checks',
  how: 'From the request for / to the end of the answer, on one kept connection, with 1,000 checks at 15 s. Cold is the first request after the start, which also loads what writes the page. Warm is each request after a scrape, a second apart: checks have run since, so the page is written anew.',
  lines: {
    cold: {
      what: 'Status page of 1,000 checks, first request',
      unit: 'ms',
      better: 'lower',
      goal: { kind: 'value', bound: 50 },
    },
    warm: {
      what: 'Status page of 1,000 checks, later requests',
      unit: 'ms',
      better: 'lower',
      goal: { kind: 'value', bound: 50 },
    },
    size: {
      what: 'Status page of 1,000 checks, uncompressed',
      unit: 'kB',
      better: 'lower',
      goal: { kind: 'value', bound: 300 },
    },
  },
  async measure({ servers, quick }) {
    const given = { config: configOf(servers, targetsOf(quick)), env: servers.env, folder: servers.folder }
    const [cold, warm, size]: [number[], number[], number[]] = [[], [], []]
    for (let turn = 0; turn < (quick ? 1 : 2); turn++) {
      const exporter = await launchExporter(given)
      const [scraper, reader] = [createScraper(exporter.url), createScraper(exporter.url.replace('/metrics', '/'))]
      try {
        await untilReady(exporter, 90_000)
        for (let request = 0; request < (quick ? 4 : 12); request++) {
          await scraper.scrape()
          const { status, body, milliseconds } = await reader.scrape()
          if (status !== 200) throw new Error(`the page answers ${status}`)
          if (request === 0) cold.push(milliseconds)
          else warm.push(milliseconds)
          size.push(Buffer.byteLength(body) / 1000)
          await new Promise(resolve => setTimeout(resolve, 1_000))
        }
      } finally {
        scraper.close()
        reader.close()
        await exporter.stop()
      }
    }
    return { lines: { cold: { ours: cold }, warm: { ours: warm }, size: { ours: size } } }
  },
})
