import { expect, it } from 'vitest'
import { lasting, uptimeText } from '../../src/page/incident-words.ts'
import { renderIncidents } from '../../src/page/incidents.ts'
import { incidentsJson, incidentsMarkdown } from '../../src/report/incidents.ts'
import { during, hour, minute, second, type At } from '../history/looks.ts'
import { night, statusAfter } from '../status/night.ts'

const status = statusAfter(night)
const { incidents } = status.history
const textOf = (page: string): string =>
  page
    .replace(/<style>.*?<\/style>/gs, '')
    .replace(/<[^>]+>/g, ' ')
    .replace(/\s+/g, ' ')

it('tells on a page when, what was to be fixed, what healed first, and uptime', () => {
  const text = textOf(renderIncidents(status, incidents))
  expect(text).toContain('2026-01-12 09:00:00 UTC, for 29 min')
  expect(text).toContain('2026-01-12 10:30:00 UTC, for 42 s until now')
  expect(text).toContain('Nobody saw when it began: it may have been earlier.')
  expect(text).toMatch(/09:00:00 UTC write_path\/ backend write_path_read_only .*09:02:00 UTC smtp\/ relay/)
  const healed = text.slice(text.indexOf('What healed'))
  expect(healed.indexOf('after 18 min')).toBeGreaterThan(0)
  expect(healed.indexOf('after 29 min')).toBeGreaterThan(healed.indexOf('after 18 min'))
  expect(text).toMatch(/backend 76\.\d+ %, down for 29 min, not known for 21 h 58 min/)
})

it('says once what twenty checks said at the same moment', () => {
  const apps = Array.from({ length: 20 }, (_, i) => `app-${i + 1}`)
  const looks = during(
    0,
    minute,
    Object.fromEntries(apps.map(app => [app, [`write_path/${app} write_path_read_only`]])),
  )
  const ended = statusAfter([...looks, [minute + second, Object.fromEntries(apps.map(app => [app, 'ok' as const]))]])
  const [first] = ended.history.incidents
  if (!first) throw new Error('no incident')
  const text = 'lands on a standby'
  const one = { ...first, roots: first.roots.map(root => ({ ...root, text })) }
  const markdown = incidentsMarkdown(ended, [one])
  expect(markdown.match(/\bwrite_path_read_only\b(?!\.md)/g)).toHaveLength(2)
  // A second incident, so that the page is not that of one alone.
  const page = textOf(renderIncidents(ended, [one, { ...one, number: 2, roots: [], causes: [] }]))
  expect(page.match(/app-10 and 10 more write_path_read_only/g)).toHaveLength(2)
})

it('says what it knows if nothing happened', () => {
  const quiet = statusAfter(during(0, minute, { backend: 'ok' }))
  const text = 'No incident was seen since 2026-01-12 07:59:45 UTC.'
  expect(textOf(renderIncidents(quiet, []))).toContain(text)
  expect(incidentsMarkdown(quiet, [])).toContain(text)
})

it('is the same as JSON', () => {
  const {
    incidents: [open, over],
  } = incidentsJson(status, incidents)
  expect(open).toMatchObject({ number: 2, ended_at: null, start_exact: false, duration_seconds: 42, healed: [] })
  expect(open?.blocking.map(({ code }) => code)).toEqual(['smtp_unreachable'])
  expect(over).toMatchObject({
    number: 1,
    started_at: '2026-01-12T09:00:00.000Z',
    ended_at: '2026-01-12T09:29:00.000Z',
    duration_seconds: 29 * 60,
    roots: [
      { code: 'write_path_read_only', mail_paths: ['backend'] },
      { code: 'smtp_unreachable', mail_paths: ['backend', 'worker'] },
      { code: 'write_path_read_only', mail_paths: ['backend'] },
    ],
    healed: [{ code: 'smtp_unreachable' }, { code: 'write_path_read_only' }],
  })
})

