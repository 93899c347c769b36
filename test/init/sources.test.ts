/** Each source as it is, down, and as something else: what is written then, and that nothing else was asked. */
import { createServer } from 'node:http'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { stringify } from 'yaml'
import type { Asking } from '../../src/init/asked.ts'
import { dotenvSettings } from '../../src/init/dotenv.ts'
import { balancer, haproxyProblem } from '../../src/init/haproxy.ts'
import { secretSettings } from '../../src/init/kubernetes.ts'
import { askPatroni } from '../../src/init/patroni.ts'
import { vaultEntry } from '../../src/init/vault.ts'
import { certificates } from '../servers/certificates.ts'
import { haproxyBinary, haproxyInstall, startHaproxy } from '../servers/haproxy.ts'
import { flood, listen, refusedPort, type Listening } from '../servers/hostile.ts'
import { startKubernetesDouble } from '../servers/kubernetes-double.ts'
import { startPatroniDouble } from '../servers/patroni-double.ts'
import { needs } from '../servers/processes.ts'
import { startVaultDouble } from '../servers/vault-double.ts'
import { envFile, first, never } from './first.ts'

const asking: Asking = { signal: never, ca: undefined }
const env = 'DATABASE_URL=postgres://app:pw@10.0.0.2:5432/shop?sslmode=require\nSMTP_HOST=relay\n'

async function closing<T extends Listening>(starting: Promise<T>): Promise<T> {
  const server = await starting
  onTestFinished(() => server.close())
  return server
}

/** A web server that says the same to everything. */
const page = (body: string, status = 200): Promise<Listening> =>
  closing(listen(createServer((_, response) => response.writeHead(status).end(body))))

describe('Patroni', () => {
  const member = (name: string, role: string, host: string, more = {}) => {
    const api_url = `http://${host}:8008/patroni`
    return { name, role, state: 'running', api_url, host, port: 5432, ...more }
  }

  it('names all members as nodes, with the login of the application and its sslmode', async () => {
    const patroni = await closing(startPatroniDouble())
    patroni.members = [member('p1', 'leader', '10.0.0.1'), member('p2', 'replica', '10.0.0.2')]
    const { data, file } = await first(env, { patroni: [await askPatroni(`http://127.0.0.1:${patroni.port}`, asking)] })
    const part = (name: string) => ({ dotenv: file, key: 'DATABASE_URL', part: name })
    expect(data['postgres']).toMatchObject([
      {
        name: 'p1',
        cluster: 'kb',
        url: 'postgres://10.0.0.1:5432/?sslmode=require',
        pg_settings: { PGUSER: part('user'), PGDATABASE: part('database') },
        password: part('password'),
      },
      { name: 'p2', cluster: 'kb' },
    ])
    expect(data['patroni']).toEqual([
      { name: 'p1', cluster: 'kb', url: 'http://10.0.0.1:8008' },
      { name: 'p2', cluster: 'kb', url: 'http://10.0.0.2:8008' },
    ])
    expect(data['write_path']).toMatchObject([{ cluster: 'kb' }])
    expect(patroni.requests.map(({ line }) => line)).toEqual(['GET /leader HTTP/1.1', 'GET /cluster HTTP/1.1'])
  })

  it('without settings leaves the nodes as comments, since nobody said a login', async () => {
    const patroni = await closing(startPatroniDouble())
    const asked = await askPatroni(`http://127.0.0.1:${patroni.port}/`, asking)
    const { data, text } = await first('', { patroni: [asked] })
    expect(data).not.toHaveProperty('postgres')
    expect(data['patroni']).toHaveLength(2)
    expect(text).toContain('#   - name: p1\n#     cluster: kb\n#     url: postgres://mailpath@p1:5432/postgres')
  })

  it('that is down stays a target, so that check says so', async () => {
    const { port, close } = await refusedPort()
    onTestFinished(close)
    const asked = await askPatroni(`http://127.0.0.1:${port}`, asking)
    expect(asked.why).toContain('ECONNREFUSED')
    const { data, text } = await first(env, { patroni: [asked] })
    expect(data['patroni']).toEqual([{ name: '127.0.0.1', cluster: 'main', url: `http://127.0.0.1:${port}` }])
    expect(data['write_path']).toMatchObject([{ cluster: 'main' }])
    expect(text).toContain(`# No list of members when init asked: 127.0.0.1:${port}: connect ECONNREFUSED`)
  })

  it.each([
    [
      'without a leader is not asked for what makes it forget its cluster',
      { leader: '', isLeader: false },
      1,
      'does not reach its DCS',
    ],
    ['with a DCS that fails keeps its target', { dcs: 'fails' }, 2, 'closed'],
  ])('%s', async (_, knobs, requests, why) => {
    const patroni = await closing(startPatroniDouble())
    Object.assign(patroni, knobs)
    const asked = await askPatroni(`http://127.0.0.1:${patroni.port}`, asking)
    expect(asked).toMatchObject({ found: undefined, isDown: true, why: expect.stringContaining(why) as string })
    expect(patroni.requests).toHaveLength(requests)
  })

  it.each([
    ['a page', () => page('<html>Grafana</html>'), false],
    ['an answer without end', () => closing(flood('HTTP/1.1 200 OK\r\n\r\nx')), true],
  ])('that is %s is a comment', async (_, server, isDown) => {
    const { port } = await server()
    const asked = await askPatroni(`http://127.0.0.1:${port}`, asking)
    expect(asked).toMatchObject({ found: undefined, isDown })
    if (!isDown) expect((await first(env, { patroni: [asked] })).data).not.toHaveProperty('patroni')
  })

  it('with odd members writes what can be used', async () => {
    const patroni = await closing(startPatroniDouble())
    patroni.scope = '\u202ekb\n- evil: true'
    patroni.members = [
      member('p1', 'leader', '10.0.0.1', { api_url: 'http://user:hunter2@10.0.0.1:8008/patroni' }),
      member('p1', 'replica', '10.0.0.2'),
      member('p3\nname: x', 'replica', '10.0.0.3'),
      member('p4"\u200b', 'replica', '10.0.0.4'),
      member('p5', 'replica', 'a b: {', { api_url: 'javascript:alert(1)' }),
      member('on', 'replica', 'fd00::6', { api_url: 7 }),
      ...Array.from({ length: 300 }, (_, i) => member(`n${i}`, 'replica', `10.1.0.${i % 250}`)),
    ]
    const asked = await askPatroni(`http://127.0.0.1:${patroni.port}`, asking)
    const { data, text } = await first(env, { patroni: [asked] })
    expect(data['postgres']?.slice(0, 2)).toMatchObject([{ name: 'p1' }, { name: 'p3 name: x' }])
    expect(data['postgres']?.find(({ name }) => name === 'on')).toMatchObject({
      url: 'postgres://[fd00::6]:5432/?sslmode=require',
    })
    expect(data['postgres']?.length).toBeLessThanOrEqual(100)
    expect(text).not.toContain('hunter2')
    expect(text).not.toContain('javascript')
    expect(text).toContain('A member was left out, since it is listed twice.')
  })
})

