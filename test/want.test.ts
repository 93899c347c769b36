/** The real program in want of its own: no target is blamed, and it is said once. */
import { spawnSync } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import net from 'node:net'
import path from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startRelay } from './faults/relay.ts'
import { startStage, statusOf, untilSaid, type ExporterStage } from './faults/exporter-stage.ts'
import { freePort, have, needs, removeFolder, startProcess, tempFolder, waitFor } from './servers/processes.ts'
import { program } from './servers/program.ts'

const isLinux = process.platform === 'linux'
const prlimit = isLinux && needs('prlimit', have('prlimit'), 'Debian: util-linux')

const enter = ['unshare', '--user', '--map-root-user', '--mount', '--net']
const mayUnshare = spawnSync('unshare', [...enter.slice(1), 'ip', 'link', 'set', 'lo', 'up']).status === 0
if (!mayUnshare)
  console.warn('no network namespace can be made (needs unshare, ip, user namespaces): its tests are skipped')

const minute = 60_000

async function stageFor(options: Parameters<typeof startStage>[0] = {}): Promise<ExporterStage> {
  const stage = await startStage(options)
  onTestFinished(() => stage.stop())
  await untilSaid(stage, { verdict: 'ok' }, minute)
  return stage
}

const logOf = (stage: ExporterStage): Record<string, unknown>[] =>
  readFileSync(stage.exporter.logFile, 'utf8')
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as Record<string, unknown>)

const limitFiles = (pid: number, limit: number): void => {
  expect(spawnSync('prlimit', ['--pid', String(pid), `--nofile=${limit}:`]).status).toBe(0)
}

const verdicts = async (stage: ExporterStage): Promise<readonly string[]> =>
  (await statusOf(stage)).checks.flatMap(({ history }) => history)

describe.runIf(prlimit)('without a file descriptor', () => {
  it('nothing is looked at, and no target fails; that is said once, and over when there are some again', async () => {
    const stage = await stageFor({
      targets: (relay: object) => [
        { ...relay, name: 'second' },
        // A name: without a descriptor the system says that there is none such.
        { ...relay, name: 'named', host: 'localhost' },
      ],
    })
    const { pid } = stage.exporter.process
    // It is loaded with the first request for it.
    await fetch(stage.exporter.url).then(answer => answer.text())
    limitFiles(pid, 3)
    await untilSaid(stage, { verdict: 'unknown', root: 'exporter/file_descriptors exporter_starved' }, minute)
    await waitFor(async () => (await statusOf(stage)).checks.filter(one => one.verdict === 'unknown').length === 3, {
      what: 'each check of a relay is unknown',
    })
    const { checks, starved } = await statusOf(stage)
    expect(starved).toMatchObject([{ resource: 'file_descriptors', code: 'exporter_starved', checks: 3 }])
    expect(checks.flatMap(({ reasons }) => reasons.map(({ code }) => code))).toEqual(Array(3).fill('exporter_starved'))
    const page = await fetch(stage.exporter.url).then(answer => answer.text())
    expect(page.match(/LimitNOFILE/g)).toHaveLength(1)
    const metrics = await fetch(`${stage.exporter.url}/metrics`).then(answer => answer.text())
    expect(metrics).toContain('mailpath_exporter_starved{resource="file_descriptors"} 1')
    expect(metrics).toContain('mailpath_exporter_starved{resource="memory"} 0')
    expect(metrics).toMatch(
      /mailpath_mail_blocker\{mail_path="app",reason="exporter_starved",probe="exporter",target="file_descriptors",root="true"\} 1/,
    )
    limitFiles(pid, 1_024)
    await untilSaid(stage, { verdict: 'ok' }, minute)
    expect(await verdicts(stage)).not.toContain('fail')
    const told = () => logOf(stage).filter(({ msg }) => /file descriptors/.test(String(msg)))
    await waitFor(() => told().at(-1)?.['level'] === 'info', {
      what: 'the log says that it is over',
      timeoutMs: minute,
    })
    const said = told()
    expect(said.map(({ resource, level }) => [resource, level])).toEqual([
      ['file_descriptors', 'warn'],
      [undefined, 'warn'],
      ['file_descriptors', 'info'],
    ])
    expect(logOf(stage).filter(({ target, to }) => target !== undefined && to === 'unknown')).toEqual([])
  })

  it('connections from outside are refused first: a crowd of them takes none from the probes', async () => {
    const relay = await startRelay()
    onTestFinished(() => relay.smtp.close())
    const folder = tempFolder('mailpath-crowd-')
    onTestFinished(() => removeFolder(folder))
    const config = path.join(folder, 'mailpath.yml')
    const names = ['one', 'two', 'three']
    // Looked at by request, with all the time that a machine that is busy may need.
    const smtp = relay.section.flatMap(target => names.map(name => ({ ...target, name })))
    await writeFile(config, JSON.stringify({ interval: '60s', timeout: '30s', smtp }))
    const limit = 200
    const log = path.join(folder, 'log')
    const run = 'ulimit -n "$0" && exec "$@"'
    const port = await freePort()
    const node = [process.execPath, ...program, `--config.file=${config}`, `--web.listen-address=127.0.0.1:${port}`]
    const running = startProcess('exporter', 'sh', ['-c', run, String(limit), ...node], {
      env: { ...process.env, ...relay.env },
      logFile: log,
    })
    onTestFinished(() => running.stop())
    const status = async () => {
      const answer = await fetch(`http://127.0.0.1:${port}/api/v1/status`)
      return (await answer.json()) as Awaited<ReturnType<typeof statusOf>>
    }
    await waitFor(
      () =>
        status().then(
          ({ checks }) => checks.every(({ runs }) => runs > 0),
          () => false,
        ),
      { what: 'each was looked at', timeoutMs: minute },
    )
    const crowd = Array.from({ length: 2 * limit }, () => net.connect(port, '127.0.0.1').on('error', () => undefined))
    onTestFinished(() => crowd.forEach(socket => socket.destroy()))
    await waitFor(() => crowd.every(socket => !socket.connecting), { what: 'each was let in or refused' })
    for (const name of names)
      expect((await fetch(`http://127.0.0.1:${port}/probe?probe=smtp&target=${name}`)).status).toBe(200)
    const looked = (await status()).checks.filter(({ probe }) => probe === 'smtp')
    expect(looked.map(({ runs }) => runs)).toEqual([2, 2, 2])
    expect(readdirSync(`/proc/${running.pid}/fd`).length).toBeLessThan(limit - 50)
    const { checks } = await status()
    expect(new Set(checks.flatMap(({ history }) => history))).toEqual(new Set(['ok']))
  })
})

