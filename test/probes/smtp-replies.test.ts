import { describe, expect, it } from 'vitest'
import { adviceFor, sources } from '../../src/probes/smtp/enhanced.ts'
import { refusesHello } from '../../src/probes/smtp/hello.ts'
import type { Reply } from '../../src/probes/smtp/dialogue.ts'

const reply = (text: string): Reply => ({ step: 'auth', code: Number(text.slice(0, 3)), text })

/** As providers and servers say it. */
const replies: readonly (readonly [string, RegExp | undefined])[] = [
  ['535 5.7.139 Authentication unsuccessful, basic authentication is disabled. [AM0PR01CA0001]', /`auth: xoauth2`/],
  [
    '535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant.',
    /Authenticated SMTP/,
  ],
  [
    "535 5.7.139 Authentication unsuccessful, user is locked by your organization's security defaults policy.",
    /policy/,
  ],
  ['535 5.7.139 Authentication unsuccessful, the request did not meet the criteria to be authenticated', /policy/],
  ['550 5.7.30 Basic authentication is not supported for Client Submission.', /`token`/],
  ['530 5.7.57 Client not authenticated to send mail. [DB3PR08CA0001.eurprd08.prod.outlook.com]', /wants a login/],
  ['535 5.7.3 Authentication unsuccessful', /Exchange refuses the login/],
  ['550 5.7.60 SMTP; Client does not have permissions to send as this sender', /Send As/],
  ['535 5.7.8 Username and Password not accepted. https://support.google.com/mail/?p=BadCredentials', /app password/],
  [
    '534 5.7.9 Application-specific password required. https://support.google.com/mail/?p=InvalidSecondFactor',
    /app password/,
  ],
  ['534 5.7.14 <https://accounts.google.com/signin> Please log in via your web browser', /in a browser/],
  [
    '534-5.7.14 <https://accounts.google.com/signin> Please log in via 534-5.7.14 your web browser and then try again. 534 5.7.14 Learn more',
    /in a browser/,
  ],
  ['535-5.7.8 Username and Password not 535 5.7.8 accepted', /app password/],
  ['535 5.7.139 Authentication unsuccessful, the user credentials were incorrect.', /set the right ones/],
  ['530 5.7.0 Authentication Required. https://support.google.com/mail/?p=WantAuthError', /wants a login/],
  ['454 4.7.0 Too many login attempts, please try again later.', /Too many logins/],
  ['535 Authentication Credentials Invalid', /SMTP credentials/],
  ['554 Message rejected: Email address is not verified.', /Verify the sender/],
  ['454 Throttling failure: Daily message quota exceeded.', /quota/],
  ['421 Too many concurrent SMTP connections', /fewer/],
  ['535 Authentication failed: Bad username / password', /`apikey`/],
  ['451 Authentication failed: Maximum credits exceeded', /no messages left/],
  ['550 The from address does not match a verified Sender Identity.', /Sender Identity/],
  ['525 5.7.1 Unauthorized IP address', /address of this machine/],
  ['421 Domain mg.example.com is not allowed to send: DISABLED', /console/],
  ['538 5.7.11 Encryption required for requested authentication mechanism', /over TLS/],
  ['534 5.7.9 Authentication mechanism is too weak', /too weak/],
  ['432 4.7.12 A password transition is needed', /auth: plain/],
  ['525 5.7.13 User account disabled', /disabled/],
  ['421 4.7.0 mx.example.com Error: too many connections', /limits clients/],
  ['451 4.3.5 Server configuration error', /broken/],
  ['454 4.7.1 <probe@example.org>: Relay access denied', /may not send to others/],
  ['450 4.7.25 Client host rejected: cannot find your hostname, [192.0.2.1]', /PTR/],
  ['553 5.7.1 <app@example.com>: Sender address rejected: not owned by user probe', /may not send as/],
  ['450 4.1.8 <app@example.invalid>: Sender address rejected: Domain not found', /domain of the sender/],
  ['535 5.7.8 Error: authentication failed: ', undefined],
  ['454 4.7.0 Temporary authentication failure: Connection lost to authentication server', undefined],
  ['554 5.7.1 [5.7.139.1] blocked using a list', undefined],
]

describe('a reply', () => {
  it.each(replies)('%s has its remedy', (text, remedy) => {
    if (remedy) expect(adviceFor(reply(text))).toMatch(remedy)
    else expect(adviceFor(reply(text))).toBeUndefined()
  })

  it('has a remedy out of a source', () => {
    for (const source of sources) expect(new URL(source).protocol).toBe('https:')
  })

  it.each([
    ['450 4.7.1 <app.local>: Helo command rejected: Host not found', 'app.local', true],
    ['504 5.5.2 <app>: Helo command rejected: need fully-qualified hostname', 'app', true],
    ['550 Access denied - Invalid HELO name (See RFC2821 4.1.1.1)', '[127.0.0.1]', true],
    ['501 Syntactically invalid EHLO argument(s)', 'a_b', true],
    ['550 5.7.1 <app.local>: Access denied', 'app.local', true],
    ['550 5.7.1 app.local does not resolve', 'app.local', true],
    ['503 5.5.1 Error: send HELO/EHLO first', 'app.local', false],
    ['502 5.5.1 EHLO: command not recognized', 'app.local', false],
    ['554 5.7.1 <unknown[127.0.0.1]>: Client host rejected: Access denied', '[127.0.0.1]', false],
    ['550 5.7.1 <probe@app.local>: Recipient address rejected', 'app.local', false],
    ['550 5.7.1 <x.app.local>: Access denied', 'app.local', false],
    ['250 2.1.5 Ok, HELO app.local', 'app.local', false],
  ])('%s, to a client that says %s, is about that name: %s', (text, hello, is) => {
    expect(refusesHello(reply(text), hello)).toBe(is)
  })
})