const csv = (...rows: string[]): string =>
  `# pxname,svname,qcur,qmax,scur,smax,slim,stot,bin,bout,dreq,dresp,ereq,econ,eresp,wretr,wredis,status,weight,act,bck,chkfail,chkdown,lastchg,downtime,qlimit,pid,iid,sid,throttle,lbtot,tracked,type,\n${rows
    .map(row => `${row},0,0,1,1,,1,1,1,,1,,1,1,1,1,UP,1,1,0,0,0,9,0,,1,2,1,,1,,2,`)
    .join('\n')}\n`

describe('HAProxy', () => {
  it('is found by its host in a write path, with the proxy that leads to the primary', async () => {
    const { port } = await page(csv('read,n1', 'read,n2', 'write,n1'))
    const asked = await balancer(`http://127.0.0.1:${port}/haproxy?stats;csv`, asking)
    const { data, text } = await first('DATABASE_URL=postgres://app:pw@127.0.0.1:5000/shop\n', {
      haproxy: asked.found ? [asked.found] : [],
    })
    expect(data['haproxy']).toEqual([{ name: '127.0.0.1', url: `http://127.0.0.1:${port}/haproxy?stats;csv` }])
    expect(data['write_path']).toMatchObject([{ haproxy: { target: '127.0.0.1', proxy: 'write' } }])
    expect(text).toContain('# read → n1 UP, n2 UP')
  })

  it.skipIf(!needs('haproxy', haproxyBinary(), haproxyInstall))(
    'is read as it is, by each of its statistics',
    async () => {
      const haproxy = await startHaproxy({ servers: [{ name: 'n1', host: '127.0.0.1', port: 1 }], check: 'none' })
      onTestFinished(() => haproxy.stop())
      const { metrics, csv, socket, tcp } = haproxy.statistics
      const origin = new URL(metrics).origin
      for (const place of [metrics, csv, socket, tcp, origin]) {
        const { found, why } = await balancer(place, asking)
        expect([place, why, found?.servers.map(({ proxy, server }) => `${proxy}/${server}`)]).toEqual([
          place,
          undefined,
          ['write/n1', 'nobackend/dead'],
        ])
      }
    },
  )

  it.each([
    ['down', refusedPort, true, 'ECONNREFUSED'],
    ['another server', () => page('<html>'), false, 'none of a HAProxy'],
    ['behind a login', () => page('', 401), false, 'wants a login'],
  ])('that is %s', async (_, server, isTarget, why) => {
    const { port } = await closing(server())
    const asked = await balancer(`http://127.0.0.1:${port}/metrics`, asking)
    expect(asked.why).toContain(why)
    const { data } = await first(env, { haproxy: asked.found ? [asked.found] : [] })
    expect('haproxy' in data).toBe(isTarget)
  })

  it('says what is wrong with an address, and not the address', () => {
    expect(haproxyProblem('lb-1:8404')).toBeUndefined()
    expect(haproxyProblem('http://admin:hunter2@lb-1/metrics')).toMatch(/must not hold a user or a password/)
    expect(haproxyProblem('hunter2')).toBe('expected the path of a Unix socket, or host:port')
  })
})

