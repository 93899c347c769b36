import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openDns } from '../../../src/clients/dns/index.ts'
import { zoneReasons } from '../../../src/probes/dns/judge/zone.ts'
import { lookAtZone, versionsDiffer, type ZoneSeen, type ZoneServerSeen } from '../../../src/probes/dns/hosts/zone.ts'
import { needs } from '../../servers/processes.ts'
import { nsdBinary, nsdInstall, startNsd, type Nsd } from '../../servers/nsd.ts'
import { dnsOf } from './zones.ts'

const hour = 3_600_000

describe.skipIf(!needs('nsd', process.getuid?.() === 0 ? nsdBinary() : undefined, `${nsdInstall}, and root`))(
  'the servers of a zone, on port 53',
  () => {
    const [first, second, dead] = ['127.61.7.1', '127.61.7.2', '127.61.7.3']
    const servers = [`ns1 A ${first}`, `ns2 A ${second}`, '@ NS ns1', '@ NS ns2', 'mail A 192.0.2.1']
    let primary: Nsd, secondary: Nsd
    beforeAll(async () => {
      const zones = {
        'example.com': servers,
        'alone.test': ['@ NS ns1', `ns1 A ${first}`],
        'half.test': ['@ NS ns1', '@ NS ns3', `ns1 A ${first}`, `ns3 A ${dead}`],
        'lame.test': ['@ NS ns1', '@ NS ns2', `ns1 A ${first}`, `ns2 A ${second}`],
      }
      primary = await startNsd({ zones, addresses: [`${first}@53`] })
      secondary = await startNsd({ zones: { 'example.com': servers }, addresses: [`${second}@53`] })
    })
    afterAll(() => Promise.all([primary.stop(), secondary.stop()]))

    const seen = (domain: string) =>
      lookAtZone(
        openDns({ servers: [primary.address], signal: AbortSignal.timeout(10_000), note: () => undefined }),
        domain,
      )

    it('is found from a name below it, and has one version', async () => {
      const zone = await seen('mail.example.com')
      expect(zone.name).toBe('example.com')
      expect(zone.servers?.map(({ name }) => name)).toEqual(['ns1.example.com', 'ns2.example.com'])
      expect(versionsDiffer(zone)).toBe(false)
      expect(zoneReasons({ zone })).toEqual([])
    })

    it('has two versions, which is a reason after an hour', async () => {
      await primary.serve({ 'example.com': [...servers, 'new A 192.0.2.2'] })
      const zone = await seen('example.com')
      expect(versionsDiffer(zone)).toBe(true)
      const after = (ms: number) => zoneReasons({ zone: { ...zone, differSince: zone.lookedAt - ms } })
      expect(after(hour)).toEqual([])
      expect(after(hour + 1).map(({ code }) => code)).toEqual(['dns_inconsistent'])
      expect(after(2 * hour)[0]?.text).toMatch(
        /^example\.com has had different versions since \S+Z: ns1\.example\.com has serial 2000000002, ns2\.example\.com has serial 2000000001$/,
      )
    })

    it('is not had by one of its servers', async () => {
      const zone = await seen('lame.test')
      expect(versionsDiffer(zone)).toBe(true)
      expect(zoneReasons({ zone: { ...zone, differSince: zone.lookedAt - 2 * hour } })[0]?.text).toMatch(
        /ns2\.lame\.test does not have it$/,
      )
    })

    it('is not known of a server that does not answer', async () => {
      const zone = await seen('half.test')
      expect(zone.servers?.map(({ serial }) => typeof serial)).toEqual(['number', 'undefined'])
      expect(versionsDiffer(zone)).toBeUndefined()
      expect(zoneReasons({ zone })).toEqual([])
    })

    it('has one server only', async () => {
      expect(zoneReasons({ zone: await seen('alone.test') })).toMatchObject([
        {
          text: 'alone.test has one name server (ns1.alone.test), and should have two (RFC 1034, 4.1)',
          remedy: expect.stringMatching(/^Add a second name server/) as string,
        },
      ])
    })
  },
)

describe('a zone', () => {
  it.each([
    ['nothing is found up to the last label', {}],
    ['it is not answered for', { 'example.com': { failing: 'all' as const } }],
  ])('is not known: %s', async (_, zones) => {
    const zone = await lookAtZone(dnsOf(zones), 'www.example.com')
    expect(zone.name).toBeUndefined()
    expect(zoneReasons({ zone })).toEqual([])
  })

  it('is never the one of a label alone', async () => {
    const dns = dnsOf({ com: { NS: ['a.gtld.test'] } })
    expect((await lookAtZone(dns, 'example.com')).name).toBeUndefined()
    expect(dns.asked).not.toContain('com NS')
  })

  it('is not that of another domain, to which an alias leads', async () => {
    const dns = dnsOf({
      'app.example.com': { CNAME: ['other.test'] },
      'example.com': { NS: ['ns1.example.com'] },
      'other.test': { NS: ['ns1.other.test'] },
    })
    expect((await lookAtZone(dns, 'app.example.com')).name).toBe('example.com')
  })

  it('has versions of its own at each of two providers', () => {
    const by = (primary: string, serial: number): ZoneServerSeen => ({ name: 'ns', serial, primary, isLame: false })
    const differ = (...servers: ZoneServerSeen[]) =>
      versionsDiffer({ name: 'z.test', servers, differSince: undefined, lookedAt: 0 })
    expect(differ(by('ns1.one.test', 1), by('ns1.two.test', 2026113001), by('ns1.one.test', 1))).toBe(false)
    expect(differ(by('ns1.one.test', 1), by('ns1.two.test', 2026113001), by('ns1.one.test', 2))).toBe(true)
  })

  const server = (serial: number | undefined, isLame = false): ZoneServerSeen => ({ name: 'ns', serial, isLame })
  it.each<[boolean | undefined, readonly ZoneServerSeen[]]>([
    [false, [server(1), server(1)]],
    [true, [server(1), server(2), server(undefined)]],
    [undefined, [server(1), server(undefined)]],
    [true, [server(1), server(undefined, true)]],
    // All refuse: something in between answers for them.
    [undefined, [server(undefined, true), server(undefined, true)]],
  ])('differs: %s', (expected, servers) => {
    const zone: ZoneSeen = { name: 'z.test', servers, differSince: undefined, lookedAt: 0 }
    expect(versionsDiffer(zone)).toBe(expected)
  })
})
