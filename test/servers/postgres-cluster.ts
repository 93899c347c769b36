/** Ways to look at a running cluster, to break it and to heal it. */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { removeFolder, runProcess, waitFor } from './processes.ts'
import { conninfo, hotCopy, rewind } from './postgres-copy.ts'
import { type PostgresNode } from './postgres-node.ts'
import { ask, identifier, quoted, withSession, type Login } from './postgres-session.ts'

/** `backend` owns the table outbound_email, `monitor` is a member of pg_monitor, `plain` can only log in. */
export interface Logins {
  backend: Login
  monitor: Login
  plain: Login
}

export type ReadOnlyScope = 'server' | 'database' | 'role'

export interface Cluster {
  readonly nodes: readonly PostgresNode[]
  readonly database: string
  readonly logins: Logins
  readonly folder: string
  node: (name: string) => PostgresNode
  /** Asks the servers; in a split brain, the one that is so by right. */
  primary: () => Promise<PostgresNode>
  standbys: () => Promise<PostgresNode[]>
  /** The primary is stopped (or crashes), `name` promoted, the other standbys follow it. The old one stays down. */
  failover: (name: string, options?: { crash?: boolean }) => Promise<void>
  /** Makes it a streaming standby of the current primary, by a fresh copy, whatever it was. */
  rejoin: (name: string) => Promise<void>
  /** Shuts it down and makes it a standby of the current primary by pg_rewind, which must be among the binaries. It stays down. */
  rewind: (name: string) => Promise<void>
  /** Promotes a standby while the primary lives. */
  splitBrain: (name: string) => Promise<void>
  /** Commits on the primary wait for a standby that does not exist. */
  stickSyncCommit: () => Promise<void>
  unstickSyncCommit: () => Promise<void>
  /** The standby's WAL receiver finds nobody at its primary's address. */
  cutReceiver: (name: string) => Promise<void>
  restoreReceiver: (name: string) => Promise<void>
  pauseReplay: (name: string) => Promise<void>
  resumeReplay: (name: string) => Promise<void>
  /** default_transaction_read_only on the primary: of the server, of the database or of the backend's role. */
  setReadOnly: (scope: ReadOnlyScope, on: boolean) => Promise<void>
  /** Every node up, one primary, the others streaming from it, nothing set that is not set after the start. */
  heal: () => Promise<void>
  stop: () => Promise<void>
}

/** A timeline is in the name of the WAL file being written; undefined on a standby, or when nobody answers. */
async function timelineAsPrimary(node: PostgresNode): Promise<number | undefined> {
  if (!node.running() || node.paused()) return undefined
  try {
    const [row] = await ask<{ file: string | null }>(
      node.port,
      `select case when not pg_is_in_recovery() then pg_walfile_name(pg_current_wal_lsn()) end as file`,
      [],
      { timeoutMs: 2000 },
    )
    return row?.file == null ? undefined : Number.parseInt(row.file.slice(0, 8), 16)
  } catch {
    return undefined
  }
}

async function inRecovery(node: PostgresNode): Promise<boolean> {
  if (!node.running() || node.paused()) return false
  const rows = await node.query<{ yes: boolean }>('select pg_is_in_recovery() as yes').catch(() => [])
  return rows[0]?.yes === true
}

async function alterSystem(node: PostgresNode, ...changes: readonly string[]): Promise<void> {
  await withSession(node.port, {}, async client => {
    for (const change of changes) await client.query(`alter system ${change}`)
    await client.query('select pg_reload_conf()')
  })
}

async function untilStreaming(standby: PostgresNode, from: PostgresNode, timeoutMs = 5000): Promise<void> {
  await waitFor(
    async () => {
      const timeline = await timelineAsPrimary(from)
      const [row] = await standby.query<{ port: number; timeline: number }>(
        `select sender_port as port, received_tli as timeline from pg_stat_wal_receiver where status = 'streaming'`,
      )
      return row?.port === from.port && row.timeline === timeline
    },
    { timeoutMs, what: `${standby.name} streams from ${from.name}` },
  )
}

async function follow(standby: PostgresNode, from: PostgresNode): Promise<void> {
  await alterSystem(standby, `set primary_conninfo = ${quoted(conninfo(standby, from.port))}`)
}

