import { finished } from 'node:stream/promises'
import type { Shown } from '../../clients/certificates.ts'
import { basicAuthorization, unanswered, type RequestFailure } from '../../clients/http-target.ts'
import { addressOf, httpRequest } from '../../clients/http.ts'
import { readPemFiles } from '../../clients/pem.ts'
import { limitReceived, openLocalSocket, openSocket } from '../../clients/socket.ts'
import { unlessAborted } from '../../core/abort.ts'
import { failureOf, type Look } from '../../core/probe.ts'
import { backendMetrics, readStatistics, serverMetrics, type HaproxyServer } from './statistics.ts'
import type { HaproxyTarget } from './target.ts'

export type { HaproxyServer } from './statistics.ts'

export interface HaproxySeen {
  /** `host:port`, or the path of the socket. */
  readonly address: string
  /** Undefined if it gave no answer, or not one of HAProxy. */
  readonly servers?: readonly HaproxyServer[] | undefined
  /** The names of all proxies with servers. */
  readonly proxies?: readonly string[] | undefined
  /** HTTP status, if there was one. */
  readonly status?: number | undefined
  readonly certificates?: Shown | undefined
  readonly failure?: RequestFailure | undefined
}

/** Up to HAProxy 2.9, which cannot leave any metric out, 1,000 servers are 6 MiB. */
const maxBytes = 8 * 1_048_576

/** One request: the statistics over HTTP, or one line of commands on the socket. */
export const observe = (target: HaproxyTarget, look: Look): Promise<HaproxySeen> =>
  target.url === undefined ? overSocket(target.socket ?? '', look) : overHttp(target.url, target, look)

async function overHttp(url: string, target: HaproxyTarget, look: Look): Promise<HaproxySeen> {
  const address = addressOf(url)
  const trust = await readPemFiles(target, look)
  const headers = await basicAuthorization(target, look)
  const { signal, note } = look
  try {
    const { status, body, chain } = await look.phase('request', () =>
      httpRequest({ method: 'GET', url: narrowed(url), headers, ...trust, maxBodyBytes: maxBytes, signal, note }),
    )
    return {
      address,
      status,
      certificates: chain && { chain, verified: true, at: Date.now() },
      ...(status === 200 && readStatistics(body, Date.now())),
    }
  } catch (error) {
    return { address, ...unanswered(error, look, address) }
  }
}

/**
 * Asks for no more than is read, if the URL itself asks for nothing: all metrics of a HAProxy can be megabytes. `scope`
 * is known from 2.0 on, and `metrics` from 3.0 on; each version ignores what it does not know.
 */
export function narrowed(url: string): string {
  const all = new URL(url)
  if (all.search !== '' || all.pathname.includes(';')) return url
  all.search = `?scope=server&scope=backend&metrics=${[...serverMetrics, ...backendMetrics].join()}`
  return all.href
}

/** Backends (2) and servers (4) of all proxies; then their addresses, which `show stat` has for operators only. */
const commands = 'show stat -1 6 -1;show servers state\n'

async function overSocket(socket: string, look: Look): Promise<HaproxySeen> {
  try {
    const text = await ask(socket, look)
    return { address: socket, ...readStatistics(text, Date.now()) }
  } catch (error) {
    return { address: socket, failure: { ...failureOf(error, look, socket), tls: false } }
  }
}

/** The answer to one line of commands. HAProxy closes the connection after it. */
async function ask(place: string, look: Look): Promise<string> {
  const [, host = '', port = ''] = /^\[?([^\]]+)\]?:(\d+)$/.exec(place) ?? []
  const socket = await (place.startsWith('/') ? openLocalSocket(look, place) : openSocket(look, host, Number(port)))
  try {
    return await look.phase('request', async () => {
      limitReceived(socket, maxBytes)
      const chunks: Buffer[] = []
      socket.on('data', (chunk: Buffer) => chunks.push(chunk))
      look.note(`> ${commands.trim()}`)
      socket.write(commands)
      await unlessAborted(look.signal, finished(socket, { writable: false }))
      const text = Buffer.concat(chunks).toString('utf8')
      look.note(`< ${text.length} characters`)
      return text
    })
  } finally {
    socket.destroy()
  }
}
