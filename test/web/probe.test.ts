import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { parseConfig } from '../../src/config/load.ts'
import { createReferences } from '../../src/references/index.ts'
import { sample, gauge } from '../../src/core/metric.ts'
import { finding, type Check } from '../../src/core/probe.ts'
import { checkOf, fine, noReferences } from '../monitor/checks.ts'
import { broken } from '../monitor/monitored.ts'
import { waitFor } from '../servers/processes.ts'
import { startSmtp, type Smtp } from '../servers/smtp.ts'
import { ask, serving, type Answer, type Served } from './serving.ts'

// Whatever else this machine does, a run that times out fails here. test/starved.test.ts has the rest.
vi.mock('node:fs', async original => (await import('../servers/silent-kernel.ts')).withoutPressure(await original()))

const pathOf = (target: string, more = ''): string => `/probe?probe=fake&target=${encodeURIComponent(target)}${more}`
const probed = (web: Served, target = 'it', more = ''): Promise<Answer> => ask(web, { path: pathOf(target, more) })
const runsOf = ({ monitor }: Served, id = 'fake/it'): number => monitor.status().records.get(id)?.runs ?? 0

/** A check whose looks end when the test says so. */
function held(fields: Partial<Check> = {}) {
  const ends: (() => void)[] = []
  const check = checkOf(async () => {
    await new Promise<void>(resolve => ends.push(resolve))
    return fine
  }, fields)
  return { check, ends, begun: () => waitFor(() => ends.length > 0, { what: 'the run began' }) }
}

