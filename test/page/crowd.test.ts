import { describe, expect, it } from 'vitest'
import { answersOf } from '../../src/page/answers.ts'
import { renderPage } from '../../src/page/page.ts'
import { everything, viewOf, type View } from '../../src/page/view.ts'
import type { CheckStatus } from '../../src/assess/assessment.ts'
import type { Status } from '../../src/monitor/ledger.ts'
import { unseen } from '../status/balanced.ts'
import { crowd } from '../status/crowd.ts'
import { at } from '../status/incident.ts'
import { excepted, healthy, incident } from '../status/pages.ts'

const about = { version: '1.2.3', configFile: 'mailpath.yml' }
const render = (of: Status, view: Partial<View> = {}): string => renderPage(of, about, { ...everything, ...view })
const textOf = (page: string): string =>
  page
    .replace(/^.*<body[^>]*>/s, '')
    .replace(/<(script|form).*?<\/\1>/gs, ' ')
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ')
    .replace(/ ([,.:;])/g, '$1')
const times = (text: string, part: string): number => text.split(part).length - 1

describe('twenty applications with one root cause', () => {
  const page = render(crowd())
  const text = textOf(page)

  it('have one answer, which names the cause once and says how many', () => {
    expect(answersOf(crowd())).toHaveLength(1)
    expect(text).toContain(
      '20 of 20 mail paths: app-01, app-02 and 18 more Mail cannot be sent DATABASE_URL leads to standby db-3',
    )
    expect(times(page, '<section class="headline ')).toBe(1)
    expect(times(text, 'SQLSTATE 25006')).toBe(1)
    expect(times(text, 'Do this:')).toBe(1)
  })

  it('have it named once too if every write path of each has it', () => {
    const paths = textOf(render(crowd(20, 20, { all: true }))).replace(/ Mail paths .*/, '')
    expect(times(paths, 'standby db-3')).toBe(1)
    expect(paths).toContain('Each of 80 write paths leads to standby db-3')
  })

  it('are listed once by name, and so are their checks', () => {
    for (let i = 1; i <= 20; i++) {
      const name = `app-${String(i).padStart(2, '0')}`
      expect(times(page, `href="./?path=${name}"`)).toBe(1)
      expect(times(page, `>write_path/${name} jobs</a>`)).toBe(1)
    }
  })

  it('fold their checks by application, and those that they share by kind', () => {
    expect(text).toContain('app-20 ✕ 1 fail ✓ 13 ok')
    expect(text).toContain('Postgres node ✓ 3 ok')
    expect(page).not.toContain('<details class="group" open')
  })

  it('are told apart from those that are well', () => {
    const some = textOf(render(crowd(20, 3)))
    expect(some).toContain('3 of 20 mail paths: app-01, app-02, app-03 Mail cannot be sent')
    expect(some).toContain('17 of 20 mail paths: app-04, app-05 and 15 more Mail can be sent')
  })
})

describe('a thousand checks', () => {
  const of = crowd(71)
  it('make a page below 300 kB', () => {
    expect(of.checks.length).toBeGreaterThan(990)
    for (const view of [{}, { verdict: 'ok' } as const, { q: 'app' }])
      expect(Buffer.byteLength(render(of, view)), JSON.stringify(view)).toBeLessThan(300_000)
  })

  it('do not grow it without bound, and it says what is left out', () => {
    const page = render(crowd(100))
    expect(times(page, '<li class="fail">') + times(page, '<li class="ok">')).toBe(1_000)
    expect(textOf(page)).toContain('and 403 more, none of them worse')
  })

  it('are each looked at a few times for a page, and not once for each other', () => {
    const readsOf = (n: number): number => {
      let reads = 0
      const counted = crowd(n)
      const count = (one: CheckStatus, key: string | symbol): unknown => {
        reads += 1
        return Reflect.get(one, key)
      }
      const checks = counted.checks.map(check => new Proxy(check, { get: count }))
      render({ ...counted, checks })
      return reads / checks.length
    }
    expect(readsOf(70)).toBeLessThan(2 * readsOf(10))
  })
})

