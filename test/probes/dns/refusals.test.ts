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
    ['421 4.7.32 Your email has been rate limited because the From: header is not aligned', ['dmarc']],
    ['421 4.7.23 The IP address sending this message does not have a PTR record', ['ptr']],
    ['550 5.7.25 The IP address sending this message does not have a PTR record setup', ['ptr']],
    // Microsoft
    ['550 5.7.515 Access denied, sending domain app.example.com does not meet the required authentication level.', all],
    ['550 5.7.509 Access denied, sending domain app.example.com does not pass DMARC verification', ['dmarc']],
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
    ['', []],
  ])('%s', (text, complaints) => {
    expect([...complaintsIn(text)].sort()).toEqual([...complaints].sort())
  })

  it('takes no longer for an endless text', () => {
    const began = performance.now()
    for (const piece of ['5.7.26 ', 'reverse ', 'sender domain ', '4.'])
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
    ])
    expect(codesAbout(['dmarc'])).toEqual(
      expect.arrayContaining(['dns_dmarc_not_aligned', 'dns_spf_missing', 'dns_dkim_missing']),
    )
    expect(codesAbout([])).toEqual([])
  })
})
