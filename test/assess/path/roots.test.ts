import { describe, expect, it } from 'vitest'
import { postgres } from '../../../src/probes/postgres/index.ts'
import { writePath } from '../../../src/probes/write_path/index.ts'
import {
  checkOf,
  landingOn,
  node,
  nodeTarget,
  path,
  pathTarget,
  primaryFacts,
  reported,
  standbyFacts,
  wrote,
  judged,
  rung,
  start,
  type Looked,
} from '../../status/looked.ts'
import { serverDown, serverUp } from '../../status/haproxy.ts'
import { harmIn } from '../../patroni/advice.ts'
import {
  balancer,
  byBalancer,
  byPooler,
  database,
  lock,
  plainPath,
  pooler,
  shutOut,
  silentBalancer,
  silentPatroni,
  silentPooler,
  story,
  through,
  saidOf,
} from '../platform.ts'

const well = [node('db-1', primaryFacts(1)), node('db-2', standbyFacts(2))]
const dead = [node('db-1', undefined), node('db-2', standbyFacts(2))]
const ok = path('app', [landingOn(primaryFacts(1))])
/** The primary dies while the path fails in this way. */
const dies = (fails: Looked, ...others: readonly Looked[]) =>
  story({ all: [...well, ok, ...others] }, { all: [...dead, fails, ...others] })[1]