/** `check` in a network namespace of its own, after these commands of a shell. */
async function checkAlone(config: object, before: string): Promise<{ code: number | null; output: string }> {
  const folder = tempFolder('mailpath-want-')
  onTestFinished(() => removeFolder(folder))
  const file = path.join(folder, 'mailpath.yml')
  await writeFile(file, JSON.stringify({ timeout: '4s', ...config }))
  const hosts = path.join(folder, 'hosts')
  await writeFile(hosts, '2001:db8::1 two.test\n127.0.0.1 two.test\n')
  const script = `ip link set lo up; ${before}; exec "$@"`
  const node = [process.execPath, ...program, 'check', `--config.file=${file}`, '--format=json']
  const [command = '', ...args] = [...enter, 'sh', '-c', script, 'sh', ...node]
  const running = startProcess('check', command, args, { env: { ...process.env, PW: 'unused', HOSTS: hosts } })
  onTestFinished(() => running.stop())
  const code = await running.exited
  return { code, output: running.log() }
}

const password = { env: 'PW' }

describe.runIf(mayUnshare)('in a network of its own', () => {
  it.each([
    ['it is in none', 'true'],
    [
      'there is a network, and no way out of it',
      'ip link add d0 type veth peer name d1 && ip address add 198.51.100.1/24 dev d0 && ip link set d0 up && ip link set d1 up && echo nameserver 192.0.2.53 >"$HOSTS" && mount --bind "$HOSTS" /etc/resolv.conf || exit 99',
    ],
  ])('without a route nothing is known of who is beyond it, by address or by name: %s', async (_, before) => {
    const { code, output } = await checkAlone(
      {
        postgres: [{ name: 'far', cluster: 'a', url: 'postgres://u@192.0.2.1:5432/postgres', password }],
        write_path: [
          { name: 'app', cluster: 'a', url: 'postgres://u@192.0.2.1,192.0.2.2/postgres', driver: 'libpq', password },
        ],
        smtp: [
          { name: 'by address', host: '192.0.2.3', port: 587, user: 'u', password },
          { name: 'by name', host: 'relay.example.com', port: 587, user: 'u', password },
          { name: 'by IPv6', host: '2001:db8::1', port: 587, user: 'u', password },
        ],
        vault: [{ name: 'vault', url: 'http://192.0.2.4:8200' }],
      },
      before,
    )
    if (code === 99) return
    const report = JSON.parse(output) as Report
    expect(report.checks.filter(({ verdict }) => verdict === 'fail')).toEqual([])
    expect([code, report.mail_paths[0]?.root, report.starved[0]]).toMatchObject([
      3,
      { probe: 'exporter', target: 'network' },
      { resource: 'network', checks: 6 },
    ])
    expect(report.actions.filter(({ code: reason }) => reason === 'exporter_starved')).toHaveLength(1)
  })

  it('what refuses is to blame all the same, also where its other address is beyond all routes', async () => {
    const { code, output } = await checkAlone(
      { smtp: [{ name: 'relay', host: 'two.test', port: 9, user: 'u', password }] },
      'mount --bind "$HOSTS" /etc/hosts || exit 99',
    )
    if (code === 99) return
    const report = JSON.parse(output) as Report
    expect([report.starved, report.checks.find(({ id }) => id === 'smtp/relay')?.verdict]).toEqual([[], 'fail'])
  })

  it('once all local ports are taken, nothing is known of who would be reached by one', async () => {
    const holder = `
      const net = require('node:net')
      const held = []
      const parent = process.ppid
      setInterval(() => process.ppid !== parent && process.exit(), 100)
      const server = net.createServer(socket => held.push(socket)).listen(2525, '127.0.0.1', more)
      function more() {
        const one = net.connect(2525, '127.0.0.1', more).on('error', () => require('node:fs').writeFileSync(process.argv[1], ''))
        held.push(one)
      }`
    const done = path.join(tempFolder('mailpath-ports-'), 'done')
    onTestFinished(() => removeFolder(path.dirname(done)))
    const { code, output } = await checkAlone(
      { smtp: [{ name: 'relay', host: '127.0.0.1', port: 2525, security: 'none', user: 'u', password }] },
      `echo "40000 40003" > /proc/sys/net/ipv4/ip_local_port_range; "${process.execPath}" -e "${holder}" "${done}" & while [ ! -e "${done}" ]; do sleep 0.1; done`,
    )
    const report = JSON.parse(output) as Report
    expect(code).toBe(3)
    expect(report.starved).toMatchObject([{ resource: 'ports', codes: ['EADDRNOTAVAIL'], checks: 1 }])
  })
})

