import { spawn } from 'node:child_process'
import { describeError, oneLine, seconds } from '../core/errors.ts'
import type { Logger } from '../core/log.ts'
import { every } from '../monitor/scheduler.ts'
import type { Monitor } from '../monitor/index.ts'
import type { Reload } from '../config/reload.ts'

/** Sends the state of the service to systemd: sd_notify(3). Does nothing without systemd. */
export interface Notify {
  /** Says that the service is ready. */
  ready(): Promise<void>
  /** Sends the mail verdict when it changes, and feeds the watchdog while no loop hangs, until `stop` aborts. */
  run(monitor: Pick<Monitor, 'alive' | 'ready' | 'status'>, stop: AbortSignal): Promise<void>
  /** The same reload, with its start and end sent to systemd. */
  around(reload: Reload): Reload
  stopping(): Promise<void>
}

/** How often the mail verdict is compared, in milliseconds. */
const lookMs = 2_000
/** systemd takes a message at once. One that it does not take must not delay the end of the process. */
const sendMs = 5_000

/**
 * Node has no Unix datagram sockets, so systemd-notify(1) sends the messages: a process of a few milliseconds each, for
 * which NotifyAccess= must be `all`. It waits until systemd has read its message, so that systemd can tell the sender.
 */
export function createNotify(env: NodeJS.ProcessEnv, log: Logger): Notify {
  const { NOTIFY_SOCKET: socket, PATH: path } = env
  const watchdogMs = watchdogOf(env)
  let warned = false
  let last: Promise<void> = Promise.resolve()

  /** Sends one message after the other. Never rejects. */
  const send = (...assignments: string[]): Promise<void> => {
    if (!socket) return last
    // Only these variables: others may be secrets.
    last = last
      .then(() => run('systemd-notify', assignments, { NOTIFY_SOCKET: socket, PATH: path }))
      .catch((error: unknown) => {
        if (!warned) log.warn({ error: describeError(error) }, 'systemd cannot be notified (systemd-notify)')
        warned = true
      })
    return last
  }

  let status = ''
  const tellStatus = async (monitor: Pick<Monitor, 'ready' | 'status'>): Promise<void> => {
    const now = statusOf(monitor)
    if (now === status) return
    status = now
    await send(`STATUS=${now}`)
  }

  return {
    ready: () => send('READY=1'),
    async run(monitor, stop) {
      if (!socket) return
      const telling = every(lookMs, 0, stop, () => tellStatus(monitor))
      const feeding = watchdogMs && every(watchdogMs / 3, 0, stop, () => feed(monitor, send))
      await Promise.all([telling, feeding])
    },
    around: reload => async () => {
      // Microseconds of CLOCK_MONOTONIC. A unit of Type=notify-reload needs it.
      void send('RELOADING=1', `MONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`)
      const outcome = await reload()
      void send('READY=1')
      return outcome
    },
    stopping: () => send('STOPPING=1'),
  }
}

const feed = async (monitor: Pick<Monitor, 'alive'>, send: (message: string) => Promise<void>): Promise<void> => {
  if (monitor.alive()) await send('WATCHDOG=1')
}

/** The time of systemd's watchdog in milliseconds; undefined if it is not for this process. */
function watchdogOf({ WATCHDOG_USEC: usec, WATCHDOG_PID: pid }: NodeJS.ProcessEnv): number | undefined {
  const ms = Number(usec) / 1000
  return ms > 0 && (pid === undefined || Number(pid) === process.pid) ? ms : undefined
}

/** As `keybuzz-backend fail: write_path/backend, write_path_standby`. */
function statusOf({ ready, status }: Pick<Monitor, 'ready' | 'status'>): string {
  if (!ready()) return 'not every check has run yet'
  return oneLine(
    status()
      .mail.map(({ name, verdict, root }) => {
        const blocker = root && `: ${root.probe}/${root.target}, ${root.reason.code}`
        return `${name} ${verdict}${blocker ?? ''}`
      })
      .join('; '),
  )
}

const run = (command: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<void> =>
  new Promise((resolve, reject) => {
    const child = spawn(command, args, { env, stdio: 'ignore' })
    const timer = setTimeout(() => {
      // SIGKILL does not end a process that hangs in the kernel. Do not wait for it.
      child.kill('SIGKILL')
      reject(new Error(`no answer within ${seconds(sendMs)}`))
    }, sendMs)
    // Not `once`: the kill may fail as well.
    child.on('error', error => {
      clearTimeout(timer)
      reject(error)
    })
    child.once('exit', code => {
      clearTimeout(timer)
      if (code === 0) resolve()
      else reject(new Error(`exit code ${code ?? 'none'}`))
    })
  })
