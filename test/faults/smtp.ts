/** What a relay can do wrong before there is TLS, on smtp-server and scripted servers. */
import { closesAtOnce, cutOff, drip, garbage, longLine, silent } from '../servers/hostile.ts'
import type { Area } from './fault.ts'
import { runnable, type Runnable } from './runner.ts'
import {
  smtpByUrl,
  smtpClients,
  smtpMethods,
  smtpMethodSet,
  smtpOpportunistic,
  smtpToken,
  smtpUnverified,
} from './smtp-clients.ts'
import { smtpEnvelope, smtpOpen, smtpUnproven } from './smtp-envelope.ts'
import { smtpLogin } from './smtp-login.ts'
import { smtpPostfixLogin, smtpPostfixTls } from './smtp-postfix.ts'
import {
  answer,
  blocked,
  login,
  noLogin,
  nothing,
  noTls,
  script,
  stageOf,
  startRelay,
  swapped,
  type RelayStage,
} from './smtp-stage.ts'
import { smtpImplicitTls, smtpTls } from './smtp-tls.ts'
import { smtpPair, smtpWithSes, smtpWithSesStub } from './smtp-ways.ts'

const greeting = '220 mail.keybuzz.io ESMTP\r\n'
/** As far as the greeting. */
const greeted = { ...noTls, ...noLogin, reachable: 1, starttls: null }

const relay: Area<RelayStage> = {
  name: 'SMTP: the relay',
  async start() {
    const relay = await startRelay()
    const { port, caFile } = relay
    const host = 'name: relay, host: { env: SMTP_HOST }'
    const config = `smtp:\n  - { ${host}, port: ${port}, ca_file: ${caFile}, ${login(relay)} }`
    return stageOf(relay, config, { SMTP_HOST: '127.0.0.1' })
  },
  faults: [
    swapped('SMTP relay: down, the connection is refused', undefined, blocked('smtp_unreachable', nothing)),
    {
      name: 'SMTP relay: its name does not resolve',
      async inject({ env }) {
        env['SMTP_HOST'] = 'relay.invalid'
        return Promise.resolve()
      },
      seen: blocked('smtp_unreachable', nothing),
    },
    {
      name: 'SMTP relay: its name is not set',
      async inject({ env }) {
        delete env['SMTP_HOST']
        return Promise.resolve()
      },
      seen: blocked('reference_unresolved', { ...nothing, reachable: null }, { verdict: 'unknown' }),
    },
    swapped(
      'SMTP relay: takes the connection and says nothing',
      port => silent({ port }),
      blocked('smtp_no_answer', nothing),
    ),
    swapped(
      'SMTP relay: its greeting comes one byte at a time',
      port => drip(greeting, 100, { port }),
      blocked('smtp_no_answer', nothing),
    ),
    swapped(
      'SMTP relay: its answer to EHLO comes one byte at a time',
      script({ dripEhloMs: 50 }),
      blocked('smtp_no_answer', { ...greeted, response_code: 220 }),
    ),
    swapped(
      'SMTP relay: closes the connection at once, as HAProxy does with no server behind it',
      port => closesAtOnce({ port }),
      blocked('smtp_closed', nothing),
    ),
    swapped(
      'SMTP relay: resets the connection within its greeting',
      port => cutOff(9, { port, greeting }),
      blocked('smtp_closed', nothing),
    ),
    swapped(
      'SMTP relay: hangs up on EHLO',
      script({ handlers: [(_, socket) => (socket.end(), '')] }),
      blocked('smtp_closed', { ...greeted, response_code: 220 }),
    ),
    swapped(
      'SMTP relay: refuses EHLO and HELO',
      script({ handlers: [answer('EHLO', '550 5.7.1 no'), answer('HELO', '550 5.7.1 no')] }),
      blocked('smtp_greeting_refused', { ...greeted, response_code: 550 }),
    ),
    swapped('SMTP relay: sends binary garbage', port => garbage({ port }), blocked('smtp_protocol_error', nothing)),
    swapped(
      'SMTP relay: greets with a line of 1 MB',
      script({ greeting: longLine(220) }),
      blocked('smtp_protocol_error', nothing),
    ),
    swapped(
      'SMTP relay: an SSH server listens there',
      script({ greeting: 'SSH-2.0-OpenSSH_9.2' }),
      blocked('smtp_protocol_error', nothing),
    ),
  ],
}

export const smtpAreas: readonly Runnable[] = [
  runnable(relay),
  runnable(smtpTls),
  runnable(smtpImplicitTls),
  runnable(smtpLogin),
  runnable(smtpEnvelope),
  runnable(smtpOpen),
  runnable(smtpUnproven),
  runnable(smtpPair),
  runnable(smtpWithSes),
  runnable(smtpWithSesStub),
  runnable(smtpPostfixTls),
  runnable(smtpPostfixLogin),
  runnable(smtpMethods),
  runnable(smtpMethodSet),
  runnable(smtpToken),
  runnable(smtpOpportunistic),
  runnable(smtpUnverified),
  runnable(smtpByUrl),
  runnable(smtpClients),
]
