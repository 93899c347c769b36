import { reasonsOf, type ReasonSpec } from '../../core/probe.ts'

const fails = (severity: ReasonSpec['severity'], meaning: string, remedy: string) =>
  ({ verdict: 'fail', severity, meaning, remedy }) as const
const warns = (severity: ReasonSpec['severity'], meaning: string, remedy: string) =>
  ({ verdict: 'warn', severity, meaning, remedy }) as const
const unknown = (severity: ReasonSpec['severity'], meaning: string, remedy: string) =>
  ({ verdict: 'unknown', severity, meaning, remedy }) as const

export const reasons = {
  smtp_unreachable: fails(
    'critical',
    'No TCP connection to the relay: refused, no route, or a name that does not resolve.',
    'Is the mail server running and listening on this port? Check the host name, the port and the firewall between.',
  ),
  smtp_no_answer: fails(
    'critical',
    'The relay did not answer in time, in the phase named.',
    'In connect: a firewall drops packets. In greeting: the relay hangs, lets clients wait for longer than `timeout` (nodemailer waits for 30 s), or the port speaks TLS from the start (465: `security: tls`, in a URL `smtps://`). Else look at its load and its DNS.',
  ),
  smtp_closed: fails(
    'critical',
    'The relay took the connection and closed it in mid-dialogue, without saying why.',
    'See the log of the relay; a proxy with no server behind it, and a ban (fail2ban, postscreen), look like this.',
  ),
  smtp_greeting_refused: fails(
    'critical',
    'The relay refuses to serve this client, by its greeting (421, 554) or its answer to EHLO.',
    'Read what it says: it is overloaded, or this address is banned or not allowed in. See its log; allow the address.',
  ),
  smtp_protocol_error: fails(
    'critical',
    'What answered does not speak SMTP, or broke off from it.',
    'Is this port really a mail server? Check host and port, and what stands between.',
  ),
  smtp_starttls_missing: fails(
    'critical',
    'The relay does not offer STARTTLS, which this target needs: it is switched off, or somebody in between takes it out of the reply. No password was sent.',
    'Switch TLS on at the relay (Postfix: smtpd_tls_security_level, and a certificate). If it is on there, find the firewall or proxy that strips it.',
  ),
  smtp_starttls_refused: fails(
    'critical',
    'The relay offers STARTTLS and refuses it (454: TLS not available). No password was sent.',
    'See the log of the relay: mostly its certificate or key cannot be read.',
  ),
  smtp_tls_failed: fails(
    'critical',
    'The TLS handshake failed: no version or cipher in common, or the other side does not speak TLS there.',
    'Port 587 takes `security: starttls`, 465 `security: tls`. The relay needs TLS 1.2 or newer; see its log. If it takes only clients with a certificate, set `cert_file` and `key_file`.',
  ),
  smtp_certificate_invalid: fails(
    'critical',
    'The certificate of the relay, or another one of its chain, does not verify, so every client that looks refuses it. No password was sent.',
    'Renew the certificate named, or install the whole chain of the authority again where it is an intermediate one; the name has to be the one clients use. For an authority of your own set `ca_file`; for another name set `servername`.',
  ),
  smtp_certificate_expires_soon: warns(
    'medium',
    'The certificate of the relay, or another one of its chain, expires in less than `certificate_warning` (14 days).',
    'Renew the one named, and have the relay load it (Postfix: postfix reload). An intermediate one comes with the chain of the authority.',
  ),
  smtp_client_certificate_wanted: fails(
    'critical',
    'The relay takes only clients with a certificate, and this one has none, or not one that it trusts. Mostly it says so after the handshake, so that it looks like a broken connection.',
    'Set `cert_file` and `key_file` to the client certificate of the application. If they are set: is it the right one, still valid, and by an authority that the relay trusts (Postfix: smtpd_tls_CAfile)?',
  ),
  smtp_certificate_not_verified: warns(
    'medium',
    'With `verify: false` the certificate of the relay is not verified, as the application does not: anybody in between can read the password and the mail.',
    'Have the relay use a certificate that verifies, or set `ca_file` to its authority; then take out `verify: false`, here and in the application (nodemailer: `rejectUnauthorized`).',
  ),
  smtp_login_in_clear: warns(
    'high',
    'With `security: opportunistic` TLS is taken where it is offered. The relay does not offer it now, so that the password was sent in the clear, as the application sends it.',
    'Switch TLS on at the relay, and find out whether somebody in between takes STARTTLS out of its reply. Best set `security: starttls`, and `requireTLS` in the application.',
  ),
  smtp_hello_refused: unknown(
    'high',
    'The relay refuses our name in EHLO, which is not that of the application: whether it takes mail of the application is not known.',
    'Set `hello` to the name that the application says in EHLO (nodemailer: `name`, else the name of its host).',
  ),
  smtp_url_not_understood: unknown(
    'high',
    'The URL cannot be followed as the application follows it, so that nothing was looked at.',
    'Change what is named, in the URL or by setting host, port, security, user and password in place of `url`.',
  ),
  smtp_auth_failed: fails(
    'critical',
    'The relay refuses this user and password (5xx). The exporter then waits longer before each next try, so that the account is not locked. It tries a changed password at once.',
    'Set the right password (or `token`) where it comes from. If it was put right at the relay, restart the exporter to try at once.',
  ),
  smtp_password_of_other_region: fails(
    'critical',
    'The relay is that of SES, and the password was made for another region: an SMTP password of SES is good in one region only.',
    'Make the SMTP password again, from the same secret key, for the region of the relay (docs/ses.md). Or use the relay of the region it was made for, if the sender is verified there.',
  ),
  smtp_auth_temporary: fails(
    'high',
    'The relay cannot check the login now (4xx on AUTH): whatever it asks for passwords is down.',
    'Look at the authentication service of the relay: Dovecot or saslauthd, LDAP, the disk.',
  ),
  smtp_auth_not_offered: warns(
    'medium',
    'A login is set and the relay offers none: nodemailer hands its mail over without one then. Whether the relay takes it is only known where `envelope` is set.',
    'Is this the submission port (587, 465) and not 25? If the relay needs no login from here, take user and password out (here and in the application); else switch AUTH on (Postfix: smtpd_sasl_auth_enable). Set `envelope` to see whether it takes mail.',
  ),
  smtp_auth_method_not_offered: fails(
    'critical',
    'The relay offers logins, and none that takes a user and a password (PLAIN, LOGIN, CRAM-MD5), so none was sent.',
    'See what it offers: for XOAUTH2 set `token` and `auth: xoauth2`; for a relay of your own add PLAIN or LOGIN (Postfix: smtpd_sasl_mechanism_filter, Dovecot: auth_mechanisms).',
  ),
  smtp_security_required: fails(
    'critical',
    'The relay wants more than this client brings before it serves: a login, or TLS (530, 538).',
    'Read what it says: set user and password, or `security: starttls`, for the application and for this target.',
  ),
  smtp_password_unresolved: unknown(
    'high',
    'User, password or token could not be fetched from where it comes from, so that no login was tried.',
    'Make the source named readable to the exporter, or correct the value where it comes from.',
  ),
  smtp_login_not_configured: unknown(
    'medium',
    'The target has no user, and no envelope that was taken either: whether the relay takes mail is not known.',
    'Set user and password; for a relay that takes mail without a login, set envelope.',
  ),
  smtp_sender_refused: fails(
    'critical',
    'The relay refuses the sender of the envelope (MAIL FROM).',
    'Read what it says: may this login send as that address, and is the disk of the relay full (452)?',
  ),
  smtp_recipient_refused: fails(
    'critical',
    'The relay refuses the envelope at RCPT TO, and not only for a while: the recipient, or (Postfix) the sender only by now.',
    'Read what it says: "relay access denied" (554, 454) means that this client may not send without a login, 452 that a disk is full, 4.3.x that the relay itself is broken; see its log.',
  ),
  smtp_recipient_deferred: warns(
    'low',
    'The relay puts the recipient of the envelope off (450 or 451 on RCPT TO), mostly greylisting.',
    'Nothing, if it is greylisting: mail is tried again. Else read what it says; better exempt this client.',
  ),
} as const satisfies Record<string, ReasonSpec>

/** A reason, its text without the address, and a remedy if there is a better one than the reason's own. */
export type Problem = readonly [code: Reason['code'], text: string, remedy?: string | undefined]
export const reason = reasonsOf(reasons)
export type Reason = ReturnType<typeof reason>
