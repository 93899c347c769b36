import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { lookAtDkim, type DkimSeen } from '../../../src/probes/dns/dkim/index.ts'
import { isUsable, keyIn, type DkimKey } from '../../../src/probes/dns/dkim/key.ts'
import { dkimReasons } from '../../../src/probes/dns/judge/dkim.ts'
import { ed25519, rsa1024, rsa2048 } from './keys.ts'
import { dnsOf } from './zones.ts'

const key = { kind: 'key', algorithm: 'rsa', bits: 2048, isTesting: false, hashes: undefined, isForMail: true } as const
const spki = (type: 'ec' | 'rsa-pss' | 'rsa', bits = 512): string => {
  const pair =
    type === 'ec'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : type === 'rsa'
        ? generateKeyPairSync('rsa', { modulusLength: bits })
        : generateKeyPairSync('rsa-pss', { modulusLength: 1024 })
  return pair.publicKey.export({ format: 'der', type: 'spki' }).toString('base64')
}
const pkcs1 = createPublicKey({ key: Buffer.from(rsa2048, 'base64'), format: 'der', type: 'spki' })
  .export({ format: 'der', type: 'pkcs1' })
  .toString('base64')

describe('a key', () => {
  it.each<[what: string, record: string, seen: DkimKey]>([
    ['of Gmail', `v=DKIM1; k=rsa; p=${rsa2048}`, key],
    ['of Microsoft 365, with a note', `v=DKIM1; k=rsa; p=${rsa2048}; n=1024,1435867504,1`, key],
    ['of SES', `p=${rsa1024}`, { ...key, bits: 1024 }],
    ['of SendGrid', `k=rsa; t=s; p=${rsa1024}`, { ...key, bits: 1024 }],
    ['of Google Workspace while it is tested', `v=DKIM1; k=rsa; t=y; p=${rsa2048}`, { ...key, isTesting: true }],
    ['RFC 8463, A.2', `v=DKIM1; k=ed25519; p=${ed25519}`, { ...key, algorithm: 'ed25519', bits: 256 }],
    ['RFC 6376, 3.6.1: with spaces', ` v = DKIM1 ;\tp=${rsa2048.slice(0, 60)} \r\n ${rsa2048.slice(60)} ; `, key],
    ['with two semicolons', `v=DKIM1;; p=${rsa2048};;`, key],
    ['with an unknown tag', `v=DKIM1; x_1=2; p=${rsa2048}`, key],
    [
      'without the padding of base64',
      `v=DKIM1; k=ed25519; p=${ed25519.slice(0, -1)}`,
      { ...key, algorithm: 'ed25519', bits: 256 },
    ],
    ['for one hash', `v=DKIM1; h=sha1; p=${rsa2048}`, { ...key, hashes: ['sha1'] }],
    ['for two hashes', `v=DKIM1; h=sha1 : SHA256; p=${rsa2048}`, { ...key, hashes: ['sha1', 'sha256'] }],
    ['for reports of TLS (RFC 8460)', `v=DKIM1; s=tlsrpt; p=${rsa2048}`, { ...key, isForMail: false }],
    ['for mail and more', `v=DKIM1; s=email:tlsrpt; p=${rsa2048}`, key],
    ['revoked', 'v=DKIM1; p=', { kind: 'revoked' }],
    ['revoked, with a space', 'v=DKIM1; k=rsa; p= ; t=s', { kind: 'revoked' }],
  ])('%s', (_, record, seen) => {
    expect(keyIn([record])).toEqual(seen)
  })

  it.each<[record: string, problem: string]>([
    ['', 'has no key (`p=`)'],
    ['v=DKIM1; k=rsa', 'has no key (`p=`)'],
    ['v=spf1 include:_spf.example.com -all', 'is an SPF record, and no key'],
    ['hello', 'has a part that is not `name=value`: `hello`'],
    [`v=DKIM1 p=${ed25519}`, `has the version \`DKIM1 p=${ed25519}\`, not DKIM1`],
    [`v=DKIM1\\; k=rsa\\; p=${rsa2048}`, 'has `\\;` in it: the backslashes belong only into the file of the zone'],
    [`"v=DKIM1; p=${rsa2048}"`, 'has a part that is not `name=value`: `"v`'],
    [`v=DKIM2; p=${rsa2048}`, 'has the version `DKIM2`, not DKIM1'],
    [`k=rsa; v=DKIM1; p=${rsa2048}`, 'has `v=` not as its first tag'],
    [`v=DKIM1; p=${rsa2048}; p=${rsa1024}`, 'has the tag `p` twice'],
    [`v=DKIM1; k=dsa; p=${rsa2048}`, 'is of a kind that receivers do not know (`k=dsa`)'],
    ['v=DKIM1; p=not base64!', 'has characters in `p=` that do not belong to base64'],
    [
      `v=DKIM1; p=${rsa2048.slice(0, 230)}`,
      'holds only the first 172 of the 294 bytes of its key: the rest of `p=` is missing',
    ],
    ['v=DKIM1; p=MIIB', 'holds no RSA key in `p=` that can be read'],
    [`v=DKIM1; p=${spki('ec')}`, 'holds a key in `p=` that is not for RSA'],
    [`v=DKIM1; p=${spki('rsa-pss')}`, 'holds a key in `p=` that is not for RSA'],
    [
      `v=DKIM1; p=${pkcs1}`,
      'holds a bare RSAPublicKey in `p=`, which many receivers do not read: it has to be a SubjectPublicKeyInfo (as of `openssl rsa -pubout`)',
    ],
    [`v=DKIM1; p=${ed25519}`, 'holds no RSA key, but 32 bytes as of ed25519 (`k=ed25519` is missing)'],
    [`v=DKIM1; k=ed25519; p=${rsa1024}`, 'holds 162 bytes in `p=`, and a key of ed25519 has 32'],
  ])('cannot be used: %s', (record, problem) => {
    expect(keyIn([record])).toEqual({ kind: 'invalid', problem })
  })

  it('cannot be used if there are two', () => {
    expect(keyIn([`p=${rsa2048}`, 'v=spf1 -all'])).toMatchObject({
      kind: 'invalid',
      problem: expect.stringContaining('one of 2') as string,
    })
  })

  it.each<[usable: boolean | undefined, key: DkimKey]>([
    [true, key],
    [true, { ...key, bits: 1024 }],
    [false, { ...key, bits: 1023 }],
    [true, { ...key, isTesting: true }],
    [true, { ...key, algorithm: 'ed25519', bits: 256 }],
    [false, { ...key, isForMail: false }],
    [false, { ...key, hashes: ['sha1'] }],
    [true, { ...key, hashes: ['sha1', 'sha256'] }],
    [false, { kind: 'missing' }],
    [false, { kind: 'revoked' }],
    [false, { kind: 'invalid', problem: '' }],
    [undefined, { kind: 'unanswered' }],
  ])('is usable: %s, %j', (usable, one) => {
    expect(isUsable(one)).toBe(usable)
  })
})

