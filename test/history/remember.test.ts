import { expect, it } from 'vitest'
import { blockerKey } from '../../src/history/history.ts'
import { bridgeMs, remember, unseenHistory, withoutChecks } from '../../src/history/remember.ts'
import { shiftPast } from './past.ts'
import { dayMs, uptimeOf } from '../../src/history/uptime.ts'
import { start } from '../status/looked.ts'
import { after, during, hour, minute, second, type At } from './looks.ts'

const down = ['write_path/app read_only'] as const
const readOnly = { probe: 'write_path', target: 'app', reason: { code: 'read_only' } }
const keyOf = (path: string): string => blockerKey(path, readOnly as Parameters<typeof blockerKey>[1])

it('says "at least since" of what was so at the first look, and the moment of each change after that', () => {
  const first = after([[0, { app: down }, { 'smtp/relay': 'ok' }]]).history
  expect(first.mail.get('app')).toEqual({ verdict: 'fail', at: start, exact: false })
  expect(first.checks.get('smtp/relay')).toEqual({ verdict: 'ok', at: start, exact: false })
  expect(first.blockers.get(keyOf('app'))).toEqual({ at: start, exact: false })

  const later = after([
    [0, { app: 'ok' }, { 'smtp/relay': 'ok' }],
    [15 * second, { app: down }, { 'smtp/relay': 'warn' }],
    [30 * second, { app: down }, { 'smtp/relay': 'warn' }],
  ]).history
  const at = start + 15 * second
  expect(later.mail.get('app')).toEqual({ verdict: 'fail', at, exact: true })
  expect(later.checks.get('smtp/relay')).toEqual({ verdict: 'warn', at, exact: true })
  expect(later.blockers.get(keyOf('app'))).toEqual({ at, exact: true })
})

it('gives the same parts while nothing changes, so that what is rendered of them is kept', () => {
  const past = after(during(0, minute, { app: down, other: 'ok' }))
  const next = after([[minute, { app: down, other: 'ok' }]], past)
  for (const part of ['mail', 'checks', 'blockers', 'incidents', 'counts', 'uptime'] as const)
    expect(next.history[part], part).toBe(past.history[part])
})

it('keeps a verdict over a time in which nobody looked, but not over more than an hour', () => {
  const before: At = [0, { app: down }]
  const until = 45 * second
  const bridged = after([before, [until + bridgeMs, { app: down }]]).history
  expect(bridged.mail.get('app')).toMatchObject({ at: start, exact: false })
  const long = after([before, [until + bridgeMs + 1, { app: down }]]).history
  expect(long.mail.get('app')).toEqual({ verdict: 'fail', at: start + until + bridgeMs + 1, exact: false })
})

it('says "at least since" of what changed while nobody looked', () => {
  const { history } = after([
    [0, { app: 'ok' }],
    [10 * minute, { app: down }, { 'postgres/db-1': 'fail' }],
  ])
  expect(history.mail.get('app')).toEqual({ verdict: 'fail', at: start + 10 * minute, exact: false })
  expect(history.checks.get('postgres/db-1')?.exact).toBe(false)
  expect(history.incidents[0]?.startExact).toBe(false)
})

it('says "at least since" of what was unknown before', () => {
  const { history } = after([
    [0, { app: 'ok' }, { 'smtp/relay': 'ok' }],
    [15 * second, { app: 'unknown' }, { 'smtp/relay': 'unknown' }],
    [30 * second, { app: down }, { 'smtp/relay': 'fail' }],
  ])
  const at = start + 30 * second
  expect(history.mail.get('app')).toEqual({ verdict: 'fail', at, exact: false })
  expect(history.checks.get('smtp/relay')).toEqual({ verdict: 'fail', at, exact: false })
  expect(history.blockers.get(keyOf('app'))).toEqual({ at, exact: false })
  expect(history.incidents[0]?.startExact).toBe(false)
})

it('counts no time as up before every check has run, after a restart or a reload', () => {
  const past = after(during(0, hour, { app: 'ok' }))
  const at = past.at + 3 * hour
  const { up, down: not, unknown } = uptimeOf(unseenHistory(past, at).uptime.get('app'), at, dayMs)
  expect([up, not, unknown]).toEqual([past.until - start, 0, dayMs - (past.until - start)])
  expect(unseenHistory(past, past.until)).toBe(past.history)
})

it('forgets what is no longer configured, and a check that is another one now', () => {
  const past = after([
    [0, { app: 'ok', old: down }, { 'smtp/relay': 'ok' }],
    [15 * second, { app: 'ok', old: down }, { 'smtp/relay': 'fail' }],
  ])
  const { history } = after(
    [[30 * second, { app: 'ok' }, { 'smtp/relay': 'fail' }]],
    withoutChecks(past, () => false),
  )
  expect([...history.mail.keys(), ...history.uptime.keys(), ...history.counts.keys()]).toEqual(['app', 'app', 'app'])
  expect(history.checks.get('smtp/relay')).toEqual({ verdict: 'fail', at: start + 30 * second, exact: false })
  expect(history.incidents[0]).toMatchObject({ endedAt: start + 30 * second })
})

it('keeps its age if the clock is set back', () => {
  const past = after([...during(0, minute, { app: 'ok' }), [minute, { app: down }], [2 * minute, { app: 'ok' }]])
  const shifted = shiftPast(past, -hour)
  const { incidents, mail } = shifted.history
  expect(mail.get('app')?.at).toBe(start + 2 * minute - hour)
  expect(incidents[0]).toMatchObject({ startedAt: start + minute - hour, endedAt: start + 2 * minute - hour })
  expect(shiftPast(shifted, hour)).toEqual(past)
})

it('is never unseen with checks of long intervals, and never for less than fifteen seconds', () => {
  const look = (at: number, intervalMs: number) => {
    const [check] = [{ id: 'dns/a', verdict: 'ok', intervalMs }]
    return { at, mail: [], checks: [check] } as unknown as Parameters<typeof remember>[1]
  }
  expect(remember(undefined, look(start, 10 * minute)).until).toBe(start + 30 * minute)
  expect(remember(undefined, look(start, second)).until).toBe(start + 15 * second)
})
