import { connectionProblem } from '../clients/postgres-errors.ts'
import { checkId, seenBy } from '../core/probe.ts'
import { firstProvider, namesFor, type MailTarget } from '../probes/mail/index.ts'
import { kindsOf } from '../probes/needs.ts'
import { outbox } from '../probes/outbox/index.ts'
import type { Reason as OutboxReason } from '../probes/outbox/reasons.ts'
import type { CheckStatus, ClusterStatus, MailStatus, Plan } from './assessment.ts'
import { isLoss } from './canary.ts'
import { indexOf } from './checks.ts'
import { assessMail } from './mail.ts'
import { clusterOf, hasProblem, isDown, nodesOf } from './nodes.ts'
import { outside } from './path/down-behind.ts'
import { isSource, withCause } from './sources.ts'
import type { Problem } from './verdict.ts'

/** What an outbox shows if no mail leaves, for whatever cause. Mails that were given up stay so, and ask for more. */
const ofStandstill: readonly OutboxReason['code'][] = ['outbox_stuck', 'outbox_late', 'outbox_growing', 'outbox_quiet']
const unreadable: OutboxReason['code'] = 'outbox_unreadable'

/**
 * The checks. What an outbox shows only because an earlier link of its mail path fails says so, and asks for nothing else. So
 * an outbox is the one thing to fix where all before it works.
 */
export function withOutboxCauses(
  plan: Plan,
  checks: readonly CheckStatus[],
  clusters: readonly ClusterStatus[],
): readonly CheckStatus[] {
  const isConcerned = ({ probe, stale, verdict }: CheckStatus): boolean =>
    probe === outbox.kind && !stale && verdict !== 'ok'
  if (!checks.some(isConcerned)) return checks
  const isOther = ({ probe }: { readonly probe: string }): boolean => probe !== outbox.kind
  const before = checks.filter(isOther)
  const { paths: statuses } = assessMail({ ...plan, checks: plan.checks.filter(isOther) }, before, clusters)
  return checks.map(check => {
    if (!isConcerned(check)) return check
    const own = statuses.filter((_, i) => isNeededBy(check, plan.mail[i]))
    const standstill = own.flatMap(path => brokenLink(path) ?? [])[0]
    const silence = behindSilence(check, before, own)
    return withCause(check, ({ code }) => {
      if (code === unreadable) return silence
      return ofStandstill.some(one => one === code) ? standstill : undefined
    })
  })
}

const isNeededBy = ({ target }: CheckStatus, path: MailTarget | undefined): boolean =>
  path !== undefined && (namesFor(path, outbox.kind)?.includes(target) ?? true)

/**
 * The first link that fails. If none does, a Vault that is down counts as one where the login at the relay waits for its value:
 * without the password no mail leaves, and a sender that is restarted now does not get it either. The provider that the
 * application is set to counts also where the other one would take the mail: an outbox that does not move shows that the
 * application does not fall back.
 */
function brokenLink({ blockers, exceptions, provider, needs }: MailStatus): string | undefined {
  const first = provider ?? firstProvider(kind => needs[kind].length > 0)
  const isBroken = ({ probe, reason }: Problem): boolean => probe === first && reason.verdict === 'fail'
  // What is lost has left the outbox. What is refused has not.
  const refused = blockers.filter(({ reason }) => !isLoss(reason))
  // What receivers do not believe leaves the outbox as well, unless the way refuses it for that.
  const isHeld = (one: Problem): boolean =>
    !isBelief(one) || refused.some(({ reason }) => reason.because === checkId(one))
  const before = refused.filter(isHeld)
  const link =
    before.find(one => one.level === 'fail' || isBroken(one)) ??
    exceptions.find(isBroken) ??
    before.find(one => isSource(one) && one.reason.verdict === 'fail')
  return link && checkId(link)
}

const beliefs = kindsOf('belief')
const isBelief = ({ probe }: Problem): boolean => beliefs.some(kind => kind === probe)

/** What keeps the outbox from getting a session, if that is known: its node is down, or a write path gets in no more than it does. */
function behindSilence(
  check: CheckStatus,
  all: readonly CheckStatus[],
  paths: readonly MailStatus[],
): string | undefined {
  const seen = seenBy(outbox, check.observation)?.seen
  if (!seen?.failure || !outside.includes(connectionProblem(seen.failure))) return undefined
  const node = nodesOf(all).find(({ address, check }) => address === seen.address && isDown(check))
  if (node) return node.check.id
  const blocking = indexOf(all).withIds(paths.flatMap(({ blockers }) => blockers.map(checkId)))
  return blocking.find(one => clusterOf(one) === clusterOf(check) && !one.stale && hasProblem(one, outside))?.id
}
