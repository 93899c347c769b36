import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2Session } from 'node:http2'
import type { Socket } from 'node:net'
import type { ExporterState } from '../exposition/samples.ts'
import type { Connection, HeldAnswer } from './connection.ts'
import { nextToGo, stageOf, type Stage } from './eviction.ts'
import { isHttp2 } from './http2.ts'
import type { Limits } from './limits.ts'
import { networkOf } from './network.ts'

/** Why a connection or a request was refused, or a connection was ended to make room. */
const none = { connections: 0, address: 0, gave_way: 0, not_taken: 0, waiting: 0, too_early: 0, resets: 0 }
type Refusal = keyof typeof none

/** All connections from clients, over all places and both versions of HTTP, and the room that is left. */
export interface Connections {
  /** Lets a connection in; others may have to end for it. Undefined if there is no room. */
  enter(socket: Socket): Connection | undefined
  /** TLS begins on it, which takes more places. False if there is no room: the connection is ended. */
  startTls(connection: Connection): boolean
  /** Requests that come by this socket or session belong to the connection. */
  link(connection: Connection, by: Socket | Http2Session): void
  /** The connection that a request came on. Undefined if it was ended. */
  connectionOf(request: IncomingMessage): Connection | undefined
  /** A request came. False if it cannot be answered: too many answers wait for their clients. */
  begin(connection: Connection, request: IncomingMessage, response: ServerResponse): boolean
  /** The request gets this body, which others may share. False if there is no room for it. */
  readonly hold: (response: ServerResponse, body: Buffer) => boolean
  /** The client sends too much before it took its answer: that answer is the last. */
  tooEarly(connection: Connection): void
  /** Ends what does not take its answer within this time: the connection, or the stream of HTTP/2. Ends leftover sessions too. */
  sweep(answerMs: number): void
  counts(): ExporterState['connections']
}

/** CANCEL of RFC 9113, section 7. */
const cancel = 8
const placesOfTls = 8
/** Bytes that a request takes beside its answer, by the version of HTTP: its headers, and what Node makes of them. */
const perRequest = { one: 8_192, two: 32_768 }
/** Requests under way on one connection: twice the streams that it may have. */
const maxAnswers = 64
/** Requests under way on one connection, while there is no room for another answer. */
const maxAnswersWithoutRoom = 4
/** A scraper resets a request now and then, if it takes too long. */
const maxResets = 100
/** The same for a client that took no answer yet, and while there is no room for answers. A flood has many such clients. */
const maxFirstResets = 8
/** After a search that found no connection to end, do not search again for this time: each refusal of a flood would search all. */
const searchMs = 100

