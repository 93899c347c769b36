import { expect, it } from 'vitest'
import { blockedBy, healedOf, removedOf } from '../../src/history/incident.ts'
import { incidentsKept, joinMs } from '../../src/history/incidents.ts'
import { bridgeMs } from '../../src/history/remember.ts'
import { start } from '../status/looked.ts'
import { after, during, hour, minute, second, type At, type Said } from './looks.ts'

const readOnly = ['write_path/app read_only'] as const
const refused = ['smtp/relay refused'] as const
const incidentsAfter = (looks: readonly At[]) => after(looks).history.incidents
/** Times in seconds since the tests began. */
const at = (ms: number | undefined): number | undefined => (ms === undefined ? undefined : (ms - start) / second)

it('begins with the first failure, and ends when mail can be sent again', () => {
  const looks: At[] = [
    [0, { app: 'ok' }],
    [15 * second, { app: readOnly }],
    [30 * second, { app: 'unknown' }],
    [45 * second, { app: readOnly }],
  ]
  const [open] = incidentsAfter(looks)
  expect(open).toMatchObject({ number: 1, startedAt: start + 15 * second, startExact: true, endedAt: undefined })
  const [over, ...others] = incidentsAfter([...looks, [minute, { app: 'warn' }]])
  expect(over).toMatchObject({ endedAt: start + minute, endExact: true, interruptions: 0, unseenMs: 15 * second })
  expect(others).toEqual([])
})

it('is none while it is only unknown whether mail can be sent', () => {
  expect(incidentsAfter(during(0, hour, { app: 'unknown' }))).toEqual([])
})

it('tells the root at each time, and of which mail paths', () => {
  const [incident] = incidentsAfter([
    [0, { a: 'ok', b: 'ok' }],
    [15 * second, { a: ['patroni/db lock_lost', 'write_path/a down'], b: 'ok' }],
    [16 * second, { a: ['patroni/db lock_lost'], b: ['patroni/db lock_lost'] }],
    [30 * second, { a: ['haproxy/lb wrong'], b: ['patroni/db lock_lost'] }],
    [45 * second, { a: ['patroni/db lock_lost'], b: ['patroni/db lock_lost'] }],
  ])
  expect(incident?.roots.map(({ at: from, probe, code, paths }) => [at(from), probe, code, paths])).toEqual([
    [15, 'patroni', 'lock_lost', ['a', 'b']],
    [30, 'haproxy', 'wrong', ['a']],
    [45, 'patroni', 'lock_lost', ['a']],
  ])
  expect(incident?.roots[0]?.text).toBe('db: lock_lost')
})

it('says what healed first, and not of what was only out of sight or came back', () => {
  const both: Said = ['haproxy/lb wrong', 'smtp/relay refused', 'write_path/app down']
  const [incident] = incidentsAfter([
    [0, { app: 'ok' }],
    [15 * second, { app: both }],
    [30 * second, { app: 'unknown' }],
    [45 * second, { app: ['haproxy/lb wrong', 'write_path/app down'] }],
    [60 * second, { app: both }],
    [75 * second, { app: ['haproxy/lb wrong', 'smtp/relay refused'] }],
    [90 * second, { app: ['smtp/relay refused'] }],
    [105 * second, { app: 'ok' }],
  ])
  expect(incident && healedOf(incident).map(({ target, from, to }) => [target, at(from), at(to)])).toEqual([
    ['app', 15, 75],
    ['lb', 15, 90],
    ['relay', 15, 105],
  ])
})

it('is one for applications that go down together, and for all that have the same root', () => {
  const looks: At[] = [
    [0, { a: 'ok', b: 'ok', c: 'ok', d: 'ok' }],
    ...during(15 * second, 3 * minute, { a: readOnly, b: 'ok', c: 'ok', d: 'ok' }),
    ...during(3 * minute, hour, { a: readOnly, b: refused, c: 'ok', d: 'ok' }),
    ...during(hour, 2 * hour, { a: readOnly, b: refused, c: refused, d: 'ok' }),
  ]
  const one = incidentsAfter(looks)
  expect(one.map(({ paths }) => paths.map(({ name }) => name))).toEqual([['a', 'b', 'c']])
  const two = incidentsAfter([...looks, [2 * hour, { a: readOnly, b: refused, c: refused, d: ['vault/v sealed'] }]])
  expect(two.map(({ paths }) => paths.map(({ name }) => name))).toEqual([['d'], ['a', 'b', 'c']])
})

it('does not hide an outage behind an application that is down for weeks', () => {
  const looks: At[] = [
    ...during(0, hour, { broken: refused, app: 'ok' }),
    ...during(hour, hour + minute, { broken: refused, app: readOnly }),
    ...during(hour + minute, 2 * hour, { broken: refused, app: 'ok' }),
  ]
  const [newest, oldest] = incidentsAfter(looks)
  expect(newest).toMatchObject({ startedAt: start + hour, endedAt: start + hour + minute })
  expect(newest?.paths.map(({ name }) => name)).toEqual(['app'])
  expect(oldest).toMatchObject({ startedAt: start, startExact: false, endedAt: undefined })
})

