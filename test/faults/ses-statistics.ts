/** What SES is asked seldom, or says only to one who is new: each row is a stage that has been so from its start. */
import type { SesKnobs } from '../servers/ses-double.ts'
import type { Area, Expectation } from './fault.ts'
import { proven, saying, sesIsUnknown, sesWarns, startAskedStage, type AskedStage } from './ses-asked-stage.ts'
import { deny, keys } from './ses-service.ts'

const fromStart = (what: string, prepare: (double: SesKnobs) => unknown, seen: Expectation): Area<AskedStage> => ({
  name: `SES, since the exporter has started: ${what}`,
  start: () => startAskedStage({ prepare }),
  healthy: seen.verdict,
  faults: [{ name: `SES, since the exporter has started: ${what}`, inject: () => Promise.resolve(), seen }],
})

/** A day of mails with these sums, and another one before it that must not count. */
const sent =
  (attempts: number, bounces: number, complaints: number) =>
  (double: SesKnobs): void => {
    const hours = (count: number): number => Date.now() - count * 3_600_000
    const half = { attempts: attempts / 2, bounces: bounces / 2, complaints: complaints / 2, rejects: 0 }
    const old = { attempts: 5_000, bounces: 5_000, complaints: 5_000, rejects: 0 }
    double.statistics = [
      { at: hours(1), ...half },
      { at: hours(20), ...half },
      { at: hours(30), ...old },
    ]
  }

export const sesStatistics: readonly Area<AskedStage>[] = [
  fromStart(
    '4 % of the mails of a day bounced',
    sent(1_000, 40, 0),
    sesWarns('ses_bounces_high', { ...proven, bounce_ratio: 0.04, complaint_ratio: 0 }),
  ),
  fromStart(
    '0.2 % of the mails of a day brought a complaint',
    sent(10_000, 20, 20),
    sesWarns('ses_complaints_high', { ...proven, bounce_ratio: 0.002, complaint_ratio: 0.002 }),
  ),
  fromStart(
    'half of ten mails bounced, which are too few to judge',
    sent(10, 4, 0),
    saying('ok', undefined, { ...proven, bounce_ratio: 0.4 }),
  ),
  fromStart(
    'the keys may not read the statistics',
    double => deny(double, keys.app, 'ses:GetSendStatistics'),
    sesWarns('ses_statistics_denied', { ...proven, bounce_ratio: null }),
  ),
  fromStart(
    'it throttles, and nothing was heard before',
    double => double.misbehave('throttled'),
    sesIsUnknown('ses_throttled', { credentials_valid: null, sending_enabled: null }),
  ),
]
