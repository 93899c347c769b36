import type { RequestListener } from 'node:http'
import { isDeepStrictEqual } from 'node:util'
import { bytesReader, type ReadBytes } from '../clients/files.ts'
import type { Aside } from '../core/aside.ts'
import { follow } from '../config/follow.ts'
import { describeError } from '../core/errors.ts'
import type { Logger } from '../core/log.ts'
import { usualLimits, type Answering, type Limits } from './limits.ts'
import { basicAuth, type Threaded } from './auth.ts'
import { openToAll, webConfigReader, type WebConfig } from './config.ts'
import { createCrowd, type Crowd, type Room } from './crowd.ts'
import { guard, type Guard } from './guard.ts'
import { listenAt, type Place } from './listen.ts'
import { createWebServer } from './servers.ts'
import { takeTurns } from './turns.ts'

/** Requests that are begun in one turn of the event loop: some ten milliseconds of work at most. */
const requestsAtOnce = 16

export interface Web {
  /** Where it serves, as it was bound. */
  readonly addresses: readonly string[]
  /** From now on so many connections are let in, in all. Those that are open stay. */
  limit(limits: Room): void
  /** Ends every connection. */
  close(): Promise<void>
}

export interface Serving {
  readonly createListener: (guard: Guard, crowd: Crowd) => RequestListener
  readonly places: readonly Place[]
  /** For `--web.config.file`. */
  readonly file: string | undefined
  readonly log: Logger
  /** Names by which a browser may ask, with those that public DNS does not have. */
  readonly allowedHosts?: readonly string[]
  /** When it aborts, the file is no longer followed, and no password is verified. */
  readonly stop: AbortSignal
  readonly limits?: Limits
  /** How often the file, and the files it names, are looked at for a change. */
  readonly lookMs?: number
  /** Around each password that is verified. */
  readonly threaded?: Threaded
  /** Where a large file is gone through. */
  readonly aside?: Aside
  /** Default: reads of its own. */
  readonly bytes?: ReadBytes
}

/**
 * Serves at all places. Rejects with a ConfigError, or with an Error that names the place that is taken. From
 * then on new users and certificates are taken in by themselves, all of a file or nothing.
 */
export async function startWeb(serving: Serving): Promise<Web> {
  const { createListener, places, file, log, stop, allowedHosts, limits = usualLimits, lookMs = 2_000 } = serving
  const bytes = serving.bytes ?? bytesReader()
  const read = file === undefined ? undefined : webConfigReader(file, serving.aside)
  const load = read && (() => read({ signal: stop, bytes }))
  let config = load ? await load() : openToAll
  const authenticate = basicAuth(() => config.users, stop, serving.threaded)
  let room: Room = limits
  const crowd = createCrowd(() => room)
  const answer = createListener(
    guard(() => config, authenticate, allowedHosts),
    crowd,
  )
  const turns = takeTurns(requestsAtOnce)
  const listener: Answering = (request, response, isKnown) => {
    const callOff = turns(() => answer(request, response), isKnown)
    if (callOff) response.on('close', callOff)
  }
  const servers = await Promise.all(
    places.map(async place => ({ place, ...(await createWebServer(listener, config, limits, crowd)) })),
  )
  const sweeping = setInterval(() => crowd.sweep(limits.answerMs), limits.connectionsCheckingInterval).unref()
  const close = async (): Promise<void> => {
    clearInterval(sweeping)
    await Promise.all(servers.map(server => server.close()))
  }
  const addresses: string[] = []
  try {
    for (const { server, place } of servers) addresses.push(await listenAt(server, place, stop))
  } catch (error) {
    await close()
    throw error
  }
  // Without a listener, a connection that cannot be accepted would end the process.
  for (const { server } of servers)
    server.on('error', error => log.error({ error: describeError(error) }, 'a connection could not be accepted'))

  const take = (next: WebConfig): void => {
    const restart = needsRestart(config, next)
    if (restart)
      log.warn({ file }, 'tls_server_config stays as it was: to switch it, client_auth_type or http2 takes a restart')
    const { tls: before, http2 } = config
    const tls = restart ? before : next.tls
    config = { ...next, tls, http2 }
    if (tls) for (const server of servers) server.renew(tls)
    // Who was let in by what no longer holds must not stay.
    if (!isDeepStrictEqual(admission(before), admission(tls))) for (const server of servers) server.cut()
    log.info({ file }, 'the web configuration was reloaded')
  }
  if (load) void followConfig(load, config, lookMs, take, log, stop)
  const limit = (next: Room): void => {
    room = next
    for (const server of servers) server.limit(next)
  }
  return { addresses, limit, close }
}

/** Takes in each good change of the file. What is wrong with it is logged once. */
async function followConfig(
  load: () => Promise<WebConfig>,
  first: WebConfig,
  lookMs: number,
  take: (next: WebConfig) => void,
  log: Logger,
  stop: AbortSignal,
): Promise<void> {
  let known = first
  /** Gives what is wrong with the file, if anything is. */
  const takeChange = async (): Promise<string | undefined> => {
    try {
      const next = await load()
      if (stop.aborted || isDeepStrictEqual(known, next)) return undefined
      known = next
      take(next)
      return undefined
    } catch (error) {
      return describeError(error)
    }
  }
  await follow(takeChange, undefined, lookMs, stop, error => {
    if (error !== undefined)
      log.error({ error }, 'the web configuration was not reloaded, and the one before it still holds')
  })
}

/** What a server is made with. */
const needsRestart = (a: WebConfig, b: WebConfig): boolean =>
  a.http2 !== b.http2 || a.tls?.clientAuth !== b.tls?.clientAuth

const admission = (tls: WebConfig['tls']) => [tls?.context.ca, tls?.allowedSans]
