/** MTA-STS and TLS-RPT: what is read in random records and policies, and what mailauth reads in them. */
import fc from 'fast-check'
import { parsePolicy, resolvePolicy, validateMx } from 'mailauth/lib/mta-sts.js'
import { expect, it } from 'vitest'
import { covers, readPolicy } from '../../src/probes/dns/mta-sts/policy.ts'
import { readReportsRecord, readStsRecord } from '../../src/probes/dns/mta-sts/record.ts'
import { assertAsync, bounded, patienceMs, working } from './limits.ts'

const label = fc.constantFrom('a', 'b', 'mail', 'MX', 'mx-1', '-x', 'x_y', '*', '')
const name = fc.array(label, { minLength: 1, maxLength: 4 }).map(labels => labels.join('.'))
const space = fc.constantFrom('', ' ', '\t')
const line = (key: string, value: fc.Arbitrary<string>) =>
  fc.tuple(space, value, space).map(([before, text, after]) => `${key}:${before}${text}${after}`)
const maybe = (one: fc.Arbitrary<string>) =>
  fc.oneof({ weight: 9, arbitrary: one }, { weight: 1, arbitrary: fc.constant('') })

/** Each field once, in any order: of one that is there twice mailauth takes the last, against RFC 8461, 3.2. */
const policies = fc
  .tuple(
    maybe(line('version', fc.constantFrom('STSv1', 'STSv1', 'STSv1', 'stsv1', 'STSv2'))),
    maybe(line('mode', fc.constantFrom('enforce', 'testing', 'none', 'off', ''))),
    maybe(line('max_age', fc.oneof(fc.nat(40_000_000).map(String), fc.constantFrom('', '-1', '1e3', '0x10', '1.5')))),
    fc.array(
      line(
        'mx',
        fc.oneof(
          name,
          name.map(one => `*.${one}`),
        ),
      ),
      { maxLength: 3 },
    ),
    maybe(line('other', fc.string({ unit: 'grapheme-ascii', maxLength: 8 }))),
    fc.constantFrom('\n', '\r\n'),
  )
  .chain(([version, mode, age, mx, other, end]) =>
    fc.shuffledSubarray([version, mode, age, ...mx, other], { minLength: mx.length + 4 }).map(lines => lines.join(end)),
  )

const byPeer = (text: string) => {
  try {
    return parsePolicy(text)
  } catch {
    return undefined
  }
}

it('a policy that is taken is the one that mailauth reads, and covers no host that mailauth refuses', () => {
  let taken = 0
  fc.assert(
    fc.property(policies, fc.array(name, { maxLength: 4 }), (text, servers) => {
      const own = readPolicy(text)
      if ('problem' in own) return
      taken++
      const peer = byPeer(text)
      expect(peer?.mode).toBe(own.mode)
      expect([...new Set(own.mx)]).toEqual(peer?.mx ?? [])
      // mailauth lets `*` stand for several labels (RFC 8461, 4.1: one), so only what is covered is compared; and `none` asks nothing.
      for (const server of [...servers.map(one => one.toLowerCase()), ...own.mx])
        if (peer && covers(own, server)) expect(validateMx(server, peer).valid).toBe(true)
    }),
    bounded(4),
  )
  expect(taken).toBeGreaterThan(10)
})

it('a policy that mailauth refuses is refused, with a reason', () => {
  fc.assert(
    fc.property(policies, text => {
      if (byPeer(text) === undefined) expect(readPolicy(text)).toHaveProperty('problem')
    }),
    bounded(4),
  )
})

const records = fc
  .tuple(
    fc.constantFrom('v=STSv1', 'v=STSv1', 'v=STSv1 ', 'v=stsv1', 'v=STSv2'),
    fc.shuffledSubarray(['id=20261130T1', 'id=', 'id=a-b', `id=${'9'.repeat(33)}`, 'ext=x y', 'broken'], {
      maxLength: 2,
    }),
    fc.constantFrom(';', '; ', ' ;\t'),
  )
  .filter(([, fields]) => fields.filter(field => field.startsWith('id')).length < 2)
  .map(([version, fields, between]) => [version, ...fields].join(between))

it(
  'a record that announces it has the id that mailauth reads',
  async () => {
    let found = 0
    await assertAsync(
      records,
      async record => {
        const own = readStsRecord([record])
        if (own.kind !== 'found') return
        found++
        expect(await resolvePolicy('example.com', { resolver: () => Promise.resolve([[record]]) })).toBe(own.id)
      },
      bounded(4, 4_000),
    )
    expect(found).toBeGreaterThan(10)
  },
  patienceMs,
)

/** What a stranger may publish. */
const anything = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc
    .tuple(
      fc.constantFrom('v=STSv1;', 'v=TLSRPTv1;', 'version: STSv1\n', 'v='),
      fc.string({ unit: 'binary', maxLength: 200 }),
    )
    .map(parts => parts.join('')),
)

it('reads anything without an exception, and says in a bounded text what is wrong', () => {
  fc.assert(
    fc.property(fc.array(anything, { maxLength: 3 }), texts => {
      for (const read of [readStsRecord(texts), readReportsRecord(texts), ...texts.map(readPolicy)])
        if ('problem' in read) expect(read.problem.length).toBeLessThan(200)
    }),
    bounded(4),
  )
})

it('takes no longer for a large text', () => {
  const worked = working()
  for (const piece of ['id=1;', 'rua=mailto:a@b.c,', 'mx: *.a.b\n', 'a-a-', ' ', ':', '='])
    for (const start of ['v=STSv1;', 'v=TLSRPTv1; rua=mailto:', 'version: STSv1\nmode: enforce\nmx: ']) {
      const text = start + piece.repeat(65_536 / piece.length)
      readPolicy(text)
      readStsRecord([text])
      readReportsRecord([text])
    }
  expect(worked()).toBeLessThan(5_000)
})
