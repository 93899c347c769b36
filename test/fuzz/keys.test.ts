import { createRequire } from 'node:module'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isUsable, keyIn, type DkimKey } from '../../src/probes/dns/dkim/key.ts'
import { aligns, lookAtDmarc } from '../../src/probes/dns/dmarc/index.ts'
import { dmarcRecord, isDmarc, whyNoDmarc } from '../../src/probes/dns/dmarc/record.ts'
import { namesFrom } from '../../src/probes/dns/dmarc/walk.ts'
import { dkimReasons } from '../../src/probes/dns/judge/dkim.ts'
import { dmarcReasons } from '../../src/probes/dns/judge/dmarc.ts'
import { lookAtSpf } from '../../src/probes/dns/spf/index.ts'
import { ed25519, rsa1024, rsa2048 } from '../probes/dns/keys.ts'
import { dnsOf, type Zones } from '../probes/dns/zones.ts'
import { assertAsync, bounded, patienceMs, working } from './limits.ts'

type Resolve = (name: string, type: string) => Promise<string[][]>
/** How mailauth reads the two. It has no types for that. */
const require = createRequire(import.meta.url)
const { getPublicKey } = require('mailauth/lib/tools') as {
  getPublicKey: (type: 'DKIM', name: string, least: number, resolve: Resolve) => Promise<{ modulusLength?: number }>
}
const peerDmarc = require('mailauth/lib/dmarc') as {
  dmarc: (question: {
    readonly headerFrom: string
    readonly spfDomains: readonly string[]
    readonly dkimDomains: readonly { readonly id: string; readonly domain: string }[]
    readonly resolver: Resolve
  }) => Promise<{ readonly policy?: string; readonly status: { readonly result: string } }>
}

const space = fc.constantFrom('', '', '', ' ', '\t', '  ')
const junk = fc.oneof(
  fc.string({ maxLength: 20 }),
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.constantFrom(
    '\\',
    '"',
    '\u00a0',
    '\u202e',
    '=',
    ';',
    ';;',
    '__proto__=1',
    'constructor=',
    'x'.repeat(70_000),
    ' '.repeat(70_000),
  ),
)
const tagOf = (name: fc.Arbitrary<string>, value: fc.Arbitrary<string>) =>
  fc.tuple(name, space, space, value, space).map(([a, b, c, d, e]) => `${a}${b}=${c}${d}${e}`)
const listOf = (tags: fc.Arbitrary<string>, first: fc.Arbitrary<string>) =>
  fc
    .tuple(first, fc.array(tags, { maxLength: 7 }), space)
    .map(([v, list, gap]) => [v, ...list].filter(Boolean).join(`;${gap}`))

const keyData = fc.oneof(
  fc.constantFrom(
    rsa1024,
    rsa2048,
    ed25519,
    '',
    rsa2048.slice(0, 200),
    'AAAA',
    rsa2048.slice(0, 90) + ' ' + rsa2048.slice(90),
  ),
  fc.base64String({ maxLength: 400 }),
)
const keyTags = fc.oneof(
  { weight: 3, arbitrary: tagOf(fc.constant('p'), keyData) },
  tagOf(fc.constant('k'), fc.constantFrom('rsa', 'ed25519', 'dsa', '')),
  tagOf(
    fc.constantFrom('h', 's', 't', 'n', 'g', 'v'),
    fc.constantFrom('', 'y', 's', 'y:s', 'sha1', 'sha256', 'email', '*', 'tlsrpt', 'DKIM1'),
  ),
)
const keyText = listOf(
  fc.oneof({ weight: 8, arbitrary: keyTags }, junk),
  fc.constantFrom('v=DKIM1', 'v=DKIM1', '', 'k=rsa', 'v=spf1 -all'),
)

const policy = fc.constantFrom('none', 'quarantine', 'reject', 'Reject', 'x', '')
const dmarcTags = fc.oneof(
  { weight: 3, arbitrary: tagOf(fc.constantFrom('p', 'sp', 'np', 'P'), policy) },
  tagOf(
    fc.constantFrom('adkim', 'aspf', 't', 'psd', 'fo', 'pct', 'rf', 'ri'),
    fc.constantFrom('r', 's', 'y', 'n', 'u', '1', '100'),
  ),
  tagOf(
    fc.constantFrom('rua', 'ruf'),
    fc.constantFrom(
      'mailto:r@example.com',
      'mailto:r@example.net!10m,mailto:x@example.com',
      'r@example.com',
      'https://example.net',
      ',',
      'mailto:@',
    ),
  ),
)
const dmarcText = listOf(
  fc.oneof({ weight: 8, arbitrary: dmarcTags }, junk),
  fc.constantFrom('v=DMARC1', 'v=DMARC1', 'V=DMARC1', 'v=dmarc1', ' v=DMARC1', ''),
)

const seenAs = (key: DkimKey) => [{ selector: 's', name: 's._domainkey.example.com', domain: 'example.com', key }]
const longest = 4_000

