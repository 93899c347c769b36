import { once } from 'node:events'
import { lstat, unlink } from 'node:fs/promises'
import { connect, type Server } from 'node:net'
import { addressesOf } from '../clients/names/index.ts'
import { codeOf, describeError } from '../core/errors.ts'

/** Where to serve: a TCP address (all addresses of the machine if there is no host), a Unix socket, or a socket of systemd. */
export type Place =
  { readonly host: string | undefined; readonly port: number } | { readonly socket: string } | { readonly fd: number }

/** `:10587`, `127.0.0.1:10587`, `[::1]:10587` or `unix:/run/mailpath/web.sock`; undefined if it is none of these. */
export function parsePlace(text: string): Place | undefined {
  const socket = /^unix:(?:\/\/)?(\/.+)$/.exec(text)?.[1]
  if (socket !== undefined) return { socket }
  const match = /^(?:\[([^\]]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(text)
  const port = Number(match?.[3])
  if (!match || port > 65535) return undefined
  const host = match[1] ?? match[2]
  return { host: host === '' ? undefined : host, port }
}

/** The sockets that systemd opened for us: https://www.freedesktop.org/software/systemd/man/latest/sd_listen_fds.html */
export function systemdSockets(env: NodeJS.ProcessEnv): Place[] {
  const { LISTEN_PID: pid, LISTEN_FDS: count } = env
  if (Number(pid) !== process.pid) return []
  return Array.from({ length: Number(count) || 0 }, (_, n) => ({ fd: 3 + n }))
}

/** Connections that may wait to be accepted: all scrapers of a large installation may come at once. */
const backlog = 2_048

/**
 * Listens there and resolves with the bound address. For a host name it takes the first address. Rejects with an Error that
 * names the place. The name lookup ends when `stop` aborts.
 */
export async function listenAt(
  server: Server,
  place: Place,
  stop: AbortSignal = new AbortController().signal,
): Promise<string> {
  if ('socket' in place) await removeDead(place.socket)
  try {
    server.listen({ ...(await optionsOf(place, stop)), backlog })
    await once(server, 'listening')
    return addressOf(server, place)
  } catch (error) {
    throw new Error(`cannot listen on ${written(place)}: ${describeError(error)}`)
  }
}

async function optionsOf(place: Place, signal: AbortSignal) {
  if ('socket' in place) return { path: place.socket }
  if ('fd' in place) return place
  if (place.host === undefined) return { port: place.port }
  const [first] = await addressesOf(place.host, { signal })
  return { port: place.port, host: first?.address ?? place.host }
}

function written(place: Place): string {
  if ('socket' in place) return place.socket
  return 'fd' in place ? `file descriptor ${place.fd}` : joined(place.host ?? '', place.port)
}

function addressOf(server: Server, place: Place): string {
  const bound = server.address()
  return bound === null || typeof bound === 'string' ? (bound ?? written(place)) : joined(bound.address, bound.port)
}

const joined = (host: string, port: number): string => `${host.includes(':') ? `[${host}]` : host}:${port}`

/**
 * Removes the Unix socket of a process that was killed. It stays if a process still listens on it. Any other file stays too:
 * a connection to it would be refused as well.
 */
async function removeDead(path: string): Promise<void> {
  const isSocket = await lstat(path).then(
    found => found.isSocket(),
    () => false,
  )
  if (!isSocket) return
  const probe = connect(path)
  const code = await once(probe, 'connect').then(() => undefined, codeOf)
  probe.destroy()
  if (code === 'ECONNREFUSED') await unlink(path)
}