it('goes on if mail works for less than five minutes, and says how often it did', () => {
  const flapping: At[] = [
    [0, { app: 'ok' }],
    ...[1, 2, 3].flatMap((i): At[] => [
      ...during(i * 4 * minute, i * 4 * minute + minute, { app: readOnly }),
      ...during(i * 4 * minute + minute, (i + 1) * 4 * minute, { app: 'ok' }),
    ]),
  ]
  const [one, ...others] = incidentsAfter(flapping)
  expect(others).toEqual([])
  expect(one).toMatchObject({ startedAt: start + 4 * minute, endedAt: start + 13 * minute, interruptions: 2 })
  const later = 13 * minute + joinMs
  expect(
    incidentsAfter([...flapping, ...during(16 * minute, later, { app: 'ok' }), [later, { app: readOnly }]]),
  ).toHaveLength(1)
  expect(
    incidentsAfter([...flapping, ...during(16 * minute, later, { app: 'ok' }), [later + 1, { app: readOnly }]]),
  ).toHaveLength(2)
})

it('goes on over a restart, and says for how long nobody looked', () => {
  const [open] = incidentsAfter([
    [0, { app: 'ok' }],
    [15 * second, { app: readOnly }],
    [15 * second + 45 * second + 10 * minute, { app: readOnly }],
  ])
  expect(open).toMatchObject({ number: 1, startedAt: start + 15 * second, endedAt: undefined, unseenMs: 10 * minute })
  const [over] = incidentsAfter([
    [0, { app: readOnly }],
    [45 * second + 10 * minute, { app: 'ok' }],
  ])
  expect(over).toMatchObject({ endedAt: start + 45 * second + 10 * minute, endExact: false })
})

it('ends with the last look if nobody looks for more than an hour', () => {
  const [next, before] = incidentsAfter([
    [0, { app: readOnly }],
    [45 * second + bridgeMs + 1, { app: readOnly }],
  ])
  expect(before).toMatchObject({ endedAt: start + 45 * second, endExact: false, unseenMs: 0 })
  expect(next).toMatchObject({ number: 2, startExact: false, unseenMs: 0, endedAt: undefined })
})

it('stays bounded whatever flaps', () => {
  const flaps = Array.from({ length: 10_000 }, (_, i): At => {
    const said: Said = [`smtp/relay-${i % 997} refused`, `dns/d${i} gone`]
    return [i * 10 * second, { app: i % 2 === 0 ? said : 'ok' }]
  })
  const [one] = incidentsAfter(flaps)
  expect(one?.isCut).toBe(true)
  expect(one && Math.max(one.roots.length, one.paths.length)).toBeLessThanOrEqual(100)
  expect(one?.rootsLeftOut).toBe(5_000 - (one?.roots.length ?? 0))
  expect(one?.interruptions).toBe(4_999)
  expect(JSON.stringify(one).length).toBeLessThan(50_000)
  const { history } = after(flaps.slice(0, 500).map(([, paths], i): At => [i * 6 * minute, paths]))
  expect([history.incidents.length, history.incidents[0]?.number]).toEqual([incidentsKept, 250])
})

it('keeps what lasts, even if many others come and go, and takes all into it if nothing has ended', () => {
  const others = Array.from({ length: 120 }, (_, i): At => [
    (i + 1) * 6 * minute,
    { broken: refused, app: i % 2 === 0 ? readOnly : 'ok' },
  ])
  const kept = incidentsAfter([[0, { broken: refused, app: 'ok' }], ...others])
  expect([kept.length, kept.at(-1)?.number]).toEqual([incidentsKept, 1])
  const apps = Array.from({ length: 60 }, (_, i) => i)
  const all = incidentsAfter(
    apps.map((now): At => [
      now * 6 * minute,
      Object.fromEntries(apps.map(i => [`app-${i}`, i <= now ? [`smtp/relay-${i} refused`] : 'ok'])),
    ]),
  )
  expect([all.length, all[0]?.paths.length]).toEqual([incidentsKept, 11])
})

it('counts the incidents of each mail path', () => {
  const { history } = after([
    [0, { app: 'ok', other: 'ok' }],
    [minute, { app: readOnly, other: 'ok' }],
    [2 * minute, { app: 'ok', other: 'ok' }],
    [3 * minute, { app: readOnly, other: refused }],
    [4 * minute, { app: 'ok', other: 'ok' }],
    [10 * minute, { app: readOnly, other: 'ok' }],
  ])
  expect([...history.counts]).toEqual([
    ['app', 2],
    ['other', 1],
  ])
})

it('does not say that it saw the end of what was unknown before, nor count that time as seen', () => {
  const [over] = incidentsAfter([
    [0, { app: 'ok' }],
    [15 * second, { app: readOnly }],
    ...during(30 * second, hour, { app: 'unknown' }),
    [hour, { app: 'ok' }],
  ])
  expect(over).toMatchObject({ endedAt: start + hour, endExact: false, unseenMs: hour - 30 * second })
})

