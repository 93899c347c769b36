import { chmodSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { isIP } from 'node:net'
import path from 'node:path'
import fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import { remedyForName } from '../../../src/clients/names/index.ts'
import { removeFolder, tempFolder, waitFor } from '../../servers/processes.ts'
import { find, machineOf, nameServer } from './machine.ts'

const server = (...addresses: string[]): string => addresses.map(one => `nameserver ${one}\n`).join('')

describe('what a name server says', () => {
  it('is believed', async () => {
    const rows = {
      // Addresses of both kinds; behind aliases; an answer too long for UDP; the true one after twenty others.
      both: { found: ['127.0.0.1', '::1'] },
      alias: { alias: 'second.test' },
      second: { alias: 'third.test' },
      third: { found: ['127.0.0.9'] },
      big: { found: many(100) },
      noise: { noise: 20, found: ['127.0.0.8'] },
      // No answer at all for one kind; the first question lost; late, after it was asked again.
      'no-v6': { silent: 28, found: ['127.0.0.5'] },
      'no-v4': { silent: 1, found: ['::1'] },
      lost: { silent: 'all', times: 2, found: ['127.0.0.4'] },
      late: { lateMs: 2_300, found: ['127.0.0.7'] },
    } as const
    const { port } = await nameServer(
      Object.fromEntries(Object.entries(rows).map(([name, row]) => [`${name}.test`, row])),
    )
    const machine = machineOf({ resolvConf: server('127.0.0.1') }, { port })
    const found = await Promise.all(
      Object.keys(rows).map(async name => [name, (await find(`${name}.test`, machine)).found.sort()]),
    )
    expect(Object.fromEntries(found)).toEqual({
      both: ['127.0.0.1', '::1'],
      alias: ['127.0.0.9'],
      second: ['127.0.0.9'],
      third: ['127.0.0.9'],
      big: many(100).sort(),
      noise: ['127.0.0.8'],
      'no-v6': ['127.0.0.5'],
      'no-v4': ['::1'],
      lost: ['127.0.0.4'],
      late: ['127.0.0.7'],
    })
  })

  it.each([
    ['no such name', undefined, 'ENOTFOUND', 'there is no such name'],
    ['no address', { found: [] }, 'ENOTFOUND', 'the name has no address'],
    ['an alias of nothing', { alias: 'nothing.test' }, 'ENOTFOUND', 'the name has no address'],
    ['SERVFAIL', { rcode: 2 }, 'EAI_AGAIN', 'the name server 127.0.0.1 answers SERVFAIL'],
    ['REFUSED', { rcode: 5 }, 'EAI_AGAIN', 'the name server 127.0.0.1 answers REFUSED'],
    ['FORMERR', { rcode: 1 }, 'EAI_AGAIN', 'the name server 127.0.0.1 answers FORMERR'],
    ['bytes that are no answer', { garbage: 40 }, 'EAI_AGAIN', 'the name server 127.0.0.1 gives no whole answer'],
    ['nothing', { silent: 'all' }, 'EAI_AGAIN', 'the name server 127.0.0.1 does not answer'],
  ] as const)('is distinguished: %s', async (_, row, code, text) => {
    const { port } = await nameServer(row ? { 'name.test': row } : {})
    const resolvConf = `${server('127.0.0.1')}options timeout:1 attempts:1\n`
    const failure = await find('name.test', machineOf({ resolvConf }, { port }))
    expect(failure).toMatchObject({ found: [], code })
    expect(failure.text).toContain(text)
    expect(remedyForName({ code: failure.code })).toContain(code === 'EAI_AGAIN' ? 'could not say' : 'do not know')
  })

  it('never reads like a target that refuses, where nothing listens at the name server', async () => {
    const { port } = await nameServer({}, { host: '127.0.53.8' })
    const { code, text } = await find('name.test', machineOf({ resolvConf: server('127.0.53.9') }, { port }))
    expect([code, text]).toEqual(['EAI_AGAIN', 'the name server 127.0.53.9 cannot be reached (EAI_AGAIN)'])
  })
})

describe('of several name servers', () => {
  const resolvConf = `${server('127.0.53.1', '127.0.53.2')}search one.test two.test three.test\noptions ndots:5\n`

  async function two(first: Parameters<typeof nameServer>[0], second: Parameters<typeof nameServer>[0]) {
    const one = await nameServer(first, { host: '127.0.53.1' })
    const other = await nameServer(second, { host: '127.0.53.2', port: one.port })
    return { one, other, machine: machineOf({ resolvConf }, { port: one.port }) }
  }

  it.each([
    ['does not answer', { '*.test': { silent: 'all' } }],
    ['says SERVFAIL', { '*.test': { rcode: 2 } }],
    ['says REFUSED', { '*.test': { rcode: 5 } }],
  ] as const)('the second is asked where the first %s, and from then on first', async (_, rows) => {
    const { one, machine } = await two(rows, { 'name.test': { found: ['127.0.0.1'] } })
    const { found } = await find('name.test', machine)
    expect(found).toEqual(['127.0.0.1'])
    expect(new Set(one.asked)).toEqual(new Set(['A name.test.one.test', 'AAAA name.test.one.test']))
  })

  it('the first that knows is believed: that there is no such name, too', async () => {
    const { other, machine } = await two({}, { 'name.test': { found: ['127.0.0.1'] } })
    expect((await find('name.test', machine)).code).toBe('ENOTFOUND')
    expect(other.asked).toEqual([])
  })

  it('says in the transcript who did not answer, and for how long the system waits', async () => {
    const { machine } = await two({ '*.test': { silent: 'all' } }, { 'name.test': { found: ['127.0.0.1'] } })
    const { notes } = await find('name.test', machine)
    expect(notes).toContain(
      'the name server 127.0.53.1 has not answered for name.test.one.test yet; the system waits 5 s',
    )
    expect(notes).toContain('name.test: answered by the name server 127.0.53.2')
  })
})

describe('a lookup', () => {
  it('ends with the signal, and leaves nothing open, in a zone that does not answer', async () => {
    const { port } = await nameServer({ '*.test': { silent: 'all' } })
    for (const host of ['127.0.53.1', '127.0.53.2']) await nameServer({ '*.test': { silent: 'all' } }, { host, port })
    const machine = machineOf({ resolvConf: server('127.0.0.1', '127.0.53.1', '127.0.53.2') }, { port })
    const stop = new AbortController()
    const before = readdirSync('/proc/self/fd').length
    const open = (): number => readdirSync('/proc/self/fd').length - before
    const looking = Array.from({ length: 120 }, (_, n) => find(`relay-${n}.test`, machine, stop.signal))
    // Three servers, asked twice each: 720 sockets, where nothing bounded them.
    await waitFor(() => open() >= 256, { timeoutMs: 20_000, what: 'as many sockets as there may be' })
    expect(open()).toBeLessThan(256 + 20)
    stop.abort(new Error('enough'))
    expect(new Set((await Promise.all(looking)).map(({ text }) => text))).toEqual(new Set(['enough']))
    await waitFor(() => open() < 20, { what: 'the sockets are closed' })
  })

  it('of a good name comes before any of the dead ones that were begun before it', async () => {
    const { port } = await nameServer({ '*.dead.test': { silent: 'all' }, 'alive.test': { found: ['127.0.0.1'] } })
    const machine = machineOf({ resolvConf: server('127.0.0.1') }, { port })
    const stop = new AbortController()
    const ended: string[] = []
    const dead = Array.from({ length: 100 }, (_, n) => `relay-${n}.dead.test`).map(name =>
      find(name, machine, stop.signal).then(() => ended.push(name)),
    )
    const { found } = await find('alive.test', machine)
    expect([found, ended]).toEqual([['127.0.0.1'], []])
    stop.abort(new Error('enough'))
    await Promise.all(dead)
  })

  it('sees a change of resolv.conf and of the hosts file', async () => {
    const { port } = await nameServer({
      'name.one.test': { found: ['127.0.0.1'] },
      'name.two.test': { found: ['127.0.0.2'] },
    })
    const machine = machineOf({ resolvConf: `${server('127.0.0.1')}search one.test` }, { port })
    const found = async (): Promise<string[]> => (await find('name', machine)).found
    expect(await found()).toEqual(['127.0.0.1'])
    machine.write({ resolvConf: `${server('127.0.0.1')}search two.test` })
    expect(await found()).toEqual(['127.0.0.2'])
    machine.write({ hosts: '127.0.0.3 name' })
    expect(await found()).toEqual(['127.0.0.3'])
  })

  it('takes addresses as they are, in each form that the system takes', async () => {
    const machine = machineOf({}, { port: 9 })
    for (const [text, address] of [
      ['127.1', '127.0.0.1'],
      ['0x7f000001', '127.0.0.1'],
      ['010.1.2.3', '8.1.2.3'],
      ['4294967295', '255.255.255.255'],
      ['fe80::1%lo', 'fe80::1%lo'],
    ] as const)
      expect((await find(text, machine)).found).toEqual([address])
  })

  it.each([
    '',
    '.',
    'a..b',
    '.a',
    '-a.test',
    'a b',
    '*.test',
    `${'x'.repeat(64)}.test`,
    `${'x.'.repeat(127)}test`,
    'a\\.b',
    '127.0.0.256',
    'x\u0000y',
  ])('asks no server for %j, which cannot be a name', async name => {
    const { port, asked } = await nameServer({ '*.test': { found: ['127.0.0.1'] } })
    const { code } = await find(name, machineOf({ resolvConf: server('127.0.0.1') }, { port }))
    expect(code).toBe('ENOTFOUND')
    expect(asked.filter(one => !one.includes('256'))).toEqual([])
  })

  it('gives a failure without the name in it', async () => {
    const { port } = await nameServer({})
    const { text } = await find('internal-name.test', machineOf({ resolvConf: server('127.0.0.1') }, { port }))
    expect(text).toBe('there is no such name (ENOTFOUND)')
  })

  it('is left to the system where no files say how it is done', async () => {
    const machine = machineOf({ hosts: '127.0.0.9 localhost\n' }, { byFiles: false })
    const { found } = await find('localhost', machine)
    expect(found.length).toBeGreaterThan(0)
    expect(found).not.toContain('127.0.0.9')
    const ended = await find('localhost', machine, AbortSignal.abort(new Error('enough')))
    expect(ended.text).toBe('enough')
  })

  it('has a name server on this machine where no file names one, as the system has it', async () => {
    const { port } = await nameServer({ 'name.test': { found: ['127.0.0.6'] } })
    const machine = machineOf({}, { port })
    rmSync(machine.resolvConf, { force: true })
    expect((await find('name.test', machine)).found).toEqual(['127.0.0.6'])
  })
})

describe('what a machine or a server may hold', () => {
  it('never makes a lookup fail in another way than by a name, whatever stands in the files', async () => {
    const { port } = await nameServer({ 'name.test': { found: ['127.0.0.1'] } })
    const machine = machineOf({}, { port, getent: '/nowhere/getent' })
    const word = fc.constantFrom(
      ...[
        'hosts:',
        'files',
        'dns',
        '[',
        ']',
        '[NOTFOUND=return]',
        '[!UNAVAIL=return',
        'nameserver',
        '127.0.0.1',
        '::1',
      ],
      ...[
        'fe80::1%lo',
        'search',
        'domain',
        '.',
        'options',
        'ndots:',
        'ndots:-1',
        'timeout:1',
        'attempts:1',
        '#',
        ';',
        '\n',
      ],
      ...['precedence', 'label', '::/0', '::ffff:0:0/96', '::/999', '10', 'name.test', '\t', '\u0000', 'ü', '"'],
    )
    const text = fc.oneof(
      fc.array(word, { maxLength: 40 }).map(words => words.join(' ')),
      fc.string(),
    )
    const files = fc.record({
      hosts: text,
      resolvConf: text.map(one => `${one}\noptions timeout:1 attempts:1\n`),
      nsswitch: text,
      gaiConf: text,
    })
    await fc.assert(
      fc.asyncProperty(files, async some => {
        machine.write(some)
        const { found, code } = await find('name.test', machine)
        if (found.length === 0) expect(['ENOTFOUND', 'EAI_AGAIN', 'ENETUNREACH', 'EINVAL']).toContain(code)
        else for (const address of found) expect(isIP(address)).not.toBe(0)
      }),
      { numRuns: 100, seed: 1 },
    )
  })

  it('takes 128 addresses of a name, and no more', async () => {
    const { port } = await nameServer({ 'name.test': { found: many(2_400) } })
    const { found } = await find('name.test', machineOf({ resolvConf: server('127.0.0.1') }, { port }))
    expect(new Set(found).size).toBe(128)
  })
})

describe('services of nsswitch.conf', () => {
  /** A getent that writes down what it is asked for. */
  function getent(script: string): { getent: string } {
    const folder = tempFolder('mailpath-getent-')
    onTestFinished(() => removeFolder(folder))
    const file = path.join(folder, 'getent')
    writeFileSync(file, `#!/bin/sh\n${script}\n`)
    chmodSync(file, 0o755)
    return { getent: file }
  }
  const system = 'echo "127.9.9.9      STREAM $3"; echo "127.9.9.9      DGRAM"'

  it.each([
    ['files dns', 'name.test', '127.0.0.1'],
    ['dns files', 'both.test', '127.0.0.2'],
    ['files dns', 'both.test', '127.0.0.3'],
    ['files', 'both.test', '127.0.0.3'],
    ['files', 'name.test', 'ENOTFOUND'],
    ['dns [NOTFOUND=return] files', 'hosts.test', 'ENOTFOUND'],
    ['files mdns4_minimal [NOTFOUND=return] dns', 'name.test', '127.0.0.1'],
    ['files mdns4_minimal [NOTFOUND=return] dns', 'printer.local', '127.9.9.9'],
    ['files dns myhostname', 'name.test', '127.0.0.1'],
    ['files dns myhostname', 'a.localhost', '127.9.9.9'],
    ['files resolve [!UNAVAIL=return] dns', 'name.test', '127.9.9.9'],
    ['files resolve [!UNAVAIL=return] dns', 'both.test', '127.0.0.3'],
    ['mymachines files dns', 'both.test', '127.9.9.9'],
    ['files sss dns', 'name.test', '127.9.9.9'],
    ['files [SUCCESS=merge] dns', 'both.test', '127.9.9.9'],
  ])('%s: %s is %s', async (services, name, expected) => {
    const { port } = await nameServer({ 'name.test': { found: ['127.0.0.1'] }, 'both.test': { found: ['127.0.0.2'] } })
    const files = {
      hosts: '127.0.0.3 both.test\n127.0.0.4 hosts.test\n',
      resolvConf: server('127.0.0.1'),
      nsswitch: `passwd: files\nhosts:\t${services} # a comment\n`,
    }
    const { found, code } = await find(name, machineOf(files, { port, ...getent(system) }))
    expect(found[0] ?? code).toBe(expected)
  })

  const files = { resolvConf: server('127.0.0.1'), nsswitch: 'hosts: resolve dns\n' }

  it('that only the system can ask are left out where it cannot be asked', async () => {
    const { port } = await nameServer({ 'name.test': { found: ['127.0.0.1'] } })
    const { found, notes } = await find('name.test', machineOf(files, { port, getent: '/nowhere/getent' }))
    expect(found).toEqual(['127.0.0.1'])
    expect(notes).toContain('the system (getent ahosts) could not be asked for name.test')
  })

  it.each([
    ['there is no such name', {}, 'ENOTFOUND'],
    ['the name server fails', { 'name.test': { rcode: 2 } }, 'EAI_AGAIN'],
    ['the system does not want it', { 'name.test': { found: ['127.0.0.1'] } }, 'ENOTFOUND'],
  ] as const)('that find nothing: the reason is that of the name servers, where %s', async (_, rows, expected) => {
    const { port } = await nameServer(rows)
    const { found, code } = await find('name.test', machineOf(files, { port, ...getent('exit 2') }))
    expect([found, code]).toEqual([[], expected])
  })

  it('that hang are ended with the signal, and have nothing of the environment', async () => {
    process.env['RES_OPTIONS'] = 'ndots:9'
    onTestFinished(() => {
      delete process.env['RES_OPTIONS']
    })
    const seen = tempFolder('mailpath-seen-')
    onTestFinished(() => removeFolder(seen))
    const machine = machineOf(files, getent(`env > ${seen}/env; echo $$ > ${seen}/pid; exec sleep 600`))
    const stop = new AbortController()
    const looking = find('name.test', machine, stop.signal)
    await waitFor(() => readdirSync(seen).includes('pid'), { timeoutMs: 20_000, what: 'getent runs' })
    stop.abort(new Error('enough'))
    expect((await looking).text).toBe('enough')
    expect(readFileSync(`${seen}/env`, 'utf8')).not.toContain('RES_OPTIONS')
    const pid = Number(readFileSync(`${seen}/pid`, 'utf8'))
    await waitFor(() => !isAlive(pid), { what: 'getent has ended' })
  })
})

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

function many(count: number): string[] {
  return Array.from({ length: count }, (_, n) => `10.9.${n >> 8}.${n & 255}`)
}
