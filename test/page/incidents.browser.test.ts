import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { chromium, type Browser, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { renderIncidents } from '../../src/page/incidents.ts'
import { hour, minute, type At } from '../history/looks.ts'
import { have, needs } from '../servers/processes.ts'
import { night, statusAfter } from '../status/night.ts'
import { pageWidth, poorContrast } from './browser-scripts.ts'

const binary = process.env['CHROMIUM_BIN'] ?? have('chromium') ?? have('chromium-browser') ?? have('google-chrome')

const long = `the-application-of-${'a-very-long-name-'.repeat(4)}end`
/** Many incidents of many applications, with long names and one name without a place to break it. */
const crowd: At[] = Array.from({ length: 12 }, (_, i) => {
  const said: At[1][string] = i % 2 === 0 ? 'ok' : [`smtp/relay-${'x'.repeat(110)} smtp_unreachable`]
  return [
    i * 6 * minute,
    Object.fromEntries([long, ...Array.from({ length: 19 }, (__, n) => `app-${n}`)].map(name => [name, said])),
  ]
})
const pages: Readonly<Record<string, readonly At[]>> = {
  'of a night': night,
  'of a crowd': crowd,
  'without an incident': [[hour, { app: 'ok' }]],
}

describe.skipIf(!needs('chromium', binary, 'apt-get install chromium'))('in Chromium, the page of incidents', () => {
  let browser: Browser
  let axe = ''

  beforeAll(async () => {
    axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
    const args = [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--disable-background-networking',
      '--disable-sync',
    ]
    browser = await chromium.launch({ ...(binary !== undefined && { executablePath: binary }), timeout: 30_000, args })
  })
  afterAll(() => browser.close())

  async function visit<T>(looks: readonly At[], look: (page: Page) => Promise<T>): Promise<T> {
    const page = await browser.newPage()
    try {
      const status = statusAfter(looks)
      await page.setContent(renderIncidents(status, status.history.incidents))
      return await look(page)
    } finally {
      await page.close()
    }
  }

  /** What axe-core finds: rules, and the elements that break them. */
  const violations = async (page: Page): Promise<readonly string[]> => {
    await page.evaluate(axe)
    return page.evaluate<string[]>(
      `axe.run().then(({ violations }) => violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => id + ': ' + html.slice(0, 120))))`,
    )
  }

  it.each(Object.entries(pages))('%s fits, reads and is accessible, on a desk and on a phone', async (_, looks) => {
    await visit(looks, async page => {
      for (const width of [1280, 390])
        for (const colorScheme of ['light', 'dark'] as const) {
          await page.setViewportSize({ width, height: 800 })
          await page.emulateMedia({ colorScheme })
          const at = `at ${width} px, ${colorScheme}`
          expect(await page.evaluate(pageWidth), at).toBeLessThanOrEqual(width)
          expect(await page.evaluate(poorContrast), at).toEqual([])
          if (width === 390) expect(await violations(page), at).toEqual([])
        }
    })
  })

  it('breaks no short name of a mail path on a phone', async () => {
    await visit(night, async page => {
      await page.setViewportSize({ width: 390, height: 800 })
      const [name, value] = await Promise.all(
        ['.uptime tbody th', '.uptime thead th'].map(one => page.locator(one).first().boundingBox()),
      )
      const lineHeight = Number.parseFloat(await page.evaluate<string>('getComputedStyle(document.body).lineHeight'))
      const text = `(() => { const range = document.createRange(); range.selectNodeContents(document.querySelector('.uptime tbody th')); return range.getBoundingClientRect().height })()`
      expect(await page.evaluate<number>(text)).toBeLessThan(1.5 * lineHeight)
      expect(name?.width).toBe(value?.width)
    })
  })
})
