import * as z from 'zod'
import type { HttpResponse } from '../../clients/http.ts'
import { oneLine } from '../../core/errors.ts'

/** Roles of a member. Patroni before 4.0 calls the primary "master" (PostgresqlRole in patroni/postgresql/misc.py). */
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
  /** The name of the member. Patroni says it from 3.2 on; undefined if neither it nor a list of members does. */
  readonly name: string | undefined
  /** The cluster of Patroni. */
  readonly scope: string
  /** Undefined if it does not look like a version. */
  readonly version: string | undefined
  /** Undefined for a word that no version known here uses. */
  readonly role: PatroniRole | undefined
  /** The same; also undefined if Patroni takes its Postgres for running, and got no answer from it ("unknown"). */
  readonly state: PatroniState | undefined
  /**
   * Whether it counts as the holder of the leader lock: the status of /leader. It does also while its Postgres is down.
   * With `clusterUnlocked` it lost sight of the lock: until `ttl` is over, in failsafe mode, or paused.
   */
  readonly holdsLock: boolean
  readonly timeline: number | undefined
  readonly systemIdentifier: string | undefined
  /**
   * When it last reached the DCS (etcd, Consul, ZooKeeper, Kubernetes), in milliseconds since the epoch, by the clock of
   * this host. In whole seconds. Patroni says it from 2.1.2 on.
   */
  readonly dcsLastSeenAt: number | undefined
  /** No member holds the lock, as far as it knows. */
  readonly clusterUnlocked: boolean
  /** Maintenance mode: nothing fails over. */
  readonly paused: boolean
  readonly failsafeActive: boolean
  readonly pendingRestart: boolean
  /** The names of the parameters that wait for a restart. Patroni says them from 3.3 on. */
  readonly pendingParameters: readonly string[]
  /** A synchronous standby, or one of a quorum. */
  readonly syncStandby: boolean
  readonly tags: PatroniTags
  /** The standbys that stream from this node, by the names of their members. */
  readonly followers: readonly string[]
}

export interface PatroniTags {
  /** By the tag, or by a `failover_priority` of 0. */
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
  /** As Patroni says it: a state, or how a standby gets its WAL ("streaming"). */
  readonly state: string
  readonly nofailover: boolean
}

/** Longer names and lists are cut. */
const maxNameLength = 200
const maxItems = 100

const words = z.string().transform(text => oneLine(text).slice(0, maxNameLength))
/** A name, which is not empty. */
const name = words.refine(text => text !== '')
/** A field that counts only if it has the right type: an odd one is as good as none. */
const optional = <T extends z.ZodType>(type: T) => type.optional().catch(undefined)
/** Patroni leaves out what is false. */
const flag = z.boolean().catch(false)
const listOf = <T extends z.ZodType>(type: T) =>
  z
    .array(z.unknown())
    .catch([])
    .transform(items => items.slice(0, maxItems).flatMap(item => type.safeParse(item).data ?? []))

/** What Python takes for true: the values of tags are what somebody wrote into a file. */
const truth = (value: unknown): boolean =>
  typeof value === 'object' && value !== null ? Object.keys(value).length > 0 : Boolean(value)

/** As patroni/tags.py reads them. */
const tags = z
  .record(z.string(), z.unknown())
  .catch({})
  .transform((given): PatroniTags => {
    const { nofailover, failover_priority: priority } = given
    const last = /^-?\d+$/.test(String(priority)) && Number(priority) <= 0
    return {
      nofailover: nofailover === undefined || nofailover === null ? last : truth(nofailover),
      noloadbalance: truth(given['noloadbalance']),
      nostream: truth(given['nostream']),
    }
  })

const roles: Readonly<Record<string, PatroniRole>> = {
  master: 'primary',
  ...Object.fromEntries(patroniRoles.map(role => [role, role])),
}
const role = z.string().transform(word => (Object.hasOwn(roles, word) ? roles[word] : undefined))

