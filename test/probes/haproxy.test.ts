import { createServer } from 'node:http'
import { createServer as createTcp } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Observation } from '../../src/core/probe.ts'
import { haproxy } from '../../src/probes/haproxy/index.ts'
import { narrowed, type HaproxySeen } from '../../src/probes/haproxy/observe.ts'
import { readStatistics, type HaproxyServer } from '../../src/probes/haproxy/statistics.ts'
import type { HaproxyTarget } from '../../src/probes/haproxy/target.ts'
import { certificates } from '../servers/certificates.ts'
import { haproxyBinary, haproxyInstall, startHaproxy, type Haproxy } from '../servers/haproxy.ts'
import { listen, refusedPort, silent, type Listening } from '../servers/hostile.ts'
import { needs, waitFor } from '../servers/processes.ts'
import { expectSamples, probeContract } from './contract.ts'
import { env, look } from './look.ts'
import { serverUp } from '../status/haproxy.ts'
import { valueOf } from './values.ts'
import { leafOf } from '../clients/certificate-leaf.ts'

const target = (fields: Partial<HaproxyTarget> = {}): HaproxyTarget => ({
  ...haproxy.target.parse({ name: 'lb-1', url: 'http://lb-1:8404/metrics' }),
  ...(fields.socket !== undefined && { url: undefined }),
  ...fields,
})

const server = (name: string, more: Partial<HaproxyServer> = {}): HaproxyServer =>
  serverUp(name, { sessions: 3, lastChangeAt: 1_767_225_600_000, address: '10.0.0.1', port: 5432, ...more })
const up = server('n1')
const down = server('n2', { status: 'DOWN', checkStatus: 'L7STS', checkCode: 503, sessions: 0 })
const maint = server('n3', { status: 'MAINT', checkStatus: undefined, checkCode: undefined, sessions: 0 })

describe('judge', () => {
  const seen = (over: Partial<HaproxySeen>): HaproxySeen => ({ address: 'lb-1:8404', ...over })
  const good = seen({ status: 200, servers: [up, down, maint], proxies: ['write'] })
  const failure = (over: Partial<NonNullable<HaproxySeen['failure']>>) =>
    seen({
      failure: { phase: 'request', code: 'ECONNREFUSED', text: 'lb-1:8404: why', timedOut: false, tls: false, ...over },
    })
  const local = { ...failure({ code: 'EACCES' }), address: '/run/haproxy.sock' }

  it.each<[string, HaproxySeen, Observation['verdict'], string | undefined, number | undefined]>([
    ['servers', good, 'ok', undefined, 1],
    ['no servers', seen({ status: 200, servers: [], proxies: [] }), 'ok', undefined, 1],
    ['a refusal', failure({}), 'fail', 'haproxy_unreachable', 0],
    ['a silent one', failure({ timedOut: true, code: undefined }), 'fail', 'haproxy_no_answer', 0],
    ['a wrong certificate', failure({ tls: true }), 'unknown', 'haproxy_tls_failed', 0],
    ['a socket of somebody else', local, 'unknown', 'haproxy_login_refused', 0],
    ['a firewall', failure({ code: 'EACCES' }), 'fail', 'haproxy_unreachable', 0],
    ['HTTP 401', seen({ status: 401 }), 'unknown', 'haproxy_login_refused', 1],
    ['HTTP 404', seen({ status: 404 }), 'unknown', 'haproxy_not_haproxy', 1],
    ['another page', seen({ status: 200 }), 'unknown', 'haproxy_not_haproxy', 1],
    ['another socket', seen({ address: '/run/other.sock' }), 'unknown', 'haproxy_not_haproxy', 0],
  ])('%s', (_, facts, verdict, code, reachable) => {
    const found = haproxy.judge(facts, target())
    expect(found.verdict).toBe(verdict)
    expect(found.reasons.map(one => one.code)).toEqual(code === undefined ? [] : [code])
    expect(valueOf(found, 'mailpath_haproxy_reachable')).toBe(reachable)
  })

  it('names what it saw in one line, and gives a series for each server', () => {
    const found = haproxy.judge(good, target())
    expect(found.evidence).toBe('lb-1:8404: write: n1 UP (L7OK 200), n2 DOWN (L7STS 503), n3 MAINT')
    const n2 = { proxy: 'write', server: 'n2' }
    const statusOf = (status: string) => valueOf(found, 'mailpath_haproxy_server_status', { ...n2, status })
    expect(['UP', 'DOWN', 'MAINT', 'DRAIN', 'NOLB'].map(statusOf)).toEqual([0, 1, 0, 0, 0])
    expect(valueOf(found, 'mailpath_haproxy_check_status_info', { ...n2, check_status: 'L7STS' })).toBe(1)
    expect(valueOf(found, 'mailpath_haproxy_server_sessions', { proxy: 'write', server: 'n1' })).toBe(3)
    expect(valueOf(found, 'mailpath_haproxy_server_last_change_timestamp_seconds', n2)).toBe(1_767_225_600)
    expect(valueOf(found, 'mailpath_haproxy_check_status_info', { server: 'n3' })).toBeUndefined()
  })

  it('says that a change is under way', () => {
    const going = server('n1', { status: 'DOWN', changing: { at: 1, of: 2 } })
    expect(haproxy.judge(seen({ servers: [going] }), target()).evidence).toBe(
      'lb-1:8404: write: n1 DOWN 1/2 (L7OK 200)',
    )
  })

  it('gives no status for a word that it does not know', () => {
    const odd = haproxy.judge(seen({ servers: [server('n1', { status: undefined })] }), target())
    expect(odd.evidence).toContain('n1 in an unknown state')
    expect(valueOf(odd, 'mailpath_haproxy_server_status', { status: 'UP' })).toBeUndefined()
  })

  it('has series of the first 200 servers only, and says so', () => {
    const many = Array.from({ length: 3_000 }, (_, i) => server(`n${i}`))
    const found = haproxy.judge(seen({ servers: many }), target())
    expect(new Set(found.samples.map(({ labels }) => labels['server'])).size).toBe(201)
    expect(found.evidence).toMatch(/, n11 UP \(L7OK 200\) and 2988 more; only the first 200 have metrics$/)
  })

  it('warns of a certificate that expires soon', () => {
    const at = Date.now()
    const leaf = { name: 'lb-1', issuer: 'ca', notBefore: 0, notAfter: at + 3 * 86_400_000, selfSigned: false }
    const shown = {
      chain: { certificates: [leaf], anchored: true, names: 'DNS:lb-1', leaf: leafOf('lb-1') },
      verified: true,
      at,
    }
    const found = haproxy.judge({ ...good, certificates: shown }, target())
    expect(found.reasons.map(({ code }) => code)).toEqual(['haproxy_certificate_expires_soon'])
    expect(valueOf(found, 'mailpath_haproxy_certificate_not_after_timestamp_seconds')).toBeCloseTo(leaf.notAfter / 1000)
  })
})

