import { expect, it } from 'vitest'
import { mtaStsReasons } from '../../../src/probes/dns/judge/mta-sts.ts'
import { zoneReasons } from '../../../src/probes/dns/judge/zone.ts'
import { emptyMemory } from '../../../src/probes/dns/memory.ts'
import type { MtaStsSeen } from '../../../src/probes/dns/mta-sts/index.ts'
import type { DnsSeen } from '../../../src/probes/dns/seen.ts'
import { sinceWhen } from '../../../src/probes/dns/since-when.ts'
import type { ZoneSeen } from '../../../src/probes/dns/hosts/zone.ts'

const minute = 60_000

/** Serials of two servers, and the id and the text of a policy, at a minute. */
interface Moment {
  readonly at: number
  readonly serials?: readonly [number | undefined, number | undefined]
  readonly policy?: readonly [id: string, fingerprint: string | undefined]
}

/** What is said of each of these looks, one after the other. */
function reasonsOf(moments: readonly Moment[]): string[] {
  const memory = emptyMemory()
  return moments.map(({ at, serials = [1, 1], policy: [id, fingerprint] = ['1', 'a'] }) => {
    const zone: ZoneSeen = {
      name: 'example.com',
      servers: serials.map((serial, n) => ({ name: `ns${n}.example.com`, serial, isLame: false })),
      differSince: undefined,
      lookedAt: at * minute,
    }
    const mtaSts: MtaStsSeen = { record: 'found', id, fingerprint, mode: 'enforce', problems: [], reports: 'found' }
    const seen = { envelope: 'example.com', ...sinceWhen(memory, { zone, mtaSts }) } as DnsSeen
    return [...zoneReasons(seen), ...mtaStsReasons(seen)].map(({ code }) => code).join(' ')
  })
}

it('servers of a zone have an hour to take over a new version', () => {
  expect(
    reasonsOf([
      { at: 0 },
      { at: 10, serials: [2, 1] },
      { at: 60, serials: [3, 1] },
      { at: 80, serials: [3, 1] },
      { at: 90, serials: [3, 3] },
      { at: 100, serials: [4, 3] },
    ]),
  ).toEqual(['', '', '', 'dns_inconsistent', '', ''])
})

it('a server that does not answer in between changes nothing', () => {
  expect(
    reasonsOf([
      { at: 0, serials: [2, 1] },
      { at: 40, serials: [2, undefined] },
      { at: 70, serials: [2, 1] },
    ]),
  ).toEqual(['', '', 'dns_inconsistent'])
})

it('a policy of MTA-STS that is another one has an hour to get another id', () => {
  expect(
    reasonsOf([
      { at: 0 },
      { at: 10, policy: ['1', 'b'] },
      { at: 60, policy: ['1', undefined] },
      { at: 69, policy: ['1', 'b'] },
      { at: 70, policy: ['1', 'b'] },
      { at: 80, policy: ['2', 'b'] },
      { at: 200, policy: ['2', 'b'] },
    ]),
  ).toEqual(['', '', '', '', 'dns_mta_sts_invalid', '', ''])
})

it('a policy that is as it was again is in order', () => {
  expect(
    reasonsOf([{ at: 0 }, { at: 10, policy: ['1', 'b'] }, { at: 20 }, { at: 90 }, { at: 95, policy: ['1', 'b'] }]),
  ).toEqual(['', '', '', '', ''])
})
