import { cut, visible } from './shown.ts'
import type { Want } from './want.ts'

/** The configuration is wrong. The message is for the user, without a stack. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
}

/**
 * A reference (`{file: …}`, `{vault: …}`, …) could not be fetched. The look did not happen, so the verdict is unknown.
 */
export class Unresolved extends Error {
  override readonly name = 'Unresolved'
}

/** The reason of the abort signal when a run has used up its time. */
export class DeadlineExceeded extends Error {
  override readonly name = 'DeadlineExceeded'
  constructor(ms: number) {
    super(`no answer within ${seconds(ms)}`)
  }
}

export const seconds = (ms: number): string => `${Math.round(ms) / 1000} s`

export const oneLine = (text: string): string => cut(visible(text, Infinity).trim(), 300)

/**
 * Any thrown value as one line for people. Unwraps `cause` (fetch hides the error there) and AggregateError (a refused
 * dual-address connect has an empty message). Never prints properties such as `input`.
 */
export function describeError(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0)
    return oneLine([...new Set(error.errors.map(describeError))].join('; '))
  if (!(error instanceof Error)) return oneLine(typeof error === 'string' ? error : 'an unknown error')
  const own = oneLine(error.message)
  if (error.cause === undefined) return own || codeOf(error) || error.name
  const cause = describeError(error.cause)
  if (own === '' || own === 'fetch failed') return cause
  return own.includes(cause) ? own : oneLine(`${own}: ${cause}`)
}

/** The `code` of a system or protocol error (`ECONNREFUSED`, `25006`), also of a cause or inside an AggregateError. */
export function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined
  if ('code' in error && typeof error.code === 'string') return error.code
  if (error instanceof AggregateError) return codeOf(error.errors[0])
  return 'cause' in error ? codeOf(error.cause) : undefined
}

/** Why a run stopped early: phase, code, and one line for people. */
export interface Failure {
  readonly phase: string
  readonly code: string | undefined
  readonly text: string
  readonly timedOut: boolean
  /** What the exporter itself lacked, if that is the cause. Then the failure is no evidence of the target. */
  readonly want?: Want | undefined
}
