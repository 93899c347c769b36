import type { Failure } from '../../core/errors.ts'

/**
 * A name without an address. The codes are those of getaddrinfo(3), as Node has them. The message does not contain the
 * name.
 */
export class NameFailure extends Error {
  override readonly name = 'NameFailure'
  readonly code: 'ENOTFOUND' | 'EAI_AGAIN'
  constructor(code: 'ENOTFOUND' | 'EAI_AGAIN', text: string) {
    super(`${text} (${code})`)
    this.code = code
  }
}

/** What to do if a run failed on, or waited for, a name; undefined for any other failure. */
export function remedyForName({ phase, code, timedOut }: Partial<Failure>): string | undefined {
  if (code === 'EAI_AGAIN' || (timedOut === true && phase === 'dns')) return remedyForServers
  return code === 'ENOTFOUND' ? remedyForNoName : undefined
}

const remedyForServers =
  'The name servers could not say where this name leads. Look at the name servers in /etc/resolv.conf of this machine, and at those of the zone. The target may be well, but an application with the same name servers does not find it either.'
const remedyForNoName =
  'The name servers of this machine do not know the host name. Correct it where it is set, or add it to DNS; compare `search` in /etc/resolv.conf and /etc/hosts with those of the application.'
