import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { bytesOf } from '../../../../src/probes/dns/spf/address.ts'
import { checkHost } from '../../../../src/probes/dns/spf/check-host.ts'
import { dnsOf, type Zones } from '../zones.ts'

// The test suite of openspf.org for RFC 7208, as PyPI's pyspf 2.0.14 ships it. openspf/rfc7208-tests.LICENSE is its licence.
interface Scenario {
  readonly description: string
  readonly tests: Readonly<Record<string, Case>>
  readonly zonedata: Readonly<Record<string, readonly Entry[]>>
}
interface Case {
  readonly helo: string
  readonly host: string
  readonly mailfrom: string
  readonly result: string | readonly string[]
}
type Entry = 'TIMEOUT' | Readonly<Record<string, unknown>>

const file = new URL('openspf/rfc7208-tests.yml', import.meta.url)
const scenarios = parseAllDocuments(readFileSync(file, 'utf8'), { strict: false, uniqueKeys: false })
  .map(document => document.toJS() as Scenario | null)
  .filter(scenario => scenario !== null)

const cases = scenarios.flatMap(({ description, tests, zonedata }) =>
  Object.entries(tests).map(([name, test]) => ({ description, name, test, zonedata })),
)

it('is the whole suite', () => {
  expect(cases).toHaveLength(203)
})

it.each(cases)('$description: $name', async ({ test, zonedata }) => {
  const ip = bytesOf(test.host)
  if (!ip) throw new Error(`${test.host} is no address`)
  const [local, domain] = partsOf(test.mailfrom === '' ? test.helo : test.mailfrom)
  const { result, why } = await checkHost(dnsOf(zonesOf(zonedata)), { ip, local, domain, helo: test.helo })
  expect([test.result].flat(), why).toContain(result)
})

/** Without a local part it is `postmaster` (4.3). */
function partsOf(address: string): [string, string] {
  const at = address.lastIndexOf('@')
  return [at > 0 ? address.slice(0, at) : 'postmaster', address.slice(at + 1).toLowerCase()]
}

/** Records of the type SPF stand for TXT where there is none. A time-out is for all types that have no record. */
function zonesOf(zonedata: Scenario['zonedata']): Zones {
  return Object.fromEntries(
    Object.entries(zonedata).map(([name, entries]) => {
      const records: Record<string, unknown[]> = {}
      const add = (type: string, value: unknown): void => void (records[type] ??= []).push(value)
      const pairs = entries.flatMap(entry => (entry === 'TIMEOUT' ? [] : Object.entries(entry)))
      const hasText = pairs.some(([type]) => type === 'TXT')
      for (const [type, value] of pairs) {
        const text = [value].flat().join('')
        if (type === 'TXT' || (type === 'SPF' && !hasText)) add('TXT', text)
        else if (type === 'MX') add('MX', exchangeOf(value as [number, string]))
        else if (type !== 'SPF') add(type, text.replace(/\.$/, ''))
      }
      if (records['TXT']?.[0] === 'NONE') delete records['TXT']
      const failing = entries.includes('TIMEOUT') ? types.filter(type => !records[type]) : []
      return [name, { ...records, failing }]
    }),
  ) as Zones
}

const types = ['A', 'AAAA', 'CNAME', 'MX', 'PTR', 'TXT']
const exchangeOf = ([preference, exchange]: [number, string]) => ({ preference, exchange: exchange.toLowerCase() })
