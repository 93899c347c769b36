import { judged, checkOf, start, type Looked } from './looked.ts'
import { patroni } from '../../src/probes/patroni/index.ts'
import type { PatroniFacts, PatroniMember } from '../../src/probes/patroni/answer.ts'
import type { PatroniTarget } from '../../src/probes/patroni/target.ts'

/** A member of a cluster of three as Patroni 3.2 describes it; its number makes its name. */
export const replicaSays = (number: number, fields: Partial<PatroniFacts> = {}): PatroniFacts => ({
  name: `db-${number}`,
  scope: 'kb',
  version: '3.2.2',
  role: 'replica',
  state: 'running',
  holdsLock: false,
  timeline: 1,
  systemIdentifier: '7000000000000000001',
  dcsLastSeenAt: undefined,
  clusterUnlocked: false,
  paused: false,
  failsafeActive: false,
  pendingRestart: false,
  pendingParameters: [],
  syncStandby: false,
  tags: { nofailover: false, noloadbalance: false, nostream: false },
  followers: [],
  ...fields,
})

export const leaderSays = (number: number, fields: Partial<PatroniFacts> = {}): PatroniFacts =>
  replicaSays(number, { role: 'primary', holdsLock: true, ...fields })

export const listedMember = (number: number, fields: Partial<PatroniMember> = {}): PatroniMember => ({
  name: `db-${number}`,
  host: `10.0.0.12${number}`,
  port: 5432,
  apiUrl: `http://10.0.0.12${number}:8008/patroni`,
  state: 'running',
  nofailover: false,
  ...fields,
})

interface PatroniLook extends Partial<Pick<PatroniTarget, 'node' | 'url' | 'cluster'>> {
  readonly at?: number
  /** How long before the look it reached the DCS, in milliseconds. */
  readonly dcsAgeMs?: number
  readonly members?: readonly PatroniMember[]
}

/** A Patroni that answered so, or that did not where nothing is given. */
export function patroniOf(
  name: string,
  facts: PatroniFacts | undefined,
  { at = start, dcsAgeMs = 2_000, members, cluster = 'keybuzz', ...fields }: PatroniLook = {},
): Looked {
  const target = patroni.target.parse({ name: `patroni-${name}`, cluster, url: `http://${name}:8008`, ...fields })
  const address = `${name}:8008`
  const text = `${address}: connect ECONNREFUSED (phase connect)`
  const failure = { phase: 'connect', code: 'ECONNREFUSED', text, timedOut: false, tls: false, strange: false }
  const seen = facts
    ? {
        address,
        status: facts.holdsLock ? 200 : 503,
        answeredAt: at,
        facts: { ...facts, dcsLastSeenAt: facts.dcsLastSeenAt ?? at - dcsAgeMs },
        members,
      }
    : { address, failure }
  return { check: checkOf(patroni, target), observation: judged(patroni, target, seen, at) }
}
