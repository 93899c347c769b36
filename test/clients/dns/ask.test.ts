import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { mostAtOnce, mostQueries, openDns, type DnsOptions } from '../../../src/clients/dns/index.ts'
import { thisMachine } from '../../../src/clients/names/machine.ts'
import { startDnsDouble, type DnsDouble, type DnsRow } from '../../servers/dns-double.ts'
import { a, cname, mx, ns, ptr, soa, text } from '../../servers/dns-records.ts'
import { refusedPort } from '../../servers/hostile.ts'
import { tempFolder } from '../../servers/processes.ts'

const double = async (
  rows: Readonly<Record<string, DnsRow>>,
  options?: { readonly tcp: boolean },
): Promise<DnsDouble & { readonly at: string }> => {
  const server = await startDnsDouble(rows, options)
  onTestFinished(() => server.close())
  return Object.assign(server, { at: `127.0.0.1:${server.port}` })
}

const open = (servers: readonly string[], options: Partial<DnsOptions> = {}) => {
  const notes: string[] = []
  const dns = openDns({
    servers,
    signal: new AbortController().signal,
    note: note => notes.push(note),
    timeoutMs: 1_200,
    ...options,
  })
  return { dns, notes }
}

describe('what a server answers', () => {
  it('has records of each type, with names in lower case and the strings of a text joined', async () => {
    const { at } = await double({
      'app.example.com': {
        records: [
          a('192.0.2.1'),
          mx(10, 'MX1.Example.com'),
          mx(0, ''),
          ns('NS1.example.com'),
          soa('NS1.example.com', 4_294_967_295),
          ptr('Mail.example.com'),
          text('v=spf1 ', 'inc', '', 'lude:_spf.example.com -all'),
          text('other'),
        ],
      },
      'alias.example.com': { records: [cname('APP.example.com')] },
      'six.example.com': { found: ['2001:db8::1'] },
    })
    const { dns } = open([at])
    const found = <T>(records: readonly T[]) => ({ kind: 'found', records })
    expect(await dns.ask('App.Example.COM.', 'A')).toEqual(found(['192.0.2.1']))
    expect(await dns.ask('six.example.com', 'AAAA')).toEqual(found(['2001:db8::1']))
    expect(await dns.ask('app.example.com', 'MX')).toEqual(
      found([
        { preference: 10, exchange: 'mx1.example.com' },
        { preference: 0, exchange: '' },
      ]),
    )
    expect(await dns.ask('app.example.com', 'NS')).toEqual(found(['ns1.example.com']))
    expect(await dns.ask('app.example.com', 'SOA')).toEqual(
      found([{ primary: 'ns1.example.com', serial: 4_294_967_295 }]),
    )
    expect(await dns.ask('app.example.com', 'PTR')).toEqual(found(['mail.example.com']))
    expect(await dns.ask('app.example.com', 'TXT')).toEqual(found(['v=spf1 include:_spf.example.com -all', 'other']))
    expect(await dns.ask('alias.example.com', 'CNAME')).toEqual(found(['app.example.com']))
  })

  it('is evidence of absence only as NXDOMAIN and as no records of the type', async () => {
    const { at } = await double({
      'there.test': { found: ['192.0.2.1'] },
      'servfail.test': { rcode: 2 },
      'formerr.test': { rcode: 1 },
      'notimp.test': { rcode: 4 },
      'refused.test': { rcode: 5 },
      'silent.test': { silent: 'all' },
      'garbage.test': { garbage: 300 },
    })
    const { dns } = open([at])
    const answers = await Promise.all(
      ['gone', 'there', 'servfail', 'formerr', 'notimp', 'refused', 'silent', 'garbage'].map(name =>
        dns.ask(`${name}.test`, 'TXT'),
      ),
    )
    const failed = (code: string, words: string, name: string) => ({
      kind: 'failed',
      code,
      text: `${at} ${words} for ${name}.test TXT`,
    })
    expect(answers).toEqual([
      { kind: 'none', exists: false },
      { kind: 'none', exists: true },
      failed('servfail', 'answers SERVFAIL', 'servfail'),
      failed('other', 'answers FORMERR', 'formerr'),
      failed('other', 'answers NOTIMP', 'notimp'),
      failed('refused', 'answers REFUSED', 'refused'),
      failed('timeout', 'does not answer', 'silent'),
      failed('other', 'gives no whole answer (EBADRESP)', 'garbage'),
    ])
    // `there` was asked for its alias, too.
    expect(dns.counts).toMatchObject({
      nxdomain: 1,
      nodata: 2,
      servfail: 1,
      refused: 1,
      timeout: 1,
      other: 3,
      noerror: 0,
    })
  })

  it('keeps each byte of a text', async () => {
    const bytes = Buffer.from(Array.from({ length: 255 }, (_, byte) => byte))
    const { at } = await double({ 'bytes.test': { records: [text(bytes)] } })
    expect(await open([at]).dns.ask('bytes.test', 'TXT')).toEqual({
      kind: 'found',
      records: [bytes.toString('latin1')],
    })
  })

  it('has to belong to the question', async () => {
    const { at } = await double({ 'noise.test': { noise: 20, found: ['192.0.2.7'] } })
    expect(await open([at]).dns.ask('noise.test', 'A')).toEqual({ kind: 'found', records: ['192.0.2.7'] })
  })
})

