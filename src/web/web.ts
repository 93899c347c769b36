import { isDeepStrictEqual } from 'node:util'
import { bytesReader, type ReadBytes } from '../clients/files.ts'
import type { Aside } from '../core/aside.ts'
import { follow } from '../config/follow.ts'
import { describeError } from '../core/errors.ts'
import type { Logger } from '../core/log.ts'
import { basicAuth, type Threaded } from './auth.ts'
import { openToAll, webConfigReader, type WebConfig } from './config.ts'
import { createConnections } from './connections.ts'
import type { Served } from './endpoint.ts'
import { createGuard } from './guard.ts'
import type { LimitedListener } from './limited-listener.ts'
import { usualLimits, type Limits } from './limits.ts'
import { listenAt, type ListenAddress } from './listen.ts'
import { createRouter } from './router.ts'
import { createWebServer } from './servers.ts'
import { takeTurns } from './turns.ts'

/** Requests that start in one turn of the event loop: about ten milliseconds of work at most. */
const requestsPerTurn = 16

export interface Web {
  /** Where it serves: the addresses that were bound. */
  readonly addresses: readonly string[]
  /** Changes how many connections it takes. Open ones stay. */
  limit(limits: Limits): void
  /** Ends every connection. */
  close(): Promise<void>
}

interface WebOptions {
  readonly served: Served
  readonly listenAddresses: readonly ListenAddress[]
  /** `--web.config.file`. */
  readonly file: string | undefined
  /** Host names by which a browser may ask, beside those that public DNS does not have. */
  readonly allowedHosts?: readonly string[]
  /** After it aborts, changes of the file are ignored, and no password is verified. */
  readonly stop: AbortSignal
  readonly limits?: Limits
  /** How often the file, and the files that it names, are checked for changes. */
  readonly lookMs?: number
  /** Wraps each verification of a password. */
  readonly threaded?: Threaded
  /** Where a large file is parsed. */
  readonly aside?: Aside
  /** Reads the file. */
  readonly bytes?: ReadBytes
}

/**
 * Serves at all listen addresses. Rejects with a ConfigError, or with an Error that names the address that is taken. While
 * it serves, it reloads a changed file for `--web.config.file`: all of it or nothing.
 */
export async function startWeb(options: WebOptions): Promise<Web> {
  const { served, listenAddresses, file, stop, allowedHosts, lookMs = 2_000 } = options
  const { log } = served
  const bytes = options.bytes ?? bytesReader()
  const read = file === undefined ? undefined : webConfigReader(file, options.aside)
  const load = read && (() => read({ signal: stop, bytes }))
  let config = load ? await load() : openToAll
  const authenticate = basicAuth(() => config.users, stop, options.threaded)
  let limits = options.limits ?? usualLimits
  const connections = createConnections(() => limits)
  const check = createGuard(() => config, authenticate, allowedHosts)
  const answer = createRouter(served, check, connections)
  const turns = takeTurns(requestsPerTurn)
  const listener: LimitedListener = (request, response, isKnown) => {
    const cancel = turns(() => answer(request, response), isKnown)
    if (cancel) response.on('close', cancel)
  }
  const servers = await Promise.all(
    listenAddresses.map(async address => ({
      address,
      ...(await createWebServer(listener, config, limits, connections)),
    })),
  )
  const sweeping = setInterval(() => connections.sweep(limits.answerMs), limits.connectionsCheckingInterval).unref()
  const close = async (): Promise<void> => {
    clearInterval(sweeping)
    await Promise.all(servers.map(server => server.close()))
  }
  const addresses: string[] = []
  try {
    for (const { server, address } of servers) addresses.push(await listenAt(server, address, stop))
  } catch (error) {
    await close()
    throw error
  }
  // Without a listener, a connection that cannot be accepted would end the process.
  for (const { server } of servers)
    server.on('error', error => log.error({ error: describeError(error) }, 'a connection could not be accepted'))

  const apply = (next: WebConfig): void => {
    const restart = needsRestart(config, next)
    if (restart)
      log.warn({ file }, 'tls_server_config stays as it was: to switch it, client_auth_type or http2 takes a restart')
    const { tls: before, http2 } = config
    const tls = restart ? before : next.tls
    config = { ...next, tls, http2 }
    if (tls) for (const server of servers) server.renew(tls)
    // Connections that the old rules allowed must not stay.
    if (!isDeepStrictEqual(clientRules(before), clientRules(tls))) for (const server of servers) server.cut()
    log.info({ file }, 'the web configuration was reloaded')
  }
  if (load) void followConfig(load, config, lookMs, apply, log, stop)
  const limit = (next: Limits): void => {
    limits = next
    for (const server of servers) server.limit(next)
  }
  return { addresses, limit, close }
}

/** Takes in each good change of the file. What is wrong with it is logged once. */
async function followConfig(
  load: () => Promise<WebConfig>,
  first: WebConfig,
  lookMs: number,
  apply: (next: WebConfig) => void,
  log: Logger,
  stop: AbortSignal,
): Promise<void> {
  let known = first
  /** Gives what is wrong with the file, if anything is. */
  const takeChange = async (): Promise<string | undefined> => {
    try {
      const next = await load()
      if (!stop.aborted && !isDeepStrictEqual(known, next)) apply((known = next))
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

/** A running server cannot change these. */
const needsRestart = (a: WebConfig, b: WebConfig): boolean =>
  a.http2 !== b.http2 || a.tls?.clientAuth !== b.tls?.clientAuth

/** What decides which clients may connect. */
const clientRules = (tls: WebConfig['tls']) => [tls?.context.ca, tls?.allowedSans]
