import { describe, expect, it } from 'vitest'
import type { Assessment, Memory } from '../../../src/assess/assessment.ts'
import { shiftMemory } from '../../../src/assess/assessment.ts'
import { clusterReasons } from '../../../src/assess/cluster/reasons.ts'
import type { Reason } from '../../../src/core/probe.ts'
import type { PatroniFacts, PatroniMember } from '../../../src/probes/patroni/answer.ts'
import type { NodeFacts } from '../../../src/probes/postgres/observe.ts'
import { postgres } from '../../../src/probes/postgres/index.ts'
import {
  assessed,
  node,
  nodeTarget,
  reported,
  rung,
  path,
  landingOn,
  primaryFacts,
  standbyFacts,
  start,
  type Looked,
} from '../../status/looked.ts'
import { leaderSays, listedMember, patroniOf, replicaSays } from '../../status/patroni.ts'

const second = 1_000

/** What a node is found as by SQL (undefined: it refuses), and by its Patroni (`silent`, or not looked at). */
interface Found {
  readonly sql?: NodeFacts | undefined
  readonly says?: PatroniFacts | 'silent' | undefined
  readonly dcsAgeMs?: number
  readonly members?: readonly PatroniMember[]
}
type World = readonly Found[]

function looksAt(world: World, at: number): Looked[] {
  return world.flatMap(({ sql, says, ...more }, i) => [
    node(`db-${i + 1}`, sql, { at }),
    ...(says === undefined ? [] : [patroniOf(`db-${i + 1}`, says === 'silent' ? undefined : says, { at, ...more })]),
  ])
}

/** One world after the other, each looked at `everyMs` after the one before. */
function story(worlds: readonly World[], { everyMs = 2 * second, others = [] as readonly Looked[] } = {}) {
  let previous: Memory | undefined
  return worlds.map((world, i) => {
    const at = start + i * everyMs
    const all = assessed([...looksAt(world, at), ...others], { now: at + 1, ...(previous && { previous }) })
    previous = all.memory
    return all
  })
}

const times = <T>(count: number, one: T): T[] => Array.from({ length: count }, () => one)
const last = <T>(list: readonly T[]): T => {
  const found = list.at(-1)
  if (found === undefined) throw new Error('there is none')
  return found
}
const clusterIn = ({ clusters: [cluster] }: Assessment) => {
  if (!cluster) throw new Error('there is no cluster')
  return cluster
}
const reasonsIn = (all: Assessment): readonly Reason[] => clusterIn(all).reasons
const saidIn = (all: Assessment) => reasonsIn(all).map(({ code, verdict }) => `${code} ${verdict}`)
const rootIn = (all: Assessment): Reason => {
  const root = reasonsIn(all).find(({ verdict }) => verdict === 'fail')
  if (!root) throw new Error(`nothing fails: ${saidIn(all).join(', ')}`)
  return root
}

/** What does harm under Patroni, in whatever words. */
const harmful = /(?<!Or )\bpromote (a|the|one|db-\d|another)|Fence db-1|pg_promote|pg_ctl promote/i

const healthy: World = [
  { sql: primaryFacts(1), says: leaderSays(1) },
  { sql: standbyFacts(2), says: replicaSays(2) },
  { sql: standbyFacts(3), says: replicaSays(3) },
]
const aged = (world: World, ...agesMs: readonly number[]): World =>
  world.map((one, i) => ({ ...one, dcsAgeMs: agesMs[i] ?? 2 * second }))
const saying = (world: World, fields: Partial<PatroniFacts>): World =>
  world.map(one => ({ ...one, says: typeof one.says === 'object' ? { ...one.says, ...fields } : one.says }))
const unlocked: World = saying(
  [1, 2, 3].map(number => ({ sql: standbyFacts(number), says: replicaSays(number) })),
  { clusterUnlocked: true },
)

