import { oneLine } from '../core/errors.ts'

/**
 * An ErrorResponse or a NoticeResponse. The text may be in any language, and so may the severity that node-postgres
 * passes on (S). So we decide by `severity` (V), the SQLSTATE and the routine, which are never translated.
 * https://www.postgresql.org/docs/current/protocol-error-fields.html
 */
export interface ServerMessage {
  /** `WARNING`, `NOTICE`, `ERROR`, `FATAL`, …; empty if the server does not give it. */
  readonly severity: string
  /** SQLSTATE. */
  readonly code: string
  /** One line, at most 300 characters. */
  readonly text: string
  /** The function in the server that sent it. A pooler gives none. */
  readonly routine: string | undefined
}

/** Parses the body of such a message: fields of a letter and a zero-terminated text, then a zero. */
export function readServerMessage(body: Buffer): ServerMessage {
  const fields = new Map<string, string>()
  for (let at = 0; at < body.length && body[at] !== 0;) {
    const end = body.indexOf(0, at)
    const stop = end === -1 ? body.length : end
    fields.set(String.fromCharCode(body[at] ?? 0), body.toString('utf8', at + 1, stop))
    at = stop + 1
  }
  return {
    severity: fields.get('V') ?? '',
    code: oneLine(fields.get('C') ?? '').slice(0, 5),
    text: oneLine(fields.get('M') ?? ''),
    routine: fields.get('R'),
  }
}

/** The message as an error, in the form of node-postgres. */
export const errorOf = ({ severity, code, text, routine }: ServerMessage): Error =>
  Object.assign(new Error(text), { severity, code, routine })

/** The routine of an error that the server sent. */
export const routineOf = (error: unknown): string | undefined =>
  error instanceof Error && 'routine' in error && typeof error.routine === 'string' ? error.routine : undefined

/** Our own text for a refusal without a code: the server's may be in any language. */
export const noProcess = 'the server could not take the connection'