describe('an answer that is too long for UDP', () => {
  it('comes over TCP, up to 64 KiB', async () => {
    const long = 'x'.repeat(255)
    const parts = Array.from({ length: 250 }, () => long)
    const { at, asked } = await double({ 'long.test': { records: [text(...parts)] } })
    const answer = await open([at]).dns.ask('long.test', 'TXT')
    expect(answer).toEqual({ kind: 'found', records: [parts.join('')] })
    expect(asked).toEqual(['TXT long.test', 'tcp TXT long.test'])
  })

  it.each(['silent', 'drip', 'endless'] as const)('is not waited for where TCP is %s', async how => {
    const { at } = await double({ 'cut.test': { truncated: how } })
    const { dns } = open([at])
    expect(await dns.ask('cut.test', 'TXT')).toMatchObject({ kind: 'failed', code: 'timeout' })
  })

  it('is none where TCP is closed', async () => {
    const { at } = await double({ 'cut.test': { truncated: 'closed' } })
    expect(await open([at]).dns.ask('cut.test', 'TXT')).toMatchObject({ kind: 'failed' })
  })

  it('is none where the server refuses TCP, which is said once it is known, and no fault of this machine', async () => {
    const { at } = await double({ '*.test': { truncated: 'silent' }, 'short.test': { text: '' } }, { tcp: false })
    const { dns } = open([at])
    const first = await dns.ask('cut.test', 'TXT')
    await dns.ask('short.test', 'TXT')
    expect(await dns.ask('other.test', 'TXT')).toMatchObject({
      text: `${at} answers over UDP, and refuses TCP, which a long answer takes, for other.test TXT`,
    })
    expect(first).toEqual({
      kind: 'failed',
      code: 'unreachable',
      text: `${at} cannot be reached for cut.test TXT`,
    })
  })
})

it('is asked for once, and may be late', async () => {
  const { at } = await double({
    'lost.test': { silent: 'all', times: 1, found: ['192.0.2.1'] },
    'late.test': { lateMs: 1_000, found: ['192.0.2.2'] },
  })
  const { dns } = open([at], { timeoutMs: 8_000 })
  expect(await Promise.all([dns.ask('lost.test', 'A'), dns.ask('late.test', 'A')])).toEqual([
    expect.objectContaining({ kind: 'failed', code: 'timeout' }),
    { kind: 'found', records: ['192.0.2.2'] },
  ])
})

