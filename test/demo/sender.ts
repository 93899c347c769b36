import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import type { PostgresNode } from '../servers/postgres.ts'

/** The mail of the application: what puts it into the outbox, and the sender that takes it out and hands it over. */
export interface Sender {
  /** Puts mails there as old as those of a sender that has not worked for so long. */
  backlog(primary: PostgresNode, minutes: number): Promise<void>
  /** False: the sender hangs. The rest of the application goes on. */
  running: boolean
  close(): Promise<void>
}

interface SenderOptions {
  readonly database: string
  /** Where mails are put, and where the sender writes: URLs, each as of now. */
  readonly putUrl: () => string | undefined
  readonly sendUrl: () => string | undefined
  /** Whether mail can be handed over now: by the relay or by SES. */
  readonly canHandOver: () => boolean
}

export const outboxTable = 'public.outbound_email'

/** Mails that wait, and a role that may read how many and how old they are, and nothing else of them. */
export async function prepareOutbox(primary: PostgresNode, database: string, reader: string): Promise<void> {
  const changes = [
    `alter table ${outboxTable} add column sent_at timestamptz`,
    `create index on ${outboxTable} (created_at) where status = 'queued'`,
    `create index on ${outboxTable} (sent_at)`,
    `grant select (status, created_at, sent_at) on ${outboxTable} to ${reader}`,
  ]
  for (const change of changes) await primary.query(change, [], database)
}

const put = `insert into ${outboxTable} (recipient) values ('somebody@example.com')`
const send = `update ${outboxTable} set status = 'sent', sent_at = now() where status = 'queued'`

/** Begins at once: a mail each second, and a look for mail to send twice as often. */
export function startSender({ database, putUrl, sendUrl, canHandOver }: SenderOptions): Sender {
  const stop = new AbortController()
  const sender = { running: true }
  const loops = [
    everyFew(1_000, putUrl, put, () => true, stop.signal),
    everyFew(500, sendUrl, send, () => sender.running && canHandOver(), stop.signal),
  ]
  return Object.assign(sender, {
    async backlog(primary: PostgresNode, minutes: number) {
      const rows = `select 'somebody@example.com', now() - n * interval '1 minute' from generate_series(1, $1::int) n`
      await primary.query(`insert into ${outboxTable} (recipient, created_at) ${rows}`, [minutes], database)
    },
    async close() {
      stop.abort()
      await Promise.all(loops)
    },
  })
}

/**
 * Runs a statement again and again on one session, which it opens again where it has to. A statement may hang: then
 * there is no other one until it ends, or until the URL is another one.
 */
async function everyFew(
  ms: number,
  url: () => string | undefined,
  statement: string,
  wanted: () => boolean,
  signal: AbortSignal,
): Promise<void> {
  let session: Session | undefined
  const leave = (): void => {
    // With a statement under way, this cuts the connection.
    void session?.client.end().catch(() => undefined)
    session = undefined
  }
  while (!signal.aborted) {
    const now = url()
    if (session && session.url !== now) leave()
    if (now !== undefined && !session?.busy && wanted()) {
      const own = (session ??= sessionAt(now))
      own.busy = true
      void own.connected
        .then(() => own.client.query(statement))
        .then(
          () => (own.busy = false),
          () => session === own && leave(),
        )
    }
    await sleep(ms, undefined, { signal }).catch(() => undefined)
  }
  leave()
}

interface Session {
  readonly url: string
  readonly client: Client
  readonly connected: Promise<unknown>
  busy: boolean
}

function sessionAt(url: string): Session {
  const client = new Client({
    connectionString: url,
    application_name: 'keybuzz-backend',
    connectionTimeoutMillis: 1_000,
  })
  client.on('error', () => undefined)
  return { url, client, connected: client.connect(), busy: false }
}