describe('keys of DKIM', () => {
  it(
    'are read whatever they are, quickly, and what is said of them is short',
    () => {
      fc.assert(
        fc.property(fc.array(fc.oneof(keyText, junk), { minLength: 1, maxLength: 3 }), records => {
          const work = working()
          const key = keyIn(records)
          const reasons = dkimReasons(
            { domain: 'example.com', dkim: seenAs(key), isAwaitingSes: false },
            { bulk: true },
          )
          expect(reasons.every(({ text }) => text.length < longest)).toBe(true)
          expect(isUsable(key) === true || reasons.some(({ verdict }) => verdict === 'fail')).toBe(true)
          expect(work()).toBeLessThan(500)
        }),
        bounded(4),
      )
    },
    patienceMs,
  )

  /** mailauth knows neither `s`, `h`, duplicates nor where `v` is; what it cannot use, we must not call usable. */
  it(
    'are usable only if mailauth can use them',
    async () => {
      let both = 0
      const property = async (record: string): Promise<void> => {
        const ours = isUsable(keyIn([record])) === true
        const theirs = await getPublicKey('DKIM', 'x', 1024, () => Promise.resolve([[record]])).then(
          () => true,
          () => false,
        )
        if (ours) expect(theirs, record).toBe(true)
        if (ours && theirs) both++
      }
      // Bounded by runs: a busy machine needs as many of them.
      await assertAsync(keyText, property, bounded(60, 4_000))
      expect(both).toBeGreaterThan(50)
    },
    patienceMs,
  )
})

describe('records of DMARC', () => {
  it(
    'are read whatever they are, quickly, and what is said of them is short',
    async () => {
      const property = async (texts: readonly [string, string, string]): Promise<void> => {
        const work = working()
        for (const text of texts) if (isDmarc(text)) dmarcRecord(text)
        texts.forEach(whyNoDmarc)
        const [own, ...above] = texts
        const zones: Zones = { '_dmarc.app.example.com': { TXT: [own] }, '_dmarc.example.com': { TXT: above } }
        const question = { domain: 'app.example.com', envelope: 'example.org', dkimDomains: ['example.com'] }
        const dmarc = await lookAtDmarc(dnsOf(zones), question)
        const { domain, envelope } = question
        const spf = await lookAtSpf(dnsOf({}), { envelope, senders: [] })
        const seen = { domain, envelope, spf, dkim: [], dmarc, isAwaitingSes: false }
        const reasons = dmarcReasons(seen, { bulk: true, expect: { dmarc: 'reject' } })
        expect(reasons.every(({ text }) => text.length < longest)).toBe(true)
        expect(new Set(reasons.map(({ code }) => code)).size).toBe(reasons.length)
        expect(work()).toBeLessThan(1_000)
      }
      await assertAsync(fc.tuple(dmarcText, dmarcText, dmarcText), property, bounded(4))
    },
    patienceMs,
  )

  /**
   * Where the old rules and the new ones agree: a domain and the one above, which is registered; no tag of the new ones. Only
   * relaxed: mailauth 4 takes strict for relaxed, too.
   */
  it(
    'lead to the policy, and the alignment, that mailauth finds',
    async () => {
      const old = fc.record({
        own: fc.option(fc.constantFrom('none', 'quarantine', 'reject'), { nil: undefined }),
        above: fc.record({
          p: fc.constantFrom('none', 'quarantine', 'reject'),
          sp: fc.option(fc.constantFrom('none', 'quarantine', 'reject'), { nil: undefined }),
        }),
        envelope: fc.constantFrom('app.example.com', 'example.com', 'b.example.com', 'example.org'),
        signer: fc.constantFrom('app.example.com', 'example.com', 'b.example.com', 'example.org'),
      })
      await assertAsync(
        old,
        async ({ own, above, envelope, signer }) => {
          const sp = above.sp === undefined ? '' : `sp=${above.sp}`
          const zones: Zones = {
            'app.example.com': { A: ['192.0.2.1'] },
            ...(own === undefined ? {} : { '_dmarc.app.example.com': { TXT: [`v=DMARC1; p=${own}`] } }),
            '_dmarc.example.com': { TXT: [`v=DMARC1; p=${above.p}; ${sp}`] },
          }
          const seen = await lookAtDmarc(dnsOf(zones), { domain: 'app.example.com', envelope, dkimDomains: [signer] })
          const isPass =
            aligns(seen, 'spf', 'app.example.com', envelope) === true ||
            aligns(seen, 'dkim', 'app.example.com', signer) === true
          const resolver: Resolve = name => {
            const records = zones[name]?.TXT
            return records
              ? Promise.resolve(records.map(text => [text]))
              : Promise.reject(Object.assign(new Error(), { code: 'ENOTFOUND' }))
          }
          const theirs = await peerDmarc.dmarc({
            headerFrom: 'x@app.example.com',
            spfDomains: [envelope],
            dkimDomains: [{ id: '1', domain: signer }],
            resolver,
          })
          expect({ policy: seen.policy, result: isPass ? 'pass' : 'fail' }).toEqual({
            policy: theirs.policy,
            result: theirs.status.result,
          })
        },
        bounded(4, 1_000),
      )
    },
    patienceMs,
  )

  it('are looked for at eight names at most, each above the one before', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', 'b', 'mail'), { minLength: 1, maxLength: 30 }), labels => {
        const domain = [...labels, 'com'].join('.')
        const names = namesFrom(domain)
        expect(names.length).toBe(Math.min(8, labels.length + 1))
        expect(names[0]).toBe(domain)
        expect(names.at(-1)).toBe('com')
        expect(names.slice(1).every((name, at) => names[at]?.endsWith(`.${name}`))).toBe(true)
      }),
      bounded(2, 2_000),
    )
  })
})
