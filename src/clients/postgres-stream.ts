import { access, stat } from 'node:fs/promises'
import net from 'node:net'
import tls from 'node:tls'
import { unlessAborted } from '../core/abort.ts'
import { codeOf } from '../core/errors.ts'
import type { Look } from '../core/probe.ts'
import { watchHandshake, type Shown } from './certificates.ts'
import { fileErrorText, readRegular } from './files.ts'
import { PemError, checkedCertificates, checkedKeyPair } from './pem.ts'
import { errorOf, noProcess, readServerMessage, type ServerMessage } from './postgres-messages.ts'
import type { ClientCertificate, Endpoint, Pem, Plan, TlsPlan } from './postgres-url/plan.ts'
import { withContext } from './secure-contexts.ts'

/** `clear`; `offered`: with TLS if the server offers it; `tls`: with TLS or not at all. */
export type Way = 'clear' | 'offered' | 'tls'

interface Negotiation {
  readonly plan: Plan
  readonly endpoint: Endpoint
  readonly way: Way
  /** Called when the TLS handshake begins. */
  readonly onTls: () => void
  /** Called when the TLS handshake is done. */
  readonly onCertificates: (shown: Shown) => void
}

/**
 * Asks for TLS and returns the stream to speak on. Phases `startup` and `tls`. A `direct` plan begins with TLS.
 * https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-SSL
 */
export async function negotiateTls(look: Look, socket: net.Socket, negotiation: Negotiation): Promise<net.Socket> {
  const { plan, endpoint, way, onTls, onCertificates } = negotiation
  if (way === 'clear') return socket
  if (!plan.tls.direct) {
    const answer = await look.phase('startup', () => unlessAborted(look.signal, askForTls(socket)))
    look.note(`SSLRequest was answered with ${JSON.stringify(answer)}`)
    if (answer === 'N' && way === 'offered') return socket
    if (answer === 'N') throw new Error('the server does not support TLS, and sslmode insists on it')
    if (answer !== 'S') throw new Error(oddAnswer)
  }
  onTls()
  const host = endpoint.kind === 'tcp' ? endpoint.host : 'localhost'
  const secured = await look.phase('tls', () =>
    unlessAborted(look.signal, handshake(socket, host, plan.tls, onCertificates)),
  )
  look.note(`${secured.getProtocol() ?? 'TLS'}, ${secured.getCipher().standardName}`)
  return secured
}

async function handshake(
  socket: net.Socket,
  host: string,
  plan: TlsPlan,
  onCertificates: (shown: Shown) => void,
): Promise<tls.TLSSocket> {
  const { verify } = plan
  const { ca, pair } = await materialOf(plan)
  const trusted = ca !== 'usual' && ca !== 'none' && { ca: plan.usualToo ? [...tls.rootCertificates, ca] : ca }
  const verified = net.isIP(host) === 0 ? host : (plan.nameOfAddress ?? host)
  const secured = tls.connect({
    socket,
    host: verified,
    rejectUnauthorized: verify !== 'nothing' && ca !== 'none',
    ...(net.isIP(host) === 0 && { servername: host }),
    ...(verify !== 'chain and name' && { checkServerIdentity: () => undefined }),
    ...withContext({ ...trusted, ...pair }),
    ...(plan.direct && { ALPNProtocols: ['postgresql'] }),
  })
  const certificates = watchHandshake(
    secured,
    verified,
    ca === 'usual' || ca === 'none' || plan.usualToo ? undefined : ca,
  )
  // Keep an error listener while the socket changes owner; without one an error ends the process.
  secured.on('error', () => undefined)
  try {
    await until(secured, 'secureConnect')
  } catch (error) {
    throw certificates.explained(error)
  }
  const chain = certificates.chain()
  if (chain) onCertificates({ chain, verified: verify !== 'nothing' && ca !== 'none', at: Date.now() })
  if (plan.direct && secured.alpnProtocol !== 'postgresql')
    throw new Error('TLS was agreed on, but not the protocol postgresql (ALPN), which sslnegotiation=direct insists on')
  return secured
}

/** Throws what the driver would, in plainer words, if a file cannot be read or used for TLS. */
async function materialOf(plan: TlsPlan) {
  try {
    return { ca: await authoritiesOf(plan), pair: plan.certificate && (await pairOf(plan.certificate)) }
  } catch (error) {
    throw error instanceof PemError ? new Error(`TLS: ${error.message}`) : error
  }
}

