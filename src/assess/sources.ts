import { kindsOf } from '../probes/needs.ts'
import { vault } from '../probes/vault/index.ts'
import { isAbout } from '../core/source.ts'
import type { Reason } from '../core/probe.ts'
import type { CheckStatus } from './assessment.ts'
import { outside } from './path/down-behind.ts'
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
 * The checks. A reason that follows from another check says so, and asks for nothing else: where a value could not be read
 * because its system is down, and where a path does not get in because what is behind it is down (`behind`). If the system
 * works and refuses one value, the reason stays.
 */
export function withCauses(
  all: Checks,
  behind: (path: CheckStatus) => CheckStatus | undefined,
): readonly CheckStatus[] {
  return all.all.map(check => {
    const unmet = check.observation?.unmet ?? []
    const down = unmet.length > 0 && check.reasons.some(isUnread) ? all.withIds(unmet).filter(isSourceDown) : []
    const below = behind(check)
    if (down.length === 0 && !below) return check
    return withCause(check, reason => {
      const source = isUnread(reason) ? down.find(system => isOf(reason, system, check)) : undefined
      return (source ?? (isLockedOut(check, reason) ? below : undefined))?.id
    })
  })
}

/** The check. Its reasons that follow from something else say so: from the check or the cluster that `causeOf` names. */
export function withCause(check: CheckStatus, causeOf: (reason: Reason) => string | undefined): CheckStatus {
  const reasons = check.reasons.map(reason => {
    const because = reason.because === undefined ? causeOf(reason) : undefined
    return because === undefined
      ? reason
      : { ...reason, because, remedy: `Fix ${because} first: this follows from it.` }
  })
  return reasons.every((reason, i) => reason === check.reasons[i]) ? check : { ...check, reasons }
}

const isLockedOut = ({ probe }: CheckStatus, { code }: Reason): boolean =>
  outside.some(problem => code === `${probe}_${problem}`)

/** A system that was not checked, or too long ago, is not known to be down. */
export const isSourceDown = ({ verdict, observation, stale }: CheckStatus): boolean =>
  (verdict === 'fail' || verdict === 'unknown') && observation !== undefined && !stale

/** A login at a Vault says nothing about the source of its credentials. */
const isOf = ({ text }: Reason, system: CheckStatus, { probe }: CheckStatus): boolean =>
  probe === vault.kind || isAbout(text, system)
