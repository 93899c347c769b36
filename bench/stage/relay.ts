/** A way to a server on which what clients ask is counted. */
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

export interface Relay {
  readonly port: number
  /** Requests that were passed on so far. */
  asked: () => number
  close: () => Promise<void>
}

/** Which requests are in what a client sends at once. */
export type Count = (bytes: Buffer) => number

/** Request lines of HTTP/1.1. */
export const httpRequests: Count = bytes => bytes.toString('latin1').match(/^[A-Z]+ \S+ HTTP\/1\.1\r$/gm)?.length ?? 0

/** Messages of this type from a client of Postgres. The first message of a session has no type. */
const messages =
  (type: string): Count =>
  bytes => {
    let found = 0
    for (let at = 0; at + 5 <= bytes.length && bytes[at] !== 0; at += 1 + bytes.readInt32BE(at + 1))
      if (bytes[at] === type.charCodeAt(0)) found++
    return found
  }

/** Of the simple protocol (Query). */
export const statements = messages('Q')
/** Of the extended protocol (Parse): what begins and ends the transaction around them is not counted. */
export const questions = messages('P')

/** Without `count` connections are counted. */
export async function startRelay(to: number, count?: Count): Promise<Relay> {
  let asked = 0
  const open = new Set<Socket>()
  const server = createServer(client => {
    if (!count) asked++
    const onwards = connect(to, '127.0.0.1')
    for (const [from, other] of [
      [client, onwards],
      [onwards, client],
    ] as const) {
      open.add(from)
      from.on('error', () => other.destroy())
      from.on('close', () => {
        open.delete(from)
        other.destroy()
      })
      from.pipe(other)
    }
    if (count) client.on('data', (bytes: Buffer) => (asked += count(bytes)))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    asked: () => asked,
    async close() {
      for (const socket of open) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
