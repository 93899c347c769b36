import type { ConnectionOptions } from 'node:tls'
import type { Shown } from '../certificates.ts'

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

interface Opened {
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
  /** An [ALERT] of the server, or that there is no room (OVERQUOTA, QUOTA), in one line. */
  readonly alert: string | undefined
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
