import { sleep } from '../../core/clock.ts'
import { deadline } from '../../core/deadline.ts'
import { endingWith, type Look } from '../../core/probe.ts'
import { enterMailbox, mailboxFailure, type Opening } from './mailbox.ts'
import type { Memory } from './memory.ts'
import type { MailboxSeen } from './seen.ts'
import { placesIn, sweepFolder, type Place, type Sweep } from './sweep.ts'
import type { CanaryTarget, MailboxTarget } from './target.ts'

/** The mailbox of a run. No call rejects for a fault of the mailbox. */
export interface Visit {
  /** Waits until the mail has come, or a bounce of it, or the time is up; then all folders are looked at. */
  waitFor(token: string): Promise<void>
  end(): Promise<void>
  seen(): Omit<MailboxSeen, 'readAt'>
}

interface MailboxRun {
  readonly target: CanaryTarget
  readonly mailbox: MailboxTarget
  readonly memory: Memory
  /** The hash of the target; undefined if it is not known, and then the mailbox is not opened. */
  readonly mark: string | undefined
  readonly look: Look
}

/** A mailbox that is silent must not keep the mail from being sent. */
const shareBeforeSending = 0.45
/** The time for the last look and LOGOUT, after sending and waiting. A relay that is silent must not take it. */
const reserveMs = ({ timeoutMs }: Look): number => Math.min(timeoutMs * 0.2, 5_000)
/** The time before that, of a run that began then. */
export const leftMs = (look: Look, began: number): number =>
  Math.max(0, look.timeoutMs - reserveMs(look) - (performance.now() - began))
const lookEveryMs = 5_000
/** A server that always has news is not asked without a pause. */
const pauseMs = 200

/** Opens the mailbox and looks at all folders once. */
export async function visitMailbox(run: MailboxRun, clean: (text: string) => string): Promise<Visit> {
  const { target, mailbox, memory, mark, look } = run
  const began = performance.now()
  const limit = deadline(look.timeoutMs * shareBeforeSending, look.signal)
  const early = endingWith(limit.signal, look)
  let opening: Opening = {
    address: 'mailbox',
    failure: { fault: 'unresolved', text: 'the addresses of the canary cannot be read' },
  }
  let missing: readonly string[] = []
  const kept = new Map<string, string | undefined>()
  let places: readonly Place[] = []
  let sweep: Sweep | undefined

  /** Does something with the mailbox, unless it failed before. */
  async function attempt(work: () => Promise<void>): Promise<void> {
    // Once the time of the run is over, a failure says nothing of the mailbox: the relay may have taken all of it.
    if (opening.failure || look.signal.aborted) return
    try {
      await work()
    } catch (error) {
      opening = { ...opening, failure: mailboxFailure(error, early, opening.address) }
    }
  }
  async function sweepPlaces(some: readonly Place[]): Promise<void> {
    if (!sweep) return
    const at = performance.now()
    for (const place of some) kept.set(place.path, await sweepFolder(sweep, place))
    if (some === places) memory.readAt = at
  }
  async function lookAround(ofTarget: string): Promise<void> {
    opening = await enterMailbox(mailbox, early)
    const { session } = opening
    if (!session) return
    await attempt(() =>
      early.phase('imap_read', async () => {
        const found = placesIn(await session.folders(), mailbox.folders ?? [])
        missing = found.missing
        places = found.places
        forgetOthers(memory, places)
        sweep = { memory, target, mark: ofTarget, session, trash: found.trash, clean, look }
        await sweepPlaces(places)
      }),
    )
  }
  async function end(): Promise<void> {
    await opening.session?.close()
    limit.clear()
  }

  try {
    if (mark !== undefined) await lookAround(mark)
  } catch (error) {
    await end()
    throw error
  }
  limit.lift()

  const isOut = (token: string): boolean => memory.mails.some(mail => mail.token === token && mail.fate === 'out')
  const wait = async (token: string, until: AbortSignal): Promise<void> => {
    const { session } = opening
    const inbox = places.slice(0, 1)
    while (session && isOut(token)) {
      await sweepPlaces(inbox)
      if (!isOut(token) || until.aborted) break
      // Not longer: a mail may have come just before, and IDLE is known to die in silence.
      const some = deadline(lookEveryMs, until)
      await session.news(some.signal).finally(() => some.clear())
      await sleep(pauseMs, until)
    }
    if (isOut(token)) await sweepPlaces(places)
  }
  return {
    async waitFor(token) {
      const waiting = deadline(leftMs(look, began), look.signal)
      await attempt(() => look.phase('arrival', () => wait(token, waiting.signal))).finally(() => waiting.clear())
    },
    end,
    seen: () => ({
      address: opening.address,
      failure: opening.failure,
      missing,
      full: opening.session?.full,
      kept: [...kept.values()].find(why => why !== undefined),
    }),
  }
}

/** Folders that are gone need no memory. */
function forgetOthers({ folders }: Memory, places: readonly Place[]): void {
  const there = new Set(places.map(({ path }) => path))
  for (const path of folders.keys()) if (!there.has(path)) folders.delete(path)
}
