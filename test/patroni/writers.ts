/** Applications that write all the time, and know what became of each row: the truth that the exporter is compared with. */
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { addresses, wayUrls } from './files.ts'
import { nodeNames, type Attempt, type NodeName, type Way } from './record.ts'

/** From the beginning of one attempt to that of the next, if it has ended by then. In milliseconds. */
const everyMs = 200
/** An attempt is given up after this. */
const patienceMs = 1_500

const fresh: readonly Way[] = ['haproxy', 'haproxy', 'haproxy-plain', 'pgbouncer', 'pgbouncer-session']
const pooled: readonly Way[] = ['haproxy', 'haproxy-plain', 'pgbouncer']

export interface Writers {
  /** All attempts that have ended, in the order in which they did. */
  readonly attempts: readonly Attempt[]
  /** Ends all writers, with their sessions. */
  readonly stop: () => Promise<void>
}

/** `file` gets each attempt as a line of JSON. Rows have numbers from `firstRow` on. */
export function startWriters(file: string, firstRow: number): Writers {
  const attempts: Attempt[] = []
  const lines = createWriteStream(file, { flags: 'a' })
  const ended = new AbortController()
  let row = firstRow
  const record = (attempt: Attempt): void => {
    attempts.push(attempt)
    lines.write(`${JSON.stringify(attempt)}\n`)
  }
  const writer = async (kind: Attempt['kind'], by: Way, n: number): Promise<void> => {
    const session = kind === 'fresh' ? undefined : keptSession(by)
    await sleep(n * 37)
    while (!ended.signal.aborted) {
      const at = Date.now()
      const number = row++
      const { code, node } = await (session ? session.write(number) : writeOnce(by, number))
      record({
        at,
        took: Date.now() - at,
        writer: `${kind} ${by} ${n}`,
        kind,
        by,
        row: number,
        ok: code === 'ok',
        code,
        node,
      })
      await sleep(Math.max(20, everyMs - (Date.now() - at)))
    }
    session?.close()
  }
  const running = [
    ...fresh.map((by, n) => writer('fresh', by, n + 1)),
    ...pooled.map((by, n) => writer('pooled', by, n + 1)),
  ]
  return {
    attempts,
    async stop() {
      ended.abort()
      await Promise.all(running)
      lines.end()
      await once(lines, 'close')
    },
  }
}

interface Outcome {
  readonly code: string
  readonly node?: NodeName | undefined
}

const clientFor = (by: Way): Client => {
  const client = new Client({
    connectionString: wayUrls[by],
    connectionTimeoutMillis: patienceMs,
    query_timeout: patienceMs,
    application_name: 'writer',
  })
  client.on('error', () => undefined)
  return client
}

async function insert(client: Client, row: number): Promise<Outcome> {
  const { rows } = await client.query<{ address: string }>(
    `insert into attempts (row) values (${row}) returning host(inet_server_addr()) as address`,
  )
  return { code: 'ok', node: nodeAt(rows[0]?.address) }
}

const nodeAt = (address: string | undefined): NodeName | undefined =>
  nodeNames.find(name => addresses[name] === address)

async function writeOnce(by: Way, row: number): Promise<Outcome> {
  const client = clientFor(by)
  try {
    await client.connect()
    return await insert(client, row)
  } catch (error) {
    return { code: codeOf(error) }
  } finally {
    drop(client)
  }
}

/** A pool of one session. As pools do, it keeps the session after an error of SQL, and replaces one that has ended. */
function keptSession(by: Way): { readonly write: (row: number) => Promise<Outcome>; readonly close: () => void } {
  let client: Client | undefined
  let node: NodeName | undefined
  const discard = (): void => {
    if (client) drop(client)
    client = undefined
    node = undefined
  }
  return {
    async write(row) {
      try {
        if (!client) {
          const next = clientFor(by)
          next.once('end', () => client === next && discard())
          client = next
          await next.connect()
        }
        const outcome = await insert(client, row)
        node = outcome.node
        return outcome
      } catch (error) {
        const code = codeOf(error)
        const outcome = { code, node }
        // An error in the class of connections, a shutdown, or none of Postgres at all: the session is of no use any more.
        if (!/^[0-9A-Z]{5}$/.test(code) || /^(08|57P|XX|E)/.test(code)) discard()
        return outcome
      }
    },
    close: discard,
  }
}

/** At once: a goodbye to a frozen server would never be read. */
function drop(client: Client): void {
  void client.end().catch(() => undefined)
  client.connection.stream.destroy()
}

function codeOf(error: unknown): string {
  const { code, message } = error as { code?: unknown; message?: string }
  if (typeof code === 'string') return code
  return /timeout/i.test(message ?? '') ? 'timeout' : /terminated|ended/i.test(message ?? '') ? 'ended' : 'error'
}
