import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Observation } from '../../src/core/probe.ts'
import { patroni } from '../../src/probes/patroni/index.ts'
import type { PatroniSeen } from '../../src/probes/patroni/observe.ts'
import { patroniBinary, patroniInstall, startPatroni, type Patroni } from '../servers/patroni.ts'
import { needs, waitFor } from '../servers/processes.ts'
import { expectSamples } from './contract.ts'
import { look as lookAt } from './look.ts'

let real: Patroni
/** As of a target that was never asked. */
async function look(timeoutMs = 5_000): Promise<Observation & { readonly seen: PatroniSeen }> {
  const target = { name: 'db-1', cluster: 'shop', url: real.url, certificate_warning: 0, max_dcs_age: 15_000 }
  const observation = await lookAt(patroni, target, { timeoutMs })
  if (!observation) throw new Error('the run was not recorded')
  expectSamples(observation, patroni)
  return { ...observation, seen: observation.seen as PatroniSeen }
}

/** Looks until these facts hold. */
const until = (what: string, facts: NonNullable<PatroniSeen['facts']> extends infer F ? Partial<F> : never) =>
  waitFor(
    async () => {
      const found = await look()
      expect(found.seen.facts).toMatchObject(facts)
      return found
    },
    { timeoutMs: 45_000, everyMs: 200, what },
  )

describe.skipIf(!needs('patroni', patroniBinary(), patroniInstall))('a real Patroni', { timeout: 90_000 }, () => {
  beforeAll(async () => {
    real = await startPatroni()
  }, 90_000)
  afterAll(() => real.stop())

  it('says that it holds the lock, and lists its members', async () => {
    const found = await until('it runs', { state: 'running', clusterUnlocked: false })
    expect(found).toMatchObject({ verdict: 'ok', reasons: [] })
    expect(found.evidence).toMatch(
      /: p1 of kb holds the lock, primary, running, timeline 1, DCS seen \d s ago, Patroni \d+\.\d+\.\d+$/,
    )
    const member = { name: 'p1', host: '127.0.0.1', port: real.postgresPort, state: 'running', nofailover: false }
    expect(found.seen).toMatchObject({
      status: 200,
      facts: {
        systemIdentifier: expect.stringMatching(/^\d{19}$/) as string,
        tags: { nofailover: false, noloadbalance: true },
        followers: [],
        pendingRestart: false,
      },
      members: [{ ...member, apiUrl: `${real.url}/patroni` }],
    })
    expect(Math.abs(Date.now() - (found.seen.facts?.dcsLastSeenAt ?? 0))).toBeLessThan(5_000)
  })

  it('says that it is paused, and that a restart is pending', async () => {
    await real.configure({ pause: true, postgresql: { parameters: { max_connections: 120 } } })
    await until('it is paused', { paused: true, pendingRestart: true, holdsLock: true })
    await real.configure({ pause: null, postgresql: { parameters: { max_connections: null } } })
    await until('it is resumed', { paused: false, pendingRestart: false })
  })

  it('loses its DCS, keeps the lock a while, and demotes itself; the list of members does not hang a run', async () => {
    real.etcd.signal('SIGSTOP')
    const first = await look(2_000)
    expect(first).toMatchObject({ verdict: 'ok', seen: { facts: { holdsLock: true, state: 'running' } } })
    expect(first.finishedAt - first.startedAt).toBeLessThan(1_500)
    const lost = await until('it knows no lock any more', { clusterUnlocked: true })
    const before = lost.seen.facts?.dcsLastSeenAt
    const down = await until('it is demoted', { holdsLock: false, clusterUnlocked: true, dcsLastSeenAt: before })
    expect(down.verdict).toBe('ok')
    expect(down.evidence).toMatch(/no member holds the lock, .*DCS seen \d+ s ago/)
    real.etcd.signal('SIGCONT')
    await until('it leads again', { holdsLock: true, clusterUnlocked: false, role: 'primary', state: 'running' })
  })

  it('is silent where its Postgres hangs', async () => {
    await real.signalBackends('SIGSTOP')
    const found = await look(700)
    await real.signalBackends('SIGCONT')
    expect(found.reasons.map(({ code }) => code)).toEqual(['patroni_no_answer'])
    await until('it answers again', { holdsLock: true, state: 'running' })
  })

  it('hangs, and then is gone', async () => {
    real.process.signal('SIGSTOP')
    expect((await look(700)).reasons.map(({ code }) => code)).toEqual(['patroni_no_answer'])
    real.process.signal('SIGCONT')
    await real.process.stop('SIGTERM', 10_000)
    expect((await look()).reasons.map(({ code }) => code)).toEqual(['patroni_unreachable'])
  })
})
