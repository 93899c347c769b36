import type { SesKnobs } from '../servers/ses-double.ts'
import { single } from './pairs-app.ts'
import { outboxName, type PairsStage } from './pairs-stage.ts'
import { deny, keyOf, keys, remove, sender } from './ses-service.ts'

const inSes = single('ses')
const sesTells = (code: string): string => `ses/backend SES ${code}`
const knob =
  (turn: (double: SesKnobs) => unknown) =>
  ({ ses: { double } }: PairsStage): unknown =>
    turn(double)

/** Mail leaves by it. */
export const ses = {
  refused: inSes('SES refused', [sesTells('ses_unreachable')], stage => stage.ses.swap()),
  keyUnknown: inSes(
    'SES access key deleted',
    [sesTells('ses_key_unknown')],
    knob(double => (keyOf(double, keys.app).active = false)),
  ),
  /** SES has another one. */
  secretWrong: inSes(
    'SES secret key wrong',
    [sesTells('ses_secret_wrong')],
    knob(double => (keyOf(double, keys.app).secret = keys.nobody.secret)),
  ),
  paused: inSes(
    'SES paused',
    [sesTells('ses_sending_paused')],
    knob(double => (double.account['SendingEnabled'] = false)),
  ),
  sandbox: inSes(
    'SES in the sandbox',
    [sesTells('ses_sandbox')],
    knob(double => (double.account['ProductionAccessEnabled'] = false)),
  ),
  identityMissing: inSes(
    'SES identity deleted',
    [sesTells('ses_identity_missing')],
    knob(double => remove(double, 'identities', sender.domain)),
  ),
  denied: inSes(
    'SES account may not be read',
    [sesTells('ses_permission_missing')],
    knob(double => deny(double, keys.app, 'ses:GetAccount')),
  ),
  underReview: inSes(
    'SES under review',
    [sesTells('ses_account_under_review')],
    knob(double => (double.account['EnforcementStatus'] = 'PROBATION')),
  ),
  quotaLow: inSes(
    'SES quota nearly used up',
    [sesTells('ses_quota_low')],
    knob(double => (double.account['SendQuota'] = { Max24HourSend: 1_000, MaxSendRate: 14, SentLast24Hours: 950 })),
  ),
}

const inOutbox = single('outbox')
const outboxTells = (code: string): string => `outbox/${outboxName} ${code}`

/** The application puts its mail there. */
export const outbox = {
  stuck: inOutbox('outbox stuck', [outboxTells('outbox_stuck')], stage => stage.leaveWaiting(1, 60)),
  late: inOutbox('outbox late', [outboxTells('outbox_late')], stage => stage.leaveWaiting(1, 2)),
  growing: inOutbox('outbox growing', [outboxTells('outbox_growing')], stage => stage.leaveWaiting(20, 0)),
  unreadable: inOutbox('outbox unreadable', [outboxTells('outbox_unreadable')], stage => stage.grantOutbox(false)),
}
