import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Reload } from '../config/reload.ts'
import type { Logger } from '../core/log.ts'
import type { ExporterState } from '../exposition/samples.ts'
import type { Monitor } from '../monitor/index.ts'
import type { Connections } from './connections.ts'

/** What there is to serve. */
export interface Served {
  readonly monitor: Monitor
  readonly configFile: string
  readonly exporter: () => Omit<ExporterState, 'wakeups' | 'requests' | 'connections'>
  readonly log: Logger
  /** The path that all endpoints are below, such as `/mail`. Default: none. */
  readonly routePrefix?: string
  /** Set if a request may reload the configuration. */
  readonly reload?: Reload | undefined
}

/** What an endpoint answers from. */
export interface Source extends Served {
  readonly connections: Connections
  readonly requests: () => ExporterState['requests']
}

/** Answers one request, or throws an HttpError. Any other error is logged, and the client gets a 500. */
export type Answer = (request: IncomingMessage, response: ServerResponse) => Promise<void> | void

export interface Endpoint {
  readonly path: string
  /** Other methods get a 405, and OPTIONS these. */
  readonly methods: readonly string[]
  /** Called once, at the start. */
  readonly createAnswer: (source: Source) => Answer
  /** Machines request it all day: it is answered without Express. */
  readonly isDirect?: boolean
}
