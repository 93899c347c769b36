/** Servers that are not what they were said to be: what is written is valid, short, without a secret, and says so. */
import { createServer } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { expect, describe, it, onTestFinished } from 'vitest'
import { deadline } from '../../src/core/deadline.ts'
import type { Asking } from '../../src/init/asked.ts'
import { balancer } from '../../src/init/haproxy.ts'
import { askPatroni } from '../../src/init/patroni.ts'
import { vaultEntry } from '../../src/init/vault.ts'
import type { Sources } from '../../src/init/index.ts'
import { certificates } from '../servers/certificates.ts'
import { closesAtOnce, drip, flood, garbage, listen, silent, type Listening } from '../servers/hostile.ts'
import { startPatroniDouble } from '../servers/patroni-double.ts'
import { first } from './first.ts'

const env = 'DATABASE_URL=postgres://app:hunter2@10.0.0.2:5432/shop\nSMTP_HOST=relay\n'
const mostBytes = 64 * 1024

async function closing(starting: Promise<Listening>): Promise<Listening> {
  const server = await starting
  onTestFinished(() => server.close())
  return server
}

const answers = (status: number, body: string, headers: Record<string, string> = {}): Promise<Listening> =>
  listen(createServer((_, response) => response.writeHead(status, headers).end(body)))

const withCertificate = async (): Promise<Listening> =>
  listen(createTlsServer((await certificates()).good, (_, response) => response.end('{}')))

const evil = '\u001b[31m\u202e"}\n- name: evil\n  url: [x](http://evil)'
const sources: Record<
  string,
  (url: string, asking: Asking) => Promise<Partial<Sources> & { why: string | undefined }>
> = {
  async patroni(url, asking) {
    const asked = await askPatroni(url, asking)
    return { patroni: [asked], why: asked.why }
  },
  async haproxy(url, asking) {
    const { found, why } = await balancer(`${url}/stats;csv`, asking)
    return { haproxy: found ? [found] : [], why }
  },
  async vault(url, asking) {
    const { found, why } = await vaultEntry(url, asking)
    return { vault: found ? [found] : [], why }
  },
}

const servers: Record<string, { start: () => Promise<Listening>; said: RegExp; scheme?: string }> = {
  'bytes that are not HTTP': { start: () => garbage(), said: /./ },
  'an end at once': { start: () => closesAtOnce(), said: /./ },
  'an answer without end': { start: () => flood('HTTP/1.1 200 OK\r\n\r\n{"x":"'), said: /./ },
  'a header without end': { start: () => flood('HTTP/1.1 200 OK\r\nX: '), said: /./ },
  'a byte now and then': { start: () => drip('HTTP/1.1 200 OK\r\n', 50), said: /no answer|within/ },
  'nothing at all': { start: () => silent(), said: /no answer|within/ },
  'a redirect to a secret': { start: () => answers(302, '', { location: 'http://root:hunter2@evil/' }), said: /302/ },
  'a login page': { start: () => answers(401, '<html>hunter2'), said: /401/ },
  'a refusal': { start: () => answers(403, '{"errors":["hunter2"]}'), said: /403/ },
  'an error': { start: () => answers(500, `{"x":"${evil}"}`), said: /500/ },
  'a page': { start: () => answers(200, '<html>hunter2</html>'), said: /no answer of|none of a/ },
  'deep JSON': { start: () => answers(200, '['.repeat(100_000)), said: /no answer of|none of a/ },
  'an unknown authority': { start: withCertificate, said: /certificate/, scheme: 'https' },
}

describe.each(Object.entries(servers))('%s', (_, { start, said, scheme = 'http' }) => {
  it.each(Object.entries(sources))('in place of %s is said, and the rest is written', async (_kind, ask) => {
    const { port } = await closing(start())
    const limit = deadline(3_000, new AbortController().signal)
    onTestFinished(() => limit.clear())
    const { why, ...more } = await ask(`${scheme}://127.0.0.1:${port}`, { signal: limit.signal, ca: undefined })
    expect(why).toMatch(said)
    const { text, data } = await first(env, more)
    expect(data['write_path']).toHaveLength(1)
    expect(text.length).toBeLessThan(mostBytes)
    expect(text).not.toContain('hunter2')
    expect(text).not.toMatch(/[^\n -~→…]/)
  })
})

it('names that would be YAML, escapes or Markdown, by the hundred and each of great length, stay text', async () => {
  const rows = Array.from({ length: 1_000 }, (_, i) => `"${evil.replaceAll('"', '')}${'n'.repeat(500)}${i}",s${i}`)
  const csv = `# pxname,svname,status,type,\n${rows.map(row => `${row},UP,2,`).join('\n')}\n`
  const lb = await closing(answers(200, csv))
  const patroni = await startPatroniDouble()
  onTestFinished(() => patroni.close())
  patroni.scope = evil
  patroni.members = Array.from({ length: 400 }, (_, i) => ({
    name: `${evil}${i}`,
    role: i === 0 ? 'leader' : 'replica',
    state: 'running',
    host: `10.0.${i % 250}.1`,
    port: 5432,
    api_url: `http://10.0.${i % 250}.1:8008/patroni`,
  }))
  const asking = { signal: new AbortController().signal, ca: undefined }
  const { found } = await balancer(`http://127.0.0.1:${lb.port}/stats;csv`, asking)
  const asked = await askPatroni(`http://127.0.0.1:${patroni.port}`, asking)
  const { text, data } = await first(env, { haproxy: found ? [found] : [], patroni: [asked] })
  expect(data['haproxy']).toHaveLength(1)
  expect(data['postgres']?.every(({ name }) => name !== 'evil')).toBe(true)
  expect(text.length).toBeLessThan(2 * mostBytes)
  expect(text).not.toMatch(/[^\n -~→…]/)
})
