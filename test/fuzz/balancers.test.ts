import fc from 'fast-check'
import { expect, it } from 'vitest'
import { databasesIn } from '../../src/probes/pgbouncer/console.ts'
import { pgbouncer } from '../../src/probes/pgbouncer/index.ts'
import { haproxy } from '../../src/probes/haproxy/index.ts'
import { checkStatuses, readStatistics, serverStatuses } from '../../src/probes/haproxy/statistics.ts'
import { bounded, patienceMs, working } from './limits.ts'

const lineBreaks = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/
const at = 1_767_225_600_000

const odd = fc.oneof(
  fc.constantFrom(
    '',
    '-',
    '"',
    '""',
    ',',
    '\\',
    '}',
    '{',
    ' ',
    '\u2028',
    '\u202e',
    '1e309',
    'NaN',
    '-1',
    '99999999999999999',
  ),
  fc.string({ maxLength: 12 }),
)
const name = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom('write', 'n1', 'n-2.x', 'constructor', '__proto__') },
  odd,
)
const status = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom('UP', 'UP 1/3', 'DOWN 1/2', 'MAINT (via a/b)', 'no check') },
  odd,
)
const number = fc.oneof({ weight: 5, arbitrary: fc.constantFrom('0', '1', '200', '503') }, odd)
const check = fc.oneof({ weight: 5, arbitrary: fc.constantFrom('* L7OK', 'L7STS', 'L4CON', 'PROCOK') }, odd)

const series = fc
  .tuple(
    fc.constantFrom('status', 'check_status', 'check_code', 'current_sessions', 'check_last_change_seconds', 'weight'),
    name,
    name,
    fc.oneof(fc.constantFrom('UP', 'MAINT', 'L7OK'), odd),
    number,
  )
  .map(
    ([metric, proxy, server, state, value]) =>
      `haproxy_server_${metric}{proxy="${proxy}",server="${server}",state="${state}"} ${value}`,
  )
const titles = '# pxname,svname,scur,status,lastchg,type,check_status,check_code,addr,'
const row = fc
  .tuple(name, name, number, status, number, fc.constantFrom('0', '1', '2', '2', '2', 'x'), check, number, odd)
  .map(fields => fields.join())
const placeTitles = '# be_id be_name srv_id srv_name srv_addr srv_fqdn srv_port'
const place = fc.tuple(number, name, number, name, odd, odd, number).map(fields => fields.join(' '))
const lines = (of: fc.Arbitrary<string>) => fc.array(fc.oneof({ weight: 9, arbitrary: of }, odd), { maxLength: 12 })

/** Good and bad lines, some of them without their titles, and noise. */
const body = fc.oneof(
  lines(series).map(all => all.join('\n')),
  fc
    .tuple(lines(row), lines(place))
    .map(([rows, places]) => [titles, ...rows, '', '1', placeTitles, ...places, ''].join('\n')),
  fc.tuple(lines(row), lines(series)).map(all => all.flat().join('\r\n')),
  fc.string(),
)

it('reads of HAProxy what is safe to show, whatever comes', { timeout: patienceMs }, () => {
  let read = 0
  fc.assert(
    fc.property(body, text => {
      const statistics = readStatistics(text, at)
      for (const one of statistics?.servers ?? []) {
        read++
        for (const shown of [one.proxy, one.server, one.address ?? '', one.host ?? '']) {
          expect(shown).not.toMatch(lineBreaks)
          expect(shown.length).toBeLessThanOrEqual(120)
        }
        expect([undefined, ...serverStatuses]).toContain(one.status)
        expect([undefined, ...checkStatuses]).toContain(one.checkStatus)
        for (const count of [one.sessions, one.checkCode, one.port, one.changing?.at, one.changing?.of])
          expect(count === undefined || (Number.isSafeInteger(count) && count >= 0)).toBe(true)
        expect(one.lastChangeAt === undefined || one.lastChangeAt <= at).toBe(true)
      }
      const target = haproxy.target.parse({ name: 'lb-1', url: 'http://lb-1:8404/metrics' })
      const found = haproxy.judge({ address: 'lb-1:8404', status: 200, ...statistics }, target)
      expect(found.verdict).toBe(statistics ? 'ok' : 'unknown')
      expect(found.evidence).not.toMatch(lineBreaks)
    }),
    bounded(4),
  )
  expect(read).toBeGreaterThan(100)
})

// Text that makes a careless expression begin anew at each character.
it.each([
  ['a line of one word', 'a'.repeat(8_000_000)],
  ['labels without an end', `haproxy_server_status{${'a'.repeat(8_000_000)}`],
  [
    'labels without a quote',
    `haproxy_server_status{state="UP"} 1\nhaproxy_server_status{${',a="'.repeat(2_000_000)}} 1`,
  ],
  ['series without a value', 'haproxy_server_status{state="'.repeat(300_000)],
  ['fields in quotes', `${titles}\n${',"'.repeat(4_000_000)}`],
  ['short lines of quotes', `${titles}\n${`${',"a'.repeat(5_000)}\n`.repeat(400)}`],
  ['empty lines', `${titles}${'\n'.repeat(2_000_000)}`],
])('reads %s in time linear to it', { timeout: patienceMs }, (_, text) => {
  const took = working()
  readStatistics(text, at)
  expect(took()).toBeLessThan(8_000)
})

const cell = fc.oneof(
  fc.constantFrom<unknown>(null, undefined, 0, 1, -1, '7', 'x', NaN, 1e300, true, 'app', 'unix', '10.0.0.1', 5432),
  fc.string(),
  fc.object(),
)
const rowOf = (...columns: readonly string[]) =>
  fc.record(Object.fromEntries(columns.map(column => [column, cell])), { requiredKeys: [] })
const rowsOf = (...columns: readonly string[]) => fc.array(rowOf(...columns), { maxLength: 8 })

it('reads of PgBouncer what is safe to show, whatever comes', { timeout: patienceMs }, () => {
  const answers = fc.record({
    databases: rowsOf('name', 'host', 'port', 'paused', 'disabled').map(rows => [{ name: 'pgbouncer' }, ...rows]),
    pools: rowsOf('database', 'cl_active', 'cl_waiting', 'maxwait', 'maxwait_us'),
    servers: rowsOf('database', 'addr', 'port', 'state'),
    allPaused: fc.boolean(),
  })
  fc.assert(
    fc.property(answers, given => {
      const databases = databasesIn(given)
      for (const one of databases ?? []) {
        for (const text of [one.name, one.host ?? '', ...one.servers.map(({ address }) => address)])
          expect(text).not.toMatch(lineBreaks)
        for (const count of [one.active, one.waiting, one.maxWaitSeconds]) expect(count).toBeGreaterThanOrEqual(0)
      }
      const target = pgbouncer.target.parse({ name: 'pool-1', url: 'postgres://s@pool-1:6432/pgbouncer' })
      const { evidence, samples } = pgbouncer.judge({ address: 'pool-1:6432', version: '1.18.0', databases }, target)
      expect(evidence).not.toMatch(lineBreaks)
      for (const { value } of samples) expect(value).not.toBeNaN()
    }),
    bounded(3),
  )
})