/** Before 4.0 "restart failed (crashed)" has the state before in it, and up to 3.0.0 "initalizing" has a letter less. */
const state = z.string().transform(word => {
  const known = word.replace(/ \(.*\)$/, '').replace('initalizing', 'initializing')
  return patroniStates.find(one => one === known)
})

const follower = z.object({ application_name: name, state: z.literal('streaming') })

/** The body of /leader, which is that of /patroni (`_write_status_response` in patroni/api.py). */
const statusBody = z.object({
  patroni: z.object({ version: z.string(), scope: words, name: optional(name) }),
  role,
  state,
  timeline: optional(z.int().positive()),
  database_system_identifier: optional(z.string().regex(/^\d{1,20}$/)),
  dcs_last_seen: optional(z.int().positive()),
  cluster_unlocked: flag,
  pause: flag,
  failsafe_mode_is_active: flag,
  pending_restart: flag,
  pending_restart_reason: z.record(z.string(), z.unknown()).catch({}),
  sync_standby: flag,
  quorum_standby: flag,
  tags,
  replication: listOf(follower),
})

/** What the answer to /leader says; undefined if it is not one of Patroni. `at`: when it came, in milliseconds. */
export function factsIn({ status, headers, body }: HttpResponse, at: number): PatroniFacts | undefined {
  if (status !== 200 && status !== 503) return undefined
  const { data } = statusBody.safeParse(parsed(body))
  if (!data) return undefined
  const { version } = data.patroni
  return {
    name: data.patroni.name,
    scope: data.patroni.scope,
    // It becomes a label.
    version: /^[\w.+-]{1,64}$/.test(version) ? version : undefined,
    role: data.role,
    state: data.state,
    holdsLock: status === 200,
    timeline: data.timeline,
    systemIdentifier: data.database_system_identifier,
    dcsLastSeenAt: data.dcs_last_seen === undefined ? undefined : byOurClock(data.dcs_last_seen, headers.date, at),
    clusterUnlocked: data.cluster_unlocked,
    paused: data.pause,
    failsafeActive: data.failsafe_mode_is_active,
    pendingRestart: data.pending_restart,
    pendingParameters: Object.keys(data.pending_restart_reason).slice(0, maxItems).map(short),
    syncStandby: data.sync_standby || data.quorum_standby,
    tags: data.tags,
    followers: data.replication.map(one => one.application_name),
  }
}

const short = (text: string): string => oneLine(text).slice(0, maxNameLength)

/**
 * A time of the node's clock, in seconds, as one of ours, in milliseconds: the header `Date` of the same answer is by that
 * clock too. Clocks that agree to 2 s count as the same, so that the time does not change from answer to answer.
 */
function byOurClock(seconds: number, date: string | undefined, at: number): number {
  const ahead = date === undefined ? NaN : Date.parse(date) - at
  return seconds * 1000 - (Math.abs(ahead) >= 2_000 ? Math.round(ahead / 1000) * 1000 : 0)
}

const listed = z.object({
  name,
  role: z.string().catch(''),
  host: optional(words),
  port: optional(z.int().min(1).max(65_535)),
  api_url: optional(words),
  state: words.catch(''),
  tags,
})
/** The body of /cluster (`cluster_as_json` in patroni/utils.py). */
const clusterBody = z.object({ members: z.array(z.unknown()) })

/** The members of a cluster, and which of them holds the lock. */
export interface MemberList {
  readonly members: readonly PatroniMember[]
  readonly leader: string | undefined
}

/** What the answer to /cluster says; undefined if it is not one of Patroni. */
export function membersIn({ status, body }: HttpResponse): MemberList | undefined {
  if (status !== 200) return undefined
  const { data } = clusterBody.safeParse(parsed(body))
  if (!data) return undefined
  const all = listOf(listed).parse(data.members)
  return {
    leader: all.find(({ role }) => role === 'leader' || role === 'standby_leader')?.name,
    members: all.map(one => ({
      name: one.name,
      host: one.host,
      port: one.port,
      apiUrl: one.api_url,
      state: one.state,
      nofailover: one.tags.nofailover,
    })),
  }
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}
