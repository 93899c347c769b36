import type { Socket } from 'node:net'
import { isIP } from 'node:net'
import tls from 'node:tls'
import { unlessAborted } from '../../core/abort.ts'
import { describeError } from '../../core/errors.ts'
import type { Look } from '../../core/probe.ts'
import { CertificateRefused, chainInWords, watchHandshake, type Shown } from '../certificates.ts'
import { MailboxError } from './error.ts'
import type { MailboxPlan } from './mailbox.ts'
import { withContext } from '../secure-contexts.ts'
import { limitReceived } from '../socket.ts'

/** A connection on which a server of IMAP has greeted, encrypted if the plan wants that. */
export interface Greeted {
  readonly stream: Socket
  readonly greeting: string
  readonly certificates: Shown | undefined
}

/** More than any greeting, or answer to STARTTLS. */
const maxLine = 4_096
/** Of what may come before and within the handshake: certificates. */
const maxBefore = 262_144

/**
 * Greeting and TLS, by hand: what a server injects into the clear text before STARTTLS is not taken for an answer within
 * TLS, and the certificate can be shown. Throws MailboxError.
 */
export async function greet(look: Look, socket: Socket, plan: MailboxPlan, signal: AbortSignal): Promise<Greeted> {
  limitReceived(socket, maxBefore)
  const wait = <T>(work: Promise<T>): Promise<T> => unlessAborted(signal, work)
  if (plan.security === 'tls') {
    const { secured, certificates } = await wait(shakeHands(look, socket, plan))
    return { stream: secured, greeting: await wait(greetingOf(look, secured)), certificates }
  }
  const greeting = await wait(greetingOf(look, socket))
  if (plan.security === 'none') return { stream: socket, greeting, certificates: undefined }
  // In that state STARTTLS is not allowed: it is how somebody in between keeps the session in the clear.
  if (/^\* PREAUTH/i.test(greeting))
    throw new MailboxError('no_tls', 'the server let us in before TLS (PREAUTH), so there is no STARTTLS')
  await wait(startTls(look, socket))
  const { secured, certificates } = await wait(shakeHands(look, socket, plan))
  // It greets only once.
  return { stream: secured, greeting: '* OK', certificates }
}

async function startTls(look: Look, socket: Socket): Promise<void> {
  look.note('> STARTTLS')
  socket.write('s1 STARTTLS\r\n')
  for (;;) {
    const line = await lineOf(socket)
    look.note(`< ${line}`)
    if (line.startsWith('* ')) continue
    if (/^s1 OK\b/i.test(line)) break
    if (/^s1 (NO|BAD)\b/i.test(line)) throw new MailboxError('no_tls', `STARTTLS was refused: ${line.slice(3)}`)
    throw new MailboxError('not_imap', `an odd answer to STARTTLS: ${line}`)
  }
  const injected = socket.read() as Buffer | null
  if (injected !== null)
    throw new MailboxError(
      'not_imap',
      'there was more behind the answer to STARTTLS: somebody in between may have put it there',
    )
}

async function greetingOf(look: Look, socket: Socket): Promise<string> {
  const line = await lineOf(socket)
  look.note(`< ${line}`)
  if (/^\* BYE\b/i.test(line)) throw new MailboxError('refused', `the server said goodbye at once: ${line.slice(2)}`)
  if (!/^\* (OK|PREAUTH)\b/i.test(line))
    throw new MailboxError('not_imap', `${otherProtocol(line)}: it greeted with ${line}`)
  return line
}

const otherProtocol = (line: string): string => {
  if (/^[245]\d\d[ -]/.test(line)) return 'this is a server of SMTP, not of IMAP'
  if (/^\+OK/.test(line)) return 'this is a server of POP3, not of IMAP'
  if (line.startsWith('HTTP/')) return 'this is a web server, not one of IMAP'
  return 'this is not a server of IMAP'
}

/** One line, without what follows it. Rejects if the connection ends first, or the line has no end. */
async function lineOf(socket: Socket): Promise<string> {
  const pieces: Buffer[] = []
  let length = 0
  for (;;) {
    const piece = await readable(socket)
    const end = piece.indexOf('\n')
    if (end >= 0) {
      const rest = piece.subarray(end + 1)
      if (rest.length > 0) socket.unshift(rest)
      return Buffer.concat([...pieces, piece.subarray(0, end)])
        .toString('latin1')
        .trimEnd()
    }
    pieces.push(piece)
    length += piece.length
    if (length > maxLine) throw new MailboxError('not_imap', 'this is not a server of IMAP: its first line has no end')
  }
}

function readable(socket: Socket): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const leave = (): void => {
      socket.off('readable', onReadable)
      socket.off('close', onEnd)
      socket.off('end', onEnd)
    }
    const onReadable = (): void => {
      const piece = socket.read() as Buffer | null
      if (piece === null) return
      leave()
      resolve(piece)
    }
    const onEnd = (): void => {
      leave()
      reject(
        new MailboxError(
          'unreachable',
          `the connection was closed: ${describeError(socket.errored ?? 'without a word')}`,
        ),
      )
    }
    socket.on('readable', onReadable)
    socket.on('close', onEnd)
    socket.on('end', onEnd)
    if (socket.destroyed || socket.readableEnded) onEnd()
    else onReadable()
  })
}

function shakeHands(look: Look, socket: Socket, { name, tls: options }: MailboxPlan) {
  const secured = tls.connect({
    ...withContext(options),
    socket,
    host: name,
    rejectUnauthorized: true,
    // RFC 6066 §3 forbids IP addresses there.
    ...(isIP(name) ? {} : { servername: name }),
  })
  const handshake = watchHandshake(secured, name, options.ca as string | undefined)
  secured.on('error', () => undefined)
  return new Promise<{ secured: tls.TLSSocket; certificates: Shown | undefined }>((resolve, reject) => {
    const fail = (error: unknown): void => {
      const explained = handshake.explained(error)
      const chain = handshake.chain()
      if (explained instanceof CertificateRefused)
        reject(new MailboxError('certificate', explained.message, chain && { chain, verified: false, at: Date.now() }))
      else reject(handshakeError(explained))
    }
    secured.once('error', fail)
    secured.once('close', () => fail(new Error('the connection was closed during the handshake')))
    secured.once('secureConnect', () => {
      const chain = handshake.chain()
      look.note(
        `${secured.getProtocol() ?? 'TLS'}, ${secured.getCipher().standardName}${chain ? `; ${chainInWords(chain)}` : ''}`,
      )
      resolve({ secured, certificates: chain && { chain, verified: true, at: Date.now() } })
    })
  })
}

/** OpenSSL hides its reason: a server that speaks without TLS shows as `wrong version number`. */
function handshakeError(error: unknown): MailboxError {
  const { reason } = error as { readonly reason?: unknown }
  const text = `TLS: ${typeof reason === 'string' ? reason : describeError(error)}`
  return text.includes('wrong version')
    ? new MailboxError('not_imap', `${text}: does the server want STARTTLS on this port?`)
    : new MailboxError('unreachable', text)
}
