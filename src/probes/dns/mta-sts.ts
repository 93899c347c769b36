/** MTA-STS (RFC 8461) and TLS-RPT (RFC 8460) of the envelope domain. It protects mail to it. */
export interface MtaStsSeen {
  readonly record: 'unanswered' | 'missing' | 'invalid' | 'found'
  readonly mode?: 'enforce' | 'testing' | 'none' | undefined
  /** What is wrong with record or policy: one sentence each. */
  readonly problems: readonly string[]
  readonly reports: 'unanswered' | 'missing' | 'invalid' | 'found'
}
