/** One flood: the exporter under it, a scraper that keeps its connection, and what became of them. */
import { writeFile } from 'node:fs/promises'
import { Agent, get as httpGet } from 'node:http'
import { Agent as TlsAgent, get as httpsGet } from 'node:https'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { hash } from '@node-rs/bcrypt'
import { generate } from 'selfsigned'
import { freePort, removeFolder, startProcess, tempFolder, waitFor } from '../servers/processes.ts'
import { startSmtp } from '../servers/smtp.ts'
import { makeCage, residentOf } from './memory.ts'
import type { Shape } from './shapes.ts'

interface Flood {
  readonly shape: Shape
  readonly connections: number
  /** How long it lasts once all connections were tried, in milliseconds. */
  readonly lastsMs: number
  /** The command that starts the exporter. */
  readonly exporter: readonly string[]
  readonly node?: string
  /** Of its cgroup, in bytes. */
  readonly limit?: number
  /** In which the connections are opened, in milliseconds. */
  readonly openMs?: number
  /** Of the checks, in milliseconds. */
  readonly intervalMs?: number
}

export interface Outcome {
  /** Why it ended before its time: out of memory, or a crash. */
  readonly died: string | undefined
  /** In bytes: before, and the most of all. */
  readonly restMemory: number
  readonly mostMemory: number
  /** The most of the cgroup, or why there was none. */
  readonly caged: number | string
  readonly scrapes: number
  /** What was wrong with the others. */
  readonly missed: readonly string[]
  readonly slowestMs: number
  readonly reconnects: number
  /** Verdicts that a check had before in no scrape. */
  readonly falseVerdicts: readonly string[]
  /** Runs of the checks, as a part of those that their interval asks for. */
  readonly runs: number
  /** From SIGTERM to the end, in milliseconds. */
  readonly stoppedMs: number
  readonly refused: Readonly<Record<string, number>>
}

/** In the shipped container. */
const shipped = 256 * 1_048_576
const scrapeEveryMs = 250
const client = fileURLToPath(new URL('client.ts', import.meta.url))
const tsx = fileURLToPath(import.meta.resolve('tsx'))

const verdictsIn = (text: string): string[] => text.match(/^mailpath_check_verdict\{.*\} 1$/gm) ?? []
const runsIn = (text: string): number[] =>
  [...text.matchAll(/^mailpath_check_runs_total\{probe="(?:smtp|settings)".*\} (\d+)$/gm)].map(([, n]) => Number(n))

