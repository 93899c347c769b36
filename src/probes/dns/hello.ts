/** The name that senders say hello with. */
export interface HelloSeen {
  readonly name: string
  /** Its addresses; undefined: not known. */
  readonly addresses: readonly string[] | undefined
  /** Addresses of senders that it does not lead to. */
  readonly notOf: readonly string[]
}
