import type { Folder, Mailbox, Message } from '../../clients/imap/index.ts'
import type { Look } from '../../core/probe.ts'
import { bounceIn, mayBeBounce } from './bounce.ts'
import { noteArrival, noteBounce } from './fate.ts'
import { factsOf, markIn } from './headers.ts'
import { isOurs, markHeader, type Mark } from './mark.ts'
import type { KnownFolder, Memory } from './memory.ts'
import type { FolderKind } from './seen.ts'
import type { CanaryTarget } from './target.ts'

/** A mailbox may have a history: the first look goes back so far. */
const firstLook = 500
/** Of those that came since the last look. */
const mostNew = 2_000
/** Of a bounce: enough for its report and the headers of the mail. */
const bounceBytes = 65_536
/** Bounces that are read in one look. */
const mostBounces = 50
/** UIDs that are remembered of a folder. */
const mostUids = 500

/** A folder that is looked at. */
export interface Place {
  readonly path: string
  readonly kind: FolderKind
}

/** Which folders are looked at, of those that are there, and which of the configuration are not. */
export function placesIn(
  folders: readonly Folder[],
  wanted: readonly string[],
): { readonly places: readonly Place[]; readonly missing: readonly string[]; readonly trash: string | undefined } {
  const isInbox = (path: string): boolean => path.toUpperCase() === 'INBOX'
  const inbox = folders.find(({ path, use }) => use === 'inbox' || isInbox(path))?.path ?? 'INBOX'
  const known = new Map<string, FolderKind>([[inbox, 'inbox']])
  for (const { path, use } of folders) if (use === 'junk') known.set(path, 'junk')
  const there = new Set(folders.map(({ path }) => path))
  const others = wanted.filter(path => !isInbox(path))
  for (const path of others) if (there.has(path) && !known.has(path)) known.set(path, 'other')
  return {
    places: [...known].map(([path, kind]) => ({ path, kind })),
    missing: others.filter(path => !there.has(path)),
    trash: folders.find(({ use }) => use === 'trash')?.path,
  }
}

/** What a sweep needs to know. */
export interface Sweep {
  readonly memory: Memory
  readonly target: CanaryTarget
  /** The hash of the target in its mails. */
  readonly mark: string
  readonly session: Mailbox
  readonly trash: string | undefined
  /** Takes addresses out of a text that is remembered. */
  readonly clean: (text: string) => string
  readonly look: Look
}

/**
 * Reads what is new in a folder, and deletes what is ours. Returns why something of ours is still there. A search of the server
 * is never asked: its index may lag. Rejects with a MailboxError.
 */
export async function sweepFolder(sweep: Sweep, place: Place): Promise<string | undefined> {
  const { memory, session } = sweep
  const startedAt = performance.now()
  const opened = await session.open(place.path)
  if (!opened) {
    memory.folders.delete(place.path)
    return undefined
  }
  const folder = folderOf(memory, place.path, opened)
  await readNew(sweep, place, folder, opened.uidNext)
  await addOld(sweep, folder)
  folder.readAt = startedAt
  return removeOurs(sweep, folder)
}

/** What is remembered of a folder. UIDs mean something only as long as UIDVALIDITY is the same. */
function folderOf(
  { folders }: Memory,
  path: string,
  { uidValidity, uidNext }: { readonly uidValidity: string; readonly uidNext: number },
): KnownFolder {
  const last = folders.get(path)
  if (last?.uidValidity === uidValidity) return last
  const next = Math.max(1, uidNext - firstLook)
  const folder = { uidValidity, next, readAt: undefined, ours: new Map(), foreign: new Map() }
  folders.set(path, folder)
  return folder
}

const wanted = {
  fields: [markHeader, 'Content-Type', 'From', 'Return-Path', 'X-Failed-Recipients'],
  wants: (headers: string): boolean => markIn(headers) !== undefined || mayBeBounce(headers),
}

async function readNew(sweep: Sweep, place: Place, folder: KnownFolder, uidNext: number): Promise<void> {
  const messages = await sweep.session.from(folder.next, mostNew, wanted)
  const seenAt = performance.now()
  const bounces: Message[] = []
  for (const message of messages) {
    const mark = markIn(message.headers)
    if (mark) takeMail(sweep, place, folder, message, mark, seenAt)
    else bounces.push(message)
  }
  for (const bounce of bounces.slice(-mostBounces)) await takeBounce(sweep, folder, bounce, seenAt)
  // Only now, so that what a lost session did not read is read again.
  folder.next = Math.max(folder.next, uidNext, (messages.at(-1)?.uid ?? 0) + 1)
}

function takeMail(
  { memory, target, mark: own }: Sweep,
  place: Place,
  folder: KnownFolder,
  { uid, receivedAt, headers }: Message,
  mark: Mark,
  seenAt: number,
): void {
  if (mark.target !== own) return
  const mail = {
    token: mark.token,
    receivedAt,
    seenAt,
    readBefore: folder.readAt,
    folder: place.kind,
    folderName: place.path,
    headers: factsOf(headers, { authservId: target.authserv_id, now: Date.now() }),
  }
  if (noteArrival(memory, mail, target.late_after)) folder.ours.set(uid, 'known')
  else keep(folder, uid, receivedAt, mark)
}

async function takeBounce(sweep: Sweep, folder: KnownFolder, { uid, receivedAt }: Message, seenAt: number) {
  const { memory, mark: own, session, clean, look } = sweep
  const report = bounceIn(await session.text(uid, bounceBytes))
  if (!report) return
  const { mark, tokens, status, action } = report
  look.note(`a report: ${action}, ${status ?? 'no status'}`)
  const isKnown = tokens.some(token =>
    noteBounce(memory, { token, status, text: clean(report.text), isFailure: action === 'failed', seenAt }),
  )
  if (isKnown) folder.ours.set(uid, 'known')
  else if (mark?.target === own) keep(folder, uid, receivedAt, mark)
}

/** A mail of this target that is not known: of this process, which forgot it, or of another one, which may wait for it. */
function keep({ ours, foreign }: KnownFolder, uid: number, receivedAt: number, mark: Mark): void {
  if (isOurs(mark)) ours.set(uid, 'leftover')
  else foreign.set(uid, receivedAt)
  for (const uids of [ours, foreign]) for (const first of uids.keys()) if (uids.size > mostUids) uids.delete(first)
}

/** The time of day, unless the clock was set forward since the start: then nothing gets older by that. */
const steadyNow = (): number => Math.min(Date.now(), performance.timeOrigin + performance.now())

/** Mails of other processes become leftovers once they are so old that their sender is gone. A sender that runs deletes its own. */
async function addOld({ target, session, mark: own }: Sweep, folder: KnownFolder): Promise<void> {
  const until = steadyNow() - 2 * target.lost_after
  for (const [uid, receivedAt] of folder.foreign) {
    if (receivedAt >= until) continue
    folder.foreign.delete(uid)
    const text = await session.text(uid, bounceBytes)
    // Its sender has deleted it by now, usually.
    if (text.includes(own)) folder.ours.set(uid, 'leftover')
  }
}

async function removeOurs({ memory, session, trash }: Sweep, { ours }: KnownFolder): Promise<string | undefined> {
  if (ours.size === 0) return undefined
  const uids = [...ours.keys()].sort((a, b) => a - b)
  const kept = await session.remove(uids, trash)
  if (kept !== undefined) return kept
  memory.counts.leftoversRemoved += [...ours.values()].filter(kind => kind === 'leftover').length
  ours.clear()
  return undefined
}
