/** The web server of the exporter in this process, and a client that asks it one thing. */
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { request as httpsRequest, type RequestOptions } from 'node:https'
import { rename, writeFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import path from 'node:path'
import { onTestFinished } from 'vitest'
import type { Check } from '../../src/core/probe.ts'
import type { Past } from '../../src/history/remember.ts'
import type { References } from '../../src/monitor/look.ts'
import { createLog } from '../../src/core/log.ts'
import { createMonitor, type Monitor } from '../../src/monitor/index.ts'
import type { ListenAddress } from '../../src/web/listen.ts'
import { usualLimits, type Limits } from '../../src/web/limits.ts'
import { startWeb } from '../../src/web/web.ts'
import { checkOf, fine, noReferences } from '../monitor/checks.ts'
import { exporterAtRest } from '../core/exporter-at-rest.ts'
import { removeFolder, tempFolder } from '../servers/processes.ts'

/** The time limits of the daemon divided by twenty, for tests of what happens when they are over. */
export const shortLimits: Limits = {
  ...usualLimits,
  headersTimeout: 500,
  requestTimeout: 750,
  keepAliveTimeout: 1_500,
  connectionsCheckingInterval: 100,
  handshakeTimeout: 500,
  idleMs: 2_000,
  answerMs: 3_000,
}

interface Given {
  /** What stands in the file for `--web.config.file`, and in the files beside it. */
  readonly config?: object
  readonly files?: Readonly<Record<string, string>>
  readonly places?: readonly ListenAddress[]
  readonly checks?: readonly Check[]
  readonly references?: References
  readonly limits?: Limits
  readonly allowedHosts?: readonly string[]
  readonly routePrefix?: string
  /** What happened before. */
  readonly past?: Past
}

export interface Served {
  readonly monitor: Monitor
  readonly addresses: readonly string[]
  /** Of the first address. */
  readonly port: number
  /** What was logged, without its time. */
  readonly logged: Record<string, unknown>[]
  /** The folder of the file. */
  readonly folder: string
  readonly rewrite: (name: string, text: string) => Promise<void>
  readonly close: () => Promise<void>
}

const lookMs = 40
export const loopback: ListenAddress = { host: '127.0.0.1', port: 0 }

/** Serves until the test is over. */
export async function serving(given: Given = {}): Promise<Served> {
  const folder = tempFolder('mailpath-web-')
  // As a whole: read half-way, a file would be a bad one.
  const rewrite = async (name: string, text: string) => {
    const file = path.join(folder, name)
    await writeFile(`${file}.new`, text)
    await rename(`${file}.new`, file)
  }
  for (const [name, text] of Object.entries(given.files ?? {})) await rewrite(name, text)
  // JSON is YAML.
  if (given.config) await rewrite('web.yml', JSON.stringify(given.config))
  const logged: Record<string, unknown>[] = []
  const log = createLog('debug', 'json', line => {
    const { time: _, ...entry } = JSON.parse(line) as Record<string, unknown>
    logged.push(entry)
  })
  const checks = given.checks ?? [checkOf(() => Promise.resolve(fine))]
  const monitor = createMonitor({ checks, mail: [] }, given.references ?? noReferences, log, undefined, given.past)
  const stop = new AbortController()
  const exporter = () => exporterAtRest
  const web = await startWeb({
    served: { monitor, configFile: 'mailpath.yml', exporter, log, routePrefix: given.routePrefix ?? '' },
    listenAddresses: given.places ?? [loopback],
    file: given.config && path.join(folder, 'web.yml'),
    stop: stop.signal,
    limits: given.limits ?? usualLimits,
    allowedHosts: given.allowedHosts ?? [],
    lookMs,
  })
  let closed: Promise<void> | undefined
  const close = (): Promise<void> => {
    stop.abort(new Error('the test is over'))
    closed ??= web.close().then(() => removeFolder(folder))
    return closed
  }
  onTestFinished(close)
  const port = Number(/:(\d+)$/.exec(web.addresses[0] ?? '')?.[1])
  return { monitor, addresses: web.addresses, port, logged, folder, rewrite, close }
}

export interface Answer {
  readonly status: number | undefined
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** Asks over a connection of its own. Rejects with the error of the connection. */
export function ask(
  at: { readonly port: number } | { readonly socketPath: string },
  { secure, ...options }: RequestOptions & { readonly secure?: boolean } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const send = (secure ?? options.ca !== undefined) ? httpsRequest : httpRequest
    send({ host: '127.0.0.1', agent: false, ...at, ...options }, response => {
      let body = ''
      response.setEncoding('utf8').on('data', (text: string) => (body += text))
      response.on('error', reject)
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body }))
    })
      .on('error', reject)
      .end()
  })
}

export const basic = (user: string, password: string): { readonly authorization: string } => ({
  authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
})

/** All that comes back on a connection of its own to these bytes, until the server closes it. */
export function said(port: number, words: string, onOpen: (socket: Socket) => void = () => undefined): Promise<string> {
  return new Promise(resolve => {
    let text = ''
    const socket = connect(port, '127.0.0.1', () => onOpen(socket))
    socket.on('data', chunk => (text += chunk.toString('latin1')))
    // Who is cut off in the middle of a word gets an error; what counts is that it is over.
    socket.on('error', () => undefined).on('close', () => resolve(text))
    socket.write(words)
  })
}

/** The statuses of the answers in what was said. */
export const statusesIn = (text: string): number[] =>
  [...text.matchAll(/^HTTP\/1\.1 (\d+) /gm)].map(([, status]) => Number(status))

/** An exposition without what differs from one to the next. */
export const lasting = (text: string): string =>
  text
    .split('\n')
    .filter(line => !/^$|^(# (HELP|TYPE) )?(process|nodejs|mailpath_http)_/.test(line))
    .join('\n')
    .replaceAll(/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?/g, 'then')
