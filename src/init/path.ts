import { writePathName, type Application } from './application.ts'
import type { Clusters } from './clusters.ts'
import type { Database } from './database.ts'
import type { Balancer } from './haproxy.ts'
import { nameOf, type Entry, type Line } from './yaml.ts'

/** The write path of a database: its cluster, and the HAProxy that it goes through if its address shows that. */
export function writePathEntry(
  application: Application,
  database: Database,
  clusters: Clusters,
  balancers: readonly Balancer[],
): Entry {
  const [cluster, because] = clusters.of(database)
  const through = throughOf(database, clusters, balancers)
  return {
    notes: [...database.notes, ...through.notes],
    lines: [
      ['name', writePathName(application, database)],
      ['cluster', cluster, because],
      ...database.lines,
      ...through.lines,
    ],
  }
}

interface Through {
  readonly notes: readonly string[]
  readonly lines: readonly Line[]
}

function throughOf({ endpoints }: Database, { isNode }: Clusters, balancers: readonly Balancer[]): Through {
  const balancer = balancers.find(({ host, entry }) =>
    nameOf(entry) === undefined
      ? false
      : endpoints.some(one => one.kind === 'tcp' && one.host === host && !isNode(one.host, one.port)),
  )
  if (!balancer) return { notes: [], lines: [] }
  const proxies = [...new Set(balancer.servers.map(({ proxy }) => proxy))]
  const writing = proxies.length === 1 ? proxies : proxies.filter(leadsToWriters)
  const [proxy] = writing
  if (proxy === undefined || writing.length > 1)
    return {
      notes: [`It goes through ${balancer.name}. Missing: haproxy: { target: ${balancer.name}, proxy: … }`],
      lines: [],
    }
  return { notes: [], lines: [['haproxy', { target: balancer.name, proxy }, 'by the host of the URL']] }
}

const leadsToWriters = (proxy: string): boolean =>
  /write|primary|master|leader|(?:^|[-_])rw(?:[-_]|$)/i.test(proxy) && !/read|replica|standby/i.test(proxy)
