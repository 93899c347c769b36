import type { Server, Socket } from 'node:net'
import { isDeepStrictEqual } from 'node:util'
import type { Express, RequestHandler } from 'express'
import { describeError } from '../core/errors.ts'
import type { Logger } from '../core/log.ts'
import { every } from '../core/scheduler.ts'
import { basicAuth } from './auth.ts'
import { loadWebConfig, openToAll, type WebConfig } from './config.ts'
import { guard } from './guard.ts'
import { listenAt, type Place } from './listen.ts'
import { createWebServer, renew } from './servers.ts'

export interface Web {
  /** Where it serves, as it was bound. */
  readonly addresses: readonly string[]
  /** Ends every connection. */
  close(): Promise<void>
}

/** How often certificates and users are looked at for a change. */
const lookMs = 2_000

/**
 * Serves the app at all places. Rejects with a ConfigError, or with an Error that names the place that is taken. From
 * then on new users and certificates are taken in by themselves, all of a file or nothing.
 */
export async function startWeb(
  createApp: (guards: readonly RequestHandler[]) => Express,
  places: readonly Place[],
  file: string | undefined,
  log: Logger,
  stop: AbortSignal,
): Promise<Web> {
  let config = file === undefined ? openToAll : await loadWebConfig(file)
  const app = createApp(
    guard(
      () => config,
      basicAuth(() => config.users),
    ),
  )
  const servers: Server[] = []
  const enders: (() => Promise<void>)[] = []
  const close = async (): Promise<void> => {
    await Promise.all(enders.map(end => end()))
  }
  const addresses: string[] = []
  try {
    for (const place of places) {
      const server = createWebServer(app, config, () => config.tls)
      servers.push(server)
      enders.push(enderOf(server))
      addresses.push(await listenAt(server, place))
    }
  } catch (error) {
    await close()
    throw error
  }
  const take = (next: WebConfig): void => {
    if (needsRestart(config, next))
      log.warn('tls_server_config, client_auth_type or http2 was switched: that takes a restart')
    if (config.tls && next.tls && !isDeepStrictEqual(config.tls, next.tls))
      for (const server of servers) renew(server, next.tls)
    config = next
    log.info({ file }, 'the web configuration was reloaded')
  }
  if (file !== undefined) void follow(file, config, take, log, stop)
  return { addresses, close }
}

async function follow(
  file: string,
  first: WebConfig,
  take: (next: WebConfig) => void,
  log: Logger,
  stop: AbortSignal,
): Promise<void> {
  let known = first
  let told: string | undefined
  await every(lookMs, lookMs, stop, async () => {
    try {
      const next = await loadWebConfig(file)
      told = undefined
      if (isDeepStrictEqual(known, next)) return
      known = next
      take(next)
    } catch (error) {
      const text = describeError(error)
      if (told !== text)
        log.error({ error: text }, 'the web configuration was not reloaded, and the one before it still holds')
      told = text
    }
  })
}

/** What a server is made with. */
const needsRestart = (a: WebConfig, b: WebConfig): boolean =>
  a.http2 !== b.http2 || a.tls?.clientAuth !== b.tls?.clientAuth || (a.tls === undefined) !== (b.tls === undefined)

/** What ends a server with every connection it has: `close()` alone waits for them, and HTTP/2 has no other way. */
function enderOf(server: Server): () => Promise<void> {
  const open = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    open.add(socket)
    socket.on('close', () => open.delete(socket))
  })
  return () =>
    new Promise(resolve => {
      server.close(() => resolve())
      for (const socket of open) socket.destroy()
    })
}