const zone = 'dkim.amazonses.com'
const tokens = ['aaa', 'bbb', 'ccc']
const atSes = Object.fromEntries(tokens.map(token => [`${token}.${zone}`, { TXT: [`p=${rsa2048}`] }]))
const aliases = (of: readonly string[]) =>
  Object.fromEntries(of.map(token => [`${token}._domainkey.example.com`, { CNAME: [`${token}.${zone}`] }]))

describe('what is looked at', () => {
  it('is each selector, by itself or as a whole name, and each once', async () => {
    const dns = dnsOf({ 's1._domainkey.app.example.com': { TXT: [`p=${rsa2048}`] } })
    const selectors = ['S1', 's1._domainkey.app.example.com', 'x._domainkey.example.net.']
    expect(await lookAtDkim(dns, { domain: 'app.example.com', selectors, tokens: undefined })).toMatchObject([
      { name: 's1._domainkey.app.example.com', domain: 'app.example.com', key },
      { name: 'x._domainkey.example.net', domain: 'example.net', key: { kind: 'missing' } },
    ])
    expect(dns.asked).toEqual(['s1._domainkey.app.example.com TXT', 'x._domainkey.example.net TXT'])
  })

  it('is nothing if nothing is known of it, and is known if nothing signs', async () => {
    const dns = dnsOf({})
    expect(await lookAtDkim(dns, { domain: 'a.example', selectors: undefined, tokens: undefined })).toBeUndefined()
    expect(await lookAtDkim(dns, { domain: 'a.example', selectors: [], tokens: undefined })).toEqual([])
  })

  it('is what SES asks for: where the CNAME leads, and the key there', async () => {
    const dns = dnsOf({
      ...aliases(['aaa']),
      ...atSes,
      'bbb._domainkey.example.com': { CNAME: ['bbb.dkim.eu-north-1.amazonses.com'] },
      'ddd._domainkey.example.com': { failing: 'all' },
    })
    const found = await lookAtDkim(dns, {
      domain: 'app.example.com',
      selectors: undefined,
      tokens: { identity: 'example.com', tokens: [...tokens, 'ddd'], zone },
    })
    expect(found?.map(({ domain, ses, key: { kind } }) => [domain, ses?.leadsTo, kind])).toEqual([
      ['example.com', { name: `aaa.${zone}` }, 'key'],
      ['example.com', { name: 'bbb.dkim.eu-north-1.amazonses.com' }, 'missing'],
      ['example.com', undefined, 'missing'],
      ['example.com', 'unanswered', 'unanswered'],
    ])
  })

  it('is no CNAME where the customer brings the key', async () => {
    const dns = dnsOf({ 'own._domainkey.example.com': { TXT: [`p=${rsa2048}`] } })
    const found = await lookAtDkim(dns, {
      domain: 'example.com',
      selectors: ['own'],
      tokens: { identity: 'example.com', tokens: ['own'], zone: undefined },
    })
    expect(found).toEqual([
      { selector: 'own', name: 'own._domainkey.example.com', domain: 'example.com', ses: undefined, key },
    ])
    expect(dns.asked).toEqual(['own._domainkey.example.com TXT'])
  })
})

