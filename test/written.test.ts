/** Whatever becomes of what is written to (the log, the output of a command), the built program does not die or hang of it. */
import { execFile, execFileSync } from 'node:child_process'
import { closeSync, constants, mkdirSync, openSync, readFileSync, readSync, writeSync } from 'node:fs'
import { cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import {
  freePort,
  have,
  needs,
  removeFolder,
  startProcess,
  tempFolder,
  waitFor,
  type ProcessOptions,
  type RunningProcess,
} from './servers/processes.ts'

const root = fileURLToPath(new URL('../', import.meta.url))

let folder: string
let main: string
let config: string
/** One of which no check runs out of time. */
let patient: string

beforeAll(async () => {
  folder = tempFolder('mailpath-written-')
  await symlink(path.join(root, 'node_modules'), path.join(folder, 'node_modules'))
  const dist = path.join(folder, 'dist')
  const build = ['--import', import.meta.resolve('tsx'), path.join(root, 'build/main.ts'), dist]
  await promisify(execFile)(process.execPath, build)
  main = path.join(dist, 'main.js')
  config = await configOf('quick', 1, '200ms', '150ms')
  patient = await configOf('patient', 1)
}, 120_000)
afterAll(() => removeFolder(folder))

/** Settings that are as they should be. */
async function configOf(name: string, targets: number, interval = '60s', timeout = '50s'): Promise<string> {
  await mkdir(path.join(folder, name))
  const settings = path.join(folder, name, '.env')
  await writeFile(settings, 'MODE=ok\n')
  const one = (n: number) => ({ name: `app${n}`, from: { dotenv: settings }, expect: { MODE: 'ok' } })
  const file = path.join(folder, name, 'mailpath.yml')
  const checks = Array.from({ length: targets }, (_, n) => one(n))
  await writeFile(file, JSON.stringify({ interval, timeout, settings: checks }))
  return file
}

let changedAt = 0
/** Changes the verdict of all that watch `config`, which is a line in their logs; but not before they have noticed the last change. */
async function change(): Promise<void> {
  const turn = Math.floor(performance.now() / 400)
  if (turn === changedAt) return
  changedAt = turn
  await writeFile(path.join(folder, 'quick', '.env'), `MODE=${turn % 2 === 0 ? 'ok' : 'else'}\n`)
}

const start = (args: readonly string[], options: ProcessOptions = {}): RunningProcess => {
  const running = startProcess('mailpath-exporter', process.execPath, [main, ...args], options)
  onTestFinished(() => running.stop('SIGKILL'))
  return running
}

const opened = (file: string, flags: number): number => {
  const fd = openSync(file, flags)
  onTestFinished(() => {
    try {
      closeSync(fd)
    } catch {
      // The test has done so.
    }
  })
  return fd
}

let fifos = 0
/** A pipe, of which both ends are ours. */
function pipe(): { readonly readEnd: number; readonly writeEnd: number } {
  const file = path.join(folder, `fifo${fifos++}`)
  execFileSync('mkfifo', [file])
  const readEnd = opened(file, constants.O_RDONLY | constants.O_NONBLOCK)
  return { readEnd, writeEnd: opened(file, constants.O_WRONLY) }
}

/** One that is full: its reader has stalled. */
function fullPipe(): { readonly readEnd: number; readonly writeEnd: number } {
  const { readEnd, writeEnd } = pipe()
  const filler = opened(`/proc/self/fd/${writeEnd}`, constants.O_WRONLY | constants.O_NONBLOCK)
  try {
    for (;;) writeSync(filler, 'x'.repeat(4_096))
  } catch {
    // EAGAIN
  }
  return { readEnd, writeEnd }
}

function brokenPipe(): number {
  const { readEnd, writeEnd } = pipe()
  closeSync(readEnd)
  return writeEnd
}

interface Daemon {
  readonly running: RunningProcess
  readonly url: string
  readonly metric: (name: string) => Promise<number>
}

async function serve(options: ProcessOptions = {}, file = config, wrapped?: readonly string[]): Promise<Daemon> {
  const address = `127.0.0.1:${await freePort()}`
  const args = [`--config.file=${file}`, `--web.listen-address=${address}`]
  const [command = '', ...rest] = [...(wrapped ?? []), process.execPath, main, ...args]
  const running = startProcess('mailpath-exporter', command, rest, options)
  onTestFinished(() => running.stop('SIGKILL'))
  const url = `http://${address}`
  await waitFor(async () => !running.alive() || (await fetch(`${url}/-/healthy`)).ok, {
    timeoutMs: 30_000,
    what: 'it serves',
  })
  const metric = async (name: string): Promise<number> => {
    const text = await (await fetch(`${url}/metrics`)).text()
    return Number(new RegExp(`^${name}(?:\\{.*\\})? (\\S+)$`, 'm').exec(text)?.[1])
  }
  return { running, url, metric }
}

const onPty = (script: string): string[] => ['python3', '-c', `${ptyScript}\n${script}`]
/** Runs its arguments with a terminal as standard error, and hands signals on. */
const ptyScript = `
import os, pty, signal, subprocess, sys, termios, time
reads, writes = pty.openpty()
def run(**streams):
    child = subprocess.Popen(sys.argv[1:], start_new_session=True, **streams)
    for name in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, lambda number, _: child.send_signal(number))
    return child
`
const stopped = onPty(`
termios.tcflow(writes, termios.TCOOFF)
sys.exit(run(stderr=writes).wait())`)
const gone = onPty(`
child = run(stderr=writes)
os.close(writes)
os.read(reads, 1)
os.close(reads)
sys.exit(child.wait())`)
/** One on which a write hangs in the system; 15 stands for SIGTERM. */
const datagrams = onPty(`
import socket
ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4608)
sys.exit(abs(run(stderr=theirs).wait()))`)
const python = needs('python3', have('python3'), 'apt-get install python3-minimal')

describe('the daemon, where its log', { timeout: 120_000 }, () => {
  it('is full, has lost its reader, or stalls: its probes keep their interval, and it ends in order', async () => {
    const readers = { stalled: fullPipe(), lost: pipe() }
    const written = {
      full: serve({ stderr: opened('/dev/full', constants.O_WRONLY) }),
      broken: serve({ stderr: brokenPipe() }),
      readOnly: serve({ stderr: opened('/dev/null', constants.O_RDONLY) }),
      stalled: serve({ stderr: readers.stalled.writeEnd }),
      lost: serve({ stderr: readers.lost.writeEnd }),
      ...(python && {
        stopped: serve({}, config, stopped),
        gone: serve({}, config, gone),
        hangs: serve({}, config, datagrams),
      }),
    }
    const control = await serve({ logFile: path.join(folder, 'control.log') })
    const all = await Promise.all(Object.entries(written).map(async ([name, one]) => [name, await one] as const))
    closeSync(readers.lost.readEnd)
    const runs = ({ metric }: Daemon): Promise<number> => metric('mailpath_check_runs_total')
    expect(all.filter(([, { running }]) => !running.alive()).map(([name]) => name)).toEqual([])
    const before = new Map(await Promise.all(all.map(async ([name, one]) => [name, await runs(one)] as const)))
    const first = await runs(control)
    await waitFor(
      async () => {
        await change()
        return (await runs(control)) >= first + 10
      },
      { timeoutMs: 60_000, what: 'ten runs' },
    )
    const ran = await Promise.all(
      all.map(async ([name, one]) => [name, (await runs(one)) - (before.get(name) ?? NaN)] as const),
    )
    expect(ran.filter(([, count]) => !(count >= 5))).toEqual([])
    const dropped = await Promise.all(
      all.map(async ([name, { metric }]) => [name, await metric('mailpath_log_lines_dropped_total')] as const),
    )
    expect(dropped.filter(([, count]) => count > 0).map(([name]) => name)).toEqual(
      Object.keys(written).filter(name => !['stalled', 'stopped', 'hangs'].includes(name)),
    )
    all.forEach(([, { running }]) => running.signal('SIGTERM'))
    const codes = await Promise.all(all.map(async ([name, { running }]) => [name, await running.exited] as const))
    // Where a write hangs in the system, nothing else could end it in time.
    expect(codes.filter(([, code]) => code !== 0)).toEqual(python ? [['hangs', 15]] : [])
  })

  const prlimit = needs('prlimit', have('prlimit'), 'apt-get install util-linux')
  it.skipIf(!prlimit)(
    'could not be written for a while: says how many lines are missing, on a line of its own',
    async () => {
      const logFile = path.join(folder, 'limited.log')
      const limited = ['bash', '-c', 'ulimit -S -f 1; exec "$@"', 'bash']
      const { running, metric } = await serve({ logFile }, config, limited)
      await waitFor(
        async () => {
          await change()
          return (await metric('mailpath_log_lines_dropped_total')) >= 3
        },
        { timeoutMs: 30_000, what: 'lines are lost' },
      )
      execFileSync('prlimit', ['--pid', String(running.pid), '--fsize=unlimited:'])
      running.signal('SIGTERM')
      expect(await running.exited).toBe(0)
      const lines = readFileSync(logFile, 'utf8').split('\n').slice(0, -1)
      const told = lines.findIndex(line => line.includes('were lost'))
      const { lines: lost } = JSON.parse(lines[told] ?? '') as { lines: number }
      expect(lost).toBeGreaterThanOrEqual(3)
      // But the one that was torn, each is whole.
      const broken = lines.filter((line, n) => n !== told - 1 && !/^\{.*\}$/.test(line))
      expect(broken).toEqual([])
      expect(lines.slice(told).some(line => line.includes('"msg":"stopped"'))).toBe(true)
    },
  )

  it('is read late: has all of it in order', async () => {
    const { readEnd, writeEnd } = fullPipe()
    const { running } = await serve({ stderr: writeEnd })
    const chunk = Buffer.alloc(65_536)
    let text = ''
    await waitFor(
      () => {
        try {
          text += chunk.toString('utf8', 0, readSync(readEnd, chunk))
        } catch {
          // EAGAIN
        }
        return text.includes('"target":"app0"')
      },
      { timeoutMs: 20_000, what: 'the log arrives' },
    )
    const lines = text.replace(/^x+/, '').split('\n').slice(0, -1)
    expect(lines.map(line => (JSON.parse(line) as { msg: string }).msg)[0]).toBe('listening')
    running.signal('SIGTERM')
    expect(await running.exited).toBe(0)
  })
})

describe('what a command prints', { timeout: 120_000 }, () => {
  const commands = {
    check: ['check', '--format=json', '--only=settings'],
    'check-config': ['check-config'],
    help: ['--help'],
    version: ['--version'],
  } as const
  const all = Object.entries(commands)
  const ran = (args: readonly string[], options: ProcessOptions): Promise<number | null> =>
    start([...args, `--config.file=${patient}`], options).exited
  const codes = async (options: () => ProcessOptions): Promise<Record<string, number | null>> =>
    Object.fromEntries(await Promise.all(all.map(async ([name, args]) => [name, await ran(args, options())] as const)))
  const notWritten = { check: 3, 'check-config': 74, help: 74, version: 74 }

  it.each<[string, () => ProcessOptions]>([
    ['on a full disk', () => ({ stdout: opened('/dev/full', constants.O_WRONLY) })],
    ['to a reader that has gone', () => ({ stdout: brokenPipe() })],
    ['to what is only for reading', () => ({ stdout: opened('/dev/null', constants.O_RDONLY) })],
    [
      'on a full disk, with nowhere to say so',
      () => ({ stdout: opened('/dev/full', constants.O_WRONLY), stderr: opened('/dev/full', constants.O_WRONLY) }),
    ],
  ])('cannot be written %s: the exit code says so', async (_, options) => {
    expect(await codes(options)).toEqual(notWritten)
  })

  it('is written in part: the exit code says so', async () => {
    const limited = async (name: string, args: readonly string[]): Promise<number | null> => {
      const logFile = path.join(folder, `part-${name}`)
      await writeFile(logFile, 'x'.repeat(1_020))
      const command = ['-c', 'ulimit -f 1; exec "$@" 2>/dev/null', 'bash', process.execPath, main, ...args]
      const running = startProcess('mailpath-exporter', 'bash', [...command, `--config.file=${patient}`], { logFile })
      const code = await running.exited
      expect((await readFile(logFile)).length).toBe(1_024)
      return code
    }
    expect(
      Object.fromEntries(
        await Promise.all(all.map(async ([name, args]) => [name, await limited(name, args)] as const)),
      ),
    ).toEqual(notWritten)
  })

  it('goes without the text of an error where that cannot be written', async () => {
    const stderr = (): number => opened('/dev/full', constants.O_WRONLY)
    const bad = ['--config.file=/nowhere/mailpath.yml']
    const stalled = fullPipe().writeEnd
    expect(
      await Promise.all([
        start(['check', ...bad], { stderr: stderr() }).exited,
        start(['check-config', ...bad], { stderr: stderr() }).exited,
        start(bad, { stderr: stderr() }).exited,
        start(['--nothing'], { stderr: stderr() }).exited,
        // A daemon does not wait for who would read it.
        start(bad, { stderr: stalled }).exited,
        ran(['check', '--only=settings'], { stderr: stderr() }),
      ]),
    ).toEqual([78, 78, 78, 64, 78, 0])
  })

  it('is whole at a slow reader, before the end', async () => {
    const file = await configOf('many', 200)
    const { readEnd, writeEnd } = pipe()
    const running = start(['check', '--format=json', '--only=settings', `--config.file=${file}`], { stdout: writeEnd })
    closeSync(writeEnd)
    const chunk = Buffer.alloc(8_192)
    const chunks: Buffer[] = []
    for (let ended = false; !ended;) {
      await sleep(5)
      try {
        const taken = readSync(readEnd, chunk)
        chunks.push(Buffer.from(chunk.subarray(0, taken)))
        ended = taken === 0 && chunks.length > 1 && !running.alive()
      } catch {
        // EAGAIN
      }
    }
    const text = Buffer.concat(chunks).toString()
    expect(text.length).toBeGreaterThan(65_536)
    expect((JSON.parse(text) as { settings: unknown[] }).settings).toHaveLength(200)
    expect(await running.exited).toBe(0)
  })

  it.skipIf(!python)('is stopped at a terminal (Ctrl-S): a signal ends it, as unknown', async () => {
    const script = `
termios.tcflow(writes, termios.TCOOFF)
sys.exit(run(stdout=writes).wait())`
    const [command, ...rest] = [
      ...onPty(script),
      process.execPath,
      main,
      'check',
      '--only=settings',
      `--config.file=${patient}`,
    ]
    const running = startProcess('mailpath-exporter', command, rest)
    onTestFinished(() => running.stop('SIGKILL'))
    // By then it has come to its output: two others have begun later, and are through.
    for (const control of [1, 2]) expect([control, await ran(commands.check, {})]).toEqual([control, 0])
    running.signal('SIGTERM')
    expect(await running.exited).toBe(3)
  })
})

/** Whether a process has a handler for the signal. */
function caught(pid: string | number, signal: 'SIGUSR2' | 'SIGTERM'): boolean {
  const [, mask = '0'] = /^SigCgt:\s*(\w+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  const bit = { SIGUSR2: 11n, SIGTERM: 14n }[signal]
  return ((BigInt(`0x${mask}`) >> bit) & 1n) === 1n
}

/** The program, which begins with this code of ours as soon as it is loaded. */
async function beginningWith(code: string): Promise<string> {
  const copy = tempFolder('mailpath-written-')
  onTestFinished(() => removeFolder(copy))
  const [from, dist] = [path.dirname(main), path.join(copy, 'dist')]
  mkdirSync(dist)
  await symlink(path.join(root, 'node_modules'), path.join(copy, 'node_modules'))
  for (const file of ['main.js', 'package.json']) await cp(path.join(from, file), path.join(dist, file))
  const program = await readFile(path.join(from, 'exporter.js'), 'utf8')
  await writeFile(path.join(dist, 'exporter.js'), `"use strict";${code};${program}`)
  return path.join(dist, 'main.js')
}

describe('a signal', { timeout: 120_000 }, () => {
  const hit = (...signals: NodeJS.Signals[]): Promise<string> =>
    beginningWith(signals.map(signal => `process.kill(process.pid, '${signal}')`).join(';'))
  const args = async (): Promise<string[]> => [
    `--config.file=${config}`,
    `--web.listen-address=127.0.0.1:${await freePort()}`,
  ]
  const run = (...command: string[]): RunningProcess => {
    const running = startProcess('mailpath-exporter', process.execPath, command)
    onTestFinished(() => running.stop('SIGKILL'))
    return running
  }

  it('SIGHUP while it is loaded reloads, and SIGPIPE does nothing', async () => {
    const running = run(await hit('SIGHUP', 'SIGPIPE'), ...(await args()))
    await waitFor(() => running.log().includes('"msg":"listening"') || !running.alive(), {
      timeoutMs: 20_000,
      what: 'it serves',
    })
    running.signal('SIGPIPE')
    running.signal('SIGTERM')
    expect(await running.exited).toBe(0)
  })

  it('SIGTERM and SIGINT while it is loaded, also twice, end it in order', async () => {
    const codes = await Promise.all(
      [['SIGTERM'] as const, ['SIGINT', 'SIGINT'] as const].map(
        async signals => run(await hit(...signals), ...(await args())).exited,
      ),
    )
    expect(codes).toEqual([0, 0])
  })

  it('SIGHUP ends a check like any program', async () => {
    const program = await hit('SIGHUP')
    const check = run(program, 'check', `--config.file=${config}`)
    const checkConfig = run(program, 'check-config', `--config.file=${config}`)
    // By the signal, without an exit code.
    expect(await Promise.all([check.exited, checkConfig.exited])).toEqual([null, null])
    expect(check.log()).toBe('')
  })
})

describe('an error that nothing expects', { timeout: 120_000 }, () => {
  const secret = 'hunter2'
  const throwing = `const error = Object.assign(new TypeError('${secret} is no number'), { code: 'ERR_NO_NUMBER' })`
  const withCode = async (code: string, args: readonly string[], options: ProcessOptions = {}) => {
    const running = startProcess('mailpath-exporter', process.execPath, [await beginningWith(code), ...args], options)
    onTestFinished(() => running.stop('SIGKILL'))
    return running
  }
  const serving = async () => [`--config.file=${config}`, `--web.listen-address=127.0.0.1:${await freePort()}`]

  it.each([
    ['thrown', 'throw error'],
    ['rejected', 'void Promise.reject(error)'],
  ])('and that is %s ends the daemon with code 1 and one line that quotes none of it', async (_, what) => {
    const code = `process.on('SIGUSR2', () => { process.emitWarning('mind this'); ${throwing}; ${what} })`
    const [running, stalled] = [
      await withCode(code, await serving()),
      await withCode(code, await serving(), { stderr: fullPipe().writeEnd }),
    ]
    for (const one of [running, stalled])
      await waitFor(() => caught(one.pid, 'SIGUSR2'), { timeoutMs: 20_000, what: 'it is loaded' })
    await waitFor(() => running.log().includes('listening'), { timeoutMs: 20_000, what: 'it serves' })
    for (const one of [running, stalled]) one.signal('SIGUSR2')
    expect(await Promise.all([running.exited, stalled.exited])).toEqual([1, 1])
    const lines = running
      .log()
      .trim()
      .split('\n')
      .map(line => JSON.parse(line) as Record<string, string>)
    expect(lines.find(({ level }) => level === 'error')).toMatchObject({
      level: 'error',
      error: 'TypeError',
      code: 'ERR_NO_NUMBER',
      at: expect.stringContaining('exporter.js:1:') as string,
    })
    expect(running.log()).not.toContain(secret)
    expect(lines).toContainEqual(expect.objectContaining({ level: 'warn', warning: 'Warning: mind this' }) as unknown)
  })

  it('makes a check unknown', async () => {
    const code = `setImmediate(() => { ${throwing}; throw error })`
    const running = await withCode(code, ['check', `--config.file=${config}`])
    expect(await running.exited).toBe(3)
    expect(running.log()).toContain('TypeError ERR_NO_NUMBER')
    expect(running.log()).not.toContain(secret)
  })
})
