/** The SPF record of the envelope domain breaks. DKIM goes on to pass, so mail is `warn`. */
import { domain, envelope, good, selectors } from './dns-records.ts'
import { areaOf, fails, ok, records, series, warns, type Row } from './dns-stage.ts'
import type { Expectation } from './fault.ts'

const at = `${envelope} TXT`
const spf = (
  name: string,
  text: string,
  seen: Expectation,
  more: Readonly<Record<string, readonly string[]>> = {},
): Row => records(`SPF: ${name}`, { [at]: [text], ...more }, seen)

const broken = warns('spf_invalid', { [series('spf_valid')]: 0 })
const count = (lookups: number) => warns('spf_invalid', { [series('spf_valid')]: 0, [series('spf_lookups')]: lookups })
const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i)
const many = (count: number): Readonly<Record<string, readonly string[]>> =>
  Object.fromEntries(numbers(count).map(i => [`i${i}.example.net TXT`, [`v=spf1 ip4:198.51.100.${i} -all`]]))
const includes = (count: number): string =>
  numbers(count)
    .map(i => `include:i${i}.example.net`)
    .join(' ')

const errors: readonly Row[] = [
  records('SPF: there is none', { [at]: [] }, warns('spf_missing')),
  records('SPF: there is another text, and no SPF', { [at]: ['site-verification=1234'] }, warns('spf_missing')),
  records('SPF: there are two records', { [at]: [...(good[at] ?? []), 'v=spf1 mx -all'] }, broken),
  spf('a word is wrong (`ipv4:`)', 'v=spf1 ipv4:192.0.2.10 -all', broken),
  spf('an address is wrong', 'v=spf1 ip4:192.0.2.10/33 -all', broken),
  spf('eleven look-ups, behind what matches', `v=spf1 ip4:192.0.2.10 ${includes(11)} -all`, count(11), many(11)),
  spf(
    'three look-ups of nothing',
    'v=spf1 a:v1.example.net a:v2.example.net a:v3.example.net ip4:192.0.2.10 -all',
    broken,
  ),
  spf('it includes itself', `v=spf1 ip4:192.0.2.10 include:${envelope} -all`, broken),
  spf('it includes a domain without SPF', 'v=spf1 ip4:192.0.2.10 include:none.example.net -all', broken),
  spf('an error in what it includes', 'v=spf1 ip4:192.0.2.10 include:_spf.example.net -all', broken, {
    '_spf.example.net TXT': ['v=spf1 ip4:198.51.100.0/24 al'],
  }),
]

const lax: readonly Row[] = [
  spf('it lets in everybody (`+all`)', 'v=spf1 +all', warns('spf_open', { [series('spf_valid')]: 1 })),
  spf('it says nothing of others (`?all`)', 'v=spf1 ip4:192.0.2.10 ?all', warns('spf_permissive')),
  spf('it has no `all`', 'v=spf1 ip4:192.0.2.10', warns('spf_permissive')),
  spf('it uses `ptr`', 'v=spf1 ip4:192.0.2.10 ptr -all', warns('spf_deprecated')),
]

const senders: readonly Row[] = [
  spf(
    'the relay is not in it',
    'v=spf1 ip4:192.0.2.99 -all',
    warns('spf_not_covering', { [series('spf_valid')]: 1, [series('spf_covers_senders')]: 0 }),
  ),
  spf(
    'neither the relay is in it, nor is there a key',
    'v=spf1 ip4:192.0.2.99 -all',
    fails('unauthenticated', ['spf_not_covering', 'dkim_revoked']),
    Object.fromEntries([
      [`${selectors[0]} TXT`, ['v=DKIM1; p=']],
      ['s2.keys.example.net TXT', ['v=DKIM1; p=']],
    ]),
  ),
]

const fine: readonly Row[] = [
  spf('ten look-ups', `v=spf1 ip4:192.0.2.10 ${includes(10)} -all`, ok({ [series('spf_lookups')]: 10 }), many(10)),
  spf('the relay is matched by a macro', 'v=spf1 exists:%{ir}.allow.example.net -all', ok(), {
    '10.2.0.192.allow.example.net A': ['127.0.0.2'],
  }),
  spf(
    'it is that of another domain (`redirect`)',
    'v=spf1 redirect=_all.example.net',
    ok({ [series('spf_lookups')]: 2 }),
    {
      '_all.example.net TXT': ['v=spf1 a:relay.example.com -all'],
    },
  ),
  spf(
    'it does not fit into a packet',
    `v=spf1 ${numbers(80)
      .map(i => `ip4:198.51.100.${i}`)
      .join(' ')} ip4:192.0.2.10 ~all`,
    ok({ [series('spf_covers_senders')]: 1 }),
  ),
  records('SPF: the domain of `From` has none, and that of the envelope has', { [`${domain} TXT`]: ['hello'] }, ok()),
]

export const spfArea = areaOf('SPF', {}, [...errors, ...lax, ...senders, ...fine])
