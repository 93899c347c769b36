import { createTransport } from 'nodemailer'
import { describe, expect, it, onTestFinished } from 'vitest'
import { smtp } from '../../src/probes/smtp/index.ts'
import { certificates } from '../servers/certificates.ts'
import { scripted, type Handler, type Script } from '../servers/hostile.ts'
import { look, values } from './look.ts'

const made = await certificates()
const [user, password] = ['app', 'correct horse']
const login = { user, password: { env: 'WORD' } }
const auth = { user, pass: password }
const references = values({
  WORD: password,
  '/ca.pem': made.ca,
  '/cert.pem': made.client.cert,
  '/key.pem': made.client.key,
})

const answers =
  (...replies: readonly (readonly [RegExp, string])[]): Handler =>
  line =>
    replies.find(([pattern]) => pattern.test(line))?.[1]
const takesMail = answers(
  [/^DATA$/, '354 go on'],
  [/^\.$/, '250 2.0.0 Ok'],
  [/^(?:Subject|From|To|Date|Message-ID|MIME|Content|X-|hello|$)/i, ''],
)
const taken = answers(
  [/^AUTH LOGIN$/, '334 VXNlcm5hbWU6'],
  [/^YXBw$/, '334 UGFzc3dvcmQ6'],
  [/^Y29y/, '235 2.7.0 welcome'],
)

/** A relay, how the application is set up, and the same as a target. */
const rows: {
  name: string
  relay: Script
  app: Record<string, unknown>
  target: Record<string, unknown>
  sends: boolean
}[] = [
  {
    name: 'no AUTH is offered',
    relay: { capabilities: ['STARTTLS'] },
    app: { requireTLS: true, auth },
    target: login,
    sends: true,
  },
  {
    name: 'no AUTH is offered, and none wanted without one',
    relay: { capabilities: ['STARTTLS'], handlers: [answers([/^RCPT/, '554 5.7.1 Relay access denied'])] },
    app: { requireTLS: true, auth },
    target: login,
    sends: false,
  },
  {
    name: 'no AUTH is offered, and the application logs in all the same',
    relay: { capabilities: ['STARTTLS'], handlers: [answers([/^AUTH/, '503 5.5.1 no'])] },
    app: { auth, forceAuth: true },
    target: { url: { env: 'URL' } },
    sends: false,
  },
  {
    name: 'no AUTH is offered, and the relay wants TLS first',
    relay: {
      security: 'none',
      capabilities: [],
      handlers: [answers([/^MAIL/, '530 5.7.0 Must issue a STARTTLS command first'])],
    },
    app: { ignoreTLS: true, auth },
    target: { ...login, security: 'none', envelope: undefined },
    sends: false,
  },
  {
    name: 'no AUTH is offered, and nothing is known of the envelope',
    relay: { capabilities: ['STARTTLS'], handlers: [answers([/^MAIL FROM:<>/, '550 5.7.1 no bounces here'])] },
    app: { requireTLS: true, auth },
    target: { ...login, envelope: undefined },
    sends: true,
  },
  {
    name: 'AUTH is offered without a mechanism',
    relay: { capabilities: ['STARTTLS', 'AUTH'] },
    app: { requireTLS: true, auth },
    target: login,
    sends: true,
  },
  {
    name: 'OAuth alone is offered, and a password is set',
    relay: { capabilities: ['STARTTLS', 'AUTH XOAUTH2'], handlers: [answers([/^AUTH/, '504 5.7.4 Unrecognized'])] },
    app: { requireTLS: true, auth },
    target: login,
    sends: false,
  },
  {
    name: 'PLAIN is offered and refused, where LOGIN would be taken',
    relay: {
      capabilities: ['STARTTLS', 'AUTH PLAIN LOGIN'],
      handlers: [answers([/^AUTH PLAIN/, '535 5.7.8 no']), taken],
    },
    app: { requireTLS: true, auth },
    target: login,
    sends: false,
  },
  {
    name: 'PLAIN is offered and refused, and LOGIN is set',
    relay: {
      capabilities: ['STARTTLS', 'AUTH PLAIN LOGIN'],
      handlers: [answers([/^AUTH PLAIN/, '535 5.7.8 no']), taken],
    },
    app: { requireTLS: true, auth, authMethod: 'LOGIN' },
    target: { ...login, auth: 'login' },
    sends: true,
  },
  {
    name: 'LOGIN is set and not offered, and taken all the same',
    relay: { capabilities: ['STARTTLS', 'AUTH PLAIN'], handlers: [taken] },
    app: { requireTLS: true, auth, authMethod: 'LOGIN' },
    target: { ...login, auth: 'login' },
    sends: true,
  },
  {
    name: 'a token is set',
    relay: { capabilities: ['STARTTLS', 'AUTH LOGIN XOAUTH2'], handlers: [answers([/^AUTH LOGIN/, '535 5.7.139 no'])] },
    app: { requireTLS: true, auth: { type: 'OAuth2', user, accessToken: password } },
    target: { user, token: { env: 'WORD' } },
    sends: true,
  },
  {
    name: 'a token is set and has ended',
    relay: {
      capabilities: ['STARTTLS', 'AUTH XOAUTH2'],
      handlers: [
        answers([/^AUTH/, '334 eyJzdGF0dXMiOiI0MDEifQ=='], [/^$/, '535 5.7.8 Username and Password not accepted']),
      ],
    },
    app: { requireTLS: true, auth: { type: 'OAuth2', user, accessToken: password } },
    target: { user, token: { env: 'WORD' } },
    sends: false,
  },
  {
    name: 'STARTTLS is not offered and not required',
    relay: { security: 'none' },
    app: { auth },
    target: { ...login, security: 'opportunistic' },
    sends: true,
  },
  {
    name: 'STARTTLS is not offered and required',
    relay: { security: 'none' },
    app: { auth, requireTLS: true },
    target: login,
    sends: false,
  },
  {
    name: 'STARTTLS is offered and refused, and not required',
    relay: { handlers: [answers([/^STARTTLS/, '454 4.7.0 TLS not available'])] },
    app: { auth },
    target: { ...login, security: 'opportunistic' },
    sends: false,
  },
  {
    name: 'STARTTLS is taken where it is not required, and the certificate has expired',
    relay: { certificate: made.expired },
    app: { auth },
    target: { ...login, security: 'opportunistic' },
    sends: false,
  },
  {
    name: 'the certificate has expired, and is not verified',
    relay: { certificate: made.expired },
    app: { auth, requireTLS: true, tls: { rejectUnauthorized: false } },
    target: { ...login, verify: false },
    sends: true,
  },
  {
    name: 'the certificate is self-signed, and is not verified',
    relay: { certificate: made.selfSigned, security: 'tls' },
    app: { auth, secure: true, tls: { rejectUnauthorized: false } },
    target: { ...login, security: 'tls', verify: false },
    sends: true,
  },
  {
    name: 'EHLO is refused, HELO is taken, and AUTH as well',
    relay: { security: 'none', handlers: [answers([/^EHLO/, '502 5.5.1 no'])] },
    app: { auth, ignoreTLS: true },
    target: { ...login, security: 'none' },
    sends: true,
  },
  {
    name: 'EHLO is refused, HELO is taken, and AUTH is not',
    relay: { security: 'none', handlers: [answers([/^(?:EHLO|AUTH)/, '502 5.5.1 no'])] },
    app: { auth, ignoreTLS: true },
    target: { ...login, security: 'none' },
    sends: false,
  },
  {
    name: 'the application has no login',
    relay: {},
    app: { requireTLS: true },
    target: { ...login, auth: 'none' },
    sends: true,
  },
]

