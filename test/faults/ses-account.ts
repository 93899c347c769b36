/** What SES says of the keys of an application, and of its account. */
import type { Area } from './fault.ts'
import {
  proven,
  saying,
  sesFails,
  sesIsUnknown,
  sesWarns,
  startAskedStage,
  turned,
  withEnv,
  type AskedStage,
} from './ses-asked-stage.ts'
import { deny, keyOf, keys } from './ses-service.ts'

/** AWS took the signature, or not; of the account nothing is known. */
const refused = { reachable: 1, credentials_valid: 0, sending_enabled: null, quota_sent_24h: null }
const notTold = { ...refused, credentials_valid: null }

const ofKeys: Area<AskedStage>['faults'] = [
  turned(
    'SES keys: the access key was made inactive, or deleted',
    ({ double }) => (keyOf(double, keys.app).active = false),
    sesFails('ses_key_unknown', refused),
  ),
  turned(
    'SES keys: the secret key is that of another access key',
    withEnv({ SES_SECRET_KEY: keys.nobody.secret }),
    sesFails('ses_secret_wrong', refused),
  ),
  turned(
    'SES keys: they may not read the account, and are proven all the same',
    ({ double }) => deny(double, keys.app, 'ses:GetAccount'),
    sesIsUnknown('ses_permission_missing', { reachable: 1, credentials_valid: 1, sending_enabled: null }),
  ),
  turned(
    'SES keys: they may not read the identity',
    ({ double }) => deny(double, keys.app, 'ses:GetEmailIdentity'),
    sesIsUnknown('ses_permission_missing', { ...proven, sending_enabled: 1, identity_verified: null }),
  ),
  turned(
    'SES keys: they may not read the configuration set',
    ({ double }) => deny(double, keys.app, 'ses:GetConfigurationSet'),
    sesIsUnknown('ses_permission_missing', { ...proven, configuration_set_sending_enabled: null }),
  ),
  turned(
    'SES keys: they may not read the suppression list',
    ({ double }) => deny(double, keys.app, 'ses:GetSuppressedDestination'),
    sesWarns('ses_statistics_denied', { ...proven, identity_verified: 1 }),
  ),
  ...[
    ['ahead of that of SES', -600],
    ['behind that of SES', 600],
  ].map(([what, seconds]) =>
    turned(
      `SES clock: that of the exporter is 10 minutes ${what}`,
      ({ double }) => (double.clockAheadMs = 1000 * Number(seconds)),
      sesIsUnknown('ses_clock_skewed', { ...notTold, clock_skew_seconds: 'any' }),
    ),
  ),
  turned(
    'SES clock: that of the exporter is 2 minutes off',
    ({ double }) => (double.clockAheadMs = 120_000),
    sesWarns('ses_clock_off', { ...proven, clock_skew_seconds: 'any' }),
  ),
  turned(
    'SES region: not enabled for the account',
    ({ double }) => (double.signedUp = 'OptInRequired'),
    sesFails('ses_region_disabled', { reachable: 1, sending_enabled: null }),
  ),
]

const ofAccount: Area<AskedStage>['faults'] = [
  turned(
    'SES account: sending is paused',
    ({ double }) => (double.account['SendingEnabled'] = false),
    sesFails('ses_sending_paused', { ...proven, sending_enabled: 0 }),
  ),
  turned(
    'SES account: shut down by AWS',
    ({ double }) => (double.account['EnforcementStatus'] = 'SHUTDOWN'),
    sesFails('ses_account_shut_down', { ...proven, 'enforcement shutdown': 1, 'enforcement healthy': 0 }),
  ),
  turned(
    'SES account: under review (probation)',
    ({ double }) => (double.account['EnforcementStatus'] = 'PROBATION'),
    sesWarns('ses_account_under_review', { ...proven, 'enforcement probation': 1 }),
  ),
  turned(
    'SES account: in a state that AWS has made up since',
    ({ double }) => (double.account['EnforcementStatus'] = 'UNDER_OBSERVATION'),
    sesWarns('ses_account_under_review', { ...proven, 'enforcement other': 1, 'enforcement healthy': 0 }),
  ),
  turned(
    'SES account: in the sandbox',
    ({ double }) => (double.account['ProductionAccessEnabled'] = false),
    sesFails('ses_sandbox', { ...proven, production_access: 0 }),
  ),
  turned(
    'SES quota: used up',
    ({ double }) => (double.account['SendQuota'] = { Max24HourSend: 50_000, MaxSendRate: 14, SentLast24Hours: 50_000 }),
    sesFails('ses_quota_exhausted', { ...proven, quota_max_24h: 50_000, quota_sent_24h: 50_000 }),
  ),
  turned(
    'SES quota: nine tenths used',
    ({ double }) => (double.account['SendQuota'] = { Max24HourSend: 50_000, MaxSendRate: 14, SentLast24Hours: 45_000 }),
    sesWarns('ses_quota_low', { ...proven, quota_sent_24h: 45_000 }),
  ),
  turned(
    'SES quota: without a limit',
    ({ double }) => (double.account['SendQuota'] = { Max24HourSend: -1, MaxSendRate: 14, SentLast24Hours: 45_000 }),
    saying('ok', undefined, { ...proven, quota_max_24h: null, quota_sent_24h: 45_000, max_send_rate: 14 }),
  ),
]

export const sesAccount: Area<AskedStage> = {
  name: 'SES: keys and account',
  start: () => startAskedStage(),
  faults: [...ofKeys, ...ofAccount],
}
