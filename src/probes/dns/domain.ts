import type { Dns } from '../../clients/dns/index.ts'

/** Whether a domain exists, and takes mail (bounces). */
export interface DomainSeen {
  readonly name: string
  /** Undefined: not known. */
  readonly exists: boolean | undefined
  /** It says that it takes no mail (RFC 7505). */
  readonly nullMx: boolean
  /** By preference; undefined: not known. Without an MX record the host itself counts (RFC 5321, 5.1). */
  readonly servers: readonly MailServerSeen[] | undefined
  /** Whether it has an address itself; undefined: not known, or not looked at because there is an MX record. */
  readonly hasAddress: boolean | undefined
}

interface MailServerSeen {
  readonly name: string
  /** `problem` completes "the MX record names …, which …"; undefined: fine, or not known. */
  readonly problem: string | undefined
}

export function lookAtDomain(_dns: Dns, _name: string): Promise<DomainSeen> {
  return Promise.reject(new Error('not built yet'))
}
