import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2Session } from 'node:http2'
import type { Socket } from 'node:net'
import { networkOf } from './network.ts'
import { isHttp2 } from './http2.ts'

/** Why a connection or a request was refused, or a connection was ended to make room. */
const none = { connections: 0, address: 0, gave_way: 0, not_taken: 0, waiting: 0, too_early: 0, resets: 0 }
export type Refusal = keyof typeof none

/** What all clients together may take. Those of one address are the same, and so are those of one /64 of IPv6. */
export interface Room {
  /** A probe needs file descriptors too, and must not fail for want of them. One with TLS takes the place of eight. */
  readonly maxConnections: number
  readonly maxPerAddress: number
  /** Bytes of answers that were given and not taken, and of what each request under way takes. */
  readonly maxHeld: number
}

/** A connection from outside. */
export interface Guest {
  readonly socket: Socket
  readonly address: string
  readonly enteredAt: number
  places: number
  readonly answers: Set<Answer>
  /** Answers that it took as a whole. */
  taken: number
  /** Requests that it took back, or that were refused. */
  resets: number
  /** What speaks HTTP/2 on the connection. */
  session: Http2Session | undefined
  /** Nothing more is read from it. */
  last: boolean
  /** Called when no answer is under way any more. */
  free: () => void
}

interface Answer {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly from: number
  body: Buffer | undefined
  /** Of it alone: what several share is counted once. */
  bytes: number
}

export interface CrowdCounts {
  readonly open: number
  readonly refused: Readonly<Record<Refusal, number>>
}

/** All connections from outside, over all places and both versions of HTTP, and the room that is left. */
export interface Crowd {
  /** Lets a connection in; others that were silent, or are idle, may have to go for it. Undefined where there is no room. */
  enter(socket: Socket): Guest | undefined
  /** It begins to speak TLS, for which there has to be room as well. */
  encrypt(guest: Guest): boolean
  /** The guest is at the other end of this one too. */
  introduce(guest: Guest, by: Socket | Http2Session): void
  guestOf(request: IncomingMessage): Guest | undefined
  /** A request came. False where so much waits to be taken that it cannot be answered. */
  ask(guest: Guest, request: IncomingMessage, response: ServerResponse): boolean
  /** The request is to be answered with this body, which others may share. False where there is no room for it. */
  readonly hold: (response: ServerResponse, body: Buffer) => boolean
  /** It sends on before its answer was taken. */
  tooEarly(guest: Guest): void
  /** Ends the connection (of HTTP/2 the stream) that did not take its answer within so many milliseconds, and what is left of ended sessions. */
  sweep(answerMs: number): void
  counts(): CrowdCounts
}

/** CANCEL of RFC 9113, section 7. */
const cancel = 8
const placesOfTls = 8
/** What a request takes beside the body of its answer, in bytes: its headers, and what Node makes of them. By the version of HTTP. */
const perRequest = { one: 8_192, two: 32_768 }
/** Twice the streams that a connection may have. */
const mostAtOnce = 64
/** Of one connection, where there is no room for another answer. */
const mostInWant = 4
/** A scraper resets a request now and then that takes too long. */
const mostResets = 100
/** Of a connection that took no answer yet, of which a flood has many, and where there is no room for what it asks. */
const mostFirstResets = 8
/** An answer that waits for longer is not being taken; who took one before may be slow. */
const patienceMs = { first: 1_000, later: 10_000 }
/** How often who does not take is searched for, where there was none: each refusal of a flood would look at all. */
const searchMs = 100

