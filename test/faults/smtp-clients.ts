/** What the clients of a relay do in one way or another: methods, tokens, certificates, TLS where there is any, one URL. */
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { certificates } from '../servers/certificates.ts'
import { scripted, type Handler } from '../servers/hostile.ts'
import { postfixBinary, postfixInstall, startPostfix, type Postfix } from '../servers/postfix.ts'
import { removeFolder, tempFolder } from '../servers/processes.ts'
import type { Area, Fault, Stage } from './fault.ts'
import { without } from './skip.ts'
import {
  answer,
  backedOff,
  blocked,
  changed,
  mailPath,
  noLogin,
  nothing,
  noTls,
  notSentAgain,
  offers,
  relayStage,
  samplesOf,
  script,
  secured,
  stageOf,
  startRelay,
  swapped,
  target,
  user,
  type RelayStage,
} from './smtp-stage.ts'

const made = await certificates()

/** Takes LOGIN, and answers PLAIN with this. */
const onlyLogin = (plain: string): Handler => {
  const says: Readonly<Record<string, string>> = {
    'AUTH LOGIN': '334 VXNlcm5hbWU6',
    [toBase64(user)]: '334 UGFzc3dvcmQ6',
  }
  return line => {
    if (line.startsWith('AUTH PLAIN')) return plain
    return says[line] ?? (/^[A-Za-z0-9+/]*[a-z][A-Za-z0-9+/]*=*$/.test(line) ? '235 2.7.0 welcome' : undefined)
  }
}
const toBase64 = (text: string): string => Buffer.from(text).toString('base64')

export const smtpMethods: Area<RelayStage> = {
  name: 'SMTP: how an application logs in',
  start: () => relayStage(),
  faults: [
    swapped(
      'Method: the relay takes a token of OAuth only, and a password is set',
      script({ capabilities: offers('AUTH XOAUTH2') }),
      blocked('smtp_auth_method_not_offered', { ...secured, ...noLogin }),
    ),
    swapped(
      'Method: passwords are switched off at Microsoft 365 (535 5.7.139)',
      script({
        capabilities: offers('AUTH LOGIN XOAUTH2'),
        handlers: [answer('AUTH', '535 5.7.139 Authentication unsuccessful, basic authentication is disabled.')],
      }),
      blocked('smtp_auth_failed', backedOff),
    ),
    swapped(
      'Method: PLAIN is offered and not taken (504), and no other is set',
      script({ capabilities: offers('AUTH PLAIN LOGIN'), handlers: [onlyLogin('504 5.5.4 Unrecognized')] }),
      blocked('smtp_auth_failed', backedOff),
    ),
    swapped('Login: none is offered, and the mail is handed over without one', script({ capabilities: offers() }), {
      verdict: 'warn',
      reasons: ['smtp/relay smtp_auth_not_offered'],
      samples: samplesOf({ ...secured, ...noLogin }),
    }),
    swapped(
      'Login: EHLO is not known, and HELO offers no login and takes none',
      script({ handlers: [answer('EHLO', '502 5.5.1 no'), answer('AUTH', '502 5.5.1 no')] }),
      blocked('smtp_starttls_missing', { ...noTls, ...noLogin, reachable: 1, starttls: 0 }),
    ),
  ],
}

export const smtpMethodSet: Area<RelayStage> = {
  name: 'SMTP: a method that is set',
  start: () => relayStage('auth: login'),
  faults: [
    swapped(
      'Method: PLAIN is offered and refused (535), and LOGIN is set',
      script({ capabilities: offers('AUTH PLAIN LOGIN'), handlers: [onlyLogin('535 5.7.8 no')] }),
      { verdict: 'ok', samples: samplesOf({ ...secured, authenticated: 1, response_code: 235 }) },
    ),
    swapped(
      'Method: LOGIN is set, and the relay takes PLAIN only',
      script({ capabilities: offers('AUTH PLAIN'), handlers: [answer('AUTH LOGIN', '504 5.5.4 Unrecognized')] }),
      blocked('smtp_auth_failed', backedOff),
    ),
  ],
}

