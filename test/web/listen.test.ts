import { existsSync, readFileSync } from 'node:fs'
import { stat, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { listenAt, parseListenAddress, systemdSockets } from '../../src/web/listen.ts'
import {
  freePort,
  have,
  needs,
  removeFolder,
  startProcess,
  tempFolder,
  waitFor,
  type RunningProcess,
} from '../servers/processes.ts'
import { program } from '../servers/program.ts'
import { ask, loopback, serving } from './serving.ts'

const hasIPv6 = existsSync('/proc/net/if_inet6') && /^0{31}1 /m.test(readFileSync('/proc/net/if_inet6', 'utf8'))

let folder: string
beforeAll(() => {
  folder = tempFolder('mailpath-listen-')
})
afterAll(() => removeFolder(folder))

const healthy = async (at: Parameters<typeof ask>[0], host = '127.0.0.1') =>
  (await ask(at, { path: '/-/healthy', host })).status

describe('an address to serve on', () => {
  it.each([
    [':10587', { host: undefined, port: 10587 }],
    ['127.0.0.1:0', { host: '127.0.0.1', port: 0 }],
    ['mail-monitor.example:65535', { host: 'mail-monitor.example', port: 65535 }],
    ['[::1]:10587', { host: '::1', port: 10587 }],
    ['[fe80::1%eth0]:1', { host: 'fe80::1%eth0', port: 1 }],
    ['unix:/run/a b.sock', { socket: '/run/a b.sock' }],
    ['unix:///run/web.sock', { socket: '/run/web.sock' }],
  ])('%s', (text, place) => {
    expect(parseListenAddress(text)).toEqual(place)
  })

  it.each([
    '',
    '10587',
    ':',
    ':65536',
    ':1e3',
    '::1:10587',
    '[::1]',
    'http://a:1',
    'unix:',
    'unix:web.sock',
    'a:1:2',
    ':1 ',
  ])('is not %j', text => {
    expect(parseListenAddress(text)).toBeUndefined()
  })
})

describe('several addresses', () => {
  it('all serve, on IPv4, IPv6 and a Unix socket', async () => {
    const socket = path.join(folder, 'web.sock')
    const web = await serving({
      places: [loopback, loopback, { socket }, ...(hasIPv6 ? [{ host: '::1', port: 0 }] : [])],
    })
    const [first, second, third, fourth] = web.addresses
    const portOf = (address?: string) => Number(/:(\d+)$/.exec(address ?? '')?.[1])
    expect([await healthy({ port: portOf(first) }), await healthy({ port: portOf(second) })]).toEqual([200, 200])
    expect(third).toBe(socket)
    expect(await healthy({ socketPath: socket })).toBe(200)
    if (hasIPv6) {
      expect(fourth).toMatch(/^\[::1\]:\d+$/)
      expect(await healthy({ port: portOf(fourth) }, '::1')).toBe(200)
    }
    await web.close()
    expect(existsSync(socket)).toBe(false)
  })

  it('are all given up where one is taken, which is named', async () => {
    const taken = await serving()
    const port = await freePort()
    const places = [
      { host: '127.0.0.1', port },
      { host: '127.0.0.1', port: taken.port },
    ]
    await expect(serving({ places })).rejects.toThrow(
      `cannot listen on 127.0.0.1:${taken.port}: listen EADDRINUSE: address already in use 127.0.0.1:${taken.port}`,
    )
    await expect(healthy({ port })).rejects.toThrow('ECONNREFUSED')
  })

  it.skipIf(!hasIPv6)('are named as they were written', async () => {
    const taken = await serving({ places: [{ host: '::1', port: 0 }] })
    await expect(serving({ places: [{ host: '::1', port: taken.port }] })).rejects.toThrow(
      `cannot listen on [::1]:${taken.port}: `,
    )
  })
})

describe('a Unix socket', () => {
  const listening = (server: Server, at: string) =>
    new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(at, resolve)
    })

  it('that a process left behind is replaced', async () => {
    const socket = path.join(folder, 'left.sock')
    const script = `require('net').createServer().listen(${JSON.stringify(socket)}, () => console.log('listening'))`
    const other = startProcess('other', process.execPath, ['-e', script])
    onTestFinished(() => other.stop())
    await waitFor(() => other.log().includes('listening'), { what: 'it listens', timeoutMs: 20_000 })
    await other.stop('SIGKILL')
    expect(existsSync(socket)).toBe(true)
    await serving({ places: [{ socket }] })
    expect(await healthy({ socketPath: socket })).toBe(200)
  })

  it('on which somebody answers is left to him', async () => {
    const socket = path.join(folder, 'live.sock')
    const other = createServer(connection => connection.on('error', () => undefined).end('other'))
    await listening(other, socket)
    onTestFinished(() => new Promise<void>(resolve => other.close(() => resolve())))
    await expect(serving({ places: [{ socket }] })).rejects.toThrow(`cannot listen on ${socket}: listen EADDRINUSE`)
    expect((await stat(socket)).isSocket()).toBe(true)
  })

  it('is not made of another file', async () => {
    const file = path.join(folder, 'precious')
    await writeFile(file, 'precious')
    await expect(serving({ places: [{ socket: file }] })).rejects.toThrow(`cannot listen on ${file}: listen EADDRINUSE`)
    expect(readFileSync(file, 'utf8')).toBe('precious')
    await expect(serving({ places: [{ socket: path.join(folder, 'nowhere/web.sock') }] })).rejects.toThrow(
      /cannot listen on .*nowhere\/web\.sock: listen E/,
    )
  })
})

