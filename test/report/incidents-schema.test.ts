/** docs/incidents.schema.json against what `/incidents` answers. */
import { format as prettier, resolveConfig } from 'prettier'
import { expect, it } from 'vitest'
import { incidentsJsonSchema } from '../../docs/generate/incidents-schema.ts'
import { incidentsJson } from '../../src/report/incidents.ts'
import { bridgeMs } from '../../src/history/remember.ts'
import { after, minute, type At } from '../history/looks.ts'
import { statusFrom } from '../status/looked.ts'
import { incidentsProblems } from './published.ts'

const relay = ['smtp/relay smtp_unreachable', 'write_path/app write_path_read_only'] as const
/** One incident that healed in part, one that nobody saw end, and one with more causes than are kept. */
const looks: Readonly<Record<string, readonly At[]>> = {
  nothing: [[0, { app: 'ok' }]],
  'one that lasts': [
    [0, { app: 'ok', other: 'ok' }],
    [minute / 4, { app: relay, other: ['smtp/relay smtp_unreachable'] }],
    [minute / 2, { app: ['write_path/app write_path_read_only'], other: 'ok' }],
  ],
  'one that nobody saw end': [
    [0, { app: relay }],
    [minute + bridgeMs + 1, { app: 'ok' }],
  ],
  'one of which a mail path is no longer configured': [
    [0, { app: 'ok', other: 'ok' }],
    [minute / 4, { app: relay, other: ['smtp/relay smtp_unreachable'] }],
    [minute / 2, { other: ['smtp/relay smtp_unreachable'] }],
  ],
  'one with more than is kept': Array.from({ length: 220 }, (_, i): At => {
    return [(i * minute) / 4, { app: i % 2 === 0 ? [`smtp/relay-${i} smtp_unreachable`] : 'ok' }]
  }),
}
const jsonOf = (name: string) => {
  const { history, at } = after(looks[name] ?? [])
  return incidentsJson({ ...statusFrom([], { now: at }), history }, history.incidents)
}

it('docs/incidents.schema.json', async () => {
  const file = new URL('../../docs/incidents.schema.json', import.meta.url).pathname
  const text = await prettier(JSON.stringify(incidentsJsonSchema()), { ...(await resolveConfig(file)), filepath: file })
  await expect(text).toMatchFileSnapshot('../../docs/incidents.schema.json')
})

it.each(Object.keys(looks))('takes %s', name => expect(incidentsProblems(jsonOf(name))).toEqual([]))

it('is seen whole: each list has an entry in what the tests make', () => {
  const [one] = jsonOf('one that lasts').incidents
  expect([one?.mail_paths.length, one?.roots.length, one?.healed.length, one?.blocking.length]).toEqual([2, 2, 1, 1])
  const [less] = jsonOf('one of which a mail path is no longer configured').incidents
  expect(less?.mail_paths).toMatchObject([
    { name: 'app', removed: true },
    { name: 'other', removed: false },
  ])
  expect(less?.removed).toMatchObject([{ code: 'write_path_read_only', mail_paths: ['app'] }])
  expect([less?.healed, less?.blocking[0]?.mail_paths]).toEqual([[], ['app', 'other']])
  expect(jsonOf('one with more than is kept').incidents[0]).toMatchObject({ cut: true, left_out: { roots: 60 } })
  expect(jsonOf('one that nobody saw end').incidents[0]?.end_exact).toBe(false)
})

it.each<[string, (one: object) => object]>([
  ['a field more', one => ({ ...one, more: 1 })],
  ['a field less', one => ({ ...one, cut: undefined })],
  ['a time that is a number', one => ({ ...one, started_at: 1 })],
])('refuses %s', (_, broken) => {
  const { at, incidents } = jsonOf('one that lasts')
  expect(incidentsProblems({ at, incidents: incidents.map(broken) })).not.toEqual([])
})