export const smtpToken: Area<RelayStage> = {
  name: 'SMTP: a token of OAuth',
  async start() {
    const relay = await startRelay({ methods: ['XOAUTH2'] })
    const token = `user: ${user}, token: { file: ${relay.passwordFile} }`
    return stageOf(relay, `smtp:\n${target('relay', relay, token)}`)
  },
  faults: [
    {
      ...changed(
        'Token: refused, since it has ended, and not tried again until there is another',
        server => server.password(user, 'the next token'),
        blocked('smtp_auth_failed', backedOff),
      ),
      meanwhile: notSentAgain,
      heal: ({ relay }) => relay.password('the next token'),
    },
    swapped('Token: the relay takes passwords only', script({ handlers: [answer('AUTH', '504 5.5.4 no')] }), {
      ...blocked('smtp_auth_failed', backedOff),
    }),
  ],
}

const inTheClear =
  (more: Partial<Parameters<typeof scripted>[0]> = {}) =>
  (port: number) =>
    scripted({ ...more, port, security: 'none' })

export const smtpOpportunistic: Area<RelayStage> = {
  name: 'SMTP: TLS where it is offered',
  start: () => relayStage('security: opportunistic'),
  faults: [
    swapped('Opportunistic: STARTTLS is not offered, and the mail goes out all the same', inTheClear(), {
      verdict: 'warn',
      reasons: ['smtp/relay smtp_login_in_clear'],
      samples: samplesOf({ ...noTls, reachable: 1, starttls: 0, authenticated: 1 }),
    }),
    swapped(
      'Opportunistic: STARTTLS is offered and refused, where nodemailer gives up',
      script({ handlers: [answer('STARTTLS', '454 4.7.0 TLS not available')] }),
      blocked('smtp_starttls_refused', { ...noTls, ...noLogin, reachable: 1, starttls: 0 }),
    ),
    changed(
      'Opportunistic: the certificate has expired',
      server => server.certificate(made.expired),
      blocked('smtp_certificate_invalid', { ...noLogin, certificate_valid: 0 }),
    ),
  ],
}

const notVerified = (name: string, certificate: typeof made.good): Fault<RelayStage> =>
  changed(name, server => server.certificate(certificate), {
    verdict: 'warn',
    reasons: ['smtp/relay smtp_certificate_not_verified'],
    not: ['smtp/relay smtp_certificate_invalid'],
    samples: samplesOf({ ...noTls, authenticated: 1 }),
  })

export const smtpUnverified: Area<RelayStage> = {
  name: 'SMTP: certificates that are not verified',
  healthy: 'warn',
  start: () => relayStage('verify: false'),
  faults: [
    notVerified('Not verified: the certificate has expired', made.expired),
    notVerified('Not verified: the certificate is self-signed', made.selfSigned),
    notVerified('Not verified: the certificate is for another name', made.wrongName),
  ],
}

const withUrl = (
  name: string,
  url: (port: number, password: string) => string,
  seen: Fault<RelayStage>['seen'],
): Fault<RelayStage> => ({
  name,
  inject({ relay, env }) {
    env['SMTP_URL'] = url(relay.port, env['PASSWORD'] ?? '')
    return Promise.resolve()
  },
  seen,
})
const notUnderstood = blocked('smtp_url_not_understood', { ...nothing, reachable: null }, { verdict: 'unknown' })

