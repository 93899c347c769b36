import axe from 'axe-core'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { renderFailures } from '../../src/page/failures.ts'
import { renderPage } from '../../src/page/page.ts'
import { viewOf } from '../../src/page/view.ts'
import { contentPolicy } from '../../src/web/guard.ts'
import { have, needs } from '../servers/processes.ts'
import { backgroundOf, moving, pageWidth, poorContrast, sticksOut, violations } from './browser-scripts.ts'
import { statuses } from '../status/every.ts'
import { crowd } from '../status/crowd.ts'
import { incident } from '../status/pages.ts'

const binary = process.env['CHROMIUM_BIN'] ?? have('chromium') ?? have('chromium-browser') ?? have('google-chrome')
const about = { version: '0.1.0', configFile: '/etc/mailpath/mailpath.yml' }
const shown = { ...statuses, crowd: () => crowd() }
type Name = keyof typeof shown | 'failures'
const names = [...Object.keys(shown), 'failures'] as Name[]

/** The failures of the first check that fails in the incident, with all that a transcript may hold. */
function failures(): string {
  const { checks, startedAt } = incident()
  const check = checks.find(({ verdict }) => verdict === 'fail')
  if (!check) throw new Error('nothing fails in the incident')
  const transcript = [
    { atMs: 0.4, phase: 'references', text: 'password: env DATABASE_PASSWORD was fetched' },
    { atMs: 12_345.6, phase: 'landing', text: `> select\n  ${'pg_is_in_recovery() as in_recovery, '.repeat(20)}` },
    { atMs: 12_345.7, phase: 'a_phase_of_a_long_name', text: `< ${'x'.repeat(2_000)}` },
  ]
  const failed = { startedAt, tookMs: 12_345, verdict: 'fail', reasons: check.reasons, transcript, inRow: 40 } as const
  return renderFailures(check, [failed, { ...failed, verdict: 'unknown' }], startedAt)
}
function pageOf(name: Name, query: string): string {
  if (name === 'failures') return failures()
  return renderPage(shown[name](), about, viewOf(new URLSearchParams(query)))
}

const desktop = { width: 1280, height: 800 }
const phone = { width: 380, height: 760 }