describe('a cluster with Patroni', () => {
  it('is ok where both views agree, and names the holder of the lock', () => {
    const [all] = story([healthy])
    expect(all && clusterIn(all)).toMatchObject({
      verdict: 'ok',
      hasPatroni: true,
      lockHolder: 'db-1',
      primary: 'db-1',
    })
    const without = assessed(healthy.map(({ sql }, i) => node(`db-${i + 1}`, sql)))
    expect(clusterIn(without)).toMatchObject({ hasPatroni: false, lockHolder: undefined })
  })

  it('knows the node of a member by the key, by the name of the member, by its address, and by the host', () => {
    const nodes = [node('one', primaryFacts(1)), node('two', standbyFacts(2))]
    const holderOf = (...patronis: readonly Looked[]) => clusterIn(assessed([...nodes, ...patronis])).lockHolder
    const says = leaderSays(1, { name: 'pg-1' })
    expect(holderOf(patroniOf('x', says, { node: 'two' }))).toBe('two')
    expect(holderOf(patroniOf('x', { ...says, name: 'two' }))).toBe('two')
    expect(holderOf(patroniOf('x', says, { members: [listedMember(1, { name: 'pg-1' })] }))).toBe('one')
    expect(holderOf(patroniOf('one', says))).toBe('one')
    expect(holderOf(patroniOf('10.0.0.121', says))).toBe('one')
    expect(holderOf(patroniOf('x', says))).toBeUndefined()
  })

  it('knows an old Patroni, which does not say its name, by what the holder lists, and once silent by what was known', () => {
    const old = (number: number, says: PatroniFacts) =>
      patroniOf(
        '127.0.0.1',
        { ...says, name: undefined },
        {
          url: `http://127.0.0.1:800${number}`,
          ...(number === 1 && {
            members: [1, 2].map(one => listedMember(one, { apiUrl: `http://127.0.0.1:800${one}/patroni` })),
          }),
        },
      )
    const nodes = [node('db-1', primaryFacts(1)), node('db-2', standbyFacts(2))]
    const looks = [1, 2].map(number => {
      const { check, observation } = old(number, number === 1 ? leaderSays(1) : replicaSays(2))
      const config = { ...check.config, name: `patroni-${number}` }
      const target = config.name
      return { check: { ...check, config, target }, observation: observation && { ...observation, config, target } }
    })
    const before = assessed([...nodes, ...looks])
    expect(clusterIn(before).lockHolder).toBe('db-1')
    const silent = patroniOf('1', undefined, { url: 'http://127.0.0.1:8001' })
    const after = assessed([...nodes, silent], { now: start + 1, previous: before.memory })
    expect(reasonsIn(after)[0]?.text).toContain('the Patroni of db-1, the primary, does not answer')
  })

  it('does not know the holder once the look is stale, and takes the later one of two', () => {
    const old = patroniOf('db-1', leaderSays(1), { at: start - 60 * second })
    const nodes = [node('db-1', standbyFacts(1)), node('db-2', primaryFacts(2))]
    expect(clusterIn(assessed([...nodes, old])).lockHolder).toBeUndefined()
    const both = [patroniOf('db-1', leaderSays(1), { at: start - 1 }), patroniOf('db-2', leaderSays(2))]
    expect(clusterIn(assessed([...nodes, ...both])).lockHolder).toBe('db-2')
    expect(clusterIn(assessed([...nodes, ...both.toReversed()])).lockHolder).toBe('db-2')
  })
})

