import { describe, expect, it } from 'vitest'
import { at, elected, reason, run, says, writes } from './runs.ts'
import { brokenPromises, figuresOf, matches } from './score.ts'

const dcs = reason('cluster/kb', 'cluster_dcs_lost')
const noAnswer = reason('write_path/haproxy', 'write_path_no_answer')

describe('the outage', () => {
  it('lasts from the last commit before it until the first one after it', () => {
    const { outages } = figuresOf(run({ attempts: writes('fresh haproxy 1', [[10, 20]]) }))
    expect(outages).toEqual([{ way: 'haproxy', kind: 'fresh', seconds: 10.2 }])
  })

  it('is none while another new session gets through', () => {
    const attempts = [...writes('fresh haproxy 1', [[10, 20]]), ...writes('fresh haproxy 2', [])]
    expect(figuresOf(run({ attempts })).outages).toEqual([])
  })

  it('is one for a pooled session although another one commits', () => {
    const pooled = { kind: 'pooled' } as const
    const attempts = [...writes('pooled 1', [[10, 60]], pooled), ...writes('pooled 2', [], pooled)]
    expect(figuresOf(run({ attempts })).outages).toEqual([{ way: 'haproxy', kind: 'pooled', seconds: 50.2 }])
  })

  it('is also a commit that came very late, and not a session that ended once', () => {
    const late = { ...writes('late', [], { until: 1 })[4], at: at(1), took: 12_000, ok: true } as const
    const slow = [...writes('fresh haproxy 1', [], { until: 1 }), late] as ReturnType<typeof writes>
    expect(figuresOf(run({ attempts: slow, to: at(14) })).outages[0]?.seconds).toBeCloseTo(12.2, 1)
    expect(figuresOf(run({ attempts: writes('fresh haproxy 1', [[10, 10.2]]) })).outages).toEqual([])
  })
})

describe('a false ok', () => {
  const attempts = writes('fresh haproxy 1', [[10, 20]])

  it('is what is said beyond an interval and a timeout', () => {
    const figures = figuresOf(run({ attempts, said: [says(0, 'ok'), says(15, 'fail', dcs), says(21, 'ok')] }))
    // The last commit was at 9.8 s, and 3.5 s are for the look.
    expect(figures.falseOk).toEqual({ fresh: 1.7, pooled: 0 })
    expect(brokenPromises(figures)).toEqual(['false ok for 1.7 s, by writers with fresh sessions'])
  })

  it('is none within that', () => {
    const figures = figuresOf(run({ attempts, said: [says(0, 'ok'), says(13, 'fail', dcs), says(19.9, 'ok')] }))
    expect(figures.falseOk).toEqual({ fresh: 0, pooled: 0 })
  })

  it('is a warning too, and `unknown` is none', () => {
    const warned = figuresOf(run({ attempts, said: [says(0, 'ok'), says(11, 'warn'), says(21, 'ok')] }))
    expect(warned.falseOk.fresh).toBeGreaterThan(6)
    const unknown = figuresOf(run({ attempts, said: [says(0, 'ok'), says(11, 'unknown', dcs), says(21, 'ok')] }))
    expect(unknown.falseOk.fresh).toBe(0)
  })

  it('is about the way of the writers alone', () => {
    const mail = { haproxy: { verdict: 'fail', root: dcs } } as const
    const figures = figuresOf(run({ attempts, said: [says(0, 'ok'), says(11, 'ok', undefined, { mail })] }))
    expect(figures.falseOk.fresh).toBe(0)
  })

  it('is none for a pooled session if the warning is about it', () => {
    const stuck = writes('pooled 1', [[10, 60]], { kind: 'pooled' })
    const sessions = reason('write_path/haproxy', 'write_path_sessions_on_standby', { verdict: 'warn' })
    const said = [says(0, 'ok'), says(12, 'warn', undefined, { reasons: [sessions] })]
    expect(figuresOf(run({ attempts: stuck, said })).falseOk.pooled).toBe(0)
    expect(figuresOf(run({ attempts: stuck, said: [says(0, 'ok'), says(12, 'warn')] })).falseOk.pooled).toBe(46.5)
    expect(figuresOf(run({ attempts: stuck })).falseOk.pooled).toBe(46.5)
  })
})

describe('a false fail', () => {
  const attempts = writes('fresh haproxy 1', [[10, 20]])
  const ways = (attempts: ReturnType<typeof writes>) =>
    (['haproxy', 'haproxy-plain', 'pgbouncer', 'pgbouncer-session'] as const).flatMap(by =>
      attempts.map(one => ({ ...one, by, writer: `fresh ${by}` })),
    )

  it('is what is said while all commit, a deadline after the outage and later', () => {
    const said = [says(0, 'ok'), says(11, 'fail', noAnswer), says(30, 'ok')]
    // From 20 s + 3.5 s on.
    expect(figuresOf(run({ attempts: ways(attempts), said })).falseFail).toBe(6.5)
  })

  it('is none with a root that is right, such as two primaries', () => {
    const split = reason('cluster/kb', 'cluster_split_brain')
    const expected = { phases: [{ from: 'promoted', roots: ['cluster/kb cluster_split_brain'] }] }
    const said = [says(0, 'ok'), says(11, 'fail', split), says(30, 'ok')]
    const marks = [{ at: at(10), what: 'promoted' }]
    expect(figuresOf(run({ expected, marks, said })).falseFail).toBe(0)
  })
})

