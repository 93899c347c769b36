import type { Shown } from './certificates.ts'

/** Why there is no session, or no more of it. */
export class MailboxError extends Error {
  override readonly name = 'MailboxError'
  readonly fault: 'unreachable' | 'silent' | 'not_imap' | 'certificate' | 'no_tls' | 'login' | 'refused'
  readonly certificates: Shown | undefined
  /** There is no such folder. */
  readonly missing: boolean
  constructor(fault: MailboxError['fault'], text: string, certificates?: Shown, missing = false) {
    super(text)
    this.fault = fault
    this.certificates = certificates
    this.missing = missing
  }
}