describe('a DCS that is lost', () => {
  const lost = aged(healthy, 16 * second, 17 * second, 16 * second)

  it('is said before the outage, and is the root of it; then everything is well by itself', () => {
    const all = story([healthy, lost, aged(unlocked, 20 * second, 21 * second, 20 * second), healthy])
    expect(all.map(saidIn)).toEqual([[], ['cluster_dcs_lost warn'], ['cluster_dcs_lost fail'], []])
    const [, before, after] = all
    expect(before && reasonsIn(before)[0]?.text).toBe(
      'cluster keybuzz: no Patroni that answers reaches the DCS (db-1 last 16 s ago, db-2 last 17 s ago, db-3 last 16 s ago); db-1 is primary still, and is demoted if that lasts, unless failsafe_mode is on',
    )
    expect(after && rootIn(after).remedy).toMatch(/^Bring the DCS back/)
  })

  it('is the root too while the old primary shuts down', () => {
    const closing: World = [{ says: replicaSays(1, { state: 'stopping', role: 'demoted', clusterUnlocked: true }) }]
    const all = story([healthy, aged([...closing, ...unlocked.slice(1)], 20_000, 20_000, 20_000)])
    expect(saidIn(last(all))).toEqual(['cluster_dcs_lost fail'])
  })

  it('for one node alone is that node cut off, and it is named', () => {
    const standby = last(story([aged(healthy, 2_000, 2_000, 40_000)]))
    expect(saidIn(standby)).toEqual(['cluster_dcs_lost warn'])
    expect(reasonsIn(standby)[0]).toMatchObject({
      text: 'cluster keybuzz: db-3 alone is cut off from the DCS: db-3 last 40 s ago, while db-1 and db-2 reach it; until it does, it is no candidate for a failover',
      remedy: expect.stringMatching(/^Fix the way from db-3 to the DCS/) as string,
    })
    const demoted: World = [
      { says: replicaSays(1, { clusterUnlocked: true }), sql: standbyFacts(1), dcsAgeMs: 20_000 },
      ...unlocked.slice(1),
    ]
    const all = story([healthy, aged(healthy, 16_000), demoted])
    expect(all.map(saidIn)).toEqual([[], ['cluster_dcs_lost warn'], ['cluster_dcs_lost fail']])
    expect(rootIn(last(all)).text).toContain('db-1 was cut off from the DCS')
    expect(rootIn(last(all)).remedy).toMatch(/^Wait: .*Fix the way from db-1/)
  })

  it('is not said of an age within max_dcs_age, nor of a clock that was set', () => {
    expect(saidIn(last(story([aged(healthy, 15_000, 15_000, 15_000)])))).toEqual([])
  })

  it('with failsafe_mode is one hung Patroni away from an outage; then the silent one is named', () => {
    const safe = saying(aged(healthy, 30_000, 30_000, 30_000), { failsafeActive: true, clusterUnlocked: true })
    const hung: World = [...safe.slice(0, 2), { sql: standbyFacts(3), says: 'silent' }]
    const after: World = [...aged(unlocked, 50_000, 50_000).slice(0, 2), { sql: standbyFacts(3), says: 'silent' }]
    const all = story([healthy, safe, safe, hung, after, after])
    expect(all.map(one => saidIn(one)[0])).toEqual([
      undefined,
      'cluster_failsafe_active warn',
      'cluster_failsafe_active warn',
      'cluster_failsafe_active warn',
      'cluster_dcs_lost fail',
      'cluster_dcs_lost fail',
    ])
    expect(reasonsIn(all[3] ?? last(all))[0]?.text).toMatch(
      /that of db-3 does not answer: db-1 is about to be demoted$/,
    )
    expect(rootIn(last(all)).text).toMatch(/failsafe_mode kept the primary only .* and that of db-3 does not$/)
  })
})

