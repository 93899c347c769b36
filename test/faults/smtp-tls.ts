/** STARTTLS, TLS from the start, and certificates. */
import type { Socket } from 'node:net'
import { generate } from 'selfsigned'
import { certificates, goodNames, type Certificate } from '../servers/certificates.ts'
import { scripted, silent, type Listening } from '../servers/hostile.ts'
import type { Area, Fault } from './fault.ts'
import {
  blocked,
  changed,
  noLogin,
  nothing,
  noTls,
  relayStage,
  samplesOf,
  script,
  swapped,
  type RelayStage,
} from './smtp-stage.ts'

const made = await certificates()
const seconds = (date: string): number => Date.parse(date) / 1000
const soon = Math.floor(Date.now() / 1000) + 5 * 86_400

/** As `good`, with five days left. */
async function expiringSoon(): Promise<Certificate> {
  const { cert, private: key } = await generate([{ name: 'commonName', value: 'mail.keybuzz.io' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    notBeforeDate: new Date(Date.now() - 86_400_000),
    notAfterDate: new Date(soon * 1000),
    extensions: [
      {
        name: 'subjectAltName',
        altNames: [{ type: 7, ip: '127.0.0.1' }, ...goodNames.slice(2).map(value => ({ type: 2 as const, value }))],
      },
    ],
    ca: { cert: made.ca, key: made.caKey },
  })
  return { cert, key, ca: made.ca }
}

/** Says that it goes on, and leaves what comes next to `then`. */
const startsTls =
  (then: (socket: Socket) => void) =>
  (line: string, socket: Socket): string | undefined => {
    if (line !== 'STARTTLS') return undefined
    socket.write('220 2.0.0 go ahead\r\n')
    then(socket)
    return ''
  }

const offered = { reachable: 1, starttls: 1 }

/** The relay has another certificate. It does not verify, so it gets no password; when it expires is told all the same. */
const invalid = (name: string, certificate: Certificate, notAfter: number | 'any'): Fault<RelayStage> =>
  changed(
    name,
    server => server.certificate(certificate),
    blocked('smtp_certificate_invalid', {
      ...noLogin,
      reachable: 1,
      certificate_valid: 0,
      certificate_not_after_timestamp_seconds: notAfter,
    }),
  )

const year2024 = seconds('2024-02-01T00:00:00Z')
const year2100 = seconds('2100-01-01T00:00:00Z')

export const smtpTls: Area<RelayStage> = {
  name: 'SMTP: STARTTLS and certificate',
  start: () => relayStage(),
  faults: [
    swapped(
      'STARTTLS: not offered, or taken out of the reply on the way',
      script({ capabilities: ['AUTH PLAIN LOGIN'] }),
      blocked('smtp_starttls_missing', { ...noTls, ...noLogin, reachable: 1, starttls: 0 }),
    ),
    swapped(
      'STARTTLS: replies are injected in the clear behind it',
      script({ inject: '250-mail.keybuzz.io\r\n250 AUTH PLAIN\r\n' }),
      blocked('smtp_protocol_error', { ...noLogin, ...offered, certificate_valid: 1 }),
    ),
    swapped(
      'STARTTLS: silent in the handshake',
      script({ handlers: [startsTls(socket => socket.removeAllListeners('data').resume())] }),
      blocked('smtp_no_answer', { ...noTls, ...noLogin, ...offered, response_code: 220 }),
    ),
    swapped(
      'STARTTLS: closes the connection in the handshake',
      script({ handlers: [startsTls(socket => socket.destroy())] }),
      blocked('smtp_tls_failed', { ...noTls, ...noLogin, ...offered }),
    ),
    invalid('Certificate: expired', made.expired, year2024),
    invalid('Certificate: not valid yet', made.notYetValid, year2100),
    invalid('Certificate: for another name', made.wrongName, 'any'),
    invalid('Certificate: self-signed', made.selfSigned, 'any'),
    {
      name: 'Certificate: expires in five days',
      async inject({ relay }) {
        relay.server().certificate(await expiringSoon())
      },
      seen: {
        verdict: 'warn',
        reasons: ['smtp/relay smtp_certificate_expires_soon'],
        samples: samplesOf({
          authenticated: 1,
          certificate_valid: 1,
          certificate_not_after_timestamp_seconds: soon,
        }),
      },
    },
  ],
}

const inTheClear = (port: number): Promise<Listening> => scripted({ security: 'none', port })

export const smtpImplicitTls: Area<RelayStage> = {
  name: 'SMTP: TLS from the start (465)',
  start: () => relayStage('security: tls', { security: 'tls' }),
  faults: [
    swapped('TLS port: a server that speaks in the clear', inTheClear, blocked('smtp_tls_failed', nothing)),
    swapped('TLS port: silent in the handshake', port => silent({ port }), blocked('smtp_no_answer', nothing)),
    invalid('TLS port: the certificate has expired', made.expired, year2024),
    invalid('TLS port: the certificate is for another name', made.wrongName, 'any'),
  ],
}
