import { HttpFailure } from '../clients/http.ts'
import { describeError } from '../core/errors.ts'
import { redactor } from '../core/redact.ts'
import { inPlaceOf, wantOf } from '../core/want.ts'

/** Why a request failed: no whole answer came, or how to make it was not known. */
export const requestFailure = (error: unknown, text: string) =>
  error instanceof HttpFailure
    ? ({ kind: 'unanswered', text, code: error.code, tls: error.phase === 'tls', want: wantOf(error) } as const)
    : ({ kind: 'unresolved', text, want: wantOf(error) } as const)

/** Adds to an error what it was about. */
export async function named<T>(what: string, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw inPlaceOf(new Error(`${what}: ${describeError(error)}`), error)
  }
}

/** For work with secrets that the run never sees, such as tokens: a server may echo them, so its error is redacted. */
export async function blotting<T>(work: (conceal: (secret: string) => void) => Promise<T>): Promise<T> {
  const redact = redactor()
  try {
    return await work(redact.add)
  } catch (error) {
    throw inPlaceOf(new Error(redact.text(describeError(error))), error)
  }
}