/** Copies, starts, and waits: what a standby is after a start or a rejoin. */
export async function attach(standbys: readonly PostgresNode[], primary: PostgresNode): Promise<void> {
  if (standbys.length === 0) return
  await Promise.all(standbys.map(standby => standby.stop('immediate')))
  await hotCopy(primary, standbys)
  await Promise.all(standbys.map(standby => standby.start()))
  await Promise.all(standbys.map(standby => untilStreaming(standby, primary)))
}

/** A setting reaches new sessions when the postmaster has read its files again. */
async function untilNewSessionsSee(node: PostgresNode, name: string, value: string): Promise<void> {
  await waitFor(
    async () => {
      const [row] = await ask<{ value: string }>(node.port, `select current_setting($1) as value`, [name], {
        options: '',
      })
      return row?.value === value
    },
    { what: `${node.name} has ${name} = ${value}` },
  )
}

/** Commits until one waits for its standby, and cancels that one. */
async function untilCommitsWait(node: PostgresNode): Promise<void> {
  await withSession(node.port, { options: '-c synchronous_commit=on' }, async client => {
    const pid = (await client.query<{ pid: number }>('select pg_backend_pid() as pid')).rows[0]?.pid
    const enough = new AbortController()
    const commits = (async () => {
      while (!enough.signal.aborted) await client.query(`select pg_logical_emit_message(true, 'test-harness', '')`)
    })()
    const waiting = `select from pg_stat_activity where pid = $1 and wait_event = 'SyncRep'`
    try {
      await waitFor(async () => (await node.query(waiting, [pid])).length > 0, {
        what: `commits on ${node.name} wait for a standby`,
      })
    } finally {
      enough.abort()
      await node.query('select pg_cancel_backend($1)', [pid])
      await commits
    }
  })
}

/** The few bytes of System V shared memory that a killed server leaves until its next start, which will not be. */
async function releaseSharedMemory(node: PostgresNode): Promise<void> {
  const pidFile = await readFile(path.join(node.dataDir, 'postmaster.pid'), 'utf8').catch(() => '')
  const id = pidFile.split('\n')[6]?.trim().split(/\s+/)[1]
  if (id !== undefined) await runProcess('ipcrm', ['-m', id]).catch(() => undefined)
}

interface ClusterParts {
  readonly database: string
  readonly logins: Logins
  readonly folder: string
  readonly binDir: string
  /** Where nobody listens. */
  readonly deadPort: number
}

