import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { Observation, Verdict } from '../../src/core/probe.ts'
import type { PatroniFacts } from '../../src/probes/patroni/answer.ts'
import { patroni } from '../../src/probes/patroni/index.ts'
import type { PatroniSeen } from '../../src/probes/patroni/observe.ts'
import type { PatroniTarget } from '../../src/probes/patroni/target.ts'
import { certificates } from '../servers/certificates.ts'
import { startPatroniDouble, type PatroniKnobs, type PatroniOptions } from '../servers/patroni-double.ts'
import { canary, expectSamples, probeContract } from './contract.ts'
import { look as lookAt, values } from './look.ts'

const base = {
  name: 'db-1',
  cluster: 'shop',
  certificate_warning: 14 * 86_400_000,
  max_dcs_age: 15_000,
} as const

/** Samples as `name{label value} value`, without the target and the cluster; of a state set only the state that holds. */
const exported = (samples: Observation['samples']): string[] =>
  samples
    .filter(({ labels, value }) => !('state' in labels || 'role' in labels) || value === 1)
    .map(({ metric, labels: { target: _, postgres_cluster: __, ...labels }, value }) => {
      const rest = Object.values(labels).join(' ')
      return `${metric.name.replace('mailpath_patroni_', '')}${rest === '' ? '' : `{${rest}}`} ${value}`
    })

const codes = ({ reasons }: Pick<Observation, 'reasons'>): string[] => reasons.map(({ code }) => code)