it('ends while answers to other questions come without end', async () => {
  const { at } = await double({ 'endless.test': { endless: true } })
  expect(await open([at]).dns.ask('endless.test', 'A')).toMatchObject({ kind: 'failed', code: 'timeout' })
})

describe('several servers', () => {
  it('are asked in turn until one answers, and that one first from then on', async () => {
    const broken = await double({ '*.test': { rcode: 2 } })
    const good = await double({ '*.test': { found: ['192.0.2.1'] } })
    const { dns } = open([broken.at, good.at])
    expect(await dns.ask('one.test', 'A')).toMatchObject({ kind: 'found' })
    expect(await dns.ask('two.test', 'A')).toMatchObject({ kind: 'found' })
    expect(broken.asked).toEqual(['A one.test'])
    expect(dns.servers).toEqual([broken.at, good.at])
  })

  it('are all named where none answers', async () => {
    const servers = [await double({ '*.test': { rcode: 2 } }), await double({ '*.test': { rcode: 5 } })]
    const [one, two] = servers.map(({ at }) => at)
    expect(await open([one ?? '', two ?? '']).dns.ask('a.test', 'A')).toEqual({
      kind: 'failed',
      code: 'refused',
      text: `${one} answers SERVFAIL, ${two} answers REFUSED for a.test A`,
    })
  })

  it('take no time once they have shown that they are dead', async () => {
    const dead = await double({ '*.test': { silent: 'all' } })
    const { dns } = open([dead.at])
    await Promise.all([1, 2, 3].map(n => dns.ask(`${n}.test`, 'A')))
    const before = dead.asked.length
    const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => dns.ask(`more${n}.test`, 'A')))
    expect(new Set(answers.map(({ kind }) => kind))).toEqual(new Set(['failed']))
    expect(dead.asked).toHaveLength(before)
  })

  it('are still asked when they are silent about some names only', async () => {
    const { at } = await double({ '*.silent.test': { silent: 'all' }, 'good.test': { found: ['192.0.2.1'] } })
    const { dns } = open([at])
    await dns.ask('good.test', 'A')
    await Promise.all([1, 2, 3, 4].map(n => dns.ask(`${n}.silent.test`, 'A')))
    expect(await dns.ask('good.test', 'AAAA')).toEqual({ kind: 'none', exists: true })
  })
})

describe('names from records', () => {
  it.each([
    ['', 'empty'],
    ['a..test', 'an empty label'],
    ['.test', 'a dot at its begin'],
    [`${'a'.repeat(64)}.test`, 'a long label'],
    [`${'a.'.repeat(127)}test`, 'too long'],
    ['a b.test', 'a space'],
    ['a\0b.test', 'a null byte'],
    ['a\\046b.test', 'an escape'],
    ['bücher.test', 'no ASCII'],
  ])('that no host can have are none, and are not asked for: %j (%s)', async name => {
    const server = await double({})
    const { dns } = open([server.at])
    expect(await dns.ask(name, 'TXT')).toEqual({ kind: 'none', exists: false })
    expect(await dns.askAt(server.at, name, 'TXT')).toEqual({ kind: 'none', exists: false })
    expect(server.asked).toEqual([])
  })

  it.each(['xn--zzzzzzzz.test', 'xn--.test'])(
    'that are no Punycode are asked for as they are, if Node can: %s',
    async name => {
      const server = await double({})
      const { dns } = open([server.at])
      expect(await dns.ask(name, 'TXT')).toEqual({ kind: 'none', exists: false })
      // Node 20 would ask for the root instead.
      expect(server.asked.filter(asked => asked !== `TXT ${name}`)).toEqual([])
    },
  )

  it('may have what is usual below host names', async () => {
    const { at } = await double({ '*.test': { text: 'here' } })
    const { dns } = open([at])
    for (const name of ['s1._domainkey.a.test', '*.a.test', '0-63/2.a.test', 'xn--bcher-kva.test', '-a-.test'])
      expect(await dns.ask(name, 'TXT')).toEqual({ kind: 'found', records: ['here'] })
  })
})