describe('a Patroni that is silent', () => {
  const dead = (number: number, world = healthy): World =>
    world.map((one, i) => (i + 1 === number ? { ...one, says: 'silent' as const } : one))

  it('at the primary is a split brain that is near, and is said before it', () => {
    const promoted: World = [
      { sql: primaryFacts(1), says: 'silent' },
      { sql: primaryFacts(2, { wal_file_timeline: '00000002' }), says: leaderSays(2) },
      healthy[2] ?? {},
    ]
    const all = story([healthy, dead(1), dead(1), promoted, promoted])
    expect(all.map(one => saidIn(one)[0])).toEqual([
      undefined,
      'cluster_patroni_silent warn',
      'cluster_patroni_silent warn',
      'cluster_patroni_silent warn',
      'cluster_split_brain fail',
    ])
    expect(reasonsIn(all[1] ?? last(all))[0]?.text).toMatch(/Patroni of db-1, the primary, .* a split brain is near$/)
    expect(rootIn(last(all)).remedy).toMatch(/^Keep db-2: it holds the leader lock of Patroni\. Fence db-1/)
  })

  it('at a standby only takes a candidate away', () => {
    const all = last(story([healthy, dead(3)]))
    expect(saidIn(all)).toEqual(['cluster_patroni_silent warn'])
    expect(reasonsIn(all)[0]?.text).toMatch(/Patroni of db-3 does not answer, .* no candidate/)
  })

  it('with its node is the problem of the node', () => {
    const gone: World = [...healthy.slice(0, 2), { says: 'silent' }]
    expect(saidIn(last(story([healthy, gone])))).toEqual([])
  })

  it('on all nodes without a primary is why none is elected', () => {
    const all = last(story([healthy, unlocked.map(({ sql }) => ({ sql, says: 'silent' as const }))]))
    expect(saidIn(all)).toEqual(['cluster_patroni_silent fail'])
    expect(rootIn(all).remedy).toMatch(/^See whether Patroni runs on db-1, db-2 and db-3 /)
  })

  it('is started in one way everywhere, and never by a restart, which would stop a Postgres that runs', () => {
    const safe = saying(aged(healthy, 30_000, 30_000, 30_000), { failsafeActive: true, clusterUnlocked: true })
    const none = unlocked.map(({ sql }) => ({ sql, says: 'silent' as const }))
    const taken: World = [{ sql: primaryFacts(1), says: 'silent' }, { says: leaderSays(2) }, healthy[2] ?? {}]
    const worlds = [dead(1), dead(3), [...safe.slice(0, 2), { ...healthy[2], says: 'silent' as const }], none, taken]
    const said = [
      ...worlds.flatMap(world => reasonsIn(last(story([healthy, world])))),
      ...Object.values(clusterReasons),
    ]
    const about = said.filter(({ remedy }) => remedy.includes('systemctl'))
    expect(about.length).toBeGreaterThan(worlds.length)
    for (const { remedy } of about) {
      expect(remedy).toMatch(
        /If it is down: systemctl start patroni.*kill -9 its main process alone.*Do not stop or restart/,
      )
      expect(remedy).not.toMatch(/systemctl restart|(?<!or )restart patroni/)
    }
  })

  it('is not one that was not looked at', () => {
    expect(saidIn(last(story([[{ sql: primaryFacts(1), says: leaderSays(1) }, { sql: standbyFacts(2) }]])))).toEqual([])
  })
})

