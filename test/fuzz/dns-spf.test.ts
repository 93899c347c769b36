import fc from 'fast-check'
import { expect, it } from 'vitest'
import { lookAtSpf } from '../../src/probes/dns/spf/index.ts'
import { dnsOf, type Zones } from '../probes/dns/zones.ts'
import { assertAsync, bounded, patienceMs, working } from './limits.ts'

const envelope = 'app.example.com'
const senders = ['192.0.2.10', '2001:db8::10'].map(address => ({ sender: address, address }))
const look = (zones: Zones) => lookAtSpf(dnsOf(zones), { envelope, senders })

const pieces = [
  'v=spf1',
  'include:',
  'redirect=',
  'exp=',
  'a',
  'mx',
  'ptr',
  'ip4:',
  'ip6:',
  'exists:',
  'all',
  '/',
  '//',
  '24',
  ':',
  '=',
  '.',
  '%',
  '%{',
  '}',
  '%{d}',
  '%{ir}',
  '%{P9r-+}',
  '%%',
  envelope,
  'b.example.com',
  '192.0.2.10',
  '2001:db8::',
  '::ffff:1.2.3.4',
  '-',
  '~',
  '?',
  '+',
  ' ',
  ' ',
  ' ',
  '\0',
  '\t',
  '\xff',
  '"',
  '\u{1f600}',
  'x'.repeat(64),
]
const text = fc
  .array(fc.oneof({ weight: 6, arbitrary: fc.constantFrom(...pieces) }, { weight: 1, arbitrary: fc.string() }), {
    maxLength: 30,
  })
  .map(list => `v=spf1 ${list.join('')}`)

it(
  'has an answer for every record',
  () =>
    assertAsync(
      fc.tuple(text, text),
      async ([own, other]) => {
        const seen = await look({ [envelope]: { TXT: [own] }, 'b.example.com': { TXT: [other] } })
        expect(seen.record).toBe('found')
        // What is wrong is wrong for each sender that comes to it, and nothing is wrong without a sentence about it.
        const broken = seen.senders.some(({ result }) => result === 'permerror')
        if (broken) expect(seen.errors).not.toEqual([])
        for (const line of [...seen.errors, ...seen.open, ...seen.permissive, ...seen.deprecated])
          expect(line.length).toBeLessThan(600)
      },
      bounded(3, 3_000),
    ),
  patienceMs,
)

const kilobytes64 = 65_535
const filled = (piece: string): string => `v=spf1 ${piece.repeat(kilobytes64)}`.slice(0, kilobytes64)

it.each([
  'a ',
  'ptr ',
  'x ',
  '/',
  '/1',
  '/1x',
  '.',
  'a.',
  '%{d}',
  '%{l9r.-+,/_=}',
  'a:%{d}.',
  `a:%{h${'.'.repeat(60)}} `,
  '-',
  'ip4:',
  'redirect=b.example.com ',
  'include:app.example.com ',
  'a=',
  'exists:%{p}.example.com ',
  '\xff',
  'mx:%{i}',
])('reads 64 kB of `%s` at once', async piece => {
  const spent = working()
  const seen = await look({ [envelope]: { TXT: [filled(piece)] }, 'b.example.com': { TXT: [filled(piece)] } })
  expect(seen.errors).not.toEqual([])
  expect(seen.errors.length).toBeLessThanOrEqual(50)
  expect(spent()).toBeLessThan(1_000)
})
