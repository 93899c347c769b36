import { describe, expect, it } from 'vitest'
import { parseConfig } from '../../src/config/load.ts'
import { canary, valueOf, whyNot } from './resolve.ts'

const partOf = (part: 'user' | 'password' | 'database', url: string) =>
  valueOf({ env: 'DATABASE_URL', part }, { env: { DATABASE_URL: url } })

describe('a part of a URL of Postgres', () => {
  it.each([
    ['user', 'app@tenant'],
    ['password', 'p#ss/w'],
    ['database', 'shop'],
  ] as const)('is the %s as the drivers read it', async (part, value) => {
    expect(await partOf(part, 'postgresql://app%40tenant:p%23ss%2Fw@db-1,db-2:5432/shop?sslmode=require')).toBe(value)
  })

  it.each([
    ['has none', 'postgres://app@db/shop', 'env DATABASE_URL (password): DATABASE_URL has no password in it'],
    [
      'is none of Postgres',
      `mysql://app:${canary}@db/shop`,
      'DATABASE_URL is no URL of Postgres that can be read here',
    ],
    ['is a password alone', canary, 'DATABASE_URL is no URL of Postgres that can be read here'],
    ['is in doubt', `postgres://app:${canary}@x@db/shop`, 'DATABASE_URL is no URL of Postgres that can be read here'],
  ])('of a URL that %s is not resolved, and nothing is shown', async (_, url, said) => {
    const why = await whyNot(partOf('password', url))
    expect(why).toContain(said)
    expect(why).not.toContain(canary)
  })

  it('that each driver reads in another way is not resolved', async () => {
    const why = await whyNot(partOf('user', 'postgres://app:pw@db/shop?user=other'))
    expect(why).toContain('DATABASE_URL has another user for each driver; give the user itself')
  })

  it('falls back only where the setting is not there', async () => {
    expect(await valueOf({ env: 'DATABASE_URL', part: 'database', default: 'shop' })).toBe('shop')
  })

  it('has a name', () => {
    const text = 'smtp: [{ name: a, host: { env: URL, part: host } }]'
    expect(() => parseConfig(text, 'mailpath.yml')).toThrow(/part: .*user.*password.*database/)
  })
})
