/** A TCP router standing in for HAProxy: it is told where to send, and how to fail. */
import { connect, createServer, type Socket } from 'node:net'
import { freePort } from './processes.ts'

interface Address {
  host: string
  port: number
}

type RouteMode = 'first' | 'round-robin'

export interface Router extends Address {
  /** New connections go to the first of these that accepts, starting at the first or at the next in turn. */
  route: (to: readonly Address[], mode?: RouteMode) => void
  /** Accept, then close at once: what HAProxy does when no server is up. */
  noBackend: () => void
  /** Accept and stay silent. */
  hold: () => void
  /** End the connections there are; new ones are still accepted. */
  cut: () => void
  /** How many connections were accepted so far. */
  accepted: () => number
  /** Stop listening and destroy every socket. */
  close: () => Promise<void>
}

/** Starts with no backend. */
export async function startRouter({ port }: { port?: number } = {}): Promise<Router> {
  const sockets = new Set<Socket>()
  let accepted = 0
  let turn = 0
  let handle: (client: Socket) => void = client => client.destroy()

  const track = (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.once('close', () => sockets.delete(socket))
    return socket
  }

  const forward = (client: Socket, candidates: readonly Address[]) => {
    const [to, ...others] = candidates
    if (to === undefined || client.destroyed) {
      client.destroy()
      return
    }
    const upstream = track(connect({ host: to.host, port: to.port, allowHalfOpen: true, noDelay: true }))
    const next = () => forward(client, others)
    upstream.once('error', next)
    upstream.once('connect', () => {
      upstream.off('error', next)
      client.pipe(upstream).pipe(client)
      upstream.once('close', () => client.destroy())
      client.once('close', () => upstream.destroy())
      if (client.destroyed) upstream.destroy()
    })
  }

  const server = createServer({ allowHalfOpen: true, noDelay: true }, client => {
    accepted += 1
    handle(track(client))
  })
  const listening = port ?? (await freePort())
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(listening, '127.0.0.1', resolve)
  })

  const cut = () => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    host: '127.0.0.1',
    port: listening,
    route: (to, mode = 'first') => {
      turn = 0
      handle = client => {
        const start = mode === 'first' || to.length === 0 ? 0 : turn++ % to.length
        forward(client, [...to.slice(start), ...to.slice(0, start)])
      }
    },
    noBackend: () => {
      handle = client => client.destroy()
    },
    hold: () => {
      handle = client => client.resume()
    },
    cut,
    accepted: () => accepted,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        cut()
      }),
  }
}
