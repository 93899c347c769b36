import type { Shown } from '../../clients/certificates.ts'
import type { Failure } from '../../core/errors.ts'
import type { Look } from '../../core/probe.ts'
import type { PatroniTarget } from './target.ts'

/** Roles of a member. Patroni before 4.0 calls the primary "master". https://patroni.readthedocs.io/en/latest/rest_api.html */
export const patroniRoles = ['primary', 'standby_leader', 'replica', 'promoted', 'demoted', 'uninitialized'] as const
export type PatroniRole = (typeof patroniRoles)[number]

/** States of the Postgres of a member (PostgresqlState in patroni/postgresql/misc.py). */
export const patroniStates = [
  'initializing new cluster',
  'initdb failed',
  'running custom bootstrap script',
  'custom bootstrap failed',
  'creating replica',
  'running',
  'starting',
  'starting after custom bootstrap',
  'start failed',
  'restarting',
  'restart failed',
  'stopping',
  'stopped',
  'stop failed',
  'crashed',
] as const
export type PatroniState = (typeof patroniStates)[number]

/** What a Patroni says of its own node, and of the cluster as it knows it. */
export interface PatroniFacts {
  /** The member, and the cluster of Patroni (scope). */
  readonly name: string
  readonly scope: string
  readonly version: string
  /** Undefined for a word that no version known here uses. */
  readonly role: PatroniRole | undefined
  readonly state: PatroniState | undefined
  /** Whether it holds the leader lock: the status of /leader. It holds it also while its Postgres is down. */
  readonly holdsLock: boolean
  readonly timeline: number | undefined
  readonly systemIdentifier: string | undefined
  /** When it last reached the DCS (etcd, Consul, ZooKeeper, Kubernetes), in milliseconds since the epoch. */
  readonly dcsLastSeenAt: number | undefined
  /** No member holds the lock, as far as it knows. */
  readonly clusterUnlocked: boolean
  /** Maintenance mode: nothing fails over. */
  readonly paused: boolean
  readonly failsafeActive: boolean
  readonly pendingRestart: boolean
  /** The names of the parameters that wait for a restart, if it says them. */
  readonly pendingParameters: readonly string[]
  readonly syncStandby: boolean
  readonly tags: PatroniTags
  /** The standbys that stream from this node, by the names of their members. */
  readonly followers: readonly string[]
}

export interface PatroniTags {
  readonly nofailover: boolean
  readonly noloadbalance: boolean
  readonly nostream: boolean
}

/** A member as the holder of the lock lists it (/cluster). */
export interface PatroniMember {
  readonly name: string
  readonly host: string | undefined
  readonly port: number | undefined
  readonly apiUrl: string | undefined
  readonly state: string
  readonly nofailover: boolean
}

export interface PatroniSeen {
  /** `host:port` */
  readonly address: string
  /** HTTP status, if it answered. */
  readonly status?: number | undefined
  /** Undefined if it gave no answer, or not one of Patroni. */
  readonly facts?: PatroniFacts | undefined
  /** All members, by the last list that the holder of the lock gave; undefined if this one does not hold it. */
  readonly members?: readonly PatroniMember[] | undefined
  readonly certificates?: Shown | undefined
  readonly failure?: (Failure & { readonly tls: boolean }) | undefined
}

/** One GET of /leader: its status says who holds the lock, and its body is that of /patroni. */
export async function observe(target: PatroniTarget, look: Look): Promise<PatroniSeen> {
  await look.phase('request', () => undefined)
  return { address: target.url }
}
