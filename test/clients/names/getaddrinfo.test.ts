/** Names are found as getaddrinfo(3) finds them: compared, in a mount namespace, with what it makes of the same files. */
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { runProcess } from '../../servers/processes.ts'
import type { Compared } from './compare.ts'
import { nameServer, type Files } from './machine.ts'
import { permitted, within } from './namespace.ts'

const script = fileURLToPath(new URL('compare.ts', import.meta.url))
const tsx = fileURLToPath(import.meta.resolve('tsx'))
const [host, second] = ['127.0.53.11', '127.0.53.12']

async function compared(names: readonly string[], files: Files, net = false): Promise<Compared[]> {
  const [command, args] = within(files, [process.execPath, '--import', tsx, script, ...names], net)
  // As many lookups of the system at a time as there are names.
  const env = { PATH: process.env['PATH'], UV_THREADPOOL_SIZE: '128' }
  return JSON.parse(await runProcess(command, args, { env })) as Compared[]
}

/**
 * What docs/names.md says of failures: where a name server failed on the way, that is said, and not what came after it;
 * and a name that Node takes for too long is one that is not there.
 */
const differs = ({ name, system, ours }: Compared): boolean => {
  if (system === 'ENOTFOUND' && ours === 'EAI_AGAIN') return !/^(?:servfail|refus|formerr|notimp|failing)/.test(name)
  return JSON.stringify(system === 'EINVAL' ? 'ENOTFOUND' : system) !== JSON.stringify(ours)
}

const hosts = `127.0.0.1 localhost
::1 localhost ip6-localhost # a comment
127.0.0.21\tfile.test alias  ALIAS2
127.0.0.22 file.test
127.0.0.23 file.test file.test
#127.0.0.24 hidden
::1 both
127.0.0.1 both
not-an-address odd
127.1 short
fe80::1%lo scoped
127.0.0.25 dotted.
 127.0.0.26 indented`

const rows = {
  'plain.test': { found: ['127.0.0.1', '::1'] },
  'v4.test': { found: ['127.0.0.2'] },
  'v6.test': { found: ['::1'] },
  'world.test': { found: ['192.0.2.1', '2001:db8::1', '127.0.0.1', '::1', '169.254.1.1', '10.0.0.1'] },
  'order.test': { found: ['127.0.0.9', '127.0.0.3', '127.0.0.200', '127.0.0.4'] },
  'big.test': { found: Array.from({ length: 90 }, (_, n) => `10.9.8.${n + 1}`) },
  'alias.test': { alias: 'second.test' },
  'second.test': { alias: 'plain.test' },
  'dangling.test': { alias: 'nothing.test' },
  'empty.test': { found: [] },
  'servfail.test': { rcode: 2 },
  'refused.test': { rcode: 5 },
  'formerr.test': { rcode: 1 },
  'notimp.test': { rcode: 4 },
  'under_score.test': { found: ['127.0.0.5'] },
  '-dash.test': { found: ['127.0.0.6'] },
  'dash-.test': { found: ['127.0.0.6'] },
  'xn--bcher-kva.test': { found: ['127.0.0.7'] },
  'inner.search.test': { found: ['127.0.0.31'] },
  'two.dots.search.test': { found: ['127.0.0.32'] },
  'two.dots': { found: ['127.0.0.33'] },
  'onlyhere.other.test': { found: ['127.0.0.34'] },
  'nodata.search.test': { found: [] },
  'nodata.other.test': { found: ['127.0.0.35'] },
  'failing.search.test': { rcode: 2 },
  'failing.other.test': { found: ['127.0.0.36'] },
  'refusing.search.test': { rcode: 5 },
  'refusing.other.test': { found: ['127.0.0.37'] },
  single: { found: ['127.0.0.38'] },
  'a b.test': { found: ['127.0.0.39'] },
  '*.wild.test': { found: ['127.0.0.40'] },
  dotted: { found: ['127.0.0.41'] },
} as const

