import { Resolver } from 'node:dns/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startDnsWay, type DnsWay } from './dns-way.ts'
import { needs } from './processes.ts'
import { nsdBinary, nsdInstall, startNsd, txt, type Nsd } from './nsd.ts'
import { startUnbound, unboundBinary, unboundInstall, type Unbound } from './unbound.ts'

const here = (address: string, timeout = 3000) => {
  const resolver = new Resolver({ timeout, tries: 1 })
  resolver.setServers([address])
  return resolver
}
const zones = {
  'example.com': ['mail A 192.0.2.1', 'alias CNAME other.example.net.', txt('long', 'x'.repeat(3000))],
  'example.net': ['other A 192.0.2.2'],
  '2.0.192.in-addr.arpa': ['1 PTR mail.example.com.'],
}

describe.skipIf(!needs('nsd', nsdBinary(), nsdInstall))('the way to nsd', () => {
  let nsd: Nsd
  let way: DnsWay
  beforeAll(async () => {
    nsd = await startNsd({ zones })
    way = await startDnsWay(nsd.port)
  })
  afterAll(() => Promise.all([way.stop(), nsd.stop()]))

  it('passes questions on by UDP and TCP, and counts them', async () => {
    const resolver = here(way.address)
    expect(await resolver.resolve4('mail.example.com')).toEqual(['192.0.2.1'])
    expect((await resolver.resolveTxt('long.example.com')).flat().join('')).toHaveLength(3000)
    expect([way.asked('mail.example.com'), way.asked('long.example.com', 16), way.asked('')]).toEqual([1, 2, 3])
  })

  it('breaks what the rule names, and nothing else', async () => {
    const resolver = here(way.address, 500)
    const broken = async (fate: ReturnType<Parameters<DnsWay['rule']>[0]>) => {
      way.rule(({ name, overTcp }) =>
        name === 'mail.example.com' && (!overTcp || fate === 'hung up') ? fate : undefined,
      )
      return resolver.resolve4('mail.example.com').then(
        () => 'found',
        (error: unknown) => (error as NodeJS.ErrnoException).code,
      )
    }
    expect(await broken('lost')).toBe('ETIMEOUT')
    expect(await broken({ rcode: 2 })).toBe('ESERVFAIL')
    expect(await broken({ rcode: 3 })).toBe('ENOTFOUND')
    expect(await broken('empty')).toBe('ENODATA')
    expect(await broken({ lateMs: 50 })).toBe('found')
    expect(await broken('truncated')).toBe('found')
    expect(await resolver.resolve4('ns1.example.com')).toHaveLength(1)
    way.rule(({ overTcp }) => (overTcp ? 'hung up' : undefined))
    await expect(resolver.resolveTxt('long.example.com')).rejects.toThrow()
  })
})

describe.skipIf(!needs('nsd', nsdBinary(), nsdInstall) || !needs('Unbound', unboundBinary(), unboundInstall))(
  'Unbound before nsd',
  () => {
    let nsd: Nsd
    let unbound: Unbound
    beforeAll(async () => {
      nsd = await startNsd({ zones: { ...zones, 'signed.example': ['@ A 192.0.2.3'] } })
      unbound = await startUnbound({
        authorities: Object.fromEntries([...Object.keys(zones), 'signed.example'].map(zone => [zone, [nsd.port]])),
        trustAnchors: ['signed.example. DS 1234 8 2 ' + 'AB'.repeat(32)],
      })
    })
    afterAll(() => Promise.all([unbound.stop(), nsd.stop()]))

    it('follows an alias to another zone, and serves what changes at once', async () => {
      const resolver = here(unbound.address)
      await nsd.serve(zones)
      expect(await resolver.resolve4('alias.example.com')).toEqual(['192.0.2.2'])
      expect(await resolver.resolvePtr('1.2.0.192.in-addr.arpa')).toEqual(['mail.example.com'])
      await nsd.serve({ 'example.net': ['other A 192.0.2.4'] })
      expect(await resolver.resolve4('alias.example.com')).toEqual(['192.0.2.4'])
    })

    it('says SERVFAIL of what is not signed as it has to be, and without its authority', async () => {
      const resolver = here(unbound.address)
      await expect(resolver.resolve4('signed.example')).rejects.toMatchObject({ code: 'ESERVFAIL' })
      await expect(resolver.resolve4('elsewhere.org')).rejects.toMatchObject({ code: 'EREFUSED' })
      await nsd.down()
      await expect(resolver.resolve4('mail.example.com')).rejects.toMatchObject({ code: 'ESERVFAIL' })
      await nsd.up()
      // It keeps a SERVFAIL for five seconds, whatever it is set to.
      await unbound.down()
      await unbound.up()
      expect(await resolver.resolve4('mail.example.com')).toEqual(['192.0.2.1'])
    })
  },
)