describe('a view', () => {
  const view = (query: string): View | undefined => viewOf(new URLSearchParams(query))

  it('follows from the query, and an unknown verdict is none', () => {
    expect(view('')).toEqual(everything)
    expect(view('q=%20Relay&verdict=fail&path=app&refresh=off&other=1')).toEqual({
      q: 'relay',
      verdict: 'fail',
      path: 'app',
      refresh: false,
    })
    expect(view('verdict=')).toEqual(everything)
    expect(view('verdict=bad')).toBeUndefined()
    expect(view(`q=${'x'.repeat(5_000)}`)?.q).toHaveLength(200)
  })

  it('has the checks that it asks for, in full where they are few, and the answer stays whole', () => {
    const text = textOf(render(crowd(), { q: 'relay', verdict: 'ok' }))
    expect(text).toContain('20 of 20 mail paths')
    expect(text).toContain('40 of 283 checks, show all')
    expect(text).toContain('logged in as mail@example.com')
    expect(text).not.toContain('no mail waits')
    expect(textOf(render(crowd(), { q: 'there is none' }))).toContain('No check is like that. Show all')
  })

  it('takes the whole name of a check for that one only', () => {
    const page = render(crowd(10), { q: 'smtp/app-01 relay' })
    expect(times(page, '<li class="check ')).toBe(1)
    expect(times(render(crowd(10), { q: 'smtp/app-01' }), '<li class="check ')).toBe(2)
  })

  it('of a mail path has its answer, its picture and its checks, and says how the others are', () => {
    const page = render(crowd(20, 5), { path: 'app-02' })
    const text = textOf(page)
    expect(text).toContain('All 20 mail paths: 4 of the others are not ok')
    expect(text).toContain('app-02 DATABASE_URL fails: read only leads to db-3')
    expect(text).toContain('app-02 DATABASE_URL leads to standby db-3')
    expect(times(page, '<li class="check ')).toBe(14)
    expect(textOf(render(crowd(), { path: 'gone' }))).toContain('No mail path has the name gone.')
  })
})

describe('since when', () => {
  const since = (of: Status, ms: number, exact = true): Status => ({
    ...of,
    history: {
      ...of.history,
      blockers: new Map([...of.history.blockers.keys()].map(key => [key, { at: of.at - ms, exact }])),
    },
  })

  it('is told with the cause, and of what was so before anybody looked, no more than is known', () => {
    expect(textOf(render(since(incident(), 12 * 60_000)))).toContain(
      'backend DATABASE_URL leads to standby db-postgres-03, since 03:00 UTC, 12 min',
    )
    expect(textOf(render(since(incident(), 12 * 60_000, false)))).toContain('at least since 03:00 UTC, 12 min')
    expect(textOf(render(since(incident(), 30 * 3_600_000)))).toContain('since 2026-01-12 21:12 UTC, 30 h')
  })

  it('is told of an outage that is over', () => {
    const root = {
      at: at - 3_600_000,
      paths: ['app'],
      probe: 'smtp',
      target: 'relay',
      code: 'smtp_login_refused',
      text: '',
    }
    const over = { number: 1, startedAt: at - 3_600_000, startExact: true, endedAt: at - 1_800_000, endExact: true }
    const cut = { isCut: false, rootsLeftOut: 0, causesLeftOut: 0 }
    const rest = { interruptions: 0, unseenMs: 0, paths: [], causes: [], ...cut, roots: [root] }
    const of = healthy()
    const after = { ...of, history: { ...of.history, incidents: [{ ...over, ...rest }] } }
    expect(textOf(render(after))).toContain('Last incident: 02:12 UTC to 02:42 UTC, 30 min: SMTP relay: login refused')
    expect(textOf(render(of))).not.toContain('Last incident')
  })
})

describe('what stops no mail', () => {
  it('is seen, the worst first', () => {
    expect(textOf(render(unseen()))).toContain('HAProxy lb-1: unreachable')
    const text = textOf(render(excepted()))
    expect(text).toMatch(/except …/)
    expect(text).toContain('Vault vault-01: token expires soon')
  })
})
