import { failureOf, type Look } from '../core/probe.ts'
import type { Failure } from '../core/errors.ts'
import type { Reference, Resolvable } from '../core/reference.ts'
import { shapes } from '../core/shape.ts'
import type { Shown } from './certificates.ts'
import { HttpFailure } from './http.ts'

/** The keys of a target with basic authentication. */
export interface BasicLogin {
  readonly user?: Resolvable | undefined
  readonly password?: Reference | undefined
}

/** The header for basic authentication (RFC 7617); none without a login. Throws Unresolved. */
export async function basicAuthorization(
  { user, password }: BasicLogin,
  look: Look,
): Promise<Readonly<Record<string, string>>> {
  if (user === undefined || password === undefined) return {}
  const name = await look.text('user', user, shapes.user)
  const login = `${name}:${await look.secret('password', password)}`
  return { Authorization: `Basic ${Buffer.from(login).toString('base64')}` }
}

export interface RequestFailure extends Failure {
  /** TLS is why: the handshake, or what the server said right after it (TLS 1.3). */
  readonly tls: boolean
}

interface Unanswered {
  readonly failure: RequestFailure
  readonly certificates: Shown | undefined
}

/** Why a target gave no answer, for an `HttpFailure`. Throws any other error. `address`: `host:port`. */
export function unanswered(error: unknown, look: Look, address: string): Unanswered {
  if (!(error instanceof HttpFailure)) throw error
  const { phase, code = '', chain } = error
  const failure = failureOf(error, look, address)
  const isName = phase === 'dns'
  return {
    failure: {
      ...failure,
      ...(isName && { phase }),
      ...(isName && failure.timedOut && { text: `${failure.text}: the name was still looked up` }),
      tls: phase === 'tls' || code.startsWith('ERR_SSL_'),
    },
    certificates: chain && { chain, verified: false, at: Date.now() },
  }
}
