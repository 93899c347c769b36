/**
 * Foreground servers for tests and the demo: started here, and gone whatever happens to us.
 *
 * A child ends by `stop()`, or else when we do, however that happens (Ctrl-C, SIGKILL, an uncaught error in a worker): by
 * our 'exit' handler and by the reaper, a small shell that reads a pipe from us and cleans up when it closes.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { chownSync, closeSync, mkdtempSync, openSync, readFileSync, statfsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { Socket } from 'node:net'
import { freemem, tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Account } from './accounts.ts'
import { accepts, waitFor } from './ports.ts'

export { account, have, isRoot, needs, unprivileged, type Account } from './accounts.ts'
export { freePort, waitFor } from './ports.ts'

export interface ProcessOptions extends Partial<Account> {
  cwd?: string
  env?: NodeJS.ProcessEnv
  /** Where stdout and stderr go; without it the tail is kept in memory. */
  logFile?: string
  /** Descriptors that take the place of the pipes we read. */
  stdout?: number | undefined
  stderr?: number | undefined
  /** Written to stdin, which is then closed. */
  input?: string
  /** What ends it quickly and in order when we die ourselves; SIGKILL follows. */
  lastSignal?: NodeJS.Signals
}

export interface RunningProcess {
  readonly name: string
  readonly pid: number
  /** Exit code, or null after a signal. Never rejects. */
  readonly exited: Promise<number | null>
  alive: () => boolean
  signal: (signal: NodeJS.Signals) => void
  /** Ends it, paused or not: the signal first, SIGKILL after `graceMs`. */
  stop: (signal?: NodeJS.Signals, graceMs?: number) => Promise<void>
  /** The last of what it printed. */
  log: () => string
}

const tailLength = 32_768
const children = new Map<number, NodeJS.Signals>()
let reaper: ChildProcess | undefined

const reaperScript = `
trap '' INT TERM HUP
children=; folders=
while read -r what value; do
  case $what in
    +) children="$children $value" ;;
    -) left=; for child in $children; do [ "$child" = "$value" ] || left="$left $child"; done; children=$left ;;
    folder) folders="$folders:$value" ;;
  esac
done
for child in $children; do kill -s "\${child#*:}" "\${child%:*}"; kill -s CONT "\${child%:*}"; done 2>/dev/null
[ -z "$children" ] || sleep 0.3
for child in $children; do kill -s KILL -- "-\${child%:*}"; kill -s KILL "\${child%:*}"; done 2>/dev/null
[ -z "$children" ] || sleep 0.1
IFS=:
for folder in $folders; do [ -z "$folder" ] || rm -rf -- "$folder"; done
`

const entry = (pid: number, signal: NodeJS.Signals) => `${pid}:${signal.replace('SIG', '')}`

function tellReaper(line: string): void {
  if (reaper === undefined) {
    reaper = spawn('/bin/sh', ['-c', reaperScript], { detached: true, cwd: '/', stdio: ['pipe', 'ignore', 'ignore'] })
    reaper.on('error', () => undefined)
    reaper.stdin?.on('error', () => undefined)
    reaper.unref()
    if (reaper.stdin instanceof Socket) reaper.stdin.unref()
    process.on('exit', () => {
      for (const [pid, signal] of children) {
        kill(pid, signal)
        kill(pid, 'SIGCONT')
      }
    })
  }
  reaper.stdin?.write(`${line}\n`)
}

/** Signals the whole process group (every child leads its own), or else the process. */
function kill(pid: number, signal: NodeJS.Signals): void {
  for (const target of signal === 'SIGKILL' ? [-pid, pid] : [pid]) {
    try {
      process.kill(target, signal)
    } catch {
      // Already gone.
    }
  }
}

function fileTail(file: string): string {
  try {
    return readFileSync(file, 'utf8').slice(-tailLength)
  } catch {
    return ''
  }
}

