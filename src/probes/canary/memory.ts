import { isDeepStrictEqual } from 'node:util'
import type { HandedOver } from './outgoing.ts'
import type { Arrival, Bounce, CanaryCounts, CanaryMail } from './seen.ts'
import type { CanaryTarget } from './target.ts'

/** A mail of this process. Times are of the monotonic clock, in milliseconds, so that a step of the clock makes no mail late. */
export interface KnownMail {
  readonly token: string
  /** The end of DATA. */
  readonly since: number
  /** Undefined if no answer came: perhaps the way took it. */
  readonly reply: string | undefined
  fate: CanaryMail['fate']
  /** It is counted as lost. */
  isLost: boolean
  arrival?: Arrival | undefined
  bounce?: Bounce | undefined
}

/** What is remembered of a folder, as long as its UIDVALIDITY is the same. */
export interface KnownFolder {
  readonly uidValidity: string
  /** Lower UIDs have been looked at. */
  next: number
  /** When it was last read, by the monotonic clock. */
  readAt: number | undefined
  /** UIDs of mails of ours that are still to be deleted, and whether each is a leftover. */
  readonly ours: Map<number, 'leftover' | 'known'>
  /** UIDs of mails that another process sent for the same target. */
  readonly foreign: Map<number, Foreign>
}

/** A mail of another process: when it was received (epoch), and when we first saw it (the monotonic clock). */
interface Foreign {
  readonly receivedAt: number
  readonly seenAt: number
}

/** What is kept of a target between its runs. */
export interface Memory {
  /** Newest first. */
  mails: KnownMail[]
  readonly folders: Map<string, KnownFolder>
  /** When the run began, or should have begun, that last handed a mail over, or tried to. */
  lastAttempt: number | undefined
  /** The last one. */
  handOver: HandedOver | undefined
  /** Since when each mail is refused for now. */
  deferredSince: number | undefined
  /** When all folders were last read to the end. */
  readAt: number | undefined
  /** What is added to the monotonic clock to get the time of day. */
  clockOffset: number
  counts: Counts
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] extends number ? number : Writable<T[Key]> }
export type Counts = Writable<CanaryCounts>

/** Kept here because a probe has no state, and weakly, so that it goes with the target. */
const memories = new WeakMap<CanaryTarget, Memory>()

export function memoryOf(target: CanaryTarget): Memory {
  let memory = memories.get(target)
  if (!memory) memories.set(target, (memory = emptyMemory()))
  return memory
}

/**
 * A target of which only times or expectations were changed goes on where the one before was: what is out stays out, and no
 * more mails leave. Mails that take another way, or go to another mailbox, begin from nothing.
 */
export function inheritMemory(before: CanaryTarget, target: CanaryTarget): void {
  const memory = memories.get(before)
  if (memory && isDeepStrictEqual(pathOf(before), pathOf(target))) memories.set(target, memory)
}

const pathOf = ({ name, way, from, to, envelope_from, mailbox }: CanaryTarget) => ({
  name,
  way,
  from,
  to,
  envelope_from,
  mailbox,
})

export const emptyMemory = (): Memory => ({
  mails: [],
  folders: new Map(),
  lastAttempt: undefined,
  handOver: undefined,
  deferredSince: undefined,
  readAt: undefined,
  clockOffset: Date.now() - performance.now(),
  counts: {
    sent: 0,
    arrived: { inbox: 0, junk: 0, other: 0 },
    late: 0,
    lost: 0,
    rejected: 0,
    bounced: 0,
    duplicates: 0,
    leftoversRemoved: 0,
  },
})

/** Smaller differences are the ordinary discipline of a clock. */
const stepMs = 1_000

/** Turns moments of the monotonic clock into the time of day, by the clock as it is now. They change only if it was set. */
export function timeOfDay(memory: Memory): (moment: number) => number {
  const offset = Date.now() - performance.now()
  if (Math.abs(offset - memory.clockOffset) > stepMs) memory.clockOffset = offset
  return moment => Math.round(memory.clockOffset + moment)
}
