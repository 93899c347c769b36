/** What a real Postfix says when it is broken, or set up wrongly. */
import { writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import path from 'node:path'
import { waitFor } from '../servers/ports.ts'
import { postfixBinary, postfixInstall, startPostfix, type Postfix } from '../servers/postfix.ts'
import { removeFolder, tempFolder } from '../servers/processes.ts'
import type { Area, Expectation, Fault, Stage } from './fault.ts'
import { without } from './skip.ts'
import { blocked, mailPath, noLogin, nothing, noTls, samplesOf, secured } from './smtp-stage.ts'

interface PostfixStage extends Stage {
  readonly postfix: Postfix
  readonly env: { PORT: string; PASSWORD: string }
}

const files = ['main.cf', 'sasl/smtpd.conf'] as const

async function start(): Promise<PostfixStage> {
  const login = { user: 'probe', password: 'correct horse' }
  const postfix = await startPostfix({ login })
  const folder = tempFolder('mailpath-ca-')
  const ca = path.join(folder, 'ca.pem')
  await writeFile(ca, postfix.ca)
  const at = `host: 127.0.0.1, port: { env: PORT }, ca_file: ${ca}`
  const who = `user: ${login.user}, password: { env: PASSWORD }, envelope: { from: app@example.com, to: probe@example.org }`
  const env = { PORT: String(postfix.ports.starttls), PASSWORD: login.password }
  return {
    postfix,
    config: `smtp:\n  - { name: relay, ${at}, ${who} }\n${mailPath}`,
    env,
    async heal() {
      Object.assign(env, { PORT: String(postfix.ports.starttls), PASSWORD: login.password })
      for (const file of files) await postfix.rewrite(file, text => text)
    },
    async stop() {
      await postfix.stop()
      await removeFolder(folder)
    },
  }
}

const skip = without('Postfix', postfixBinary(), postfixInstall)

/** The row of a Postfix with a line more in its main.cf; what stands last there holds. */
const configured = (
  name: string,
  line: string | ((postfix: Postfix) => string),
  seen: Expectation,
): Fault<PostfixStage> => ({
  name: `Postfix: ${name}`,
  skip,
  inject: ({ postfix }) =>
    postfix.rewrite('main.cf', text => `${text}${typeof line === 'string' ? line : line(postfix)}\n`),
  seen,
})

/** The row of a client at another of its ports. */
const atPort = (name: string, port: keyof Postfix['ports'], seen: Expectation): Fault<PostfixStage> => ({
  name: `Postfix: ${name}`,
  skip,
  inject({ postfix, env }) {
    env.PORT = String(postfix.ports[port])
    return Promise.resolve()
  },
  seen,
})

const greeted = { ...noTls, ...noLogin, reachable: 1, starttls: null }
const handshake = { ...noTls, ...noLogin, reachable: 1, starttls: 1 }
const loggedIn = { ...secured, authenticated: 1 }

const greetingAt = (port: number): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1').on('error', reject)
    socket.once('data', (chunk: Buffer) => {
      resolve(chunk.toString())
      socket.destroy()
    })
  })

const limited = configured(
  'too many connections from us (421)',
  'smtpd_client_connection_rate_limit = 1\nsmtpd_client_event_limit_exceptions =',
  blocked('smtp_greeting_refused', { ...greeted, response_code: 421 }),
)
const tooMany: Fault<PostfixStage> = {
  ...limited,
  async inject(stage) {
    await limited.inject(stage)
    const { starttls } = stage.postfix.ports
    // The first one is let in still.
    await waitFor(async () => (await greetingAt(starttls)).startsWith('421'), { what: 'Postfix has had enough of us' })
  },
}

export const smtpPostfixTls: Area<PostfixStage> = {
  name: 'SMTP: Postfix, as far as TLS',
  start,
  faults: [
    tooMany,
    configured(
      'this client is not allowed in (554)',
      'smtpd_client_restrictions = reject\nsmtpd_delay_reject = no',
      blocked('smtp_greeting_refused', { ...greeted, response_code: 554 }),
    ),
    atPort(
      'STARTTLS is switched off',
      'plain',
      blocked('smtp_starttls_missing', { ...noTls, ...noLogin, reachable: 1, starttls: 0 }),
    ),
    configured(
      'the file of its certificate is missing (454 on STARTTLS)',
      ({ folder }) => `smtpd_tls_chain_files =\nsmtpd_tls_cert_file = ${folder}/etc/missing.pem`,
      blocked('smtp_starttls_refused', { ...handshake, starttls: 0, response_code: 454 }),
    ),
    configured(
      'the file of its certificate chain is missing',
      ({ folder }) => `smtpd_tls_chain_files = ${folder}/etc/missing.pem`,
      blocked('smtp_tls_failed', handshake),
    ),
    configured(
      'TLS 1.0 only',
      'smtpd_tls_mandatory_protocols = TLSv1\nsmtpd_tls_mandatory_ciphers = medium\ntls_medium_cipherlist = DEFAULT@SECLEVEL=0',
      blocked('smtp_tls_failed', handshake),
    ),
    atPort(
      'its certificate has expired',
      'expired',
      blocked('smtp_certificate_invalid', {
        ...noLogin,
        ...secured,
        certificate_valid: 0,
        certificate_not_after_timestamp_seconds: Date.parse('2024-02-01T00:00:00Z') / 1000,
      }),
    ),
    atPort('its TLS port (465) is spoken to in the clear', 'tls', blocked('smtp_no_answer', nothing)),
    atPort(
      'it takes clients with a certificate only',
      'clients',
      blocked('smtp_client_certificate_wanted', { ...noLogin, reachable: 1 }),
    ),
    configured(
      'it takes clients with a certificate only, and no TLS 1.3',
      'smtpd_tls_req_ccert = yes\nsmtpd_tls_mandatory_protocols = TLSv1.2',
      blocked('smtp_client_certificate_wanted', { ...noLogin, reachable: 1 }),
    ),
    atPort(
      'postscreen begins to greet, and waits for longer than we do',
      'postscreen',
      blocked('smtp_no_answer', nothing),
    ),
  ],
}

