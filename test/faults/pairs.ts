/** Two faults at the same time: one root blocker, and the right one by the order in which things depend on one another. */
import type { Verdict } from '../../src/core/probe.ts'
import type { Area, Fault } from './fault.ts'
import { app, kubernetes, vault, type Single } from './pairs-app.ts'
import { database, relay } from './pairs-servers.ts'
import { outbox, ses } from './pairs-ses.ts'
import { startPairsStage, times, type PairsStage } from './pairs-stage.ts'
import { runnable } from './runner.ts'

interface Pair {
  readonly of: readonly [Single, Single]
  readonly verdict: Verdict
  /** Which of them is to blame; left out where mail survives both. */
  readonly root?: Single
  /** The other one is a consequence of the root, and names its check as the cause. */
  readonly follows?: true
  /** Why the second cannot be told while the first holds. It must be told once the first is healed. */
  readonly hides?: string
}

const bothFail: readonly Pair[] = [
  { of: [app.settingDifferent, app.packageMissing], verdict: 'fail', root: app.settingDifferent },
  { of: [app.settingAbsent, app.databaseUrlAtStandby], verdict: 'fail', root: app.settingAbsent },
  { of: [database.splitBrain, app.settingDifferent], verdict: 'fail', root: app.settingDifferent },
  { of: [database.noPrimary, app.packageMissing], verdict: 'fail', root: app.packageMissing },
  { of: [relay.silent, app.packageMissing], verdict: 'fail', root: app.packageMissing },
  { of: [relay.wrongPassword, database.noPrimary], verdict: 'fail', root: database.noPrimary },
  { of: [relay.refused, database.splitBrain], verdict: 'fail', root: database.splitBrain },
  { of: [database.primaryKilled, relay.refused], verdict: 'fail', root: database.primaryKilled },
  { of: [relay.certificateExpired, database.heartbeatRevoked], verdict: 'fail', root: database.heartbeatRevoked },
  { of: [database.commitStuck, relay.silent], verdict: 'fail', root: database.commitStuck },
  // The provider that is chosen comes before the one that might take its place.
  { of: [relay.refused, app.sesHalfChosen], verdict: 'fail', root: app.sesHalfChosen },
  { of: [app.sesHalf, relay.refused], verdict: 'fail', root: relay.refused },
]

/** A proven failure is to blame, though something unknown may stand before it. */
const oneFails: readonly Pair[] = [
  { of: [app.providerUnknown, vault.withoutKey], verdict: 'fail', root: vault.withoutKey },
  { of: [vault.sealed, database.readOnly], verdict: 'fail', root: database.readOnly },
  { of: [vault.down, relay.refused], verdict: 'fail', root: relay.refused },
  // No mail leaves, which proves that the password is missing where it is needed.
  { of: [outbox.stuck, vault.down], verdict: 'fail', root: vault.down, follows: true },
  { of: [outbox.stuck, relay.refused], verdict: 'fail', root: relay.refused, follows: true },
  { of: [database.primaryKilled, vault.sealed], verdict: 'fail', root: database.primaryKilled },
  { of: [vault.tokenExpired, app.settingDifferent], verdict: 'fail', root: app.settingDifferent },
  { of: [app.databaseUrlUnset, relay.wrongPassword], verdict: 'fail', root: relay.wrongPassword },
  { of: [kubernetes.forbidden, app.packageMissing], verdict: 'fail', root: app.packageMissing },
  { of: [app.codeMissing, database.splitBrain], verdict: 'fail', root: database.splitBrain },
  {
    of: [relay.refused, relay.wrongPassword],
    verdict: 'fail',
    root: relay.refused,
    hides: 'there is no connection to log in on.',
  },
  {
    of: [relay.certificateExpired, relay.wrongPassword],
    verdict: 'fail',
    root: relay.certificateExpired,
    hides: 'no password goes to a relay whose certificate does not verify.',
  },
]

const bothUnknown: readonly Pair[] = [
  { of: [app.databaseUrlUnset, vault.sealed], verdict: 'unknown', root: vault.sealed },
  { of: [kubernetes.forbidden, vault.down], verdict: 'unknown', root: vault.down },
  { of: [app.envMissing, vault.sealed], verdict: 'unknown', root: vault.sealed },
  { of: [vault.down, app.providerUnknown], verdict: 'unknown', root: vault.down },
  { of: [app.sesHalfChosen, vault.sealed], verdict: 'unknown', root: vault.sealed },
  { of: [app.providerUnknown, kubernetes.forbidden], verdict: 'unknown', root: kubernetes.forbidden },
  { of: [app.codeMissing, app.providerUnknown], verdict: 'unknown', root: app.providerUnknown },
  // With the .env nothing is known of SES either, which might take the mail of the relay.
  { of: [relay.refused, app.envMissing], verdict: 'unknown', root: app.envMissing },
  {
    of: [vault.sealed, relay.wrongPassword],
    verdict: 'unknown',
    root: vault.sealed,
    hides: 'without the password no login is tried.',
  },
]

