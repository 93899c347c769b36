import { describeError } from '../../core/errors.ts'
import { withSubject } from '../../core/subject.ts'
import { inPlaceOf } from '../../core/want.ts'
import { shownIn, type Shown } from '../certificates.ts'

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

/** The error of a step with the address first, and what kind of a fault it is. */
export function explained(error: unknown, where: string, signal: AbortSignal): MailboxError {
  const text = describeError(signal.aborted ? signal.reason : error)
  const line = withSubject(where, text)
  if (signal.aborted) return new MailboxError('silent', line)
  return error instanceof MailboxError
    ? new MailboxError(error.fault, line, error.certificates, error.missing)
    : inPlaceOf(new MailboxError('unreachable', line, shownIn(error)), error)
}