const refused = { ...loggedIn, response_code: 'any' } as const

export const smtpPostfixLogin: Area<PostfixStage> = {
  name: 'SMTP: Postfix, login and envelope',
  start,
  faults: [
    {
      name: 'Postfix: a wrong password (535)',
      skip,
      inject({ env }) {
        env.PASSWORD = 'wrong horse'
        return Promise.resolve()
      },
      seen: blocked('smtp_auth_failed', {
        ...secured,
        authenticated: 0,
        auth_suspended_until_timestamp_seconds: 'any',
      }),
    },
    {
      name: 'Postfix: saslauthd is down (454 on AUTH)',
      skip,
      inject: ({ postfix }) =>
        postfix.rewrite(
          'sasl/smtpd.conf',
          () => 'pwcheck_method: saslauthd\nmech_list: PLAIN\nsaslauthd_path: /nowhere/mux\n',
        ),
      seen: blocked('smtp_auth_temporary', {
        ...secured,
        authenticated: 0,
        auth_suspended_until_timestamp_seconds: null,
        response_code: 454,
      }),
    },
    configured(
      'AUTH is switched off, and mail is refused without it (554)',
      'smtpd_sasl_auth_enable = no\nsmtpd_relay_restrictions = reject',
      blocked(
        'smtp_recipient_refused',
        { ...secured, ...noLogin, response_code: 554 },
        { reasons: ['smtp/relay smtp_recipient_refused', 'smtp/relay smtp_auth_not_offered'] },
      ),
    ),
    configured(
      'AUTH is switched off for this address, which is let in without it',
      'smtpd_sasl_auth_enable = no\nmynetworks = 127.0.0.0/8\nsmtpd_relay_restrictions = permit_mynetworks, reject',
      {
        verdict: 'warn',
        reasons: ['smtp/relay smtp_auth_not_offered'],
        samples: samplesOf({ ...secured, ...noLogin, response_code: 250 }),
      },
    ),
    configured(
      'our name in EHLO is refused at RCPT TO (450)',
      'smtpd_helo_required = yes\nsmtpd_recipient_restrictions = check_helo_access static:{450 4.7.1 Host not found}',
      blocked('smtp_hello_refused', { ...refused, response_code: 450 }, { verdict: 'unknown' }),
    ),
    configured(
      'our name in EHLO is refused at EHLO',
      'smtpd_helo_required = yes\nsmtpd_delay_reject = no\nsmtpd_helo_restrictions = check_helo_access static:REJECT',
      blocked('smtp_hello_refused', { ...noTls, ...noLogin, reachable: 1 }, { verdict: 'unknown' }),
    ),
    configured(
      'relay access denied (554)',
      'smtpd_relay_restrictions = reject_unauth_destination',
      blocked('smtp_recipient_refused', { ...refused, response_code: 554 }),
    ),
    configured(
      'relay access denied for now (454), which never passes',
      'smtpd_relay_restrictions = defer_unauth_destination',
      blocked(
        'smtp_recipient_refused',
        { ...refused, response_code: 454 },
        { not: ['smtp/relay smtp_recipient_deferred'] },
      ),
    ),
    configured(
      'its policy service is down (451 4.3.5)',
      'smtpd_recipient_restrictions = check_policy_service inet:127.0.0.1:1\nsmtpd_policy_service_timeout = 1s\nsmtpd_policy_service_try_limit = 1',
      blocked(
        'smtp_recipient_refused',
        { ...refused, response_code: 451 },
        { not: ['smtp/relay smtp_recipient_deferred'] },
      ),
    ),
    configured(
      'greylisting (450)',
      'smtpd_recipient_restrictions = check_recipient_access inline:{ {probe@example.org = 450 4.2.0 Greylisted} }',
      {
        verdict: 'warn',
        reasons: ['smtp/relay smtp_recipient_deferred'],
        samples: samplesOf({ ...refused, response_code: 450 }),
      },
    ),
    configured(
      'the sender is not one of this login (553)',
      'smtpd_sender_login_maps = static:somebody\nsmtpd_sender_restrictions = reject_sender_login_mismatch',
      blocked('smtp_recipient_refused', { ...refused, response_code: 553 }),
    ),
    configured(
      'the disk of its queue is full (452)',
      'queue_minfree = 1000000000000000',
      blocked('smtp_sender_refused', { ...refused, response_code: 452 }),
    ),
  ],
}