/** `room` may change. */
export function createCrowd(room: () => Room): Crowd {
  const guests = new Set<Guest>()
  const places = new Map<string, number>()
  const known = new WeakMap<object, Guest>()
  /** Not a WeakMap: each collection of garbage would go through all that ever were in it. */
  const answers = new Map<ServerResponse, { readonly guest: Guest; readonly answer: Answer }>()
  /** How many answers are of this body. */
  const shared = new Map<Buffer, number>()
  const refused = { ...none }
  let taken = 0
  let held = 0
  let searchAgainAt = 0

  const take = (guest: Guest, more: number): void => {
    guest.places += more
    taken += more
    const all = (places.get(guest.address) ?? 0) + more
    if (all > 0) places.set(guest.address, all)
    else places.delete(guest.address)
  }
  const release = (guest: Guest, answer: Answer): void => {
    if (!guest.answers.delete(answer)) return
    answers.delete(answer.response)
    held -= answer.bytes
    const { body } = answer
    if (!body) return
    const others = (shared.get(body) ?? 1) - 1
    if (others > 0) shared.set(body, others)
    else if (shared.delete(body)) held -= body.length
  }
  const leave = (guest: Guest): void => {
    if (!guests.delete(guest)) return
    take(guest, -guest.places)
    for (const answer of [...guest.answers]) release(guest, answer)
  }
  const end = (guest: Guest, why: Refusal): void => {
    refused[why]++
    leave(guest)
    // A session would go on with what it has read.
    guest.session?.destroy()
    guest.socket.destroy()
  }

  /**
   * Whose turn it is to go: one of the address that has most places, and of these one that does not take its answer, then
   * one that has not asked yet, the oldest first, and then one that is idle, the youngest first: so a scraper that was
   * there before the crowd stays. An idle one goes only for an address that has less.
   */
  const worst = (
    isMeant: (guest: Guest, places: number, stage: Stage) => boolean,
    orBusy = false,
  ): Guest | undefined => {
    const now = performance.now()
    let found: Guest | undefined
    let foundRank: Rank = [0, 0, 0]
    for (const guest of guests) {
      const all = places.get(guest.address) ?? 0
      if (found && all < foundRank[0]) continue
      const stage = stageOf(guest, now)
      if ((stage === 'busy' && !orBusy) || !isMeant(guest, all, stage)) continue
      const rank: Rank = [all, stages.indexOf(stage), stage === 'idle' ? -guest.enteredAt : guest.enteredAt]
      if (found && !isBefore(rank, foundRank)) continue
      found = guest
      foundRank = rank
    }
    return found
  }
  /** Makes places for a newcomer, by ending others; why not, where none are to be had. */
  const makePlaces = (address: string, more: number, but?: Guest): Refusal | undefined => {
    const { maxConnections, maxPerAddress } = room()
    for (;;) {
      const mine = (places.get(address) ?? 0) + more
      const isOverOwn = mine > maxPerAddress
      if (!isOverOwn && taken + more <= maxConnections) return undefined
      const victim = worst((guest, all, stage) =>
        guest.address === address ? stage !== 'idle' : !isOverOwn && all >= mine + (stage === 'idle' ? 1 : 0),
      )
      if (!victim || victim === but) return isOverOwn ? 'address' : 'connections'
      end(victim, stageOf(victim, performance.now()) === 'stalled' ? 'not_taken' : 'gave_way')
    }
  }
  /** For one that took answers before, those who took none have to go as well, whatever they do. */
  const makeRoom = (bytes: number, guest: Guest): boolean => {
    const { maxHeld } = room()
    while (held > 0 && held + bytes > maxHeld) {
      const now = performance.now()
      const isKnown = guest.taken > 0
      if (!isKnown && now < searchAgainAt) return false
      const victim = worst(
        (one, _all, stage) => stage === 'stalled' || (isKnown && stage === 'busy' && one.taken === 0),
        true,
      )
      if (!victim) {
        searchAgainAt = now + searchMs
        return false
      }
      end(victim, 'not_taken')
    }
    return true
  }

  const reset = (guest: Guest, why: Refusal): void => {
    guest.resets++
    const most = guest.taken > 0 && why === 'resets' ? mostResets : mostFirstResets
    if (guest.resets > most && guests.has(guest)) end(guest, why)
  }

  return {
    enter(socket) {
      const address = networkOf(socket.remoteAddress)
      const why = makePlaces(address, 1)
      if (why) {
        refused[why]++
        return undefined
      }
      const guest: Guest = {
        socket,
        address,
        enteredAt: performance.now(),
        places: 0,
        answers: new Set(),
        taken: 0,
        resets: 0,
        session: undefined,
        last: false,
        free: () => undefined,
      }
      guests.add(guest)
      take(guest, 1)
      known.set(socket, guest)
      socket.on('close', () => leave(guest))
      return guest
    },
    encrypt(guest) {
      const why = makePlaces(guest.address, placesOfTls - 1, guest)
      if (!guests.has(guest)) return false
      if (why) {
        end(guest, why)
        return false
      }
      take(guest, placesOfTls - 1)
      return true
    },
    introduce(guest, by) {
      known.set(by, guest)
      if ('settings' in by) guest.session = by
    },
    guestOf: request => known.get((isHttp2(request) ? request.stream.session : undefined) ?? request.socket),
    ask(guest, request, response) {
      if (!guests.has(guest)) return false
      // All of them in one segment, and more than there may be streams: they were reset as soon as they were opened.
      if (guest.answers.size >= mostAtOnce) {
        end(guest, 'resets')
        return false
      }
      const bytes = isHttp2(request) ? perRequest.two : perRequest.one
      if (!makeRoom(bytes, guest)) {
        refused.waiting++
        // Who has this many streams that wait is no scraper: refused one by one, the rest of them would still cost memory.
        if (guest.answers.size >= mostInWant) end(guest, 'not_taken')
        else reset(guest, 'waiting')
        return false
      }
      // It was ended for itself.
      if (!guests.has(guest)) return false
      const answer: Answer = { request, response, from: performance.now(), body: undefined, bytes }
      held += bytes
      guest.answers.add(answer)
      answers.set(response, { guest, answer })
      response.on('close', () => {
        release(guest, answer)
        const { stream } = isHttp2(request) ? request : { stream: undefined }
        if (stream ? stream.rstCode === 0 : response.writableFinished) guest.taken++
        else if (stream) reset(guest, 'resets')
        if (guest.answers.size === 0) guest.free()
      })
      return true
    },
    hold(response, body) {
      const { guest, answer } = answers.get(response) ?? {}
      if (!guest || !answer || answer.body) return true
      // Encrypted, everyone has a copy of his own.
      const isShared = guest.places < placesOfTls
      const more = isShared && shared.has(body) ? 0 : body.length
      if (!makeRoom(more, guest)) {
        refused.waiting++
        return false
      }
      // It was not ended for itself.
      if (!guest.answers.has(answer)) return true
      if (isShared) {
        answer.body = body
        shared.set(body, (shared.get(body) ?? 0) + 1)
        // Those who shared it may have been ended meanwhile.
        if (shared.get(body) === 1) held += body.length
      } else {
        answer.bytes += more
        held += more
      }
      return true
    },
    tooEarly(guest) {
      refused.too_early++
      guest.last = true
      for (const answer of guest.answers) conclude(answer)
    },
    sweep(answerMs) {
      const now = performance.now()
      for (const { answers: mine, session, socket } of guests) {
        for (const { request, from } of mine) {
          if (now - from <= answerMs) continue
          if (isHttp2(request)) request.stream.close(cancel)
          else request.socket.destroy()
        }
        // A session that Node has ended waits for what it wrote last to be taken, and has no time limit any more.
        if (session?.destroyed) socket.destroy()
      }
    },
    counts: () => ({ open: guests.size, refused: { ...refused } }),
  }
}

/** It is the last on its connection. */
function conclude({ request, response }: Answer): void {
  if (!isHttp2(request) && !response.headersSent) response.setHeader('Connection', 'close')
}

const stages = ['stalled', 'silent', 'idle', 'busy'] as const
type Stage = (typeof stages)[number]

function stageOf({ answers, taken }: Guest, now: number): Stage {
  const patience = taken > 0 ? patienceMs.later : patienceMs.first
  for (const { from, response } of answers) if (now - from > patience && response.writableEnded) return 'stalled'
  if (answers.size > 0) return 'busy'
  return taken > 0 ? 'idle' : 'silent'
}

type Rank = readonly [places: number, stage: number, order: number]

/** By more places, and then by what is less. */
const isBefore = (a: Rank, b: Rank): boolean =>
  a[0] !== b[0] ? a[0] > b[0] : a[1] !== b[1] ? a[1] < b[1] : a[2] < b[2]
