import { describe, expect, it } from 'vitest'
import { lagMs } from '../../../src/assess/path/check-lag.ts'
import { landingOn, node, primaryFacts, standbyFacts, start, type Looked } from '../../status/looked.ts'
import type { HaproxyServer } from '../../../src/probes/haproxy/observe.ts'
import { valueOf } from '../../probes/values.ts'
import { serverDown, serverUp } from '../../status/haproxy.ts'
import {
  balancer,
  byBalancer,
  byPooler,
  database,
  lock,
  pooler,
  shutOut,
  silentBalancer,
  story,
  through,
  saidOf,
} from '../platform.ts'

const [first, second] = ['db-1', 'db-2'] as const
/** After a switchover from db-1 to db-2, looked at so many milliseconds later. */
const afterAt = (ms: number) => [
  node(first, standbyFacts(1), { at: start + ms }),
  node(second, primaryFacts(2), { at: start + ms }),
]
const after = afterAt(0)
const before = [node(first, primaryFacts(1)), node(second, standbyFacts(2))]
const onOld = through(byBalancer, [landingOn(standbyFacts(1))])
const onNew = through(byBalancer, [landingOn(primaryFacts(2))])
const codesOf = ({ path }: { path: { reasons: readonly { code: string }[] } }) => path.reasons.map(({ code }) => code)

