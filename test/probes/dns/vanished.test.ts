import { expect, it, onTestFinished } from 'vitest'
import { dns } from '../../../src/probes/dns/index.ts'
import type { DnsSeen } from '../../../src/probes/dns/seen.ts'
import type { DnsTarget } from '../../../src/probes/dns/target.ts'
import { startDnsDouble, type DnsRow } from '../../servers/dns-double.ts'
import { a, mx, text } from '../../servers/dns-records.ts'
import { look } from '../look.ts'

const domain = { records: [text('v=spf1 ip4:198.51.100.7 -all'), mx(10, 'mx.app.example.com')] }
const zone: Readonly<Record<string, DnsRow>> = {
  'example.com': { records: [] },
  'app.example.com': domain,
  'mx.app.example.com': { records: [a('198.51.100.8')] },
  '_dmarc.app.example.com': { text: 'v=DMARC1; p=none; rua=mailto:dmarc@app.example.com' },
}
const { '_dmarc.app.example.com': _, ...withoutDmarc } = zone

async function started() {
  const server = await startDnsDouble(zone)
  onTestFinished(() => server.close())
  const target: DnsTarget = {
    name: 'mail',
    domain: 'app.example.com',
    servers: [`127.0.0.1:${server.port}`],
    direct: false,
    bulk: false,
    mta_sts: true,
  }
  return { server, target }
}

/** What came of a look: codes of reasons about DMARC and about what is not known, and when the next look is due. */
async function lookAt(target: DnsTarget) {
  const ran = await look(dns, target)
  if (!ran) throw new Error('the run was not recorded')
  const codes = ran.reasons.map(({ code }) => code).filter(code => /dmarc|unconfirmed|resolver/.test(code))
  return { codes, ran, seen: ran.seen as DnsSeen, againInMs: ran.againInMs }
}

it('a record that is gone counts from the second look on, which comes soon', async () => {
  const { server, target } = await started()
  expect(await lookAt(target)).toMatchObject({ codes: [], againInMs: undefined })
  server.serve(withoutDmarc)
  const first = await lookAt(target)
  expect(first).toMatchObject({ codes: ['dns_unconfirmed'], againInMs: 15_000 })
  expect(first.ran.verdict).toBe('unknown')
  expect(first.ran.evidence).toBe('_dmarc.app.example.com TXT: there in the look before, and not in this one')
  expect(await lookAt(target)).toMatchObject({ codes: ['dns_dmarc_missing'], againInMs: undefined })
  expect((await lookAt(target)).codes).toEqual(['dns_dmarc_missing'])
})

it('a record that comes back in the second look was never gone', async () => {
  const { server, target } = await started()
  await lookAt(target)
  server.serve(withoutDmarc)
  expect((await lookAt(target)).codes).toEqual(['dns_unconfirmed'])
  server.serve(zone)
  expect((await lookAt(target)).codes).toEqual([])
  server.serve(withoutDmarc)
  expect((await lookAt(target)).codes).toEqual(['dns_unconfirmed'])
})

it('a record that was never seen is missing at once', async () => {
  const { server, target } = await started()
  server.serve(withoutDmarc)
  expect((await lookAt(target)).codes).toEqual(['dns_dmarc_missing'])
})

it('a record that was not answered for in between is still remembered', async () => {
  const { server, target } = await started()
  await lookAt(target)
  server.serve({ ...zone, '_dmarc.app.example.com': { rcode: 2 } })
  const between = await lookAt(target)
  expect(between).toMatchObject({ codes: ['dns_resolver_failed'], againInMs: 60_000 })
  expect(between.ran.evidence).toContain(`127.0.0.1:${server.port} answers SERVFAIL for _dmarc.app.example.com TXT`)
  server.serve(withoutDmarc)
  expect((await lookAt(target)).codes).toEqual(['dns_unconfirmed'])
})

it('what only followed from a record that is gone does not vanish one look after the other', async () => {
  const { server, target } = await started()
  await lookAt(target)
  server.serve({ ...zone, 'app.example.com': { records: [] } })
  const first = await lookAt(target)
  expect([...first.seen.unconfirmed].sort()).toEqual(['app.example.com MX', 'app.example.com TXT'])
  const second = await lookAt(target)
  expect(second.seen.unconfirmed).toEqual([])
  expect(second.ran.reasons.map(({ code }) => code)).toContain('dns_spf_missing')
})

it('a reload keeps what is remembered, for the target of before as well', async () => {
  const { server, target } = await started()
  await lookAt(target)
  const next = { ...target, bulk: true }
  dns.inherit?.(target, next)
  server.serve(withoutDmarc)
  expect((await lookAt(next)).codes).toEqual(['dns_unconfirmed'])
  expect((await lookAt(target)).codes).toEqual(['dns_dmarc_missing'])
})

it('questions are counted since the start, by how they ended', async () => {
  const { server, target } = await started()
  const one = (await lookAt(target)).seen.queries
  expect(one.noerror).toBeGreaterThan(2)
  const two = (await lookAt(target)).seen.queries
  expect(two).toEqual(Object.fromEntries(Object.entries(one).map(([code, count]) => [code, 2 * count])))
  server.serve({ '*.com': { rcode: 2 } })
  const { seen } = await lookAt(target)
  expect(seen.queries.servfail).toBeGreaterThan(0)
  expect(seen.queries.noerror).toBe(two.noerror)
})
