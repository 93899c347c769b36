import { describe, expect, it } from 'vitest'
import { runbookUrl } from '../../src/core/runbook.ts'
import { emptyHistory } from '../../src/history/history.ts'
import { statusJson } from '../../src/report/api.ts'
import { audit } from '../../src/report/audit.ts'
import { lagging, unseen } from '../status/balanced.ts'
import { at, healthySeen, incidentSeen, statusOf } from '../status/incident.ts'

const roundTrip = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

describe('/api/v1/status', () => {
  const incident = statusJson(statusOf(incidentSeen))

  it('answers the question, with the one thing to fix', () => {
    expect(incident).toMatchObject({ at: '2026-01-14T03:12:07.000Z', verdict: 'fail', exit_code: 2 })
    expect(incident.mail_paths).toHaveLength(1)
    expect(incident.mail_paths[0]).toMatchObject({
      name: 'keybuzz-backend',
      verdict: 'fail',
      provider: 'smtp',
      root: {
        probe: 'write_path',
        target: 'backend DATABASE_URL',
        level: 'fail',
        root: true,
        code: 'write_path_read_only',
        severity: 'critical',
      },
    })
    expect(incident.mail_paths[0]?.blockers.filter(one => one.root)).toHaveLength(1)
  })

  it('is the sentence of the audit, and what to do in its order', () => {
    expect(incident.mail_paths[0]?.sentence).toBe('keybuzz-backend: BLOCKED by write_path/backend DATABASE_URL')
    expect(incident.actions.map(one => one.code)).toEqual(
      audit(statusOf(incidentSeen)).actions.map(({ reason }) => reason.code),
    )
    expect(incident.settings.find(one => one.setting === 'SMTP_PASS')).toMatchObject({ state: 'unreadable' })
  })

  it('tells since when, as far as that is known', () => {
    const status = statusOf(incidentSeen)
    const [path] = incident.mail_paths
    expect(path?.since).toEqual({ at: '2026-01-14T03:12:07.000Z', exact: false })
    expect(path?.root?.since).toEqual(path?.since)
    expect(incident.checks[0]?.since).toEqual(path?.since)
    const [unseen] = statusJson({ ...status, history: emptyHistory }).mail_paths
    expect([unseen?.since, unseen?.root?.since, unseen?.uptime]).toEqual([null, null, null])
    // The history is of the last look, and by now the check is stale.
    const held = new Map([['vault/vault-01', { at, exact: true, verdict: 'ok' as const }]])
    const { checks } = statusJson({ ...status, history: { ...emptyHistory, checks: held } })
    expect(checks.find(({ id }) => id === 'vault/vault-01')?.since).toBe(null)
  })

  it('leads from each reason to its runbook', () => {
    const reasons = [...incident.actions, ...incident.checks.flatMap(check => check.reasons)]
    for (const { code, runbook_url } of reasons) expect(runbook_url).toBe(runbookUrl(code))
  })

  it('tells where each write path lands', () => {
    expect(incident.landings).toContainEqual({
      write_path: 'backend DATABASE_URL',
      cluster: 'keybuzz',
      nodes: ['db-postgres-03'],
      on_primary: false,
    })
  })

  it('tells all of a check', () => {
    expect(incident.checks.find(one => one.id === 'vault/vault-01')).toEqual({
      id: 'vault/vault-01',
      probe: 'vault',
      target: 'vault-01',
      verdict: 'fail',
      since: { at: '2026-01-14T03:12:07.000Z', exact: false },
      stale: false,
      evidence: expect.stringContaining('vault-01:8200') as string,
      reasons: [
        {
          code: 'vault_uninitialized',
          verdict: 'fail',
          severity: 'critical',
          text: expect.stringContaining('vault-01:8200') as string,
          remedy: expect.stringContaining('storage path') as string,
          because: null,
          runbook_url: runbookUrl('vault_uninitialized'),
        },
      ],
      interval_seconds: 15,
      last_run: '2026-01-14T03:12:03.000Z',
      last_ok: '2026-01-14T03:11:48.000Z',
      duration_seconds: 0.031,
      phases: { connect: 0.0011, login: 0.0127 },
      runs: 2,
      failures: 1,
      history: ['ok', 'fail'],
      needs: [],
    })
  })

  it('has null for what is not known, so that every field is there', () => {
    const { checks, mail_paths, clusters, verdict } = statusJson(statusOf({}))
    expect(verdict).toBe('unknown')
    expect(checks[0]).toMatchObject({ last_run: null, last_ok: null, duration_seconds: null, history: [] })
    expect(mail_paths[0]).toMatchObject({ provider: null })
    expect(clusters[0]).toMatchObject({ primary: null, primaries: null, split_brain: null })
    expect(roundTrip(statusJson(statusOf({})))).toEqual(statusJson(statusOf({})))
  })

  it('says that a check is stale, and no longer what it said then', () => {
    const { checks } = statusJson(statusOf(healthySeen, at + 60_000))
    expect(checks[0]).toMatchObject({ stale: true, verdict: 'unknown', last_run: '2026-01-14T03:12:03.000Z' })
  })

  it('has nothing of the configuration, and nothing of what was seen, but what is named', () => {
    const keys = new Set<string>()
    JSON.stringify(incident, (key, value: unknown) => {
      keys.add(key)
      return value
    })
    for (const inner of ['seen', 'config', 'samples', 'memory', 'observation', 'url', 'facts', 'ladder'])
      expect(keys).not.toContain(inner)
    expect(JSON.stringify(incident)).not.toContain('kb_backend@')
    for (const key of keys) expect(key).toMatch(/^[a-z0-9_]*$/)
  })
})

describe('/api/v1/status of a platform with Patroni and a balancer', () => {
  const { landings, clusters } = statusJson(lagging())

  it('tells what a write path goes through, with the servers behind', () => {
    expect(landings.find(one => one.write_path === 'backend')).toMatchObject({
      nodes: ['n1'],
      through: [
        {
          probe: 'haproxy',
          target: 'lb-1',
          verdict: 'ok',
          proxy: 'write',
          servers: [
            { name: 'pg-1', node: 'n1', status: 'UP', check_status: 'L7OK', check_code: 200 },
            { name: 'pg-2', node: 'n2', status: 'DOWN', check_status: 'L7STS', check_code: 503 },
            { name: 'pg-3', node: null, status: 'MAINT', check_status: 'L4CON', check_code: null },
          ],
        },
      ],
    })
    expect(landings.find(one => one.write_path === 'worker')).toMatchObject({
      through: [
        { probe: 'pgbouncer', paused: true, clients_waiting: 7, longest_wait_seconds: 12.4 },
        { probe: 'haproxy' },
      ],
    })
    expect(landings.find(one => one.write_path === 'reports')).not.toHaveProperty('through')
    expect(statusJson(unseen()).landings).toMatchObject([
      { through: [{ verdict: 'fail', servers: [] }] },
      { through: [{ verdict: 'unknown', paused: null }] },
    ])
  })

  it('tells who holds the lock, and where Patroni says something else, only where there is a Patroni', () => {
    expect(Object.keys(statusJson(statusOf(healthySeen)).clusters[0] ?? {})).not.toContain('lock_holder')
    expect(clusters[0]).toMatchObject({
      lock_holder: 'n2',
      nodes: [
        { name: 'n1', patroni_differs: 'replica, starting' },
        { name: 'n2', patroni_differs: null },
        { name: 'n3', patroni_differs: 'does not answer' },
      ],
    })
  })
})