/** The limits are read again for each decision. */
export function createConnections(limits: () => Limits): Connections {
  const connections = new Set<Connection>()
  const places = new Map<string, number>()
  const known = new WeakMap<object, Connection>()
  /** Not a WeakMap: each garbage collection would go through all that were ever in it. */
  const answers = new Map<ServerResponse, HeldAnswer>()
  /** How many answers share a body. */
  const shared = new Map<Buffer, number>()
  const refused = { ...none }
  let placesTaken = 0
  let held = 0
  let searchAgainAt = 0

  const placesOf = (address: string): number => places.get(address) ?? 0
  const addPlaces = (connection: Connection, more: number): void => {
    connection.places += more
    placesTaken += more
    const all = placesOf(connection.address) + more
    if (all > 0) places.set(connection.address, all)
    else places.delete(connection.address)
  }
  const release = (answer: HeldAnswer): void => {
    if (!answer.connection.answers.delete(answer)) return
    answers.delete(answer.response)
    held -= answer.bytes
    const { body } = answer
    if (!body) return
    const others = (shared.get(body) ?? 1) - 1
    if (others > 0) shared.set(body, others)
    else if (shared.delete(body)) held -= body.length
  }
  const leave = (connection: Connection): void => {
    if (!connections.delete(connection)) return
    addPlaces(connection, -connection.places)
    for (const answer of connection.answers) release(answer)
  }
  const end = (connection: Connection, why: Refusal): void => {
    refused[why]++
    leave(connection)
    // Without this, the session would answer what it has read already.
    connection.session?.destroy()
    connection.socket.destroy()
  }

  /** Makes room for a new connection by ending others. Says why if it cannot. An idle one ends only for an address with fewer places. */
  const makePlaces = (address: string, more: number, self?: Connection): Refusal | undefined => {
    const { maxConnections, maxPerAddress } = limits()
    for (;;) {
      const own = placesOf(address) + more
      const isOverOwn = own > maxPerAddress
      if (!isOverOwn && placesTaken + more <= maxConnections) return undefined
      const mayGo = (one: Connection, all: number, stage: Stage): boolean => {
        if (stage === 'busy') return false
        if (one.address === address) return stage !== 'idle'
        return !isOverOwn && all >= own + (stage === 'idle' ? 1 : 0)
      }
      const victim = nextToGo(connections, placesOf, mayGo)
      if (!victim || victim === self) return isOverOwn ? 'address' : 'connections'
      end(victim, stageOf(victim, performance.now()) === 'stalled' ? 'not_taken' : 'gave_way')
    }
  }
  /** Makes room for bytes by ending connections that do not take their answers. For a client that took answers before, also by ending busy ones that took none. */
  const makeRoom = (bytes: number, connection: Connection): boolean => {
    const { maxHeld } = limits()
    while (held > 0 && held + bytes > maxHeld) {
      const now = performance.now()
      const isKnown = connection.answersTaken > 0
      if (!isKnown && now < searchAgainAt) return false
      const victim = nextToGo(
        connections,
        placesOf,
        (one, _all, stage) => stage === 'stalled' || (isKnown && stage === 'busy' && one.answersTaken === 0),
      )
      if (!victim) {
        searchAgainAt = now + searchMs
        return false
      }
      end(victim, 'not_taken')
    }
    return true
  }

  const countReset = (connection: Connection, why: Refusal): void => {
    connection.resets++
    const max = connection.answersTaken > 0 && why === 'resets' ? maxResets : maxFirstResets
    if (connection.resets > max && connections.has(connection)) end(connection, why)
  }

  return {
    enter(socket) {
      const address = networkOf(socket.remoteAddress)
      const why = makePlaces(address, 1)
      if (why) {
        refused[why]++
        return undefined
      }
      const connection: Connection = {
        socket,
        address,
        enteredAt: performance.now(),
        places: 0,
        answers: new Set(),
        answersTaken: 0,
        resets: 0,
        session: undefined,
        last: false,
        free: () => undefined,
      }
      connections.add(connection)
      addPlaces(connection, 1)
      known.set(socket, connection)
      socket.on('close', () => leave(connection))
      return connection
    },
    startTls(connection) {
      const why = makePlaces(connection.address, placesOfTls - 1, connection)
      if (!connections.has(connection)) return false
      if (why) {
        end(connection, why)
        return false
      }
      addPlaces(connection, placesOfTls - 1)
      return true
    },
    link(connection, by) {
      known.set(by, connection)
      if ('settings' in by) connection.session = by
    },
    connectionOf: request => known.get((isHttp2(request) ? request.stream.session : undefined) ?? request.socket),
    begin(connection, request, response) {
      if (!connections.has(connection)) return false
      // More than there may be streams, all in one segment: the client reset each as soon as it was open.
      if (connection.answers.size >= maxAnswers) {
        end(connection, 'resets')
        return false
      }
      const bytes = isHttp2(request) ? perRequest.two : perRequest.one
      if (!makeRoom(bytes, connection)) {
        refused.waiting++
        // No scraper has this many requests waiting. To refuse the rest one by one would still cost memory.
        if (connection.answers.size >= maxAnswersWithoutRoom) end(connection, 'not_taken')
        else countReset(connection, 'waiting')
        return false
      }
      // It may have been ended itself to make room.
      if (!connections.has(connection)) return false
      const answer: HeldAnswer = { connection, request, response, from: performance.now(), body: undefined, bytes }
      held += bytes
      connection.answers.add(answer)
      answers.set(response, answer)
      response.on('close', () => {
        release(answer)
        const { stream } = isHttp2(request) ? request : { stream: undefined }
        if (stream ? stream.rstCode === 0 : response.writableFinished) connection.answersTaken++
        else if (stream) countReset(connection, 'resets')
        if (connection.answers.size === 0) connection.free()
      })
      return true
    },
    hold(response, body) {
      const answer = answers.get(response)
      if (!answer || answer.body) return true
      const { connection } = answer
      // With TLS, each connection has its own encrypted copy.
      const isShared = connection.places < placesOfTls
      const more = isShared && shared.has(body) ? 0 : body.length
      if (!makeRoom(more, connection)) {
        refused.waiting++
        return false
      }
      // It may have been ended itself to make room.
      if (!connection.answers.has(answer)) return true
      if (isShared) {
        answer.body = body
        shared.set(body, (shared.get(body) ?? 0) + 1)
        // Those that shared it may have been ended to make room.
        if (shared.get(body) === 1) held += body.length
      } else {
        answer.bytes += more
        held += more
      }
      return true
    },
    tooEarly(connection) {
      refused.too_early++
      connection.last = true
      for (const { request, response } of connection.answers)
        if (!isHttp2(request) && !response.headersSent) response.setHeader('Connection', 'close')
    },
    sweep(answerMs) {
      const now = performance.now()
      for (const { answers: own, session, socket } of connections) {
        for (const { request, from } of own) {
          if (now - from <= answerMs) continue
          if (isHttp2(request)) request.stream.close(cancel)
          else request.socket.destroy()
        }
        // A session that Node has ended waits until its last bytes are taken, and has no time limit any more.
        if (session?.destroyed) socket.destroy()
      }
    },
    counts: () => ({ open: connections.size, refused: { ...refused } }),
  }
}
