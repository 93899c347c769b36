/** What reaches a Postgres node, counted where it arrives: in its own log. */
import { open, stat } from 'node:fs/promises'
import path from 'node:path'
import { waitFor } from './processes.ts'
import type { PostgresNode } from './postgres.ts'

/** Of one user, since the recording began. */
export interface Load {
  readonly connections: number
  /** Statements, also where several come in one message. */
  readonly statements: number
}

export interface Recording {
  /** What has come since the recording began, or since the last call. */
  take: (user: string) => Promise<Load>
  /** The server logs again what it did before. */
  end: () => Promise<void>
}

const settings = ['log_statement', 'log_connections'] as const

async function set(node: PostgresNode, values: Readonly<Record<string, string>> | undefined): Promise<void> {
  for (const name of settings)
    await node.query(values ? `alter system set ${name} = '${values[name] ?? ''}'` : `alter system reset ${name}`)
  await node.query('select pg_reload_conf()')
}

/** From now on the node logs connections and statements. */
export async function recordLoad(node: PostgresNode): Promise<Recording> {
  const file = path.join(path.dirname(node.dataDir), `${node.name}.log`)
  await set(node, { log_statement: 'all', log_connections: 'on' })
  // Sessions begun from now on see it; a statement of ours in the log is the proof.
  await waitFor(
    async () => {
      await node.query('select 1')
      return /statement: select 1$/m.test(node.log())
    },
    { timeoutMs: 5_000, what: `${node.name} logs statements` },
  )
  let from = (await stat(file)).size
  return {
    take: async user => {
      const text = await tail(file, from)
      from += Buffer.byteLength(text)
      return loadIn(text, user)
    },
    end: () => set(node, undefined),
  }
}

async function tail(file: string, from: number): Promise<string> {
  const handle = await open(file)
  try {
    const { size } = await handle.stat()
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(size - from), 0, size - from, from)
    return buffer.toString('utf8', 0, bytesRead)
  } finally {
    await handle.close()
  }
}

/** Entries of a log with the prefix that our clusters have; a statement may go over several lines, which begin with a tab. */
function loadIn(text: string, user: string): Load {
  const entries = text.split(/\n(?!\t)/).filter(entry => entry.includes(`] ${user}@`))
  const messages = entries.flatMap(entry => /LOG: {2}(?:statement|execute [^:]*): ([\s\S]*)/.exec(entry)?.[1] ?? [])
  return {
    connections: entries.filter(entry => entry.includes('LOG:  connection authorized')).length,
    statements: messages.reduce((sum, message) => sum + Math.max(1, parts(message)), 0),
  }
}

const parts = (message: string): number => message.split(';').filter(part => part.trim() !== '').length
