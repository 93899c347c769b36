import { gunzipSync } from 'node:zlib'
import { request } from 'node:http'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { silent, type Listening } from './servers/hostile.ts'
import {
  freePort,
  have,
  needs,
  removeFolder,
  runProcess,
  startProcess,
  tempFolder,
  waitFor,
  type RunningProcess,
} from './servers/processes.ts'
import { program } from './servers/program.ts'

let folder: string
let hung: Listening
let config: string

/** Every target but one hangs: it accepts and never answers. */
beforeAll(async () => {
  folder = tempFolder('mailpath-main-')
  hung = await silent()
  config = path.join(folder, 'mailpath.yml')
  await writeFile(path.join(folder, 'password'), 'unused-password')
  await writeFile(path.join(folder, '.env'), 'SMTP_HOST=mail-core-01\n')
  const password = `password: { file: ${path.join(folder, 'password')} }`
  await writeFile(
    config,
    `interval: 5s
timeout: 4s
postgres: [{ name: hung, cluster: kb, url: "postgres://a@127.0.0.1:${hung.port}/b", ${password} }]
write_path: [{ name: hung, cluster: kb, url: "postgres://a@127.0.0.1:${hung.port}/b", ${password} }]
smtp: [{ name: hung, host: 127.0.0.1, port: ${hung.port}, user: a, ${password} }]
vault: [{ name: hung, url: "http://127.0.0.1:${hung.port}" }]
settings: [{ name: quick, interval: 500ms, timeout: 400ms, from: { dotenv: ${path.join(folder, '.env')} }, expect: { SMTP_HOST: mail-core-01 } }]
`,
  )
})
afterAll(async () => {
  await hung.close()
  await removeFolder(folder)
})

const start = (...args: string[]): RunningProcess => {
  const running = startProcess('mailpath-exporter', process.execPath, [...program, ...args])
  onTestFinished(() => running.stop())
  return running
}

/** Runs to its end: exit code and what it wrote. */
async function ran(...args: string[]): Promise<{ code: number | null; output: string }> {
  const running = start(...args)
  const code = await running.exited
  return { code, output: running.log() }
}

async function serving(): Promise<{ url: string; running: RunningProcess }> {
  const port = await freePort()
  const running = start(`--config.file=${config}`, `--web.listen-address=127.0.0.1:${port}`)
  const url = `http://127.0.0.1:${port}`
  await waitFor(() => fetch(`${url}/-/healthy`).then(response => response.ok), { timeoutMs: 10_000, what: 'it serves' })
  return { url, running }
}

const get = (
  url: string,
  headers: Record<string, string> = {},
): Promise<{ status: number | undefined; headers: Record<string, unknown>; body: Buffer }> =>
  new Promise((resolve, reject) => {
    request(url, { headers, agent: false }, response => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () =>
        resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks) }),
      )
    })
      .on('error', reject)
      .end()
  })

describe('the command line', () => {
  it('has the exit codes of the contract', async () => {
    const bad = path.join(folder, 'bad.yml')
    await writeFile(bad, 'smtp:\n  - name: a\n    hots: mail\n')
    const [version, good, wrong, missing, unknownFlag, nothing] = await Promise.all([
      ran('--version'),
      ran('check-config', `--config.file=${config}`),
      ran(`--config.file=${bad}`),
      ran('check', '--config.file=/nowhere/mailpath.yml'),
      ran('--web.listen=:1'),
      ran('check', `--config.file=${config}`, '--only=smtp/nope'),
    ])
    expect(version).toMatchObject({
      code: 0,
      output: expect.stringMatching(/^mailpath-exporter \d+\.\d+\.\d+ /) as string,
    })
    expect(good).toMatchObject({ code: 0, output: `${config}: 6 checks, ok\n` })
    expect(wrong.code).toBe(78)
    expect(wrong.output).toContain(`${bad}:3:5: smtp[0]: unknown key hots`)
    expect(missing).toMatchObject({ code: 78, output: expect.stringContaining('there is no such file') as string })
    expect(unknownFlag.code).toBe(64)
    expect(nothing).toMatchObject({ code: 64, output: expect.stringContaining('known are postgres/hung') as string })
  })

  it('says of a kubeconfig what can be known without the server', async () => {
    const kubeconfig = path.join(folder, 'kubeconfig')
    const reads = path.join(folder, 'reads.yml')
    const host = '{ kubernetes: { namespace: a, secret: b, key: c } }'
    await writeFile(reads, `kubernetes: { kubeconfig: ${kubeconfig} }\nsmtp: [{ name: a, host: ${host} }]\n`)
    const unknown = await ran('check-config', `--config.file=${reads}`)
    expect(unknown.code).toBe(0)
    expect(unknown.output).toContain(`${kubeconfig}: there is no such file; what is in it was not checked`)
    const [cluster, user] = ['cluster: { server: "https://10.0.0.1" }', 'user: { exec: { command: aws } }']
    await writeFile(
      kubeconfig,
      `current-context: a\ncontexts: [{ name: a, context: { cluster: a, user: a } }]\nclusters: [{ name: a, ${cluster} }]\nusers: [{ name: a, ${user} }]\n`,
    )
    const plugin = await ran('check-config', `--config.file=${reads}`)
    expect(plugin.code).toBe(78)
    expect(plugin.output).toContain(`kubernetes.kubeconfig: ${kubeconfig}: the user logs in by an exec plugin`)
  })

  it('exits with the verdict of what was checked', async () => {
    const [ok, failed] = await Promise.all([
      ran('check', `--config.file=${config}`, '--only=settings/quick'),
      ran('check', `--config.file=${config}`, '--only=vault', '--format=json'),
    ])
    expect(ok.code).toBe(0)
    expect(failed.code).toBe(2)
    expect(JSON.parse(failed.output)).toMatchObject({ verdict: 'fail' })
  })

  it('prints what was done with --debug, after the audit', async () => {
    const { code, output } = await ran('check', `--config.file=${config}`, '--only=settings/quick', '--debug')
    expect(code).toBe(0)
    expect(output.split('\n')[0]).toBe('1 check: OK')
    expect(output).toMatch(/\nas of [^\n]*\n\nTranscript of settings\/quick: ok, at [^\n]*, took [^\n]*\n +\d+\.\d  /)
  })
})

