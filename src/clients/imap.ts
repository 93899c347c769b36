import type { ConnectionOptions } from 'node:tls'
import { unlessAborted } from '../core/abort.ts'
import { describeError } from '../core/errors.ts'
import type { Look } from '../core/probe.ts'
import { inPlaceOf } from '../core/want.ts'
import { shownIn, type Shown } from './certificates.ts'
import { MailboxError } from './imap-error.ts'
import { greet } from './imap-open.ts'
import { address, openSocket } from './socket.ts'

export { MailboxError } from './imap-error.ts'

/** How to log in to a mailbox. */
export interface MailboxPlan {
  readonly host: string
  readonly port: number
  readonly security: 'tls' | 'starttls' | 'none'
  /** The name the certificate has to be for. */
  readonly name: string
  readonly tls: ConnectionOptions
  readonly user: string
  /** A password, or the token for XOAUTH2. */
  readonly secret: string
  readonly token: boolean
}

export interface Folder {
  /** As IMAP names it. */
  readonly path: string
  /** By SPECIAL-USE (RFC 6154), else by its name. */
  readonly use: 'inbox' | 'junk' | 'trash' | undefined
}

export interface Opened {
  readonly uidValidity: string
  readonly uidNext: number
  readonly exists: number
}

/** A mail in the folder that is open. */
export interface Message {
  readonly uid: number
  /** INTERNALDATE, in milliseconds since the epoch: whole seconds. */
  readonly receivedAt: number
  readonly size: number
  /** Its headers, still folded, at most 64 KiB. */
  readonly headers: string
}

/** Which mails are wanted with all of their headers. Of the others only these fields are read. */
export interface Wanted {
  readonly fields: readonly string[]
  /** By the lines of these fields, still folded. */
  readonly wants: (headers: string) => boolean
}

/** A session at a mailbox, in which at most one folder is open. Each call rejects with a MailboxError, or at the deadline. */
export interface Mailbox {
  readonly address: string
  readonly certificates: Shown | undefined
  /** That there is no room, in one line: by QUOTA, or an [ALERT] that says so. No other alert. */
  readonly full: string | undefined
  folders(): Promise<readonly Folder[]>
  /** SELECT. Undefined if there is no such folder. */
  open(path: string): Promise<Opened | undefined>
  /**
   * The mails from this UID on, oldest first, at most `most` of the newest. Never one with a lower UID. Asks for news
   * first. With `wanted` only those that are wanted.
   */
  from(uid: number, most: number, wanted?: Wanted): Promise<readonly Message[]>
  /** The first bytes of a mail. */
  text(uid: number, maxBytes: number): Promise<string>
  /**
   * Deletes these and no others; `trash`: where they go if the server cannot expunge single mails (UIDPLUS). Says why
   * they are still there.
   */
  remove(uids: readonly number[], trash: string | undefined): Promise<string | undefined>
  /** Waits for a mail in the open folder: IDLE, and a look every few seconds. Resolves when there is one, or at the signal. */
  news(signal: AbortSignal): Promise<void>
  /** LOGOUT. Never rejects. */
  close(): Promise<void>
}

/**
 * Connects and logs in, in the phases `dns`, `connect`, `imap_connect` and `imap_login`. Throws MailboxError: `silent` if
 * the signal aborts first. The session ends with the signal of the run.
 */
export async function openMailbox(look: Look, plan: MailboxPlan, signal = look.signal): Promise<Mailbox> {
  const where = address(plan.host, plan.port)
  try {
    // Once a canary is configured, and not before: it takes memory.
    const { startSession } = await import('./imap-session.ts')
    const opening = openSocket(look, plan.host, plan.port)
    // It may come too late.
    opening.then(
      socket => signal.aborted && socket.destroy(),
      () => undefined,
    )
    const socket = await unlessAborted(signal, opening)
    const end = (): void => void socket.destroy(signal.reason as Error)
    signal.addEventListener('abort', end)
    try {
      const greeted = await look.phase('imap_connect', () => greet(look, socket, plan, signal))
      const login = () => startSession(look, greeted, plan, where)
      return await look.phase('imap_login', () => unlessAborted(signal, login()))
    } catch (error) {
      socket.destroy()
      throw error
    } finally {
      signal.removeEventListener('abort', end)
    }
  } catch (error) {
    throw explained(error, where, signal)
  }
}

/** The error of a step with the address first, and what kind of a fault it is. */
export function explained(error: unknown, where: string, signal: AbortSignal): MailboxError {
  const text = describeError(signal.aborted ? signal.reason : error)
  const line = text.startsWith(where) ? text : `${where}: ${text}`
  if (signal.aborted) return new MailboxError('silent', line)
  return error instanceof MailboxError
    ? new MailboxError(error.fault, line, error.certificates, error.missing)
    : inPlaceOf(new MailboxError('unreachable', line, shownIn(error)), error)
}