describe('a request for a check', () => {
  it('runs it, records it, and answers with its series alone', async () => {
    const heat = gauge('mailpath_fake_heat', 'Heat.', ['target'])
    const hot = (target: string) =>
      checkOf(() => Promise.resolve(finding('', [], sample(heat, 21, { target }))), { target })
    const web = await serving({ checks: [hot('a "b"\\c'), hot('other')] })
    const { status, headers, body } = await probed(web, 'a "b"\\c')
    expect([status, headers['content-type']]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8'])
    const series = body.split('\n').filter(line => line !== '' && !line.startsWith('#'))
    expect(series).toContain('mailpath_fake_heat{target="a \\"b\\"\\\\c"} 21')
    expect(series).toContain('mailpath_check_runs_total{probe="fake",target="a \\"b\\"\\\\c"} 1')
    for (const line of series) expect(line).toContain('target="a \\"b\\"\\\\c"')
    expect([runsOf(web, 'fake/a "b"\\c'), runsOf(web, 'fake/other')]).toEqual([1, 0])
  })

  it('answers in the format that is asked for', async () => {
    const web = await serving()
    const { headers, body } = await ask(web, {
      path: pathOf('it'),
      headers: { accept: 'application/openmetrics-text; version=1.0.0' },
    })
    expect(headers['content-type']).toMatch(/^application\/openmetrics-text; version=1\.0\.0/)
    expect(body).toMatch(/# EOF\n$/)
  })

  it('answers with 200 for one that fails, and says so', async () => {
    const web = await serving({ checks: [checkOf(() => Promise.resolve(broken))] })
    const { status, body } = await probed(web)
    expect(status).toBe(200)
    expect(body).toContain('mailpath_check_verdict{probe="fake",target="it",verdict="fail"} 1')
  })

  it.each([
    ['', 'probe is missing'],
    ['?probe=fake', 'target is missing'],
    ['?probe=&target=it', 'probe is missing'],
    ['?probe=fake&target=it&target=it', 'target is given more than once'],
    ['?probe=fake&probe=other&target=it', 'probe is given more than once'],
    ['?probe=fake&target=it&debug=1', 'debug is true or false'],
    ['?probe=fake&target=it&debug=true&debug=true', 'debug is given more than once'],
    ['?probe=fake&target=it&module=http_2xx', 'the parameters here are probe, target, debug'],
    ['?probe[]=fake&target=it', 'the parameters here are'],
  ])('is refused with 400: %s', async (query, says) => {
    const web = await serving()
    const { status, body } = await ask(web, { path: `/probe${query}` })
    expect(status).toBe(400)
    expect(body).toContain(says)
    expect(runsOf(web)).toBe(0)
  })

  it.each([
    ['fake', 'nowhere', ['it', 'other']],
    // A name that together with the probe makes the id of another.
    ['fake/it', '', undefined],
    ['smtp', 'http://10.0.0.1/', ['fake']],
    ['fak', 'e/it', ['fake']],
    ['<b>', '%00%0d%0aX:%20y', ['fake']],
  ])('of %s and %s, which is not configured, is answered with what is', async (probe, target, known) => {
    const checks = ['it', 'other'].map(name => checkOf(() => Promise.resolve(fine), { target: name }))
    const web = await serving({ checks })
    const { status, body } = await ask(web, { path: `/probe?probe=${encodeURIComponent(probe)}&target=${target}` })
    expect(status).toBe(known ? 404 : 400)
    if (known) expect(body.trim().split('\n').slice(1)).toEqual(known)
    expect(body).not.toContain('<b>')
    expect([runsOf(web), runsOf(web, 'fake/other')]).toEqual([0, 0])
  })

  it('lists no more than a hundred names', async () => {
    const checks = Array.from({ length: 130 }, (_, n) => checkOf(() => Promise.resolve(fine), { target: `t${n}` }))
    const { body } = await probed(await serving({ checks }), 'nowhere')
    expect(body).toContain('\nt99\nand 30 more\n')
  })

  it('may be made by GET alone, and is counted by its endpoint', async () => {
    const web = await serving()
    const { status, headers } = await ask(web, { path: pathOf('it'), method: 'POST' })
    expect([status, headers.allow, runsOf(web)]).toEqual([405, 'GET, HEAD, OPTIONS', 0])
    await probed(web)
    const { body } = await ask(web, { path: '/metrics' })
    expect(body).toContain('mailpath_http_requests_total{handler="/probe",code="200"} 1')
    expect(body).toContain('mailpath_http_requests_total{handler="/probe",code="405"} 1')
  })
})

describe('a check that is asked for', () => {
  it('joins the run under way, and so do all who ask meanwhile', async () => {
    const { check, ends, begun } = held()
    const web = await serving({ checks: [check] })
    const arrived = vi.spyOn(web.monitor, 'underWay')
    const regular = web.monitor.runAll(new AbortController().signal)
    await begun()
    const asking = Array.from({ length: 40 }, (_, n) => probed(web, 'it', n % 2 ? '&debug=true' : ''))
    await waitFor(() => arrived.mock.calls.length === 40, { what: 'all of them asked' })
    ends[0]?.()
    const answers = await Promise.all(asking)
    await regular
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
    expect([ends.length, runsOf(web)]).toEqual([1, 1])
    // It cost nothing: the check may still be run by a request.
    const again = probed(web)
    await waitFor(() => ends.length === 2, { what: 'it ran' })
    ends[1]?.()
    expect((await again).status).toBe(200)
  })

  it('is one login at a relay, however many ask at once', async () => {
    const relay = await startSmtp({ security: 'none', users: { probe: 'password' } })
    onTestFinished(() => relay.close())
    const web = await servedRelay(relay)
    const asked = async () => {
      const answers = Array.from({ length: 25 }, () => ask(web, { path: '/probe?probe=smtp&target=relay' }))
      return (await Promise.all(answers)).map(({ status }) => status)
    }
    expect((await asked()).filter(status => status === 200).length).toBeGreaterThan(1)
    expect(relay.accepted).toBe(1)
    // And however often: the next ones are refused, and the relay hears nothing of them.
    expect(new Set(await asked())).toEqual(new Set([429]))
    expect(relay.accepted).toBe(1)
  })

  it.each([
    [1_500, 2],
    [15_000, 15],
    [3_600_000, 30],
  ])('every %s ms is run by a request again after %s s at most', async (intervalMs, seconds) => {
    const look = (target: string): Check => checkOf(() => Promise.resolve(fine), { target, intervalMs })
    const web = await serving({ checks: [look('it'), look('other')] })
    expect((await probed(web)).status).toBe(200)
    const { status, headers, body } = await probed(web)
    expect([status, headers['retry-after']]).toEqual([429, String(seconds)])
    expect(body).toContain(`ask again in ${seconds} s`)
    // Each has its own limit.
    expect((await probed(web, 'other')).status).toBe(200)
    expect(runsOf(web)).toBe(1)
  })

  it('is run again once that time is over', async () => {
    const web = await serving({ checks: [checkOf(() => Promise.resolve(fine), { intervalMs: 300 })] })
    expect((await probed(web)).status).toBe(200)
    await waitFor(async () => (await probed(web)).status === 200, { what: 'it is run again' })
    expect(runsOf(web)).toBe(2)
  })

  it('waits where ten are being run by requests already', async () => {
    const all = Array.from({ length: 11 }, (_, n) => held({ target: `t${n}` }))
    const web = await serving({ checks: all.map(({ check }) => check) })
    const ten = all.slice(0, 10).map((_, n) => probed(web, `t${n}`))
    await Promise.all(all.slice(0, 10).map(({ begun }) => begun()))
    const { status, headers } = await probed(web, 't10')
    expect([status, headers['retry-after']]).toEqual([429, '1'])
    // Who joins one of the ten is no eleventh.
    const joining = probed(web, 't3')
    await seenUpToNow(web)
    for (const { ends } of all) ends[0]?.()
    expect((await Promise.all([...ten, joining])).map(one => one.status)).toEqual(Array(11).fill(200))
    const last = probed(web, 't10')
    await all[10]?.begun()
    all[10]?.ends[0]?.()
    expect((await last).status).toBe(200)
  })

  it('is not cut off when who asked goes away', async () => {
    const { check, ends, begun } = held()
    const web = await serving({ checks: [check] })
    const leaving = new AbortController()
    const left = ask(web, { path: pathOf('it'), signal: leaving.signal }).catch(() => 'left')
    await begun()
    const staying = probed(web)
    leaving.abort()
    expect(await left).toBe('left')
    await seenUpToNow(web)
    ends[0]?.()
    expect([(await staying).status, runsOf(web)]).toEqual([200, 1])
  })

  it('keeps no scrape waiting', async () => {
    const { check, ends, begun } = held()
    const web = await serving({ checks: [check] })
    const asking = probed(web)
    await begun()
    for (const path of ['/metrics', '/', '/api/v1/status', '/failures?probe=fake&target=it'])
      expect((await ask(web, { path })).status).toBe(200)
    ends[0]?.()
    await asking
  })

  it('and is taken out of the configuration meanwhile is answered so', async () => {
    const { check, begun } = held()
    const web = await serving({ checks: [check] })
    const asking = probed(web)
    await begun()
    web.monitor.swap({ checks: [], mail: [] }, noReferences)
    expect(await asking).toMatchObject({ status: 503, body: expect.stringContaining('cut off') as string })
    expect((await probed(web)).status).toBe(404)
  })

  it('ends at its deadline', async () => {
    const check = checkOf(() => new Promise(() => undefined), { timeoutMs: 300 })
    const { status, body } = await probed(await serving({ checks: [check] }), 'it', '&debug=true')
    expect(status).toBe(200)
    expect(body).toMatch(/^fake\/it: fail\nno answer within 0\.3 s/)
  })
})

/** The server answers a later request: so it has seen what clients did before. */
async function seenUpToNow(web: Served): Promise<void> {
  for (let time = 0; time < 2; time++) expect((await probed(web, 'none')).status).toBe(404)
}

function servedRelay({ port }: Smtp): Promise<Served> {
  const { checks } = parseConfig(
    `smtp: [{ name: relay, host: 127.0.0.1, port: ${port}, security: none, user: probe, password: { env: PASS } }]`,
    'mailpath.yml',
  )
  return serving({
    checks,
    references: createReferences({ env: { PASS: 'password' }, vaults: [], kubernetes: undefined }),
  })
}
