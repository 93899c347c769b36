/** The program with its calls counted: how many it makes does not depend on how busy the machine is. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { scrapeOnce } from '../../bench/measure/scrape.ts'
import { freePort, waitFor } from '../servers/processes.ts'
import { program } from '../servers/program.ts'

export interface Counted {
  ask: (path: string) => Promise<void>
  /** Asks for a path, and gives how many functions of the program and its packages were called to answer it. */
  callsOf: (path: string) => Promise<number>
  stop: () => Promise<void>
}

const begin = fileURLToPath(new URL('begin.cjs', import.meta.url))

/** Starts it and waits until each check has run. */
export async function startCounted(
  config: object,
  env: Readonly<Record<string, string>>,
  folder: string,
): Promise<Counted> {
  const [main] = program
  if (main === undefined || program.length > 1) throw new Error('only the built program can be counted')
  const [port, file] = [await freePort(), path.join(folder, 'work.yml')]
  await writeFile(file, JSON.stringify(config))
  const flags = [`--config.file=${file}`, `--web.listen-address=127.0.0.1:${port}`, '--log.level=error']
  const child = fork(begin, [main, ...flags], {
    env: { PATH: process.env['PATH'], ...env },
    execArgv: [],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const ask = async (what: string): Promise<void> => {
    const { status, body } = await scrapeOnce(`http://127.0.0.1:${port}${what}`)
    if (status !== 200) throw new Error(`${what} answers ${status}: ${body}`)
  }
  const taken = async (): Promise<number> => {
    child.send('')
    const [calls] = (await once(child, 'message')) as [number]
    return calls
  }
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGTERM')
    await once(child, 'exit')
  }
  try {
    const isReady = () => ask('/-/ready').then(() => true)
    await waitFor(isReady, { timeoutMs: 60_000, what: 'every check has run once' })
    return {
      ask,
      async callsOf(what) {
        await taken()
        await ask(what)
        return taken()
      },
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}
