import { describe, expect, it } from 'vitest'
import { codesAbout, complaintsIn, type Complaint } from '../../../src/probes/dns/refusals.ts'

const all: readonly Complaint[] = ['spf', 'dkim', 'dmarc']

describe('what a refusal complains of', () => {
  it.each<[text: string, complaints: readonly Complaint[]]>([
    // Gmail: https://support.google.com/a/answer/3726730
    [
      '550 5.7.26 Your email has been blocked because the sender is unauthenticated. Gmail requires all senders to authenticate with either SPF or DKIM. Authentication results: DKIM = did not pass SPF [app.example.com] with ip: [192.0.2.10] = did not pass',
      all,
    ],
    [
      "550-5.7.26 Unauthenticated email from app.example.com is not accepted due to domain's 550-5.7.26 DMARC policy.",
      all,
    ],
    ["421-4.7.27 Your email has been rate limited because SPF authentication didn't pass", ['spf']],
    ["550-5.7.30 Your email has been blocked because DKIM authentication didn't pass", ['dkim']],
    [
      "421 4.7.32 Your email has been rate limited because the From: header (RFC5322) in this message isn't aligned with either the authenticated SPF or DKIM organizational domain.",
      all,
    ],
    [
      '421 4.7.26 This email has been rate limited because it is unauthenticated. Gmail requires all senders to authenticate with either SPF or DKIM.',
      all,
    ],
    [
      "451 4.7.26 Unauthenticated email from app.example.com is not accepted due to domain's DMARC policy, but temporary DNS failures prevent authentication.",
      all,
    ],
    [
      '550-5.7.26 The MAIL FROM domain [app.example.com] has an SPF record with a hard fail 550-5.7.26 policy (-all) but it fails to pass SPF checks with the ip: [192.0.2.10].',
      ['spf'],
    ],
    [
      '550 5.7.26 Your email has been blocked because the sender is unauthenticated. Authentication results: DKIM = did not pass SPF [app.example.com] with ip: [192.0.2.10] = pass',
      ['dkim', 'dmarc'],
    ],
    [
      "550 5.7.27 This message was blocked because it didn't pass SPF authentication. Gmail requires bulk email senders to authenticate their email with SPF.",
      ['spf'],
    ],
    ["550 5.7.30 This message was blocked because it didn't pass DKIM authentication.", ['dkim']],
    [
      "421 4.7.40 Your email has been rate limited because the sending domain doesn't have a DMARC record, or the DMARC record doesn't specify a DMARC policy.",
      ['dmarc'],
    ],
    ['451 4.7.24 The SPF record of the sending domain has one or more suspicious entries.', ['spf']],
    [
      '421 4.7.0 The IP address sending this message does not have a PTR record, or the corresponding forward DNS entry does not point to the sending IP.',
      ['ptr'],
    ],
    [
      '550 5.7.1 This message does not meet IPv6 sending guidelines regarding PTR records and authentication.',
      ['ptr', 'spf', 'dkim'],
    ],
    ['421 4.7.23 The IP address sending this message does not have a PTR record', ['ptr']],
    ['550 5.7.25 The IP address sending this message does not have a PTR record setup', ['ptr']],
    // Microsoft
    ['550 5.7.515 Access denied, sending domain app.example.com does not meet the required authentication level.', all],
    ['550 5.7.509 Access denied, sending domain app.example.com does not pass DMARC verification', ['dmarc']],
    [
      "550 5.7.515 Access denied, sending domain app.example.com doesn't meet the required authentication level. The sender's domain in the 5322.From address doesn't meet the authentication requirements defined for the sender. Spf= Fail , Dkim= Pass , DMARC= Pass",
      ['spf'],
    ],
    [
      '550 5.7.509: Access denied, sending domain app.example.com does not pass DMARC verification and has a DMARC policy of reject.',
      ['dmarc'],
    ],
    ['550 5.7.509 Access denied', ['dmarc']],
    ['550 5.7.23 The message was rejected because of Sender Policy Framework violation -> 550 5.7.1', ['spf']],
    [
      '450 4.7.26 Access denied, a message sent over IPv6 [2001:db8::10] must pass either SPF or DKIM validation, this message is not signed',
      ['spf', 'dkim'],
    ],
    ['450 4.7.25 Access denied, the sending IPv6 address [2001:db8::10] must have a reverse DNS record', ['ptr']],
    // Yahoo: https://senders.yahooinc.com/smtp-error-codes
    [
      '550 5.7.9 This mail has been blocked because the sender is unauthenticated. Yahoo requires all senders to authenticate with either SPF or DKIM.',
      all,
    ],
    ['554 5.7.9 Message not accepted for policy reasons. See https://postmaster.yahooinc.com/error-codes', all],
    [
      '451 Message temporarily deferred due to unresolvable RFC.5321 from domain. See https://senders.yahooinc.com/error-codes#unresolvable-from-domain',
      ['domain'],
    ],
    // Apple, GoDaddy, Cox
    ['554 5.7.1 [HME1] This message was blocked for failing both SPF and DKIM authentication checks.', all],
    ["554 5.7.1 Your message was rejected due to app.example.com's DMARC policy.", ['dmarc']],
    ['550 b@box.example.net Invalid SPF record. Inspect your SPF settings, and try again. IB508', ['spf']],
    ['554 All mail servers must have a PTR record with a valid Reverse DNS entry.', ['ptr']],
    // RFC 7372 and 7505, by code alone
    ['550 5.7.20 rejected', ['dkim']],
    ['550 5.7.23 rejected', ['spf']],
    ['550 5.7.26 rejected', all],
    ['550 5.7.27 rejected', ['domain']],
    // Postfix, rspamd, policyd-spf
    ['450 4.7.25 Client host rejected: cannot find your reverse hostname, [192.0.2.10]', ['ptr']],
    ['550 5.7.1 Client host rejected: cannot find your hostname, [192.0.2.10]', ['ptr']],
    ['450 4.1.8 <a@app.example.com>: Sender address rejected: Domain not found', ['domain']],
    ['554 5.7.1 Email rejected per DMARC policy for app.example.com', ['dmarc']],
    [
      '550 5.7.1 <b@box.example.net>: Recipient address rejected: Message rejected due to: SPF fail - not authorized',
      ['spf'],
    ],
    ['550 SPF check failed', ['spf']],
    ['5.0.0 550 rejected: unauthenticated mail is not accepted', all],
    // About something else
    ['550 5.7.1 Relay access denied', []],
    ['554 5.7.1 Service unavailable; Client host [192.0.2.10] blocked using zen.example.org', []],
    ['530 5.7.0 Authentication required (SPF)', []],
    ['535 5.7.8 Error: authentication failed', []],
    ['550 5.1.1 no such user; see our page on SPF', []],
    ['452 4.2.2 mailbox full', []],
    // About content and reputation: what passed is no complaint
    ['550 5.7.1 Message rejected as spam (SPF=pass, DKIM: pass, DMARC passed)', []],
    ['550 5.7.1 Rejected by content filter; spf=pass smtp.mailfrom=app.example.com; dkim=pass; dmarc=pass', []],
    [
      '421-4.7.28 Gmail has detected an unusual rate of unsolicited mail originating from your SPF domain [app.example.com 35]. To protect our users from spam, mail has been temporarily rate limited.',
      [],
    ],
    [
      '421-4.7.28 Gmail has detected an unusual rate of unsolicited mail originating from your DKIM domain [app.example.com 35].',
      [],
    ],
    ['550 5.7.1 rejected: SPF [app.example.com] = pass, DKIM = fail', ['dkim']],
    ['550 5.7.26 blocked: SPF does not pass', ['spf']],
    ['550 5.7.139 Authentication unsuccessful, DKIM', []],
    [
      '421 4.7.28 Gmail has detected an unusual rate of unsolicited email originating from your DKIM domain app.example.com.',
      [],
    ],
    [
      '421 4.7.28 Gmail has detected an unusual rate of unsolicited email originating from your SPF domain app.example.com.',
      [],
    ],
    ["550 5.7.29 This message was blocked because it wasn't sent over a TLS connection.", []],
    ['504 5.7.40 Unrecognized authentication type.', []],
    ['smtp; 504-5.7.40 XOAUTH is no longer supported.', []],
    ['534-5.7.9 Application-specific password required.', []],
    ['554 5.7.0 Too many unauthenticated commands.', []],
    [
      '550 5.7.0 Email relay denied 192.0.2.10. Invalid credentials for relay for one of the domains in: app.example.com',
      [],
    ],
    ['421 4.7.0 This message is suspicious due to the very low reputation of the sending domain.', []],
    ['550 5.7.1 The message is spam (spf=pass, dkim=pass, dmarc=pass)', []],
    ['550 5.7.57 Client not authenticated to send mail.', []],
    ['550 5.7.708 Service unavailable. Access denied, traffic not accepted from this IP', []],
    ['550 5.7.512 Access denied, message must be RFC 5322 section 3.6.2 compliant', []],
    ['421 4.7.0 [TSS04] Messages from 192.0.2.10 temporarily deferred due to unexpected volume or user complaints', []],
    ["553 5.7.1 [BL21] Connections will not be accepted from 192.0.2.10, because the ip is in Spamhaus's list", []],
    ['554 Message not allowed - [PH01] Email not accepted for policy reasons.', []],
    ['554 5.7.1 Mail from IP 192.0.2.10 was rejected due to listing in Spamhaus SBL.', []],
    ['', []],
  ])('%s', (text, complaints) => {
    expect([...complaintsIn(text)].sort()).toEqual([...complaints].sort())
  })

  it('takes no longer for an endless text', () => {
    const began = performance.now()
    for (const piece of ['5.7.26 ', 'reverse ', 'sender domain ', '4.', 'SPF ', 'DKIM [', ' 53'])
      complaintsIn(piece.repeat(200_000 / piece.length))
    expect(performance.now() - began).toBeLessThan(1_000)
  })
})

describe('what explains it', () => {
  it('is what is wrong for sure first, then what it names', () => {
    expect(codesAbout(['ptr'])[0]).toBe('dns_ptr_missing')
    expect(codesAbout(['spf'])).toEqual([
      'dns_unauthenticated',
      'dns_spf_invalid',
      'dns_spf_missing',
      'dns_spf_not_covering',
      'dns_spf_permissive',
    ])
    expect(codesAbout(['dmarc'])).toEqual(
      expect.arrayContaining(['dns_dmarc_not_aligned', 'dns_spf_missing', 'dns_dkim_missing']),
    )
    expect(codesAbout([])).toEqual([])
  })
})