describe('Vault', () => {
  it('is a target for its health, with the authority that was given', async () => {
    const { good, ca } = await certificates()
    const vault = await closing(startVaultDouble({ tls: good, token: 'hvs.x', state: 'sealed' }))
    const url = `https://127.0.0.1:${vault.port}`
    const { found, why } = await vaultEntry(url, { ...asking, ca: { text: ca, file: '/etc/ca.pem' } })
    const { data, text } = await first(env, { vault: found ? [found] : [] })
    expect(why).toBeUndefined()
    expect(data['vault']).toEqual([{ name: '127.0.0.1', url, ca_file: '/etc/ca.pem' }])
    expect(text).toContain('answers, and is sealed.')
    expect(vault.requests).toEqual([{ method: 'GET', path: '/v1/sys/health', query: '', token: false }])
  })

  it('that is something else is a comment', async () => {
    const { port } = await page('{"status":"ok"}')
    const { found, why } = await vaultEntry(`http://127.0.0.1:${port}`, asking)
    expect(why).toContain('no answer of a Vault')
    expect((await first(env, { vault: found ? [found] : [] })).data).not.toHaveProperty('vault')
  })
})

describe('a Secret of Kubernetes', () => {
  async function kubeconfigAt(port: number): Promise<string> {
    const folder = path.dirname(await envFile(''))
    await writeFile(path.join(folder, 'ca.crt'), (await certificates()).ca)
    const cluster = { server: `https://127.0.0.1:${port}`, 'certificate-authority': 'ca.crt' }
    const file = path.join(folder, 'kubeconfig')
    await writeFile(
      file,
      stringify({
        'current-context': 'a',
        contexts: [{ name: 'a', context: { cluster: 'a', user: 'a' } }],
        clusters: [{ name: 'a', cluster }],
        users: [{ name: 'a', user: { token: 'kube-token' } }],
      }),
    )
    return file
  }
  const name = { namespace: 'mail', secret: 'shop' }

  it('is read once, and becomes references to its keys', async () => {
    const { good } = await certificates()
    const values = { PGHOST: '10.0.0.120', PGUSER: 'app', PGPASSWORD: 'kube-password' }
    const api = await closing(
      startKubernetesDouble({ tls: good, token: 'kube-token', secrets: { 'mail/shop': values } }),
    )
    const kubeconfig = await kubeconfigAt(api.port)
    const { found } = await secretSettings(name, { kubeconfig, env: {} }, never)
    const { data, text } = await first('', { settings: found ? [found] : [], kubeconfig })
    const at = (key: string) => ({ kubernetes: { ...name, key } })
    expect(data['kubernetes']).toEqual({ kubeconfig })
    expect(data['write_path']).toMatchObject([
      { name: 'shop PGHOST', host: at('PGHOST'), user: at('PGUSER'), password: at('PGPASSWORD') },
    ])
    expect(text).toContain('# Missing: PGDATABASE: the database then has the name of the user.')
    for (const value of [...Object.values(values), 'kube-token']) expect(text).not.toContain(value)
    expect(api.requests.map(({ method }) => method)).toEqual(['GET'])
  })

  it.each([
    ['may not be read', { forbid: true }, '403 forbidden'],
    ['is not there', {}, '404 not found'],
  ])('that %s is a comment beside the rest', async (_, knobs, why) => {
    const { good } = await certificates()
    const api = await closing(startKubernetesDouble({ tls: good, token: 'kube-token' }))
    Object.assign(api, knobs)
    const asked = await secretSettings(name, { kubeconfig: await kubeconfigAt(api.port), env: {} }, never)
    expect(asked.why).toContain(why)
    const settings = [await dotenvSettings(await envFile(env), never)]
    const { text, data } = await first('', { settings, silent: [asked] })
    expect(text).toContain(`# Nothing came of Secret mail/shop: `)
    expect(data['write_path']).toHaveLength(1)
  })

  it('needs a kubeconfig outside of a cluster', async () => {
    const { why } = await secretSettings(name, { kubeconfig: undefined, env: {} }, never)
    expect(why).toBe('not inside of a cluster; give --kubeconfig=FILE')
  })
})
