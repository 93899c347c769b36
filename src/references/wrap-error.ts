import { describeError } from '../core/errors.ts'
import { redactor } from '../core/redact.ts'
import { inPlaceOf } from '../core/want.ts'

/** The same, and an error says what it was about. */
export async function named<T>(what: string, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw inPlaceOf(new Error(`${what}: ${describeError(error)}`), error)
  }
}

/** Work with secrets that the run never sees, such as tokens: they are blotted out of its error, since a server may repeat them. */
export async function blotting<T>(work: (conceal: (secret: string) => void) => Promise<T>): Promise<T> {
  const redact = redactor()
  try {
    return await work(redact.add)
  } catch (error) {
    throw inPlaceOf(new Error(redact.text(describeError(error))), error)
  }
}