it('serves below the path of its external URL', async () => {
  const port = await freePort()
  start(
    `--config.file=${config}`,
    `--web.listen-address=127.0.0.1:${port}`,
    '--web.external-url=https://a.example/mail/',
  )
  const get = (path: string) => fetch(`http://127.0.0.1:${port}${path}`, { redirect: 'manual' })
  await waitFor(() => get('/mail/-/healthy').then(({ ok }) => ok), { timeoutMs: 10_000, what: 'it serves' })
  expect((await get('/-/healthy')).status).toBe(404)
  expect((await get('/')).headers.get('location')).toBe('/mail/')
})

describe('check, cut off while every server hangs', () => {
  it('is unknown, not ok', async () => {
    const running = start('check', `--config.file=${config}`)
    const before = hung.accepted
    await waitFor(() => hung.accepted > before, { timeoutMs: 10_000, what: 'it is under way' })
    running.signal('SIGTERM')
    expect(await running.exited).toBe(3)
    expect(running.log()).toBe('')
  })
})

describe('the daemon, with every server hung', () => {
  it('answers scrapes and runs the other checks meanwhile, and ends within 2 s with code 0', async () => {
    const { url, running } = await serving()
    expect((await get(`${url}/-/ready`)).status).toBe(503)
    // The checks that hang take 4 s; the quick one has run twice by then.
    const before = Date.now()
    await waitFor(
      async () =>
        /check_runs_total\{probe="settings",target="quick"\} [2-9]/.test((await get(`${url}/metrics`)).body.toString()),
      { timeoutMs: 3500, what: 'the quick check runs' },
    )
    const { body } = await get(`${url}/metrics`)
    expect(Date.now() - before).toBeLessThan(3500)
    expect(body.toString()).toContain('mailpath_check_verdict{probe="vault",target="hung",verdict="unknown"} 1')
    expect(body.toString()).toContain('mailpath_check_runs_total{probe="vault",target="hung"} 0')

    const at = Date.now()
    running.signal('SIGTERM')
    expect(await running.exited).toBe(0)
    expect(Date.now() - at).toBeLessThan(2000)
    // What was under way is not recorded: no verdict on the hung ones in the log.
    expect(running.log()).not.toMatch(/"target":"hung"/)
    expect(hung.connections).toBe(0)
  })

  it('becomes ready when every check has come to an end, and says then what it was', async () => {
    const { url } = await serving()
    await waitFor(async () => (await get(`${url}/-/ready`)).status === 200, { timeoutMs: 9000, what: 'it is ready' })
    const { body } = await get(`${url}/api/v1/status`)
    expect(JSON.parse(body.toString())).toMatchObject({ mail_paths: [{ name: 'default', verdict: 'fail' }] })
    const text = (await get(`${url}/metrics`)).body.toString()
    expect(text).toContain('mailpath_mail_verdict{mail_path="default",verdict="fail"} 1')
    expect(text.match(/mailpath_mail_blocker\{.*root="true"\} 1/g)).toHaveLength(1)
    expect(text).toMatch(/process_cpu_seconds_total \d/)
  })

  it('has the endpoints of the contract, with the right types', async () => {
    const { url } = await serving()
    const plain = await get(`${url}/metrics`)
    expect(plain.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8')
    const open = await get(`${url}/metrics`, { accept: 'application/openmetrics-text; version=1.0.0' })
    expect(open.headers['content-type']).toContain('application/openmetrics-text')
    expect(open.body.toString()).toMatch(/# EOF\n$/)
    const zipped = await get(`${url}/metrics`, { 'accept-encoding': 'gzip' })
    expect(zipped.headers['content-encoding']).toBe('gzip')
    expect(gunzipSync(zipped.body).toString()).toContain('mailpath_build_info')
    const page = await get(`${url}/`)
    expect(page.headers).toMatchObject({
      'content-security-policy': expect.stringContaining("default-src 'none'") as string,
    })
    expect(page.headers).not.toHaveProperty('x-powered-by')
    expect((await get(`${url}/nowhere`)).status).toBe(404)
  })

  it.skipIf(!needs('promtool', have('promtool'), 'apt-get install prometheus'))(
    'passes promtool check metrics',
    async () => {
      const { url } = await serving()
      const { body } = await get(`${url}/metrics`)
      expect(await runProcess('promtool', ['check', 'metrics'], { input: body.toString() })).toBe('')
    },
  )

  it('says which address is taken', async () => {
    const { output, code } = await ran(`--config.file=${config}`, `--web.listen-address=127.0.0.1:${hung.port}`)
    expect(code).toBe(1)
    expect(output).toContain(`cannot listen on 127.0.0.1:${hung.port}: listen EADDRINUSE`)
  })
})
