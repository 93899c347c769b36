import { chmod, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createLog } from '../../src/core/log.ts'
import { createNotify } from '../../src/cli/systemd.ts'
import { checkOf, fine } from '../monitor/checks.ts'
import { monitored } from '../monitor/monitored.ts'
import { freePort, startProcess, tempFolder, waitFor, type RunningProcess } from '../servers/processes.ts'
import { program, source } from '../servers/program.ts'
import { openNotifySocket, type NotifySocket } from './notify-socket.ts'
import { optional } from '../packaging/optional.ts'

const log = createLog('warn', 'json', () => undefined)

async function listening(kind?: 'path' | 'abstract'): Promise<NotifySocket> {
  const socket = await openNotifySocket(kind)
  onTestFinished(() => socket.close())
  return socket
}

interface Daemon {
  readonly running: RunningProcess
  readonly url: string
  /** What the application is set to: `ok` or anything else. */
  readonly setTo: (value: string) => Promise<void>
}

/** An exporter with one setting to look at, as systemd would start it. */
async function daemon(env: NodeJS.ProcessEnv, preload: readonly string[] = []): Promise<Daemon> {
  const folder = tempFolder('mailpath-notify-daemon-')
  const [config, settings] = [path.join(folder, 'mailpath.yml'), path.join(folder, '.env')]
  const setTo = (value: string): Promise<void> => writeFile(settings, `MODE=${value}\n`)
  await setTo('ok')
  await writeFile(
    config,
    `interval: 500ms
timeout: 400ms
settings: [{ name: app, from: { dotenv: ${settings} }, expect: { MODE: ok } }]
mail: [{ name: shop }]
`,
  )
  const url = `http://127.0.0.1:${await freePort()}`
  const args = [`--config.file=${config}`, `--web.listen-address=${url.slice('http://'.length)}`]
  const node = preload.length > 0 ? [...preload, ...source] : program
  const running = startProcess('mailpath-exporter', process.execPath, [...node, ...args], {
    env: { ...process.env, ...env },
  })
  onTestFinished(() => running.stop('SIGTERM'))
  return { running, url, setTo }
}

const until = (what: string, condition: () => boolean): Promise<unknown> =>
  waitFor(condition, { timeoutMs: 60_000, what })

const tools =
  optional('systemd-notify', 'apt-get install systemd') && optional('python3', 'apt-get install python3-minimal')

describe.skipIf(!tools)('what is reported to systemd', { timeout: 120_000 }, () => {
  it('is ready once it serves; then the mail verdict when it changes, and stopping', async () => {
    const socket = await listening()
    const { running, url, setTo } = await daemon({ NOTIFY_SOCKET: socket.address })
    await until('it is ready', () => socket.count('READY=1') === 1)
    expect((await fetch(`${url}/-/healthy`)).status).toBe(200)
    expect(socket.messages()[0]?.assignments).toEqual(['READY=1'])

    const told = (beginning: string): number =>
      socket.messages().filter(({ assignments }) => assignments[0]?.startsWith(`STATUS=${beginning}`)).length
    // Nobody has looked at a write path, so that more than this cannot be said.
    await until('it has looked', () => told('shop unknown: ') === 1)
    await setTo('else')
    await until('mail is blocked', () => told('shop fail: settings/app, setting_') === 1)
    // Ten runs, of which none is worth a word.
    const runs = async () =>
      Number(/^mailpath_check_runs_total\{.*\} (\d+)$/m.exec(await (await fetch(`${url}/metrics`)).text())?.[1])
    const before = await runs()
    await waitFor(async () => (await runs()) >= before + 10, { timeoutMs: 60_000, what: 'it has run ten times' })
    expect([told('shop unknown: '), told('shop fail: ')]).toEqual([1, 1])
    // Nobody asked for a watchdog.
    expect(socket.count('WATCHDOG=1')).toBe(0)

    running.signal('SIGTERM')
    expect(await running.exited).toBe(0)
    expect(socket.messages().at(-1)?.assignments).toEqual(['STOPPING=1'])
  })

  it('goes to an abstract socket as well', { tags: 'slow' }, async () => {
    const socket = await listening('abstract')
    expect(socket.address).toMatch(/^@/)
    await daemon({ NOTIFY_SOCKET: socket.address })
    await until('it is ready', () => socket.count('READY=1') === 1)
  })

  it('frames a reload, with the time at which it began', { tags: 'slow' }, async () => {
    const socket = await listening()
    const { running } = await daemon({ NOTIFY_SOCKET: socket.address })
    await until('it is ready', () => socket.count('READY=1') === 1)
    const before = socket.now()
    running.signal('SIGHUP')
    await until('it has reloaded', () => socket.count('READY=1') === 2)
    const told = socket.messages().filter(({ at }) => at >= before)
    const reloading = told.findIndex(({ assignments }) => assignments.includes('RELOADING=1'))
    const again = told.findIndex(({ assignments }) => assignments.includes('READY=1'))
    expect([reloading >= 0, reloading < again]).toEqual([true, true])
    const { at = NaN, assignments = [] } = told[reloading] ?? {}
    const [, usec] = /^MONOTONIC_USEC=(\d+)$/m.exec(assignments.join('\n')) ?? []
    expect(Number(usec)).toBeGreaterThanOrEqual(before)
    expect(Number(usec)).toBeLessThanOrEqual(at)
  })
})

