/** What is open in this process, and at the servers. */
import { getEventListeners } from 'node:events'
import { readdirSync, readlinkSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import type { Listening } from '../servers/hostile.ts'
import type { PostgresNode } from '../servers/postgres.ts'
import type { Counts } from './flat.ts'

const tally = (names: readonly string[]): Counts => {
  const counts: Record<string, number> = {}
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1
  return counts
}

/**
 * Resources that keep the event loop alive, file descriptors by kind (where there is a /proc), listeners on the signal
 * that every run listens to, and sockets open at each server.
 * https://nodejs.org/docs/latest-v20.x/api/process.html#processgetactiveresourcesinfo
 */
export function countOpen(stop: AbortSignal, servers: ReadonlyMap<string, Listening>): Counts {
  const atServers = [...servers].map(([name, { connections }]) => [`open at ${name}`, connections] as const)
  return {
    ...tally(process.getActiveResourcesInfo().map(kind => `handle ${kind}`)),
    ...tally(descriptors().map(kind => `fd ${kind}`)),
    'abort listeners': getEventListeners(stop, 'abort').length,
    ...Object.fromEntries(atServers),
  }
}

const folder = '/proc/self/fd'

/** The kind of each: `socket`, `pipe`, `anon_inode`, else `file`. */
function descriptors(): string[] {
  try {
    return readdirSync(folder).map(fd => {
      try {
        return /^(\w+):/.exec(readlinkSync(`${folder}/${fd}`))?.[1] ?? 'file'
      } catch {
        // The one that the folder was read with.
        return 'file'
      }
    })
  } catch {
    return []
  }
}

/** Backends of clients at each node, whatever they call themselves, without those of the test itself. */
export async function countBackends(nodes: readonly PostgresNode[]): Promise<Counts> {
  const sql = `select count(*)::int as sessions from pg_stat_activity
    where backend_type = 'client backend' and application_name <> 'test-harness' and pid <> pg_backend_pid()`
  const counted = nodes.map(async node => {
    const [row] = await node.query<{ sessions: number }>(sql)
    return [`backends at ${node.name}`, row?.sessions ?? 0] as const
  })
  return Object.fromEntries(await Promise.all(counted))
}

/** In bytes, after GC where there is one. Twice, with a turn between: what has a finalizer is only gone then. */
export async function memory(): Promise<{ readonly heap: number; readonly rss: number }> {
  for (let pass = 0; pass < 2; pass++) {
    globalThis.gc?.()
    await setImmediate()
  }
  const { heapUsed, external, rss } = process.memoryUsage()
  return { heap: heapUsed + external, rss }
}
