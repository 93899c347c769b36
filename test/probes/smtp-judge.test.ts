import { describe, expect, it } from 'vitest'
import type { Failure } from '../../src/core/errors.ts'
import { smtp } from '../../src/probes/smtp/index.ts'
import type { SmtpTarget } from '../../src/probes/smtp/target.ts'
import type { SmtpSeen } from '../../src/probes/smtp/observe.ts'
import type { Reply, Step } from '../../src/probes/smtp/dialogue.ts'
import { leafOf } from '../clients/certificate-leaf.ts'

const at = Date.parse('2026-01-15T12:00:00Z')
const address = 'mail.keybuzz.io:587'
const days = (count: number): number => at + count * 86_400_000

const reply = (step: Step, text: string): Reply => ({ step, code: Number(text.slice(0, 3)) || undefined, text })
const greeting = reply('greeting', '220 mail.keybuzz.io ESMTP')
const ehlo = reply('ehlo', '250 mail.keybuzz.io')
const beforeLogin = [greeting, ehlo, reply('starttls', '220 go ahead'), ehlo]
const broken = (phase: string, code: string, text: string): Failure => ({
  phase,
  code,
  text: `${address}: ${text} (phase ${phase})`,
  timedOut: false,
})
const late = (phase: string): Failure => ({
  ...broken(phase, '', 'no answer within 5 s'),
  code: undefined,
  timedOut: true,
})

const certificate = {
  name: 'mail.keybuzz.io',
  issuer: 'R3',
  notBefore: days(-30),
  notAfter: days(60),
  selfSigned: false,
}
const chainOf = (more: Partial<typeof certificate> = {}, names = 'DNS:mail.keybuzz.io') => ({
  certificates: [
    { ...certificate, ...more },
    { ...certificate, name: 'R3', issuer: 'Root', notAfter: days(900) },
  ],
  anchored: true,
  names,
  leaf: leafOf('mail.keybuzz.io', 'R3'),
})
const tls = {
  version: 'TLSv1.3',
  cipher: 'TLS_AES_256_GCM_SHA384',
  chain: chainOf(),
  expected: 'mail.keybuzz.io',
  problems: [],
}
const well: SmtpSeen = {
  at,
  address,
  replies: [...beforeLogin, reply('auth', '235 2.7.0 welcome')],
  extensions: { clear: ['STARTTLS', 'AUTH PLAIN'], now: ['AUTH PLAIN LOGIN'] },
  injected: false,
  tls,
  user: 'postmaster@keybuzz.io',
  unresolved: undefined,
  authenticated: true,
  backOff: undefined,
  failure: undefined,
}
const notTried = { replies: beforeLogin, authenticated: undefined }
const inTheClear = { ...notTried, tls: undefined, replies: [greeting, ehlo] }
const nothing = { ...inTheClear, replies: [], extensions: { clear: undefined, now: undefined } }
const badCertificate = (problem: string, chain = chainOf()) => ({
  ...notTried,
  tls: { ...tls, chain, problems: [problem] },
})
const refused = reply('auth', '535 5.7.8 authentication failed')
const tlsFirst = reply('auth', '530 5.7.0 Must issue a STARTTLS command first')
const refusal = (text: string, detail?: string) => ({
  replies: [...beforeLogin, reply('auth', text)],
  authenticated: false,
  backOff: { until: days(1), count: 1, reply: { ...reply('auth', text), detail } },
})
const rcpt = (text: string) => ({ replies: [...well.replies, reply('mail_from', '250 ok'), reply('rcpt_to', text)] })

const target = (more: Record<string, unknown> = {}): SmtpTarget =>
  smtp.target.parse({ name: 'relay', host: 'mail.keybuzz.io', user: 'x', password: { env: 'SMTP_PASS' }, ...more })
const withoutLogin = { user: undefined, password: undefined }
const relayOnly = { ...notTried, user: undefined }

