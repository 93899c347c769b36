import { durationText } from '../core/duration.ts'
import { finding, seenBy, type Reason } from '../core/probe.ts'
import { commonReason } from '../core/reasons.ts'
import { canary } from '../probes/canary/index.ts'
import { leavesBy } from '../probes/canary/leaves-by.ts'
import type { Reason as CanaryReason } from '../probes/canary/reasons.ts'
import type { CanarySeen } from '../probes/canary/seen.ts'
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
export const isLoss = ({ code, verdict }: Reason): boolean => verdict === 'fail' && ofLoss.some(one => one === code)

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

/** A mail that is out, with its age in milliseconds when it was last looked for, and now. */
interface Waiting {
  readonly then: number
  readonly now: number
}

/**
 * The mails of a check that are out, the newest first. The clock of its last run and ours are not compared: one may have been
 * set since.
 */
function waitingOf({ stale, observation }: CheckStatus, now: number): readonly Waiting[] {
  const seen = stale ? undefined : seenBy(canary, observation)?.seen
  if (!seen || !observation) return []
  const since = now - observation.finishedAt
  return outOf(seen).map(then => ({ then, now: then + since }))
}

const outOf = ({ mails, at }: CanarySeen): number[] =>
  mails.filter(({ fate }) => fate === 'out').map(({ sentAt }) => at - sentAt)

const hasPassed = ({ then, now }: Waiting, ms: number): boolean => then < ms && now >= ms

/** The checks whose mails have become late or lost since they were last looked for. It may be there by now, so only a look decides. */
export const canariesToLook = (checks: readonly CheckStatus[], now: number): readonly string[] =>
  checks.flatMap(check => {
    const times = seenBy(canary, check.observation)?.target
    if (!times) return []
    const due = [times.late_after, times.lost_after]
    return waitingOf(check, now).some(mail => due.some(ms => hasPassed(mail, ms))) ? [check.id] : []
  })

/** The checks. A canary is not `ok` for longer than its newest mail may take, unless somebody looks for it. */
export function withOverdueCanaries(checks: readonly CheckStatus[], now: number): readonly CheckStatus[] {
  return checks.map(check => {
    if (check.probe !== canary.kind || check.verdict !== 'ok') return check
    const target = seenBy(canary, check.observation)?.target
    const [newest] = waitingOf(check, now)
    if (!target || !newest || !hasPassed(newest, target.lost_after)) return check
    const ago = durationText((newest.now - newest.then) / 1_000)
    const text = `last looked for ${ago} ago; the canary that is out since ${durationText(newest.now / 1_000)} may be lost`
    return { ...check, ...finding('', [commonReason('stale', text)], check.samples) }
  })
}
