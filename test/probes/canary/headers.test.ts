import { describe, expect, it } from 'vitest'
import { factsOf, markIn } from '../../../src/probes/canary/headers.ts'
import { markText, newMark, targetMark } from '../../../src/probes/canary/mark.ts'
import { compose } from '../../../src/probes/canary/message.ts'

const now = Date.parse('2026-11-30T16:10:00Z')
const facts = (headers: string, authservId?: string) => factsOf(headers, { authservId, now })
/** Lines of headers as they come from the server. */
const mail = (...lines: string[]): string => [...lines, '', ''].join('\r\n')
const results = (...lines: string[]) => facts(mail('From: canary@app.example.com', ...lines)).authentication

describe('Authentication-Results', () => {
  const gmail = [
    'Authentication-Results: mx.google.com;',
    '       dkim=pass header.i=@app.example.com header.s=s2048 header.b="Yx/=+1Ab";',
    '       dkim=pass header.i=@amazonses.com header.s=ug7nbtf4 header.b=kQ9Zx1Ab;',
    '       spf=pass (google.com: domain of 0102@eu.amazonses.com designates 192.0.2.7 as permitted sender) smtp.mailfrom=0102@eu.amazonses.com;',
    '       dmarc=pass (p=QUARANTINE sp=QUARANTINE dis=NONE) header.from=app.example.com',
  ]
  it.each<[string, string[], string, Record<string, string>]>([
    ['Gmail', gmail, 'mx.google.com', { spf: 'pass', dkim: 'pass', dmarc: 'pass' }],
    [
      'Microsoft, which names no host',
      [
        'Authentication-Results: spf=pass (sender IP is 192.0.2.7)',
        ' smtp.mailfrom=app.example.com; dkim=fail (body hash did not verify)',
        ' header.d=app.example.com;dmarc=bestguesspass action=none',
        ' header.from=app.example.com;compauth=fail reason=001',
      ],
      'the receiver',
      { spf: 'pass', dkim: 'fail', dmarc: 'none' },
    ],
    [
      'Stalwart, which also looks at HELO',
      [
        'Authentication-Results: mail.box.example.net;',
        '\tdkim=none (no signatures found);',
        '\tspf=fail smtp.helo=relay.example.com;',
        '\tspf=softfail (mail.box.example.net: 192.0.2.7 is not allowed) smtp.mailfrom=canary@app.example.com;',
        '\tiprev=pass policy.iprev=192.0.2.7;',
        '\tdmarc=fail header.from=app.example.com policy.dmarc=reject',
      ],
      'mail.box.example.net',
      { spf: 'softfail', dkim: 'none', dmarc: 'fail' },
    ],
    [
      'rspamd',
      [
        'Authentication-Results: mx.example.net;',
        '\tdkim=pass header.d=app.example.com header.s=mail header.b=Ab12Cd34;',
        '\tdmarc=pass (policy=reject) header.from=app.example.com;',
        '\tspf=pass (mx.example.net: domain of canary@app.example.com designates 192.0.2.7 as permitted sender) smtp.mailfrom=canary@app.example.com',
      ],
      'mx.example.net',
      { spf: 'pass', dkim: 'pass', dmarc: 'pass' },
    ],
    [
      'opendkim and opendmarc, a header each, and a Received within the host',
      [
        'Received: from mx.example.net ([127.0.0.1]) by mx.example.net with ESMTP; Mon, 30 Nov 2026 16:00:02 +0000',
        'Authentication-Results: mx.example.net; dmarc=pass (p=none dis=none) header.from=app.example.com',
        'Received: from localhost (localhost [127.0.0.1]) by mx.example.net with ESMTP; Mon, 30 Nov 2026 16:00:02 +0000',
        'Authentication-Results: mx.example.net;',
        '\tdkim=pass (2048-bit key; unprotected) header.d=app.example.com header.i=@app.example.com header.a=rsa-sha256',
      ],
      'mx.example.net',
      { dkim: 'pass', dmarc: 'pass' },
    ],
    [
      'spaces, comments within comments, versions and capitals',
      [
        'Authentication-Results: "MX.example.net" (a host; (really) \\)) 1; DKIM/1 = Pass (dkim=fail; spf=fail) header.d = app.example.com;',
        ' dmarc (v) = (x) pass reason="spf=none; it (passed)" header.from=app.example.com',
      ],
      'mx.example.net',
      { dkim: 'pass', dmarc: 'pass' },
    ],
    ['no results', ['Authentication-Results: mx.example.net 1; none'], 'mx.example.net', {}],
    [
      'words of its own',
      ['Authentication-Results: mx.example.net; spf=hardfail; dkim=timeout; dmarc=perhaps'],
      'mx.example.net',
      { spf: 'fail', dkim: 'temperror' },
    ],
    [
      'a comment that does not end',
      ['Authentication-Results: mx.example.net; spf=pass (never closed; dkim=pass'],
      'mx.example.net',
      { spf: 'pass' },
    ],
  ])('of %s', (_, lines, by, found) => {
    expect(results(...lines)).toEqual({ by, results: found })
  })

  it('are believed of the topmost host, or the one that is named', () => {
    const lines = [
      'From: canary@app.example.com',
      'Authentication-Results: mx.example.net; spf=fail',
      'Received: from relay.example.com (relay.example.com [192.0.2.7]) by mx.example.net with ESMTPS; Mon, 30 Nov 2026 16:00:02 +0000',
      'Authentication-Results: relay.example.com; spf=pass; dkim=pass',
      // Anybody can write this.
      'Authentication-Results: mx.example.net; dmarc=pass; dkim=pass',
    ]
    expect(facts(mail(...lines)).authentication).toEqual({ by: 'mx.example.net', results: { spf: 'fail' } })
    expect(facts(mail(...lines), 'MX.example.net.').authentication?.results).toEqual({ spf: 'fail' })
    expect(facts(mail(...lines), 'relay.example.com').authentication?.results).toEqual({ spf: 'pass', dkim: 'pass' })
    expect(facts(mail(...lines), 'other.example.net').authentication).toBeUndefined()
  })

  it.each<[string, string, string]>([
    [
      'of its own domain, though another signature passes',
      'dkim=pass header.d=amazonses.com; dkim=fail header.d=example.com',
      'fail',
    ],
    [
      'of its own domain, if one of two passes',
      'dkim=fail header.d=app.example.com; dkim=pass header.i=@bounce.app.example.com',
      'pass',
    ],
    [
      'of another domain, if there is no other',
      'dkim=fail header.d=a.example.net; dkim=pass header.d=b.example.net',
      'pass',
    ],
    [
      'of no domain that only ends the same',
      'dkim=pass header.d=notapp.example.com.evil.example; dkim=neutral header.d=app.example.com',
      'neutral',
    ],
  ])('have the DKIM %s', (_, text, result) => {
    expect(results(`Authentication-Results: mx.example.net; ${text}`)?.results.dkim).toBe(result)
  })

  it('are not those of ARC, nor ones that are kept under another name', () => {
    expect(
      results('ARC-Authentication-Results: i=1; mx.google.com; spf=pass', 'X-Authentication-Results: a; spf=pass'),
    ).toBeUndefined()
  })
})