describe('the root of a write path that does not get in is', () => {
  it.each(['refused', 'silent', 'closed'] as const)('the node that it names, if that is down (%s)', how => {
    const said = dies(plainPath('app', how, 'db-1:5432'))
    expect(said?.root).toBe('postgres/db-1 postgres_unreachable')
    expect(said?.path.reasons[0]).toMatchObject({
      because: 'postgres/db-1',
      remedy: 'Fix postgres/db-1 first: this follows from it.',
    })
    expect(said?.exceptions).not.toContain('postgres/db-1 postgres_unreachable')
  })

  it('the path itself, if the node that it names answers', () => {
    const said = saidOf(...well, plainPath('app', 'refused', 'db-1:5432'))
    expect(said.root).toBe('write_path/app write_path_unreachable')
  })

  it('the path itself, if it names a standby that answers, and only the primary is down', () => {
    expect(dies(plainPath('app', 'refused', 'db-2:5432'))?.root).toBe('write_path/app write_path_unreachable')
  })

  it('a node only if all that a list of hosts names are down', () => {
    const listed = (places: readonly string[]) => path('app', [], { ...shutOut('refused', places.join(', ')), places })
    const both = ['db-1:5432', 'db-2:5432']
    expect(saidOf(node('db-1', undefined), node('db-2', undefined), listed(both)).root).toBe(
      'postgres/db-1 postgres_unreachable',
    )
    expect(saidOf(node('db-1', undefined), node('db-2', standbyFacts(2)), listed(both)).root).toBe(
      'write_path/app write_path_unreachable',
    )
  })

  it.each(['closed', 'silent'] as const)('the last primary behind HAProxy, or behind anything else (%s)', how => {
    expect(dies(plainPath('app', how))?.root).toBe('postgres/db-1 postgres_unreachable')
    const behind = dies(through(byBalancer, [], shutOut(how)), balancer([serverUp('db-1'), serverDown('db-2')]))
    expect(behind?.root).toBe('postgres/db-1 postgres_unreachable')
  })

  it('the path itself, once another node is the primary: it names the dead node and the one to lead to', () => {
    const promoted = [node('db-1', undefined), node('db-2', primaryFacts(2))]
    const fails = plainPath('app', 'closed')
    const said = story({ all: [...well, ok] }, { all: [...dead, fails] }, { all: [...promoted, fails] })[2]
    expect(said?.root).toBe('write_path/app write_path_closed')
    expect(said?.path.reasons[0]?.remedy).toBe(
      'The primary is db-2 (db-2:5432) and answers: see why what is in between (HAProxy, a pooler) does not lead there. db-1 (db-1:5432) does not answer.',
    )
  })

  it('the path itself, if it is not known which of two dead nodes was the primary: it names both', () => {
    const said = saidOf(node('db-1', undefined), node('db-2', undefined), plainPath('app', 'closed'))
    expect(said.root).toBe('write_path/app write_path_closed')
    expect(said.path.reasons[0]?.remedy).toMatch(
      /^db-1 \(db-1:5432\) and db-2 \(db-2:5432\) do not answer: start them first\. If this is HAProxy/,
    )
  })

  it('HAProxy, if that refuses connections and gives no statistics either', () => {
    const said = saidOf(...well, through(byBalancer, [], shutOut('refused')), silentBalancer())
    expect(said.root).toBe('haproxy/lb-1 haproxy_unreachable')
    expect(said.blockers.map(({ level }) => level)).toEqual(['fail', 'fail'])
  })

  it('the node behind PgBouncer, and not its console', () => {
    const fails = through(byPooler, [], shutOut('pooler', 'pool-1:6432'))
    expect(dies(fails, pooler([database()]))?.root).toBe('postgres/db-1 postgres_unreachable')
  })

  it('a full node behind PgBouncer', () => {
    const full: Looked = {
      check: checkOf(postgres, nodeTarget('db-1')),
      observation: reported(postgres, nodeTarget('db-1'), ['postgres_too_many_connections'], {
        seen: { address: 'db-1:5432' },
      }),
    }
    const fails = through(byPooler, [], shutOut('pooler', 'pool-1:6432'))
    expect(saidOf(full, fails, pooler([database()])).root).toBe('postgres/db-1 postgres_too_many_connections')
  })

  it('PgBouncer, if its database is paused, though clients wait as well', () => {
    const fails = through(byPooler, [], shutOut('silent', 'pool-1:6432'))
    const paused = pooler([database({ paused: true })], ['pgbouncer_clients_wait', 'pgbouncer_paused'])
    expect(saidOf(...well, fails, paused).root).toBe('pgbouncer/pool-1 pgbouncer_paused')
  })

  describe('of a PgBouncer in front of a HAProxy,', () => {
    const both = { ...byBalancer, ...byPooler }
    const lagging = [node('db-1', standbyFacts(1)), node('db-2', primaryFacts(2))]
    const notYet = balancer([serverDown('db-1'), serverDown('db-2')])
    const fails = (how: Parameters<typeof shutOut>[0]) => through(both, [], shutOut(how, 'pool-1:6432'))

    it('the paused database, also while HAProxy has not noticed a new primary: waiting does not end it', () => {
      const paused = pooler([database({ host: 'lb-1', paused: true })], ['pgbouncer_paused'])
      expect(saidOf(...lagging, fails('silent'), notYet, paused).root).toBe('pgbouncer/pool-1 pgbouncer_paused')
    })

    it('PgBouncer, if it is gone itself', () => {
      expect(saidOf(...lagging, fails('refused'), notYet, silentPooler).root).toBe(
        'pgbouncer/pool-1 pgbouncer_unreachable',
      )
    })

    it('check lag, if its clients wait for that', () => {
      const waits = database({ host: 'lb-1', waiting: 3, maxWaitSeconds: 9 })
      const said = saidOf(...lagging, fails('silent'), notYet, pooler([waits], ['pgbouncer_clients_wait']))
      expect(said.root).toBe('write_path/app write_path_check_lag')
    })

    it('the clients that wait, if all is well behind it: its pool is used up', () => {
      const used = database({ host: 'lb-1', waiting: 3, maxWaitSeconds: 9, active: 20 })
      const fine = balancer([serverUp('db-1'), serverDown('db-2')])
      const said = saidOf(...well, fails('silent'), fine, pooler([used], ['pgbouncer_clients_wait']))
      expect(said.root).toBe('pgbouncer/pool-1 pgbouncer_clients_wait')
      const others = pooler([database({ waiting: 0 }), { ...used, name: 'other' }], ['pgbouncer_clients_wait'])
      expect(saidOf(...well, fails('silent'), fine, others).root).toBe('write_path/app write_path_no_answer')
    })
  })

  it('the cluster before all of them, if that fails itself', () => {
    const none = [node('db-1', standbyFacts(1)), node('db-2', standbyFacts(2))]
    expect(saidOf(...none, plainPath('app', 'closed')).root).toBe('cluster/keybuzz cluster_no_primary')
  })
})

