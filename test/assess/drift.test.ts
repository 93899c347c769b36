import { describe, expect, it } from 'vitest'
import { drift } from '../../src/probes/drift/index.ts'
import type { Place } from '../../src/probes/drift/route.ts'
import type { DriftSeen } from '../../src/probes/drift/observe.ts'
import { valueOf } from '../probes/values.ts'
import {
  assessed,
  checkOf,
  intervalMs,
  judged,
  landingOn,
  node,
  path,
  primaryFacts,
  standbyFacts,
  start,
  type Looked,
} from '../status/looked.ts'
import { exceptionsOf, fine, mailTarget, pathOver, platform } from './mail-cases.ts'

const target = drift.target.parse({
  name: 'PGHOST',
  sources: { secret: { env: 'A' }, url: { env: 'B' } },
  compare: 'host',
  cluster: 'keybuzz',
})

/** Where a host leads; undefined where its name cannot be resolved. */
const at =
  (...hosts: readonly string[]) =>
  (places: readonly Place[]) =>
    places.some(({ host }) => hosts.includes(host))
const nowhere = () => undefined

function hosts(secret: ReturnType<typeof at> | typeof nowhere | undefined, more: Partial<DriftSeen> = {}): Looked {
  const seen: DriftSeen = {
    sources: [
      { label: 'secret', unreadable: undefined, isAt: secret },
      { label: 'url', unreadable: undefined, isAt: at('10.0.0.121') },
    ],
    pairs: [{ a: 'secret', b: 'url', agrees: true, onlySpace: false }],
    ...more,
  }
  return { check: checkOf(drift, target), observation: judged(drift, target, seen) }
}

const [one, two] = [primaryFacts(1), standbyFacts(2)]
const nodes = [node('db-1', one), node('db-2', two)]

function outcome(all: readonly Looked[], now = start) {
  const { checks } = assessed(all, { now })
  const check = checks.find(({ probe }) => probe === 'drift')
  if (!check) throw new Error('there is no such check')
  const value = (a: string) => valueOf(check, 'mailpath_secret_agrees', { target: 'PGHOST', a, b: 'primary' })
  return { verdict: check.verdict, evidence: check.evidence, secret: value('secret'), url: value('url') }
}

describe('hosts that should lead to the primary', () => {
  it.each<[string, Looked['observation'], object]>([
    ['do', hosts(at('10.0.0.121')).observation, { verdict: 'ok', secret: 1, url: 1 }],
    ['do, by the name of the node', hosts(at('db-1')).observation, { verdict: 'ok', secret: 1 }],
    [
      'lead to a standby',
      hosts(at('10.0.0.122')).observation,
      {
        verdict: 'warn',
        evidence: 'secret leads to db-2, not to db-1, the primary of keybuzz',
        secret: 0,
        url: 1,
      },
    ],
    [
      'lead nowhere we know',
      hosts(at('10.0.0.10')).observation,
      { verdict: 'warn', evidence: 'secret does not lead to db-1, the primary of keybuzz', secret: 0 },
    ],
    ['have a name nobody knows', hosts(nowhere).observation, { verdict: 'ok', secret: undefined, url: 1 }],
    ['could not be read', hosts(undefined).observation, { verdict: 'ok', secret: undefined, url: 1 }],
  ])('%s', (_, observation, expected) => {
    const { check } = hosts(nowhere)
    expect(outcome([...nodes, { check, observation }])).toMatchObject(expected)
  })

  it('lead to the old one after a failover', () => {
    const after = [node('db-1', standbyFacts(1)), node('db-2', primaryFacts(2, { wal_file_timeline: '00000002' }))]
    expect(outcome([...after, hosts(at('10.0.0.121'))])).toMatchObject({
      verdict: 'warn',
      evidence: 'secret leads to db-1, not to db-2, the primary of keybuzz',
      secret: 0,
      url: 0,
    })
  })

  it.each<[string, readonly Looked[]]>([
    ['there is none', [node('db-1', standbyFacts(1)), node('db-2', two)]],
    ['there may be two', [node('db-1', one), node('db-2', primaryFacts(2))]],
    ['nobody can be asked', [node('db-1', undefined), node('db-2', two)]],
  ])('are not compared while %s', (_, all) => {
    expect(outcome([...all, hosts(at('10.0.0.122'))])).toMatchObject({
      verdict: 'ok',
      secret: undefined,
      url: undefined,
    })
  })

  it('are not distinguished if several servers are behind one address', () => {
    const [a, b] = [primaryFacts(1), standbyFacts(2, { server_address: '10.0.0.121' })]
    expect(outcome([node('db-1', a), node('db-2', b), hosts(at('10.0.0.121'))])).toMatchObject({
      verdict: 'ok',
      secret: undefined,
    })
  })

  it('say nothing once they were read too long ago', () => {
    const later = start + 3 * intervalMs + 1
    const again = [node('db-1', one, { at: later }), node('db-2', two, { at: later })]
    expect(outcome([...again, hosts(at('10.0.0.122'))], later)).toMatchObject({ verdict: 'unknown', secret: undefined })
  })
})

it('is survived by mail, be it a difference or something unknown', () => {
  const all = (pairs: DriftSeen['pairs']) => [
    ...platform(fine).filter(({ check }) => check.probe !== 'write_path'),
    ...nodes,
    path('write', [landingOn(one)]),
    hosts(at('10.0.0.122'), { pairs }),
  ]
  const differs = pathOver(all([{ a: 'secret', b: 'url', agrees: false, onlySpace: false }]), mailTarget).status
  expect([differs.verdict, exceptionsOf(differs)]).toEqual(['warn', ['drift_differs', 'drift_not_primary']])
  const unknown = pathOver(all([{ a: 'secret', b: 'url', agrees: undefined, onlySpace: false }]), mailTarget).status
  expect([unknown.verdict, exceptionsOf(unknown)]).toEqual(['warn', ['drift_unreadable', 'drift_not_primary']])
})
