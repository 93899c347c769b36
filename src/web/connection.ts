import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2Session } from 'node:http2'
import type { Socket } from 'node:net'

/** A connection from a client. */
export interface Connection {
  readonly socket: Socket
  readonly address: string
  readonly enteredAt: number
  /** How many of `maxConnections` it takes. */
  places: number
  readonly answers: Set<HeldAnswer>
  /** How many answers the client took completely. */
  answersTaken: number
  /** How many requests the client took back, or we refused. */
  resets: number
  /** Set if the connection speaks HTTP/2. */
  session: Http2Session | undefined
  /** The answer under way is the last: nothing more is read. */
  last: boolean
  /** Called when no answer is under way any more. */
  free: () => void
}

/** An answer that the client has not taken completely. */
export interface HeldAnswer {
  readonly connection: Connection
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly from: number
  /** Set if other answers may share it. */
  body: Buffer | undefined
  /** Without a shared body: that is counted once for all. */
  bytes: number
}
