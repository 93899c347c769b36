import { describe, expect, it } from 'vitest'
import type { NodeFacts, SessionGroup } from '../../../src/probes/postgres/observe.ts'
import { mostSessionGroups } from '../../../src/probes/postgres/observe.ts'
import { writePath } from '../../../src/probes/write_path/index.ts'
import type { Landing } from '../../../src/probes/write_path/observe.ts'
import {
  assessed,
  checkOf,
  intervalMs,
  judged,
  landingOn,
  node,
  pathTarget,
  primaryFacts,
  standbyFacts,
  start,
  wrote,
  type Looked,
} from '../../status/looked.ts'
import { serverDown, serverUp } from '../../status/haproxy.ts'
import { balancer, byBalancer, story } from '../platform.ts'

const group = (fields: Partial<SessionGroup> = {}): SessionGroup => ({
  role: 'kb_backend',
  database: 'keybuzz_backend',
  count: 3,
  idle: 2,
  settled: 2,
  oldest_seconds: 34.4,
  ...fields,
})

const [primary, standby] = [primaryFacts(1), standbyFacts(0)]
const withThem = (facts: NodeFacts, ...sessions: SessionGroup[]): NodeFacts => ({ ...facts, sessions })

function through(landing: Landing, fields: Partial<ReturnType<typeof pathTarget>> = {}, at = start): Looked {
  const target = { ...pathTarget('write'), ...fields }
  const seen = wrote([landing], { address: '10.0.0.10:5432' })
  return { check: checkOf(writePath, target), observation: judged(writePath, target, seen, at) }
}
const lands = through(landingOn(primary))

function found(all: readonly Looked[], now = start) {
  const { checks, samples, mail } = assessed(all, { now })
  const status = checks.find(check => check.probe === 'write_path')
  if (!status) throw new Error('there is no write path')
  const sessions = samples
    .filter(({ metric }) => metric.name === 'mailpath_postgres_sessions')
    .map(({ labels, value }) => `${labels['target'] ?? ''} ${labels['write_path'] ?? ''} ${value}`)
  return { status, sessions, mail }
}
const codesOf = ({ status }: ReturnType<typeof found>): string[] => status.reasons.map(({ code }) => code)

