import net from 'node:net'
import tls from 'node:tls'
import type { Certificate } from './certificates.ts'
import { extend, listen, type Listening } from './hostile.ts'

/** Answers a command: with lines (its tag is put in the place of `TAG`), or leaves it to the polite server (undefined). */
type Handler = (command: string, socket: net.Socket) => string | undefined

interface Script {
  handlers?: readonly Handler[]
  greeting?: string
  security?: 'none' | 'starttls' | 'tls'
  certificate?: Certificate
  capabilities?: string
  /** Clear text put behind the answer to STARTTLS in the same packet. */
  inject?: string
}

export interface HostileImap extends Listening {
  /** Every line received, without its tag. */
  readonly commands: string[]
}

/**
 * A server of IMAP (RFC 3501) with one mail, whose UID is 7: it says what it is told to say, and is polite where it is
 * told nothing.
 */
export async function startHostileImap(script: Script = {}): Promise<HostileImap> {
  const { security = 'none', certificate, greeting = '* OK ready', inject = '', handlers = [] } = script
  const commands: string[] = []
  const secureContext = tls.createSecureContext(certificate && { cert: certificate.cert, key: certificate.key })
  const upgrade = (socket: net.Socket): net.Socket => {
    const secured = new tls.TLSSocket(socket, { isServer: true, secureContext })
    secured.on('error', ignore).on('close', () => socket.destroy())
    return secured
  }
  const converse = (socket: net.Socket): void => {
    let pending = ''
    let idle = ''
    socket.on('data', (chunk: Buffer) => {
      const lines = (pending + chunk.toString('latin1')).split('\r\n')
      pending = lines.pop() ?? ''
      for (const line of lines) {
        if (/ IDLE$/i.test(line)) [idle = ''] = line.split(' ')
        answer(line === 'DONE' ? `${idle} DONE` : line, socket)
      }
    })
  }
  const answer = (line: string, socket: net.Socket): void => {
    const [tag = '', ...rest] = line.split(' ')
    const command = rest.join(' ')
    commands.push(command === '' ? tag : command)
    const own = handlers
      .map(handler => handler(command === '' ? tag : command, socket))
      .find(said => said !== undefined)
    const said = (own ?? politely(command, script)).replaceAll('TAG', tag)
    if (/^STARTTLS/i.test(command) && /^\w+ OK/.test(said) && security === 'starttls') {
      socket.removeAllListeners('data').write(`${said}\r\n${inject}`)
      converse(upgrade(socket))
    } else if (said !== '') socket.write(`${said}\r\n`)
  }
  const server = net.createServer(raw => {
    raw.on('error', ignore)
    const socket = security === 'tls' ? upgrade(raw) : raw
    if (greeting !== '') socket.write(`${greeting}\r\n`)
    converse(socket)
  })
  return extend(await listen(server), { commands })
}

const headers = 'X-Mailpath-Canary: v1 x\r\nSubject: polite\r\n\r\n'
/** A row of FETCH with all that could be asked for. */
export const row = (uid: number, text = headers): string =>
  `* 1 FETCH (UID ${uid} RFC822.SIZE 100 INTERNALDATE "01-Jan-2026 00:00:00 +0000" BODY[HEADER]<0> {${text.length}}\r\n${text})`

function politely(
  command: string,
  { security, capabilities = 'IMAP4rev1 IDLE UIDPLUS MOVE SPECIAL-USE' }: Script,
): string {
  const done = 'TAG OK done'
  const verb = /^(UID )?\w+/.exec(command.toUpperCase())?.[0] ?? ''
  switch (verb) {
    case 'CAPABILITY':
      return `* CAPABILITY ${capabilities}\r\n${done}`
    case 'STARTTLS':
      return security === 'starttls' ? done : 'TAG BAD no'
    case 'LIST':
    case 'LSUB':
      return `* ${verb} (\\HasNoChildren) "/" INBOX\r\n* ${verb} (\\Junk) "/" Junk\r\n${done}`
    case 'SELECT':
      return `* 1 EXISTS\r\n* FLAGS (\\Deleted)\r\n* OK [PERMANENTFLAGS (\\Deleted \\*)] x\r\n* OK [UIDVALIDITY 1] x\r\n* OK [UIDNEXT 8] x\r\nTAG OK [READ-WRITE] done`
    case 'UID FETCH':
    case 'FETCH':
      return `${row(7)}\r\n${done}`
    case 'IDLE':
      return '+ idling'
    case 'LOGOUT':
      return `* BYE bye\r\n${done}`
    default:
      return done
  }
}

const ignore = (): void => {
  // A client that goes away is what these servers are for.
}
