import type { Socket } from 'node:net'
import { finished } from 'node:stream/promises'
import { setImmediate } from 'node:timers/promises'
import { TLSSocket, type ConnectionOptions } from 'node:tls'
import SMTPConnection from 'nodemailer/lib/smtp-connection'
import { limitReceived } from '../../clients/socket.ts'
import { oneLine } from '../../core/errors.ts'
import type { Look } from '../../core/probe.ts'
import { deadline } from '../../core/deadline.ts'
import type { Mechanism } from './mechanisms.ts'
import { send, type Envelope, type Sent } from './send.ts'
import { tlsText, tlsFacts, type TlsFacts } from './tls.ts'
import { is2xx, followDialogue, type Dialogue } from './dialogue.ts'
import type { Security, Waits } from './url.ts'

export interface SessionOptions {
  readonly security: Security
  /** Our name in EHLO. */
  readonly hello: string
  /** The name that the certificate has to be for. */
  readonly name: string
  readonly tls: ConnectionOptions
  /** The time that the application gives the relay to connect, to greet, and between two answers. */
  readonly waits: Waits
  /** When connecting began, in milliseconds since the epoch. */
  readonly startedAt: number
  /** Blots secrets out of what the server says. */
  readonly clean: (text: string) => string
}

export interface Session {
  readonly dialogue: Dialogue
  /** Set once the TLS handshake is done. */
  readonly tls: TlsFacts | undefined
  /** The beginning of an incomplete reply, in one line. */
  readonly begun: string
  /** Greeting, EHLO and, if wanted and offered, STARTTLS. Rejects if the dialogue breaks off. */
  begin(): Promise<void>
  /** AUTH, with a password or (XOAUTH2) a token; false if it was refused. Rejects if the dialogue breaks off. */
  login(mechanism: Mechanism, user: string, secret: string): Promise<boolean>
  /** MAIL FROM, RCPT TO, RSET: no mail is sent. Rejects if the dialogue breaks off. */
  envelope(from: string, to: string): Promise<void>
  /** MAIL FROM without a sender, and RSET: whether mail needs a login. Rejects if the dialogue breaks off. */
  nullSender(): Promise<void>
  /** Sends one mail. Rejects if the dialogue breaks off before the mail was out. */
  send(envelope: Envelope, message: string): Promise<Sent>
  /** Sends QUIT if the dialogue still works; closes after the answer, a second, or the run's signal. Never rejects. */
  end(): Promise<void>
  /** Sends QUIT if allowed, and closes without waiting: the time is up. */
  leave(): void
}

const maxReplyBytes = 65_536
/** Limit of a session. A line break counts a hundred times: nodemailer queues lines, and takes a turn for each. */
const maxReceived = 262_144
const cost = (piece: Buffer): number => piece.length + 100 * (piece.toString('latin1').split('\n').length - 1)

/** nodemailer's timeouts are idle timeouts. The run's signal ends a session, unless the application sets them. */
const never = 2 ** 31 - 1

/** How long to wait for an answer to QUIT, in milliseconds. */
const quitMs = 1_000

/** Characters of an incomplete reply that are kept. */
const maxBegun = 512

/**
 * A session of nodemailer's SMTP connection on a connected socket, which is encrypted already for `security: tls`. It
 * never logs in by itself. If STARTTLS is missing or refused it goes on in the clear, so that it can end with QUIT, and
 * it goes on with a certificate that does not verify: the caller decides whether to call `login`.
 */