export async function flood({
  shape,
  connections,
  lastsMs,
  exporter,
  node = process.execPath,
  limit = shipped,
  openMs = 2_000,
  intervalMs = 2_000,
}: Flood): Promise<Outcome> {
  const folder = tempFolder('mailpath-flood-')
  const isSecure = shape.speaks === 'tls' || shape.speaks === 'h2' || shape.name.startsWith('TLS')
  const smtp = await startSmtp({ security: 'none' })
  const port = await freePort()
  await writeFile(path.join(folder, '.env'), 'A=1\n')
  const config = {
    interval: `${intervalMs}ms`,
    timeout: `${0.95 * intervalMs}ms`,
    settings: [{ name: 'it', from: { dotenv: path.join(folder, '.env') }, expect: { A: '1' } }],
    smtp: [{ name: 'relay', host: smtp.host, port: smtp.port, security: 'none' }],
  }
  await writeFile(path.join(folder, 'mailpath.yml'), JSON.stringify(config))
  const pair = await generate([{ name: 'commonName', value: 'exporter' }], { keyType: 'ec' })
  await writeFile(path.join(folder, 'cert.pem'), pair.cert)
  await writeFile(path.join(folder, 'key.pem'), pair.private, { mode: 0o600 })
  const web = {
    ...(isSecure && { tls_server_config: { cert_file: 'cert.pem', key_file: 'key.pem' } }),
    ...(shape.users === true && { basic_auth_users: { prometheus: await hash('right', 8) } }),
  }
  await writeFile(path.join(folder, 'web.yml'), JSON.stringify(web))

  const cage = makeCage(`mailpath-flood-${process.pid}-${port}`, limit)
  const args = [
    ...exporter,
    `--config.file=${path.join(folder, 'mailpath.yml')}`,
    `--web.config.file=${path.join(folder, 'web.yml')}`,
    `--web.listen-address=127.0.0.1:${port}`,
  ]
  // The shell enters the cage before it becomes the exporter.
  const running = startProcess('exporter', node, args, {
    env: { ...process.env, MALLOC_ARENA_MAX: '1', NODE_ENV: 'production' },
  })
  if (typeof cage !== 'string') cage.take(running.pid)
  const scraper = createScraper(port, isSecure, shape.users === true)
  let attack: ReturnType<typeof startProcess> | undefined
  try {
    const isUp = async () => {
      const runs = runsIn((await scraper.scrape()) ?? '')
      return runs.length === 2 && runs.every(n => n >= 2)
    }
    await waitFor(isUp, { what: `the exporter has looked: ${running.log()}`, timeoutMs: 30_000 })
    const restMemory = residentOf(running.pid).now
    scraper.begin(verdictsIn((await scraper.scrape()) ?? ''))

    attack = startProcess('flood', process.execPath, [
      '--import',
      tsx,
      client,
      shape.name,
      String(port),
      String(connections),
      String(openMs),
    ])
    await waitFor(
      () => Promise.resolve(/tried/.test(attack?.log() ?? '') || !running.alive() || attack?.alive() === false),
      {
        what: `all connections were tried: ${attack.log()}`,
        timeoutMs: 120_000,
      },
    )
    for (let waited = 0; waited < lastsMs && running.alive(); waited += 100) await sleep(100)
    await scraper.end()
    const died = running.alive() ? undefined : `exit code ${String(await running.exited)}: ${running.log().slice(-500)}`
    const mostMemory = Math.max(scraper.mostMemory(), residentOf(running.pid).most)
    // Still under the flood.
    const from = performance.now()
    running.signal('SIGTERM')
    await Promise.race([running.exited, sleep(20_000, undefined, { ref: false })])
    const stoppedMs = performance.now() - from
    return {
      died,
      restMemory,
      mostMemory,
      caged: typeof cage === 'string' ? cage : cage.most(),
      stoppedMs,
      ...scraper.outcome(),
    }
  } finally {
    await attack?.stop('SIGKILL')
    await running.stop('SIGKILL')
    scraper.close()
    await smtp.close()
    if (typeof cage !== 'string') cage.remove()
    await removeFolder(folder)
  }

  function createScraper(at: number, secure: boolean, login: boolean) {
    const agent = new (secure ? TlsAgent : Agent)({ keepAlive: true, maxSockets: 1 })
    const missed: string[] = []
    const falseVerdicts = new Set<string>()
    const took: number[] = []
    const ports = new Set<number>()
    const counts: { at: number; runs: number }[] = []
    let refused: Record<string, number> = {}
    let most = 0
    let usual = new Set<string>()
    let going: Promise<void> | undefined
    let stop = false
    const scrape = (): Promise<string | undefined> =>
      new Promise(resolve => {
        const from = performance.now()
        const request = (secure ? httpsGet : httpGet)(
          {
            host: '127.0.0.1',
            port: at,
            path: '/metrics',
            agent,
            timeout: 10_000,
            rejectUnauthorized: false,
            ...(login && { auth: 'prometheus:right' }),
          },
          response => {
            let text = ''
            response.setEncoding('utf8').on('data', (part: string) => (text += part))
            response.on('error', error => {
              missed.push(String(error))
              resolve(undefined)
            })
            response.on('end', () => {
              took.push(performance.now() - from)
              if (response.statusCode !== 200) missed.push(String(response.statusCode))
              resolve(response.statusCode === 200 ? text : undefined)
            })
          },
        )
        request.on('socket', socket => {
          const note = (): void => {
            if (socket.localPort !== undefined) ports.add(socket.localPort)
          }
          if (socket.connecting) socket.once('connect', note)
          else note()
        })
        request.on('timeout', () => request.destroy(new Error('no answer within 10 s')))
        request.on('error', error => {
          missed.push(String(error))
          resolve(undefined)
        })
      })
    const look = (text: string): void => {
      for (const verdict of verdictsIn(text)) if (!usual.has(verdict)) falseVerdicts.add(verdict)
      const runs = runsIn(text)
      counts.push({ at: performance.now(), runs: runs.reduce((sum, n) => sum + n, 0) / runs.length })
      refused = Object.fromEntries(
        [...text.matchAll(/^mailpath_http_connections_refused_total\{reason="(\w+)"\} ([1-9]\d*)$/gm)].map(
          ([, reason, n]) => [reason ?? '', Number(n)],
        ),
      )
    }
    const loop = async (): Promise<void> => {
      while (!stop && running.alive()) {
        const text = await scrape()
        if (text !== undefined) look(text)
        most = Math.max(most, residentOf(running.pid).most)
        await sleep(scrapeEveryMs)
      }
    }
    return {
      scrape,
      begin: (verdicts: readonly string[]) => {
        usual = new Set(verdicts)
        for (const list of [missed, took, counts]) list.length = 0
        ports.clear()
        going = loop()
      },
      end: async () => {
        stop = true
        await going
      },
      close: () => agent.destroy(),
      mostMemory: () => most,
      outcome: () => {
        const [first, last] = [counts[0], counts.at(-1)]
        const asked = first && last ? (last.at - first.at) / intervalMs : 0
        return {
          scrapes: took.length - missed.filter(one => /^\d+$/.test(one)).length,
          missed,
          slowestMs: Math.max(0, ...took),
          reconnects: Math.max(0, ports.size - 1),
          falseVerdicts: [...falseVerdicts],
          runs: first && last && asked > 0 ? (last.runs - first.runs) / asked : 0,
          refused,
        }
      },
    }
  }
}
