import { hash } from '@node-rs/bcrypt'
import { describe, expect, it } from 'vitest'
import { basicAuth } from '../../src/web/auth.ts'
import { usualLimits } from '../../src/web/answering.ts'
import { waitFor } from '../servers/processes.ts'
import { ask, basic, serving } from './serving.ts'

const authorization = (user: string, password: string): string => basic(user, password).authorization
const encoded = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`

/** The time of the processor that a try took, in all threads of ours: whatever else the machine does, it costs no more. */
async function cost(tries: number, work: (i: number) => Promise<unknown>): Promise<number> {
  const from = process.cpuUsage()
  for (let i = 0; i < tries; i++) await work(i)
  return process.cpuUsage(from).user / tries
}

describe('a login', () => {
  it('is asked of nobody where there are no users', async () => {
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

describe('users, when the file is read anew', () => {
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
    await new Promise(resolve => setTimeout(resolve, 300))
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
  it('has two bcrypts at once, and everything else is answered meanwhile', async () => {
    const config = { basic_auth_users: { alice: await hash('right', 10) } }
    // Who waits for twenty others is not cut off for it.
    const web = await serving({ config, limits: usualLimits })
    const healthy = () => ask(web, { path: '/-/healthy', headers: basic('alice', 'right') })
    expect((await healthy()).status).toBe(200)
    const over = new AbortController()
    const guesses = Promise.all(
      Array.from({ length: 40 }, async (_, i) => {
        const { status, headers } = await ask(web, { path: '/metrics', headers: basic('alice', `guess ${i}`) })
        return `${status ?? 'none'} ${headers['www-authenticate'] ?? headers['retry-after'] ?? ''}`
      }),
    ).finally(() => over.abort())
    let answered = 0
    while (!over.signal.aborted) {
      expect((await healthy()).status).toBe(200)
      answered++
    }
    const answers = await guesses
    // Two are verified, twenty wait, and of the rest nothing is known.
    const refused = answers.filter(answer => answer === '503 1')
    const wrong = answers.filter(answer => answer === '401 Basic realm="mailpath-exporter", charset="UTF-8"')
    expect(refused.length + wrong.length).toBe(40)
    expect(wrong.length).toBeGreaterThanOrEqual(22)
    expect(refused.length).toBeGreaterThan(0)
    expect(answered).toBeGreaterThan(2 * wrong.length)
  })
})
