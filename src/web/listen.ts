import { once } from 'node:events'
import { lstat, unlink } from 'node:fs/promises'
import { connect, type Server } from 'node:net'
import { addressesOf } from '../clients/names/index.ts'
import { codeOf, describeError } from '../core/errors.ts'

/** Where to serve: a TCP address (all addresses of the machine if there is no host), a Unix socket, or a socket of systemd. */
export type ListenAddress =
  { readonly host: string | undefined; readonly port: number } | { readonly socket: string } | { readonly fd: number }

/** `:10587`, `127.0.0.1:10587`, `[::1]:10587` or `unix:/run/mailpath/web.sock`; undefined if it is none of these. */
export function parseListenAddress(text: string): ListenAddress | undefined {
  const socket = /^unix:(?:\/\/)?(\/.+)$/.exec(text)?.[1]
  if (socket !== undefined) return { socket }
  const match = /^(?:\[([^\]]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(text)
  const port = Number(match?.[3])
  if (!match || port > 65535) return undefined
  const host = match[1] ?? match[2]
  return { host: host === '' ? undefined : host, port }
}

/** The sockets that systemd opened for us: https://www.freedesktop.org/software/systemd/man/latest/sd_listen_fds.html */
export function systemdSockets(env: NodeJS.ProcessEnv): ListenAddress[] {
  const { LISTEN_PID: pid, LISTEN_FDS: count } = env
  if (Number(pid) !== process.pid) return []
  return Array.from({ length: Number(count) || 0 }, (_, n) => ({ fd: 3 + n }))
}

/** Connections that may wait to be accepted: all scrapers of a large installation may come at once. */
const backlog = 2_048

/**
 * Listens there and resolves with the bound address. For a host name it takes the first address. Rejects with an Error that
 * names the address. The name lookup ends when `stop` aborts.
 */
export async function listenAt(
  server: Server,
  address: ListenAddress,
  stop: AbortSignal = new AbortController().signal,
): Promise<string> {
  if ('socket' in address) await removeDead(address.socket)
  try {
    server.listen({ ...(await optionsOf(address, stop)), backlog })
    await once(server, 'listening')
    return addressOf(server, address)
  } catch (error) {
    throw new Error(`cannot listen on ${written(address)}: ${describeError(error)}`)
  }
}

async function optionsOf(address: ListenAddress, signal: AbortSignal) {
  if ('socket' in address) return { path: address.socket }
  if ('fd' in address) return address
  if (address.host === undefined) return { port: address.port }
  const [first] = await addressesOf(address.host, { signal })
  return { port: address.port, host: first?.address ?? address.host }
}

function written(address: ListenAddress): string {
  if ('socket' in address) return address.socket
  return 'fd' in address ? `file descriptor ${address.fd}` : joined(address.host ?? '', address.port)
}

function addressOf(server: Server, address: ListenAddress): string {
  const bound = server.address()
  return bound === null || typeof bound === 'string' ? (bound ?? written(address)) : joined(bound.address, bound.port)
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