export const smtpByUrl: Area<RelayStage> = {
  name: 'SMTP: a URL',
  async start() {
    const password = 'correct horse'
    const relay = await startRelay({ users: { [user]: password } })
    const url = `smtp://${user}:${encodeURIComponent(password)}@127.0.0.1:${relay.port}?requireTLS=true&pool=true`
    return stageOf(relay, `smtp:\n  - { name: relay, url: { env: SMTP_URL }, ca_file: ${relay.caFile} }`, {
      SMTP_URL: url,
      PASSWORD: password,
    })
  },
  faults: [
    withUrl('URL: a raw / in its password', port => `smtp://${user}:correct/horse@127.0.0.1:${port}`, notUnderstood),
    withUrl(
      'URL: a parameter that is not followed',
      (port, word) => `smtp://${user}:${encodeURIComponent(word)}@127.0.0.1:${port}?proxy=socks5%3A%2F%2Fproxy`,
      notUnderstood,
    ),
    withUrl(
      'URL: another password',
      port => `smtp://${user}:wrong%20horse@127.0.0.1:${port}`,
      blocked('smtp_auth_failed', backedOff),
    ),
    withUrl(
      'URL: TLS from the start, where the relay has STARTTLS',
      (port, word) => `smtps://${user}:${encodeURIComponent(word)}@127.0.0.1:${port}`,
      blocked('smtp_tls_failed', nothing),
    ),
    withUrl(
      'URL: it does not verify the certificate',
      (port, word) => `smtp://${user}:${encodeURIComponent(word)}@127.0.0.1:${port}?tls.rejectUnauthorized=false`,
      {
        verdict: 'warn',
        reasons: ['smtp/relay smtp_certificate_not_verified'],
        samples: samplesOf({ ...noTls, authenticated: 1 }),
      },
    ),
  ],
}

interface Clients extends Stage {
  readonly postfix: Postfix
  readonly files: { readonly cert: string; readonly key: string }
}

const skip = without('Postfix', postfixBinary(), postfixInstall)

/** Two ways into one Postfix that takes clients with a certificate only. */
async function startClients(): Promise<Clients> {
  const postfix = await startPostfix({ login: { user: 'probe', password: 'correct horse' } })
  const folder = tempFolder('mailpath-clients-')
  const files = { cert: path.join(folder, 'client.pem'), key: path.join(folder, 'client.key') }
  const ca = path.join(folder, 'ca.pem')
  await writeFile(ca, postfix.ca)
  const write = async ({ cert, key }: { cert: string; key: string }): Promise<void> => {
    await writeFile(files.cert, cert)
    await writeFile(files.key, key)
  }
  await write(made.client)
  const own = `ca_file: ${ca}, cert_file: ${files.cert}, key_file: ${files.key}, user: probe, password: { env: PASSWORD }`
  const at = (name: string, port: number, more: string): string =>
    `  - { name: ${name}, host: 127.0.0.1, port: ${port}, ${more}, ${own} }`
  const { clients, clientsTls } = postfix.ports
  return {
    postfix,
    files,
    config: `smtp:\n${at('relay', clients, 'security: starttls')}\n${at('other', clientsTls, 'security: tls')}\n${mailPath}`,
    env: { PASSWORD: 'correct horse' },
    heal: () => write(made.client),
    async stop() {
      await postfix.stop()
      await removeFolder(folder)
    },
  }
}

export const smtpClients: Area<Clients> = {
  name: 'SMTP: Postfix, for clients with a certificate',
  start: startClients,
  faults: [
    {
      name: 'Client certificate: not one that Postfix trusts',
      skip,
      async inject({ files }) {
        await writeFile(files.cert, made.selfSigned.cert)
        await writeFile(files.key, made.selfSigned.key)
      },
      seen: {
        ...blocked('smtp_client_certificate_wanted', { ...noLogin, reachable: 1 }),
        reasons: ['smtp/relay smtp_client_certificate_wanted', 'smtp/other smtp_client_certificate_wanted'],
      },
    },
    {
      name: 'Client certificate: the key is not its own',
      skip,
      inject: ({ files }) => writeFile(files.key, made.good.key),
      seen: blocked('reference_unresolved', { ...nothing, reachable: null }, { verdict: 'unknown' }),
    },
    {
      name: 'Client certificate: the file is none',
      skip,
      inject: ({ files }) =>
        writeFile(files.cert, '-----BEGIN CERTIFICATE-----\nbm90aGluZw==\n-----END CERTIFICATE-----\n'),
      seen: blocked('reference_unresolved', { ...nothing, reachable: null }, { verdict: 'unknown' }),
    },
  ],
}