describe('the root', () => {
  const attempts = writes('fresh haproxy 1', [[10, 30]])
  const marks = [
    { at: at(10), what: 'etcd stopped' },
    { at: at(30), what: 'healed' },
  ]
  const phases = [
    { from: 'etcd stopped', roots: ['* cluster_dcs_lost'] },
    { from: 'healed', roots: ['write_path/* write_path_check_lag'] },
  ]
  const lag = reason('write_path/haproxy', 'write_path_check_lag')

  it('is right while one that ends the outage is shown, in each phase another', () => {
    const said = [
      says(0, 'ok'),
      says(12, 'fail', noAnswer),
      says(16, 'fail', dcs),
      says(31, 'fail', lag),
      says(36, 'ok'),
    ]
    const figures = figuresOf(run({ attempts, marks, said, expected: { phases } }))
    // Of four ways.
    expect(figures).toMatchObject({ rootShown: 4 * 24, rootRight: 4 * 20, untilFail: 2.2, untilRoot: 6.2 })
  })

  it('of the phase before is right for an interval and a timeout more', () => {
    const said = [says(0, 'ok'), says(12, 'fail', dcs), says(40, 'ok')]
    expect(figuresOf(run({ attempts, marks, said, expected: { phases } })).rootRight).toBe(4 * (18 + 3.5))
  })

  it('is matched by probe, target and code, with a star for any', () => {
    expect(matches('cluster/kb cluster_dcs_lost', dcs)).toBe(true)
    expect(matches('* cluster_dcs_lost', dcs)).toBe(true)
    expect(matches('cluster/* *', dcs)).toBe(true)
    expect(matches('write_path/* *', dcs)).toBe(false)
    expect(matches('cluster/kb cluster_dcs', dcs)).toBe(false)
    expect(matches('cluster/k. cluster_dcs_lost', dcs)).toBe(false)
  })
})

it('says for how long the exporter had no CPU', () => {
  const starved = reason('postgres/n1', 'exporter_starved', { verdict: 'unknown' })
  const said = [says(0, 'ok'), says(10, 'unknown', starved), says(12.5, 'ok')]
  expect(figuresOf(run({ said })).starved).toBe(2.5)
})

it('counts how often the verdict turns, each way', () => {
  const said = [says(0, 'ok'), says(10, 'fail', dcs), says(11, 'warn'), says(12, 'fail', dcs), says(13, 'ok')]
  expect(figuresOf(run({ said }))).toMatchObject({ toFail: 2, fromFail: 2 })
})

describe('harmful advice', () => {
  const fence = reason('cluster/kb', 'cluster_split_brain', { remedy: 'Fence n2 at once.' })

  it('is found in any reason, at any moment, by who holds the lock then', () => {
    const said = [says(0, 'ok'), says(10, 'warn', undefined, { reasons: [fence] }), says(20, 'ok')]
    const figures = figuresOf(run({ said, truth: [elected(0, 'n1'), elected(19.7, 'n2')] }))
    expect(figures.harm).toMatchObject([{ rule: 'fence the holder of the lock', seconds: 0.3 }])
    expect(brokenPromises(figures)).toEqual([
      'harmful advice for 0.3 s: fence the holder of the lock (cluster/kb cluster_split_brain)',
    ])
  })

  it('is also what the scenario alone forbids', () => {
    const raise = reason('write_path/haproxy', 'write_path_too_many_connections', { remedy: 'Raise max_connections.' })
    const figures = figuresOf(
      run({ said: [says(0, 'fail', raise)], expected: { phases: [], harmful: ['max_connections'] } }),
    )
    expect(figures.harm).toMatchObject([{ rule: 'max_connections', seconds: 60 }])
  })
})

describe('what has to be said before', () => {
  const attempts = writes('fresh haproxy 1', [[20, 30]])
  const early = [says(0, 'ok'), says(13, 'warn', undefined, { reasons: [dcs] }), says(21, 'fail', dcs)]
  const told = (before: string, reasonCode = '* cluster_dcs_lost') => [{ reason: reasonCode, before }]

  it('was said so many seconds before the first outage, or before a mark', () => {
    const marks = [{ at: at(15), what: 'promoted' }]
    const outage = figuresOf(run({ attempts, said: early, expected: { phases: [], told: told('outage') } }))
    expect(outage.told).toMatchObject([{ seconds: 6.8 }])
    const mark = figuresOf(run({ attempts, marks, said: early, expected: { phases: [], told: told('promoted') } }))
    expect(mark.told).toMatchObject([{ seconds: 2 }])
  })

  it('was not if it came later, or never', () => {
    const late = figuresOf(
      run({ attempts, said: [says(0, 'ok'), says(21, 'fail', dcs)], expected: { phases: [], told: told('outage') } }),
    )
    expect(brokenPromises(late)).toContain('not said before outage: * cluster_dcs_lost')
    const never = figuresOf(run({ expected: { phases: [], told: told('end', '* cluster_failsafe_active') } }))
    expect(never.told[0]?.seconds).toBeUndefined()
  })
})

describe('lost rows', () => {
  const lost = writes('fresh haproxy 1', []).slice(0, 3)

  it('must be said', () => {
    expect(brokenPromises(figuresOf(run({ lost })))).toEqual(['3 rows were lost, and no reason says so'])
    const back = reason('cluster/kb', 'cluster_timeline_went_back')
    const said = [says(0, 'ok'), says(10, 'ok', undefined, { reasons: [back] })]
    expect(figuresOf(run({ lost, said }))).toMatchObject({ lost: 3, lostTold: true })
  })
})
