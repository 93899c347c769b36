/** A server that takes down what a driver sends until it would be in, and then refuses it. */
import { once } from 'node:events'
import net from 'node:net'
import path from 'node:path'
import { tempFolder } from '../servers/processes.ts'

export interface Heard {
  readonly by: 'tcp' | 'socket'
  /** What it began with. */
  readonly first: 'startup' | 'SSLRequest' | 'TLS'
  /** Undefined where it did not get so far. */
  readonly startup: Readonly<Record<string, string>> | undefined
  readonly password: string | undefined
}

export interface Recorder {
  readonly port: number
  readonly folder: string
  /** The first connection since the last time, once all are closed. */
  take(): Promise<Heard | undefined>
  close(): Promise<void>
}

const sslRequest = 80877103
const gssRequest = 80877104
const cancelRequest = 80877102

export async function recorder(port: number): Promise<Recorder> {
  const folder = tempFolder('mailpath-url-')
  let heard: Heard[] = []
  const sockets = new Set<net.Socket>()
  const serve = (by: Heard['by']) =>
    net.createServer(socket => {
      sockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => sockets.delete(socket))
      listenTo(socket, by, one => heard.push(one))
    })
  const servers = [serve('tcp'), serve('socket')]
  servers[0]?.listen(port, '127.0.0.1')
  servers[1]?.listen(path.join(folder, `.s.PGSQL.${port}`))
  await Promise.all(servers.map(server => once(server, 'listening')))
  return {
    port,
    folder,
    async take() {
      await Promise.all([...sockets].map(socket => once(socket, 'close')))
      const [first] = heard
      heard = []
      return first
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      await Promise.all(servers.map(server => new Promise(resolve => server.close(resolve))))
    },
  }
}

function listenTo(socket: net.Socket, by: Heard['by'], take: (heard: Heard) => void): void {
  let bytes = Buffer.alloc(0)
  let first: Heard['first'] = 'startup'
  let startup: Heard['startup']
  let taken = false
  const end = (password?: string): void => {
    if (!taken && (startup || first !== 'startup')) take({ by, first, startup, password })
    taken = true
  }
  socket.on('close', () => end())
  socket.on('data', chunk => {
    if (taken) return
    bytes = Buffer.concat([bytes, chunk])
    for (;;) {
      if (bytes.length >= 1 && startup === undefined && bytes[0] === 0x16) {
        if (first === 'startup') first = 'TLS'
        socket.destroy()
        return
      }
      const head = startup === undefined ? 0 : 1
      if (bytes.length < head + 4) return
      const length = bytes.readUInt32BE(head)
      if (bytes.length < head + length) return
      const body = bytes.subarray(head + 4, head + length)
      bytes = bytes.subarray(head + length)
      if (startup !== undefined) {
        end(body.subarray(0, -1).toString())
        // 28P01, as a server says it.
        socket.end(message('E', Buffer.from('SFATAL\0VFATAL\0C28P01\0Mno\0\0')))
        return
      }
      const code = body.readUInt32BE(0)
      if (code === sslRequest || code === gssRequest) {
        if (code === sslRequest) first = 'SSLRequest'
        socket.write('N')
      } else if (code === cancelRequest) {
        socket.destroy()
        return
      } else {
        const parts = body.subarray(4).toString().split('\0')
        startup = Object.fromEntries(
          parts.flatMap((name, i) => (i % 2 === 0 && name !== '' ? [[name, parts[i + 1] ?? '']] : [])),
        )
        socket.write(message('R', Buffer.from([0, 0, 0, 3])))
      }
    }
  })
}

function message(type: string, body: Buffer): Buffer {
  const head = Buffer.alloc(5)
  head.write(type, 0, 'latin1')
  head.writeInt32BE(body.length + 4, 1)
  return Buffer.concat([head, body])
}