interface Report {
  readonly starved: readonly { readonly resource: string }[]
  readonly mail_paths: readonly { readonly root: { readonly probe: string; readonly target: string } | null }[]
  readonly checks: readonly { readonly id: string; readonly verdict: string }[]
  readonly actions: readonly { readonly code: string }[]
}

it.runIf(isLinux)('a stop of the exporter is no failure of a server that did not wait for it', async () => {
  // Cuts off who says nothing for a while, as servers do after minutes.
  let impatient = false
  let began = (): void => undefined
  const stage = await startStage({})
  onTestFinished(() => stage.stop())
  const relay = stage.relay.smtp
  const door = net.createServer(socket => {
    socket.on('error', () => undefined)
    if (impatient) {
      impatient = false
      began()
      setTimeout(() => socket.destroy(), 300)
      return
    }
    const to = net.connect(relay.port, relay.host).on('error', () => undefined)
    socket.pipe(to).pipe(socket)
  })
  await new Promise<void>(resolve => door.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void door.close())
  const { port } = door.address() as net.AddressInfo
  const config = path.join(path.dirname(stage.exporter.logFile), 'mailpath.yml')
  await writeFile(
    config,
    readFileSync(config, 'utf8').replaceAll(String(relay.port), String(port)).replaceAll('700ms', '900ms'),
  )
  stage.exporter.process.signal('SIGHUP')
  await untilSaid(stage, { verdict: 'ok' }, minute)
  const stopped = new Promise<void>(resolve => (began = resolve))
  impatient = true
  await stopped
  stage.exporter.process.signal('SIGSTOP')
  const before = performance.now()
  await waitFor(() => performance.now() - before > 2_000, { what: 'it stood still' })
  stage.exporter.process.signal('SIGCONT')
  const { runs = 0 } = (await statusOf(stage)).checks[0] ?? {}
  await waitFor(async () => ((await statusOf(stage)).checks[0]?.runs ?? 0) > runs + 1, { what: 'it goes on looking' })
  expect(await verdicts(stage)).not.toContain('fail')
})