const seenOf = (selector: string, one: DkimKey, ses?: DkimSeen['ses']): DkimSeen => ({
  selector,
  name: `${selector}._domainkey.example.com`,
  domain: 'example.com',
  ses,
  key: one,
})
const judged = (dkim: readonly DkimSeen[] | undefined, { bulk = false, isAwaitingSes = false } = {}) =>
  dkimReasons({ domain: 'example.com', dkim, isAwaitingSes }, { bulk }).map(
    ({ code, verdict, text }) => `${verdict} ${code}: ${text}`,
  )

describe('what is said', () => {
  it.each<[what: string, dkim: readonly DkimSeen[] | undefined, said: readonly string[]]>([
    ['nothing is known', undefined, []],
    ['nothing signs', [], []],
    ['all is well', [seenOf('s1', key)], []],
    ['nothing was answered', [seenOf('s1', { kind: 'unanswered' })], []],
    ['ed25519 and RSA', [seenOf('s1', key), seenOf('s2', { ...key, algorithm: 'ed25519', bits: 256 })], []],
    [
      'one of each',
      [
        seenOf('s1', { kind: 'missing' }),
        seenOf('s2', { kind: 'missing' }),
        seenOf('s3', { kind: 'revoked' }),
        seenOf('s4', { kind: 'invalid', problem: 'has no key (`p=`)' }),
        seenOf('s5', { ...key, bits: 1024, isTesting: true }),
        seenOf('s6', { ...key, isForMail: false }),
        seenOf('s7', { ...key, hashes: ['sha1'] }),
        seenOf('s8', { ...key, bits: 512 }),
      ],
      [
        'warn dns_dkim_missing: s1._domainkey.example.com has no TXT record with a key; s2._domainkey.example.com has no TXT record with a key',
        'warn dns_dkim_revoked: s3._domainkey.example.com has an empty `p=`: the key is revoked',
        'warn dns_dkim_invalid: s4._domainkey.example.com: the record has no key (`p=`); s6._domainkey.example.com: the record is not for mail (`s=`)',
        'warn dns_dkim_weak: s5._domainkey.example.com has a key of 1024 bits, and 2048 are usual; s7._domainkey.example.com allows only sha1, and signers use sha256; s8._domainkey.example.com has a key of 512 bits, and receivers ignore one of fewer than 1024',
        'warn dns_dkim_testing: s5._domainkey.example.com has `t=y`',
      ],
    ],
    [
      'ed25519 alone',
      [seenOf('s1', { ...key, algorithm: 'ed25519', bits: 256 })],
      [
        'warn dns_dkim_weak: s1._domainkey.example.com has a key of ed25519, without one of RSA beside it: many receivers cannot check it',
      ],
    ],
    [
      'one record of SES is missing, one leads elsewhere, one has no key yet',
      [
        seenOf('aaa', { kind: 'missing' }, { target: `aaa.${zone}`, leadsTo: undefined }),
        seenOf('bbb', key, { target: `bbb.${zone}`, leadsTo: { name: 'x.example.net' } }),
        seenOf('ccc', { kind: 'missing' }, { target: `ccc.${zone}`, leadsTo: { name: `ccc.${zone}` } }),
        seenOf('ddd', { kind: 'unanswered' }, { target: `ddd.${zone}`, leadsTo: 'unanswered' }),
      ],
      [
        `warn dns_ses_token_missing: aaa._domainkey.example.com has no CNAME record, and needs one that leads to aaa.${zone}; bbb._domainkey.example.com leads to x.example.net, and has to lead to bbb.${zone}`,
        `warn dns_dkim_missing: ccc._domainkey.example.com, which leads to ccc.${zone}, has no TXT record with a key`,
      ],
    ],
  ])('%s', (_, dkim, said) => {
    expect(judged(dkim)).toEqual(said)
  })

  it('is a failure for who sends much, if no key can be used', () => {
    const bulk = { bulk: true }
    const missing = seenOf('s1', { kind: 'missing' })
    const short = seenOf('s2', { ...key, bits: 512, isTesting: true })
    expect(judged([missing, short], bulk).map(text => text.split(':')[0])).toEqual([
      'fail dns_dkim_missing',
      'fail dns_dkim_weak',
      'warn dns_dkim_testing',
    ])
    expect(judged([missing, seenOf('s3', key)], bulk)).toEqual([expect.stringMatching(/^warn/)])
    expect(judged([missing, seenOf('s3', { kind: 'unanswered' })], bulk)).toEqual([expect.stringMatching(/^warn/)])
    expect(judged([missing], { ...bulk, isAwaitingSes: true })).toEqual([expect.stringMatching(/^warn/)])
    expect(judged([], bulk)).toEqual([
      'fail dns_dkim_missing: example.com: nothing signs the mail: neither `dkim` nor `ses` names a key',
    ])
    expect(judged(undefined, bulk)).toEqual([])
  })

  it('has at most five cases, and none without bound', () => {
    const many = Array.from({ length: 10 }, (_, at) =>
      seenOf(`s${at}`, keyIn([`v=DKIM1; k=${'k'.repeat(60_000)}; p=AAAA`])),
    )
    const [text = ''] = judged(many)
    expect(text).toMatch(/; and 5 more$/)
    expect(text.length).toBeLessThan(3_000)
  })
})