/** What was seen, how it differs from a login that works; the reasons and the text; some samples, by name without `mailpath_smtp_`. */
const rows: {
  name: string
  seen: Partial<SmtpSeen>
  config?: Record<string, unknown>
  reasons: string[]
  text?: RegExp
  /** Of the first reason. */
  remedy?: RegExp
  samples?: Record<string, number | undefined>
}[] = [
  {
    name: 'a login that works',
    seen: {},
    reasons: [],
    text: /^mail\.keybuzz\.io:587: logged in as postmaster@keybuzz\.io over TLSv1\.3$/,
    samples: {
      reachable: 1,
      starttls: 1,
      authenticated: 1,
      response_code: 235,
      certificate_valid: 1,
      certificate_not_after_timestamp_seconds: days(60) / 1000,
      tls_info: 1,
      auth_suspended_until_timestamp_seconds: undefined,
    },
  },
  {
    name: 'a refused connection',
    seen: { ...nothing, failure: broken('connect', 'ECONNREFUSED', 'connect ECONNREFUSED 10.0.0.160:587') },
    reasons: ['smtp_unreachable'],
    text: /ECONNREFUSED/,
    samples: {
      reachable: 0,
      starttls: undefined,
      authenticated: undefined,
      response_code: undefined,
      certificate_valid: undefined,
      certificate_not_after_timestamp_seconds: undefined,
      tls_info: undefined,
    },
  },
  {
    name: 'a name that does not resolve',
    seen: { ...nothing, failure: broken('dns', 'ENOTFOUND', 'getaddrinfo') },
    reasons: ['smtp_unreachable'],
  },
  {
    name: 'silence',
    seen: { ...nothing, failure: late('greeting') },
    reasons: ['smtp_no_answer'],
    text: /phase greeting/,
    samples: { reachable: 0 },
  },
  {
    name: 'silence on AUTH',
    seen: { ...notTried, failure: late('auth') },
    reasons: ['smtp_no_answer'],
    samples: { reachable: 1, authenticated: undefined },
  },
  {
    name: 'a reset',
    seen: { ...nothing, failure: broken('greeting', 'ECONNRESET', 'read ECONNRESET') },
    reasons: ['smtp_closed'],
  },
  {
    name: 'a close after EHLO',
    seen: { ...inTheClear, replies: [greeting], failure: broken('ehlo', 'ECONNECTION', 'closed') },
    reasons: ['smtp_closed'],
  },
  {
    name: 'a greeting that refuses',
    seen: {
      ...nothing,
      replies: [reply('greeting', '554 5.7.1 banned')],
      failure: broken('greeting', 'EPROTOCOL', '554'),
    },
    reasons: ['smtp_greeting_refused'],
    text: /"554 5\.7\.1 banned"/,
    samples: { reachable: 1, response_code: 554 },
  },
  {
    name: 'another protocol',
    seen: { ...nothing, replies: [reply('greeting', 'SSH-2.0')], failure: broken('greeting', 'EPROTOCOL', 'Invalid') },
    reasons: ['smtp_protocol_error'],
    text: /"SSH-2\.0"/,
    samples: { reachable: 0, response_code: undefined },
  },
  {
    name: 'STARTTLS taken away',
    seen: { ...inTheClear, extensions: { clear: ['AUTH PLAIN'], now: ['AUTH PLAIN'] } },
    reasons: ['smtp_starttls_missing'],
    samples: { starttls: 0 },
  },
  {
    name: 'STARTTLS refused',
    seen: { ...inTheClear, replies: [greeting, ehlo, reply('starttls', '454 not available')] },
    reasons: ['smtp_starttls_refused'],
    text: /"454 not available"/,
    samples: { starttls: 0, response_code: 454 },
  },
  {
    name: 'injected replies',
    seen: { ...notTried, injected: true },
    reasons: ['smtp_protocol_error'],
    text: /clear text/,
  },
  {
    name: 'a handshake that fails',
    seen: { ...inTheClear, failure: broken('tls', 'ESOCKET', 'unsupported protocol') },
    reasons: ['smtp_tls_failed'],
  },
  {
    name: 'an expired certificate',
    seen: badCertificate('CERT_HAS_EXPIRED', chainOf({ notAfter: days(-1) })),
    reasons: ['smtp_certificate_invalid'],
    text: /expired on 2026-01-14/,
    remedy: /^Renew the certificate of the relay/,
    samples: {
      certificate_valid: 0,
      certificate_not_after_timestamp_seconds: days(-1) / 1000,
      authenticated: undefined,
    },
  },
  {
    name: 'a certificate of tomorrow',
    seen: badCertificate('CERT_NOT_YET_VALID', chainOf({ notBefore: days(1) })),
    reasons: ['smtp_certificate_invalid'],
    text: /not valid before 2026-01-16/,
    remedy: /clock/,
  },
  {
    name: 'a self-signed certificate',
    seen: badCertificate('DEPTH_ZERO_SELF_SIGNED_CERT', {
      ...chainOf(),
      certificates: [{ ...certificate, selfSigned: true }],
    }),
    reasons: ['smtp_certificate_invalid'],
    text: /self-signed/,
  },
  {
    name: 'an unknown authority',
    seen: badCertificate('UNABLE_TO_VERIFY_LEAF_SIGNATURE'),
    reasons: ['smtp_certificate_invalid'],
    text: /authority/,
    remedy: /^Have the relay send its whole chain.*`ca_file`/,
  },
  {
    name: 'a certificate for another name',
    seen: badCertificate('ERR_TLS_CERT_ALTNAME_INVALID', chainOf({}, 'DNS:mx.example')),
    reasons: ['smtp_certificate_invalid'],
    text: /not for mail\.keybuzz\.io but for DNS:mx\.example/,
    remedy: /^Connect by a name that the certificate is for/,
  },
  {
    name: 'a revoked certificate',
    seen: badCertificate('CERT_REVOKED'),
    reasons: ['smtp_certificate_invalid'],
    text: /CERT_REVOKED/,
    remedy: /^Renew the certificate named/,
  },
  { name: '14 days left', seen: { tls: { ...tls, chain: chainOf({ notAfter: days(14) }) } }, reasons: [] },
  {
    name: 'less than 14 days left',
    seen: { tls: { ...tls, chain: chainOf({ notAfter: days(14) - 1 }) } },
    reasons: ['smtp_certificate_expires_soon'],
    text: /: the certificate expires on 2026-01-29, in 13 days, less than 14/,
  },
  {
    name: 'as many days left as the target says',
    config: { certificate_warning: '12h' },
    seen: { tls: { ...tls, chain: chainOf({ notAfter: days(0.5) - 1 }) } },
    reasons: ['smtp_certificate_expires_soon'],
    text: /in 11 hours, less than 12 hours/,
  },
  {
    name: 'less than that, and no warning wanted',
    config: { certificate_warning: '0d' },
    seen: { tls: { ...tls, chain: chainOf({ notAfter: days(0.5) }) } },
    reasons: [],
  },
  {
    name: 'an expired intermediate certificate',
    seen: badCertificate('CERT_HAS_EXPIRED', {
      ...chainOf(),
      certificates: [certificate, { ...certificate, name: 'R3', notAfter: days(-120) }],
    }),
    reasons: ['smtp_certificate_invalid'],
    text: /^\S+: the intermediate certificate "R3" \(depth 1\) expired on 2025-09-17$/,
    remedy: /^Install the present chain of the authority at the relay/,
    samples: { certificate_valid: 0, certificate_not_after_timestamp_seconds: days(-120) / 1000 },
  },
  {
    name: 'an expired certificate of an authority that is not known either',
    seen: badCertificate('CERT_HAS_EXPIRED', { ...chainOf({ notAfter: days(-1) }), anchored: false }),
    reasons: ['smtp_certificate_invalid'],
    text: /expired on 2026-01-14, and is by an authority/,
    remedy: /^Renew the certificate named, or install the whole chain/,
  },
  {
    name: 'a refused login',
    seen: {
      replies: [...beforeLogin, refused],
      authenticated: false,
      backOff: { until: days(1), count: 3, reply: refused },
    },
    reasons: ['smtp_auth_failed'],
    text: /postmaster@keybuzz\.io was refused with "535 .*", 3 times in a row; next try not before 2026-01-16T12:00:00/,
    samples: { authenticated: 0, response_code: 535, auth_suspended_until_timestamp_seconds: days(1) / 1000 },
  },
  {
    name: 'a login held off',
    seen: { ...notTried, backOff: { until: days(1), count: 1, reply: refused } },
    reasons: ['smtp_auth_failed'],
    samples: { authenticated: 0, response_code: 250 },
  },
  {
    name: 'a login that is refused for want of TLS',
    seen: {
      replies: [...beforeLogin, tlsFirst],
      authenticated: false,
      backOff: { until: days(1), count: 1, reply: tlsFirst },
    },
    reasons: ['smtp_security_required'],
    text: /530 5\.7\.0 Must issue a STARTTLS/,
    samples: { authenticated: 0, auth_suspended_until_timestamp_seconds: days(1) / 1000 },
  },
  {
    name: 'a login put off',
    seen: { replies: [...beforeLogin, reply('auth', '454 4.7.0 later')], authenticated: false },
    reasons: ['smtp_auth_temporary'],
    samples: { authenticated: 0, auth_suspended_until_timestamp_seconds: undefined },
  },
  {
    name: 'an odd answer to AUTH',
    seen: { replies: [...beforeLogin, reply('auth', '354 go on')], authenticated: false },
    reasons: ['smtp_protocol_error'],
  },
  {
    name: 'no AUTH',
    seen: { ...notTried, extensions: { clear: ['STARTTLS'], now: [] } },
    reasons: ['smtp_auth_not_offered'],
    text: /no AUTH is offered/,
  },
  {
    name: 'no fitting AUTH',
    seen: { ...notTried, extensions: { clear: ['STARTTLS'], now: ['AUTH GSSAPI'] } },
    reasons: ['smtp_auth_method_not_offered'],
    text: /only GSSAPI/,
  },
  {
    name: 'OAuth alone',
    seen: { ...notTried, extensions: { clear: ['STARTTLS'], now: ['AUTH XOAUTH2'] } },
    reasons: ['smtp_auth_method_not_offered'],
    text: /a token of OAuth, and no password/,
    remedy: /`token` and `auth: xoauth2`/,
  },
  {
    name: 'no AUTH, and an envelope that is refused',
    seen: {
      ...notTried,
      extensions: { clear: ['STARTTLS'], now: [] },
      replies: [...beforeLogin, reply('mail_from', '250 ok'), reply('rcpt_to', '554 5.7.1 Relay access denied')],
    },
    reasons: ['smtp_recipient_refused', 'smtp_auth_not_offered'],
  },
  {
    name: 'OAuth beside a password that is refused for good',
    seen: {
      ...refusal('535 5.7.139 Authentication unsuccessful, basic authentication is disabled.'),
      extensions: { clear: ['STARTTLS'], now: ['AUTH LOGIN XOAUTH2'] },
      mechanism: 'LOGIN',
    },
    reasons: ['smtp_auth_failed'],
    remedy: /`token` and `auth: xoauth2`/,
  },
  {
    name: 'a mechanism that the relay offers and does not take',
    seen: { ...refusal('504 5.5.4 Unrecognized authentication type'), mechanism: 'PLAIN' },
    reasons: ['smtp_auth_failed'],
    remedy: /does not take PLAIN.*set `auth`: the relay offers LOGIN/,
  },
  {
    name: 'a password that is refused where there is another mechanism',
    seen: { ...refusal('535 5.7.8 authentication failed'), mechanism: 'PLAIN' },
    reasons: ['smtp_auth_failed'],
    remedy: /^Set the right password .*offers LOGIN too/,
  },
  {
    name: 'a token that has ended',
    seen: {
      ...refusal('535 5.7.8 Username and Password not accepted.', 'status 400 of the token'),
      mechanism: 'XOAUTH2',
    },
    reasons: ['smtp_auth_failed'],
    text: /"535 .*" \(status 400 of the token\)/,
    remedy: /renews it/,
  },
  {
    name: 'a client certificate that is wanted',
    seen: {
      ...inTheClear,
      tls,
      failure: broken('ehlo', 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'tlsv13 alert certificate required'),
    },
    reasons: ['smtp_client_certificate_wanted'],
    remedy: /`cert_file` and `key_file`/,
  },
  {
    name: 'a certificate that is not verified',
    seen: { tls: { ...tls, chain: chainOf({ notAfter: days(-1) }), problems: ['CERT_HAS_EXPIRED'] } },
    config: { verify: false },
    reasons: ['smtp_certificate_not_verified'],
    text: /the certificate expired on 2026-01-14/,
    samples: { authenticated: 1, certificate_valid: undefined, certificate_not_after_timestamp_seconds: undefined },
  },
  {
    name: 'a login in the clear that was to be encrypted if possible',
    seen: { tls: undefined, extensions: { clear: ['AUTH PLAIN'], now: ['AUTH PLAIN'] } },
    config: { security: 'opportunistic' },
    reasons: ['smtp_login_in_clear'],
    samples: { authenticated: 1, starttls: 0 },
  },
  {
    name: 'STARTTLS refused where it need not be',
    seen: { ...inTheClear, replies: [greeting, ehlo, reply('starttls', '454 not available')] },
    config: { security: 'opportunistic' },
    reasons: ['smtp_starttls_refused'],
  },
  {
    name: 'our own name refused at RCPT TO',
    seen: { ...rcpt('450 4.7.1 <probe.local>: Helo command rejected: Host not found'), hello: 'probe.local' },
    reasons: ['smtp_hello_refused'],
    text: /about the name in EHLO, probe\.local/,
    remedy: /`hello`/,
  },
  {
    name: 'the name of the application refused at RCPT TO',
    seen: { ...rcpt('450 4.7.1 <app.local>: Helo command rejected: Host not found'), hello: 'app.local' },
    config: { hello: 'app.local' },
    reasons: ['smtp_recipient_refused', 'smtp_hello_refused'],
    remedy: /`hello`/,
  },
  {
    name: 'our own name refused at EHLO',
    seen: {
      ...inTheClear,
      hello: 'probe.local',
      replies: [greeting, reply('ehlo', '550 5.7.1 <probe.local>: rejected')],
      failure: broken('ehlo', 'EPROTOCOL', 'Invalid HELO'),
    },
    reasons: ['smtp_hello_refused'],
  },
  {
    name: 'a command out of turn, which names HELO',
    seen: rcpt('503 5.5.1 Error: send HELO/EHLO first'),
    reasons: ['smtp_recipient_refused'],
  },
  {
    name: 'a client that is refused at RCPT TO, which no waiting heals',
    seen: { ...rcpt('450 4.7.25 Client host rejected: cannot find your hostname, [127.0.0.1]'), hello: '[127.0.0.1]' },
    reasons: ['smtp_recipient_refused'],
  },
  {
    name: 'a greeting that takes its time',
    seen: { ...nothing, begun: '220-mail.keybuzz.io ESMTP', failure: late('greeting') },
    reasons: ['smtp_no_answer'],
    text: /was still greeting: "220-mail\.keybuzz\.io ESMTP"/,
    remedy: /`timeout`/,
  },
  {
    name: 'a URL that cannot be followed',
    seen: { ...nothing, notUnderstood: 'its parameter proxy is not followed here' },
    reasons: ['smtp_url_not_understood'],
    text: /its parameter proxy/,
    samples: { reachable: undefined },
  },
  {
    name: 'no password',
    seen: { ...notTried, user: undefined, unresolved: 'password: SMTP_PASS is not set' },
    reasons: ['smtp_password_unresolved'],
    text: /SMTP_PASS/,
  },
  {
    name: 'no password, no relay',
    seen: { ...nothing, failure: late('connect'), unresolved: 'password: sealed' },
    reasons: ['smtp_no_answer', 'smtp_password_unresolved'],
  },
  {
    name: 'no user',
    seen: relayOnly,
    config: withoutLogin,
    reasons: ['smtp_login_not_configured'],
    samples: { authenticated: undefined },
  },
  {
    name: 'no user, and an envelope that is taken',
    seen: { ...relayOnly, replies: [...beforeLogin, reply('mail_from', '250 ok'), reply('rcpt_to', '250 ok')] },
    config: withoutLogin,
    reasons: [],
    text: /took the envelope without a login/,
  },
  {
    name: 'a refused sender',
    seen: { replies: [...well.replies, reply('mail_from', '553 not yours')] },
    reasons: ['smtp_sender_refused'],
  },
  {
    name: 'a sender who has to log in',
    seen: { ...relayOnly, replies: [...beforeLogin, reply('mail_from', '530 5.7.0 Authentication required')] },
    config: withoutLogin,
    reasons: ['smtp_security_required'],
  },
  { name: 'a refused recipient', seen: rcpt('554 relay access denied'), reasons: ['smtp_recipient_refused'] },
  { name: 'a recipient who has to log in', seen: rcpt('530 log in'), reasons: ['smtp_security_required'] },
  { name: 'greylisting', seen: rcpt('451 greylisted'), reasons: ['smtp_recipient_deferred'] },
  { name: 'greylisting by postgrey', seen: rcpt('450 4.2.0 Greylisted'), reasons: ['smtp_recipient_deferred'] },
  {
    name: 'a relay that is broken',
    seen: rcpt('451 4.3.5 configuration problem'),
    reasons: ['smtp_recipient_refused'],
  },
  { name: 'relaying denied by Postfix', seen: rcpt('454 4.7.1 access denied'), reasons: ['smtp_recipient_refused'] },
  { name: 'a full disk', seen: rcpt('452 4.3.1 insufficient storage'), reasons: ['smtp_recipient_refused'] },
  {
    name: 'a relay that hangs up on the recipient',
    seen: { ...rcpt('421 4.7.0 too many errors'), failure: broken('envelope', 'ECONNECTION', 'closed') },
    reasons: ['smtp_recipient_refused'],
  },
  { name: 'a login that nothing is known of', seen: notTried, reasons: ['smtp_protocol_error'] },
]