const names = [
  ...Object.keys(rows).filter(name => !name.startsWith('*')),
  ...['file.test', 'FILE.Test', 'alias', 'Alias2', 'hidden', 'both', 'odd', 'short', 'scoped', 'dotted.', 'indented'],
  ...[
    'localhost',
    'localhost.',
    'ip6-localhost',
    'a.localhost',
    'PLAIN.TEST',
    'plain.test.',
    'nothing.test',
    'bücher.test',
  ],
  ...['inner', 'two.dots.', 'onlyhere', 'nodata', 'failing', 'refusing', 'unknown', 'unknown.test', 'un.kn.own'],
  ...[
    '127.1',
    '0x7f000001',
    '0x7f.1',
    '010.0.0.1',
    '1.256',
    '256.1',
    '4294967295',
    '4294967296',
    '08.0.0.1',
    '0x',
    '1.2.3.4.5',
  ],
  ...[
    '127.0.0.1.',
    '1.',
    '+1',
    '::1',
    '::ffff:127.0.0.1',
    'fe80::1%lo',
    '[::1]',
    'a..b',
    '.a',
    '.',
    ' plain.test',
    'plain.test ',
  ],
  ...['x.wild.test', '*.wild.test', `${'x'.repeat(63)}.wild.test`, `${'x'.repeat(64)}.wild.test`],
  ...[
    `${'abc.'.repeat(60)}wild.test`,
    `${'abc.'.repeat(61)}wild.test`,
    `${'abc.'.repeat(62)}wild.test`,
    'a/b.wild.test',
    'a\\.b.wild.test',
  ],
]
const nameservers = `nameserver ${host}\noptions timeout:1 attempts:4\n`

describe.skipIf(!permitted)('names are what getaddrinfo makes of them', () => {
  it.each<[string, Files]>([
    ['a plain machine', { hosts, resolvConf: nameservers }],
    ['one with search domains', { hosts, resolvConf: `search search.test other.test\n${nameservers}` }],
    ['a pod', { hosts, resolvConf: `${nameservers}search search.test other.test\noptions ndots:5\n` }],
    [
      'one with a domain, names asked for as they stand, and labels',
      {
        hosts,
        resolvConf: `domain search.test\noptions ndots:0\n${nameservers}`,
        gaiConf: 'label ::1/128 0\nlabel ::/0 1\nlabel 2001:db8::/32 9\n',
      },
    ],
    [
      'one that wants IPv4 first, and asks one question at a time',
      {
        hosts,
        resolvConf: `${nameservers}options single-request-reopen edns0 trust-ad\n`,
        gaiConf: 'precedence ::ffff:0:0/96 100\n',
      },
    ],
    [
      'one without IPv6, and without a way to its first server',
      { hosts, resolvConf: `nameserver fe80::1\n${nameservers}options no-aaaa\n` },
    ],
    ['one with DNS before files', { hosts, resolvConf: nameservers, nsswitch: 'hosts: dns [!UNAVAIL=return] files\n' }],
    [
      'one with services that are not there, and a server that is on a link',
      {
        hosts,
        resolvConf: `${nameservers}nameserver fe80::1%lo\n`,
        nsswitch: 'hosts: files nothere [NOTFOUND=return] dns\n',
      },
    ],
    ['one that asks over TCP only', { hosts, resolvConf: `${nameservers}options use-vc\n` }],
  ])('on %s', async (_, files) => {
    await nameServer(rows, { host, port: 53 })
    const all = await compared(names, { nsswitch: 'hosts: files dns\n', ...files })
    expect(all.filter(differs)).toEqual([])
    expect(all.filter(({ ours }) => typeof ours !== 'string').length).toBeGreaterThan(10)
  })

  it('with a second server if the first fails or is not there', async () => {
    await nameServer({ '*.test': { rcode: 2 } }, { host, port: 53 })
    await nameServer(rows, { host: second, port: 53 })
    const few = ['plain.test', 'empty.test', 'nothing.test', 'servfail.test', 'inner', 'big.test']
    for (const first of [host, '127.0.53.13']) {
      const files = { hosts, nsswitch: 'hosts: files dns\n', resolvConf: `nameserver ${first}\nnameserver ${second}\n` }
      for (const { system, ours } of await compared(few, files)) expect(ours).toEqual(system)
    }
  })

  it('where no name server answers, or there is none', async () => {
    const files = { hosts, nsswitch: 'hosts: files dns\n' }
    await nameServer({ '*.test': { silent: 'all' } }, { host, port: 53 })
    for (const resolvConf of [`${nameservers}options timeout:1 attempts:1\n`, 'nameserver 127.0.53.13\n', ''])
      for (const { name, system, ours } of await compared(['dead.test', 'file.test', '127.1'], {
        ...files,
        resolvConf,
      }))
        expect([name, resolvConf, ours]).toEqual([name, resolvConf, system])
  })

  it('but a machine without a way to its name server is in want itself', async () => {
    const files = { hosts, nsswitch: 'hosts: files dns\n', resolvConf: 'nameserver 192.0.2.53\n' }
    const [one] = await compared(['plain.test'], files, true)
    expect(one).toMatchObject({ system: 'EAI_AGAIN', ours: 'ENETUNREACH' })
  })
})
