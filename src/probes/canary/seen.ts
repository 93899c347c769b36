import type { AuthMethod } from './target.ts'

/**
 * What one run saw, and what is remembered of the mails before. No token and no mail address is in it. Times are in
 * milliseconds since the epoch.
 */
export interface CanarySeen {
  /** The end of the run: ages are of then. */
  readonly at: number
  /** Where it is handed over: `host:port` of the relay, or of SES. */
  readonly address: string
  /** Of `from`, and of the sender in the envelope: in small letters; undefined if they could not be read. */
  readonly domains?: readonly string[] | undefined
  /** How the last hand-over ended, also if this run made none (not due, or three are out); undefined before the first. */
  readonly handOver?: HandOver | undefined
  /** Since when the way refuses for now (4xx) each mail; undefined if the last was not. */
  readonly deferredSince?: number | undefined
  /**
   * Newest first: all that are out, and of those whose fate is known the last few, among them always the newest that arrived.
   * Only mails that were accepted, or may have been (`unanswered`). Empty without `mailbox`. Their times are as if the clock
   * had always been as it is at `at`, so a step of it makes no mail late.
   */
  readonly mails: readonly CanaryMail[]
  /** Undefined without `mailbox`. */
  readonly mailbox?: MailboxSeen | undefined
  readonly counts: CanaryCounts
}

export type HandOver =
  | {
      readonly kind: 'accepted'
      /** The end of DATA was answered. */
      readonly at: number
      /** The answer of the relay, such as `250 2.0.0 Ok: queued as 4ZxY`. */
      readonly reply: string
    }
  | {
      readonly kind: 'refused'
      /** Where: `MAIL`, `RCPT`, `DATA` (the command), `mail` (its content), `SendEmail`. */
      readonly verb: string
      /** Three digits of SMTP, or the status of HTTP. */
      readonly code: number
      /** RFC 3463, such as 5.7.26. */
      readonly status: string | undefined
      readonly text: string
      /** 4xx: the relay may take it later. */
      readonly forNow: boolean
    }
  /**
   * All of the mail went out, and no answer to it came: it may have been taken, so it is out. `at`: when it was clear that
   * none comes. `text` begins with the address.
   */
  | { readonly kind: 'unanswered'; readonly at: number; readonly text: string }
  /** The way itself is broken: its own check says why. `text` begins with the address. */
  | { readonly kind: 'not_sent'; readonly text: string }

/** A mail that the way accepted, or may have. */
export interface CanaryMail {
  readonly sentAt: number
  /** The answer at the end of DATA, as in HandOver: it names the place in the queue. */
  readonly reply?: string | undefined
  /** `out` also after `lost_after`, as long as it may still come. `written_off`: it is not waited for any more. */
  readonly fate: 'out' | 'arrived' | 'bounced' | 'written_off'
  readonly arrival?: Arrival | undefined
  readonly bounce?: Bounce | undefined
}

export interface Arrival {
  /** From the end of DATA until it was in the mailbox, never below 0. A second is the resolution, unless IDLE told. */
  readonly seconds: number
  readonly seenAt: number
  readonly folder: FolderKind
  /** As IMAP names it. */
  readonly folderName: string
  /** 1, or more if the same mail came several times. */
  readonly copies: number
  readonly headers: HeaderFacts
}

export const folderKinds = ['inbox', 'junk', 'other'] as const
export type FolderKind = (typeof folderKinds)[number]

/** https://www.iana.org/assignments/email-auth/email-auth.xhtml */
export const authResults = ['pass', 'fail', 'softfail', 'neutral', 'none', 'temperror', 'permerror', 'policy'] as const
export type AuthResult = (typeof authResults)[number]

/** What the headers of a mail tell of its way. */
export interface HeaderFacts {
  /** Of the trusted host only; undefined if there is none of it. */
  readonly authentication:
    { readonly by: string; readonly results: Readonly<Partial<Record<AuthMethod, AuthResult>>> } | undefined
  /** How many `Received` headers. */
  readonly hops: number
  /** The longest time between two hops, in seconds, never below 0; undefined with fewer than two. */
  readonly slowestHopSeconds: number | undefined
  /** The hosts that took it over a network without TLS, first hop first. */
  readonly clearHops: readonly string[]
}

/** A delivery status notification (RFC 3464) about a mail of ours. */
export interface Bounce {
  readonly seenAt: number
  /** Such as 5.2.2. */
  readonly status: string | undefined
  /** Diagnostic-Code, or what there is of it, in one line. */
  readonly text: string
}

export interface MailboxSeen {
  /** `host:port` */
  readonly address: string
  readonly failure?: { readonly fault: MailboxFault; readonly text: string } | undefined
  /** When all folders were last read to the end, in this run or before; undefined before the first time. */
  readonly readAt?: number | undefined
  /** Folders of the configuration that are not there. */
  readonly missing: readonly string[]
  /** The mailbox has no room (OVERQUOTA), or the server warns of that. */
  readonly full?: string | undefined
  /** Leftovers that could not be deleted, and why. */
  readonly kept?: string | undefined
}

/** Why the mailbox could not be read. */
export const mailboxFaults = [
  /** A value of its settings could not be fetched. */
  'unresolved',
  'unreachable',
  'silent',
  /** Another protocol, or a broken one. */
  'not_imap',
  'certificate',
  /** STARTTLS is wanted and not offered, or LOGINDISABLED. */
  'no_tls',
  'login',
  /** The login was refused before, and is not tried again yet. */
  'backed_off',
  /** The server refused a command, or has a fault of its own. */
  'refused',
] as const
export type MailboxFault = (typeof mailboxFaults)[number]

/** Since the start of the exporter, or since the target was changed. */
export interface CanaryCounts {
  readonly sent: number
  readonly arrived: Readonly<Record<FolderKind, number>>
  readonly late: number
  readonly lost: number
  readonly rejected: number
  readonly bounced: number
  readonly duplicates: number
  readonly leftoversRemoved: number
}
