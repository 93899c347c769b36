import { createBackOff, type BackOff, type LoginBackOff, type Refusal, type RefusalMemory } from '../core/back-off.ts'
import { seconds } from '../core/errors.ts'

/** A login that Vault refused and counted. */
export interface VaultRefusal extends Refusal {
  /** The answer of Vault, in one line without a secret. */
  readonly text: string
}

/**
 * Vault locks a role for all its users at the fifth refusal, each less than 15 minutes after the one before. So a login
 * is tried twice, and then once an hour: two exporters with the same mistake stay below the limit. Other credentials of
 * the role are tried at once, but not a fourth time in a row.
 */
const pausesMs = [60_000, 3_600_000] as const
const windowMs = 900_000
const longestChain = 3
const afterChainMs = 960_000

/** The back-off from logins that Vault counts. */
export const createVaultBackOff = (memory?: RefusalMemory<VaultRefusal>): LoginBackOff<VaultRefusal> =>
  createBackOff(
    {
      // The wall clock, since other processes read the times.
      now: () => Date.now(),
      windowMs,
      pauseMs({ count, chain }, isSame) {
        const ofLogin = isSame ? (pausesMs[count - 1] ?? pausesMs[1]) : 0
        return chain < longestChain ? ofLogin : Math.max(ofLogin, afterChainMs)
      },
    },
    memory,
  )

/** The answer of Vault, and when the login is tried again. */
export function backOffText({ text, pauseMs, chain }: BackOff<VaultRefusal>, isKept = true): string {
  const again = `${text}; not tried again for ${seconds(pauseMs)}`
  const why =
    chain < longestChain
      ? ', unless the credentials change'
      : `: ${chain} logins of this role were refused in a row, and Vault locks it at the fifth`
  return `${again}${why}${isKept ? '' : `; ${forgotten}`}`
}

const forgotten =
  'no later run can know of this, since it could not be written to a folder in time: each sends it again, and Vault locks the role at the fifth refusal'