describe.skipIf(!needs('chromium', binary, 'apt-get install chromium'))('in Chromium, the page', () => {
  let server: Server
  let browser: Browser
  let base = ''

  beforeAll(async () => {
    server = createServer((request, response) => {
      // As a page lies directly below the prefix, so do these: `./?q=` leads from /crowd/ to /crowd/?q=.
      const [path, query = ''] = (request.url ?? '').split('?')
      const name = names.find(one => path === `/${one}/`)
      response.writeHead(name ? 200 : 404, {
        'Content-Type': 'text/html; charset=utf-8',
        'Content-Security-Policy': contentPolicy,
      })
      response.end(name ? pageOf(name, query) : '')
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    browser = await chromium.launch({
      ...(binary === undefined ? {} : { executablePath: binary }),
      timeout: 30_000,
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    })
  })
  afterAll(async () => {
    await browser.close()
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  })

  /** Opens a page, and gives what the browser complained of and what it asked for. */
  async function visit<T>(
    name: Name,
    options: BrowserContextOptions,
    look: (page: Page, complaints: readonly string[], requests: readonly string[]) => Promise<T>,
    query = '',
  ): Promise<T> {
    const context = await browser.newContext(options)
    try {
      const page = await context.newPage()
      page.setDefaultTimeout(10_000)
      const complaints: string[] = []
      const requests: string[] = []
      page.on('console', message => complaints.push(message.text()))
      page.on('pageerror', error => complaints.push(error.message))
      page.on('request', request => requests.push(request.url()))
      await page.goto(`${base}/${name}/${query}`)
      return await look(page, complaints, requests)
    } finally {
      await context.close()
    }
  }

  it.each(names)('%s fits, reads and offends no policy, on a desk and on a phone, by day and by night', async name => {
    await visit(name, {}, async (page, complaints, requests) => {
      for (const width of [1280, 820, 320])
        for (const colorScheme of ['light', 'dark'] as const) {
          await page.setViewportSize({ width, height: 800 })
          await page.emulateMedia({ colorScheme })
          const at = `${name} at ${width} px, ${colorScheme}`
          expect(await page.evaluate(pageWidth), at).toBeLessThanOrEqual(width)
          expect(await page.evaluate(sticksOut), at).toEqual([])
          expect(await page.evaluate(poorContrast), at).toEqual([])
        }
      expect(complaints).toEqual([])
      expect(requests.filter(url => !url.startsWith('data:'))).toEqual([`${base}/${name}/`])
    })
  })

  it('works without JavaScript: the last run unfolds, and a name leads to its check', async () => {
    await visit('incident', { viewport: phone, javaScriptEnabled: false }, async page => {
      const phases = page.locator('#check-5 dl')
      expect(await phases.isVisible()).toBe(false)
      await page.locator('#check-5 summary').click()
      expect(await phases.isVisible()).toBe(true)
      await page.locator('.evidence a').first().click()
      expect(page.url()).toBe(`${base}/incident/#check-5`)
      expect(await page.locator('#check-5:target h3').textContent()).toContain('backend DATABASE_URL')
    })
  })

  it('unfolds what was done, the newest at once', async () => {
    await visit('failures', { viewport: phone, javaScriptEnabled: false }, async page => {
      const shown = () => Promise.all([0, 1].map(n => page.locator('.transcript').nth(n).isVisible()))
      expect(await shown()).toEqual([true, false])
      await page.locator('summary').nth(1).click()
      expect(await shown()).toEqual([true, true])
    })
  })

  it('has the answer in the first window of a phone, with what to do', async () => {
    await visit('incident', { viewport: phone }, async page => {
      const box = await page.locator('.do').first().boundingBox()
      expect((box?.y ?? Infinity) + (box?.height ?? 0)).toBeLessThan(phone.height)
    })
  })

  it('is short on a phone in an incident: what follows from a cause is folded, and a link to it unfolds it', async () => {
    await visit('incident', { viewport: phone, javaScriptEnabled: false }, async page => {
      expect(await page.evaluate<number>('document.documentElement.scrollHeight')).toBeLessThan(6.2 * phone.height)
      const remedy = page.locator('.check:has([id="check-7"]) .remedy').first()
      expect(await remedy.isVisible()).toBe(false)
      await page.locator('details.others summary').click()
      await page.locator('.headline a[href="#check-7"]').click()
      expect(await remedy.isVisible()).toBe(true)
    })
  })

  it.each(names)('%s stands still, for those who ask for less motion and for all others', async name => {
    for (const reducedMotion of ['reduce', 'no-preference'] as const)
      await visit(name, { reducedMotion }, async page => {
        await page.evaluate('for (const one of document.querySelectorAll("details")) one.open = true')
        expect(await page.evaluate(moving)).toEqual([])
      })
  })

  it('follows the colour scheme', async () => {
    await visit('healthy', {}, async page => {
      const light = await page.evaluate(backgroundOf('body'))
      await page.emulateMedia({ colorScheme: 'dark' })
      expect(await page.evaluate(backgroundOf('body'))).not.toBe(light)
    })
  })

  it('has another ground behind each answer', async () => {
    const of = ['healthy', 'excepted', 'incident', 'starting'] as const
    const grounds = await Promise.all(of.map(name => visit(name, {}, page => page.evaluate(backgroundOf('.answer')))))
    expect(new Set(grounds).size).toBe(4)
  })

  it('stands on a desk side by side and on a phone one below the other', async () => {
    const places = async (viewport: typeof phone): Promise<readonly [number, number]> =>
      visit('incident', { viewport }, async page => {
        const from = await page.locator('.join .from .box').first().boundingBox()
        const to = await page.locator('.join .to .box').first().boundingBox()
        return [(to?.x ?? 0) - (from?.x ?? 0), (to?.y ?? 0) - (from?.y ?? 0)]
      })
    const [right, level] = await places(desktop)
    expect(right).toBeGreaterThan(200)
    expect(Math.abs(level)).toBeLessThan(5)
    const [, below] = await places(phone)
    expect(below).toBeGreaterThan(30)
  })

  it('has a balancer between a write path and its node, on a desk and on a phone', async () => {
    const boxes = async (viewport: typeof phone) =>
      visit('balanced', { viewport }, page =>
        Promise.all(
          [
            '.hops .from > li:first-child > .box:nth-of-type(1)',
            '.hops .from > li:first-child .hop ~ .box',
            '.hops .to .box',
          ].map(selector => page.locator(selector).first().boundingBox()),
        ),
      )
    const [path, balancer, node] = await boxes(desktop)
    expect((path?.x ?? 0) + (path?.width ?? 0)).toBeLessThan(balancer?.x ?? 0)
    expect((balancer?.x ?? 0) + (balancer?.width ?? 0)).toBeLessThan(node?.x ?? 0)
    const [above, middle, below] = await boxes(phone)
    expect((above?.y ?? 0) + (above?.height ?? 0)).toBeLessThan(middle?.y ?? 0)
    expect((middle?.y ?? 0) + (middle?.height ?? 0)).toBeLessThan(below?.y ?? 0)
  })

  it.each([
    ['incident', ''],
    ['splitBrain', ''],
    ['disbelieved', ''],
    ['crowd', ''],
    ['crowd', '?path=app-03'],
    ['crowd', '?q=relay&verdict=ok'],
    ['failures', ''],
  ] as const)('%s%s has no violation that axe finds, with everything unfolded', async (name, query) => {
    const look = async (page: Page): Promise<unknown> => {
      await page.evaluate("document.querySelectorAll('details').forEach(one => (one.open = true))")
      await page.evaluate(axe.source)
      return page.evaluate(violations)
    }
    expect(await visit(name, { viewport: desktop }, look, query)).toEqual([])
  })

  it('says on the first screen of a phone how many of how many, which, since when and what to do', async () => {
    await visit('crowd', { viewport: phone }, async page => {
      const texts = ['20 of 20 mail paths', /DATABASE_URL leads to standby db-3, .*since \d\d:\d\d UTC/, 'Do this:']
      for (const text of texts) {
        const box = await page.getByText(text).first().boundingBox()
        expect((box?.y ?? Infinity) + (box?.height ?? 0), String(text)).toBeLessThan(phone.height)
      }
      expect(await page.evaluate<number>('document.documentElement.scrollHeight')).toBeLessThan(5 * phone.height)
    })
  })

  it('finds checks by name and verdict without JavaScript', async () => {
    await visit('crowd', { viewport: phone, javaScriptEnabled: false }, async page => {
      await page.getByLabel('Name').fill('app-03 D')
      await page.getByLabel('Verdict').selectOption('fail')
      await page.getByRole('button', { name: 'Show' }).click()
      expect(new URL(page.url()).search).toBe('?q=app-03+D&verdict=fail')
      expect(await page.locator('.check').count()).toBe(1)
      expect(await page.locator('.tally').textContent()).toContain('1 of 283 checks')
    })
  })

  it('finds checks while one types, with the keyboard alone, and keeps that when it is loaded again', async () => {
    await visit('crowd', { viewport: desktop }, async (page, complaints) => {
      const visible = () => page.locator('.lines li:visible').count()
      expect(await visible()).toBe(0)
      await page.getByLabel('Name').focus()
      await page.keyboard.type('app-07 relay')
      expect(await visible()).toBe(1)
      expect(await page.locator('.tally').textContent()).toContain('1 found')
      await page.reload()
      expect(await page.locator('.check').count()).toBe(1)
      // What the server left out, only the server can give.
      await page.getByLabel('Name').fill('app-08')
      await page.waitForURL(/q=app-08/)
      expect(await page.locator('.check').count()).toBe(14)
      expect(complaints).toEqual([])
    })
  })

  it('leads from a mail path to its own page, and from there to its checks and back', async () => {
    await visit('crowd', { viewport: desktop }, async page => {
      await page.locator('.names').getByText('app-03').click()
      expect(await page.locator('.pictures .path').count()).toBe(1)
      expect(await page.locator('.elsewhere').textContent()).toContain('19 of the others are not ok')
      await page.locator('.evidence a').first().click()
      expect(await page.locator('.check:target h3').textContent()).toContain('app-03 DATABASE_URL')
      await page.getByText('All 20 mail paths').click()
      expect(await page.locator('.group').count()).toBe(21)
    })
  })

  it('has a focus that is seen on everything that the keyboard reaches', async () => {
    await visit('crowd', { viewport: desktop }, async page => {
      for (let i = 0; i < 12; i++) {
        await page.keyboard.press('Tab')
        expect(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')).not.toBe('none')
      }
    })
  })

  it('fits at a zoom of 200 %', async () => {
    for (const name of ['incident', 'crowd'] as const)
      await visit(name, { viewport: { width: 640, height: 400 } }, async page => {
        expect(await page.evaluate(pageWidth)).toBeLessThanOrEqual(640)
        expect(await page.evaluate(sticksOut)).toEqual([])
      })
  })

  it('prints, and can be drawn', async () => {
    await visit('incident', { viewport: desktop }, async page => {
      expect((await page.screenshot()).subarray(1, 4).toString()).toBe('PNG')
      await page.emulateMedia({ media: 'print' })
      expect(await page.evaluate(poorContrast)).toEqual([])
    })
  })
})