describe('no primary', () => {
  const holding = (fields: Partial<PatroniFacts>, sql?: NodeFacts): World => [
    { sql, says: leaderSays(1, fields) },
    ...healthy.slice(1),
  ]

  it('while the holder of the lock is in recovery: Patroni promotes it, wait; after a while its log', () => {
    const promoting: World = [
      { says: 'silent' },
      { sql: standbyFacts(2), says: replicaSays(2, { holdsLock: true }) },
      healthy[2] ?? {},
    ]
    const all = story([healthy, ...times(20, promoting)])
    expect(new Set(all.slice(1).flatMap(saidIn))).toEqual(new Set(['cluster_no_primary fail']))
    expect(rootIn(all[1] ?? last(all))).toMatchObject({
      text: 'cluster keybuzz: db-2 holds the leader lock and is in recovery: Patroni is promoting it',
      remedy: expect.stringMatching(/^Wait/) as string,
    })
    expect(rootIn(last(all)).remedy).toMatch(/^See the log of Patroni and of Postgres on db-2/)
  })

  it('while the lock of a dead leader lasts: wait', () => {
    const all = last(story([healthy, [{ says: 'silent' }, ...healthy.slice(1)]]))
    expect(rootIn(all)).toMatchObject({
      code: 'cluster_no_primary',
      text: expect.stringMatching(
        /db-1, the last primary, is down \(.*\), and no Patroni that answers holds the leader lock/,
      ) as string,
      remedy: expect.stringMatching(/^Wait: Patroni elects/) as string,
    })
  })

  it('that none elects though no node is down: etcd may have no majority', () => {
    const none = [1, 2, 3].map(n => ({ sql: standbyFacts(n), says: replicaSays(n, { clusterUnlocked: true }) }))
    const all = story([healthy, ...times(4, none)])
    expect(rootIn(all[1] ?? last(all)).remedy).toMatch(/^Wait: Patroni elects/)
    expect(rootIn(last(all)).remedy).toContain('etcd needs more than half of its members')
  })

  it('is not concluded while a node that was not seen may be it', () => {
    const refused = [node('db-1', undefined), ...looksAt(healthy, start).filter(({ check }) => check.target !== 'db-1')]
    expect(saidIn(assessed(refused))).toEqual(['cluster_primary_unknown unknown'])
  })

  it('of a standby cluster is by design', () => {
    const all = last(
      story([[{ sql: standbyFacts(1), says: leaderSays(1, { role: 'standby_leader' }) }, ...healthy.slice(1)]]),
    )
    expect(saidIn(all)).toEqual(['cluster_standby_by_design fail'])
  })

  it('in maintenance mode, or where each standby has the tag nofailover, is why no node is promoted', () => {
    const gone: World = [{ says: 'silent' }, ...healthy.slice(1)]
    const tagged = { tags: { nofailover: true, noloadbalance: false, nostream: false } }
    const paused = story([saying(healthy, { paused: true }), saying(gone, { paused: true })])
    const never = story([saying(healthy, tagged), saying(gone, tagged)])
    for (const all of [paused, never])
      expect(all.map(saidIn)).toEqual([['cluster_no_candidate warn'], ['cluster_no_candidate fail']])
    expect(rootIn(last(paused)).remedy).toMatch(/patronictl resume.* Or start the last primary, db-1, again/)
    expect(rootIn(last(never)).text).toMatch(/each standby that runs has the tag nofailover \(db-2 and db-3\)$/)
  })

  it('while the WAL volume of the holder is full: one root, with what filled it, over all its restarts', () => {
    const slot = { name: 'old', active: false, wal_status: 'extended', safe_wal_size: null, kept: 50 * 2 ** 30 }
    const filling: World = [{ sql: primaryFacts(1, { slots: [slot] }), says: leaderSays(1) }, ...healthy.slice(1)]
    const crashed = holding({ state: 'crashed' })
    const starting = holding({ state: 'starting', role: 'replica' })
    const upForAMoment = holding({ role: 'replica' }, standbyFacts(1, { receiver_running: false }))
    const all = story([filling, crashed, starting, upForAMoment, crashed, starting, upForAMoment])
    const [, ...outage] = all
    expect(new Set(outage.map(one => rootIn(one).code))).toEqual(new Set(['cluster_leader_crash_looping']))
    for (const one of outage) {
      expect(rootIn(one).text).toMatch(/before that, .*replication slot old keeps 51200 MiB of WAL back/)
      expect(rootIn(one).remedy).toMatch(/free space .* remove nothing in pg_wal by hand.*pg_drop_replication_slot/s)
    }
    const back = story([filling, crashed, ...times(20, healthy)])
    expect(saidIn(last(back))).toEqual([])
    expect(last(back).memory.clusters.get('keybuzz')?.down).toBeUndefined()
  })

  it('while the holder restarts is no crash loop, unless it takes long or comes again', () => {
    const starting = holding({ state: 'starting', role: 'replica' })
    const up = holding({}, undefined)
    const codes = (worlds: readonly World[]) => story(worlds).map(all => saidIn(all)[0])
    const planned = codes([healthy, holding({ state: 'restarting' }), starting, up, healthy])
    expect(planned).toEqual([undefined, ...times(2, 'cluster_no_primary fail'), planned[3], undefined])
    expect(planned[3]).not.toBe('cluster_leader_crash_looping fail')
    expect(codes([healthy, ...times(8, starting)]).at(-1)).toBe('cluster_leader_crash_looping fail')
    expect(codes([healthy, starting, healthy, starting]).at(-1)).toBe('cluster_leader_crash_looping fail')
    expect(codes([healthy, holding({ state: 'crashed' }), starting]).at(-1)).toBe('cluster_leader_crash_looping fail')
  })

  it('after a write path met a full disk there, says so', () => {
    const met = { ladder: [{ ...rung('commit'), ok: false, code: '53100', text: 'could not extend file' }] }
    const full = (at: number) => path('DATABASE_URL', [landingOn(primaryFacts(1))], { at, ...met })
    const before = assessed([...looksAt(healthy, start), full(start)], { now: start })
    const after = assessed(looksAt(holding({ state: 'crashed' }), start + second), {
      now: start + second,
      previous: before.memory,
    })
    expect(rootIn(after).text).toMatch(/before that, .*could not extend file/)
    expect(rootIn(after).remedy).toMatch(/free space on it/)
  })

  it('for another reason of the crash, the remedy is its log', () => {
    const all = last(story([healthy, holding({ state: 'start failed' })]))
    expect(rootIn(all)).toMatchObject({ code: 'cluster_leader_crash_looping' })
    expect(rootIn(all).text).toMatch(/Patroni says start failed; db-1:5432: connect ECONNREFUSED/)
    expect(rootIn(all).remedy).toMatch(
      /^Wait some seconds: Patroni starts it again\. If that fails: See the log of Postgres/,
    )
    const long = last(story([healthy, ...times(10, holding({ state: 'start failed' }))]))
    expect(rootIn(long).text).toMatch(/its Postgres does not stay up, for 18 s/)
    expect(rootIn(long).remedy).toMatch(/^See the log of Postgres/)
  })

  it('that SQL can ask, as all its slots are taken by commits that hang, is no reason against the write path', () => {
    const config = node('db-1', primaryFacts(1))
    const full = reported(postgres, nodeTarget('db-1'), ['postgres_too_many_connections'])
    const others = looksAt(healthy, start).filter(
      ({ check }) => !(check.probe === 'postgres' && check.target === 'db-1'),
    )
    const all = assessed([{ ...config, observation: full }, ...others])
    expect(saidIn(all)).toEqual(['cluster_primary_unknown unknown'])
    expect(reasonsIn(all)[0]?.text).toMatch(/by its Patroni db-1 is the primary, and runs$/)
  })

  it('where the connection is refused and Patroni says that it runs is not concluded, and Patroni is asked again', () => {
    const earlier = [patroniOf('db-1', leaderSays(1), { at: start - second })]
    const others = looksAt(healthy, start).filter(({ check }) => !check.target.endsWith('db-1'))
    const all = assessed([node('db-1', undefined), ...earlier, ...others])
    expect(saidIn(all)[0]).toBe('cluster_primary_unknown unknown')
    expect(all.recheck).toContain('patroni/patroni-db-1')
  })
})