/** A mail of nodemailer's own, as the application sends it. */
async function send(port: number, app: Record<string, unknown>): Promise<boolean> {
  const tls = { ca: made.ca, ...(app['tls'] as object | undefined) }
  const transport = createTransport({ host: '127.0.0.1', port, secure: false, ...app, tls } as never)
  try {
    await transport.sendMail({ from: 'app@example.com', to: 'probe@example.org', subject: 'hello', text: 'hello' })
    return true
  } catch {
    return false
  } finally {
    transport.close()
  }
}

describe('a target is as well as nodemailer', () => {
  it.each(rows)('where $name', async ({ relay, app, target, sends }) => {
    const { handlers = [], ...how } = relay
    const server = await scripted({
      security: 'starttls',
      certificate: made.good,
      ...how,
      handlers: [...handlers, takesMail],
    })
    onTestFinished(() => server.close())
    expect(await send(server.port, app), 'nodemailer sends').toBe(sends)
    const place = 'url' in target ? {} : { host: '127.0.0.1', port: server.port }
    const config = smtp.target.parse({
      name: 'relay',
      ...place,
      ca_file: '/ca.pem',
      envelope: { from: 'app@example.com', to: 'probe@example.org' },
      ...target,
    })
    const url = `smtp://${user}:${encodeURIComponent(password)}@127.0.0.1:${server.port}?forceAuth=true`
    const own = values({ URL: url })
    const observation = await look(smtp, config, {
      references: { value: (ref, signal) => (ref.env === 'URL' ? own : references).value(ref, signal) },
    })
    expect(JSON.stringify(observation?.reasons)).not.toContain('horse')
    expect(sends ? ['ok', 'warn'] : ['fail', 'unknown'], observation?.evidence).toContain(observation?.verdict)
  })
})
