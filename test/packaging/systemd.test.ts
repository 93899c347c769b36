import { cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { parseCommand } from '../../src/cli/parse.ts'
import { freePort, runProcess, startProcess, tempFolder, waitFor } from '../servers/processes.ts'
import { permitted, within } from '../clients/names/namespace.ts'
import { canTrace, optional } from './optional.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const units = ['mailpath-exporter.service', 'mailpath-exporter.socket'].map(name =>
  path.join(root, 'packaging/systemd', name),
)
const [service = '', socket = ''] = units
const tsx = fileURLToPath(import.meta.resolve('tsx'))

/** What a unit sets, in order: later ones of a list come after earlier ones. */
async function settingsOf(unit: string): Promise<(name: string) => string[]> {
  const lines = (await readFile(unit, 'utf8')).split('\n')
  const settings = lines.flatMap(line => {
    const [, name = '', value = ''] = /^(\w+)=(.*)$/.exec(line) ?? []
    return name === '' ? [] : [{ name, value }]
  })
  return name => settings.flatMap(one => (one.name === name ? [one.value] : []))
}

describe('the unit', () => {
  it('starts a command line that is understood, also with its socket', async () => {
    const [started = ''] = (await settingsOf(service))('ExecStart')
    const words = started.split(' ')
    expect(words.slice(0, 2)).toEqual(['/usr/bin/env', 'mailpath-exporter'])
    expect(parseCommand(words.slice(2))).toMatchObject({ command: 'serve', configFile: '/etc/mailpath/mailpath.yml' })
    const [, advised = ''] = /^#\s+ExecStart=(\S.*)$/m.exec(await readFile(socket, 'utf8')) ?? []
    expect(advised).toBe(`${started} --web.systemd-socket`)
  })

  it('has a folder for what the exporter remembers, for it alone', async () => {
    const settings = await settingsOf(service)
    const [started = ''] = settings('ExecStart')
    const { stateFile = '' } = parseCommand(started.split(' ').slice(2))
    expect(settings('StateDirectory').map(name => `/var/lib/${name}`)).toEqual([path.dirname(stateFile)])
    expect(settings('StateDirectoryMode')).toEqual(['0700'])
  })

  it('listens where the exporter does by itself', async () => {
    expect((await settingsOf(socket))('ListenStream')).toEqual(['10587'])
    expect(parseCommand([]).listen).toEqual([{ host: undefined, port: 10_587 }])
  })
})

it('has glibc keep one heap, as the image has, or Node 24 grows by what V8 has freed', async () => {
  expect((await settingsOf(service))('Environment')).toContain('MALLOC_ARENA_MAX=1')
  expect(await readFile(path.join(root, 'Dockerfile'), 'utf8')).toMatch(/^ENV .*\bMALLOC_ARENA_MAX=1$/m)
})

const analyze = optional('systemd-analyze', 'apt-get install systemd')

describe.skipIf(!analyze)('the unit, by systemd-analyze', () => {
  it('is well-formed', async () => {
    // Its man page has to be found.
    const folder = tempFolder('mailpath-man-')
    await mkdir(path.join(folder, 'man1'))
    await cp(path.join(root, 'packaging/man/mailpath-exporter.1'), path.join(folder, 'man1/mailpath-exporter.1'))
    const env = { ...process.env, MANPATH: folder }
    expect(await runProcess('systemd-analyze', ['verify', ...units], { env })).toBe('')
  })

  it('is exposed no more than 1.5 of 10', async () => {
    const report = await runProcess('systemd-analyze', ['security', '--offline=true', '--threshold=15', service])
    const [, exposure] = /Overall exposure level for mailpath-exporter.service: (\S+)/.exec(report) ?? []
    console.info(`systemd-analyze security: exposure ${exposure ?? '?'}`)
    expect(Number(exposure)).toBeGreaterThan(0)
  })
})

/** The members of each set of system calls, such as `@system-service`, with those of the sets in it. */
async function systemCallSets(): Promise<(name: string) => string[]> {
  const sets = new Map<string, string[]>()
  let current: string[] = []
  for (const line of (await runProcess('systemd-analyze', ['syscall-filter'])).split('\n'))
    if (/^@/.test(line)) sets.set(line.trim(), (current = []))
    else if (/^ {4}[@a-z]/.test(line)) current.push(line.trim())
  const membersOf = (name: string): string[] =>
    name.startsWith('@') ? (sets.get(name) ?? []).flatMap(membersOf) : [name]
  return membersOf
}