describe('a primary that was not elected', () => {
  const twice: World = [
    healthy[0] ?? {},
    {
      sql: primaryFacts(2, { wal_file_timeline: '00000002' }),
      says: replicaSays(2, { role: 'primary', paused: true }),
    },
    healthy[2] ?? {},
  ]

  it('is named beside the split brain, and the holder of the lock is never the one to fence, wherever clients write', () => {
    const writer = (at: number) => path('DATABASE_URL', [landingOn(primaryFacts(2))], { at })
    const all = story([healthy, twice, twice, twice], { others: [writer(start + 4 * second)] })
    expect(saidIn(all[1] ?? last(all))).not.toContain('cluster_primary_not_elected warn')
    // Nor is a resume advised: Patroni would rewind db-2 at once, with its rows.
    expect(saidIn(last(all))).toEqual(['cluster_split_brain fail', 'cluster_primary_not_elected warn'])
    expect(rootIn(last(all)).remedy).toMatch(/^Keep db-1: it holds the leader lock of Patroni\. Fence db-2/)
    const reason = reasonsIn(last(all)).find(({ code }) => code === 'cluster_primary_not_elected')
    expect(reason?.text).toContain(
      'db-2 takes writes, and does not hold the leader lock (maintenance mode is on): db-1 holds it',
    )
    for (const one of all) for (const { remedy } of reasonsIn(one)) expect(remedy).not.toMatch(/Fence db-1/)
  })

  it('is not fenced while nothing tells who holds the lock', () => {
    const world: World = [{ sql: primaryFacts(1), says: 'silent' }, ...twice.slice(1)]
    const all = story([healthy, world, world])
    expect(clusterIn(last(all)).undecided).toBe(true)
    expect(rootIn(last(all)).remedy).toMatch(/^See which one holds the leader lock \(patronictl list\)/)
  })

  it('that is the only one is kept', () => {
    const alone: World = [{ sql: primaryFacts(1), says: leaderSays(1, { holdsLock: false }) }, ...healthy.slice(1)]
    const all = story([healthy, alone, alone])
    expect(all.map(saidIn)).toEqual([[], [], ['cluster_primary_not_elected warn']])
    expect(reasonsIn(last(all))[0]?.remedy).toMatch(/do not reinit db-1/)
  })
})