it('is the same as Markdown for a post-mortem', () => {
  expect(incidentsMarkdown(status, incidents.slice(1))).toMatchInlineSnapshot(`
    "# Incidents

    ## 2026-01-12 09:00:00 UTC, for 29 min

    | mail path | from | to |
    | --- | --- | --- |
    | backend | 09:00:00 UTC | 09:29:00 UTC |
    | worker | 09:02:00 UTC | 09:20:00 UTC |

    ### What was to be fixed

    | from | check | reason | what was said | mail paths |
    | --- | --- | --- | --- | --- |
    | 09:00:00 UTC | write_path/backend | [write_path_read_only](https://github.com/mailpath-exporter/mailpath-exporter/blob/main/docs/runbooks/reasons/write_path_read_only.md) | backend: write_path_read_only | backend |
    | 09:02:00 UTC | smtp/relay | [smtp_unreachable](https://github.com/mailpath-exporter/mailpath-exporter/blob/main/docs/runbooks/reasons/smtp_unreachable.md) | relay: smtp_unreachable | backend, worker |
    | 09:20:00 UTC | write_path/backend | [write_path_read_only](https://github.com/mailpath-exporter/mailpath-exporter/blob/main/docs/runbooks/reasons/write_path_read_only.md) | backend: write_path_read_only | backend |

    ### What healed, the first of it first

    | at | check | reason | after | mail paths |
    | --- | --- | --- | --- | --- |
    | 09:20:00 UTC | smtp/relay | [smtp_unreachable](https://github.com/mailpath-exporter/mailpath-exporter/blob/main/docs/runbooks/reasons/smtp_unreachable.md) | 18 min | backend, worker |
    | 09:29:00 UTC | write_path/backend | [write_path_read_only](https://github.com/mailpath-exporter/mailpath-exporter/blob/main/docs/runbooks/reasons/write_path_read_only.md) | 29 min | backend |

    ## How much of the time mail could be sent

    | mail path | last 24 hours | last 30 days |
    | --- | --- | --- |
    | backend | 76.07 %, down for 29 min, not known for 21 h 58 min | 76.07 %, down for 29 min, not known for 29 d 21 h |
    | worker | 84.57 %, down for 18 min 42 s, not known for 21 h 58 min | 84.57 %, down for 18 min 42 s, not known for 29 d 21 h |
    "
  `)
})

it('shows names and texts as they are, whatever is in them', () => {
  const evil = '<img/src=x>|`@all'
  const bad = statusAfter([[0, { [evil]: [`smtp/${evil} smtp_refused`] }]])
  const page = renderIncidents(bad, bad.history.incidents)
  expect(page).not.toContain('<img')
  expect(page).toContain('&lt;img/src=x&gt;')
  const rows = incidentsMarkdown(bad, bad.history.incidents)
    .split('\n')
    .filter(line => line.includes('img'))
  expect(rows.length).toBeGreaterThan(2)
  for (const row of rows) expect(row).not.toMatch(/<img/)
})

it('is bounded with all that is kept', () => {
  const apps = Array.from({ length: 20 }, (_, i) => `app-${i}`)
  const flaps = Array.from({ length: 150 }, (_, i): At => {
    const blocked = Array.from({ length: 100 }, (_, n) => `smtp/relay-${n} smtp_unreachable`) as [string, ...string[]]
    return [i * 6 * minute, Object.fromEntries(apps.map(app => [app, i % 2 === 0 ? blocked : 'ok']))]
  })
  const full = statusAfter(flaps)
  expect(full.history.incidents).toHaveLength(50)
  const page = renderIncidents(full, full.history.incidents)
  expect(page.length).toBeLessThan(600_000)
  expect(page).toContain('relay-9 and 90 more')
  const one = renderIncidents(full, full.history.incidents.slice(0, 1))
  expect(one.match(/after 6 min/g)).toHaveLength(100)
})

it.each([
  [0, '0 s'],
  [48_400, '48 s'],
  [90_000, '1 min 30 s'],
  [29 * minute, '29 min'],
  [2 * hour + 5 * minute + 20 * second, '2 h 5 min'],
  [76 * hour, '3 d 4 h'],
  [48 * hour, '2 d'],
])('gives a length of %i ms as %s', (ms, text) => expect(lasting(ms)).toBe(text))

it.each([
  [{ up: 0, down: 0, unknown: hour }, 'not known'],
  [{ up: hour, down: 0, unknown: 0 }, '100 %'],
  [{ up: 30 * 24 * hour, down: 1, unknown: 0 }, '99.99 %, down for 0 s'],
  [{ up: hour, down: hour, unknown: hour }, '50 %, down for 1 h, not known for 1 h'],
])('never rounds an outage away: %j', (uptime, text) => {
  expect(uptimeText({ windowMs: 0, ...uptime })).toBe(text)
})
