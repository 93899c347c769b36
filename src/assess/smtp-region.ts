import { finding, seenBy } from '../core/probe.ts'
import { ses } from '../probes/ses/index.ts'
import { smtp } from '../probes/smtp/index.ts'
import { reason } from '../probes/smtp/reasons.ts'
import type { CheckStatus } from './assessment.ts'

/**
 * The checks. A relay of SES whose password a secret key of an `ses` target derives for another region says so, in place of the
 * plain refusal.
 */
export function withPasswordRegions(checks: readonly CheckStatus[]): readonly CheckStatus[] {
  const known = checks.flatMap(check => {
    const passwords = check.stale ? undefined : seenBy(ses, check.observation)?.seen.smtpPasswords
    return passwords ? [{ id: check.id, passwords }] : []
  })
  return known.length === 0 ? checks : checks.map(check => withRegion(check, known))
}

interface Known {
  readonly id: string
  /** Fingerprint → region. */
  readonly passwords: ReadonlyMap<string, string>
}

function withRegion(check: CheckStatus, known: readonly Known[]): CheckStatus {
  const seen = check.stale ? undefined : seenBy(smtp, check.observation)?.seen
  // What the relay takes cannot be wrong.
  if (!seen?.sesPassword || seen.authenticated === true) return check
  const { fingerprint, region } = seen.sesPassword
  const owner = known.find(({ passwords }) => passwords.has(fingerprint))
  const made = owner?.passwords.get(fingerprint)
  if (!owner || made === undefined || made === region) return check
  const text = `${seen.address}: the password was made for ${made}, used in ${region} (by the secret key of ${owner.id})`
  const others = check.reasons.filter(({ code }) => code !== 'smtp_auth_failed')
  const found = [...others, reason('smtp_password_of_other_region', text)]
  return { ...check, ...finding(check.evidence, found, check.samples) }
}