describe('the CSV', () => {
  const at = 1_767_225_600_500
  const titles = '# pxname,svname,scur,status,lastchg,type,check_status,check_code,addr,weight,bck,new_column,'
  const read = (...rows: string[]) => readStatistics([titles, ...rows, ''].join('\n'), at)
  const status = (word: string) => {
    const [one] = read(`write,n1,1,${word},60,2,* L7OK,200,10.0.0.1:5432,1,0,,`)?.servers ?? []
    return one && [one.status, one.changing && `${one.changing.at}/${one.changing.of}`]
  }

  // srv_hlt_st in HAProxy's src/stats-proxy.c.
  it.each([
    ['UP', 'UP', undefined],
    ['UP 1/3', 'UP', '1/3'],
    ['DOWN', 'DOWN', undefined],
    ['DOWN 1/2', 'DOWN', '1/2'],
    ['DOWN (agent)', 'DOWN', undefined],
    ['MAINT', 'MAINT', undefined],
    ['MAINT (via write/n1)', 'MAINT', undefined],
    ['MAINT (resolution)', 'MAINT', undefined],
    ['DRAIN', 'DRAIN', undefined],
    ['DRAIN 2/3', 'DRAIN', '2/3'],
    ['NOLB', 'NOLB', undefined],
    ['no check', 'UP', undefined],
    ['SLEEPY', undefined, undefined],
    ['', undefined, undefined],
  ])('has a server that is %s', (word, expected, changing) => {
    expect(status(word)).toEqual([expected, changing])
  })

  it('is read by the names of its columns', () => {
    expect(read('write,n1,3,UP,60,2,* L7OK,200,[fd00::1]:5432,1,0,,')?.servers).toEqual([
      server('n1', { address: 'fd00::1', lastChangeAt: 1_767_225_540_000 }),
    ])
  })

  it('has proxies with servers, and frontends, which are none', () => {
    const statistics = read(
      'in,FRONTEND,0,OPEN,,0,,,,,',
      'write,"n,""1""",0,UP,1,2,L4OK,,unix,,',
      'write,BACKEND,0,UP,1,1,,,,,',
      'empty,BACKEND,0,UP,1,1,,,,,',
    )
    expect(statistics?.proxies).toEqual(['write', 'empty'])
    expect(statistics?.servers).toMatchObject([{ server: 'n,"1"', address: undefined, checkStatus: 'L4OK' }])
  })

  it.each(['', 'Permission denied\n\n', '<html>', 'haproxy_server_status{proxy="a",server="b"} 1\n', '# HELP x y\n'])(
    'is not %j',
    text => expect(readStatistics(text, at)).toBeUndefined(),
  )
})

