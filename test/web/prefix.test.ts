/** `--web.route-prefix`: where the endpoints are, and where links lead. */
import { describe, expect, it } from 'vitest'
import { endpoints } from '../../src/web/endpoints.ts'
import { parsePrefix } from '../../src/web/prefix.ts'
import { checkOf } from '../monitor/checks.ts'
import { ask, serving } from './serving.ts'

const failing = checkOf(() => Promise.reject(new Error('refused')))

describe('under a route prefix', () => {
  it('every endpoint is below it, health too, and none is beside it', async () => {
    const web = await serving({ routePrefix: '/mail' })
    for (const { path } of endpoints.filter(one => one.path !== '/')) {
      const [inside, beside] = [await ask(web, { path: `/mail${path}` }), await ask(web, { path })]
      expect([path, inside.status === 404]).toEqual([path, false])
      expect([path, beside.status, beside.body]).toEqual([path, 404, 'not found; see /mail/\n'])
    }
    expect((await ask(web, { path: '/mailbox/metrics' })).status).toBe(404)
    const astray = await ask(web, { path: '/mail/mail/metrics' })
    expect([astray.status, astray.body]).toEqual([404, 'not found; see /mail/\n'])
  })

  it.each([
    ['/', '/mail/'],
    ['/mail', '/mail/'],
    ['/mail?verdict=fail', '/mail/?verdict=fail'],
    ['/?refresh=off', '/mail/?refresh=off'],
  ])('%s leads to the page', async (path, location) => {
    const web = await serving({ routePrefix: '/mail' })
    const { status, headers } = await ask(web, { path })
    expect([status, headers.location]).toEqual([302, location])
    expect((await ask(web, { path: location })).status).toBe(200)
    expect((await ask(web, { path, method: 'POST' })).status).toBe(404)
  })

  it.each(['', '/mail', '/a/b'])('all links of all pages lead to what there is (prefix "%s")', async routePrefix => {
    const web = await serving({ routePrefix, checks: [failing] })
    await web.monitor.runAll(new AbortController().signal)
    const seen = new Set<string>()
    const follow = async (url: string): Promise<void> => {
      if (seen.has(url)) return
      seen.add(url)
      const { status, headers, body } = await ask(web, { path: url })
      expect([url, status]).toEqual([url, 200])
      if (!headers['content-type']?.startsWith('text/html')) return
      for (const [, href = ''] of body.matchAll(/<a [^>]*?href="([^"#]+)/g)) {
        const to = new URL(href.replaceAll('&amp;', '&'), `http://exporter${url}`)
        if (to.host === 'exporter') await follow(to.pathname + to.search)
      }
    }
    await follow(`${routePrefix}/`)
    for (const path of ['metrics', 'api/v1/status', 'failures?probe=fake&target=it'])
      expect([...seen]).toContain(`${routePrefix}/${path}`)
  })

  it('requests are counted by the endpoint, so that dashboards need not know the prefix', async () => {
    const web = await serving({ routePrefix: '/mail' })
    await ask(web, { path: '/mail/-/healthy' })
    await ask(web, { path: '/-/healthy' })
    const { body } = await ask(web, { path: '/mail/metrics' })
    expect(body).toContain('mailpath_http_requests_total{handler="/-/healthy",code="200"} 1')
    expect(body).toContain('mailpath_http_requests_total{handler="other",code="404"} 1')
  })
})

it.each([
  ['mail', '/mail'],
  ['/mail/', '/mail'],
  ['/a/b.c/', '/a/b.c'],
  ['/', ''],
  ['', ''],
  ['//evil.example', undefined],
  ['/a/../b', undefined],
  ['/./b', undefined],
  ['/a\r\nb', undefined],
])('the prefix %j is %j', (text, prefix) => expect(parsePrefix(text)).toBe(prefix))

describe('OPTIONS and HEAD', () => {
  it.each(endpoints.map(({ path, methods }) => [path, methods] as const))(
    '%s says what it takes',
    async (path, methods) => {
      const web = await serving()
      const { status, headers, body } = await ask(web, { path, method: 'OPTIONS' })
      expect([status, headers.allow, body]).toEqual([204, [...methods, 'OPTIONS'].join(', '), ''])
      const refused = await ask(web, { path, method: 'PUT' })
      expect([refused.status, refused.headers.allow]).toEqual([405, headers.allow])
    },
  )

  it('OPTIONS * is about the whole server, and of a path that is not there 404', async () => {
    const web = await serving({ routePrefix: '/mail' })
    const { status, headers } = await ask(web, { path: '*', method: 'OPTIONS' })
    expect([status, headers.allow]).toEqual([204, 'GET, HEAD, POST, OPTIONS'])
    expect((await ask(web, { path: '/mail/nothing', method: 'OPTIONS' })).status).toBe(404)
  })

  it.each(endpoints.filter(({ methods }) => methods.includes('GET')).map(({ path }) => path))(
    '%s gives HEAD what GET has, without a body',
    async path => {
      const web = await serving()
      await web.monitor.runAll(new AbortController().signal)
      const url = path === '/probe' ? '/failures?probe=fake&target=it' : path
      const [get, head] = [await ask(web, { path: url }), await ask(web, { path: url, method: 'HEAD' })]
      expect([head.status, head.headers['content-type'], head.body]).toEqual([
        get.status,
        get.headers['content-type'],
        '',
      ])
    },
  )
})