export function startSession(look: Look, socket: Socket, options: SessionOptions): Session {
  const { security, hello, name, clean, waits } = options
  let tls: TlsFacts | undefined
  let begun = ''
  const receive = (piece: Buffer): number => {
    if (begun.length < maxBegun) begun += piece.subarray(0, maxBegun).toString('latin1')
    return cost(piece)
  }
  const encrypted = (): TLSSocket | undefined =>
    connection.secure && connection._socket instanceof TLSSocket ? connection._socket : undefined
  const ended = (): boolean => !connection._socket || connection._socket.destroyed || connection._socket.readableEnded
  const dialogue = followDialogue(look, clean, { encrypted: () => encrypted() !== undefined, ended })
  const log: Dialogue['log'] = (entry, line) => {
    const secured = encrypted()
    if (secured && !tls) {
      tls = tlsFacts(secured, name, options.tls.ca)
      look.note(tlsText(tls))
      if (secured !== socket) limitReceived(secured, maxReceived, receive)
    }
    // Leftover bytes at the end of a connection are logged as well.
    if (entry.tnx === 'server' && !ended()) begun = ''
    dialogue.log(entry, line)
  }
  const connection: SMTPConnection = new SMTPConnection({
    connection: socket,
    // Else it is `localhost`, which would be sent by SNI and verified if the name is an IP address.
    host: name,
    secure: security === 'tls',
    secured: security === 'tls',
    ignoreTLS: security === 'none',
    opportunisticTLS: security === 'starttls' || security === 'opportunistic',
    tls: options.tls,
    name: hello,
    maxResponseSize: maxReplyBytes,
    connectionTimeout: never,
    greetingTimeout: never,
    socketTimeout: never,
    ...waits,
    transactionLog: true,
    logger: { debug: log, info: log, warn: log, error: log },
  })
  // The timeout counts from here, as in the application, which opens the connection itself.
  if (waits.connectionTimeout !== undefined) Object.assign(connection, { _connectStartedAt: options.startedAt })
  // With a TLS socket over this one the data would be cipher text.
  limitReceived(socket, maxReceived, piece => (connection._socket === socket ? receive(piece) : cost(piece)))
  const ending = endingOf(connection, dialogue)
  const step = <T>(work: Promise<T>): Promise<T> => Promise.race([work, ending.broken]).finally(() => dialogue.leave())
  const say = async (command: string): Promise<string> => {
    await yieldOnce(ending)
    look.note(`> ${command}`)
    return sendCommand(connection, command)
  }
  return {
    dialogue,
    get tls() {
      return tls
    },
    get begun() {
      return oneLine(clean(begun))
    },
    begin() {
      dialogue.begin('greeting')
      return step(connect(connection))
    },
    async login(mechanism, user, secret) {
      await yieldOnce(ending)
      const work =
        mechanism === 'XOAUTH2'
          ? loginByToken(connection, dialogue, user, secret)
          : login(connection, mechanism, user, secret)
      // nodemailer accepts any 2xx; RFC 4954 §4 allows only 235.
      return (await step(work)) && dialogue.replies.at(-1)?.code === 235
    },
    envelope: (from, to) => step(envelope(say, dialogue, from, to)),
    nullSender: () => step(nullSender(say, dialogue)),
    async send(envelope, message) {
      await yieldOnce(ending)
      const sent = await send(connection, dialogue, ending.broken, { envelope, message })
      return 'reply' in sent ? { ...sent, reply: oneLine(clean(sent.reply)) } : sent
    },
    end: () => look.phase('quit', () => end(connection, ending, look.signal)),
    leave() {
      ending.quit()
      connection.close()
    },
  }
}

interface Ending {
  /** Rejects if the dialogue ends too early. */
  readonly broken: Promise<never>
  /** Sends QUIT once, if allowed. Returns whether it did so now. */
  quit(): boolean
  readonly saidQuit: boolean
}

function endingOf(connection: SMTPConnection, { replies }: Dialogue): Ending {
  let saidQuit = false
  function quit(): boolean {
    // Not before the greeting or during a handshake: clients that talk out of turn get banned.
    const polite = replies.length > 0 && replies.every(({ code }) => code !== undefined && code !== 421)
    if (!polite || saidQuit || connection.destroyed || connection.upgrading) return false
    connection.quit()
    saidQuit = true
    return true
  }
  const broken = new Promise<never>((_, reject) => {
    connection.on('error', error => {
      reject(error as Error)
      // nodemailer closes next, even if the server only refused to go on and expects a QUIT.
      quit()
    })
    connection.on('end', () => {
      reject(Object.assign(new Error('Connection closed unexpectedly'), { code: 'ECONNECTION' }))
    })
  })
  broken.catch(() => undefined)
  return {
    broken,
    quit,
    get saidQuit() {
      return saidQuit
    },
  }
}

