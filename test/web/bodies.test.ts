import { afterEach, describe, expect, it, vi } from 'vitest'
import { gauge, sample } from '../../src/core/metric.ts'
import { finding } from '../../src/core/probe.ts'
import { oncePerCause } from '../../src/web/once-per-cause.ts'
import { checkOf, noReferences } from '../monitor/checks.ts'
import { ask, serving, type Served } from './serving.ts'

const seen = gauge('mailpath_test_seen', 'What was seen.', ['target'])
/** A check that sees 1, 2, 3, … */
const counting = (target = 'it', fields: Parameters<typeof checkOf>[1] = {}) => {
  let n = 0
  return checkOf(() => Promise.resolve(finding('', [], sample(seen, ++n, { target }))), { target, ...fields })
}
const scrape = async (web: Served, headers = {}) => (await ask(web, { path: '/metrics', headers })).body
const valueIn = (text: string, series: string): string | undefined =>
  text
    .split('\n')
    .find(line => line.startsWith(`${series} `))
    ?.slice(series.length + 1)
const seenIn = (text: string): string | undefined => valueIn(text, 'mailpath_test_seen{target="it"}')
const okIn = (text: string): string | undefined =>
  valueIn(text, 'mailpath_check_verdict{probe="fake",target="it",verdict="ok"}')

afterEach(() => void vi.useRealTimers())

describe('a scrape', () => {
  it('has what was recorded before it, in every format and endpoint', async () => {
    const web = await serving({ checks: [counting()] })
    const openMetrics = { accept: 'application/openmetrics-text' }
    for (const n of ['1', '2', '3']) {
      await web.monitor.runAll(new AbortController().signal)
      expect([seenIn(await scrape(web)), seenIn(await scrape(web, openMetrics))]).toEqual([n, n])
      const json = JSON.parse((await ask(web, { path: '/api/v1/status' })).body) as { checks: { runs: number }[] }
      expect(json.checks[0]?.runs).toBe(Number(n))
    }
  })

  it('has nothing of a check that went stale, though nothing ran since the last', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'performance'] })
    const web = await serving({ checks: [counting('it', { intervalMs: 100, timeoutMs: 50 })] })
    await web.monitor.runAll(new AbortController().signal)
    await vi.advanceTimersByTimeAsync(300)
    const fresh = await scrape(web)
    await vi.advanceTimersByTimeAsync(1)
    const stale = await scrape(web)
    expect([okIn(fresh), seenIn(fresh), okIn(stale), seenIn(stale)]).toEqual(['1', '1', '0', undefined])
  })

  it('has nothing of a check that a reload took out, and what it brought in', async () => {
    const web = await serving({ checks: [counting()] })
    await web.monitor.runAll(new AbortController().signal)
    expect(seenIn(await scrape(web))).toBe('1')
    web.monitor.swap({ checks: [counting('other')], mail: [] }, noReferences)
    const text = await scrape(web)
    expect([text.includes('target="it"'), text.includes('target="other"')]).toEqual([false, true])
  })

  it('counts the requests there were, no later than a second after them', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'performance'] })
    const web = await serving()
    const answered = async () =>
      Number(valueIn(await scrape(web), 'mailpath_http_requests_total{handler="/metrics",code="200"}'))
    await scrape(web)
    await vi.advanceTimersByTimeAsync(1_000)
    expect(await answered()).toBeGreaterThanOrEqual(1)
  })

  it('has the same text compressed or not, and none for HEAD', async () => {
    const web = await serving({ checks: [counting()] })
    // So that all are of one second.
    vi.useFakeTimers({ toFake: ['Date', 'performance'] })
    const plain = await scrape(web)
    const zipped = await fetch(`http://127.0.0.1:${web.port}/metrics`, { headers: { 'accept-encoding': 'gzip' } })
    expect(zipped.headers.get('content-encoding')).toBe('gzip')
    expect(await zipped.text()).toBe(plain)
    const head = await ask(web, { path: '/metrics', method: 'HEAD' })
    expect([head.body, Number(head.headers['content-length'])]).toEqual(['', Buffer.byteLength(plain)])
    expect(head.headers.vary).toBe('Accept, Accept-Encoding')
  })
})

describe('a body', () => {
  it('is made once for a thousand requests at once, and again when something has changed', async () => {
    let cause = {}
    let made = 0
    const body = oncePerCause(
      async (key: string) => {
        await Promise.resolve()
        return `${key} ${++made}`
      },
      () => [cause],
    )
    const crowd = () => Promise.all(Array.from({ length: 1_000 }, () => body('a')))
    expect(new Set(await crowd())).toEqual(new Set(['a 1']))
    expect([await body('b'), await body('a')]).toEqual(['b 2', 'a 1'])
    // What was begun of the old cause is not for who asks after the new one.
    const [before, after] = [body('c'), ((cause = {}), body('c'))]
    expect([await before, await after]).toEqual(['c 3', 'c 4'])
    expect(new Set(await crowd())).toEqual(new Set(['a 5']))
  })

  it('of a client’s choice does not fill the memory: the last are kept, as far as they are small', async () => {
    const made: string[] = []
    const bodyOf = (length: number) =>
      oncePerCause(
        (key: string) => Promise.resolve((made.push(key), key.padEnd(length))),
        () => ['always the same'],
      )
    /** How many of the last hundred pages of this length are still there. */
    const keptOf = async (length: number): Promise<number> => {
      const body = bodyOf(length)
      const keys = Array.from({ length: 100 }, (_, n) => `?q=${n}`)
      for (const key of keys) await body(key)
      made.length = 0
      // The newest first, so that nothing kept is dropped for what is made again.
      let kept = 0
      for (const key of keys.toReversed()) {
        await body(key)
        if (made.length > 0) return kept
        kept += 1
      }
      return kept
    }
    expect([await keptOf(10), await keptOf(300_000), await keptOf(10_000_000)]).toEqual([50, 13, 1])
  })

  it('that could not be made is tried again', async () => {
    let tries = 0
    const body = oncePerCause(
      () => (++tries === 1 ? Promise.reject(new Error('the first time')) : Promise.resolve('made')),
      () => ['always the same'],
    )
    await expect(body(undefined)).rejects.toThrow('the first time')
    expect(await body(undefined)).toBe('made')
  })

  it('is compressed for who likes that as much', async () => {
    const web = await serving()
    const encodingFor = async (accept: string) =>
      (await ask(web, { path: '/metrics', headers: { 'accept-encoding': accept } })).headers['content-encoding']
    for (const accept of ['gzip', 'deflate, GZIP;q=0.5', '*', 'identity, gzip', 'br;q=1, gzip;q=0.8, *;q=0.1'])
      expect([accept, await encodingFor(accept)]).toEqual([accept, 'gzip'])
    for (const accept of ['', 'identity', 'gzip;q=0', 'identity, gzip;q=0.9', 'gzip;q=0, *', 'br'])
      expect([accept, await encodingFor(accept)]).toEqual([accept, undefined])
  })
})

/** All endpoints but `/metrics` are found by Express. */
describe('a scrape by a target that is written oddly', () => {
  it.each(['/metrics?x=/', '/metrics?', '/metrics#x'])('%s is answered and counted as any', async path => {
    const web = await serving()
    const { status, body } = await ask(web, { path })
    expect([status, okIn(body)]).toEqual([200, '0'])
  })
})