it('is not healed because its mail path is no longer configured, nor interrupted because that has another name', () => {
  const looks: At[] = [
    [0, { app: 'ok', other: 'ok' }],
    [15 * second, { app: readOnly, other: 'ok' }],
  ]
  const [gone] = incidentsAfter([...looks, [30 * second, { other: 'ok' }]])
  expect(gone).toMatchObject({ endedAt: start + 30 * second, endExact: false, causes: [{ isRemoved: true }] })
  expect(gone && healedOf(gone)).toEqual([])
  const renamed = incidentsAfter([...looks, [30 * second, { backend: readOnly, other: 'ok' }]])
  expect(renamed).toMatchObject([{ endedAt: undefined, interruptions: 0 }])
  const back = incidentsAfter([...looks, [30 * second, { other: 'ok' }], [45 * second, { app: readOnly, other: 'ok' }]])
  expect(back).toMatchObject([{ endedAt: undefined, interruptions: 0, startedAt: start + 15 * second }])
})

it('calls nothing healed that nobody saw healing', () => {
  const [, before] = incidentsAfter([
    [0, { app: readOnly }],
    [2 * hour, { app: readOnly }],
  ])
  expect(before && healedOf(before)).toEqual([])
})

const targets = (all: readonly { readonly target: string }[] | undefined) => all?.map(({ target }) => target)

it('does not call healed what was taken out of the configuration while others of its incident are down', () => {
  const both: At[] = [
    [0, { a: 'ok', b: 'ok' }],
    [15 * second, { a: ['smtp/relay refused', 'write_path/a read_only'], b: refused }],
  ]
  const [pathGone] = incidentsAfter([...both, [30 * second, { b: refused }]])
  expect(pathGone?.paths).toMatchObject([
    { name: 'a', isRemoved: true },
    { name: 'b', to: undefined },
  ])
  expect([targets(pathGone && healedOf(pathGone)), targets(pathGone && removedOf(pathGone))]).toEqual([[], ['a']])
  const [over] = incidentsAfter([...both, [30 * second, { b: refused }], [45 * second, { b: 'ok' }]])
  expect([targets(over && healedOf(over)), targets(over && removedOf(over))]).toEqual([['relay'], ['a']])
  expect(over).toMatchObject({ endedAt: start + 45 * second, endExact: true })

  const checkGone: At = [30 * second, { a: refused, b: refused }, { 'write_path/a': 'gone' }]
  const [still] = incidentsAfter([...both, checkGone])
  expect([targets(still && healedOf(still)), targets(still && removedOf(still))]).toEqual([[], ['a']])
  const [seen] = incidentsAfter([...both, [30 * second, { a: refused, b: refused }]])
  expect([targets(seen && healedOf(seen)), targets(seen && removedOf(seen))]).toEqual([['a'], []])
})

it('does not wait for what is unknown to tell that a cause is no longer configured, and takes it back', () => {
  const both: At[] = [
    [0, { a: 'ok', b: 'ok' }],
    [15 * second, { a: readOnly, b: refused }],
    [30 * second, { b: 'unknown' }],
  ]
  const [gone] = incidentsAfter(both)
  expect(targets(gone && removedOf(gone))).toEqual(['app'])
  const [back] = incidentsAfter([...both, [45 * second, { a: readOnly, b: refused }]])
  expect(back?.causes).toMatchObject([{ to: undefined, isRemoved: undefined }, { to: undefined }])
  expect(back?.paths[0]).toMatchObject({ to: undefined, isRemoved: undefined })
})

it('keeps every cause of twenty applications with five faulty write paths, and one root of all as one', () => {
  const apps = Array.from({ length: 20 }, (_, i) => `app-${i}`)
  const all: Record<string, Said> = Object.fromEntries(
    apps.map(app => [app, ['patroni/db lost', ...[1, 2, 3, 4, 5].map(n => `write_path/${app}-${n} read_only`)]]),
  )
  const healthy: Record<string, Said> = Object.fromEntries(apps.map(app => [app, 'ok']))
  const [one] = incidentsAfter([
    [0, healthy],
    [15 * second, all],
  ])
  expect(one).toMatchObject({ isCut: false, rootsLeftOut: 0, causesLeftOut: 0 })
  expect(one?.causes).toHaveLength(101)
  expect(one?.causes[0] && blockedBy(one, one.causes[0])).toEqual(apps)
})

it('says how many causes it leaves out, and begins none of them later', () => {
  const many = Array.from({ length: 1_000 }, (_, i) => `write_path/app-${i} read_only`)
  const said = ['smtp/relay refused', ...many] as const
  const looks: At[] = [
    [0, { app: 'ok' }],
    [15 * second, { app: said }],
    [30 * second, { app: said.slice(0, 900) as unknown as Said }],
    [45 * second, { app: said }],
  ]
  const [one] = incidentsAfter(looks)
  expect(one?.isCut).toBe(true)
  expect(one?.causes.length).toBeGreaterThan(100)
  expect((one?.causes.length ?? 0) + (one?.causesLeftOut ?? 0)).toBe(1_001)
  expect(new Set(one?.causes.map(({ from }) => from))).toEqual(new Set([start + 15 * second]))
})