describe('check lag of HAProxy', () => {
  it('is said of a path on the demoted node that HAProxy still has UP, and says to wait', () => {
    const { path, root } = saidOf(...after, onOld, balancer([serverUp(first), serverDown(second)]))
    expect([root, codesOf({ path })]).toEqual(['write_path/app write_path_check_lag', ['write_path_check_lag']])
    expect(path.reasons[0]).toMatchObject({
      text: 'lb-1:5000: HAProxy lb-1 still leads to db-1 (UP, L7OK 200), a standby, and does not lead to db-2 yet, the primary (DOWN, L7STS 503: not the leader by the last check)',
      remedy: expect.stringMatching(/^Wait: .*Point nothing elsewhere/) as string,
    })
    // The run itself met SQLSTATE 25006.
    expect(valueOf(path, 'mailpath_write_path_read_only')).toBe(1)
  })

  it('is said of a path that HAProxy closes while it has not taken the new primary in', () => {
    const { path, root } = saidOf(
      ...after,
      through(byBalancer, [], shutOut('closed')),
      balancer([serverDown(first), serverDown(second)]),
    )
    expect(root).toBe('write_path/app write_path_check_lag')
    expect(path.reasons[0]?.text).toBe(
      'lb-1:5000: HAProxy lb-1 does not lead to db-2 yet, the primary (DOWN, L7STS 503: not the leader by the last check)',
    )
  })

  it('is said of a path whose session happened to commit, while HAProxy leads to a standby as well', () => {
    const { path } = saidOf(...after, onNew, balancer([serverUp(first), serverUp(second)]))
    expect([codesOf({ path }), path.verdict]).toEqual([['write_path_check_lag'], 'fail'])
  })

  it('does not advise to wait where HAProxy waits for a leader lock that no member holds', () => {
    const shut = [through(byBalancer, [], shutOut('closed')), balancer([serverDown(first), serverDown(second)])]
    const remedyIf = (holdsLock: boolean) => saidOf(...after, lock(holdsLock), ...shut).path.reasons[0]?.remedy
    expect(remedyIf(false)).toContain('once it holds the leader lock of Patroni')
    expect(remedyIf(true)).toMatch(/^Wait/)
  })

  it('counts no seconds without a write while some session commits', () => {
    const both = balancer([serverUp(first), serverUp(second)])
    const said = story(...[1, 2].map(() => ({ all: [...after, onNew, both] })))
    expect(valueOf(said[1]?.assessment ?? { samples: [] }, 'mailpath_write_path_outage_seconds_total')).toBe(0)
  })

  it('flips the verdict once each way in a switchover, though sessions alternate between two nodes', () => {
    const both = balancer([serverUp(first), serverUp(second)])
    const verdicts = story(
      {
        all: [
          ...before,
          through(byBalancer, [landingOn(primaryFacts(1))]),
          balancer([serverUp(first), serverDown(second)]),
        ],
      },
      { all: [...after, onOld, balancer([serverUp(first), serverDown(second)])] },
      { all: [...after, onNew, both] },
      { all: [...after, onOld, both] },
      { all: [...after, onNew, both] },
      {
        all: [...after, through(byBalancer, [], shutOut('closed')), balancer([serverDown(first), serverDown(second)])],
      },
      { all: [...after, onNew, balancer([serverDown(first), serverUp(second)])] },
      { all: [...after, onNew, balancer([serverDown(first), serverUp(second)])] },
    ).map(({ path }) => path.verdict)
    expect(verdicts).toEqual(['ok', 'fail', 'fail', 'fail', 'fail', 'fail', 'ok', 'ok'])
  })

  it('does not begin with a view from before the run, and does not end with one', () => {
    const old = balancer([serverUp(first), serverUp(second)], start - 5_000)
    expect(saidOf(...after, onNew, old).path.verdict).toBe('ok')
    const lags = [...after, through(byBalancer, [landingOn(standbyFacts(1))], { at: start - 6_000 }), old]
    const [, next] = story({ all: lags }, { all: [...after, onNew, old] })
    expect(next?.path.verdict).toBe('fail')
  })

  it('is not said of a node that was promoted after it was last looked at, and then taken in', () => {
    const promoted = serverUp(second, { lastChangeAt: start + 5_000 })
    const run = through(byBalancer, [landingOn(primaryFacts(2))], { at: start + 6_000 })
    const view = balancer([serverUp(first, { status: 'MAINT' }), promoted], start + 7_000)
    const [said] = story({ at: start + 7_000, all: [...before, run, view] })
    expect(said?.path.verdict).toBe('ok')
  })

  it('goes on for a path that committed on the old primary before that was found to be a standby', () => {
    const world = (demotedAt: number) => [
      node(first, standbyFacts(1), { at: start + demotedAt }),
      node(second, primaryFacts(2), { at: start + demotedAt }),
      through(byBalancer, [landingOn(primaryFacts(1))]),
      balancer([serverUp(first), serverDown(second)], start + 100),
    ]
    expect(saidOf(...world(1_000)).path.verdict).toBe('fail')
    // The run is later: the node was promoted since.
    expect(saidOf(...world(-1_000)).path.verdict).toBe('ok')
  })

  it('stays the cause until the path has run since HAProxy leads right, and the path runs at once', () => {
    const lags = [...after, onOld, balancer([serverUp(first), serverDown(second)])]
    const right = (runs: Looked, at = start + 1_000) => [
      ...after,
      runs,
      balancer([serverDown(first), serverUp(second)], at),
    ]
    const late = through(byBalancer, [landingOn(primaryFacts(2))], { at: start + 1_200 })
    const [, since, run] = story({ all: lags }, { all: right(onOld) }, { all: right(late) })
    expect([since?.root, since?.assessment.recheck]).toEqual([
      'write_path/app write_path_check_lag',
      ['write_path/app'],
    ])
    expect([run?.path.verdict, run?.assessment.recheck]).toEqual(['ok', []])
  })

  it('ends if the path fails in the same way once HAProxy leads right', () => {
    const lags = [...after, onOld, balancer([serverUp(first), serverDown(second)])]
    const closed = (at: number) => through(byBalancer, [], { ...shutOut('closed'), at: start + at })
    const right = (at: number) => balancer([serverDown(first), serverUp(second)], start + at)
    const said = story(
      { all: lags },
      { all: [...after, closed(1_500), right(1_000)] },
      { all: [...after, closed(1_500), right(2_000)] },
      { all: [...after, closed(2_500), right(2_000)] },
      { all: [...after, closed(2_500), right(3_000)] },
    )
    expect(said.at(-1)?.root).toBe('write_path/app write_path_closed')
    // The two do not have each other looked at for ever.
    expect(said.at(-1)?.assessment.recheck).toEqual(['postgres/db-2'])
  })

  it('has HAProxy looked at again at once if a path fails after its last look', () => {
    const closed = through(byBalancer, [], { ...shutOut('closed'), at: start + 1_000 })
    const view = (at: number) => balancer([serverDown(first), serverDown(second)], start + at)
    expect(saidOf(...after, closed, view(0)).assessment.recheck).toEqual(['haproxy/lb-1', 'postgres/db-2'])
    expect(saidOf(...afterAt(2_000), closed, view(2_000)).assessment.recheck).toEqual([])
    const committed = through(byBalancer, [landingOn(primaryFacts(2))], { at: start + 1_000 })
    expect(saidOf(...after, committed, balancer([serverDown(first), serverUp(second)])).assessment.recheck).toEqual([])
  })

  it.each(['pooler', 'silent'] as const)('is the cause until PgBouncer tries again (%s)', how => {
    const both = { ...byBalancer, ...byPooler }
    const refused = (at: number) => through(both, [], { ...shutOut(how, 'pool-1:6432'), at: start + at })
    const right = (at: number) => balancer([serverDown(first), serverUp(second)], start + at)
    const calm = pooler([database({ host: 'lb-1' })])
    const lags = [...after, refused(0), balancer([serverUp(first), serverDown(second)]), calm]
    const said = story(
      { all: lags },
      { all: [...after, refused(1_500), right(1_000), calm] },
      { at: start + lagMs + 1_000, all: [...afterAt(lagMs), refused(lagMs), right(lagMs), calm] },
    )
    expect(said.map(({ root }) => root)).toEqual([
      'write_path/app write_path_check_lag',
      'write_path/app write_path_check_lag',
      `write_path/app write_path_${how === 'silent' ? 'no_answer' : 'pooler_refused'}`,
    ])
    expect(said[1]?.path.reasons[0]?.text).toContain('PgBouncer has yet to try that')
  })

  it('says that the check does not ask for the role once it has lasted for a minute', () => {
    const look = (at: number) => {
      const nodes = [node(first, standbyFacts(1), { at }), node(second, primaryFacts(2), { at })]
      const run = through(byBalancer, [landingOn(standbyFacts(1))], { at })
      return { at, all: [...nodes, run, balancer([serverUp(first), serverUp(second)], at)] }
    }
    const [one, two] = story(look(start), look(start + lagMs))
    expect(one?.path.reasons[0]?.remedy).toMatch(/^Wait/)
    expect(two?.path.reasons[0]?.remedy).toMatch(/the health check of write in HAProxy lb-1 does not ask for the role/)
  })

  it('decides nothing while HAProxy is silent, or does not say where its servers are', () => {
    expect(codesOf(saidOf(...after, onOld, silentBalancer()))).toEqual(['write_path_read_only'])
    expect(codesOf(saidOf(...after, onNew, balancer([serverUp('n1'), serverUp('n2')])))).toEqual([])
  })
})