describe('a replica that Patroni takes for well', () => {
  const deaf = { receiver_running: false, receiver_status: null }
  const without = (lsn: (i: number) => number) =>
    times(20, 0).map((_, i): World => [
      ...healthy.slice(0, 2),
      { sql: standbyFacts(3, { ...deaf, wal_lsn: lsn(i) }), says: replicaSays(3) },
    ])

  it('has diverged once it has received and replayed nothing for half a minute', () => {
    const all = story([healthy, ...without(() => 4096)])
    expect(saidIn(all[2] ?? last(all))).toEqual([])
    expect(saidIn(last(all))).toEqual(['cluster_replica_diverged warn'])
    expect(reasonsIn(last(all))[0]?.remedy).toContain('patronictl reinit kb db-3')
  })

  it('has not while it replays WAL from an archive, nor when the primary has just changed', () => {
    expect(new Set(story([healthy, ...without(i => 4096 + i)]).flatMap(saidIn))).toEqual(new Set())
    const changed: World = [
      { sql: standbyFacts(1, { upstream_host: '10.0.0.122', received_timeline: 2 }), says: replicaSays(1) },
      { sql: primaryFacts(2, { wal_file_timeline: '00000002' }), says: leaderSays(2) },
      { sql: standbyFacts(3, { ...deaf, received_timeline: null }), says: replicaSays(3) },
    ]
    const all = story([healthy, ...without(() => 4096).slice(0, 10), ...times(10, changed)])
    expect(new Set(all.flatMap(saidIn))).toEqual(new Set())
  })
})

describe('other things that Patroni knows', () => {
  it('a parameter that waits for a restart, the standbys first', () => {
    const waiting = saying(healthy, { pendingRestart: true, pendingParameters: ['max_connections'] })
    expect(reasonsIn(last(story([waiting])))[0]).toMatchObject({
      code: 'cluster_pending_restart',
      text: 'cluster keybuzz: a changed parameter waits for a restart of db-1, db-2 and db-3 (max_connections)',
      remedy: 'In a quiet hour: patronictl restart kb db-2; patronictl restart kb db-3; patronictl restart kb db-1.',
    })
  })

  const listing = (members: readonly PatroniMember[], nodes = healthy) =>
    reasonsIn(last(story([[{ ...nodes[0], members }, ...nodes.slice(1)]])))

  it('a member that is no target here, a target that is no member, and both, which may be one server', () => {
    const [one, two, three] = [listedMember(1), listedMember(2), listedMember(3)]
    const other = listedMember(4, { name: 'pg-4', host: '10.1.0.4' })
    expect(listing([one, two, three])).toEqual([])
    expect(listing([one, two, three, other])[0]?.text).toMatch(
      /Patroni has the member pg-4, which is no postgres target/,
    )
    const more: World = [...healthy, { sql: standbyFacts(4) }]
    expect(listing([one, two, three], more)[0]?.text).toMatch(/the postgres target db-4 is no member/)
    expect(listing([one, two, three, other], more)[0]?.remedy).toMatch(/^If they are the same servers: set `node`/)
  })

  it('of a node whose Patroni is silent it does not say that it is no member: its key in the DCS has ended', () => {
    const world: World = [...healthy.slice(0, 2), { sql: standbyFacts(3), says: 'silent' }]
    const codes = listing([listedMember(1), listedMember(2)], world).map(({ code }) => code)
    expect(codes).toEqual(['cluster_patroni_silent'])
  })

  it('of an address that follows the primary it does not say that it is no member', () => {
    const vip = node('vip', primaryFacts(1))
    const members = [1, 2, 3].map(number => listedMember(number))
    const world = looksAt([{ ...healthy[0], members }, ...healthy.slice(1)], start)
    expect(reasonsIn(assessed([...world, vip]))).toEqual([])
  })
})