const judged = ({ seen, config }: Pick<(typeof rows)[number], 'seen' | 'config'>) =>
  smtp.judge({ ...well, ...seen }, target(config))

describe('smtp', () => {
  it.each(rows)('judges $name', row => {
    const { reasons, evidence, samples } = judged(row)
    expect(reasons.map(({ code }) => code)).toEqual(row.reasons)
    if (row.text) expect(evidence).toMatch(row.text)
    if (row.remedy) expect(reasons[0]?.remedy).toMatch(row.remedy)
    for (const { text } of reasons) expect(text.startsWith(`${address}: `)).toBe(true)
    for (const [name, value] of Object.entries(row.samples ?? {}))
      expect(samples.find(({ metric }) => metric.name === `mailpath_smtp_${name}`)?.value).toBe(value)
  })

  it('has a row for each reason and each metric', () => {
    // The assessment says it, by the keys of an `ses` target (test/assess/smtp-region.test.ts).
    const ofOthers = ['smtp_password_of_other_region']
    expect(new Set([...rows.flatMap(({ reasons }) => reasons), ...ofOthers])).toEqual(
      new Set(Object.keys(smtp.reasons)),
    )
    const names = rows.flatMap(row => judged(row).samples.map(({ metric }) => metric.name))
    expect(new Set(names)).toEqual(new Set(Object.values(smtp.metrics).map(({ name }) => name)))
  })

  it('is never ok without a login that was taken, or an envelope where there is none', () => {
    const parts: Partial<SmtpSeen>[] = rows.map(({ seen }) => seen)
    for (const one of parts)
      for (const other of parts)
        for (const config of [
          {},
          withoutLogin,
          { security: 'none' },
          { security: 'opportunistic', verify: false },
          { ...withoutLogin, security: 'tls' },
        ]) {
          const seen = { ...well, ...one, ...other }
          const { verdict } = smtp.judge(seen, target(config))
          const accepted = seen.replies.some(({ step, code }) => step === 'rcpt_to' && code === 250)
          if (verdict === 'ok') expect('user' in config ? accepted : seen.authenticated).toBe(true)
          if (seen.notUnderstood !== undefined) expect(verdict).toBe('unknown')
        }
  })
})
