import { kindsOf } from '../probes/needs.ts'
import { vault } from '../probes/vault/index.ts'
import { isAbout } from '../core/source.ts'
import type { Reason } from '../core/probe.ts'
import type { CheckStatus } from './assessment.ts'
import type { Checks } from './checks.ts'

/** The kinds of systems that others read values from, in dependency order. */
export const sourceKinds = kindsOf('source')

export const isSource = ({ probe }: { readonly probe: string }): boolean => sourceKinds.some(kind => kind === probe)

/** Whether a reason says that something could not be read. */
export const isUnread = ({ code }: Reason): boolean => /_(unresolved|unreadable)$/.test(code)

/**
 * The systems that did not give what a check was to read from them, and those that they in turn did not get something
 * from: a Vault whose token is in a Secret waits for the API server.
 */
export function sourcesBehind(checks: readonly CheckStatus[], all: Checks): readonly CheckStatus[] {
  const found = new Set<string>()
  for (let next = checks; next.length > 0;) {
    const ids = next.flatMap(({ observation }) => observation?.unmet ?? []).filter(id => !found.has(id))
    for (const id of ids) found.add(id)
    next = all.withIds(ids)
  }
  return all.withIds(found)
}

/**
 * The same checks; where one could not read something because the system it is in is down, that reason says so, and asks
 * for nothing to be done here. A system that works, and refuses one value, leaves the reason as it is.
 */
export function withCauses(all: Checks): readonly CheckStatus[] {
  return all.all.map(check => {
    if (!check.observation?.unmet.length || !check.reasons.some(isUnread)) return check
    const down = all.withIds(check.observation.unmet).filter(isDown)
    const reasons = check.reasons.map(reason => {
      const cause = isUnread(reason) ? down.find(system => isOf(reason, system, check)) : undefined
      return cause ? { ...reason, because: cause.id, remedy: `Mend ${cause.id} first: this follows from it.` } : reason
    })
    return reasons.every((reason, i) => reason === check.reasons[i]) ? check : { ...check, reasons }
  })
}

/** What has not been looked at, or too long ago, is not known to be down. */
const isDown = ({ verdict, observation, stale }: CheckStatus): boolean =>
  (verdict === 'fail' || verdict === 'unknown') && observation !== undefined && !stale

/** A login at a Vault says nothing of where its credentials come from. */
const isOf = ({ text }: Reason, system: CheckStatus, { probe }: CheckStatus): boolean =>
  probe === vault.kind || isAbout(text, system)
