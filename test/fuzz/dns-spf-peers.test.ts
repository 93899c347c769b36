import { spawnSync } from 'node:child_process'
import fc from 'fast-check'
import { spf } from 'mailauth/lib/spf/index.js'
import { expect, it } from 'vitest'
import type { Dns, RecordType } from '../../src/clients/dns/index.ts'
import { bytesOf } from '../../src/probes/dns/spf/address.ts'
import { checkHost } from '../../src/probes/dns/spf/check-host.ts'
import { dnsOf } from '../probes/dns/zones.ts'
import { randomCase, type RandomCase } from '../probes/dns/spf/random-records.ts'
import { patienceMs } from './limits.ts'

// Debian's, which finds python3-spf. Another Python may come first in the path.
const python = '/usr/bin/python3'
const hasPyspf = spawnSync(python, ['-c', 'import spf']).status === 0
const helo = 'relay.example.com'
const domain = 'app.example.com'

const sampling = { seed: 20_260_115, numRuns: Number(process.env['FUZZ_RUNS'] ?? 1_000) }

const senderOf = (ip: string) => ({ ip: bytesOf(ip) ?? [], local: 'postmaster', domain, helo })
const evaluate = ({ zones, ip }: RandomCase) => checkHost(dnsOf(zones), senderOf(ip))

function pyspf(cases: readonly RandomCase[]): readonly (readonly string[])[] {
  const input = JSON.stringify(cases.map(one => ({ ...one, from: `postmaster@${domain}`, helo })))
  const { stdout, stderr, status } = spawnSync(
    python,
    [new URL('../probes/dns/spf/pyspf.py', import.meta.url).pathname],
    { input, maxBuffer: 2 ** 28 },
  )
  if (status !== 0) throw new Error(String(stderr))
  return JSON.parse(String(stdout)) as string[][]
}

/**
 * Where pyspf is stricter than RFC 7208 asks: a record that includes itself ends the evaluation before it is reached, an unknown
 * modifier may come once, and hosts of `mx` that have no address count as void look-ups, where the RFC counts terms (4.6.4).
 */
const stricter = /trivial recursion|MUST appear at most once|Void lookup limit/

it.skipIf(!hasPyspf)(
  'comes to what pyspf comes to, over random trees (apt-get install python3-spf)',
  async () => {
    const cases = fc.sample(randomCase(true), sampling)
    const theirs = pyspf(cases)
    let compared = 0
    for (const [i, one] of cases.entries()) {
      const [peer, , text = ''] = theirs[i] ?? []
      const { result, why } = await evaluate(one)
      if (peer === 'permerror' && stricter.test(text)) continue
      expect(result, `${why}; pyspf: ${text}; ${JSON.stringify(one)}`).toBe(peer)
      compared += 1
    }
    expect(compared).toBeGreaterThan(0.8 * cases.length)
  },
  patienceMs,
)

/** Where mailauth is looser: hosts of the other kind of addresses are no void look-ups, and a modifier may come twice. */
const looser = /finds nothing$|more than once$/

it(
  'comes to what mailauth comes to, over random trees without mistakes',
  async () => {
    let compared = 0
    const cases = fc.sample(randomCase(false), sampling)
    for (const one of cases) {
      const dns = dnsOf(one.zones)
      const { result, why } = await checkHost(dns, senderOf(one.ip))
      const { status } = await spf({ sender: `postmaster@${domain}`, ip: one.ip, helo, resolver: resolverOf(dns) })
      if (result === 'permerror' && looser.test(why)) continue
      expect(status.result, `${why}; ${JSON.stringify(one)}`).toBe(result)
      compared += 1
    }
    expect(compared).toBeGreaterThan(0.9 * cases.length)
  },
  patienceMs,
)

/** As the resolver of `node:dns/promises`. */
const resolverOf = (dns: Dns) => async (name: string, type: string) => {
  const answer = await dns.ask(name, type as RecordType)
  if (answer.kind !== 'found')
    throw Object.assign(new Error(type), { code: answer.kind === 'none' ? 'ENOTFOUND' : 'ETIMEOUT' })
  const records: readonly unknown[] = answer.records
  return (type === 'TXT' ? records.map(text => [text]) : records) as never
}
