import type { ConnectionOptions } from 'node:tls'
import type { Look } from '../core/probe.ts'
import type { Shown } from './certificates.ts'

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
  /** All of its headers, unfolded lines still folded, at most 64 KiB. */
  readonly headers: string
}

/** A session at a mailbox, in which at most one folder is open. Each call rejects with a MailboxError, or at the deadline. */
export interface Mailbox {
  readonly address: string
  readonly certificates: Shown | undefined
  /** An [ALERT] or OVERQUOTA of the server, in one line. */
  readonly alert: string | undefined
  folders(): Promise<readonly Folder[]>
  /** SELECT. Undefined if there is no such folder. */
  open(path: string): Promise<Opened | undefined>
  /** The mails from this UID on, oldest first, at most `most` of the newest. Never one with a lower UID. */
  from(uid: number, most: number): Promise<readonly Message[]>
  /** The first bytes of a mail. */
  text(uid: number, maxBytes: number): Promise<string>
  /** Deletes these and no others; `trash`: where they go if the server cannot expunge single mails (UIDPLUS). Says why they are still there. */
  remove(uids: readonly number[], trash: string | undefined): Promise<string | undefined>
  /** Waits for news of the open folder: IDLE, and a look every few seconds. Resolves at once if there is some. */
  news(signal: AbortSignal): Promise<void>
  /** LOGOUT. Never rejects. */
  close(): Promise<void>
}

/** Why there is no session, or no more of it. */
export class MailboxError extends Error {
  override readonly name = 'MailboxError'
  readonly fault: 'unreachable' | 'silent' | 'not_imap' | 'certificate' | 'no_tls' | 'login' | 'refused'
  readonly certificates: Shown | undefined
  constructor(fault: MailboxError['fault'], text: string, certificates?: Shown) {
    super(text)
    this.fault = fault
    this.certificates = certificates
  }
}

/** Connects and logs in, in the phases `imap_connect` and `imap_login`. */
export function openMailbox(look: Look, plan: MailboxPlan): Promise<Mailbox> {
  look.note(plan.host)
  return Promise.reject(new MailboxError('unreachable', 'skeleton'))
}
