import { setImmediate } from 'node:timers/promises'
import { SMTPServer, type SMTPServerSession } from 'smtp-server'
import type { Certificate } from './certificates.ts'
import { type At, extend, listen, type Listening } from './hostile.ts'

export interface SmtpOptions extends At {
  /** `none` has no STARTTLS at all and takes a password in the clear; `tls` is implicit TLS, as on 465. */
  security: 'starttls' | 'tls' | 'none'
  /** Needed for `starttls` and `tls`: the package's built-in one has expired. */
  certificate?: Certificate
  /** Password by user name; with no users AUTH is not offered. */
  users?: Record<string, string>
  /** What AUTH offers. Default: PLAIN LOGIN. With XOAUTH2 the password of a user is a token. */
  methods?: string[]
  /** Takes only clients with a certificate by this authority. */
  clientsOf?: string
  /** Not advertised, yet accepted when sent all the same: what a stripping middlebox leaves of STARTTLS. */
  hideStarttls?: boolean
  /** Called with each mail that was accepted with DATA. */
  onMail?: (mail: TakenMail) => void
}

/** A mail that the server has accepted. */
export interface TakenMail {
  /** The sender of the envelope. */
  readonly from: string
  readonly client: { readonly name: string; readonly address: string }
  /** Such as `TLSv1.3 with cipher TLS_AES_256_GCM_SHA384`; undefined in the clear. */
  readonly tls: string | undefined
  readonly isLoggedIn: boolean
  readonly data: Buffer
}

export interface Smtp extends Listening {
  /** From now on `user` logs in with this password. */
  password(user: string, password: string): void
  /** From now on AUTH is answered with this code (454, 421, 535, ...) whatever the password; undefined ends it. */
  refuse(code: number | undefined): void
  /** From now on MAIL FROM, or RCPT TO, is answered with this code; undefined ends it. */
  rejectFrom(code: number | undefined): void
  rejectRcpt(code: number | undefined): void
  /** From now on new connections get this certificate. */
  certificate(certificate: Certificate): void
  /** AUTH attempts that came as far as a password. */
  readonly logins: number
  /** The last of them had the wrong password. */
  readonly refusedLast: boolean
  /** Connections the client ended with QUIT. */
  readonly quits: number
  /** Messages delivered with DATA: a probe never does. */
  readonly messages: number
}

/** A real SMTP server (RFC 5321, 3207, 4954), on the package smtp-server. Greets after 100 ms, as the package does. */
export async function startSmtp(options: SmtpOptions): Promise<Smtp> {
  const { security, certificate } = options
  if (security !== 'none' && !certificate) throw new Error('TLS needs a certificate')
  const passwords = new Map(Object.entries(options.users ?? {}))
  const answers: { auth?: number | undefined; from?: number | undefined; rcpt?: number | undefined } = {}
  const counts = { logins: 0, quits: 0, messages: 0 }
  let refusedLast = false

  const server = new SMTPServer({
    secure: security === 'tls',
    ...(certificate && pair(certificate)),
    name: 'mail.keybuzz.io',
    // hideSTARTTLS alone would leave the command working.
    disabledCommands: [...(security === 'none' ? ['STARTTLS'] : []), ...(passwords.size === 0 ? ['AUTH'] : [])],
    hideSTARTTLS: options.hideStarttls ?? false,
    disableReverseLookup: true,
    ...(options.methods && { authMethods: options.methods }),
    ...(options.clientsOf !== undefined && { ca: [options.clientsOf], requestCert: true, rejectUnauthorized: true }),
    logger: {
      debug: (entry: { tnx?: string; command?: string }) => {
        if (entry.tnx === 'command' && entry.command === 'QUIT') counts.quits++
      },
    },
    onAuth: (auth, _session, done) => {
      counts.logins++
      refusedLast = false
      if (answers.auth !== undefined) done(reply(answers.auth, 'Authentication refused'))
      else if (auth.username !== undefined && passwords.get(auth.username) === (auth.accessToken ?? auth.password))
        done(null, { user: auth.username })
      else if (auth.method === 'XOAUTH2') done(null, { data: { status: '401', schemes: 'bearer' } })
      else {
        refusedLast = true
        done(reply(535, 'Authentication credentials invalid'))
      }
    },
    onMailFrom: (_address, _session, done) => {
      done(answers.from === undefined ? null : reply(answers.from, 'Sender refused'))
    },
    onRcptTo: (_address, _session, done) => {
      done(answers.rcpt === undefined ? null : reply(answers.rcpt, 'Recipient refused'))
    },
    onData: (stream, session, done) => {
      const chunks: Buffer[] = []
      if (options.onMail) stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      else stream.resume()
      stream.on('end', () => {
        counts.messages++
        options.onMail?.(taken(session, Buffer.concat(chunks)))
        done()
      })
    },
  })
  // A refused handshake is the client's error to report.
  server.on('error', () => undefined)
  const listening = await listen(server.server, options)

  const closeSockets = listening.close
  return extend(listening, {
    close: async () => {
      // Ends the handshakes under way from above: Node 20 dies of a segmentation fault when the socket below goes first.
      server.close()
      for (const { _socket: socket } of server.connections) socket.destroy()
      await setImmediate()
      await closeSockets()
    },
    password: (user: string, password: string) => {
      passwords.set(user, password)
    },
    refuse: (code: number | undefined) => {
      answers.auth = code
    },
    rejectFrom: (code: number | undefined) => {
      answers.from = code
    },
    rejectRcpt: (code: number | undefined) => {
      answers.rcpt = code
    },
    certificate: (next: Certificate) => {
      server.updateSecureContext(pair(next))
    },
    get logins() {
      return counts.logins
    },
    get refusedLast() {
      return refusedLast
    },
    get quits() {
      return counts.quits
    },
    get messages() {
      return counts.messages
    },
  })
}

function taken(
  { envelope, clientHostname, remoteAddress, tlsOptions, user, ...session }: SMTPServerSession,
  data: Buffer,
) {
  const mail: TakenMail = {
    from: envelope.mailFrom === false ? '' : envelope.mailFrom.address,
    client: { name: session.hostNameAppearsAs || clientHostname, address: remoteAddress },
    tls: tlsOptions === false ? undefined : `${tlsOptions.version} with cipher ${tlsOptions.standardName}`,
    isLoggedIn: user !== undefined,
    data,
  }
  return mail
}

function pair({ cert, key }: Certificate): { cert: string; key: string } {
  return { cert, key }
}

function reply(code: number, text: string): Error {
  return Object.assign(new Error(text), { responseCode: code })
}
