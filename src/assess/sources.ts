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

/** The systems that did not give values that these checks need, and in turn the systems that those read from. */
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
 * The checks, where a value could not be read because its system is down: the reason then names the system and asks for
 * nothing else. If the system works and refuses one value, the reason stays.
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

/** A system that was not checked, or too long ago, is not known to be down. */
const isDown = ({ verdict, observation, stale }: CheckStatus): boolean =>
  (verdict === 'fail' || verdict === 'unknown') && observation !== undefined && !stale

/** A login at a Vault says nothing about the source of its credentials. */
const isOf = ({ text }: Reason, system: CheckStatus, { probe }: CheckStatus): boolean =>
  probe === vault.kind || isAbout(text, system)