async function end(connection: SMTPConnection, ending: Ending, stop: AbortSignal): Promise<void> {
  const socket = connection._socket
  const limit = deadline(quitMs, stop)
  const { signal } = limit
  const ended = new Promise(resolve => {
    connection.once('end', resolve)
    signal.addEventListener('abort', resolve)
  })
  const answered = !signal.aborted && ending.quit() && (await ended)
  connection.close()
  // Until our last data (QUIT, close_notify) is sent, and the answer is in if nodemailer did not wait for it.
  const readable = ending.saidQuit && answered === false
  if (socket) await finished(socket, { readable, signal }).catch(() => undefined)
  limit.clear()
}

const connect = (connection: SMTPConnection): Promise<void> =>
  new Promise((resolve, reject) => connection.connect(error => (error ? reject(error) : resolve())))

const login = (connection: SMTPConnection, method: Mechanism, user: string, pass: string): Promise<boolean> =>
  new Promise((resolve, reject) => {
    connection.login({ method, user, pass }, error => {
      if (!error) resolve(true)
      else if (error.responseCode) resolve(false)
      else reject(error)
    })
  })

/**
 * SASL XOAUTH2 (https://developers.google.com/workspace/gmail/imap/xoauth2-protocol). A token is refused by a 334 with
 * JSON in base64, which needs an empty line before the reply itself. nodemailer would log in again with another token.
 */
async function loginByToken(
  connection: SMTPConnection,
  dialogue: Dialogue,
  user: string,
  token: string,
): Promise<boolean> {
  const words = Buffer.from(`user=${user}\x01auth=Bearer ${token}\x01\x01`).toString('base64')
  const first = await sendCommand(connection, `AUTH XOAUTH2 ${words}`)
  if (!first.startsWith('334')) return first.startsWith('235')
  await sendCommand(connection, '')
  dialogue.explain(tokenError(first.slice(4)))
  return false
}

/** Only the status in the error of a token: the rest is any text of the server. */
function tokenError(challenge: string): string {
  const [, status] = /"status"\s*:\s*"?([\w-]{1,40})"?/.exec(Buffer.from(challenge, 'base64').toString('latin1')) ?? []
  return status === undefined ? 'the error of the token has no status' : `status ${status} of the token`
}

/** Yield once, so that nodemailer rejects an unsolicited reply instead of taking it for the next answer. */
const yieldOnce = (ending: Ending): Promise<void> => Promise.race([setImmediate(), ending.broken])

async function envelope(
  say: (command: string) => Promise<string>,
  dialogue: Dialogue,
  from: string,
  to: string,
): Promise<void> {
  dialogue.enter('envelope')
  if (!is2xx(dialogue.add('mail_from', await say(`MAIL FROM:<${from}>`)))) return
  dialogue.add('rcpt_to', await say(`RCPT TO:<${to}>`))
  await say('RSET')
}

async function nullSender(say: (command: string) => Promise<string>, dialogue: Dialogue): Promise<void> {
  dialogue.enter('envelope')
  if (is2xx(dialogue.add('null_sender', await say('MAIL FROM:<>')))) await say('RSET')
}

/**
 * Sends a command of our own and returns the reply. nodemailer's `send` would go on to DATA; its public way to send any
 * other command is a custom authentication mechanism, which need not authenticate.
 */
const sendCommand = (connection: SMTPConnection, command: string): Promise<string> =>
  new Promise((resolve, reject) => {
    connection.customAuth.set('RAW', session => session.sendCommand(command, (_, reply) => resolve(reply.response)))
    connection.login({ method: 'RAW' }, error => {
      if (error) reject(error)
    })
  })
