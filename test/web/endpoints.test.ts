/** The table of endpoints, and all that has to agree with it. */
import { readFileSync } from 'node:fs'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { linked } from '../../src/page/link.ts'
import { endpoints } from '../../src/web/endpoints.ts'
import { ask, serving } from './serving.ts'

const paths = endpoints.map(({ path }) => path)

afterEach(() => void vi.useRealTimers())

describe('the endpoints', () => {
  it('are those of the README, with their methods', () => {
    const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
    const lines = readme.split('\n')
    const first = lines.findIndex(line => line.includes(' Endpoints: '))
    const list = lines.slice(first, first + 2).join('\n')
    const written = [...list.matchAll(/`(\/[^`?]*)[^`]*`(?: \((POST)\b)?/g)].map(([, path, method = 'GET']) => [
      path,
      method,
    ])
    const known = endpoints.map(({ path, methods }) => [path, methods[0]])
    expect(written.sort()).toEqual(known.sort())
  })

  it('are all that pages can lead to', () => expect(paths).toEqual(expect.arrayContaining([...linked])))

  it('are all that the status page links to', async () => {
    const { body } = await ask(await serving(), { path: '/' })
    const hrefs = [...body.matchAll(/href="\.(\/[^"?#]*)/g)].map(([, path]) => path)
    expect(hrefs).toContain('/metrics')
    for (const path of hrefs) expect(paths).toContain(path)
  })

  it('are each counted by their path', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'performance'] })
    const web = await serving()
    for (const path of paths) await ask(web, { path, method: 'HEAD' })
    // The counts may be a second old.
    await vi.advanceTimersByTimeAsync(1_000)
    const { body } = await ask(web, { path: '/metrics' })
    const counted = [...body.matchAll(/^mailpath_http_requests_total\{handler="([^"]*)"/gm)].map(([, path]) => path)
    expect(counted.sort()).toEqual(paths.toSorted())
  })

  it.each(['/metrics', '/', '/api/v1/status'])('%s answers an error with 500, and logs it once', async path => {
    const web = await serving()
    vi.spyOn(web.monitor, 'status').mockImplementation(() => {
      throw new Error('the ledger is broken')
    })
    const { status, body } = await ask(web, { path })
    expect([status, body]).toEqual([500, 'internal error; see the log\n'])
    expect(web.logged).toEqual([
      expect.objectContaining({ level: 'error', msg: 'a request failed', error: 'the ledger is broken' }),
    ])
  })
})
