import type { LookupAddress } from 'node:dns'
import net from 'node:net'
import { unlessAborted } from '../core/abort.ts'
import type { Failure } from '../core/errors.ts'
import type { Look } from '../core/probe.ts'
import { addressesOf, remedyForName } from './names/index.ts'

/** `host:port` as people write it, with an IPv6 address in brackets and visible white space. Failures begin with it. */
export const address = (host: string, port: number): string => {
  const shown = host.replace(/\s/g, encodeURIComponent)
  return shown.includes(':') && !shown.startsWith('[') ? `[${shown}]:${port}` : `${shown}:${port}`
}

/**
 * A connected TCP socket, in the phases `dns` and `connect`. Tries all addresses of the host, IPv6 and IPv4 in turn
 * (RFC 8305, as Node does). The socket is destroyed when the signal of the run (or `lifetime`) aborts. Its errors are
 * always handled. Rejects with the error of the system (ENOTFOUND, EAI_AGAIN, ECONNREFUSED, …; an AggregateError for
 * several addresses) or with the reason of the signal.
 */
export async function openSocket(
  look: Look,
  host: string,
  port: number,
  lifetime: AbortSignal = look.signal,
): Promise<net.Socket> {
  const { signal } = look
  if (/\s/.test(host)) await look.phase('dns', () => Promise.reject(new SpaceInHost(spaceInHost)))
  const addresses = net.isIP(host) ? undefined : await look.phase('dns', () => addressesOf(host, look))
  if (addresses) look.note(`${host} is ${addresses.map(one => one.address).join(', ')}`)
  return look.phase('connect', async () => {
    signal.throwIfAborted()
    const socket = net.connect({ host, port, ...(addresses && { lookup: answer(addresses) }) })
    boundTo(lifetime, socket)
    await unlessAborted(signal, connected(socket))
    look.note(`connected to ${address(socket.remoteAddress ?? host, port)}`)
    return socket
  })
}

/**
 * The same for a Unix socket, in the phase `connect`. A folder that begins with @ is in the abstract namespace of
 * Linux, as in libpq.
 */
export function openLocalSocket(look: Look, path: string, lifetime: AbortSignal = look.signal): Promise<net.Socket> {
  return look.phase('connect', async () => {
    look.signal.throwIfAborted()
    const socket = net.connect({ path: path.replace(/^@/, '\0') })
    boundTo(lifetime, socket)
    await unlessAborted(look.signal, connected(socket))
    look.note(`connected to ${path}`)
    return socket
  })
}

/**
 * Limits the bytes that the socket takes from now on. Beyond that it is destroyed with an Error that says so, so that a
 * server that sends without end is cut off before the deadline. `weight` counts a chunk as more than its length:
 * nodemailer pays per line.
 */
export function limitReceived(
  socket: net.Socket,
  maxBytes: number,
  weight = (piece: Buffer): number => piece.length,
): () => void {
  const push = socket.push.bind(socket)
  let left = maxBytes
  // Not with a `data` listener: that would start the flow before the socket has a user.
  socket.push = (piece: Buffer | null) => {
    if (piece !== null) left -= weight(piece)
    if (left >= 0) return push(piece)
    socket.destroy(new Error(`the server sent too much: more than ${maxBytes / 1024} KiB`))
    return false
  }
  return () => {
    left = maxBytes
  }
}

const spaceInHost = 'the name of the host has white space in it; a line break at its end?'
/** What to do about a name that cannot be resolved; undefined for any other failure. */
export const remedyForHost = (failure: Failure): string | undefined =>
  failure.text.includes(spaceInHost)
    ? 'Take the white space out of the value where it comes from (`echo` without -n leaves a line break in a Secret); then restart the application.'
    : remedyForName(failure)

/** The resolver would say ENOTFOUND for what looks like a good name. */
class SpaceInHost extends Error {
  readonly code = 'ENOTFOUND'
}

const answer =
  (addresses: readonly LookupAddress[]): net.LookupFunction =>
  (hostname, options, done) => {
    const [first] = addresses
    if (!first) done(new Error(`${hostname} has no address`), '')
    else if (options.all) done(null, [...addresses])
    else done(null, first.address, first.family)
  }

function boundTo(signal: AbortSignal, socket: net.Socket): void {
  const onAbort = (): void => void socket.destroy(signal.reason as Error)
  signal.addEventListener('abort', onAbort)
  socket.on('close', () => signal.removeEventListener('abort', onAbort))
  // Keep an error listener while the socket changes owner; without one an error ends the process.
  socket.on('error', () => undefined)
}

const connected = (socket: net.Socket): Promise<void> =>
  new Promise((resolve, reject) => {
    socket.once('error', reject)
    socket.once('connect', () => {
      socket.off('error', reject)
      resolve()
    })
  })
