import fc from 'fast-check'
import { expect, it } from 'vitest'
import { bounceIn, mayBeBounce } from '../../src/probes/canary/bounce.ts'
import { factsOf, markIn } from '../../src/probes/canary/headers.ts'
import { authResults, type HeaderFacts } from '../../src/probes/canary/seen.ts'
import { methods } from '../../src/probes/canary/target.ts'
import { bounded, patienceMs, working } from './limits.ts'

const now = Date.parse('2026-11-30T16:00:00Z')
const token = 'abcdefghijklmnopqrstuvwxyz'
const mark = `v1 ${token} aaaaaaaaaaaaa bbbbbbbbbbbbb`

/** Pieces of mails, in any order: so what is half right comes up often. */
const piece = fc.oneof(
  fc.constantFrom(
    ...[
      '\r\n',
      '\n',
      '\r',
      '\r\n ',
      '\n\t',
      ' ',
      ';',
      '=',
      '(',
      ')',
      '"',
      '\\',
      ':',
      '@',
      '<',
      '>',
      '--',
      '--b',
      '--b--',
      '[',
      '::1',
      '127.0.0.1',
      '.',
    ],
    ...[
      'from',
      'by',
      'with',
      'id',
      'for',
      'ESMTP',
      'ESMTPS',
      'LMTP',
      'localhost',
      'a.example',
      ', 30 Nov 2026 16:00:00 +0000',
      'Mon',
    ],
    ...[
      'spf',
      'dkim',
      'dmarc',
      'pass',
      'fail',
      'header.d',
      'header.i',
      'smtp.helo',
      'app.example.com',
      'mx.example.net',
      'none',
      '1',
    ],
    ...[
      'Authentication-Results',
      'Received',
      'Date',
      'From',
      'Return-Path: <>',
      'Message-ID: ',
      'In-Reply-To: ',
      'References: ',
    ],
    ...[
      'Content-Type: multipart/report; boundary=b',
      'Content-Type: multipart/mixed; boundary="b"',
      'Content-Type: message/delivery-status',
    ],
    ...[
      'Content-Type: message/rfc822',
      'Content-Type: text/rfc822-headers',
      'Content-Transfer-Encoding: base64',
      'Content-Transfer-Encoding: quoted-printable',
    ],
    ...[
      'Action: failed',
      'Action: delayed',
      'Status: 5.1.1',
      'Status: 4.4.7',
      'Diagnostic-Code: smtp; 550 5.1.1 no',
      '550 5.1.1',
      `<${token}@a>`,
      `X-Mailpath-Canary: ${mark}`,
    ],
  ),
  fc.string({ maxLength: 20 }),
  fc.string({ unit: 'binary', maxLength: 20 }),
)
const anything = fc.array(piece, { maxLength: 80 }).map(pieces => pieces.join(''))
const line = fc
  .tuple(fc.constantFrom('Received: ', 'Authentication-Results: ', 'Date: ', 'From: ', 'X-Mailpath-Canary: '), anything)
  .map(parts => parts.join(''))
const headersOf = fc.oneof(
  anything,
  fc.array(line, { maxLength: 8 }).map(lines => lines.join('\r\n')),
)

function expectFacts({ authentication, hops, slowestHopSeconds, clearHops }: HeaderFacts): void {
  expect(hops).toBeGreaterThanOrEqual(clearHops.length)
  expect(hops).toBeLessThanOrEqual(30)
  for (const host of clearHops) expect(host.length).toBeLessThanOrEqual(255)
  if (slowestHopSeconds !== undefined) {
    expect(slowestHopSeconds).toBeGreaterThanOrEqual(0)
    expect(slowestHopSeconds).toBeLessThan(Infinity)
  }
  if (!authentication) return
  expect(authentication.by).not.toBe('')
  for (const [method, result] of Object.entries(authentication.results)) {
    expect(methods).toContain(method)
    expect(authResults).toContain(result)
  }
}

it('headers of any kind are read', { timeout: patienceMs }, () => {
  fc.assert(
    fc.property(
      headersOf,
      fc.option(fc.constantFrom('mx.example.net', 'a.example'), { nil: undefined }),
      (headers, authservId) => {
        const facts = factsOf(headers, { authservId, now })
        expectFacts(facts)
        if (authservId !== undefined && facts.authentication) expect(facts.authentication.by).toBe(authservId)
        const found = markIn(headers)
        if (found) expect(headers).toContain(found.token)
        expect(typeof mayBeBounce(headers)).toBe('boolean')
      },
    ),
    bounded(5, 3_000),
  )
})

it('reports of any kind are read, and no token comes out in their text', { timeout: patienceMs }, () => {
  fc.assert(
    fc.property(
      fc.tuple(
        fc.constantFrom('', 'Return-Path: <>\r\n', 'Content-Type: multipart/report; boundary=b\r\n\r\n--b\r\n'),
        anything,
      ),
      ([begin, rest]) => {
        const found = bounceIn(begin + rest)
        if (!found) return
        expect(found.tokens.length).toBeGreaterThan(0)
        expect(found.text).not.toContain(token)
        expect(found.text).not.toMatch(/[\u0000-\u001f\u007f]/)
        expect(found.status ?? '5.0.0').toMatch(/^[245]\.\d{1,3}\.\d{1,3}$/)
      },
    ),
    bounded(5, 3_000),
  )
})

it(
  'what a server repeats without end takes time that grows with its size, and no more',
  { timeout: patienceMs },
  () => {
    const begin = 'Content-Type: multipart/report; boundary=b\r\nReturn-Path: <>\r\n'
    const repeated = [
      '(',
      ')',
      '"',
      '\\',
      '=',
      ';',
      '@',
      '<',
      '=\n',
      '\n',
      '\r\n ',
      '\n\n',
      '--b\n',
      'a=b;',
      'from ',
      '5.',
      '5.1',
      '550 ',
      token,
      `<${token}@`,
      '=20',
      ' \t',
      '1',
      '[::1]',
      '::',
    ]
    const prefixes = [
      '',
      'Received: ',
      'Authentication-Results: x; ',
      'From: ',
      'Date: ',
      'Content-Type: multipart/report; ',
      'Content-Type: multipart/report; boundary=',
      '\r\n--b\nContent-Type: message/delivery-status\n\n',
      '\r\n--b\nContent-Type: message/delivery-status\n\nStatus: ',
      '\r\n--b\nContent-Type: message/delivery-status\n\nDiagnostic-Code: ',
      '\r\n--b\nContent-Type: multipart/mixed; boundary=b\n\n',
      '\r\n--b\nContent-Transfer-Encoding: quoted-printable\n\n',
      '\r\nX-Mailpath-Canary: v1 ',
    ]
    for (const prefix of prefixes)
      for (const one of repeated) {
        const rest = one.repeat(Math.ceil(65_536 / one.length))
        const text = begin + prefix + rest
        const took = working()
        factsOf(prefix + rest, { authservId: undefined, now })
        markIn(text)
        bounceIn(text)
        expect([prefix, one, took() < 500]).toEqual([prefix, one, true])
      }
  },
)
