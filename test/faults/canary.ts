import { arrivalRows, renumbered } from './canary-arrival.ts'
import { canaryLife } from './canary-life.ts'
import { deferrals, lostRows } from './canary-lost.ts'
import { crowdedRows, mailboxRows } from './canary-mailbox.ts'
import { pairsArea } from './canary-pairs.ts'
import { canarySesArea } from './canary-ses.ts'
import { areaOf } from './canary-stage.ts'
import { runnable, type Runnable } from './runner.ts'

/** A mail that does not arrive, on a real relay, receiver and mailbox. */
export const canaryAreas: readonly Runnable[] = [
  runnable(areaOf('refused or lost', 'soon', lostRows)),
  runnable(areaOf('late, or in another way', 'never', [...deferrals, ...arrivalRows])),
  runnable(areaOf('its mailbox', 'soon', mailboxRows)),
  runnable(areaOf('a mailbox that is slow', 'never', [...crowdedRows, renumbered], { pace: 3, lateMs: 60_000 })),
  runnable(pairsArea),
  runnable(canarySesArea),
  canaryLife,
]
