import { describe, expect, it } from 'vitest'
import { exitCode } from '../../src/core/probe.ts'
import { emptyHistory } from '../../src/history/history.ts'
import { audit, auditVerdict } from '../../src/report/audit.ts'
import { auditText, report, reportFormats } from '../../src/report/report.ts'
import { escapeMarkdown } from '../../src/report/markdown.ts'
import { wrap } from '../../src/report/table.ts'
import { balanced, lagging } from '../status/balanced.ts'
import { noWayOut } from '../status/delivering.ts'
import { at, healthySeen, incidentSeen, statusOf } from '../status/incident.ts'
import { hostile, many, splitBrain } from '../status/extremes.ts'
import * as pages from '../status/pages.ts'

const incident = audit(statusOf(incidentSeen))
const healthy = audit(statusOf(healthySeen))
const table = (of: typeof incident, width?: number): string => auditText(of, { format: 'table', width })
const escapes = /\u001b\[[0-9;]*m/g

describe('the audit of the incident', () => {
  it('is this, in a terminal', () => expect(table(incident)).toMatchFileSnapshot('../golden/audit.txt'))
  it('is this, as Markdown', () =>
    expect(auditText(incident, { format: 'markdown' })).toMatchFileSnapshot('../golden/audit.md'))
  it('is this, as JSON', () => {
    const status = { ...statusOf(incidentSeen), history: emptyHistory }
    return expect(report(status, { format: 'json' })).toMatchFileSnapshot('../golden/audit.json')
  })
})

describe('the verdict', () => {
  it('is the first line of the terminal and of the Markdown', () => {
    expect(table(incident).split('\n')[0]).toBe('keybuzz-backend: BLOCKED by write_path/backend DATABASE_URL')
    expect(auditText(incident, { format: 'markdown' }).split('\n')[0]).toBe(
      '# keybuzz-backend: BLOCKED by write_path/backend DATABASE_URL',
    )
  })

  it.each([
    ['healthy', pages.healthy(), 'ok', 'keybuzz-backend: OK'],
    ['excepted', pages.excepted(), 'warn', 'keybuzz-backend: OK except for ses/backend SES, vault/vault-01'],
    ['split brain', splitBrain(), 'fail', 'keybuzz-backend: BLOCKED by cluster/keybuzz'],
    ['starting', pages.starting(), 'unknown', 'keybuzz-backend: UNKNOWN because of mail/keybuzz-backend'],
  ] as const)('%s', (_, status, verdict, sentence) => {
    const { answers, verdict: found } = audit(status)
    expect(found).toBe(verdict)
    expect(answers[0]?.sentence).toBe(sentence)
  })

  it('is that of the worst mail path, which comes first', () => {
    const { answers, verdict } = audit(many(12, 3))
    expect(verdict).toBe('fail')
    expect(answers.map(one => one.verdict)).toEqual(['fail', 'ok', 'ok'])
    expect(exitCode(verdict)).toBe(2)
  })

  it('is that of the checks where there is no mail path: check --only', () => {
    const { checks } = statusOf(incidentSeen)
    const vault = checks.filter(check => check.probe === 'vault')
    const only = { at, starved: [], mail: [], clusters: [], landings: [], checks: vault }
    expect(auditVerdict(only)).toBe('fail')
    expect(audit(only).answers[0]).toMatchObject({
      sentence: '1 check: FAIL: vault/vault-01',
      root: { where: 'vault/vault-01' },
    })
    const split = {
      ...only,
      checks: [],
      clusters: statusOf(incidentSeen).clusters.map(one => ({ ...one, verdict: 'fail' as const })),
    }
    expect([auditVerdict(split), audit(split).answers[0]?.sentence]).toEqual([
      'fail',
      '0 checks: FAIL: cluster/keybuzz',
    ])
    const node = { ...only, checks: checks.filter(check => check.target === 'db-postgres-01') }
    expect(audit(node).answers[0]).toMatchObject({ sentence: '1 check: OK', root: undefined })
  })
})

describe('components', () => {
  const evidenceFor = (name: string): string =>
    incident.components.find(one => one.name === name)?.evidence.join('\n') ?? ''

  it('name the leader and where each write path lands', () => {
    expect(incident.components.map(one => one.name)).toContain('Postgres leader (keybuzz): db-postgres-01')
    expect(evidenceFor('Write path backend DATABASE_URL')).toContain('lands on db-postgres-03 (standby)')
    expect(evidenceFor('Write path secret PGHOST')).toContain('leads to db-postgres-01 (primary)')
  })

  it('say what is installed also where the code is a stub', () => {
    expect(evidenceFor('Packages keybuzz-backend')).toContain(
      'installed: nodemailer 6.9.8, @aws-sdk/client-ses 3.490.0',
    )
    expect(evidenceFor('Packages keybuzz-backend')).toContain('SES not implemented')
  })

  it('say by which balancer a write path lands, and who holds the lock', () => {
    const of = (status: ReturnType<typeof balanced>, name: string): string =>
      audit(status)
        .components.find(one => one.name === name)
        ?.evidence.join('\n') ?? ''
    expect(of(balanced(), 'Write path worker')).toMatch(
      /committed .*\nlands by pool-1\/keybuzz and lb-1\/write on n1; servers of lb-1\/write: n1 UP, n2 DOWN, n3 DOWN$/,
    )
    expect(of(lagging(), 'Write path worker')).toContain(
      'goes through pool-1/keybuzz and lb-1/write; pool-1/keybuzz is paused; servers of lb-1/write: n1 UP, n2 DOWN, pg-3 MAINT',
    )
    expect(of(lagging(), 'Write path reports')).not.toContain('lands by')
    expect(of(lagging(), 'Postgres leader (keybuzz): n2')).toContain(
      'n2 holds the leader lock of Patroni\nPatroni of n1: replica, starting\nPatroni of n3: does not answer',
    )
  })

  it('say what SES said also where something is wrong with it', () => {
    const evidence = audit(noWayOut()).components.find(({ name }) => name === 'backend SES')?.evidence
    expect(evidence?.[0]).toBe(
      'production access, 1200 of 50000 mails sent in 24 h, keybuzz.io verified, DKIM SUCCESS, MAIL FROM SUCCESS',
    )
    expect(evidence?.[1]).toContain('ses_sending_paused')
  })

  it('name the cause of what only follows from it', () => {
    const evidence = audit(noWayOut()).components.find(({ name }) => name === 'Outbox outbound mail')?.evidence
    expect(evidence?.at(-1)).toBe('follows from smtp/mail.keybuzz.io')
  })

  it('have a row for every check: nothing that was looked at is left out', () => {
    const { checks, clusters } = statusOf(incidentSeen)
    expect(incident.components).toHaveLength(checks.length + clusters.length)
  })
})

describe('settings', () => {
  const stateOf = (name: string, of = incident): string | undefined =>
    of.settings.find(row => row.setting === name)?.state

  it('are as they were seen', () => {
    expect(stateOf('SMTP_HOST')).toBe('verified')
    expect(stateOf('SMTP_PASS')).toBe('unreadable')
    expect(stateOf('SMTP_PASS', healthy)).toBe('present')
    expect(incident.settings.find(row => row.setting === 'AWS_SES_ACCESS_KEY')).toMatchObject({
      state: 'absent',
      expected: 'any value (optional)',
    })
  })

  it.each([
    ['before the first run', statusOf({})],
    ['once the check is stale', statusOf(healthySeen, at + 60_000)],
  ])('are all there and unreadable %s', (_, status) => {
    const rows = audit(status).settings
    expect(rows.map(row => row.setting)).toEqual(incident.settings.map(row => row.setting))
    expect(new Set(rows.map(row => row.state))).toEqual(new Set(['unreadable']))
  })
})

describe('actions', () => {
  it('begin with the root blocker, and go on by severity', () => {
    const [root, ...others] = incident.actions
    expect(root).toMatchObject({ root: true, where: ['write_path/backend DATABASE_URL'] })
    expect(others.some(action => action.root)).toBe(false)
    const ranks = others.map(action => ['critical', 'high', 'medium', 'low'].indexOf(action.reason.severity))
    expect(ranks).toEqual([...ranks].sort((a, b) => a - b))
  })

  it('ask for nothing where an outbox only waits for the relay', () => {
    const actions = audit(noWayOut()).actions.filter(({ where }) => where.includes('outbox/outbound mail'))
    expect(actions.map(({ reason }) => reason.code)).toEqual(['outbox_given_up'])
  })

  it('are one for each reason that holds, however many places tell of it', () => {
    const { checks } = statusOf(incidentSeen)
    const causes = checks.flatMap(check => check.reasons.filter(({ because }) => because === undefined))
    const reasons = causes.map(reason => reason.text)
    expect(incident.actions.map(action => action.reason.text).sort()).toEqual([...new Set(reasons)].sort())
    const starting = audit(pages.starting()).actions
    expect(starting.map(action => action.reason.code)).toEqual(['not_run_yet', 'cluster_primary_unknown'])
    expect(starting[0]?.where.length).toBeGreaterThan(5)
  })

  it('are none where nothing is wrong', () => {
    expect(audit(pages.healthy()).actions).toEqual([])
    expect(table(audit(pages.healthy()))).toContain('none: nothing is wrong')
  })
})

describe('the terminal', () => {
  it('has no line wider than it, but for words that cannot be broken, and loses nothing', () => {
    for (const width of [80, 100, 200]) {
      const text = table(incident, width)
      for (const line of text.split('\n'))
        if (line.length > width) expect(line.trimStart().split(/ {2,}/).at(-1)).not.toContain(' ')
      const words = text.replace(/\s+/g, ' ')
      for (const { reason } of incident.actions) expect(words).toContain(reason.remedy)
    }
  })

  it('is coloured only if asked, and says the same', () => {
    const coloured = auditText(incident, { format: 'table', colour: true })
    expect(table(incident)).not.toMatch(escapes)
    expect(coloured).toMatch(escapes)
    expect(coloured.replaceAll(escapes, '')).toBe(table(incident))
  })

  it('cannot be steered by what a server said', () => {
    const [first, ...others] = incident.answers
    if (!first?.root) throw new Error('there is no root')
    const root = { ...first.root, reason: { ...first.root.reason, text: 'a\u001b[2J\u0007b\r\nc\u009b1m' } }
    expect(table({ ...incident, answers: [{ ...first, root }, ...others] }).split('\n')[1]).toBe('  a [2J b c 1m')
  })
})

describe.each(reportFormats)('%s', format => {
  it.each([
    ['hostile', hostile()],
    ['many', many()],
    ['starting', pages.starting()],
  ])('can show: %s', (_, status) => {
    const text = report(status, { format })
    expect(text.endsWith('\n')).toBe(true)
    if (format === 'markdown') {
      expect(text).not.toContain('<script')
      for (const line of text.split('\n').filter(one => one.startsWith('|')))
        expect([3, 4]).toContain(line.replaceAll(/\\\||\\\\/g, '').split('|').length - 2)
    }
  })
})

describe('text', () => {
  it.each([
    ['a b c', 3, ['a b', 'c']],
    ['aaaa b', 3, ['aaaa', 'b']],
    ['', 3, ['']],
    ['  a\n b ', 10, ['a b']],
  ])('wrap(%j, %i)', (text, width, lines) => expect(wrap(text, width)).toEqual(lines))

  it.each([
    ['a|b', 'a\\|b'],
    ['<secret>', '&lt;secret>'],
    ['`x` *y* [z]', '\\`x\\` \\*y\\* \\[z\\]'],
    ['DATABASE_URL _x_', 'DATABASE_URL \\_x\\_'],
    ['a\\', 'a\\\\'],
    ['one\ntwo', 'one two'],
  ])('escapeMarkdown(%j)', (text, escaped) => expect(escapeMarkdown(text)).toBe(escaped))
})