describe('aliases', () => {
  it('that the server follows take no question more', async () => {
    const server = await double({ 'a.test': { alias: 'b.test' }, 'b.test': { found: ['192.0.2.1'] } })
    const { dns } = open([server.at])
    expect(await dns.ask('a.test', 'A')).toEqual({ kind: 'found', records: ['192.0.2.1'] })
    expect(await dns.ask('a.test', 'AAAA')).toEqual({ kind: 'none', exists: true })
    expect(server.asked).toEqual(['A a.test', 'AAAA a.test'])
  })

  it('that a server which is no resolver leaves open are followed', async () => {
    const { at } = await double({
      's1._domainkey.a.test': { records: [cname('s1.provider.test')] },
      's1.provider.test': { text: 'v=DKIM1; p=' },
    })
    expect(await open([at]).dns.ask('s1._domainkey.a.test', 'TXT')).toEqual({ kind: 'found', records: ['v=DKIM1; p='] })
  })

  it('that lead to a name that is not there, or not answered for, are as that name', async () => {
    const { at } = await double({
      'gone.test': { records: [cname('nothing.test')] },
      'far.test': { records: [cname('other.test')] },
      'other.test': { rcode: 5 },
    })
    const { dns } = open([at])
    expect(await dns.ask('gone.test', 'TXT')).toEqual({ kind: 'none', exists: false })
    expect(await dns.ask('far.test', 'TXT')).toMatchObject({ kind: 'failed', code: 'refused' })
  })

  it('that lead in a circle, or on and on, end', async () => {
    const server = await double({
      'a.test': { alias: 'b.test' },
      'b.test': { alias: 'a.test' },
      'self.test': { alias: 'self.test' },
      ...Object.fromEntries(
        Array.from({ length: 30 }, (_, n) => [`n${n}.test`, { records: [cname(`n${n + 1}.test`)] }]),
      ),
    })
    const { dns } = open([server.at])
    for (const name of ['a.test', 'self.test', 'n0.test'])
      expect(await dns.ask(name, 'TXT')).toMatchObject({ kind: 'failed', code: 'other' })
    expect(server.asked.length).toBeLessThan(40)
  })
})

