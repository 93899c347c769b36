import fc from 'fast-check'
import type { Zones } from '../zones.ts'

/** A domain with all that its SPF record leads to, and a sender. */
export interface RandomCase {
  readonly zones: Zones
  readonly ip: string
}

const names = ['app.example.com', 'b.example.com', 'c.example.com', 'd.example.com']
const hosts = ['dual.example.com', 'old.example.com', 'new.example.com', 'gone.example.com']
const addresses = ['192.0.2.10', '192.0.2.77', '198.51.100.3', '2001:db8::10', '2001:db8:1::1']

const oneOf = (...list: readonly string[]) => fc.constantFrom(...list)
const joined = (...parts: readonly fc.Arbitrary<string>[]) => fc.tuple(...parts).map(list => list.join(''))
const length = oneOf('', '', '', '/24', '/0', '/32', '//64', '/16//48')
const aName = fc.oneof(oneOf(...names), oneOf(...hosts))

/** Terms that are right. */
const right = fc.oneof(
  { weight: 3, arbitrary: oneOf('ip4:192.0.2.10', 'ip4:192.0.2.0/24', 'ip4:203.0.113.5', 'ip4:198.51.100.0/25') },
  { weight: 2, arbitrary: oneOf('ip6:2001:db8::10', 'ip6:2001:db8::/32', 'ip6:2001:db8:1::/48', 'ip6:::1') },
  { weight: 3, arbitrary: joined(oneOf('include:'), oneOf(...names)) },
  { weight: 2, arbitrary: joined(oneOf('a', 'mx', 'a:dual.example.com', 'mx:b.example.com'), length) },
  { weight: 1, arbitrary: joined(oneOf('a:'), aName, length) },
  { weight: 1, arbitrary: joined(oneOf('exists:'), fc.oneof(aName, oneOf('%{ir}.%{v}.list.example.com', '%{d2}'))) },
  { weight: 1, arbitrary: oneOf('all', 'redirect=c.example.com', 'exp=%{o}.example.com', 'moo=%{s}') },
)
/** And terms that are wrong, or seldom seen. */
const odd = fc.oneof(
  oneOf(
    'ptr',
    'ptr:example.com',
    'ip4:1.2.3',
    'ip4:192.0.2.10/33',
    'ip6:2001:db8::/129',
    'a:museum',
    'all:x',
    'include:',
    'A',
    'IP4:192.0.2.10',
  ),
  oneOf(
    'redirect=',
    'exp=',
    'redirect:b.example.com',
    'foo',
    'exists:%{x}',
    'a/024',
    'mx//129',
    'ip4:192.0.2.10/',
    'include:%{d3r}.b.example.com',
  ),
)

const term = (mistakes: boolean) =>
  joined(
    oneOf('', '', '', '-', '~', '?', '+'),
    mistakes ? fc.oneof({ weight: 12, arbitrary: right }, { weight: 1, arbitrary: odd }) : right,
  ).map(text => (/^[-~?+][a-z]+=/.test(text) ? text.slice(1) : text))

const record = (mistakes: boolean) =>
  fc
    .tuple(fc.array(term(mistakes), { maxLength: 5 }), oneOf('', ' -all', ' ~all', ' ?all', ' redirect=d.example.com'))
    .map(([terms, end]) => ['v=spf1', ...terms].join(' ') + end)

/** With `mistakes` also what no receiver follows to its end: syntax, two records, loops, servers that fail. */
export function randomCase(mistakes: boolean): fc.Arbitrary<RandomCase> {
  const texts = mistakes
    ? fc.oneof(
        { weight: 9, arbitrary: fc.tuple(record(true)) },
        { weight: 1, arbitrary: fc.array(record(true), { maxLength: 2 }) },
      )
    : fc.tuple(record(false))
  const node = fc.record({
    TXT: texts.map(list => [...list]),
    A: fc.subarray(['192.0.2.10', '192.0.2.12', '203.0.113.9']),
    AAAA: fc.subarray(['2001:db8::10', '2001:db8:2::1']),
    MX: fc.subarray(hosts).map(list => list.map((exchange, preference) => ({ preference, exchange }))),
    failing: mistakes
      ? fc.oneof({ weight: 12, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: fc.constant(['TXT' as const]) })
      : fc.constant([]),
  })
  return fc.tuple(fc.tuple(node, node, node, node), oneOf(...addresses)).map(([nodes, ip]) => ({
    zones: {
      ...Object.fromEntries(nodes.map((one, i) => [names[i] ?? '', one])),
      'dual.example.com': { A: ['192.0.2.10'], AAAA: ['2001:db8::10'] },
      'old.example.com': { A: ['192.0.2.77'] },
      'new.example.com': { AAAA: ['2001:db8:1::1'] },
      '10.2.0.192.in-addr.list.example.com': { A: ['127.0.0.2'] },
      '10.2.0.192.in-addr.arpa': { PTR: ['dual.example.com'] },
    },
    ip,
  }))
}
