/** A switchover behind a HAProxy, looked at in any order and without a watch: few changes of the verdict, and no advice does harm. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Memory, MailStatus } from '../../src/assess/assessment.ts'
import { mail } from '../../src/probes/mail/index.ts'
import type { NodeFacts } from '../../src/probes/postgres/observe.ts'
import { harmIn } from '../patroni/advice.ts'
import { assessed, landingOn, node, primaryFacts, standbyFacts, start, type Looked } from '../status/looked.ts'
import { leaderSays, patroniOf, replicaSays } from '../status/patroni.ts'
import { serverDown, serverUp } from '../status/haproxy.ts'
import { balancer, byBalancer, shutOut, through } from './platform.ts'

/** When what happens, in milliseconds. Each event after the one it waits for. */
interface Switchover {
  /** The old primary shuts down, and gives the lock away. */
  readonly ends: number
  /** The new one takes the lock. */
  readonly locks: number
  /** It takes writes. */
  readonly promoted: number
  /** The old one is back as a standby. */
  readonly follows: number
  /** HAProxy takes the old one out, and the new one in. */
  readonly out: number
  readonly taken: number
}

const switchovers = fc
  .record({
    locks: fc.integer({ min: 0, max: 2_000 }),
    promoted: fc.integer({ min: 0, max: 2_000 }),
    follows: fc.integer({ min: 500, max: 6_000 }),
    out: fc.integer({ min: 500, max: 9_000 }),
    taken: fc.integer({ min: 500, max: 6_000 }),
  })
  .map(({ locks, promoted, follows, out, taken }): Switchover => {
    const ends = 5_000
    const at = ends + locks + promoted
    return { ends, locks: ends + locks, promoted: at, follows: ends + follows, out: ends + out, taken: at + taken }
  })

const first = { primary: primaryFacts(1), standby: standbyFacts(1, { postmaster_start: '2026-01-12T08:00:07.000000' }) }
const second = {
  primary: primaryFacts(2, { wal_file_timeline: '00000002', wal_lsn: 9_000 }),
  standby: standbyFacts(2),
}

/** What each check finds at a time. `pick` is the server that HAProxy gives a session, of those it has. */
function lookAt(kind: number, at: number, when: Switchover, pick: number): Looked {
  const [now, t] = [start + at, at]
  const one: NodeFacts | undefined = t < when.ends ? first.primary : t < when.follows ? undefined : first.standby
  const two: NodeFacts = t < when.promoted ? second.standby : second.primary
  const [isOneUp, isTwoUp] = [t < when.out, t >= when.taken]
  if (kind === 0) return node('db-1', one, { at: now })
  if (kind === 1) return node('db-2', two, { at: now })
  if (kind === 2) {
    const state = t < when.follows ? 'stopping' : 'running'
    return patroniOf(
      'db-1',
      t < when.ends ? leaderSays(1) : replicaSays(1, { state, clusterUnlocked: t < when.locks }),
      { at: now },
    )
  }
  if (kind === 3) {
    const leads = leaderSays(2, {
      role: t < when.promoted ? 'replica' : 'primary',
      timeline: t < when.promoted ? 1 : 2,
    })
    const unlocked = t >= when.ends
    return patroniOf('db-2', t < when.locks ? replicaSays(2, { clusterUnlocked: unlocked }) : leads, { at: now })
  }
  if (kind === 4) {
    const changed = (ms: number) => ({ lastChangeAt: Math.floor((start + ms) / 1000) * 1000 })
    const servers = [
      isOneUp ? serverUp('db-1') : serverDown('db-1', changed(when.out)),
      isTwoUp ? serverUp('db-2', changed(when.taken)) : serverDown('db-2'),
    ]
    return balancer(servers, now)
  }
  const to = [...(isOneUp ? [one] : []), ...(isTwoUp ? [two] : [])]
  const facts = to[pick % Math.max(1, to.length)]
  return facts
    ? through(byBalancer, [landingOn(facts)], { at: now })
    : through(byBalancer, [], { at: now, ...shutOut('closed') })
}

const kinds = [0, 1, 2, 3, 4, 5]
const roundMs = 2_000
const rounds = 14
const target = mail.target.parse({ name: 'backend', smtp: [] })

/** What mail is after each look. In each round each check is looked at once. */
function follow(when: Switchover, orders: readonly (readonly number[])[], picks: readonly number[]): MailStatus[] {
  const looks = new Map(kinds.map(kind => [kind, lookAt(kind, 0, when, 0)]))
  let previous: Memory | undefined
  return orders.flatMap((order, round) =>
    order.map((kind, i) => {
      const at = round * roundMs + i * 300
      looks.set(kind, lookAt(kind, at, when, picks[round] ?? 0))
      const {
        memory,
        mail: [path],
      } = assessed([...looks.values()], { mail: [target], now: start + at, ...(previous && { previous }) })
      previous = memory
      if (!path) throw new Error('there is no mail path')
      return path
    }),
  )
}

const orders = fc.array(fc.shuffledSubarray(kinds, { minLength: kinds.length }), {
  minLength: rounds,
  maxLength: rounds,
})
const picks = fc.array(fc.nat(1), { minLength: rounds, maxLength: rounds })
const isDown = ({ blockers }: MailStatus): boolean =>
  blockers.some(({ level, probe }) => level === 'fail' && probe !== mail.kind)

/** The advice that does harm, by its reason: none. */
const harmsIn = (paths: readonly MailStatus[]): unknown[] =>
  paths.flatMap(({ blockers, exceptions }) =>
    [...blockers, ...exceptions].flatMap(({ probe, target: name, reason }) => {
      const harm = harmIn({ ...reason, id: `${probe}/${name}` }, 'db-2')
      return harm.length === 0 ? [] : [[harm, reason.remedy]]
    }),
  )

/** Others in each run of the tests: their number only says how soon a mistake is found. Both promises, since a story takes long. */
function holds(numRuns: number): void {
  fc.assert(
    fc.property(switchovers, orders, picks, (when, order, pick) => {
      const paths = follow(when, order, pick)
      const all = paths.map(isDown)
      // Once each way is the rule. The second time: all looks at the nodes are later than that of the path, or the other way round.
      expect(all.filter((one, i) => one !== (all[i - 1] ?? false)).length).toBeLessThanOrEqual(4)
      expect(all.at(-1)).toBe(false)
      expect(harmsIn(paths)).toEqual([])
    }),
    { numRuns },
  )
}

it('changes the verdict at most twice each way, ends well, and advises nothing that harms at any moment', () =>
  holds(20))

it('does so in many switchovers', { tags: 'slow' }, () => holds(150))
