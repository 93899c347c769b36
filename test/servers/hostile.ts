import { createHash } from 'node:crypto'
import net from 'node:net'
import tls from 'node:tls'
import type { Certificate } from './certificates.ts'

/** Where a test server listens, and who is on it. */
export interface Listening {
  readonly host: string
  readonly port: number
  /** Sockets open now. */
  readonly connections: number
  /** Sockets accepted since the start. */
  readonly accepted: number
  /** Destroys every open socket, then frees the port. */
  close: () => Promise<void>
}

export interface At {
  /** 127.0.0.1 unless given. */
  host?: string
  /** Any free one unless given, so that a server can come back where it was. */
  port?: number
}

const defaultGreeting = '220 mail.keybuzz.io ESMTP hostile'

type Ending = 'fin' | 'rst'

/** Makes `server` listen and keeps count of its sockets. Every test server stands on this. */
export async function listen(server: net.Server, { host = '127.0.0.1', port = 0 }: At = {}): Promise<Listening> {
  const sockets = new Set<net.Socket>()
  let accepted = 0
  server.on('connection', (socket: net.Socket) => {
    accepted++
    // By `destroyed`, since smtp-server takes every listener off a socket it upgrades.
    for (const old of sockets) if (old.destroyed) sockets.delete(old)
    sockets.add(socket)
    socket.on('error', ignore).on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, host, () => {
      server.off('error', reject).on('error', ignore)
      resolve()
    })
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('not a TCP server')
  return {
    host,
    port: address.port,
    get connections() {
      return [...sockets].filter(socket => !socket.destroyed).length
    },
    get accepted() {
      return accepted
    },
    close: () =>
      new Promise<void>(resolve => {
        server.close(() => {
          resolve()
        })
        for (const socket of sockets) socket.destroy()
      }),
  }
}

/** `base` with more to it; getters stay getters, where a spread would read them once and for all. */
export function extend<Base extends object, More extends object>(base: Base, more: More): Base & More {
  return Object.defineProperties(base, Object.getOwnPropertyDescriptors(more)) as Base & More
}

/** A port where nobody listens: held, until closed, by the near end of a connection, so that nobody can begin to. */
export async function refusedPort(): Promise<Listening> {
  const far = await silent()
  const near = net.connect(far.port, far.host)
  near.on('error', ignore)
  await new Promise<void>(resolve => near.once('connect', resolve))
  const port = near.localPort
  if (port === undefined) throw new Error('the connection has no port')
  return { host: far.host, port, connections: 0, accepted: 0, close: () => far.close() }
}

/** Accepts, reads, and never says a word. */
export async function silent(at?: At): Promise<Listening> {
  return hostile(socket => socket.resume(), at)
}

/** Sends `text` one byte at a time, then falls silent, or begins again. */
export async function drip(
  text: string | Buffer,
  everyMs: number,
  { after = 'silence', ...at }: At & { after?: 'silence' | 'repeat' } = {},
): Promise<Listening> {
  return hostile(socket => {
    socket.resume()
    dripInto(socket, text, everyMs, after === 'repeat')
  }, at)
}

interface Flooding extends Listening {
  /** Bytes that were handed to the sockets, of all connections. */
  readonly sent: number
}

/**
 * Says `opening` at the first words of the client, and `block` again and again from the last of `words` on, as fast as
 * the client takes it; both on connect where there are none to wait for.
 */
export async function flood(
  block: string | Buffer,
  { opening = '', words = 0, ...at }: At & { opening?: string | Buffer; words?: number } = {},
): Promise<Flooding> {
  const flow = floodOf(block)
  const listening = await hostile(socket => {
    const first = Math.min(words, 1)
    let heard = first
    const answer = (): void => {
      if (heard === first) socket.write(opening)
      if (heard === words) flow.into(socket)
      heard++
    }
    if (words === 0) answer()
    socket.on('data', answer)
  }, at)
  return Object.defineProperty(listening, 'sent', { get: () => flow.sent() }) as Flooding
}

/** `block` again and again into sockets, no faster than they take it, and how much that was. */
export function floodOf(block: string | Buffer): { into(socket: net.Socket): void; sent(): number } {
  // In large pieces: it is not to be the sender that is slow.
  const bytes = Buffer.from(block)
  const piece = Buffer.concat(Array<Buffer>(Math.ceil(65_536 / bytes.length)).fill(bytes))
  let sent = 0
  return {
    into(socket) {
      const more = (): void => {
        if (socket.destroyed) return
        sent += piece.length
        socket.write(piece, error => error ?? setImmediate(more))
      }
      more()
    },
    sent: () => sent,
  }
}

/** Binary noise on connect and as the answer to everything. The same noise for the same seed. */
export async function garbage({ seed = 'mailpath', ...at }: At & { seed?: string } = {}): Promise<Listening> {
  return hostile(socket => {
    let block = 0
    const say = () => socket.write(createHash('shake256', { outputLength: 512 }).update(`${seed} ${block++}`).digest())
    say()
    socket.on('data', say)
  }, at)
}

/** Sends the first `bytes` of a greeting, then ends (FIN) or resets (RST) the connection. */
export async function cutOff(
  bytes: number,
  { greeting = defaultGreeting + '\r\n', how = 'rst', ...at }: At & { greeting?: string; how?: Ending } = {},
): Promise<Listening> {
  return hostile(socket => {
    socket.resume().write(Buffer.from(greeting).subarray(0, bytes))
    // A reset right behind the data would overtake it.
    const timer = setTimeout(end, 20, socket, how)
    socket.on('close', () => {
      clearTimeout(timer)
    })
  }, at)
}

/** Accepts and hangs up without a word. What HAProxy does with no backend up. */
export async function closesAtOnce({ how = 'fin', ...at }: At & { how?: Ending } = {}): Promise<Listening> {
  return hostile(socket => {
    end(socket.resume(), how)
  }, at)
}

/** Answers a line: with a reply (CRLF is added), with nothing at all (''), or leaves it to the next handler (undefined). */
export type Handler = (line: string, socket: net.Socket) => string | undefined

export interface Script extends At {
  /** The first line; '' for none. After a 421 the server hangs up, after a 554 it refuses all but QUIT (RFC 5321 §3.1). */
  greeting?: string
  /** Asked in this order before the polite server's own answers. */
  handlers?: Handler[]
  security?: 'none' | 'starttls' | 'tls'
  certificate?: Certificate
  /** Clear text put behind the 220 of STARTTLS in the same packet: a client that believes it is open to injection. */
  inject?: string
  /** The reply to EHLO comes one byte at a time. */
  dripEhloMs?: number
  /** What EHLO advertises; by default AUTH PLAIN, and STARTTLS where there is one to be had. */
  capabilities?: string[]
}

export interface Scripted extends Listening {
  /** Every line received. */
  readonly commands: { line: string; encrypted: boolean }[]
}

/** An SMTP server (RFC 5321, 3207, 4954) that says what it is told to say, and is polite where it is told nothing. */
export async function scripted(script: Script = {}): Promise<Scripted> {
  const { security = 'none', certificate, greeting = defaultGreeting } = script
  if (security !== 'none' && !certificate) throw new Error('TLS needs a certificate')
  const secureContext = tls.createSecureContext(certificate && { cert: certificate.cert, key: certificate.key })
  const commands: Scripted['commands'] = []

  const upgrade = (socket: net.Socket) => {
    const encrypted = new tls.TLSSocket(socket, { isServer: true, secureContext })
    encrypted.on('error', ignore).on('close', () => socket.destroy())
    return encrypted
  }

  const converse = (socket: net.Socket) => {
    const encrypted = socket instanceof tls.TLSSocket
    onLines(socket, line => {
      commands.push({ line, encrypted })
      const reply = firstAnswer(script.handlers ?? [], line, socket) ?? politeAnswer(script, line, encrypted)
      if (/^STARTTLS$/i.test(line) && reply.startsWith('220')) {
        socket.removeAllListeners('data').write(reply + '\r\n' + (script.inject ?? ''))
        converse(upgrade(socket))
      } else if (script.dripEhloMs !== undefined && /^EHLO/i.test(line)) {
        dripInto(socket, reply + '\r\n', script.dripEhloMs, false)
      } else if (reply !== '') {
        socket.write(reply + '\r\n')
        if (/^(221|421)/.test(reply)) socket.end()
      }
    })
  }

  const listening = await hostile(raw => {
    const socket = security === 'tls' ? upgrade(raw) : raw
    if (greeting !== '') socket.write(greeting + '\r\n')
    if (greeting.startsWith('421')) socket.resume().end()
    else converse(socket)
  }, script)
  return extend(listening, { commands })
}

/** A reply of one endless line; a client has to give up on it before its memory does. */
export function longLine(code: number, bytes = 1 << 20): string {
  return `${code} ${'x'.repeat(bytes - 4)}`
}

function politeAnswer({ security, greeting, capabilities }: Script, line: string, encrypted: boolean): string {
  const verb = line.split(' ')[0]?.toUpperCase() ?? ''
  if (verb === 'QUIT') return '221 2.0.0 Bye'
  if (greeting?.startsWith('554')) return '503 5.5.1 Error: no service here'
  const starttls = security === 'starttls' && !encrypted
  switch (verb) {
    case 'EHLO':
      return multiline(250, ['mail.keybuzz.io', ...(capabilities ?? ['AUTH PLAIN', ...(starttls ? ['STARTTLS'] : [])])])
    case 'STARTTLS':
      return starttls ? '220 2.0.0 Ready to start TLS' : '502 5.5.1 Error: command not implemented'
    case 'AUTH':
      return '235 2.7.0 Authentication successful'
    case 'HELO':
    case 'MAIL':
    case 'RCPT':
    case 'RSET':
    case 'NOOP':
      return '250 2.0.0 Ok'
    default:
      return '502 5.5.2 Error: command not recognized'
  }
}

function firstAnswer(handlers: Handler[], line: string, socket: net.Socket): string | undefined {
  for (const handler of handlers) {
    const answer = handler(line, socket)
    if (answer !== undefined) return answer
  }
  return undefined
}

function multiline(code: number, lines: string[]): string {
  return lines.map((line, i) => `${code}${i < lines.length - 1 ? '-' : ' '}${line}`).join('\r\n')
}

async function hostile(onConnect: (socket: net.Socket) => void, at?: At): Promise<Listening> {
  return listen(net.createServer(onConnect), at)
}

function onLines(socket: net.Socket, onLine: (line: string) => void): void {
  let pending = ''
  socket.on('data', (chunk: Buffer) => {
    pending += chunk.toString('latin1')
    const lines = pending.split(/\r?\n/)
    pending = lines.pop() ?? ''
    lines.forEach(onLine)
  })
}

function dripInto(socket: net.Socket, text: string | Buffer, everyMs: number, repeat: boolean): void {
  const bytes = Buffer.from(text)
  let sent = 0
  const timer = setInterval(() => {
    socket.write(bytes.subarray(sent, sent + 1))
    sent++
    if (sent < bytes.length) return
    if (repeat) sent = 0
    else clearInterval(timer)
  }, everyMs)
  socket.on('close', () => {
    clearInterval(timer)
  })
}

function end(socket: net.Socket, how: Ending): void {
  if (how === 'rst') socket.resetAndDestroy()
  else socket.end()
}

function ignore(): void {
  // A client that goes away is what these servers are for.
}