export function startProcess(
  name: string,
  command: string,
  args: readonly string[],
  options: ProcessOptions = {},
): RunningProcess {
  const { input, logFile, stdout, stderr, lastSignal = 'SIGKILL', ...rest } = options
  const fd = logFile === undefined ? undefined : openSync(logFile, 'a', 0o644)
  const child = spawn(command, args, {
    ...rest,
    detached: true,
    stdio: [input === undefined ? 'ignore' : 'pipe', stdout ?? fd ?? 'pipe', stderr ?? fd ?? 'pipe'],
  })
  if (fd !== undefined) closeSync(fd)

  let alive = true
  let printed = ''
  const keep = (chunk: Buffer) => (printed = (printed + chunk.toString()).slice(-tailLength))
  child.stdout?.on('data', keep)
  child.stderr?.on('data', keep)
  child.stdin?.on('error', () => undefined)
  child.stdin?.end(input)

  const exited = new Promise<number | null>(resolve => {
    const end = (code: number | null) => {
      alive = false
      if (child.pid !== undefined && children.delete(child.pid)) tellReaper(`- ${entry(child.pid, lastSignal)}`)
      // The pipes may hold a last line still, or be held open by a grandchild.
      const settle = setTimeout(() => resolve(code), 100)
      child.once('close', () => {
        clearTimeout(settle)
        resolve(code)
      })
    }
    child.once('exit', end)
    child.once('error', () => end(null))
  })

  const pid = child.pid
  if (pid === undefined) throw new Error(`${name}: cannot start ${command}`)
  children.set(pid, lastSignal)
  tellReaper(`+ ${entry(pid, lastSignal)}`)

  const running: RunningProcess = {
    name,
    pid,
    exited,
    alive: () => alive,
    signal: signal => {
      if (alive) kill(pid, signal)
    },
    stop: async (signal = 'SIGTERM', graceMs = 2000) => {
      running.signal(signal)
      running.signal('SIGCONT')
      const grace = new AbortController()
      const late = sleep(graceMs, 'late', { signal: grace.signal }).catch(() => 'late')
      if ((await Promise.race([exited, late])) === 'late') {
        running.signal('SIGKILL')
        await Promise.race([exited, sleep(2000, undefined, { ref: false })])
      }
      grace.abort()
    },
    log: () => (logFile === undefined ? printed : fileTail(logFile)),
  }
  return running
}

/** Runs a command to its end and gives what it printed; throws when it fails or takes too long. */
export async function runProcess(
  command: string,
  args: readonly string[],
  { timeoutMs = 30_000, ...options }: ProcessOptions & { timeoutMs?: number } = {},
): Promise<string> {
  const name = path.basename(command)
  const running = startProcess(name, command, args, options)
  const tooLong = new AbortController()
  const late = sleep(timeoutMs, 'late' as const, { signal: tooLong.signal }).catch(() => 'late' as const)
  const code = await Promise.race([running.exited, late])
  tooLong.abort()
  if (code === 'late') {
    await running.stop('SIGKILL')
    throw new Error(`${name}: still running after ${timeoutMs} ms\n${running.log()}`)
  }
  if (code !== 0) throw new Error(`${name}: exit code ${code ?? 'none'}\n${running.log()}`)
  return running.log()
}

/** A new folder, by default below the system's temporary one, gone at the latest when this process is. */
export function tempFolder(prefix: string, owner?: Account, below = tmpdir()): string {
  const folder = mkdtempSync(path.join(below, prefix))
  tellReaper(`folder ${folder}`)
  if (owner !== undefined) chownSync(folder, owner.uid, owner.gid)
  return folder
}

/** Where thousands of small files are cheap: in memory if there is plenty, unless TMPDIR says otherwise. */
export function fastTempBase(): string {
  const [memory, enough] = ['/dev/shm', 4e9]
  try {
    const { bavail, bsize } = statfsSync(memory)
    const plenty = bavail * bsize > enough && freemem() > enough
    return plenty && process.env['TMPDIR'] === undefined ? memory : tmpdir()
  } catch {
    return tmpdir()
  }
}

export async function removeFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 })
}

/** Until a server that was just started listens there; ends it when it does not, and throws. */
export async function untilListening(running: RunningProcess, port: number, timeoutMs = 10_000): Promise<void> {
  const listens = await waitFor(async () => !running.alive() || (await accepts(port)), {
    timeoutMs,
    what: `${running.name} listens on port ${port}`,
  }).catch(() => false)
  if (running.alive() && listens) return
  await running.stop('SIGKILL')
  throw new Error(`${running.name} does not listen on port ${port}:\n${running.log().slice(-2000)}`)
}
