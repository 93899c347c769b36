import { hash } from '@node-rs/bcrypt'
import { hostname } from 'node:os'
import { chromium } from 'playwright-core'
import { describe, expect, it, onTestFinished } from 'vitest'
import { isAllowedHost } from '../../src/web/hosts.ts'
import { have, needs } from '../servers/processes.ts'
import { ask, basic, serving } from './serving.ts'

const host = 'attacker.example.com'
const binary = process.env['CHROMIUM_BIN'] ?? have('chromium') ?? have('chromium-browser') ?? have('google-chrome')
const browser = { 'accept-language': 'en' }

describe('a browser', () => {
  it.each([
    '127.0.0.1',
    '127.0.0.1:10587',
    '192.0.2.7',
    '[::1]:10587',
    '[2001:db8::7]',
    'localhost:10587',
    'LOCALHOST',
    'exporter',
    'exporter:80',
    'exporter.local.',
    'exporter.monitoring.svc',
    'exporter.monitoring.svc.cluster.local:10587',
    'exporter.prod.internal',
    'allowed.example.com',
    'Allowed.Example.com.:443',
    hostname(),
  ])('is answered at %s', host => {
    expect(isAllowedHost({ host, ...browser }, ['allowed.example.com'])).toBe(true)
  })

  it.each([
    'attacker.example.com',
    'attacker.example.com:10587',
    '127.0.0.1.attacker.example.com',
    'localhost.attacker.example.com',
    'x.allowed.example.com',
    'allowed.example.com.attacker.com',
    'notlocal.com',
    'evil-internal.com',
    '127.0.0.1@attacker.com',
    '',
    ':80',
  ])('is not answered at "%s"', host => {
    expect(isAllowedHost({ host, ...browser }, ['allowed.example.com'])).toBe(false)
  })

  it.each([
    { 'accept-language': '' },
    { 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64)' },
    { 'sec-fetch-site': 'same-origin' },
    { origin: 'http://attacker.com' },
    { referer: 'http://attacker.com/' },
  ])('is known by %o', headers => {
    expect(isAllowedHost({ host: 'attacker.com', ...headers }, [])).toBe(false)
    expect(isAllowedHost({ host: 'attacker.com', 'user-agent': 'Prometheus/3.0', accept: '*/*' }, [])).toBe(true)
  })
})

describe('the exporter', () => {
  it('gives a page of somebody else nothing, on any path, and says what to do where the name is its own', async () => {
    const web = await serving()
    for (const path of ['/', '/metrics', '/api/v1/status', '/failures', '/nothing']) {
      const { status, body } = await ask(web, { path, headers: { host, ...browser } })
      expect([path, status, body]).toEqual([path, 421, expect.stringContaining('--web.allowed-host') as string])
      expect(body).not.toContain(host)
    }
    expect((await ask(web, { path: '/metrics', headers: { host } })).status).toBe(200)
    const allowed = await serving({ allowedHosts: [host] })
    expect((await ask(allowed, { path: '/', headers: { host, ...browser } })).status).toBe(200)
  })

  it('asks users who they are instead, where it has users', async () => {
    const web = await serving({ config: { basic_auth_users: { alice: await hash('right', 4) } } })
    const headers = { host, ...browser }
    expect((await ask(web, { path: '/', headers })).status).toBe(401)
    expect((await ask(web, { path: '/', headers: { ...headers, ...basic('alice', 'right') } })).status).toBe(200)
  })
})

describe.skipIf(!needs('chromium', binary, 'apt-get install chromium'))('in Chromium', () => {
  it('a script is not answered whose own name leads to the exporter', async () => {
    const web = await serving()
    const started = await chromium.launch({
      ...(binary === undefined ? {} : { executablePath: binary }),
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-features=LocalNetworkAccessChecks',
        `--host-resolver-rules=MAP ${host} 127.0.0.1`,
      ],
    })
    onTestFinished(() => started.close())
    const page = await started.newPage()
    // The page of an attacker comes from the same host and port, before its name leads elsewhere.
    await page.route(`http://${host}:${web.port}/lure`, route =>
      route.fulfill({ body: 'lure', contentType: 'text/html' }),
    )
    await page.goto(`http://${host}:${web.port}/lure`)
    // What a script may set to look like a machine.
    const read = await page.evaluate(`Promise.all([{}, { 'User-Agent': 'curl/8', 'Accept-Language': '' }].map(
      headers => fetch('/metrics', { headers }).then(answer => answer.status)))`)
    expect(read).toEqual([421, 421])
    await page.goto(`http://127.0.0.1:${web.port}/`)
    expect(await page.title()).toContain('mail')
  })
})
