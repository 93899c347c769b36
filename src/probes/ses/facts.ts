import { accountEvidence, accountSeen } from './judge-account.ts'
import { identityEvidence } from './judge-identity.ts'
import type { SesSeen } from './seen.ts'

/** What SES said of the account and the sender, in a few words each. Empty if it did not say it, or was not asked. */
export function sesFacts({ asked }: SesSeen): readonly string[] {
  const account = asked && accountSeen(asked)
  return [...(account ? accountEvidence(account) : []), ...(asked ? identityEvidence(asked) : [])]
}
