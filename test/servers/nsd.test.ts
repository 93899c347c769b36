import { Resolver } from 'node:dns/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { needs } from './processes.ts'
import { nsdBinary, nsdInstall, startNsd, txt, type Nsd } from './nsd.ts'

describe.skipIf(!needs('nsd', nsdBinary(), nsdInstall))('nsd', () => {
  let nsd: Nsd
  const resolver = new Resolver({ timeout: 500, tries: 1 })
  const key = `v=DKIM1; p=${'A'.repeat(600)}\\"`
  beforeAll(async () => {
    nsd = await startNsd({
      zones: {
        'example.com': ['@ MX 10 mail', 'mail A 192.0.2.1', txt('s1._domainkey', key)],
        '2.0.192.in-addr.arpa': ['1 PTR mail.example.com.'],
      },
    })
    resolver.setServers([nsd.address])
  })
  afterAll(() => nsd.stop())

  it('serves zones, and texts of any length', async () => {
    expect(await resolver.resolveMx('example.com')).toEqual([{ priority: 10, exchange: 'mail.example.com' }])
    expect(await resolver.resolvePtr('1.2.0.192.in-addr.arpa')).toEqual(['mail.example.com'])
    expect((await resolver.resolveTxt('s1._domainkey.example.com')).map(parts => parts.join(''))).toEqual([key])
    expect(await resolver.resolveNs('example.com')).toHaveLength(2)
    await expect(resolver.resolve4('none.example.com')).rejects.toMatchObject({ code: 'ENOTFOUND' })
    await expect(resolver.resolve4('example.org')).rejects.toMatchObject({ code: 'EREFUSED' })
  })

  it('serves another version as soon as it is asked to, again and again', async () => {
    for (let n = 2; n < 12; n++) {
      await nsd.serve({ 'example.com': [`mail A 192.0.2.${n}`] })
      expect(await resolver.resolve4('mail.example.com')).toEqual([`192.0.2.${n}`])
    }
    await expect(resolver.resolveMx('example.com')).rejects.toMatchObject({ code: 'ENODATA' })
    expect(await resolver.resolvePtr('1.2.0.192.in-addr.arpa')).toEqual(['mail.example.com'])
  })

  it('takes another zone, drops one, and comes back with what it had', async () => {
    await nsd.serve({ 'example.org': ['@ A 192.0.2.9'] })
    expect(await resolver.resolve4('example.org')).toEqual(['192.0.2.9'])
    await nsd.drop('example.org')
    await expect(resolver.resolve4('example.org')).rejects.toMatchObject({ code: 'EREFUSED' })
    await nsd.down()
    await expect(resolver.resolve4('mail.example.com')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    await nsd.up()
    expect(await resolver.resolve4('mail.example.com')).toHaveLength(1)
  })

  it('is silent while it is stopped', async () => {
    nsd.pause()
    await expect(resolver.resolve4('mail.example.com')).rejects.toMatchObject({ code: 'ETIMEOUT' })
    nsd.resume()
    expect(await resolver.resolve4('mail.example.com')).toHaveLength(1)
  })
})
