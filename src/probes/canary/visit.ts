import type { Mailbox } from '../../clients/imap/index.ts'
import { sleep } from '../../core/clock.ts'
import { deadline } from '../../core/deadline.ts'
import { DeadlineExceeded } from '../../core/errors.ts'
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
/** The last look and LOGOUT, after waiting. */
const reserve = { share: 0.2, mostMs: 5_000 }
const lookEveryMs = 5_000
/** A server that always has news is not asked without a pause. */
const pauseMs = 200

/** Opens the mailbox and looks at all folders once. */
export async function visitMailbox(run: MailboxRun, clean: (text: string) => string): Promise<Visit> {
  const { target, mailbox, memory, mark, look } = run
  const began = performance.now()
  const limit = liftable(look, look.timeoutMs * shareBeforeSending)
  let opening: Opening =
    mark === undefined
      ? { address: 'mailbox', failure: { fault: 'unresolved', text: 'the addresses of the canary cannot be read' } }
      : await enterMailbox(mailbox, limit.look)
  const { session } = opening
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
      opening = { ...opening, failure: mailboxFailure(error, limit.look, opening.address) }
    }
  }
  async function sweepPlaces(some: readonly Place[]): Promise<void> {
    if (!sweep) return
    const at = performance.now()
    for (const place of some) kept.set(place.path, await sweepFolder(sweep, place))
    if (some === places) memory.readAt = at
  }

  if (session && mark !== undefined)
    await attempt(() =>
      limit.look.phase('imap_read', async () => {
        const found = placesIn(await session.folders(), mailbox.folders ?? [])
        missing = found.missing
        places = found.places
        forgetOthers(memory, places)
        sweep = { memory, target, mark, session, trash: found.trash, clean, look }
        await sweepPlaces(places)
      }),
    )
  limit.lift()

  const isOut = (token: string): boolean => memory.mails.some(mail => mail.token === token && mail.fate === 'out')
  return {
    async waitFor(token) {
      const reserveMs = Math.min(look.timeoutMs * reserve.share, reserve.mostMs)
      const waiting = deadline(Math.max(0, look.timeoutMs - reserveMs - (performance.now() - began)), look.signal)
      const inbox = places.slice(0, 1)
      await attempt(() =>
        look.phase('arrival', async () => {
          while (session && isOut(token)) {
            await sweepPlaces(inbox)
            if (!isOut(token) || waiting.signal.aborted) break
            // Not longer: a mail may have come just before, and IDLE is known to die in silence.
            const some = deadline(lookEveryMs, waiting.signal)
            await session.news(some.signal).finally(() => some.clear())
            await sleep(pauseMs, waiting.signal)
          }
          if (isOut(token)) await sweepPlaces(places)
        }),
      )
      waiting.clear()
    },
    async end() {
      await session?.close()
      limit.end()
    },
    seen: () => ({
      address: opening.address,
      failure: opening.failure,
      missing,
      full: fullness(session),
      kept: [...kept.values()].find(why => why !== undefined),
    }),
  }
}

/** A warning of the server that there is no room, or hardly any. */
const fullness = (session: Mailbox | undefined): string | undefined =>
  session?.alert !== undefined && /quota|full|space|storage/i.test(session.alert) ? session.alert : undefined

/** Folders that are gone need no memory. */
function forgetOthers({ folders }: Memory, places: readonly Place[]): void {
  const there = new Set(places.map(({ path }) => path))
  for (const path of folders.keys()) if (!there.has(path)) folders.delete(path)
}

/** A look that ends after this time, unless that is lifted; then it ends with the look it is made of. */
function liftable(look: Look, ms: number): { readonly look: Look; lift(): void; end(): void } {
  const controller = new AbortController()
  const timer = setTimeout(() => controller.abort(new DeadlineExceeded(ms)), ms)
  const onAbort = (): void => controller.abort(look.signal.reason)
  if (look.signal.aborted) onAbort()
  else look.signal.addEventListener('abort', onAbort)
  const lift = (): void => clearTimeout(timer)
  return {
    look: endingWith(controller.signal, look),
    lift,
    end() {
      lift()
      look.signal.removeEventListener('abort', onAbort)
    },
  }
}