const survived: readonly Pair[] = [
  { of: [relay.greylisting, database.lag], verdict: 'warn' },
  { of: [database.standbyKilled, app.stubDeployed], verdict: 'warn' },
  { of: [vault.tokenExpiring, database.receiverCut], verdict: 'warn' },
  { of: [database.standbyKilled, relay.wrongPassword], verdict: 'fail', root: relay.wrongPassword },
  { of: [database.readOnly, database.standbyKilled], verdict: 'fail', root: database.readOnly },
  // The relay would take the mail that SES does not.
  { of: [app.sesHalfChosen, database.readOnly], verdict: 'fail', root: database.readOnly },
  { of: [database.standbyKilled, app.envMissing], verdict: 'unknown', root: app.envMissing },
  // The Vault gives all that is asked of it.
  { of: [vault.unusedDenied, app.envMissing], verdict: 'unknown', root: app.envMissing },
]

/** `probe/target` of a reason. */
const checkOf = (reason: string): string => reason.slice(0, reason.lastIndexOf(' '))

const fault = ({ of: [first, second], verdict, root, follows, hides }: Pair): Fault<PairsStage> => {
  const told = hides === undefined ? [...first.reasons, ...second.reasons] : first.reasons
  const seen = {
    verdict,
    ...(root && { root: root.reasons[0] }),
    reasons: told,
    ...(root && follows && { because: { [(root === first ? second : first).reasons[0]]: checkOf(root.reasons[0]) } }),
  }
  const both = {
    name: `${first.name} + ${second.name}`,
    inject: async (stage: PairsStage): Promise<void> => {
      await Promise.all([first.inject(stage), second.inject(stage)])
    },
    heal: (stage: PairsStage) => stage.healParts(new Set([first.breaks, second.breaks])),
  }
  if (hides === undefined) return { ...both, seen }
  return {
    ...both,
    seen: { ...seen, not: second.reasons },
    hidden: `\`${second.reasons.join('`, `')}\`: ${hides}`,
    halfway: {
      step: stage => stage.healParts([first.breaks]),
      seen: { verdict: 'fail', root: second.reasons[0], not: first.reasons },
    },
  }
}

/** Mail leaves by SES alone, out of an outbox, and the secret key is in Vault. */
const bySes: readonly Pair[] = [
  {
    of: [vault.sealed, ses.paused],
    verdict: 'unknown',
    root: vault.sealed,
    hides: 'without the secret key SES is not asked.',
  },
  { of: [vault.down, outbox.stuck], verdict: 'fail', root: vault.down, follows: true },
  { of: [vault.tokenExpired, outbox.late], verdict: 'unknown', root: vault.tokenExpired, follows: true },
  { of: [vault.unusedDenied, ses.keyUnknown], verdict: 'fail', root: ses.keyUnknown },
  { of: [database.readOnly, outbox.stuck], verdict: 'fail', root: database.readOnly, follows: true },
  { of: [database.heartbeatRevoked, ses.secretWrong], verdict: 'fail', root: database.heartbeatRevoked },
  { of: [database.splitBrain, ses.refused], verdict: 'fail', root: database.splitBrain },
  { of: [app.packageMissing, ses.sandbox], verdict: 'fail', root: app.packageMissing },
  { of: [kubernetes.forbidden, ses.paused], verdict: 'fail', root: ses.paused },
  { of: [relay.refused, ses.paused], verdict: 'fail', root: ses.paused },
  { of: [relay.refused, outbox.stuck], verdict: 'fail', root: outbox.stuck },
  { of: [ses.paused, outbox.stuck], verdict: 'fail', root: ses.paused, follows: true },
  { of: [ses.refused, outbox.late], verdict: 'fail', root: ses.refused, follows: true },
  { of: [ses.denied, outbox.stuck], verdict: 'fail', root: outbox.stuck },
  { of: [ses.denied, outbox.unreadable], verdict: 'unknown', root: ses.denied },
  { of: [ses.identityMissing, outbox.unreadable], verdict: 'fail', root: ses.identityMissing },
  { of: [ses.quotaLow, outbox.growing], verdict: 'warn' },
  { of: [database.standbyKilled, ses.underReview], verdict: 'warn' },
]

const area = (name: string, pairs: readonly Pair[], by: 'relay' | 'ses' = 'relay'): Area<PairsStage> => ({
  name,
  start: () => startPairsStage(by),
  faults: pairs.map(fault),
  times,
})

export const pairAreas = [
  area('Pairs: both stop mail', bothFail),
  area('Pairs: one stops mail, the other leaves it unknown or is hidden', oneFails),
  area('Pairs: both leave mail unknown, or one is hidden', bothUnknown),
  area('Pairs: one is survived, or both', survived),
  area('Pairs: mail leaves by SES, out of an outbox', bySes, 'ses'),
].map(one => runnable(one))