describe('a cause that was seen first', () => {
  const stuck = path('app', [landingOn(primaryFacts(1))], {
    address: 'db-1:5432',
    ladder: [rung('xid'), { ...rung('commit'), ok: false, hung: true, syncWait: true }],
  })
  const target = pathTarget('app')
  const fails = (code: string): Looked => ({
    check: checkOf(writePath, target),
    observation: reported(writePath, target, [code], { seen: wrote([], { address: 'db-1:5432' }) }),
  })
  const full = fails('write_path_too_many_connections')
  const rootsOf = (...paths: readonly Looked[]) =>
    story(...paths.map(one => ({ all: [...well, one] }))).map(({ root }) => root)
  const ofStuck = 'write_path/app write_path_commit_stuck'

  it('stays the root while hung commits of the application fill the slots', () => {
    expect(rootsOf(stuck, full, full, stuck)).toEqual([ofStuck, ofStuck, ofStuck, ofStuck])
  })

  it('is fixed through Patroni where there is one, and not in synchronous_standby_names', () => {
    const remedyOf = (...others: readonly Looked[]) => saidOf(...well, stuck, ...others).path.reasons[0]?.remedy ?? ''
    expect(remedyOf()).toContain('take it out of synchronous_standby_names and reload')
    expect(remedyOf(lock(false))).toMatch(/leave that alone.*patronictl edit-config/)
    expect(harmIn({ id: 'write_path/app', code: '', text: '', remedy: remedyOf(lock(false)) }, 'db-2')).toEqual([])
  })

  it('is gone once a run gets as far again, and does not find it', () => {
    expect(rootsOf(stuck, full, ok, full)).toEqual([
      ofStuck,
      ofStuck,
      undefined,
      'write_path/app write_path_too_many_connections',
    ])
  })

  it('is gone once the path fails in a way that does not follow from it', () => {
    expect(rootsOf(stuck, fails('write_path_login_failed'), full)).toEqual([
      ofStuck,
      'write_path/app write_path_login_failed',
      'write_path/app write_path_too_many_connections',
    ])
  })

  it('says of a full disk that the server ends and starts again because of it', () => {
    const disk = fails('write_path_disk_full')
    const crash = ['write_path_closed', 'write_path_starting_up', 'write_path_unreachable'].map(fails)
    expect(new Set(rootsOf(disk, ...crash))).toEqual(new Set(['write_path/app write_path_disk_full']))
  })

  it('is the cause of other paths to that cluster, whatever their order', () => {
    const other = { ...pathTarget('another'), name: 'another' }
    const second: Looked = {
      check: checkOf(writePath, other),
      observation: judged(writePath, other, {
        ...wrote([]),
        failure: { phase: 'login', code: '53300', text: 'x', timedOut: false, routine: 'InitProcess' },
      }),
    }
    const all = [...well, second]
    const [, later] = story({ all: [...all, stuck] }, { all: [...all, full] })
    expect(later?.root).toBe(ofStuck)
  })
})

describe('what mail survives', () => {
  it('holds a Patroni of the cluster and a HAProxy that a write path names, and no others', () => {
    const all = [...well, through(byBalancer, [landingOn(primaryFacts(1))]), silentBalancer(), silentPatroni]
    const said = saidOf(...all)
    expect(said.exceptions.toSorted()).toEqual([
      'cluster/keybuzz cluster_patroni_silent',
      'haproxy/lb-1 haproxy_unreachable',
      'patroni/patroni-2 patroni_unreachable',
    ])
    expect(saidOf(...well, ok, silentBalancer()).exceptions).toEqual([])
  })

  it('holds a proxy and a database that do not exist there', () => {
    const noProxy = { haproxy: { target: 'lb-1', proxy: 'writes' } }
    const [wrong] = [saidOf(...well, through(noProxy, [landingOn(primaryFacts(1))]), balancer([serverUp('db-1')]))]
    expect(wrong.exceptions).toEqual(['haproxy/lb-1 haproxy_proxy_missing'])
    const { exceptions } = saidOf(
      ...well,
      through(byPooler, [landingOn(primaryFacts(1))]),
      pooler([database({ name: 'x' })]),
    )
    expect(exceptions).toEqual(['pgbouncer/pool-1 pgbouncer_database_missing'])
  })
  it('holds a database that a run met missing, also by an older look; PgBouncer makes one by `*` when it is used', () => {
    const text = 'pool-1:6432: no such database: app'
    const failure = { phase: 'login', code: '08P01', text, timedOut: false }
    const before = [...well, pooler([database({ name: 'x' })])]
    const at = start + 1_000
    expect(saidOf(...before, through(byPooler, [], { at, failure })).exceptions).toEqual([
      'pgbouncer/pool-1 pgbouncer_database_missing',
    ])
    expect(saidOf(...before, through(byPooler, [landingOn(primaryFacts(1))], { at })).exceptions).toEqual([])
  })
})
