/** Asks the servers themselves, past the exporter, what they are. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { addresses, ports } from './files.ts'
import { nodeNames, type NodeName, type NodeTruth, type Truth } from './record.ts'
import { serversOf, type Stage } from './stage.ts'

const everyMs = 400
const patienceMs = 700

export interface TruthWatch {
  readonly truth: readonly Truth[]
  /** The last one. */
  readonly now: () => Truth | undefined
  readonly stop: () => Promise<void>
}

export function watchTruth(stage: Stage): TruthWatch {
  const truth: Truth[] = []
  const ended = new AbortController()
  const sessions = Object.fromEntries(nodeNames.map(name => [name, roleBySql(name)])) as Record<
    NodeName,
    ReturnType<typeof roleBySql>
  >
  const look = async (): Promise<void> => {
    const at = Date.now()
    const balancer = serversOf(await stage.haproxy.command('show stat').catch(() => ''))
    const nodes = await Promise.all(
      nodeNames.map(async name => {
        const [sql, api] = await Promise.all([sessions[name].look(), patroniOf(name)])
        const server = balancer.get(`haproxy/${name}`)
        return [name, { sql, ...api, haproxy: server && `${server.status} ${server.check}`.trim() }] as const
      }),
    )
    const now = { at, nodes: Object.fromEntries(nodes) as Record<NodeName, NodeTruth> }
    if (JSON.stringify(truth.at(-1)?.nodes) !== JSON.stringify(now.nodes)) truth.push(now)
  }
  const running = (async () => {
    while (!ended.signal.aborted) {
      await look()
      await sleep(everyMs)
    }
    for (const session of Object.values(sessions)) session.close()
  })()
  return {
    truth,
    now: () => truth.at(-1),
    async stop() {
      ended.abort()
      await running
    },
  }
}

async function patroniOf(name: NodeName): Promise<Pick<NodeTruth, 'patroni' | 'says' | 'timeline'>> {
  try {
    const answer = await fetch(`http://${addresses[name]}:${ports.patroni}/primary`, {
      signal: AbortSignal.timeout(patienceMs),
    })
    const { role, state, timeline } = (await answer.json()) as { role?: string; state?: string; timeline?: number }
    return { patroni: answer.status, says: `${role}/${state}`, timeline }
  } catch (error) {
    const silent = (error as Error).name === 'TimeoutError'
    return { patroni: silent ? 'silent' : 'refused', says: undefined, timeline: undefined }
  }
}

function roleBySql(name: NodeName): { readonly look: () => Promise<NodeTruth['sql']>; readonly close: () => void } {
  let client: Client | undefined
  const close = (): void => {
    const last = client
    client = undefined
    if (!last) return
    void last.end().catch(() => undefined)
    last.connection.stream.destroy()
  }
  return {
    async look() {
      try {
        if (!client) {
          client = new Client({
            host: addresses[name],
            port: ports.postgres,
            user: 'postgres',
            connectionTimeoutMillis: patienceMs,
            query_timeout: patienceMs,
          })
          client.on('error', close)
          await client.connect()
        }
        const { rows } = await client.query<{ standby: boolean }>('select pg_is_in_recovery() as standby')
        return rows[0]?.standby ? 'standby' : 'primary'
      } catch {
        close()
        return 'down'
      }
    },
    close,
  }
}
