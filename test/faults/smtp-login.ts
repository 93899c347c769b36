/** Logins that a relay does not take, or that cannot be tried. */
import { rm } from 'node:fs/promises'
import type { Area, Fault } from './fault.ts'
import {
  answer,
  backedOff,
  blocked,
  changed,
  noLogin,
  notSentAgain,
  offers,
  relayStage,
  script,
  secured,
  swapped,
  user,
  type RelayStage,
} from './smtp-stage.ts'

const refused = blocked('smtp_auth_failed', backedOff)

const notAgain: Fault<RelayStage> = {
  ...changed(
    'Login: refused with 535, and not sent again while the other phases go on',
    server => server.password(user, 'changed at the relay'),
    refused,
  ),
  meanwhile: notSentAgain,
  /** On our side alone: the right password is tried at once. */
  heal: ({ relay }) => relay.password('changed at the relay'),
}

const ending = (line: string): string | undefined => (line.startsWith('AUTH') ? '' : undefined)

const cut: Fault<RelayStage> = swapped(
  'Login: the connection is cut during AUTH',
  script({ handlers: [(line, socket) => (line.startsWith('AUTH') ? (socket.destroy(), '') : undefined)] }),
  blocked('smtp_closed', { ...secured, ...noLogin, response_code: 250 }),
)

const unresolved = blocked('smtp_password_unresolved', { ...secured, ...noLogin }, { verdict: 'unknown' })

export const smtpLogin: Area<RelayStage> = {
  name: 'SMTP: the login',
  start: () => relayStage(),
  faults: [
    notAgain,
    {
      name: 'Login: a wrong password where ours comes from (535)',
      inject: ({ relay }) => relay.password('wrong'),
      seen: refused,
    },
    swapped(
      'Login: 530, the relay wants more security first',
      script({ handlers: [answer('AUTH', '530 5.7.0 Must issue a STARTTLS command first')] }),
      blocked('smtp_security_required', { ...secured, authenticated: 0 }, { not: ['smtp/relay smtp_auth_failed'] }),
    ),
    swapped(
      'Login: no mechanism is offered that takes a password',
      script({ capabilities: offers('AUTH GSSAPI XOAUTH2') }),
      blocked('smtp_auth_method_not_offered', { ...secured, ...noLogin }),
    ),
    cut,
    swapped(
      'Login: no answer to AUTH',
      script({ handlers: [ending] }),
      blocked('smtp_no_answer', { ...secured, ...noLogin }),
    ),
    swapped(
      'Login: AUTH is answered with 250, which is no login',
      script({ handlers: [answer('AUTH', '250 2.0.0 Ok')] }),
      blocked('smtp_protocol_error', { ...secured, authenticated: 0, response_code: 250 }),
    ),
    {
      name: 'Login: the file of the password is missing',
      inject: ({ relay }) => rm(relay.passwordFile),
      seen: unresolved,
    },
    { name: 'Login: the file of the password is empty', inject: ({ relay }) => relay.password('\n'), seen: unresolved },
  ],
}