describe('a server that gets no sessions while another one takes them', () => {
  const [right, wrong] = [serverUp(second), serverUp(first)]
  const verdictOf = (...servers: readonly HaproxyServer[]) => saidOf(...after, onNew, balancer(servers)).path.verdict

  it.each<[string, Partial<HaproxyServer>]>([
    ['a backup', { backup: true }],
    ['one with weight 0', { weight: 0 }],
    ['NOLB', { status: 'NOLB' }],
  ])('is no check lag: %s', (_, more) => {
    expect(verdictOf({ ...wrong, ...more }, right)).toBe('ok')
    expect(verdictOf(right, { ...wrong, ...more })).toBe('ok')
  })

  it('is check lag if it is a backup, and no other server is UP', () => {
    const servers = [{ ...wrong, backup: true }, serverDown(second)]
    const { path } = saidOf(...after, through(byBalancer, [], shutOut('closed')), balancer(servers))
    expect(path.reasons[0]?.text).toMatch(
      /^lb-1:5000: HAProxy lb-1 still leads to db-1 .* and does not lead to db-2 yet/,
    )
  })

  it('does not make a path fail if HAProxy does not say which one it is, and one of them is right', () => {
    const unsure = [right, wrong].map(one => ({ ...one, backup: undefined }))
    expect(verdictOf(...unsure)).toBe('ok')
    expect(codesOf(saidOf(...after, onOld, balancer(unsure)))).toEqual(['write_path_check_lag'])
  })

  it('is the only one that counts of several servers of one node, if it is UP', () => {
    const twice = [serverDown(second), serverUp(second, { server: 'db-2-again' })]
    const named = { servers: { 'db-2-again': second } }
    const closed = through(byBalancer, [], shutOut('closed'))
    expect(codesOf(saidOf(...after, closed, balancer(twice, start, named)))).toEqual(['write_path_closed'])
  })
})

describe('a server in maintenance', () => {
  it.each(['MAINT', 'DRAIN'] as const)('of the primary is the reason why no session reaches it (%s)', status => {
    const shut = balancer([serverDown(first), serverUp(second, { status })])
    const { path, root } = saidOf(...after, through(byBalancer, [], shutOut('closed')), shut)
    expect(root).toBe('write_path/app write_path_server_in_maintenance')
    expect(path.reasons[0]?.remedy).toMatch(/^If the work on db-2 is done: set server write\/db-2 state ready/)
  })

  it('of a standby is no reason', () => {
    const { path } = saidOf(...after, onNew, balancer([serverUp(first, { status: 'MAINT' }), serverUp(second)]))
    expect(path.verdict).toBe('ok')
  })
})
