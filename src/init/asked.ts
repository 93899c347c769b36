import { deadline } from '../core/deadline.ts'

/** What came of asking a source. */
export interface Asked<T> {
  /** The address, the file or the Secret, for people. */
  readonly place: string
  readonly found: T | undefined
  /** Why there is nothing, or not all. */
  readonly why?: string
}

/** How the servers of this platform are asked. */
export interface Asking {
  readonly signal: AbortSignal
  /** PEM certificates to trust instead of those of the system, and their file. */
  readonly ca: { readonly text: string; readonly file: string } | undefined
}

/** Milliseconds for one source. */
const patienceMs = 10_000

/** Does the work under a deadline of its own. */
export async function inTime<T>(stop: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const limit = deadline(patienceMs, stop)
  try {
    return await work(limit.signal)
  } finally {
    limit.clear()
  }
}
