/** A relay and SES, which is asked: which of them mail leaves by, and what that makes of the failure of the other. */
import type { Verdict } from '../../src/core/probe.ts'
import type { Area, Fault } from './fault.ts'
import { startAskedStage, type AskedStage } from './ses-asked-stage.ts'
import { deny, keyOf, keys } from './ses-service.ts'

type Inject = Fault<AskedStage>['inject']
type Part = (stage: AskedStage) => unknown

const all =
  (...parts: readonly Part[]): Inject =>
  async stage => {
    await Promise.all(parts.map(part => part(stage)))
  }
const relayRefused: Part = stage => stage.stopRelay()
const sendsBy =
  (provider: 'smtp' | 'ses'): Part =>
  ({ env }) =>
    (env['EMAIL_PROVIDER'] = provider)
const knob =
  (turn: (double: AskedStage['ses']['double']) => unknown): Part =>
  ({ ses }) =>
    turn(ses.double)
const ses = {
  paused: knob(double => (double.account['SendingEnabled'] = false)),
  keyUnknown: knob(double => (keyOf(double, keys.app).active = false)),
  denied: knob(double => deny(double, keys.app, 'ses:GetAccount')),
  statisticsDenied: knob(double => deny(double, keys.app, 'ses:GetSuppressedDestination')),
  underReview: knob(double => (double.account['EnforcementStatus'] = 'PROBATION')),
  sandbox: knob(double => (double.account['ProductionAccessEnabled'] = false)),
  throttles: knob(double => double.misbehave('throttled')),
  refused: (({ ses: service }) => service.swap()) as Part,
  clockSkewed: knob(double => (double.clockAheadMs = 600_000)),
}

const relay = (code = 'smtp_unreachable'): string => `smtp/relay ${code}`
const account = (code: string): string => `ses/app ${code}`
const notSaid = 'mail/app mail_fallback_not_said'

const way = (
  name: string,
  parts: readonly Part[],
  verdict: Verdict,
  root: string | undefined,
  reasons: readonly string[] = [],
): Fault<AskedStage> => ({
  name: `Two ways, SES asked: ${name}`,
  inject: all(...parts),
  seen: { verdict, ...(root !== undefined && { root }), reasons },
})

const start = (mail: Readonly<Record<string, unknown>>) => () => startAskedStage({ relay: true, mail })

/** Nothing is said of a fallback. */
const notSaidArea: Area<AskedStage> = {
  name: 'Two ways, SES asked: nothing is said of a fallback',
  start: start({}),
  faults: [
    way('sends with smtp, both work', [sendsBy('smtp')], 'ok', undefined),
    way('sends with ses, relay refused', [relayRefused], 'warn', undefined, [relay()]),
    way('sends with smtp, relay refused, SES proven', [sendsBy('smtp'), relayRefused], 'unknown', notSaid, [relay()]),
    way('sends with ses, SES paused, relay works', [ses.paused], 'unknown', notSaid, [account('ses_sending_paused')]),
    way('sends with smtp, SES paused, relay works', [sendsBy('smtp'), ses.paused], 'warn', undefined, [
      account('ses_sending_paused'),
    ]),
    way('sends with smtp, SES may not be read, relay works', [sendsBy('smtp'), ses.denied], 'ok', undefined, [
      account('ses_permission_missing'),
    ]),
    way('sends with smtp, relay refused, SES paused', [sendsBy('smtp'), relayRefused, ses.paused], 'fail', relay(), [
      account('ses_sending_paused'),
    ]),
    way(
      'sends with ses, relay refused, SES paused',
      [relayRefused, ses.paused],
      'fail',
      account('ses_sending_paused'),
      [relay()],
    ),
    way(
      'sends with smtp, relay refused, SES may not be read',
      [sendsBy('smtp'), relayRefused, ses.denied],
      'unknown',
      relay(),
      [account('ses_permission_missing')],
    ),
    way(
      'sends with ses, relay refused, SES may not be read',
      [relayRefused, ses.denied],
      'unknown',
      account('ses_permission_missing'),
      [relay()],
    ),
  ],
}

const fallsBackToSes: Area<AskedStage> = {
  name: 'Two ways, SES asked: it falls back to SES',
  start: start({ fallback: 'ses', provider: 'smtp' }),
  faults: [
    way('falls back to SES, relay refused, SES proven', [relayRefused], 'warn', undefined, [relay()]),
    way('falls back to SES, relay refused, SES under review', [relayRefused, ses.underReview], 'warn', undefined, [
      relay(),
      account('ses_account_under_review'),
    ]),
    way(
      'falls back to SES, relay refused, statistics denied',
      [relayRefused, ses.statisticsDenied],
      'warn',
      undefined,
      [relay(), account('ses_statistics_denied')],
    ),
    way('falls back to SES, relay refused, clock skewed', [relayRefused, ses.clockSkewed], 'unknown', relay(), [
      account('ses_clock_skewed'),
    ]),
    way('falls back to SES, relay refused, SES in the sandbox', [relayRefused, ses.sandbox], 'fail', relay(), [
      account('ses_sandbox'),
    ]),
    way('falls back to SES, relay refused, access key deleted', [relayRefused, ses.keyUnknown], 'fail', relay(), [
      account('ses_key_unknown'),
    ]),
    way('falls back to SES, both refuse the connection', [relayRefused, ses.refused], 'fail', relay(), [
      account('ses_unreachable'),
    ]),
    way('falls back to SES, relay works, access key deleted', [ses.keyUnknown], 'warn', undefined, [
      account('ses_key_unknown'),
    ]),
  ],
}

/** What SES said before counts for three intervals. They are longer here, so that a slow machine is in time. */
const throttled: Area<AskedStage> = {
  name: 'Two ways, SES asked: it throttles for a moment',
  start: () =>
    startAskedStage({ relay: true, mail: { fallback: 'ses', provider: 'smtp' }, target: { interval: '4s' } }),
  faults: [
    way('falls back to SES, relay works, SES throttles for a moment', [ses.throttles], 'ok', undefined),
    way(
      'falls back to SES, relay refused, SES throttles for a moment',
      [relayRefused, ses.throttles],
      'warn',
      undefined,
      [relay()],
    ),
  ],
  times: { intervalMs: 4_000, timeoutMs: 1_300 },
}

const fallsBackToRelay: Area<AskedStage> = {
  name: 'Two ways, SES asked: it falls back to the relay',
  start: start({ fallback: 'smtp' }),
  faults: [
    way('falls back to the relay, SES paused', [ses.paused], 'warn', undefined, [account('ses_sending_paused')]),
    way('falls back to the relay, SES may not be read', [ses.denied], 'warn', undefined, [
      account('ses_permission_missing'),
    ]),
    way(
      'falls back to the relay, both refuse the connection',
      [relayRefused, ses.refused],
      'fail',
      account('ses_unreachable'),
      [relay()],
    ),
  ],
}

const noFallback: Area<AskedStage> = {
  name: 'Two ways, SES asked: it falls back to nothing',
  start: start({ fallback: 'none' }),
  faults: [
    way('no fallback, sends with ses, SES paused', [ses.paused], 'fail', account('ses_sending_paused')),
    way('no fallback, sends with ses, relay refused', [relayRefused], 'warn', undefined, [relay()]),
    way('no fallback, sends with smtp, relay refused, SES proven', [sendsBy('smtp'), relayRefused], 'fail', relay()),
  ],
}

export const sesWays = [notSaidArea, fallsBackToSes, throttled, fallsBackToRelay, noFallback]