async function authoritiesOf({ authorities, authoritiesOptional, verify }: TlsPlan): Promise<string> {
  if (authorities === 'usual') return 'usual'
  if (authoritiesOptional && 'file' in authorities && !(await exists(authorities.file))) return 'none'
  const pem = await textOf(authorities, theAuthorities)
  if (verify !== 'nothing') checkedCertificates(pem, nameOf(authorities, theAuthorities))
  // As it is: Node stops at one that is damaged.
  return pem
}

/**
 * https://www.postgresql.org/docs/current/libpq-ssl.html#LIBPQ-SSL-CLIENTCERT. If there is no certificate file, libpq
 * goes on without one (`initialize_SSL` in fe-secure-openssl.c).
 */
async function pairOf({ cert, key, passphrase, guarded = false }: ClientCertificate) {
  if (guarded && 'file' in cert && !(await exists(cert.file))) return undefined
  const pair = { cert: await textOf(cert, theCertificate), key: await textOf(key, theKey) }
  if (guarded && 'file' in key) {
    const { uid, mode } = await stat(key.file)
    if ((mode & (uid === 0 ? 0o027 : 0o077)) !== 0)
      throw new PemError(nameOf(key, theKey), 'group or others have access to it, and libpq refuses it')
  }
  const names = { cert: nameOf(cert, theCertificate), key: nameOf(key, theKey) }
  return checkedKeyPair({ ...pair, ...(passphrase !== undefined && { passphrase }) }, names)
}

const theAuthorities = 'the certificates of the authority'
const theCertificate = 'the client certificate'
const theKey = 'the key of the client certificate'
const nameOf = (given: Pem, what: string): string => ('file' in given ? `${what} in ${given.file}` : what)

const exists = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    (error: unknown) => !['ENOENT', 'ENOTDIR'].includes(codeOf(error) ?? ''),
  )

/** The file may be named by a URL from an application's settings: it could be anything. */
async function textOf(given: Pem, what: string): Promise<string> {
  if ('text' in given) return given.text
  try {
    return (await readRegular(given.file, 1_048_576)).toString()
  } catch (error) {
    throw new PemError(nameOf(given, what), fileErrorText(error))
  }
}

const oddAnswer = 'not a Postgres server: an odd answer to SSLRequest'

/**
 * Sends SSLRequest and returns the one byte that answers it. More than one would be plain text injected before TLS
 * (CVE-2021-23222), except for an error: a server that cannot even take the connection says so at once.
 */
async function askForTls(socket: net.Socket): Promise<string> {
  const request = Buffer.alloc(8)
  request.writeInt32BE(8, 0)
  request.writeInt32BE(80877103, 4)
  socket.write(request)
  await until(socket, 'readable')
  const answer = socket.read() as Buffer | null
  if (answer === null) throw new Error('Connection terminated unexpectedly')
  if (answer[0] === letterE) throw await earlyRefusal(socket, answer)
  if (answer.length !== 1) throw new Error(oddAnswer)
  return answer.toString('latin1')
}

const letterE = 'E'.charCodeAt(0)
const maxRefusalBytes = 8_192

/**
 * The error in answer to an SSLRequest: a message with a length and fields, or a bare text up to a zero if the server
 * could not start a process for the connection. The sender is not authenticated: the text is only quoted.
 */
async function earlyRefusal(socket: net.Socket, first: Buffer): Promise<Error> {
  let bytes = first
  const wanted = (): number => {
    if (bytes.length < 5) return 5
    const length = bytes.readUInt32BE(1)
    if (length <= maxRefusalBytes) return 1 + length
    return bytes.includes(0) ? bytes.length : maxRefusalBytes
  }
  try {
    while (bytes.length < wanted()) {
      await until(socket, 'readable')
      bytes = Buffer.concat([bytes, (socket.read() as Buffer | null) ?? Buffer.alloc(0)])
    }
  } catch {
    // It hung up: there is no more to read.
  }
  const isFramed = bytes.length >= 5 && bytes.readUInt32BE(1) <= maxRefusalBytes
  if (isFramed) {
    const said = readServerMessage(bytes.subarray(5, 1 + bytes.readUInt32BE(1)))
    return said.code === '' ? new Error(oddAnswer) : errorOf(said)
  }
  const [text = ''] = bytes.toString('utf8', 1, maxRefusalBytes).split('\0')
  return text.trim() === '' ? new Error(oddAnswer) : new Error(`${noProcess}: ${text.trim()}`)
}