describe('judge', () => {
  const target: PatroniTarget = { ...base, url: 'https://db-1:8008' }
  const answeredAt = 1_800_000_002_000
  const facts: PatroniFacts = {
    name: 'p1',
    scope: 'kb',
    version: '3.0.2',
    role: 'primary',
    state: 'running',
    holdsLock: true,
    timeline: 3,
    systemIdentifier: '7423412345678901234',
    dcsLastSeenAt: 1_800_000_000_000,
    clusterUnlocked: false,
    paused: false,
    failsafeActive: false,
    pendingRestart: false,
    pendingParameters: [],
    syncStandby: false,
    tags: { nofailover: false, noloadbalance: false, nostream: false },
    followers: ['p2'],
  }
  const up = (over: Partial<PatroniFacts>): Partial<PatroniSeen> => ({ facts: { ...facts, ...over } })
  const judge = (over: Partial<PatroniSeen>) =>
    patroni.judge({ address: 'db-1:8008', status: 200, answeredAt, facts, ...over }, target)
  /** The samples of a primary that holds the lock, with some in the place of others. */
  const lines = (changed: Readonly<Record<string, string | undefined>> = {}): string[] => {
    const all: Readonly<Record<string, string | undefined>> = {
      reachable: 'reachable 1',
      role: 'role{primary} 1',
      state: 'state{running} 1',
      lock: 'lock_holder 1',
      dcs: 'dcs_last_seen_timestamp_seconds 1800000000',
      unlocked: 'cluster_unlocked 0',
      paused: 'paused 0',
      failsafe: 'failsafe_active 0',
      restart: 'pending_restart 0',
      sync: 'sync_standby 0',
      nofailover: 'nofailover 0',
      timeline: 'timeline 3',
      info: 'info{3.0.2} 1',
      ...changed,
    }
    return Object.values(all).filter(line => line !== undefined)
  }

  const replica = { name: 'p2', role: 'replica', holdsLock: false, followers: [] } as const
  const asReplica = { role: 'role{replica} 1', lock: 'lock_holder 0' }

  it.each<[string, Partial<PatroniFacts>, string, string[]]>([
    [
      'holds the lock',
      {},
      'p1 of kb holds the lock, primary, running, timeline 3, DCS seen 2 s ago, Patroni 3.0.2',
      lines(),
    ],
    [
      'a synchronous standby',
      { ...replica, syncStandby: true },
      'p2 of kb, replica, running, timeline 3, DCS seen 2 s ago, synchronous standby, Patroni 3.0.2',
      lines({ ...asReplica, sync: 'sync_standby 1' }),
    ],
    [
      'crashed, and holds the lock',
      { state: 'crashed', timeline: undefined },
      'p1 of kb holds the lock, primary, crashed, DCS seen 2 s ago, Patroni 3.0.2',
      lines({ state: 'state{crashed} 1', timeline: undefined }),
    ],
    [
      'the leader of a standby cluster',
      { role: 'standby_leader' },
      'p1 of kb holds the lock, standby leader, running, timeline 3, DCS seen 2 s ago, Patroni 3.0.2',
      lines({ role: 'role{standby_leader} 1' }),
    ],
    [
      'in failsafe mode',
      { clusterUnlocked: true, failsafeActive: true, dcsLastSeenAt: answeredAt - 61_400 },
      'p1 of kb leads without a lock, primary, running, timeline 3, DCS seen 61 s ago, failsafe mode active, Patroni 3.0.2',
      lines({
        dcs: 'dcs_last_seen_timestamp_seconds 1799999940.6',
        unlocked: 'cluster_unlocked 1',
        failsafe: 'failsafe_active 1',
      }),
    ],
    [
      'nobody holds the lock, and the cluster is paused',
      { ...replica, clusterUnlocked: true, paused: true, tags: { ...facts.tags, nofailover: true } },
      'p2 of kb, no member holds the lock, replica, running, timeline 3, DCS seen 2 s ago, paused, nofailover, Patroni 3.0.2',
      lines({ ...asReplica, unlocked: 'cluster_unlocked 1', paused: 'paused 1', nofailover: 'nofailover 1' }),
    ],
    [
      'a parameter waits for a restart',
      { pendingRestart: true },
      'p1 of kb holds the lock, primary, running, timeline 3, DCS seen 2 s ago, restart pending, Patroni 3.0.2',
      lines({ restart: 'pending_restart 1' }),
    ],
    [
      'much is not known',
      {
        name: undefined,
        role: undefined,
        state: undefined,
        version: undefined,
        timeline: undefined,
        dcsLastSeenAt: undefined,
      },
      'a member of kb holds the lock, role not known, state not known',
      lines({ role: undefined, state: undefined, dcs: undefined, timeline: undefined, info: undefined }),
    ],
  ])('ok, with the facts: %s', (_, over, evidence, expected) => {
    const found = judge(up(over))
    expect(found.reasons).toEqual([])
    expect(found.evidence).toBe(`db-1:8008: ${evidence}`)
    expect(exported(found.samples)).toEqual(expected)
  })

  const failure = { phase: 'request', code: 'X', text: 'db-1:8008: why (phase request)', timedOut: false } as const
  const failed = (over: object) => ({
    facts: undefined,
    status: undefined,
    failure: { ...failure, tls: false, strange: false, ...over },
  })
  const foreign = (status: number) => ({ facts: undefined, status })
  it.each<[string, Partial<PatroniSeen>, Verdict, string, string[]]>([
    ['refused', failed({}), 'fail', 'patroni_unreachable', ['reachable 0']],
    ['silent', failed({ timedOut: true }), 'fail', 'patroni_no_answer', ['reachable 0']],
    ['a bad certificate', failed({ tls: true }), 'unknown', 'patroni_tls_failed', ['reachable 0']],
    [
      'a client certificate is wanted',
      failed({ code: 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED' }),
      'unknown',
      'patroni_tls_failed',
      [],
    ],
    ['no HTTP', failed({ strange: true }), 'unknown', 'patroni_not_patroni', ['reachable 0']],
    ['a login is wanted', foreign(401), 'unknown', 'patroni_login_refused', ['reachable 1']],
    ['this host is not let in', foreign(403), 'unknown', 'patroni_login_refused', ['reachable 1']],
    ['another server', foreign(404), 'unknown', 'patroni_not_patroni', ['reachable 1']],
    ['a redirect', foreign(301), 'unknown', 'patroni_not_patroni', ['reachable 1']],
    ['a balancer without a server', foreign(503), 'unknown', 'patroni_not_patroni', ['reachable 1']],
  ])('%s', (_, over, verdict, code, expected) => {
    const found = judge(over)
    expect([found.verdict, codes(found)]).toEqual([verdict, [code]])
    expect(found.evidence).toMatch(/^db-1:8008: ./)
    expect(exported(found.samples)).toEqual(expected)
  })

  it('names the redirect, and that no user is set', () => {
    expect(judge(foreign(301)).evidence).toContain('HTTP 301 from /leader, a redirect, which is not followed')
    expect(judge(foreign(401)).evidence).toBe('db-1:8008: HTTP 401 from /leader, and no user is set')
  })

  it('exports every role and every state, or none', () => {
    const count = (over: Partial<PatroniFacts>, name: string) =>
      judge(up(over)).samples.filter(({ metric }) => metric.name === `mailpath_patroni_${name}`).length
    expect([count({}, 'role'), count({}, 'state')]).toEqual([6, 15])
    expect([count({ role: undefined }, 'role'), count({ state: undefined }, 'state')]).toEqual([0, 0])
  })
})

async function start(options: PatroniOptions = {}) {
  const double = await startPatroniDouble(options)
  onTestFinished(() => double.close())
  const host = double.host.includes(':') ? `[${double.host}]` : double.host
  const target: PatroniTarget = { ...base, url: `${options.tls ? 'https' : 'http'}://${host}:${double.port}` }
  return { double, target }
}

async function look(
  target: PatroniTarget,
  { files = {}, timeoutMs = 5_000 }: { files?: Record<string, string>; timeoutMs?: number } = {},
): Promise<Observation> {
  const observation = await lookAt(patroni, target, { timeoutMs, references: values(files) })
  if (!observation) throw new Error('the run was not recorded')
  expectSamples(observation, patroni)
  expect(JSON.stringify(observation)).not.toContain('canary-')
  return observation
}

const seenOf = ({ seen }: Observation): PatroniSeen => seen as PatroniSeen
const paths = ({ requests }: PatroniKnobs): string[] => requests.map(({ line }) => line.replace(/ HTTP.*/, ''))

describe('observe', () => {
  it('sees the holder of the lock, and its members', async () => {
    const { double, target } = await start()
    const found = await look(target)
    expect(found).toMatchObject({ verdict: 'ok', reasons: [] })
    expect(found.evidence).toMatch(
      /^127\.0\.0\.1:\d+: p1 of kb holds the lock, primary, running, timeline 3, DCS seen [23] s ago, Patroni 4\.1\.4$/,
    )
    const seen = seenOf(found)
    expect(seen).toMatchObject({
      status: 200,
      facts: {
        name: 'p1',
        holdsLock: true,
        systemIdentifier: '7423412345678901234',
        followers: ['p2'],
        pendingParameters: [],
      },
      members: [
        { name: 'p1', host: 'p1', port: 5432, apiUrl: 'http://p1:8008/patroni', state: 'running', nofailover: false },
        { name: 'p2', state: 'streaming' },
      ],
    })
    expect(Math.abs(Date.now() - 2_000 - (seen.facts?.dcsLastSeenAt ?? 0))).toBeLessThan(3_000)
    expect(paths(double)).toEqual(['GET /leader', 'GET /cluster'])
  })

  it.each<[string, Partial<PatroniKnobs>, object]>([
    ['a replica', { isLeader: false, role: 'replica' }, { role: 'replica', holdsLock: false, followers: ['p2'] }],
    ['a crash, with the lock', { state: 'crashed' }, { state: 'crashed', role: 'primary', holdsLock: true }],
    [
      'a Postgres that does not answer, which Patroni takes for running',
      { answersQueries: false },
      { state: undefined, holdsLock: true, timeline: undefined },
    ],
    [
      'the leader of a standby cluster',
      { role: 'standby_leader', standbyCluster: true },
      { role: 'standby_leader', holdsLock: true },
    ],
    ['a pause', { paused: true }, { paused: true, holdsLock: true }],
    [
      'a pause without a DCS, where the role alone makes the status',
      { paused: true, knowsCluster: false, isLeader: false },
      { paused: true, clusterUnlocked: true, holdsLock: true },
    ],
    [
      'failsafe mode',
      { failsafe: true, knowsCluster: false, dcs: 'fails', dcsAge: 60 },
      { failsafeActive: true, clusterUnlocked: true, holdsLock: true },
    ],
    [
      'nobody with the lock',
      { leader: '', isLeader: false, role: 'demoted', state: 'stopped' },
      { clusterUnlocked: true, holdsLock: false, role: 'demoted', state: 'stopped' },
    ],
    ['a synchronous standby', { isLeader: false, role: 'replica', synchronous: 'sync' }, { syncStandby: true }],
    ['a standby of a quorum', { isLeader: false, role: 'replica', synchronous: 'quorum' }, { syncStandby: true }],
    [
      'tags',
      { tags: { nofailover: true, noloadbalance: 'yes', nostream: '', zone: 'a' } },
      { tags: { nofailover: true, noloadbalance: true, nostream: false } },
    ],
    ['a failover_priority of 0', { tags: { failover_priority: '0' } }, { tags: { nofailover: true } }],
    [
      'a failover_priority of 0 that the tag overrules',
      { tags: { failover_priority: 0, nofailover: false } },
      { tags: { nofailover: false } },
    ],
    [
      'a restart that is pending',
      { pendingRestart: ['max_connections'] },
      { pendingRestart: true, pendingParameters: ['max_connections'] },
    ],
    ['a word of a later version', { state: 'meditating', role: 'replica' }, { state: undefined, holdsLock: true }],
    ['what only backs up', { followers: ['p2', 'pg_basebackup'] }, { followers: ['p2'] }],
    ['no version that could be a label', { version: '4.1.4"}\n' }, { version: undefined }],
  ])('sees %s', async (_, knobs, facts) => {
    const { double, target } = await start()
    Object.assign(double, knobs)
    const found = await look(target)
    expect(found.reasons).toEqual([])
    expect(seenOf(found).facts).toMatchObject(facts)
  })

  it.each<[string, Partial<PatroniKnobs>, object]>([
    [
      '3.0.2',
      { pendingRestart: ['max_connections'] },
      { name: 'p1', role: 'primary', pendingRestart: true, pendingParameters: [] },
    ],
    ['3.0.2', { state: 'restart failed (crashed)' }, { state: 'restart failed', role: 'primary' }],
    [
      '2.1.7',
      { role: 'demoted', state: 'stopped', isLeader: false, leader: '' },
      { clusterUnlocked: true, name: undefined },
    ],
    ['2.1.0', {}, { role: 'primary', clusterUnlocked: false, dcsLastSeenAt: undefined }],
    ['2.1.0', { state: 'initalizing new cluster' }, { state: 'initializing new cluster' }],
  ])('reads Patroni %s: %j', async (version, knobs, facts) => {
    const { double, target } = await start()
    Object.assign(double, { version, ...knobs })
    expect(seenOf(await look(target)).facts).toMatchObject({ version, ...facts })
  })

  it('takes the age of the DCS by the clock of the node', async () => {
    const { double, target } = await start()
    Object.assign(double, { clockAhead: -3_600, dcsAge: 40 })
    const found = await look(target)
    expect(found.evidence).toMatch(/DCS seen (39|40|41) s ago/)
    const [line = ''] = exported(found.samples).filter(one => one.startsWith('dcs_last_seen'))
    expect(Math.abs(Date.now() / 1000 - 40 - Number(line.split(' ')[1]))).toBeLessThan(3)
  })

  it('asks for the members once in five minutes, and keeps them by target', async () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    onTestFinished(() => void vi.useRealTimers())
    const { double, target } = await start()
    await look(target)
    double.members = []
    expect(seenOf(await look(target)).members).toHaveLength(2)
    vi.advanceTimersByTime(299_000)
    await look(target)
    expect(paths(double).filter(path => path === 'GET /cluster')).toHaveLength(1)
    vi.advanceTimersByTime(1_000)
    expect(seenOf(await look(target)).members).toEqual([])
    expect(seenOf(await look({ ...target })).members).toEqual([])
    double.isLeader = false
    expect(seenOf(await look({ ...target })).members).toBeUndefined()
    expect(paths(double).filter(path => path === 'GET /cluster')).toHaveLength(3)
  })

  it.each(['hangs', 'fails'] as const)('is not troubled where the DCS %s under the list of members', async dcs => {
    const { double, target } = await start()
    double.dcs = dcs
    const from = performance.now()
    const found = await look(target, { timeoutMs: 2_000 })
    expect(performance.now() - from).toBeLessThan(1_500)
    expect(found).toMatchObject({ verdict: 'ok', reasons: [] })
    expect(seenOf(found)).toMatchObject({ facts: { holdsLock: true }, members: undefined })
    await look(target, { timeoutMs: 2_000 })
    expect(paths(double)).toEqual(['GET /leader', 'GET /cluster', 'GET /leader'])
  })

  it.each<[string, Partial<PatroniKnobs>]>([
    ['was seen long ago', { dcsAge: 20 }],
    ['is lost', { knowsCluster: false }],
    ['is lost in failsafe mode', { failsafe: true }],
  ])('does not ask for the members where the DCS %s', async (_, knobs) => {
    const { double, target } = await start()
    Object.assign(double, knobs)
    await look(target)
    expect(paths(double)).toEqual(['GET /leader'])
  })

  it('logs in, below the path of a proxy', async () => {
    const { double, target } = await start()
    double.prefix = '/db-1'
    const found = await look(
      { ...target, url: `${target.url}/db-1/`, user: 'probe', password: { env: 'PASS' } },
      { files: { PASS: canary } },
    )
    expect(found.verdict).toBe('ok')
    expect(paths(double)).toEqual(['GET /db-1/leader', 'GET /db-1/cluster'])
    const expected = `Basic ${Buffer.from(`probe:${canary}`).toString('base64')}`
    expect(double.requests.map(({ authorization }) => authorization)).toEqual([expected, expected])
    expect(JSON.stringify(found)).not.toContain(expected.slice(6))
  })

  it('does not ask where the password cannot be read', async () => {
    const { double, target } = await start()
    const found = await look({ ...target, user: 'probe', password: { env: 'GONE' } })
    expect(codes(found)).toEqual(['reference_unresolved'])
    expect(double.requests).toEqual([])
  })

  it.each<[string, Parameters<PatroniKnobs['answer']>[0], string]>([
    ['a page of HAProxy', { status: 200, body: '<html><body><h1>Statistics Report</h1></body></html>' }, 'not_patroni'],
    ['a balancer without servers', { status: 503, body: '<html>503 Service Unavailable</html>' }, 'not_patroni'],
    ['nginx without such a page', { status: 404, body: '<html>404 Not Found</html>' }, 'not_patroni'],
    ['a redirect', { status: 301, body: '' }, 'not_patroni'],
    ['a proxy that asks for a login', { status: 401, body: '401' }, 'login_refused'],
    ['JSON of something else', { status: 200, body: '{"status":"ok","state":"running"}' }, 'not_patroni'],
    ['a Patroni of another status', { status: 500, body: '{}' }, 'not_patroni'],
    ['half a body', 'cut', 'not_patroni'],
    ['a body without end', 'endless', 'not_patroni'],
    ['one byte after the other', 'drip', 'no_answer'],
    ['nothing', 'silent', 'no_answer'],
    ['an exception in the handler', 'closes', 'unreachable'],
  ])('says what is wrong with %s', async (_, how, code) => {
    const { double, target } = await start()
    double.answer(how)
    const found = await look(target, { timeoutMs: 700 })
    expect(codes(found)).toEqual([`patroni_${code}`])
    expect(found.evidence).toContain(`127.0.0.1:${double.port}: `)
    expect(double.requests).toHaveLength(1)
  })

  it('reaches an API on IPv6', async () => {
    const { double, target } = await start({ host: '::1' })
    const found = await look(target)
    expect(found.evidence).toMatch(new RegExp(`^\\[::1\\]:${double.port}: p1 of kb holds the lock`))
  })
})

describe('TLS', () => {
  it('verifies the API by ca_file, and says when its certificate ends', async () => {
    const { ca, good } = await certificates()
    const { target } = await start({ tls: good })
    const found = await look({ ...target, ca_file: '/ca.pem' }, { files: { '/ca.pem': ca } })
    expect(found.verdict).toBe('ok')
    const end = exported(found.samples).find(line => line.startsWith('certificate_not_after_timestamp_seconds'))
    expect(Math.abs(Number(end?.split(' ')[1]) - Date.now() / 1000 - 30 * 86_400)).toBeLessThan(3_600)
    const soon = await look(
      { ...target, ca_file: '/ca.pem', certificate_warning: 31 * 86_400_000 },
      { files: { '/ca.pem': ca } },
    )
    expect([soon.verdict, codes(soon)]).toEqual(['warn', ['patroni_certificate_expires_soon']])
  })

  it.each(['expired', 'wrongName', 'selfSigned'] as const)('refuses a certificate: %s', async which => {
    const made = await certificates()
    const { double, target } = await start({ tls: made[which] })
    const found = await look({ ...target, ca_file: '/ca.pem' }, { files: { '/ca.pem': made.ca } })
    expect([found.verdict, codes(found)]).toEqual(['unknown', ['patroni_tls_failed']])
    expect(double.requests).toEqual([])
  })

  it('shows a client certificate, and says that one is wanted', async () => {
    const { ca, good, client } = await certificates()
    const { target } = await start({ tls: good, clientsBy: ca })
    const files = { '/ca.pem': ca, '/client.pem': client.cert, '/client.key': client.key }
    const trusting = { ...target, ca_file: '/ca.pem' }
    const found = await look({ ...trusting, cert_file: '/client.pem', key_file: '/client.key' }, { files })
    expect(found.verdict).toBe('ok')
    const without = await look(trusting, { files })
    expect(codes(without)).toEqual(['patroni_tls_failed'])
    expect(without.evidence).toContain('the REST API wants a client certificate')
  })

  it('says so where the port speaks no TLS', async () => {
    const { double, target } = await start()
    const found = await look({ ...target, url: `https://127.0.0.1:${double.port}` })
    expect(codes(found)).toEqual(['patroni_tls_failed'])
  })
})

probeContract(
  patroni,
  (port): PatroniTarget => ({
    ...base,
    url: `http://127.0.0.1:${port}`,
    user: 'probe',
    password: { env: 'PASS' },
  }),
  { opening: 'HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n{"state": "running", "role": "primary",' },
)