describe.skipIf(!analyze || !(await canTrace()))('its filter of system calls', () => {
  /** Refused, as the unit does it, and done without: V8's key for the memory that it compiles into. */
  const refused = 'pkey_alloc'

  it('allows all that the exporter does', { timeout: 120_000 }, async () => {
    const filters = (await settingsOf(service))('SystemCallFilter')
    const membersOf = await systemCallSets()
    const expand = (list: readonly string[]): string[] => list.flatMap(one => one.split(' ')).flatMap(membersOf)
    const denied = expand(filters.filter(one => one.startsWith('~')).map(one => one.slice(1)))
    const allowed = expand(filters.filter(one => !one.startsWith('~'))).filter(name => !denied.includes(name))
    expect(allowed.length).toBeGreaterThan(200)

    const used = await systemCallsUsed()
    expect(used).toEqual(expect.arrayContaining(['socket', 'execve', 'epoll_ctl']))
    expect(used.filter(name => !allowed.includes(name) && name !== refused)).toEqual([])
  })

  /**
   * Of a round of each kind of probe, a scrape, a message to systemd, a reload, and the end. Where the test may give it
   * another nsswitch.conf, it also asks getent(1) for a name.
   */
  async function systemCallsUsed(): Promise<string[]> {
    const folder = tempFolder('mailpath-strace-')
    const [config, trace] = [path.join(folder, 'mailpath.yml'), path.join(folder, 'trace')]
    const port = await freePort()
    await writeFile(path.join(folder, '.env'), 'MODE=ok\n')
    const text = (intervalSeconds: number): string => `interval: ${intervalSeconds}s
timeout: 4s
postgres: [{ name: a, cluster: kb, url: "postgres://a@localhost:${port}/b", password: { file: ${folder}/.env } }]
write_path: [{ name: a, cluster: kb, url: "postgres://a@localhost:${port}/b", password: { file: ${folder}/.env } }]
smtp: [{ name: a, host: mail.localdomain, port: ${port} }]
vault: [{ name: a, url: "https://localhost:${port}" }]
settings: [{ name: a, from: { dotenv: ${folder}/.env }, expect: { MODE: ok } }]
packages: [{ name: a, folder: ${root}, require: [pg] }]
`
    await writeFile(config, text(5))
    const node = [process.execPath, '--import', tsx, path.join(root, 'src/main.ts')]
    const args = [`--config.file=${config}`, `--web.listen-address=127.0.0.1:${port}`]
    const refusing = ['-e', 'trace=all', '-e', `inject=${refused}:error=EPERM`]
    const traced = ['strace', '-f', '-qq', '-o', trace, ...refusing, ...node, ...args]
    const files = { hosts: '127.0.0.1 localhost mail.localdomain\n', nsswitch: 'hosts: myhostname files\n' }
    const [command, rest] = permitted ? within(files, traced) : ['env', traced]
    const running = startProcess('strace', command, rest, {
      env: { ...process.env, NOTIFY_SOCKET: path.join(folder, 'nobody') },
      // strace itself ends with what it traces.
      lastSignal: 'SIGKILL',
    })
    onTestFinished(() => running.stop('SIGKILL'))
    const url = `http://127.0.0.1:${port}`
    const ready = (): Promise<boolean> => fetch(`${url}/-/ready`).then(({ ok }) => ok)
    await waitFor(ready, { timeoutMs: 60_000, everyMs: 200, what: 'it is ready' })
    await (await fetch(`${url}/metrics`)).text()
    const pid = Number((await readFile(trace, 'utf8')).split(' ')[0])
    await writeFile(config, text(6))
    process.kill(pid, 'SIGHUP')
    await waitFor(() => running.log().includes('reloaded'), { timeoutMs: 60_000, what: 'it has reloaded' })
    process.kill(pid, 'SIGTERM')
    expect(await running.exited).toBe(0)
    const all = await readFile(trace, 'utf8')
    // strace breaks a line off where another thread goes on.
    if (permitted) expect(all).toMatch(/execve\("[^"]*getent".*(?: = 0|<unfinished \.\.\.>)$/m)
    const calls = all.matchAll(/^\d+ +(\w+)\(/gm)
    return [...new Set([...calls].map(([, name = '']) => name))]
  }
})
