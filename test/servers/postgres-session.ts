/** SQL as superuser, over one short-lived session each. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'

export interface Login {
  user: string
  password: string
}

export type Row = Record<string, unknown>

export const host = '127.0.0.1'
export const superuser = 'postgres'
const immune = '-c default_transaction_read_only=off -c synchronous_commit=local'

interface SessionOptions {
  database?: string
  /** Server settings of the session as `-c name=value`. */
  options?: string
  timeoutMs?: number
}

/** One short-lived session as superuser. */
export async function withSession<T>(
  port: number,
  { database = 'postgres', options = immune, timeoutMs = 10_000 }: SessionOptions,
  use: (client: Client) => Promise<T>,
): Promise<T> {
  const client = new Client({
    host,
    port,
    user: superuser,
    database,
    options,
    application_name: 'test-harness',
    connectionTimeoutMillis: timeoutMs,
    query_timeout: timeoutMs,
  })
  client.on('error', () => undefined)
  try {
    await client.connect()
    return await use(client)
  } finally {
    // A server that is stopped or dead does not say goodbye.
    await Promise.race([client.end().catch(() => undefined), sleep(300, undefined, { ref: false })])
  }
}

export async function ask<R extends Row = Row>(
  port: number,
  sql: string,
  params: readonly unknown[] = [],
  session: SessionOptions = {},
): Promise<R[]> {
  return withSession(port, session, async client => {
    const results = [await client.query<R>(sql, [...params])].flat()
    return results.at(-1)?.rows ?? []
  })
}

export const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`
export const identifier = (name: string) => `"${name.replaceAll('"', '""')}"`