describe('the sockets of systemd', () => {
  const pid = String(process.pid)

  it('are ours only when they were meant for us', () => {
    expect(systemdSockets({ LISTEN_PID: pid, LISTEN_FDS: '2' })).toEqual([{ fd: 3 }, { fd: 4 }])
    expect(systemdSockets({ LISTEN_PID: '1', LISTEN_FDS: '2' })).toEqual([])
    expect(systemdSockets({ LISTEN_FDS: '2' })).toEqual([])
    expect(systemdSockets({ LISTEN_PID: pid })).toEqual([])
    expect(systemdSockets({ LISTEN_PID: pid, LISTEN_FDS: 'two' })).toEqual([])
  })

  it('are named where they cannot be listened on', async () => {
    await expect(listenAt(createServer(), { fd: 987 })).rejects.toThrow('cannot listen on file descriptor 987: ')
  })

  it.skipIf(!needs('systemd-socket-activate', have('systemd-socket-activate'), 'apt-get install systemd'))(
    'start the daemon with the first connection, and serve all of them',
    async () => {
      const [port, socket] = [await freePort(), path.join(folder, 'activated.sock')]
      const config = path.join(folder, 'mailpath.yml')
      await writeFile(path.join(folder, '.env'), 'A=1\n')
      await writeFile(
        config,
        `settings: [{ name: it, from: { dotenv: ${path.join(folder, '.env')} }, expect: { A: "1" } }]\n`,
      )
      const daemon = [process.execPath, ...program, `--config.file=${config}`, '--web.systemd-socket']
      const running: RunningProcess = startProcess('systemd-socket-activate', 'systemd-socket-activate', [
        `--listen=127.0.0.1:${port}`,
        `--listen=${socket}`,
        ...daemon,
      ])
      onTestFinished(() => running.stop())
      await waitFor(() => running.log().includes(socket), { what: 'systemd listens', timeoutMs: 10_000 })
      // The connection that starts it waits for its answer.
      expect(await healthy({ port })).toBe(200)
      expect(await healthy({ socketPath: socket })).toBe(200)
      expect(running.log()).toContain(`"addresses":["127.0.0.1:${port}","file descriptor 4"]`)
      running.signal('SIGTERM')
      expect(await running.exited).toBe(0)
      // It belongs to systemd.
      expect(existsSync(socket)).toBe(true)
    },
    60_000,
  )
})
