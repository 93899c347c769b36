import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { doubtIn } from '../../src/core/url-doubt.ts'

describe('a URL is split without doubt', () => {
  it.each([
    'postgres://app:pw@db:5432/shop',
    'postgres://app@db/shop?sslmode=require',
    'postgres://db/shop',
    'postgres:///shop?host=/var/run/postgresql',
    'postgres://app:pw@h1:5432,h2:5433/shop?target_session_attrs=primary',
    'postgres://app:p%40w%23%2F%3F@db/shop',
    'postgres://app:a:b:c@db/shop',
    'postgres://app:a[b]c@[::1]:5432/shop',
    // The old form of user names on Azure.
    'postgres://db:5432/shop?user=app@tenant&password=x@y',
    'postgres://db?user=app@tenant',
    'postgres://app:pw@db/shop?options=-c%20a@b',
    'postgres://app:pw@db/shop#part',
    'jdbc:postgresql://db/shop?user=app&password=a@b',
    'smtp://app%40example.com:pw@relay:587',
    'smtps://app:pw@relay:465/?name=a@b',
    'https://vault-01:8200',
    'https://app:pw@vault-01:8200/',
    ' postgres://app:pw@db/shop\n',
    'db.example.com',
    'a@b@c',
    'host=db user=app@tenant password=a/b@c',
    '',
  ])('%s', text => {
    expect(doubtIn(text)).toBeUndefined()
  })
})

describe('a URL is in doubt', () => {
  it.each([
    ['postgres://app:Kq7@Zt9mWx@db:5432/shop', 'more than one @ before the path'],
    ['postgres://app:Kq7@Zt9mWx#41@db:5432/shop', 'a raw # before an @'],
    ['postgres://app:Kq7#41@db:5432/shop', 'a raw # before an @'],
    ['postgres://app:4711#@db:5432/shop', 'a raw # before an @'],
    ['postgres://app:4711/secret@db:5432/shop', 'a raw / before an @'],
    ['postgres://app:/secret@db:5432/shop', 'a raw / before an @'],
    ['postgres://app:4711/se?c=ret@db:5432/shop', 'a raw ? before an @'],
    ['postgres://app:4711?secret@db:5432/shop', 'a raw ? before an @'],
    ['postgres://app:4711?a=secret@db:5432/shop', 'a raw ? before an @'],
    ['postgres://app:4711?a=secret@db', 'a raw ? before an @'],
    ['postgres://app:4711?a=secret&b@db', 'a raw ? before an @'],
    ['postgres://app@tenant:pw@db/shop', 'more than one @ before the path'],
    ['postgres://app:pw@db/sh@op', 'a raw / before an @'],
    ['smtp://app@example.com:pw@relay:587', 'more than one @ before the path'],
    ['smtp://app:a/b@relay:587', 'a raw / before an @'],
    ['https://app:a\\b@vault-01', 'a raw \\ before an @'],
    ['jdbc:postgresql://app:a@b@db/shop', 'more than one @ before the path'],
    ['postgres://app:pw@db/shop\npostgres://app:pw2@db2/shop', 'a line break'],
    ['postgres://app:p\tw@db/shop', 'a control character'],
  ])('%s', (text, why) => {
    expect(doubtIn(text)).toContain(why)
  })
})

it('a URL with an encoded password is split as it was put together; one with a raw mark of the syntax is in doubt', () => {
  const mark = fc.constantFrom('@', '/', '?', '#')
  const word = fc.string({ minLength: 1, maxLength: 12 })
  const hosts = fc.constantFrom('db', 'db.example.com:6432', '[::1]:5432', '10.0.0.1')
  fc.assert(
    fc.property(word, word, hosts, (user, password, host) => {
      const url = `postgres://${encodeURIComponent(user)}:${encodeURIComponent(password)}@${host}/shop?sslmode=prefer`
      expect(doubtIn(url)).toBeUndefined()
      expect(new URL(url).host).toBe(host)
    }),
  )
  fc.assert(
    fc.property(
      fc.stringMatching(/^[a-z0-9=&/?#@]{0,8}$/),
      mark,
      fc.stringMatching(/^[a-z0-9=&/?#@]{0,8}$/),
      hosts,
      (a, raw, b, host) => {
        const said = doubtIn(`postgres://app:${a}${raw}${b}@${host}/shop`)
        expect(said).toMatch(/encode/)
      },
    ),
  )
})

it('takes time in proportion to the text', () => {
  for (const part of ['@', '/@', '?&', ':', 'a:', '#'])
    expect(() => doubtIn(`postgres://${part.repeat(500_000)}`)).not.toThrow()
  expect(() => doubtIn('a:'.repeat(500_000))).not.toThrow()
  expect(() => doubtIn(' '.repeat(1_000_000))).not.toThrow()
})
