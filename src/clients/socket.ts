import type { LookupAddress } from 'node:dns'
import net from 'node:net'
import { unlessAborted } from '../core/abort.ts'
import type { Failure } from '../core/errors.ts'
import type { Look } from '../core/probe.ts'
import { addressesOf, remedyForName } from './names/index.ts'

/** `host:port` as people write it, an IPv6 address in brackets, white space so that it can be seen: the subject of failures. */
export const address = (host: string, port: number): string => {
  const shown = host.replace(/\s/g, encodeURIComponent)
  return shown.includes(':') && !shown.startsWith('[') ? `[${shown}]:${port}` : `${shown}:${port}`
}

/**
 * A connected TCP socket, in the phases `dns` and `connect`. All addresses of the host are tried, IPv6 and IPv4 in turn
 * (RFC 8305, as Node does it). The socket belongs to the run: it is destroyed when the run's signal (or the `lifetime`
 * given) aborts, for as long as it lives. Its errors are never unhandled. Rejects with the system's error (ENOTFOUND,
 * EAI_AGAIN, ECONNREFUSED, …; an AggregateError where there were several addresses) or with the signal's reason.
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
 * The same by a Unix socket, in the phase `connect`. A folder that begins with @ is in the abstract namespace of Linux,
 * as libpq has it.
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
 * From here on the socket takes so many bytes, and is then destroyed with an Error that says so: whoever sends without
 * end is cut off by that, long before the deadline. `weight` is for who pays more for a piece than its length.
 */
export function limitReceived(
  socket: net.Socket,
  maxBytes: number,
  weight = (piece: Buffer): number => piece.length,
): () => void {
  const push = socket.push.bind(socket)
  let left = maxBytes
  // Not by a listener for `data`: that would set the socket flowing before its user is there.
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
/** What to do about a name that leads nowhere; undefined where the failure is another. */
export const remedyForHost = (failure: Failure): string | undefined =>
  failure.text.includes(spaceInHost)
    ? 'Take the white space out of the value where it comes from (`echo` without -n leaves a line break in a Secret); then restart the application.'
    : remedyForName(failure)

/** The resolver would say ENOTFOUND of what looks like a good name. */
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
  // Whoever uses the socket listens for errors as well; between two users nobody does.
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
