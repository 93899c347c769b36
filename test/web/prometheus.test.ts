/** The daemon, scraped by a real Prometheus over TLS with a client certificate and a password. */
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { hash, verify } from '@node-rs/bcrypt'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  freePort,
  needs,
  removeFolder,
  runProcess,
  startProcess,
  tempFolder,
  untilListening,
  waitFor,
  type RunningProcess,
} from '../servers/processes.ts'
import { program } from '../servers/program.ts'
import { prometheusBinary, prometheusInstall } from '../servers/prometheus.ts'
import { authority, issue } from './pki.ts'

const prometheus = prometheusBinary()

let folder: string
let port: number
const running: RunningProcess[] = []
const file = (name: string): string => path.join(folder, name)
const args = (...more: string[]) => [...program, ...more, `--config.file=${file('mailpath.yml')}`]

beforeAll(async () => {
  folder = tempFolder('mailpath-prometheus-web-')
  port = await freePort()
  const [ca, clients, strangers] = await Promise.all([authority('servers'), authority('clients'), authority('others')])
  const [server, client, stranger] = await Promise.all([
    issue(ca),
    issue(clients, [{ dns: 'prometheus.example' }]),
    issue(strangers, [{ dns: 'prometheus.example' }]),
  ])
  const web = {
    tls_server_config: {
      cert_file: 'server.crt',
      key_file: 'server.key',
      client_auth_type: 'RequireAndVerifyClientCert',
      client_ca_file: 'clients.crt',
      client_allowed_sans: ['prometheus.example'],
    },
    basic_auth_users: { prometheus: await hash('right', 12) },
  }
  const files = {
    'ca.crt': ca.cert,
    'server.crt': server.cert,
    'server.key': server.key,
    'clients.crt': clients.cert,
    'client.crt': client.cert,
    'client.key': client.key,
    'stranger.crt': stranger.cert,
    'stranger.key': stranger.key,
    'web.yml': JSON.stringify(web),
    '.env': 'SMTP_HOST=mail\n',
    'mailpath.yml': `settings: [{ name: it, from: { dotenv: ${file('.env')} }, expect: { SMTP_HOST: mail } }]\n`,
  }
  for (const [name, text] of Object.entries(files)) await writeFile(file(name), text)
})
afterAll(async () => {
  await Promise.all(running.map(one => one.stop()))
  await removeFolder(folder)
})

interface Job {
  readonly job_name: string
  readonly tls_config: object
  readonly basic_auth?: object
  readonly enable_http2?: boolean
}

async function startPrometheus(jobs: readonly Job[]): Promise<(expr: string) => Promise<Record<string, number>>> {
  const own = await freePort()
  const scrape_configs = jobs.map(job => ({
    scheme: 'https',
    static_configs: [{ targets: [`127.0.0.1:${port}`] }],
    ...job,
  }))
  const config = { global: { scrape_interval: '500ms', scrape_timeout: '500ms' }, scrape_configs }
  await writeFile(file('prometheus.yml'), JSON.stringify(config))
  const server = startProcess('prometheus', prometheus ?? '', [
    `--config.file=${file('prometheus.yml')}`,
    `--storage.tsdb.path=${file('data')}`,
    `--web.listen-address=127.0.0.1:${own}`,
  ])
  running.push(server)
  await untilListening(server, own, 30_000)
  return async expr => {
    const response = await fetch(`http://127.0.0.1:${own}/api/v1/query?${String(new URLSearchParams({ query: expr }))}`)
    const { data } = (await response.json()) as {
      data?: { result: { metric: Record<string, string>; value: [number, string] }[] }
    }
    return Object.fromEntries(
      (data?.result ?? []).map(({ metric, value }) => [metric['job'] ?? '', Number(value[1])] as const),
    )
  }
}

describe.skipIf(!needs('prometheus', prometheus, prometheusInstall))('Prometheus', () => {
  it('scrapes with the certificate and the password, and not without one of them', async () => {
    expect(await runProcess(process.execPath, args('check-config', `--web.config.file=${file('web.yml')}`))).toBe(
      `${file('mailpath.yml')}: 2 checks, ok\n${file('web.yml')}: ok\n`,
    )
    const daemon = startProcess(
      'mailpath-exporter',
      process.execPath,
      args(`--web.config.file=${file('web.yml')}`, `--web.listen-address=127.0.0.1:${port}`),
    )
    running.push(daemon)
    await untilListening(daemon, port, 40_000)

    const certificate = (name: string) => ({
      ca_file: file('ca.crt'),
      cert_file: file(`${name}.crt`),
      key_file: file(`${name}.key`),
    })
    const login = (password: string) => ({ basic_auth: { username: 'prometheus', password } })
    const query = await startPrometheus([
      { job_name: 'http2', tls_config: certificate('client'), ...login('right') },
      { job_name: 'http1', tls_config: certificate('client'), ...login('right'), enable_http2: false },
      { job_name: 'wrong password', tls_config: certificate('client'), ...login('wrong') },
      { job_name: 'no password', tls_config: certificate('client') },
      { job_name: 'no certificate', tls_config: { ca_file: file('ca.crt') }, ...login('right') },
      { job_name: 'certificate of another CA', tls_config: certificate('stranger'), ...login('right') },
    ])
    const expected = {
      http2: 1,
      http1: 1,
      'wrong password': 0,
      'no password': 0,
      'no certificate': 0,
      'certificate of another CA': 0,
    }
    const scraped = async (): Promise<boolean> => {
      const up = Object.values(await query('up'))
      return up.length === Object.keys(expected).length && up.filter(one => one === 1).length === 2
    }
    await waitFor(scraped, { what: 'all were tried, and both versions are scraped', timeoutMs: 60_000 })
    expect(await query('max_over_time(up[1m])')).toEqual(expected)
    expect(await query('mailpath_build_info')).toEqual({ http2: 1, http1: 1 })
    expect(await query('mailpath_settings_present')).toEqual({ http2: 1, http1: 1 })
    const refused = 'sum by (job) (mailpath_http_requests_total{handler="/metrics",code="401"})'
    await waitFor(async () => ((await query(refused))['http1'] ?? 0) > 0, {
      what: 'refused scrapes are counted',
      timeoutMs: 60_000,
    })

    // bcrypt costs more than all of a scrape once the login is known.
    const from = performance.now()
    await verify('wrong', await hash('right', 12))
    const bcryptSeconds = (performance.now() - from) / 2_000
    const scrape = await query('min_over_time(scrape_duration_seconds{job=~"http."}[1m])')
    expect(Math.max(...Object.values(scrape))).toBeLessThan(bcryptSeconds)
  }, 180_000)
})