describe.skipIf(!tools)('the watchdog', { tags: 'slow', timeout: 120_000 }, () => {
  const watchdog = (socket: NotifySocket): NodeJS.ProcessEnv => ({
    NOTIFY_SOCKET: socket.address,
    WATCHDOG_USEC: '1500000',
  })
  /** Three times what systemd would wait. */
  const longMs = 4_500

  it('is fed while the loops run, not while the process is stopped, and again afterwards', async () => {
    const socket = await listening()
    const { running } = await daemon(watchdog(socket))
    await until('it is fed', () => socket.count('WATCHDOG=1') >= 3)
    running.signal('SIGSTOP')
    // For what is on its way.
    await sleep(1_000)
    const stopped = socket.now()
    await sleep(longMs)
    expect(socket.count('WATCHDOG=1', stopped)).toBe(0)
    running.signal('SIGCONT')
    await until('it is fed again', () => socket.count('WATCHDOG=1', stopped) >= 2)
  })

  it('is not fed by an event loop that hangs', async () => {
    const socket = await listening()
    const hang = `data:text/javascript,process.on('SIGUSR2',()=>{for(;;);})`
    const { running } = await daemon(watchdog(socket), ['--import', hang])
    await until('it is fed', () => socket.count('WATCHDOG=1') >= 3)
    running.signal('SIGUSR2')
    // For what is on its way.
    await sleep(1_000)
    const hung = socket.now()
    await sleep(longMs)
    expect([running.alive(), socket.count('WATCHDOG=1', hung)]).toEqual([true, 0])
    await running.stop('SIGKILL')
  })

  it('is not fed by a process whose checks no longer run', async () => {
    const socket = await listening()
    const { monitor, stop } = monitored(checkOf(() => Promise.resolve(fine), { intervalMs: 600, timeoutMs: 500 }))
    const notify = createNotify({ ...process.env, ...watchdog(socket) }, log)
    const running = notify.run(monitor, stop.signal)
    await until('it is fed', () => socket.count('WATCHDOG=1') >= 1)
    // Nobody runs its checks, so that after three intervals and a timeout it is not alive.
    await until('it is not alive', () => !monitor.alive())
    // For what is on its way.
    await sleep(500)
    const dead = socket.now()
    await sleep(longMs)
    expect(socket.count('WATCHDOG=1', dead)).toBe(0)
    await monitor.runAll(stop.signal)
    await until('it is fed again', () => socket.count('WATCHDOG=1', dead) >= 1)
    stop.abort()
    await running
  })

  it('is not fed where it is that of another process', async () => {
    const socket = await listening()
    const { monitor, stop } = monitored(checkOf(() => Promise.resolve(fine), { intervalMs: 60_000, timeoutMs: 500 }))
    const others = { ...watchdog(socket), WATCHDOG_USEC: '300000', WATCHDOG_PID: '1' }
    const notify = createNotify({ ...process.env, ...others }, log)
    const running = notify.run(monitor, stop.signal)
    await notify.ready()
    // Six times what systemd would wait.
    await sleep(2_000)
    expect([socket.count('READY=1'), socket.count('WATCHDOG=1')]).toEqual([1, 0])
    stop.abort()
    await running
  })
})

describe('without systemd', { tags: 'slow', timeout: 120_000 }, () => {
  it('serves on, and says so once, where systemd-notify is not to be had', async () => {
    const { running, url } = await daemon({
      NOTIFY_SOCKET: '/run/nowhere',
      WATCHDOG_USEC: '300000',
      PATH: '/nowhere',
    })
    await waitFor(() => fetch(`${url}/-/ready`).then(({ ok }) => ok), { timeoutMs: 60_000, what: 'it is ready' })
    await until('it has said so', () => running.log().includes('systemd cannot be notified'))
    // Three times what systemd would wait.
    await sleep(1_000)
    expect(running.log().split('systemd cannot be notified')).toHaveLength(2)
    running.signal('SIGTERM')
    expect(await running.exited).toBe(0)
  })

  it('does not wait for a helper that hangs and cannot be asked to end', async () => {
    const folder = tempFolder('mailpath-notify-hung-')
    const helper = path.join(folder, 'systemd-notify')
    await writeFile(
      helper,
      `#!/bin/sh\necho "$1" >> ${folder}/told\n[ "$1" != READY=1 ] || { trap '' TERM; exec sleep 60; }\n`,
    )
    await chmod(helper, 0o755)
    const notify = createNotify({ NOTIFY_SOCKET: '/run/nowhere', PATH: `${folder}:/usr/bin:/bin` }, log)
    void notify.ready()
    await notify.stopping()
    expect(await readFile(path.join(folder, 'told'), 'utf8')).toBe('READY=1\nSTOPPING=1\n')
  })

  it('hands none of its environment to the helper but what that needs', async () => {
    const folder = tempFolder('mailpath-notify-env-')
    const helper = path.join(folder, 'systemd-notify')
    await writeFile(helper, `#!/bin/sh\nenv > ${folder}/env\n`)
    await chmod(helper, 0o755)
    const env = { NOTIFY_SOCKET: '/run/nowhere', PATH: `${folder}:/usr/bin:/bin`, DB_PASSWORD: 'hunter2' }
    await createNotify(env, log).ready()
    const given = await readFile(path.join(folder, 'env'), 'utf8')
    expect(given).toContain('NOTIFY_SOCKET=/run/nowhere')
    expect(given).not.toContain('hunter2')
  })
})