export function createCluster(
  nodes: readonly PostgresNode[],
  { database, logins, folder, binDir, deadPort }: ClusterParts,
): Cluster {
  /** Who should be the primary, as far as we know: decides in a split brain. */
  let leader = nodes[0]?.name

  const node = (name: string) => {
    const found = nodes.find(candidate => candidate.name === name)
    if (found === undefined) throw new Error(`no node ${name}: there are ${nodes.map(n => n.name).join(', ')}`)
    return found
  }

  const findPrimary = async () => {
    const timelines = await Promise.all(nodes.map(timelineAsPrimary))
    const primaries = nodes
      .map((candidate, index) => ({ candidate, timeline: timelines[index] }))
      .filter((entry): entry is { candidate: PostgresNode; timeline: number } => entry.timeline !== undefined)
      .sort((a, b) => b.timeline - a.timeline)
    const found = primaries.find(entry => entry.candidate.name === leader) ?? primaries[0]
    leader = found?.candidate.name ?? leader
    return found?.candidate
  }

  const primary = async () => {
    const found = await findPrimary()
    if (found === undefined) throw new Error('no node says that it is a primary')
    return found
  }

  const standbys = async () => {
    const answers = await Promise.all(nodes.map(inRecovery))
    return nodes.filter((_, index) => answers[index])
  }

  const isStandbyOnDisk = (candidate: PostgresNode) => existsSync(path.join(candidate.dataDir, 'standby.signal'))

  /** Back to streaming by the cheapest way that works. */
  const recover = async (standby: PostgresNode, from: PostgresNode) => {
    try {
      if (!isStandbyOnDisk(standby)) throw new Error('was a primary')
      await standby.start()
      await standby.query('select pg_wal_replay_resume() where pg_is_wal_replay_paused()')
      await alterSystem(standby, 'reset all', `set primary_conninfo = ${quoted(conninfo(standby, from.port))}`)
      await untilStreaming(standby, from, 2000)
    } catch {
      await attach([standby], from)
    }
  }

  const resetKnobs = async (main: PostgresNode) => {
    await alterSystem(main, 'reset all')
    await main.query(`alter database ${identifier(database)} reset all`)
    await main.query(`alter role ${identifier(logins.backend.user)} reset all`)
    await untilNewSessionsSee(main, 'default_transaction_read_only', 'off')
  }

  return {
    nodes,
    database,
    logins,
    folder,
    node,
    primary,
    standbys,
    failover: async (name, { crash = false } = {}) => {
      const [old, next, others] = [await primary(), node(name), await standbys()]
      if (old === next) throw new Error(`${name} is the primary already`)
      await (crash ? old.kill() : old.stop('fast'))
      await next.promote()
      leader = name
      const followers = others.filter(other => other !== next)
      await Promise.all(followers.map(other => follow(other, next)))
      // After a crash it may have received more than the new primary ever had.
      await Promise.all(followers.map(other => untilStreaming(other, next).catch(() => attach([other], next))))
    },
    rejoin: async name => {
      const main = await primary()
      if (main.name === name) throw new Error(`${name} is the primary`)
      await attach([node(name)], main)
    },
    rewind: async name => {
      await node(name).stop('fast')
      await rewind(binDir, node(name), await primary())
    },
    splitBrain: async name => {
      const main = await primary()
      await node(name).promote()
      leader = main.name
    },
    stickSyncCommit: async () => {
      const main = await primary()
      await alterSystem(main, `set synchronous_standby_names = 'nobody_at_home'`, `set synchronous_commit = 'on'`)
      await untilCommitsWait(main)
    },
    unstickSyncCommit: async () => {
      await alterSystem(await primary(), 'reset synchronous_standby_names', 'reset synchronous_commit')
    },
    cutReceiver: async name => {
      const standby = node(name)
      await alterSystem(standby, `set primary_conninfo = ${quoted(conninfo(standby, deadPort))}`)
      await waitFor(async () => (await standby.query('select pid from pg_stat_wal_receiver')).length === 0, {
        what: `${name} has no WAL receiver`,
      })
    },
    restoreReceiver: async name => {
      const [standby, main] = [node(name), await primary()]
      await follow(standby, main)
      await untilStreaming(standby, main)
    },
    pauseReplay: async name => {
      await node(name).query('select pg_wal_replay_pause()')
      await waitFor(
        async () => {
          const [row] = await node(name).query(`select pg_get_wal_replay_pause_state() as state`)
          return row?.['state'] === 'paused'
        },
        { what: `${name} pauses replay` },
      )
    },
    resumeReplay: async name => {
      await node(name).query('select pg_wal_replay_resume()')
    },
    setReadOnly: async (scope, on) => {
      const main = await primary()
      const change = on ? 'set default_transaction_read_only = on' : 'reset default_transaction_read_only'
      if (scope === 'server') {
        await alterSystem(main, change)
        await untilNewSessionsSee(main, 'default_transaction_read_only', on ? 'on' : 'off')
      }
      if (scope === 'database') await main.query(`alter database ${identifier(database)} ${change}`)
      if (scope === 'role') await main.query(`alter role ${identifier(logins.backend.user)} ${change}`)
    },
    heal: async () => {
      for (const each of nodes) each.resume()
      const main =
        (await findPrimary()) ??
        nodes.find(each => each.name === leader && !isStandbyOnDisk(each)) ??
        nodes.find(each => !isStandbyOnDisk(each))
      if (main === undefined) throw new Error('no node has ever been a primary')
      leader = main.name
      const overridden = nodes.filter(each => Object.keys(each.settings).length > 0)
      await Promise.all(overridden.map(each => each.stop('fast')))
      await main.start()
      await resetKnobs(main)
      await Promise.all(nodes.filter(each => each !== main).map(each => recover(each, main)))
    },
    stop: async () => {
      await Promise.all(nodes.map(each => each.stop('immediate')))
      await Promise.all(nodes.map(releaseSharedMemory))
      await removeFolder(folder)
    },
  }
}
