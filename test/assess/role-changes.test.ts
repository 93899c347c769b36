import { describe, expect, it } from 'vitest'
import type { Assessment, Memory, Roles } from '../../src/assess/assessment.ts'
import { postgres } from '../../src/probes/postgres/index.ts'
import type { PostgresTarget } from '../../src/probes/postgres/target.ts'
import { writePath } from '../../src/probes/write_path/index.ts'
import type { WritePathTarget } from '../../src/probes/write_path/target.ts'
import {
  assessed,
  checkOf,
  intervalMs,
  landingOn,
  node,
  nodeTarget,
  path,
  pathTarget,
  primaryFacts,
  reported,
  standbyFacts,
  start,
  type Looked,
} from '../status/looked.ts'
import { serverUp } from '../status/haproxy.ts'
import { balancer, byBalancer, lock, silentBalancer, silentPatroni, through } from './platform.ts'

/** Assesses one look after another; the roles as each of them found them. */
function story(...looks: readonly (readonly Looked[])[]): (Roles | undefined)[] {
  let previous: Memory | undefined
  return looks.map((all, i) => {
    const next: Assessment = assessed(all, { now: start + i * 1_000, ...(previous && { previous }) })
    previous = next.memory
    return next.roles[0]
  })
}
const changes = (...looks: readonly (readonly Looked[])[]) => story(...looks).map(roles => roles?.changed)

const target = (fields: Partial<PostgresTarget> = {}): PostgresTarget => ({ ...nodeTarget('db-1'), ...fields })
/** A node of which the run says this. */
const failing = (code: string, fields: Partial<PostgresTarget> = {}): Looked => ({
  check: checkOf(postgres, target(fields)),
  observation: reported(postgres, target(fields), [code]),
})
const primary = node('db-1', primaryFacts(1))
const standby = node('db-2', standbyFacts(2))
const downed = node('db-1', undefined)
const promoted = node('db-2', primaryFacts(2))

describe('the roles in a cluster', () => {
  it('change where a node goes down, is up again, or is promoted, and only in that assessment', () => {
    expect(
      changes(
        [primary, standby],
        [primary, standby],
        [downed, standby],
        [downed, standby],
        [downed, promoted],
        [downed, promoted],
        [node('db-1', standbyFacts(1)), promoted],
      ),
    ).toEqual([false, false, true, false, true, false, true])
  })

  it('change with a restart, however short', () => {
    const restarted = node('db-1', primaryFacts(1, { postmaster_start: '2026-01-12T08:00:00.000000' }))
    expect(changes([primary], [restarted], [restarted])).toEqual([false, true, false])
  })

  it.each(['unreachable', 'no_answer', 'closed', 'starting_up'])('change with a node that is down: %s', problem => {
    expect(changes([primary], [failing(`postgres_${problem}`)])).toEqual([false, true])
  })

  it.each([
    'postgres_login_failed',
    'postgres_database_missing',
    'postgres_too_many_connections',
    'postgres_tls_failed',
    'reference_unresolved',
    'probe_error',
  ])('do not change with what says nothing of them: %s', code => {
    expect(changes([primary], [failing(code)], [primary])).toEqual([false, false, false])
  })

  it('do not change with what is old, or was never seen', () => {
    const unseen: Looked = { check: primary.check, observation: undefined }
    const old = node('db-1', primaryFacts(1), { at: start - 4 * intervalMs })
    expect(changes([unseen], [primary], [old], [primary])).toEqual([false, false, false, false])
  })

  it('have settled with one primary, and no write path that fails', () => {
    const well = path('app', [landingOn(primaryFacts(1))])
    const lost = path('app', [landingOn(standbyFacts(2))])
    const looks = [
      [primary, standby, well],
      [downed, standby, well],
      [primary, promoted, well],
      [downed, promoted, lost],
    ]
    expect(story(...looks).map(roles => roles?.settled)).toEqual([true, false, false, false])
    expect(story([downed, promoted, path('app', [landingOn(primaryFacts(2))])])[0]?.settled).toBe(true)
  })

  it('are looked at by the nodes and the write paths of the cluster, and by no others', () => {
    const foreign = node('other', primaryFacts(3), { cluster: 'other' })
    const [roles] = story([primary, standby, path('app', [landingOn(primaryFacts(1))]), foreign])
    expect(roles).toMatchObject({
      cluster: 'keybuzz',
      checks: ['postgres/db-1', 'postgres/db-2', 'write_path/app'],
      intervalMs,
    })
  })

  it('are looked at by their Patroni, and by what write paths go through, unless that refuses us', () => {
    const way = through(byBalancer, [landingOn(primaryFacts(1))])
    const all = [primary, standby, way, balancer([serverUp('db-1')]), silentPatroni]
    expect(story(all)[0]?.checks).toEqual([
      'postgres/db-1',
      'postgres/db-2',
      'write_path/app',
      'patroni/patroni-2',
      'haproxy/lb-1',
    ])
    const refusing = { ...silentBalancer(), observation: silentBalancer(start, 'haproxy_login_refused').observation }
    expect(story([primary, way, refusing])[0]?.checks).toEqual(['postgres/db-1', 'write_path/app'])
  })

  it('change with the leader lock of Patroni, which a promotion moves without ending a session', () => {
    expect(
      changes([primary, lock(true)], [primary, lock(true)], [primary, lock(false)], [primary, silentPatroni]),
    ).toEqual([false, false, true, false])
  })

  it.each(['login_failed', 'too_many_connections', 'database_missing'])(
    'are not looked at where the server refuses us: %s',
    problem => {
      const app: Looked = {
        check: checkOf(writePath, pathTarget('app')),
        observation: reported(writePath, pathTarget('app'), [`write_path_${problem}`]),
      }
      expect(story([primary, app])[0]).toMatchObject({ checks: ['postgres/db-1'], settled: true })
      expect(story([failing(`postgres_${problem}`), standby])[0]?.checks).toEqual(['postgres/db-2'])
    },
  )

  it('wake no check if nothing in the cluster is watched', () => {
    expect(story([failing('postgres_unreachable', { watch: false })])[0]).toBeUndefined()
  })

  it('have a write path among them that is watched', () => {
    const watched: WritePathTarget = { ...pathTarget('app'), watch: true }
    const seen = (looked: Looked): Looked => ({
      check: checkOf(writePath, watched),
      observation: looked.observation && { ...looked.observation, config: watched },
    })
    const up = seen(path('app', [landingOn(primaryFacts(1))]))
    const gone = { check: up.check, observation: reported(writePath, watched, ['write_path_closed']) }
    expect(changes([up], [gone], [gone], [up])).toEqual([false, true, false, true])
  })
})