it.each([
  ['http://lb-1:8404/metrics', true],
  ['http://lb-1:8404/metrics?scope=server', false],
  ['http://lb-1:8404/stats;csv', false],
])('asks %s for servers only where the URL asks for nothing itself: %s', (url, narrower) => {
  expect(narrowed(url) !== url).toBe(narrower)
})

it('asks once in a round, and only reads', async () => {
  const said: string[] = []
  const double = await listen(
    createTcp(socket =>
      socket.on('data', data => {
        said.push(String(data))
        socket.end()
      }),
    ),
  )
  try {
    await look(haproxy, target({ url: `http://127.0.0.1:${double.port}/metrics` }))
    await look(haproxy, target({ socket: `127.0.0.1:${double.port}` }))
    expect(double.accepted).toBe(2)
    expect(said[0]).toMatch(
      /^GET \/metrics\?scope=server&scope=backend&metrics=haproxy_server_status,[\w,]+ HTTP\/1\.1\r\n/,
    )
    expect(said.slice(1)).toEqual(['show stat -1 6 -1;show servers state\n'])
  } finally {
    await double.close()
  }
})

const http = 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 99\r\n\r\nhaproxy_server_status{'
const login = { user: 'stats', password: { env: 'CANARY' } }
probeContract(haproxy, port => target({ url: `http://127.0.0.1:${port}/metrics`, ...login }), { opening: http })
probeContract(haproxy, port => target({ socket: `127.0.0.1:${port}` }), { opening: '# pxname,svname,status,type\nw,' })

describe.skipIf(!needs('HAProxy', haproxyBinary(), haproxyInstall))('a real HAProxy', () => {
  /** As a Patroni: whether the node is the primary; undefined for one that is silent. */
  const primary: Record<string, boolean> = { n1: true, n2: false, n3: true, n4: true }
  const patronis: Listening[] = []
  let balancer: Haproxy

  beforeAll(async () => {
    const database = await silent()
    patronis.push(database)
    const servers = []
    for (const name of Object.keys(primary)) {
      const patroni = await listen(createServer((_, answer) => answer.writeHead(primary[name] ? 200 : 503).end()))
      patronis.push(patroni)
      servers.push({ name, host: '127.0.0.1', port: database.port, checkPort: patroni.port })
    }
    balancer = await startHaproxy({ servers, check: 'http' })
    await balancer.admin('set server write/n3 state maint')
    await balancer.admin('set server write/n4 state drain')
    const settled = /^write,n1,.*,UP,[^]*^write,n2,.*,DOWN,[^]*^write,n4,.*,DRAIN,.*L7OK,/m
    await waitFor(async () => settled.test(await balancer.admin('show stat')), { what: 'all checks' })
  })
  afterAll(async () => {
    await balancer.stop()
    for (const one of patronis) await one.close()
  })

  const ways = ['metrics', 'csv', 'socket', 'tcp'] as const
  const observed = async (way: (typeof ways)[number], fields: Partial<HaproxyTarget> = {}) => {
    const where = balancer.statistics[way]
    const found = await look(
      haproxy,
      target({ ...(way === 'metrics' || way === 'csv' ? { url: where } : { socket: where }), ...fields }),
    )
    if (!found) throw new Error('the run was not recorded')
    return { ...found, seen: found.seen as HaproxySeen }
  }

  it.each(ways)('says the same by its %s', async way => {
    const found = await observed(way)
    expectSamples(found, haproxy)
    expect(found.verdict).toBe('ok')
    // While the next check is under way, the code of the last one is gone.
    expect(found.evidence).toMatch(
      /: write: n1 UP \(L7OK(?: 200)?\), n2 DOWN \(L7STS(?: 503)?\), n3 MAINT, n4 DRAIN \(L7OK(?: 200)?\); nobackend: dead MAINT$/,
    )
    expect(found.seen.proxies).toEqual(['write', 'nobackend'])
    const [n1] = found.seen.servers ?? []
    expect(n1?.lastChangeAt).toBeGreaterThan(Date.now() - 60_000)
    expect(n1?.lastChangeAt).toBeLessThanOrEqual(Date.now() + 1000)
    expect(n1?.sessions).toBe(0)
  })

  it.each(['socket', 'tcp'] as const)('says where its servers are by its %s, at level user', async way => {
    const [n1] = (await observed(way)).seen.servers ?? []
    expect(n1).toMatchObject({ address: '127.0.0.1', port: patronis[0]?.port })
  })

  it('says that a server is on its way up, and then that it is there', async () => {
    await waitFor(async () => (await observed('socket')).seen.servers?.[1]?.status === 'DOWN', { what: 'down' })
    primary['n2'] = true
    const change = await waitFor(async () => (await observed('socket')).seen.servers?.[1]?.changing, {
      what: 'a change under way',
    })
    expect(change).toEqual({ at: 1, of: 2 })
    await waitFor(async () => (await observed('socket')).seen.servers?.[1]?.status === 'UP', { what: 'up' })
    primary['n2'] = false
    await waitFor(async () => (await observed('socket')).seen.servers?.[1]?.status === 'DOWN', { what: 'down again' })
  })

  it('is unreachable once it is gone, and is no HAProxy for a page that is none', async () => {
    const gone = await refusedPort()
    patronis.push(gone)
    const codes = async (fields: Partial<HaproxyTarget>) =>
      (await look(haproxy, target(fields)))?.reasons.map(({ code }) => code)
    expect(await codes({ socket: `127.0.0.1:${gone.port}` })).toEqual(['haproxy_unreachable'])
    expect(await codes({ socket: `${balancer.statistics.socket}.gone` })).toEqual(['haproxy_unreachable'])
    const page = balancer.statistics.csv.replace(';csv', '')
    expect(await codes({ url: page })).toEqual(['haproxy_not_haproxy'])
    expect(await codes({ url: page.replace('stats', 'nothing') })).toEqual(['haproxy_not_haproxy'])
    // The port of the database, through it.
    expect(await codes({ socket: `127.0.0.1:${balancer.noBackend}` })).toEqual(['haproxy_not_haproxy'])
  })

  it('says which servers get no sessions while another one does: backups, and those with weight 0', async () => {
    const [host, port] = ['127.0.0.1', 1]
    const mixed = await startHaproxy({
      check: 'none',
      servers: [
        { name: 'n1', host, port },
        { name: 'n2', host, port, more: 'backup' },
        { name: 'n3', host, port, more: 'weight 0' },
      ],
    })
    const said = async (way: (typeof ways)[number]) => {
      const where = mixed.statistics[way]
      const found = await look(haproxy, target(way === 'socket' || way === 'tcp' ? { socket: where } : { url: where }))
      const { servers = [] } = found?.seen as HaproxySeen
      return servers.filter(({ proxy }) => proxy === 'write').map(({ weight, backup }) => [weight, backup])
    }
    const [plain, spare, unused] = [{ name: 'n1', host, port }, { name: 'n2', host, port, more: 'backup' }, [0, false]]
    try {
      const known = [[1, false], [1, true], unused]
      for (const way of ['csv', 'socket', 'tcp'] as const) expect(await said(way)).toEqual(known)
      expect((await said('metrics')).map(([, backup]) => backup)).toEqual([undefined, undefined, undefined])
      await mixed.route([plain])
      expect(await said('metrics')).toEqual([[1, false]])
      await mixed.route([spare])
      expect(await said('metrics')).toEqual([[1, true]])
    } finally {
      await mixed.stop()
    }
  })

  it('takes a login and a client certificate over TLS, and refuses others', async () => {
    const { good, client, ca } = await certificates()
    const secured = await startHaproxy({
      servers: [{ name: 'n1', host: '127.0.0.1', port: 1 }],
      check: 'none',
      login: { user: 'stats', password: 'Kq7-word' },
      tls: { pem: `${good.cert}\n${good.key}`, clientCa: ca },
    })
    try {
      const files = { '/ca.pem': ca, '/client.pem': client.cert, '/client.key': client.key }
      const references = env({ RIGHT: 'Kq7-word', WRONG: 'other', ...files })
      const all = {
        url: secured.statistics.metrics,
        ca_file: '/ca.pem',
        cert_file: '/client.pem',
        key_file: '/client.key',
        user: 'stats',
        password: { env: 'RIGHT' },
      }
      const found = async (fields: Partial<HaproxyTarget>) =>
        look(haproxy, target({ ...all, certificate_warning: 0, ...fields }), { references })
      expect(await found({})).toMatchObject({
        verdict: 'ok',
        evidence: expect.stringContaining('write: n1 UP') as string,
      })
      expect((await found({ password: { env: 'WRONG' } }))?.reasons[0]?.code).toBe('haproxy_login_refused')
      expect((await found({ ca_file: undefined }))?.reasons[0]?.code).toBe('haproxy_tls_failed')
      expect((await found({ cert_file: undefined, key_file: undefined }))?.reasons[0]?.code).toBe('haproxy_tls_failed')
      const soon = await found({ certificate_warning: 60 * 86_400_000 })
      expect(soon?.reasons.map(({ code }) => code)).toEqual(['haproxy_certificate_expires_soon'])
    } finally {
      await secured.stop()
    }
  })
})
