import type { CheckStatus, MailStatus } from '../assess/assessment.ts'
import { groupBy } from '../core/group.ts'
import { byVerdict, checkId, verdicts, worst, type Verdict } from '../core/probe.ts'
import { mail } from '../probes/mail/index.ts'
import { needRow, pathKinds } from '../probes/needs.ts'

/** Checks that belong together: of one application, or of one kind where several applications share them. */
export interface CheckGroup {
  readonly title: string
  /** Worst first. */
  readonly checks: readonly CheckStatus[]
}

/** The checks in groups, the group with the worst check first. Pure. */
export function groupsOf(checks: readonly CheckStatus[], paths: readonly MailStatus[]): readonly CheckGroup[] {
  const owners = paths.length > 1 ? ownersOf(paths) : new Map<string, readonly string[]>()
  const titleOf = ({ id, probe }: CheckStatus): string => {
    const [owner, ...others] = owners.get(id) ?? []
    return owner !== undefined && others.length === 0 ? owner : (needRow(probe)?.title ?? probe)
  }
  return [...groupBy(worstFirst(checks), titleOf)]
    .map(([title, group]) => ({ title, checks: group }))
    .sort((a, b) => byVerdict(worstOf(a), worstOf(b)))
}

const worstOf = ({ checks }: CheckGroup): Verdict => worst(checks.map(({ verdict }) => verdict))

export const worstFirst = (checks: readonly CheckStatus[]): readonly CheckStatus[] =>
  [...checks].sort((a, b) => byVerdict(a.verdict, b.verdict))

/** The mail paths that need a check, by the id of the check. */
function ownersOf(paths: readonly MailStatus[]): ReadonlyMap<string, readonly string[]> {
  const pairs = paths.flatMap(path => idsOf(path).map(id => ({ id, name: path.name })))
  return new Map([...groupBy(pairs, ({ id }) => id)].map(([id, all]) => [id, all.map(({ name }) => name)]))
}

/** The ids of the checks that a mail path needs. */
export const idsOf = ({ name, needs }: MailStatus): readonly string[] => [
  checkId({ probe: mail.kind, target: name }),
  ...pathKinds.flatMap(probe => needs[probe].map(target => checkId({ probe, target }))),
]

/** How many checks have each verdict, worst first. None is left out that some check has. */
export const tallyOf = (checks: readonly CheckStatus[]): readonly (readonly [Verdict, number])[] =>
  [...verdicts]
    .sort(byVerdict)
    .map(verdict => [verdict, checks.filter(check => check.verdict === verdict).length] as const)
    .filter(([, n]) => n > 0)
