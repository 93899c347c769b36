/** The way to a real name server: passes questions and answers on, counts them, and breaks those that a rule names. */
import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { header, questionOf, truncated } from './dns-double.ts'

export interface Question {
  /** In lower case. */
  readonly name: string
  /** As a number: 1 is A, 5 CNAME, 6 SOA, 12 PTR, 15 MX, 16 TXT, 28 AAAA. */
  readonly type: number
  readonly overTcp: boolean
}

/** What becomes of a question; undefined: it is passed on. */
export type Fate =
  | undefined
  /** No answer. */
  | 'lost'
  /** Over UDP: the answer says only that it does not fit. */
  | 'truncated'
  /** Over TCP: the connection ends. */
  | 'hung up'
  /** An answer of this code without records, such as 2 (SERVFAIL) or 3 (NXDOMAIN). */
  | { readonly rcode: number }
  /** An answer of nothing. */
  | 'empty'
  /** The answer is late. */
  | { readonly lateMs: number }
  /** Bytes that are no answer. */
  | 'garbage'

export type Rule = (question: Question) => Fate

export interface DnsWay {
  readonly port: number
  readonly address: string
  /** From now on this decides. */
  rule: (rule: Rule) => void
  /** How often a name was asked for, of a type or of any; '' counts all. */
  asked: (name: string, type?: number) => number
  stop: () => Promise<void>
}

const host = '127.0.0.1'

/** `to`: the port of the real one. */
export async function startDnsWay(to: number): Promise<DnsWay> {
  let rule: Rule = () => undefined
  const counts = new Map<string, number>()
  const open = new Set<Socket | UdpSocket>()
  const timers = new Set<NodeJS.Timeout>()
  const count = (key: string) => counts.set(key, (counts.get(key) ?? 0) + 1)

  function handle(question: Buffer, overTcp: boolean, send: (answer: Buffer) => void, hangUp: () => void): void {
    const { name, type } = questionOf(question)
    for (const key of ['', name, `${name} ${type}`]) count(key)
    const fate = rule({ name, type, overTcp })
    const pass = (): void => (overTcp ? passByTcp : passByUdp)(question, send)
    if (fate === undefined) pass()
    else if (fate === 'truncated') send(truncated(question))
    else if (fate === 'empty') send(header(question, 0, 0))
    else if (fate === 'garbage') send(Buffer.alloc(40, 0xc0))
    else if (fate === 'hung up') hangUp()
    else if (fate !== 'lost') {
      if ('rcode' in fate) send(header(question, fate.rcode, 0))
      else {
        const timer = setTimeout(() => {
          timers.delete(timer)
          pass()
        }, fate.lateMs)
        timers.add(timer)
      }
    }
  }

  function passByUdp(question: Buffer, send: (answer: Buffer) => void): void {
    const socket = createSocket('udp4')
    open.add(socket)
    socket.on('error', () => undefined).on('close', () => open.delete(socket))
    socket.on('message', answer => {
      socket.close()
      send(answer)
    })
    socket.send(question, to, host, error => error && open.has(socket) && socket.close())
  }

  function passByTcp(question: Buffer, send: (answer: Buffer) => void): void {
    const socket = connect(to, host, () => socket.write(framed(question)))
    open.add(socket)
    socket.on('error', () => undefined).on('close', () => open.delete(socket))
    eachMessage(socket, answer => {
      socket.destroy()
      send(answer)
    })
  }

  const tcp = createServer(socket => {
    open.add(socket)
    socket.on('error', () => undefined).on('close', () => open.delete(socket))
    eachMessage(socket, question =>
      handle(
        question,
        true,
        answer => socket.write(framed(answer)),
        () => socket.destroy(),
      ),
    )
  })
  tcp.listen(0, host)
  await once(tcp, 'listening')
  const bound = tcp.address()
  if (bound === null || typeof bound === 'string') throw new Error('not a TCP server')
  const udp = createSocket('udp4')
  udp.on('message', (question, { port, address }) =>
    handle(
      question,
      false,
      answer => udp.send(answer, port, address, () => undefined),
      () => undefined,
    ),
  )
  udp.bind(bound.port, host)
  await once(udp, 'listening')
  return {
    port: bound.port,
    address: `${host}:${bound.port}`,
    rule(next) {
      rule = next
    },
    asked: (name, type) => counts.get(type === undefined ? name : `${name} ${type}`) ?? 0,
    async stop() {
      for (const timer of timers) clearTimeout(timer)
      for (const socket of open) {
        if ('destroy' in socket) socket.destroy()
        else socket.close()
      }
      await Promise.all([
        new Promise<void>(resolve => udp.close(() => resolve())),
        new Promise<void>(resolve => tcp.close(() => resolve())),
      ])
    },
  }
}

function framed(message: Buffer): Buffer {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(message.length)
  return Buffer.concat([length, message])
}

/** Messages over TCP (RFC 1035, 4.2.2). */
function eachMessage(socket: Socket, take: (message: Buffer) => void): void {
  let bytes = Buffer.alloc(0)
  socket.on('data', chunk => {
    bytes = Buffer.concat([bytes, chunk])
    while (bytes.length >= 2 && bytes.length >= 2 + bytes.readUInt16BE(0)) {
      const end = 2 + bytes.readUInt16BE(0)
      take(bytes.subarray(2, end))
      bytes = bytes.subarray(end)
    }
  })
}