describe('a primary that is behind one before it', () => {
  const on = (number: number, timeline: number, lsn: number) =>
    primaryFacts(number, { wal_file_timeline: timeline.toString(16).padStart(8, '0'), wal_lsn: lsn })
  const first: World = [{ sql: on(1, 9, 4096) }, { sql: standbyFacts(2, { received_timeline: 9 }) }]
  const next: World = [{}, { sql: on(2, 10, 8192) }]
  const back: World = [{ sql: on(1, 9, 4200) }, { sql: standbyFacts(2, { received_timeline: 9 }) }]
  const count = (all: Assessment) => all.memory.writes.get('keybuzz')?.times

  it('has lost writes: a thawed leader takes its lock back', () => {
    const all = story([first, next, back, back])
    expect(all.map(saidIn)).toEqual([[], [], ['cluster_timeline_went_back fail'], ['cluster_timeline_went_back fail']])
    expect(all.map(count)).toEqual([0, 0, 1, 1])
    expect(rootIn(last(all)).text).toMatch(
      /db-1 is primary on timeline 9 at 0\/1068, and db-2 was primary on timeline 10 at 0\/2000 at /,
    )
  })

  it('also on the same timeline, and on a higher one that began before', () => {
    expect(saidIn(last(story([[{ sql: on(1, 1, 9000) }], [{ sql: on(1, 1, 8999) }]])))).toEqual([
      'cluster_timeline_went_back fail',
    ])
    expect(saidIn(last(story([[{ sql: on(1, 1, 9000) }], [{ sql: on(1, 2, 8000) }]])))).toEqual([
      'cluster_timeline_went_back fail',
    ])
    expect(saidIn(last(story([[{ sql: on(1, 1, 9000) }], [{ sql: on(1, 2, 9000) }]])))).toEqual([])
    expect(saidIn(last(story([first, next, next])))).toEqual([])
  })

  it('is not one of another cluster, nor one whose look is older, nor one of two primaries', () => {
    const other = { ...on(1, 1, 10), system_identifier: '7000000000000000009' }
    expect(saidIn(last(story([first, [{ sql: other }]])))).toEqual([])
    const unknown = { ...on(1, 1, 10), system_identifier: null }
    expect(saidIn(last(story([[{ sql: { ...on(1, 9, 9), system_identifier: null } }], [{ sql: unknown }]])))).toEqual(
      [],
    )
    const later = assessed(looksAt(next, start + 10))
    const older = assessed(looksAt(back, start), { now: start + 20, previous: later.memory })
    expect(saidIn(older)).toEqual([])
    const both: World = [{ sql: on(1, 9, 4200) }, { sql: on(2, 10, 8192) }]
    expect(story([first, next, both, both]).map(count)).toEqual([0, 0, 0, 0])
  })

  it('is said for a day, also after the clock was set, and counts on', () => {
    const { memory } = last(story([first, next, back]))
    const hours = (count: number) => count * 3_600 * second
    const later = (ms: number, previous = memory) => assessed(looksAt(back, start + ms), { now: start + ms, previous })
    expect(saidIn(later(hours(23)))).toEqual(['cluster_timeline_went_back fail'])
    expect([saidIn(later(hours(25))), count(later(hours(25)))]).toEqual([[], 1])
    expect(saidIn(later(hours(25), shiftMemory(memory, hours(2))))).toEqual(['cluster_timeline_went_back fail'])
  })

  it('stops no mail: mail is warn', () => {
    const writer = path('DATABASE_URL', [landingOn(on(1, 9, 4200))], { at: start + 4 * second })
    const all = last(story([first, next, back]))
    const { mail } = assessed([...looksAt(back, start + 4 * second), writer], {
      now: start + 4 * second,
      previous: all.memory,
      mail: [{ name: 'app', write_path: ['DATABASE_URL'], smtp: [], ses: [] } as never],
    })
    expect(mail[0]?.blockers.map(({ reason }) => reason.code)).not.toContain('cluster_timeline_went_back')
    expect(mail[0]?.exceptions.map(({ reason }) => reason.code)).toContain('cluster_timeline_went_back')
  })
})

it('never says what does harm', () => {
  const tagged = saying(healthy, { tags: { nofailover: true, noloadbalance: false, nostream: false } })
  const worlds = [
    ...[healthy, unlocked, tagged].flatMap(world => [
      world,
      world.map(one => ({ ...one, sql: undefined })),
      world.map(({ sql }) => ({ sql, says: 'silent' as const })),
      world.map((one, i) => (i === 0 ? { says: 'silent' as const } : one)),
      world.map((one, i) => (i === 0 ? { ...one, sql: standbyFacts(1) } : one)),
      aged(world, 60_000, 60_000, 60_000),
      saying(world, { paused: true }),
    ]),
  ]
  for (const [i, world] of worlds.entries())
    for (const other of worlds.slice(i))
      for (const all of story([healthy, other, world, world]))
        for (const { remedy } of reasonsIn(all)) expect(remedy).not.toMatch(harmful)
})