describe('a run', () => {
  it('asks each question once, and a server by itself each time', async () => {
    const server = await double({ 'a.test': { found: ['192.0.2.1'] } })
    const { dns } = open([server.at])
    const [one, two] = await Promise.all([dns.ask('a.test', 'A'), dns.ask('A.test.', 'A')])
    expect(one).toEqual(two)
    await dns.ask('a.test', 'A')
    expect(server.asked).toEqual(['A a.test'])
    await dns.askAt(server.at, 'a.test', 'A')
    expect(server.asked).toHaveLength(2)
  })

  it(`asks at most ${mostQueries} questions, and says so of the others`, async () => {
    const server = await double({ '*.test': { found: ['192.0.2.1'] } })
    const { dns } = open([server.at], { timeoutMs: 20_000 })
    const answers = await Promise.all(Array.from({ length: 120 }, (_, n) => dns.ask(`n${n}.test`, 'A')))
    expect(server.asked).toHaveLength(mostQueries)
    expect(answers.filter(({ kind }) => kind === 'found')).toHaveLength(mostQueries)
    expect(answers.at(-1)).toEqual({
      kind: 'failed',
      code: 'too_many_queries',
      text: `n119.test A was not asked for: a look asks at most ${mostQueries} questions`,
    })
    expect(dns.counts.noerror).toBe(mostQueries)
  })

  it(`has at most ${mostAtOnce} questions under way`, async () => {
    const server = await double({ '*.test': { silent: 'all' } })
    const stop = new AbortController()
    const { dns } = open([server.at], { signal: stop.signal, timeoutMs: 20_000 })
    const answers = Promise.allSettled(Array.from({ length: 40 }, (_, n) => dns.ask(`n${n}.test`, 'A')))
    await expect.poll(() => server.asked.length, { timeout: 4_000 }).toBe(mostAtOnce)
    stop.abort(new Error('over'))
    expect(new Set((await answers).map(one => one.status))).toEqual(new Set(['rejected']))
    expect(server.asked).toHaveLength(mostAtOnce)
  })

  it('rejects with the reason of the signal, also for what comes later', async () => {
    const server = await double({ '*.test': { silent: 'all' } })
    const stop = new AbortController()
    const { dns } = open([server.at], { signal: stop.signal, timeoutMs: 20_000 })
    const asking = dns.ask('a.test', 'A')
    const over = new Error('over')
    stop.abort(over)
    await expect(asking).rejects.toBe(over)
    await expect(dns.ask('a.test', 'A')).rejects.toBe(over)
    await expect(dns.askAt(server.at, 'b.test', 'A')).rejects.toBe(over)
  })

  it('has its answers before its time is over, whatever is silent', async () => {
    const servers = await Promise.all([1, 2, 3].map(() => double({ '*.test': { silent: 'all' } })))
    const { dns } = open(
      servers.map(({ at }) => at),
      { timeoutMs: 1_000 },
    )
    const begun = performance.now()
    let name = 'a.test'
    for (let n = 0; n < 10; n++) {
      expect(await dns.ask(name, 'A')).toMatchObject({ kind: 'failed', code: 'timeout' })
      name = `a.${name}`
    }
    expect(performance.now() - begun).toBeLessThan(1_000)
  })

  it('notes each question with its answer and its server', async () => {
    const { at } = await double({ 'a.test': { text: 'v=spf1 -all' } })
    const { dns, notes } = open([at])
    await dns.ask('a.test', 'TXT')
    await dns.ask('b.test', 'TXT')
    expect(notes[0]).toMatch(/^a\.test TXT: "v=spf1 -all" \(127\.0\.0\.1:\d+, \d+ ms\)$/)
    expect(notes[1]).toMatch(/^b\.test TXT: no such name \(/)
  })
})

describe('the servers', () => {
  it('are those of the machine, if none are given', async () => {
    const { port } = await double({ 'a.test': { found: ['192.0.2.1'] } })
    const resolvConf = path.join(tempFolder('mailpath-dns-'), 'resolv.conf')
    writeFileSync(resolvConf, 'nameserver 127.0.0.1\nsearch example.com\n')
    const dns = openDns({
      machine: { ...thisMachine, resolvConf, port },
      signal: new AbortController().signal,
      note: () => undefined,
    })
    expect(dns.servers).toEqual([`127.0.0.1:${port}`])
    expect(await dns.ask('a.test', 'A')).toMatchObject({ kind: 'found' })
  })

  it('have a port, or 53, and each is there once', () => {
    const { dns } = open(['192.0.2.1', '192.0.2.1:53', '[2001:db8::1]:5353', '2001:db8::1', '[2001:db8::1]'])
    expect(dns.servers).toEqual(['192.0.2.1:53', '[2001:db8::1]:5353', '[2001:db8::1]:53'])
  })

  it('that refuse are named', async () => {
    const { port, close } = await refusedPort()
    onTestFinished(close)
    expect(await open([`127.0.0.1:${port}`]).dns.ask('a.test', 'A')).toEqual({
      kind: 'failed',
      code: 'unreachable',
      text: `127.0.0.1:${port} cannot be reached for a.test A`,
    })
  })
})

it('says that no name server is known', async () => {
  expect(await open([]).dns.ask('a.test', 'A')).toMatchObject({
    kind: 'failed',
    text: expect.stringMatching(/^no name server is known/) as string,
  })
})