describe('sessions of the application that are on a standby', () => {
  it('are a warning, with their number, their age and the node', () => {
    const { status, sessions } = found([node('n1', withThem(standby, group())), node('n2', primary), lands])
    expect(status.verdict).toBe('warn')
    expect(status.reasons).toMatchObject([
      {
        code: 'write_path_sessions_on_standby',
        verdict: 'warn',
        text: '10.0.0.10:5432: the primary is n2, but role kb_backend keeps sessions in database keybuzz_backend on a standby: 2 on n1 (2 idle, the oldest for 34 s). Each write on one fails with SQLSTATE 25006; whether they write is not seen',
      },
    ])
    expect(sessions).toEqual(['n1 write 3', 'n2 write 0'])
  })

  it('are one reason, however many nodes have them', () => {
    const behind = [
      node('n1', withThem(standby, group())),
      node('n3', withThem(standbyFacts(2), group({ settled: 1 }))),
    ]
    const { status } = found([...behind, node('n2', primary), lands])
    expect(status.reasons.map(({ text }) => text)).toEqual([
      expect.stringContaining('2 on n1 (2 idle, the oldest for 34 s), 1 on n3 (2 idle, the oldest for 34 s)'),
    ])
  })

  const behind = node('n1', withThem(standby, group()))
  it.each<[string, string, readonly Looked[]]>([
    [
      'of another role',
      'ok',
      [node('n1', withThem(standby, group({ role: 'reporting' }))), node('n2', primary), lands],
    ],
    [
      'in another database',
      'ok',
      [node('n1', withThem(standby, group({ database: 'x' }))), node('n2', primary), lands],
    ],
    [
      'that live a second, as fresh ones do while a health check is late',
      'ok',
      [node('n1', withThem(standby, group({ settled: 0, oldest_seconds: 1 }))), node('n2', primary), lands],
    ],
    ['that are on the primary', 'ok', [node('n1', standby), node('n2', withThem(primary, group())), lands]],
    ['where the role may not see them', 'ok', [node('n1', { ...standby, sessions: null }), node('n2', primary), lands]],
    ['on a node that was not looked at', 'ok', [node('n1', undefined), node('n2', primary), lands]],
    ['without a primary', 'ok', [behind, node('n2', undefined), lands]],
    ['with pooled: false', 'ok', [behind, node('n2', primary), through(landingOn(primary), { pooled: false })]],
    ['with pooled: true', 'fail', [behind, node('n2', primary), through(landingOn(primary), { pooled: true })]],
    [
      'in another cluster',
      'ok',
      [node('n1', withThem(standby, group()), { cluster: 'b' }), node('n2', primary), lands],
    ],
    ['of a login that is not known', 'ok', [behind, node('n2', primary), through(landingOn(primary, { role: null }))]],
  ])('%s: %s', (_, verdict, all) => {
    const seen = found(all)
    expect(seen.status.verdict).toBe(verdict)
    expect(codesOf(seen)).toEqual(verdict === 'ok' ? [] : ['write_path_sessions_on_standby'])
  })

  it('are no second reason while fresh sessions land on a standby too', () => {
    expect(codesOf(found([behind, node('n2', primary), through(landingOn(standby))]))).toEqual(['write_path_read_only'])
  })

  describe('after check lag of HAProxy,', () => {
    const young = group({ settled: 0, oldest_seconds: 1 })
    const demoted = (at: number, ...sessions: SessionGroup[]) =>
      node('db-1', withThem(standbyFacts(1), ...sessions), { at })
    const pooled = { ...byBalancer, pooled: true }
    const run = (on: NodeFacts, at: number, fields = pooled) => through(landingOn(on), fields, start + at)
    const lag = [demoted(start, young), node('db-2', primaryFacts(2)), run(standbyFacts(1), 0)]
    const wrong = balancer([serverUp('db-1'), serverDown('db-2')])
    const right = (at: number) => balancer([serverDown('db-1'), serverUp('db-2')], start + at)
    const after = (at: number, ...sessions: SessionGroup[]) => [
      demoted(start + at, ...sessions),
      node('db-2', primaryFacts(2), { at: start + at }),
      run(primaryFacts(2), 2_000),
      right(2_000),
    ]
    const codes = (said: ReturnType<typeof story>) => said.map(({ path }) => path.reasons.map(({ code }) => code))

    it('a pool is not well until the old primary was looked at again, which is at once', () => {
      const said = story({ all: [...lag, wrong] }, { all: after(1_000, young) }, { all: after(3_000) })
      expect(codes(said)).toEqual([['write_path_check_lag'], ['write_path_check_lag'], []])
      expect(said[1]?.assessment.recheck).toEqual(['postgres/db-1'])
    })

    it('young ones of a pool count: they stay', () => {
      const said = story({ all: [...lag, wrong] }, { all: after(1_000, young) }, { all: after(3_000, young) })
      expect(codes(said)[2]).toEqual(['write_path_sessions_on_standby'])
      expect(said[2]?.path).toMatchObject({ verdict: 'fail' })
    })

    it('an application that keeps no sessions is well at once', () => {
      const fresh = { ...byBalancer, pooled: false }
      const [, said] = story(
        { all: [...lag.slice(0, 2), run(standbyFacts(1), 0, fresh), wrong] },
        { all: [...after(1_000, young).slice(0, 2), run(primaryFacts(2), 2_000, fresh), right(2_000)] },
      )
      expect(said?.path.verdict).toBe('ok')
    })
  })

  it('are not known of a role that is not among the largest', () => {
    const others = Array.from({ length: mostSessionGroups }, (_, i) => group({ role: `tenant_${i}` }))
    const { sessions } = found([node('n1', withThem(standby, ...others)), node('n2', primary), lands])
    expect(sessions).toEqual(['n2 write 0'])
  })

  it('are not known once the node, or the path, was not looked at for long', () => {
    const all = [behind, node('n2', primary, { at: start + 4 * intervalMs }), lands]
    const seen = found(all, start + 4 * intervalMs)
    expect(codesOf(seen)).toEqual(['stale'])
    expect(seen.sessions).toEqual([])
  })

  it.each([
    [
      'directly',
      {},
      {},
      ['Restart the pool of the application', 'servers of HAProxy', '`pooled: false`'],
      ['RECONNECT'],
    ],
    [
      'through a HAProxy that is known',
      {},
      { haproxy: { target: 'lb-1', proxy: 'write' } },
      ['`on-marked-down shutdown-sessions` on the servers of write in HAProxy lb-1'],
      ['RECONNECT'],
    ],
    ['through a pooler', { pooled: true }, {}, ['Run RECONNECT on the console of PgBouncer'], ['on-marked-down']],
    [
      'through a PgBouncer that is known',
      {},
      { pgbouncer: { target: 'pool-1', database: 'x' } },
      ['Run RECONNECT on the console of PgBouncer'],
      ['on-marked-down'],
    ],
    ['with a pool of its own', {}, { pooled: true }, ['Restart the pool of the application'], ['`pooled: false`']],
  ])('are ended as the path is made: %s', (_, landing, fields, says, saysNot) => {
    const { status } = found([behind, node('n2', primary), through(landingOn(primary, landing), fields)])
    const remedy = status.reasons[0]?.remedy ?? ''
    for (const part of says) expect(remedy).toContain(part)
    for (const part of saysNot) expect(remedy).not.toContain(part)
  })
})