/** Waits for the event; rejects if the stream fails or ends first. */
function until(stream: net.Socket, event: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const leave = (): void => {
      stream.off(event, onEvent)
      stream.off('error', onError)
      stream.off('close', onEnd)
      stream.off('end', onEnd)
    }
    const onEvent = (): void => {
      leave()
      resolve()
    }
    const onError = (error: Error): void => {
      leave()
      reject(error)
    }
    const onEnd = (): void => onError(new Error('Connection terminated unexpectedly'))
    stream.on(event, onEvent)
    stream.on('error', onError)
    stream.on('close', onEnd)
    stream.on('end', onEnd)
  })
}

/**
 * Adapts the stream for node-postgres: its connect() is called though it is connected already, and the parser gets only
 * whole, well-formed messages, so that it cannot throw. `onNotice` gets messages apart from results, with the severity
 * untranslated, which node-postgres drops.
 */
export function forClient(stream: net.Socket, onNotice: (notice: ServerMessage) => void = () => undefined): net.Socket {
  const on = stream.on.bind(stream)
  return Object.assign(stream, {
    connect() {
      process.nextTick(() => stream.emit('connect'))
      return stream
    },
    on(event: string, listener: (...args: unknown[]) => void) {
      if (event !== 'data') return on(event, listener)
      const whole = wholeMessages(listener, onNotice)
      return on(event, (chunk: Buffer) => {
        try {
          whole(chunk)
        } catch {
          stream.destroy(new Error('not the Postgres protocol: a malformed message'))
        }
      })
    },
  })
}

/** Far more than any row or message of our statements has. */
const maxMessageBytes = 65_536

/**
 * Passes on whole messages. The parser of node-postgres (pg-protocol 1.x) loops for ever over an ErrorResponse without
 * its final zeros and over a length that does not move it on, and throws out of a listener on others: without this, a
 * hostile server could freeze or end the process. https://www.postgresql.org/docs/current/protocol-message-formats.html
 */
function wholeMessages(
  deliver: (messages: Buffer) => void,
  onNotice: (notice: ServerMessage) => void,
): (chunk: Buffer) => void {
  let pending: Buffer = Buffer.alloc(0)
  return chunk => {
    pending = Buffer.concat([pending, chunk])
    let end = 0
    while (pending.length - end >= 5) {
      const length = pending.readUInt32BE(end + 1)
      if (length < 4 || length > maxMessageBytes) throw new Error('a message of impossible length')
      if (pending.length - end < 1 + length) break
      const letter = String.fromCharCode(pending[end] ?? 0)
      const body = pending.subarray(end + 5, end + 1 + length)
      if ('EN'.includes(letter) && !endsWithZeros(body)) throw new Error('a message without an end')
      if (letter === 'N') onNotice(readServerMessage(body))
      end += 1 + length
    }
    const messages = pending.subarray(0, end)
    pending = pending.subarray(end)
    if (end > 0) deliver(messages)
  }
}

/** Fields of a letter and a string each, then a zero. A reader that stops at a zero letter is certain to stop. */
const endsWithZeros = (body: Buffer): boolean => body.at(-1) === 0 && (body.length === 1 || body.at(-2) === 0)

/** The address of a session: host and port, or the path of a Unix socket. */
export type Peer = { readonly host: string; readonly port: number } | { readonly path: string }

/**
 * Sends a cancel request on a connection of its own, which the server closes without an answer. Never rejects.
 * https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-CANCELING-REQUESTS
 */
export function sendCancel(peer: Peer, processId: number, secretKey: number, timeoutMs: number): Promise<void> {
  const packet = Buffer.alloc(16)
  packet.writeInt32BE(16, 0)
  packet.writeInt32BE(80877102, 4)
  packet.writeInt32BE(processId, 8)
  packet.writeInt32BE(secretKey, 12)
  return new Promise(resolve => {
    const socket = net.connect(peer, () => socket.write(packet))
    const timer = setTimeout(() => socket.destroy(), timeoutMs)
    socket.on('error', () => undefined)
    socket.on('close', () => {
      clearTimeout(timer)
      resolve()
    })
    socket.on('data', () => socket.destroy())
  })
}
