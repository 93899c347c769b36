import { durationText } from '../core/duration.ts'
import { finding, seenBy, type Reason } from '../core/probe.ts'
import { commonReason } from '../core/reasons.ts'
import { canary } from '../probes/canary/index.ts'
import { undecided } from '../probes/canary/judge-mails.ts'
import { leavesBy } from '../probes/canary/leaves-by.ts'
import type { Reason as CanaryReason } from '../probes/canary/reasons.ts'
import type { Reason as SesReason } from '../probes/ses/reasons.ts'
import type { CheckStatus } from './assessment.ts'
import type { Checks } from './checks.ts'
import { isSourceDown, withCause } from './sources.ts'

type Code = CanaryReason['code']

/** What a canary shows if its way is broken, for whatever cause. */
const ofBrokenWay: readonly Code[] = [
  'canary_not_sent',
  'canary_rejected',
  'canary_deferred',
  'canary_late',
  'canary_lost',
]
/** The application is refused like the canary, and may take its other way. A mail that was accepted and lost, it thinks sent. */
const ofRefusal: readonly Code[] = ['canary_rejected', 'canary_deferred']
const ofLoss: readonly Code[] = ['canary_lost', 'canary_bounced']
/** Nothing is wrong with such a way: it only was not asked. A mail by it tells more than its own check. */
const notAsked: readonly SesReason['code'][] = ['ses_not_verified', 'ses_permission_missing']

/** Whether a canary shows that its way refuses mail. */
export const isRefusal = ({ code, verdict }: Reason): boolean =>
  verdict === 'fail' && ofRefusal.some(one => one === code)

/** Whether a canary shows that mail which its way accepted does not arrive. */
export const isLoss = ({ code, verdict }: Reason): boolean => verdict === 'fail' && isLossCode(code)

/** Whether a reason is about mail that was accepted. */
export const isLossCode = (code: string): boolean => ofLoss.some(one => one === code)

/**
 * The checks. What a canary shows only because the relay or the SES that it leaves by is broken says so, and asks for nothing else;
 * also that a value of it could not be read because a Vault or the API server is down.
 */
export function withCanaryCauses({ all, withIds }: Checks): readonly CheckStatus[] {
  return all.map(check => {
    const own = leavesBy(check)
    if (!own || check.stale) return check
    const broken = withIds([own.id]).find(isBroken)
    const source = withIds(check.observation?.unmet ?? []).find(isSourceDown)
    return withCause(check, ({ code }) => {
      if (broken && ofBrokenWay.some(one => one === code)) return broken.id
      return code === 'canary_not_sent' ? source?.id : undefined
    })
  })
}

const isBroken = ({ verdict, reasons }: CheckStatus): boolean =>
  verdict === 'fail' ||
  (verdict === 'unknown' && !reasons.every(({ code }) => notAsked.some(harmless => harmless === code)))

/**
 * When a canary is not `ok` any more unless it is looked at again: its oldest mail that is waited for is lost then (milliseconds
 * since the epoch). Infinity where none is. The clock may have been set since the run, so times of the two are not compared.
 */
export function overdueAt({ verdict, observation }: CheckStatus): number {
  const ran = verdict === 'ok' ? seenBy(canary, observation) : undefined
  const oldest = undecided(ran?.seen.mails ?? []).at(-1)
  if (!observation || !ran || !oldest) return Infinity
  return observation.finishedAt + ran.target.lost_after - (ran.seen.at - oldest.sentAt)
}

/** The checks. A canary is not `ok` for longer than a mail may take, unless somebody looks for it. */
export function withOverdueCanaries(checks: readonly CheckStatus[], now: number): readonly CheckStatus[] {
  return checks.map(check => {
    if (!check.observation || now < overdueAt(check)) return check
    const ago = durationText((now - check.observation.finishedAt) / 1_000)
    const text = `last looked for ${ago} ago; a canary that had not arrived then may be lost`
    return { ...check, ...finding('', [commonReason('stale', text)], check.samples) }
  })
}
