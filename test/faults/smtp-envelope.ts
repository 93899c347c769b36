/** Sender and recipient; and relays that take mail without a login, or may not. */
import { scripted } from '../servers/hostile.ts'
import { startSmtp } from '../servers/smtp.ts'
import type { Area } from './fault.ts'
import {
  answer,
  blocked,
  changed,
  noLogin,
  nothing,
  relayStage,
  secured,
  samplesOf,
  script,
  stageOf,
  startRelay,
  swapped,
  target,
  type RelayStage,
} from './smtp-stage.ts'

const envelope = 'envelope: { from: app@example.com, to: probe@example.org }'
const loggedIn = { reachable: 1, authenticated: 1 }

export const smtpEnvelope: Area<RelayStage> = {
  name: 'SMTP: sender and recipient',
  start: () => relayStage(envelope),
  faults: [
    changed(
      'Sender: refused with 553',
      server => server.rejectFrom(553),
      blocked('smtp_sender_refused', { ...loggedIn, response_code: 553 }),
    ),
    changed(
      'Recipient: refused with 550',
      server => server.rejectRcpt(550),
      blocked('smtp_recipient_refused', { ...loggedIn, response_code: 550 }),
    ),
    changed('Recipient: put off with 451, greylisting', server => server.rejectRcpt(451), {
      verdict: 'warn',
      reasons: ['smtp/relay smtp_recipient_deferred'],
      samples: samplesOf({ ...loggedIn, response_code: 451 }),
    }),
    changed(
      'Recipient: 452, the disk of the relay is full',
      server => server.rejectRcpt(452),
      blocked('smtp_recipient_refused', { ...loggedIn, response_code: 452 }),
    ),
    swapped(
      'Recipient: answered with 421, and the connection closed',
      script({ handlers: [answer('RCPT', '421 4.7.0 too many errors')] }),
      blocked('smtp_recipient_refused', { ...loggedIn, response_code: 421 }, { not: ['smtp/relay smtp_closed'] }),
    ),
    swapped(
      'Recipient: no answer',
      script({ handlers: [answer('RCPT', '')] }),
      blocked('smtp_no_answer', { ...loggedIn, response_code: 250 }),
    ),
  ],
}

/** smtp-server with no users takes mail from everybody. */
export const smtpOpen: Area<RelayStage> = {
  name: 'SMTP: a relay without a login',
  async start() {
    const relay = await startRelay({ security: 'none', users: {} })
    return stageOf(relay, `smtp:\n${target('relay', relay, `security: none, ${envelope}`)}`)
  },
  faults: [
    swapped(
      'No login: the relay wants one by now (530)',
      port => startSmtp({ security: 'none', users: { somebody: 'else' }, port }),
      blocked('smtp_security_required', { ...noLogin, reachable: 1, response_code: 530 }),
    ),
    swapped(
      'No login: relay access denied (554)',
      port => scripted({ port, handlers: [answer('RCPT', '554 5.7.1 Relay access denied')] }),
      blocked('smtp_recipient_refused', { ...noLogin, reachable: 1, response_code: 554 }),
    ),
  ],
}

/** Neither login nor envelope is configured: that such a relay takes mail is never known. */
export const smtpUnproven: Area<RelayStage> = {
  name: 'SMTP: neither login nor envelope',
  healthy: 'unknown',
  async start() {
    const relay = await startRelay()
    return stageOf(relay, `smtp:\n${target('relay', relay)}`)
  },
  faults: [
    {
      name: 'Neither login nor envelope is configured, and the relay is there',
      inject: () => Promise.resolve(),
      seen: blocked('smtp_login_not_configured', { ...noLogin, ...secured }, { verdict: 'unknown' }),
    },
    swapped(
      'Neither login nor envelope is configured, and the relay is down',
      undefined,
      blocked('smtp_unreachable', nothing, { not: ['smtp/relay smtp_login_not_configured'] }),
    ),
  ],
}
