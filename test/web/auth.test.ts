import { setMaxListeners } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { hash } from '@node-rs/bcrypt'
import { describe, expect, it, onTestFinished } from 'vitest'
import { basicAuth } from '../../src/web/auth.ts'
import { freePort, removeFolder, startProcess, tempFolder, waitFor } from '../servers/processes.ts'
import { program } from '../servers/program.ts'
import { networkOf } from '../../src/web/network.ts'
import { ask, basic, serving, type Served } from './serving.ts'

const authorization = (user: string, password: string): string => basic(user, password).authorization
const encoded = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`

/** The time of the processor that a try took, in all threads of ours: whatever else the machine does, it costs no more. */
async function cost(tries: number, work: (i: number) => Promise<unknown>): Promise<number> {
  const from = process.cpuUsage()
  for (let i = 0; i < tries; i++) await work(i)
  return process.cpuUsage(from).user / tries
}

/** Milliseconds in all threads of the process. https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html */
async function cpuOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1')
  const [, ...fields] = stat.slice(stat.lastIndexOf(')')).split(' ')
  return 10 * (Number(fields[11]) + Number(fields[12]))
}

describe('a login', () => {
  it('is not asked for if there are no users', async () => {
    const authenticate = basicAuth(() => ({}))
    expect(await authenticate(undefined)).toBe(true)
    expect(await authenticate('Bearer x')).toBe(true)
  })

  it.each(['2a', '2b', '2y'])('is right against a hash of the version %s', async version => {
    const written = (await hash('correct horse', 4)).replace(/^\$2b/, `$${version}`)
    const authenticate = basicAuth(() => ({ alice: written }))
    expect(await authenticate(authorization('alice', 'correct horse'))).toBe(true)
    expect(await authenticate(authorization('alice', 'correct hors'))).toBe(false)
  })

  it('is right against what another bcrypt wrote', async () => {
    // crypt(3) of libxcrypt, by `perl -e 'print crypt(…, "$2y$05$…")'`.
    const written = '$2y$05$X0h1gDsPszWURQaxFh.zoOCE6AddxXVf3CMqqE.MAx/mX06xc444m'
    const authenticate = basicAuth(() => ({ alice: written }))
    expect(await authenticate(authorization('alice', 'pässwörd: with colon'))).toBe(true)
  })

  it('is wrong in every other way', async () => {
    const users = ['alice', 'bob smith', '', 'constructor']
    const known = Object.fromEntries(
      await Promise.all(users.map(async user => [user, await hash(`of ${user}`, 4)] as const)),
    )
    const authenticate = basicAuth(() => known)
    for (const user of users) {
      expect(await authenticate(authorization(user, `of ${user}`))).toBe(true)
      // However the scheme is written: RFC 9110, section 11.1.
      expect(await authenticate(authorization(user, `of ${user}`).replace('Basic', 'bASIC'))).toBe(true)
    }
    const wrong = [
      undefined,
      '',
      'Basic',
      'Basic ',
      'Basic !!!',
      encoded('alice'),
      encoded('alice:'),
      encoded(':of alice'),
      encoded('alice:of alice '),
      encoded('ALICE:of alice'),
      encoded('alice:of alice\0'),
      encoded('alice\0:of alice'),
      encoded('alice:of bob smith'),
      encoded(`alice:${known['alice'] ?? ''}`),
      // Not users, and yet found on every object.
      encoded('toString:of alice'),
      encoded('__proto__:of alice'),
      `${authorization('alice', 'of alice')} x`,
      `Bearer ${authorization('alice', 'of alice')}`,
      authorization('alice', 'of alice').slice(6),
      `Basic ${'A'.repeat(12_000)}`,
    ]
    for (const header of wrong) expect([header, await authenticate(header)]).toEqual([header, false])
  })
})

describe('the time a login takes', () => {
  it('is that of bcrypt, whether the user exists or not, and the second time next to nothing', async () => {
    const users = { alice: await hash('right', 9) }
    const authenticate = basicAuth(() => users)
    const wrong = await cost(4, i => authenticate(authorization('alice', `wrong ${i}`)))
    const unknown = await cost(4, i => authenticate(authorization('mallory', `wrong ${i}`)))
    const first = await cost(1, () => authenticate(authorization('alice', 'right')))
    const second = await cost(4, () => authenticate(authorization('alice', 'right')))
    expect(unknown / wrong).toBeGreaterThan(0.5)
    expect(unknown / wrong).toBeLessThan(2)
    expect(second / first).toBeLessThan(0.1)
    // What is wrong is not remembered: a guess is as dear each time.
    const again = await cost(4, () => authenticate(authorization('alice', 'wrong 0')))
    expect(again / wrong).toBeGreaterThan(0.5)
  })

  it('is the same for each refusal, whatever the hashes cost', async () => {
    const users = { cheap: await hash('right', 7), dear: await hash('right', 10) }
    const authenticate = basicAuth(() => users)
    const refusals = []
    for (const user of ['cheap', 'dear', 'mallory'])
      refusals.push(await cost(3, i => authenticate(authorization(user, `wrong ${i}`))))
    expect(Math.max(...refusals) / Math.min(...refusals)).toBeLessThan(1.5)
    // What is right costs what its own hash does.
    expect((await cost(1, () => authenticate(authorization('cheap', 'right')))) / Math.min(...refusals)).toBeLessThan(
      0.5,
    )
  })

  it('is paid once by a crowd that comes with the same login', async () => {
    const users = { alice: await hash('right', 8) }
    const one = await cost(2, () => basicAuth(() => users)(authorization('alice', 'right')))
    const authenticate = basicAuth(() => users)
    const from = performance.now()
    const answers = await Promise.all(
      Array.from({ length: 1_000 }, () => authenticate(authorization('alice', 'right'))),
    )
    expect(answers.every(Boolean)).toBe(true)
    expect((performance.now() - from) / one).toBeLessThan(100)
  })

  it('is paid again where a hundred others have come since: no more is remembered', async () => {
    const cheap = await hash('right', 4)
    const others = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`user ${i}`, cheap]))
    const users = { alice: await hash('right', 9), ...others }
    const authenticate = basicAuth(() => users)
    const alice = () => authenticate(authorization('alice', 'right'))
    const first = await cost(1, alice)
    expect((await cost(3, alice)) / first).toBeLessThan(0.1)
    for (const user of Object.keys(others)) expect(await authenticate(authorization(user, 'right'))).toBe(true)
    expect((await cost(1, alice)) / first).toBeGreaterThan(0.2)
  })
})

describe('users, when the file is read again', () => {
  it('are locked out, let in and given other passwords without a restart', async () => {
    const [one, two] = await Promise.all([hash('one', 4), hash('two', 4)])
    const web = await serving({ config: { basic_auth_users: { alice: one, bob: one } } })
    const status = async (user: string, password: string) =>
      (await ask(web, { path: '/-/healthy', headers: basic(user, password) })).status
    expect([await status('alice', 'one'), await status('bob', 'one'), await status('carol', 'two')]).toEqual([
      200, 200, 401,
    ])
    await web.rewrite('web.yml', JSON.stringify({ basic_auth_users: { bob: two, carol: two } }))
    await waitFor(async () => (await status('carol', 'two')) === 200, { what: 'the file is read anew' })
    // Their logins had been remembered.
    expect([await status('alice', 'one'), await status('bob', 'one'), await status('bob', 'two')]).toEqual([
      401, 401, 200,
    ])
  })

  it('stay as they were while the file is bad, and that is logged once', async () => {
    const one = await hash('one', 4)
    const web = await serving({ config: { basic_auth_users: { alice: one } } })
    await web.rewrite('web.yml', 'basic_auth_users:\n  alice: hunter2\n')
    await waitFor(() => web.logged.length > 0, { what: 'it is logged' })
    // Several looks at the files, one every 40 ms.
    await sleep(300)
    expect(web.logged).toEqual([
      {
        level: 'error',
        error: expect.stringMatching(/web\.yml:2:10: basic_auth_users\.alice: expected a bcrypt hash/) as string,
        msg: 'the web configuration was not reloaded, and the one before it still holds',
      },
    ])
    expect((await ask(web, { path: '/', headers: basic('alice', 'one') })).status).toBe(200)
    expect((await ask(web, { path: '/' })).status).toBe(401)
  })
})

describe('who guesses passwords', () => {
  const guessing = async (web: Served, guesses: number, localAddress: string) => {
    const over = new AbortController()
    setMaxListeners(0, over.signal)
    let refused = 0
    const guess = async (n: number): Promise<void> => {
      for (let i = 0; !over.signal.aborted; i++) {
        const headers = basic('alice', `guess ${n} ${i}`)
        const { status } = await ask(web, { path: '/metrics', headers, localAddress, signal: over.signal })
        if (status === 401) refused++
      }
    }
    const all = Promise.allSettled(Array.from({ length: guesses }, (_, n) => guess(n)))
    onTestFinished(async () => {
      over.abort()
      await all
    })
    await waitFor(() => refused > 4, { what: 'guesses are refused' })
    return { refused: () => refused }
  }
  const config = async () => ({ basic_auth_users: { alice: await hash('right', 7), bob: await hash('right', 7) } })
  const asked = async (web: Served, user: string, path = '/-/healthy') =>
    (await ask(web, { path, headers: basic(user, 'right') })).status

  it('keeps out no right password, though it is not remembered yet, and stands in a line of his own', async () => {
    const web = await serving({ config: await config() })
    const flood = await guessing(web, 60, '127.0.0.2')
    const before = flood.refused()
    expect(await asked(web, 'alice')).toBe(200)
    // Of the sixty that came before it at most those under way were answered first, one of each line in turn.
    expect(flood.refused() - before).toBeLessThan(30)
    expect(await asked(web, 'bob')).toBe(200)
  })

  // How few of the others come first: test/web/fair-queue.test.ts.
  it('keeps out none of his own network either', async () => {
    const users = Array.from({ length: 5 }, (_, n) => `user ${n}`)
    const written = await hash('right', 4)
    const web = await serving({
      config: { basic_auth_users: Object.fromEntries(['alice', ...users].map(user => [user, written])) },
    })
    await guessing(web, 60, '127.0.0.1')
    for (const user of users) expect(await asked(web, user)).toBe(200)
  }, 120_000)

  it('has two bcrypts at once, and everything that is remembered is answered meanwhile', async () => {
    const web = await serving({ config: await config() })
    expect(await asked(web, 'alice')).toBe(200)
    const flood = await guessing(web, 60, '127.0.0.1')
    const before = flood.refused()
    for (let i = 0; i < 10; i++) expect(await asked(web, 'alice')).toBe(200)
    // Else each of the ten had waited behind sixty.
    expect(flood.refused() - before).toBeLessThan(150)
  })

  it('is kept out of memory by a bound on each line and on all of them, and those that are full say so', async () => {
    const users = { alice: await hash('right', 8) }
    const authenticate = basicAuth(() => users)
    const guesses = Array.from({ length: 3_000 }, (_, i) =>
      authenticate(authorization('alice', `${i}`), () => `net ${i % 20}`),
    )
    const right = authenticate(authorization('alice', 'right'), () => 'net of its own')
    expect(await right).toBe(true)
    // Those that have a place come to their turn, however long that takes.
    const ended = await Promise.all(guesses.map(guess => Promise.race([guess, Promise.resolve('waits')])))
    expect(ended.filter(answer => answer === undefined).length).toBeGreaterThanOrEqual(3_000 - 1_000 - 100)
    expect(ended.filter(answer => answer === 'waits').length).toBeLessThanOrEqual(1_000)
  }, 60_000)

  it('has no further bcrypt once the exporter stops, neither for those in line nor for the rest of a refusal', async () => {
    const users = { alice: await hash('right', 4), bob: await hash('right', 10) }
    const stop = new AbortController()
    let begun = 0
    const authenticate = basicAuth(
      () => users,
      stop.signal,
      work => {
        begun++
        return work
      },
    )
    const guesses = Array.from({ length: 40 }, (_, i) => authenticate(authorization('alice', `${i}`)))
    await waitFor(() => begun > 2, { what: 'guesses are verified' })
    stop.abort()
    const before = begun
    expect((await Promise.all(guesses)).filter(answer => answer === undefined).length).toBeGreaterThan(30)
    expect(begun).toBe(before)
  })

  it('does not keep the exporter, however long what is under way would take', { timeout: 60_000 }, async () => {
    const folder = tempFolder('mailpath-auth-')
    onTestFinished(() => removeFolder(folder))
    const port = await freePort()
    // Of hours: it ends in another way, or not at all.
    await writeFile(path.join(folder, 'web.yml'), `basic_auth_users: { alice: '$2b$25$${'.'.repeat(53)}' }`)
    await writeFile(path.join(folder, 'mailpath.yml'), 'smtp: [{ name: a, host: 127.0.0.1, port: 9, security: none }]')
    const running = startProcess('exporter', process.execPath, [
      ...program,
      `--config.file=${path.join(folder, 'mailpath.yml')}`,
      `--web.config.file=${path.join(folder, 'web.yml')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ])
    onTestFinished(() => running.stop('SIGKILL'))
    await waitFor(() => running.log().includes('listening'), { what: 'it listens', timeoutMs: 30_000 })
    const over = new AbortController()
    onTestFinished(() => over.abort())
    const answers = [1, 2, 3].map(n => {
      const headers = basic('alice', `guess ${n}`)
      return fetch(`http://127.0.0.1:${port}/metrics`, { headers, signal: over.signal }).catch(() => undefined)
    })
    const isAtWork = () => cpuOf(running.pid).then(ms => ms > atFirst + 300)
    const atFirst = await cpuOf(running.pid)
    await waitFor(isAtWork, { what: 'bcrypt is at work', timeoutMs: 30_000 })
    running.signal('SIGTERM')
    // By the signal itself: with a code of its own it would wait for the threads.
    expect(await running.exited).toBeNull()
    await Promise.all(answers)
  })

  it('lets those in that had been, after the file was read again', async () => {
    const given = await config()
    const web = await serving({ config: given })
    expect(await asked(web, 'alice')).toBe(200)
    await web.rewrite(
      'web.yml',
      JSON.stringify({ ...given, http_server_config: { headers: { 'X-Frame-Options': 'deny' } } }),
    )
    await waitFor(() => web.logged.length > 0, { what: 'the file is read again' })
    const flood = await guessing(web, 60, '127.0.0.1')
    const before = flood.refused()
    for (let i = 0; i < 5; i++) expect(await asked(web, 'alice')).toBe(200)
    // Else each of the five had waited behind sixty.
    expect(flood.refused() - before).toBeLessThan(60)
  })
})

describe('a network', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:db8:1:2::', '2001:db8:1:2'],
    ['2001:DB8::7', '2001:db8:0:0'],
    ['fe80::1%eth0', 'fe80:0:0:0'],
    ['::1', '0:0:0:0'],
    // Of a Unix socket.
    [undefined, 'unix'],
  ])('of %s is %s', (address, network) => {
    expect(networkOf(address)).toBe(network)
  })
})
