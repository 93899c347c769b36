import type { Dns } from '../../clients/dns/index.ts'
import type { Look } from '../../core/probe.ts'

export const mtaStsModes = ['enforce', 'testing', 'none'] as const

/** MTA-STS (RFC 8461) and TLS-RPT (RFC 8460) of the envelope domain. It protects mail to it. */
export interface MtaStsSeen {
  readonly record: 'unanswered' | 'missing' | 'invalid' | 'found'
  /** Of a record that was found. */
  readonly id?: string | undefined
  /** Of a policy that could be read. */
  readonly mode?: (typeof mtaStsModes)[number] | undefined
  /** Stands for the text of the policy: another text has another one. */
  readonly fingerprint?: string | undefined
  /** What is wrong with record or policy: one sentence each, with its name in front. */
  readonly problems: readonly string[]
  /** Why it is not known what the policy says, though there is a record: one line. */
  readonly unread?: string | undefined
  readonly reports: 'unanswered' | 'missing' | 'invalid' | 'found'
  /** Of invalid reports: completes "the record …". */
  readonly reportsProblem?: string | undefined
}

interface MtaStsOptions extends Pick<Look, 'signal' | 'timeoutMs' | 'note' | 'failed'> {
  /** PEM certificates to trust instead of those of the system. */
  readonly ca?: string | undefined
}

export function lookAtMtaSts(_dns: Dns, _domain: string, _options: MtaStsOptions): Promise<MtaStsSeen> {
  return Promise.reject(new Error('not built yet'))
}
