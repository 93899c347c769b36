import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Memory } from '../../src/assess/assessment.ts'
import type { PatroniFacts } from '../../src/probes/patroni/answer.ts'
import type { NodeFacts } from '../../src/probes/postgres/observe.ts'
import {
  assessed,
  intervalMs,
  landingOn,
  node,
  otherIdentifier,
  path,
  primaryFacts,
  standbyFacts,
  start,
  type Looked,
} from '../status/looked.ts'
import { leaderSays, listedMember, patroniOf, replicaSays } from '../status/patroni.ts'
import { serverDown, serverUp } from '../status/haproxy.ts'
import { balancer, byBalancer, shutOut, silentBalancer, through } from './platform.ts'

const slot = { name: 'old', active: false, wal_status: 'extended', safe_wal_size: null, kept: 50 * 2 ** 30 }

/** What a node can be found as; its number makes its address. */
const roles = {
  primary: (number: number) => primaryFacts(number),
  promoted: (number: number) => primaryFacts(number, { wal_file_timeline: '00000002' }),
  standby: (number: number) => standbyFacts(number),
  crowded: (number: number) =>
    standbyFacts(number, {
      sessions: [
        { role: 'kb_backend', database: 'keybuzz_backend', count: 2, idle: 1, settled: 1, oldest_seconds: 34 },
      ],
    }),
  replaced: (number: number) =>
    standbyFacts(number, { server_address: '10.0.0.129', postmaster_start: '2026-01-11T08:00:00.000000' }),
  cascaded: (number: number) => standbyFacts(number, { upstream_host: '10.0.0.122' }),
  foreign: (number: number) => primaryFacts(number, { system_identifier: otherIdentifier }),
  lagging: (number: number) => primaryFacts(number, { wal_lsn: 1024, slots: [slot] }),
  full: (number: number) => standbyFacts(number, { receiver_running: false, receiver_status: null }),
  down: () => undefined,
} as const satisfies Record<string, (number: number) => NodeFacts | undefined>
type Role = keyof typeof roles

/** What a Patroni can say; the same words, for what it is the Patroni of. */
const words: Readonly<Record<Role, (number: number) => PatroniFacts | undefined>> = {
  primary: number => leaderSays(number),
  promoted: number => leaderSays(number, { state: 'crashed' }),
  standby: number => replicaSays(number),
  crowded: number => replicaSays(number, { syncStandby: true }),
  replaced: number => replicaSays(number, { paused: true, pendingRestart: true }),
  cascaded: number => replicaSays(number, { dcsLastSeenAt: start, clusterUnlocked: true }),
  foreign: number => leaderSays(number, { failsafeActive: true, dcsLastSeenAt: start }),
  lagging: number => replicaSays(number, { holdsLock: true }),
  full: number => replicaSays(number, { tags: { nofailover: true, noloadbalance: false, nostream: false } }),
  down: () => undefined,
}

/** Two clusters of two nodes, the Patronis of the first of them, and two paths that should write to it, one through a HAProxy. */
const names = ['db-1', 'db-2', 'db-3', 'db-4', 'patroni-db-1', 'patroni-db-2', 'path-1', 'path-2', 'lb-1'] as const
const clusterOf = (number: number): string => (number <= 2 ? 'keybuzz' : 'other')

/** A run of one of them: a node is found as that, or the path lands on the node of that number, as that. */
interface Run {
  readonly name: (typeof names)[number]
  readonly role: Role
  readonly number: number
}
const runs: fc.Arbitrary<Run> = fc.record({
  name: fc.constantFrom(...names),
  role: fc.constantFrom(...(Object.keys(roles) as Role[])),
  number: fc.integer({ min: 1, max: 4 }),
})
/** Between two assessments so many checks run and so much time goes by, now and then enough for some to go stale. */
const stories = fc.array(
  fc.record({ runs: fc.array(runs, { maxLength: 3 }), ms: fc.constantFrom(20, 1_000, intervalMs, 4 * intervalMs) }),
  { minLength: 2, maxLength: 12 },
)

function looked({ name, role, number }: Run, at: number): Looked {
  const own = Number(name.slice(-1))
  if (name.startsWith('db')) return node(name, roles[role](own), { at, cluster: clusterOf(own) })
  if (name.startsWith('patroni')) {
    const members = [listedMember(1), listedMember(number)]
    return patroniOf(`db-${own}`, words[role](own), { at, members })
  }
  if (name === 'lb-1')
    return role === 'down'
      ? silentBalancer(at)
      : balancer([serverUp(`db-${number}`), role === 'primary' ? serverUp('db-1') : serverDown('db-2')], at)
  const facts = roles[role](number)
  if (name === 'path-2')
    return through(byBalancer, facts ? [landingOn(facts)] : [], { at, ...(!facts && shutOut('closed')) }, name)
  return path(name, facts ? [landingOn(facts)] : [], { at })
}

/** The same in objects of its own, of which nothing is kept. */
function copied({ check, observation }: Looked): Looked {
  const config = { ...check.config }
  return { check: { ...check, config }, observation: observation && { ...observation, config } }
}

/** Others in each run of the tests: their number only says how soon a mistake is found. */
function holds(numRuns: number): void {
  fc.assert(
    fc.property(stories, story => {
      const all = new Map<string, Looked>(
        names.map(name => [name, looked({ name, role: 'standby', number: 1 }, start)]),
      )
      let [now, previous, afresh]: [number, Memory | undefined, Memory | undefined] = [start, undefined, undefined]
      for (const step of story) {
        now += step.ms
        for (const run of step.runs) {
          const { observation } = looked(run, now)
          const { check } = all.get(run.name) ?? looked(run, now)
          all.set(run.name, { check, observation: observation && { ...observation, config: check.config } })
        }
        const seen = [...all.values()]
        const both = (looks: readonly Looked[], at: number, known?: Memory, same = known) => {
          const remembered = assessed(looks, { now: at, ...(known && { previous: known }) })
          const fresh = assessed(looks.map(copied), { now: at, ...(same && { previous: same }) })
          // The comparison of expect takes ten times as long: it only has to show the difference.
          if (!isDeepStrictEqual(remembered, fresh)) expect(remembered).toEqual(fresh)
          return { remembered, fresh }
        }
        const { remembered, fresh } = both(seen, now, previous, afresh)
        // Of another past, and of none at two times; in copies, so that the story itself goes on undisturbed.
        const others = seen.map(copied)
        both(others, now, previous)
        both(others, now)
        both(others, now + 1)
        ;[previous, afresh] = [remembered.memory, structuredClone(fresh.memory)]
      }
    }),
    { numRuns },
  )
}

it('concludes the same from what it has assessed before as from what it sees for the first time', () => holds(30))

it('does so in many stories', { tags: 'slow' }, () => holds(250))
