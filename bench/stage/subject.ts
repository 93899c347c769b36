/** A program that is measured: our exporter, or a peer. */
import path from 'node:path'
import { freePort, startProcess, untilListening, type RunningProcess } from '../../test/servers/processes.ts'

export interface Subject {
  readonly name: string
  readonly pid: number
  /** Of its /metrics. */
  readonly url: string
  /** The last of what it printed. */
  log: () => string
  stop: () => Promise<void>
}

export interface Program {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Where its log goes. */
  readonly folder: string
}

/** Starts it with nothing of our environment but PATH and what is given. The process is there at once, and may not listen yet. */
export function launch(
  { name, command, args, env = {}, folder }: Program,
  port: number,
): Subject & { process: RunningProcess } {
  const running = startProcess(name, command, args, {
    cwd: folder,
    env: { PATH: process.env['PATH'], ...env },
    logFile: path.join(folder, `${name}.log`),
    lastSignal: 'SIGTERM',
  })
  return {
    name,
    pid: running.pid,
    url: `http://127.0.0.1:${port}/metrics`,
    log: running.log,
    stop: () => running.stop(),
    process: running,
  }
}

/** The same, once it listens. */
export async function start(program: (port: number) => Program): Promise<Subject> {
  const port = await freePort()
  const subject = launch(program(port), port)
  await untilListening(subject.process, port, 90_000)
  return subject
}

/** The same, once that is over; where it does not come to an end well, the subject is stopped, and its last words are in the error. */
export async function settled(subject: Subject, wait: () => Promise<unknown>): Promise<Subject> {
  try {
    await wait()
    return subject
  } catch (error) {
    await subject.stop()
    throw new Error(`${String(error)}\n${subject.log().slice(-1500)}`)
  }
}
