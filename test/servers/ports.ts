/** Free ports, and waiting for something to happen. */
import { connect, createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

const handedOut = new Set<number>()

/**
 * A port nobody listens on. Taken from below the ephemeral range, so that a server can stop and come back on it: up
 * there an outgoing connection may have taken it meanwhile, and connecting to a dead port can even connect to itself.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 15_000 + Math.floor(Math.random() * 17_000)
    if (handedOut.has(port)) continue
    const free = await new Promise<boolean>(resolve => {
      const server = createServer()
      server.once('error', () => resolve(false))
      server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
    })
    if (!free) continue
    handedOut.add(port)
    return port
  }
}

/** Asks again until the answer is neither false nor undefined; an error counts as "not yet". */
export async function waitFor<T>(
  predicate: () => T | Promise<T>,
  { timeoutMs = 5000, everyMs = 20, what }: { timeoutMs?: number; everyMs?: number; what: string },
): Promise<Exclude<T, false | undefined>> {
  const deadline = Date.now() + timeoutMs
  let problem = ''
  while (Date.now() < deadline) {
    try {
      const late = new AbortController()
      const timer = sleep(deadline - Date.now(), undefined, { signal: late.signal }).catch(() => undefined)
      const value = await Promise.race([predicate(), timer]).finally(() => late.abort())
      if (value !== false && value !== undefined) return value as Exclude<T, false | undefined>
    } catch (error) {
      problem = `: ${String(error)}`
    }
    await sleep(everyMs)
  }
  throw new Error(`waited ${timeoutMs} ms in vain: ${what}${problem}`)
}

/** Whether somebody accepts connections there. */
export function accepts(port: number, host = '127.0.0.1'): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect({ port, host, timeout: 1000 })
    const end = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('connect', () => end(true))
    socket.once('error', () => end(false))
    socket.once('timeout', () => end(false))
  })
}