describe('Received', () => {
  const at = 'Mon, 30 Nov 2026 16:00:05 +0000'
  it.each<[string, string, string[]]>([
    ['ESMTPS', `from a.example ([192.0.2.7]) by b.example (Postfix) with ESMTPS id 4Zx; ${at}`, []],
    ['ESMTPSA', `from a.example ([192.0.2.7]) by b.example with ESMTPSA id 4Zx; ${at}`, []],
    ['UTF8SMTPS', `from a.example ([192.0.2.7]) by b.example with UTF8SMTPS id 4Zx; ${at}`, []],
    ['ESMTP', `from a.example (unknown [192.0.2.7]) by b.example (Postfix) with ESMTP id 4Zx; ${at}`, ['b.example']],
    ['ESMTPA', `from a.example (unknown [10.0.0.5]) by b.example with ESMTPA id 4Zx; ${at}`, ['b.example']],
    ['SMTP', `from a.example ([192.0.2.7]) by b.example with SMTP; ${at}`, ['b.example']],
    [
      'what Postfix says of TLS',
      `from a.example ([192.0.2.7]) (using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)) (No client certificate requested) by b.example with ESMTP id 4; ${at}`,
      [],
    ],
    [
      'Exim',
      `from [192.0.2.7] (port=3412 helo=a.example) by b.example with esmtps  (TLS1.3) tls TLS_AES_256_GCM_SHA384 (Exim 4.96) (envelope-from <a@b>) id 1; ${at}`,
      [],
    ],
    [
      'Exim in the clear',
      `from [192.0.2.7] (helo=a.example) by b.example with esmtp (Exim 4.96) id 1; ${at}`,
      ['b.example'],
    ],
    [
      'Microsoft',
      `from A.OUTLOOK.COM (2603:10a6::1) by B.OUTLOOK.COM (2603:10a6::2) with Microsoft SMTP Server (version=TLS1_2, cipher=TLS_ECDHE_RSA) id 15.20.1; ${at}`,
      [],
    ],
    [
      'Microsoft in the clear',
      `from A.local (10.0.0.4) by B.local (10.0.0.5) with Microsoft SMTP Server id 15.1; ${at}`,
      ['B.local'],
    ],
    [
      'Microsoft within its store',
      `from A.OUTLOOK.COM ([fe80::1]) by A2.OUTLOOK.COM ([fe80::1%2]) with mapi id 15.20; ${at}`,
      [],
    ],
    ['Gmail within itself', `by 2002:a05:6512:31d3:b0:53d:f1a0:1 with SMTP id x7csp123; ${at}`, []],
    ['LMTP', `from mx.example.net ([192.0.2.9]) by mx.example.net with LMTP id abc; ${at}`, []],
    ['a loopback', `from app (localhost [127.0.0.1]) by b.example with ESMTP id 4; ${at}`, []],
    ['a loopback of IPv6', `from app (localhost [IPv6:::1]) by b.example with ESMTP id 4; ${at}`, []],
    [
      'a HELO that says localhost from elsewhere',
      `from localhost (unknown [192.0.2.66]) by b.example with ESMTP id 4; ${at}`,
      ['b.example'],
    ],
    ['a local user', `by b.example (Postfix, from userid 1000) id 4; ${at}`, []],
    [
      'the same host',
      `from mx.example.net (mx.example.net [192.0.2.9]) by mx.example.net (amavisd-new) with ESMTP; ${at}`,
      [],
    ],
    ['qmail', `(qmail 812 invoked by uid 0); ${at}`, []],
    ['a host that has the name of a word', `from by (by [192.0.2.7]) by with with ESMTP id 4; ${at}`, ['with']],
    ['HTTP', `from web ([192.0.2.7]) by b.example with HTTP; ${at}`, []],
    [
      'a host that does not name itself',
      `from a.example ([192.0.2.7]) with ESMTP; ${at}`,
      ['a host that does not name itself'],
    ],
    ['nonsense', ';;;((("', []],
  ])('by %s', (_, value, clear) => {
    expect(facts(mail(`Received: ${value}`))).toMatchObject({ hops: 1, clearHops: clear, slowestHopSeconds: undefined })
  })

  const chain = (...dates: string[]): string =>
    mail(
      'Date: Mon, 30 Nov 2026 16:00:00 +0000',
      ...dates.map(date => `Received: from a ([192.0.2.7]) by b with ESMTPS; ${date}`).reverse(),
    )
  it.each<[string, string[], number | undefined]>([
    [
      'the longest time between two',
      ['Mon, 30 Nov 2026 16:00:00 +0000', '30 Nov 2026 17:00:02 +0100', 'Mon, 30 Nov 26 16:03:12 GMT'],
      190,
    ],
    [
      'nothing below 0, if a clock is behind',
      ['Mon, 30 Nov 2026 16:00:00 +0000', 'Mon, 30 Nov 2026 15:59:00 +0000'],
      0,
    ],
    ['no more than the age of the mail', ['Thu, 1 Jan 1970 00:00:00 +0000', 'Mon, 30 Nov 2026 16:00:00 +0000'], 600],
    ['nothing with one hop', ['Mon, 30 Nov 2026 16:00:00 +0000'], undefined],
    [
      'nothing of a zone that is not known',
      ['Mon, 30 Nov 2026 16:00:00 +0000', 'Mon, 30 Nov 2026 16:00:00 CET'],
      undefined,
    ],
    [
      'nothing of a date that cannot be',
      ['Mon, 30 Nov 2026 16:00:00 +0000', 'Mon, 30 Foo 2026 16:99:00 +0000'],
      undefined,
    ],
    ['the zones of RFC 5322', ['Mon, 30 Nov 2026 11:00:00 EST', 'Mon, 30 Nov 2026 08:00:07 PST (Pacific)'], 7],
  ])('shows %s', (_, dates, seconds) => {
    expect(facts(chain(...dates)).slowestHopSeconds).toBe(seconds)
  })

  it('names the hosts in the order in which the mail went', () => {
    const hop = (by: string) => `Received: from x ([192.0.2.7]) by ${by} with ESMTP; ${at}`
    expect(facts(mail(hop('last.example'), hop('first.example'))).clearHops).toEqual(['first.example', 'last.example'])
  })

  it('are at most 30, and headers at most 64 KiB', () => {
    const hop = `Received: from x ([192.0.2.7]) by y with ESMTP; ${at}`
    expect(facts(mail(...Array.from({ length: 900 }, () => hop))).hops).toBe(30)
    expect(facts(mail(`X-Long: ${'x'.repeat(70_000)}`, hop)).hops).toBe(0)
  })
})

describe('the mark', () => {
  const mark = newMark(targetMark(['app']))
  const header = `X-Mailpath-Canary: ${markText(mark)}`

  it('is that of the mail which was composed', () => {
    const message = compose({ from: 'a@app.example.com', to: 'b@box.example.net', mark, at: now })
    expect(markIn(message)).toEqual(mark)
  })

  it('is found in any spelling, and folded', () => {
    expect(markIn(`x-mailpath-canary : v1\r\n ${markText(mark).slice(3)}\r\n\r\n`)).toEqual(mark)
    expect(markIn(`Subject: a\n${header}\n`)).toEqual(mark)
  })

  it('is not that of a mail within, nor of another form', () => {
    expect(markIn(mail('Subject: forwarded', '', header))).toBeUndefined()
    expect(markIn(mail(`X-Other: ${header}`))).toBeUndefined()
    expect(markIn(mail(header.replace('v1', 'v2')))).toBeUndefined()
    expect(markIn(mail(`${header} more`))).toBeUndefined()
  })
})
