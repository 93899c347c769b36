import { describe, expect, it } from 'vitest'
import type { Assessment, CheckStatus, Memory } from '../../src/assess/assessment.ts'
import { postgres } from '../../src/probes/postgres/index.ts'
import { valueOf } from '../probes/values.ts'
import {
  assessed,
  checkOf,
  intervalMs,
  landingOn,
  node,
  nodeTarget,
  path,
  primaryFacts,
  reported,
  standbyFacts,
  start,
} from '../status/looked.ts'

const nodes = [node('db-1', primaryFacts(1)), node('db-2', standbyFacts(2))]

describe('a check stands', () => {
  const status = (assessment: Assessment, id: string): CheckStatus => {
    const found = assessment.checks.find(check => check.id === id)
    if (!found) throw new Error(`there is no check ${id}`)
    return found
  }

  it('as its last run found it, in the order of the configuration', () => {
    const all = assessed(nodes)
    expect(all.checks.map(({ id, verdict, stale }) => [id, verdict, stale])).toEqual([
      ['postgres/db-1', 'ok', false],
      ['postgres/db-2', 'ok', false],
    ])
    expect(valueOf(status(all, 'postgres/db-2'), 'mailpath_postgres_in_recovery')).toBe(1)
    expect(all.at).toBe(start)
  })

  it('as the same object while the same is concluded of it, whatever is found of others', () => {
    const [first, second] = nodes
    const all = [first, second, path('app', [landingOn(primaryFacts(1))])].flatMap(one => one ?? [])
    const before = assessed(all)
    const again = { check: first?.check, observation: node('db-1', primaryFacts(1), { at: start + 1_000 }).observation }
    const after = assessed(all.map(one => (one.check === again.check ? { ...one, ...again, check: one.check } : one)))
    expect(after.checks.map((check, i) => check === before.checks[i])).toEqual([false, true, true])
    expect(after.checks[2]?.evidence).toContain('on db-1')
    const unseen = assessed([node('db-1', undefined), ...all.slice(1)])
    expect(unseen.checks[2]?.evidence).not.toContain('on db-1')
  })

  it('as unknown before it has run', () => {
    const [first] = nodes
    const all = assessed([{ check: first?.check ?? checkOf(postgres, nodeTarget('db-1')), observation: undefined }])
    expect(status(all, 'postgres/db-1')).toMatchObject({
      verdict: 'unknown',
      evidence: 'has not run yet',
      stale: false,
      samples: [],
      observation: undefined,
    })
  })

  it('as unknown once its last run is older than three intervals, and not as what it said then', () => {
    const target = nodeTarget('db-1')
    const failed = { check: checkOf(postgres, target), observation: reported(postgres, target, ['postgres_lag']) }
    const after = (ms: number) => assessed([failed, ...nodes.slice(1)], { now: start + ms })
    expect(status(after(3 * intervalMs), 'postgres/db-1')).toMatchObject({ verdict: 'warn', stale: false })
    const old = status(after(3 * intervalMs + 1), 'postgres/db-1')
    expect(old).toMatchObject({ verdict: 'unknown', stale: true, samples: [] })
    expect(old.reasons).toMatchObject([{ code: 'stale', text: 'last seen 45 s ago, then warn' }])
    expect(old.observation).toBeDefined()
    expect(after(3 * intervalMs + 1).samples.filter(({ metric }) => metric.name.includes('primary_info'))).toEqual([])
  })
})

it('follows from its arguments alone', () => {
  const looked = [...nodes, path('backend', [landingOn(standbyFacts(2))])]
  const once = assessed(looked, { now: start + 1 })
  expect(assessed(looked, { now: start + 1 })).toEqual(once)
  expect(assessed(looked, { now: start + 1, previous: once.memory }).memory).toEqual(once.memory)
})

it('forgets what is no longer configured', () => {
  const before = assessed([...nodes, path('backend', [landingOn(standbyFacts(2))])])
  const { memory, samples } = assessed(nodes.slice(0, 1), { previous: before.memory })
  expect(memory.outages).toEqual(new Map())
  expect(samples.every(({ metric }) => metric.name.startsWith('mailpath_cluster_'))).toBe(true)
})

const outage = (assessment: Assessment) => valueOf(assessment, 'mailpath_write_path_outage_seconds_total')

describe('seconds without a write', () => {
  const well = (at: number) => [...nodes, path('backend', [landingOn(primaryFacts(1))], { at })]
  const broken = (at: number) => [...nodes, path('backend', [landingOn(standbyFacts(2))], { at })]

  it('add up over assessments while the path fails, and only then', () => {
    let previous: Memory | undefined
    const seconds = (
      [
        [0, well],
        [10, well],
        [20, broken],
        [25, broken],
        [40, broken],
        [50, well],
        [60, well],
        [70, broken],
        [71, broken],
      ] as const
    ).map(([after, look]) => {
      const now = start + after * 1000
      const all = assessed(look(now), { now, ...(previous && { previous }) })
      previous = all.memory
      return outage(all)
    })
    expect(seconds).toEqual([0, 0, 0, 5, 20, 30, 30, 30, 31])
  })

  it('stop when nothing is known any more, and do not count a clock that was set back', () => {
    const first = assessed(broken(start))
    const stale = assessed(broken(start), { now: start + 4 * intervalMs, previous: first.memory })
    const later = assessed(broken(start), { now: start + 9 * intervalMs, previous: stale.memory })
    expect([stale, later].map(outage)).toEqual([60, 60])
    expect(outage(assessed(broken(start), { now: start - 5_000, previous: first.memory }))).toBe(0)
  })
})
