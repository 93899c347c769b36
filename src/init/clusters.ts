import { isIPv6 } from 'node:net'
import type { Database, NodeLogin } from './database.ts'
import type { Member, PatroniAsked, PatroniCluster } from './patroni.ts'
import type { Entry, Line } from './yaml.ts'

/** The clusters that Patronis named, and what is written of them. */
export interface Clusters {
  readonly postgres: readonly Entry[]
  readonly patroni: readonly Entry[]
  /** The cluster of a database, and why it is that one. */
  readonly of: (database: Database) => readonly [cluster: string, because: string]
  /** Whether a place is a node that a Patroni named. */
  readonly isNode: (host: string, port: number) => boolean
}

/** Its name, if no Patroni said one. */
const unnamed = 'main'

/** `caFile` is for what is asked over TLS. */
export function clustersOf(
  asked: readonly PatroniAsked[],
  databases: readonly Database[],
  caFile: string | undefined,
): Clusters {
  const clusters = merged(asked.flatMap(({ found }) => found ?? []))
  const at = (host: string, port: number): PatroniCluster | undefined =>
    clusters.find(({ members }) => members.some(one => one.host === host && one.port === port))
  const of: Clusters['of'] = ({ endpoints }) => {
    const [first, ...others] = clusters
    if (!first) return [unnamed, 'a name of your own: no Patroni said one']
    const named = endpoints.flatMap(one => (one.kind === 'tcp' ? (at(one.host, one.port) ?? []) : []))[0]
    if (named) return [named.scope, 'one of its nodes is named there']
    return [
      first.scope,
      others.length === 0 ? 'the cluster of that Patroni' : 'a guess: correct it if it is another one',
    ]
  }
  const loginOf = (scope: string): NodeLogin | undefined =>
    (databases.find(one => one.login && of(one)[0] === scope) ?? databases.find(({ login }) => login))?.login
  const taken = new Set<string>()
  const named = clusters.flatMap(cluster =>
    cluster.members.map(member => ({ cluster, member, name: freeName(taken, member.name, cluster.scope) })),
  )
  return {
    postgres: named.map(({ cluster, member, name }) => nodeEntry(name, cluster.scope, member, loginOf(cluster.scope))),
    patroni: [
      ...named.flatMap(({ cluster, member, name }) => patroniEntry(name, cluster.scope, member, caFile)),
      ...asked.flatMap(one => unanswered(one, clusters, caFile)),
    ],
    of,
    isNode: (host, port) => at(host, port) !== undefined,
  }
}

/** Several Patronis of one cluster list the same members. */
function merged(found: readonly PatroniCluster[]): PatroniCluster[] {
  const scopes = [...new Set(found.map(({ scope }) => scope))]
  return scopes.map(scope => {
    const same = found.filter(one => one.scope === scope)
    const members = new Map(same.flatMap(one => one.members.map(member => [member.name, member])))
    return { scope, members: [...members.values()], notes: [...new Set(same.flatMap(({ notes }) => notes))] }
  })
}

function freeName(taken: Set<string>, name: string, scope: string): string {
  const free = taken.has(name) ? `${name} ${scope}`.slice(0, 120) : name
  taken.add(free)
  return free
}

function nodeEntry(name: string, cluster: string, { host, port, leads }: Member, login: NodeLogin | undefined): Entry {
  const place = `${isIPv6(host) ? `[${host}]` : host}:${port}`
  const url = login
    ? `postgres://${place}${login.query === '' ? '' : `/${login.query}`}`
    : `postgres://mailpath@${place}/postgres`
  const own: readonly Line[] = login?.lines ?? [['password', { file: '/run/secrets/pg_password' }]]
  return {
    off: login === undefined,
    lines: [
      ['name', name],
      ['cluster', cluster],
      ['url', url, `as Patroni lists it, ${leads ? 'the leader' : 'a replica'} when init asked`],
      ...own,
    ],
  }
}

function patroniEntry(name: string, cluster: string, { api }: Member, caFile: string | undefined): Entry[] {
  if (api === undefined) return []
  return [
    {
      lines: [['name', name], ['cluster', cluster], ['url', api, 'as Patroni lists it'], ...authority(api, caFile)],
    },
  ]
}

const authority = (url: string, caFile: string | undefined): Line[] =>
  caFile !== undefined && url.startsWith('https:') ? [['ca_file', caFile]] : []

/** One that gave no answer may be right, and down: then the check says so. */
function unanswered(
  { url, why, isDown, found }: PatroniAsked,
  clusters: readonly PatroniCluster[],
  caFile: string | undefined,
): Entry[] {
  const isKnown = clusters.some(({ members }) => members.some(({ api }) => api === url))
  if (found || isKnown) return []
  return [
    {
      notes: [`${isDown ? 'No list of members when init asked' : 'No Patroni'}: ${why ?? 'it gave none'}.`],
      off: !isDown || clusters.length > 0,
      lines: [
        ['name', new URL(url).hostname.replace(/^\[|\]$/g, '')],
        ['cluster', clusters[0]?.scope ?? unnamed],
        ['url', url, 'as given'],
        ...authority(url, caFile),
      ],
    },
  ]
}
