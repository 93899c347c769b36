import { rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { startKubernetesDouble, type KubernetesKnobs } from '../servers/kubernetes-double.ts'
import { removeFolder, tempFolder } from '../servers/processes.ts'
import { appUrl, clusterName, one, startClusterStage, type ClusterStage, type NodeName } from './cluster-stage.ts'

/** The Secret in the double of Kubernetes. */
export const secretName = 'keybuzz/keybuzz-db'
const heartbeatTable = 'mailpath_heartbeat'

/** Two ways to write: `app` by DATABASE_URL in a `.env` file, and `secret PGHOST` by a Kubernetes Secret. */
export interface WritePathStage extends ClusterStage {
  readonly kubernetes: KubernetesKnobs
  readonly envFile: string
  /** Writes the whole of the `.env` file. */
  readonly writeEnv: (text: string) => Promise<void>
  /** The same by a rename, as deployments do it. */
  readonly replaceEnv: (text: string) => Promise<void>
  readonly url: (node?: NodeName) => string
  /** Makes the Secret what it was at the start, but with these values. */
  readonly setSecret: (values?: Readonly<Record<string, string>>) => void
  /** The files and the Secret as at the start, for what breaks no server. */
  readonly reset: () => Promise<void>
}

export async function startWritePathStage(): Promise<WritePathStage> {
  const folder = tempFolder('mailpath-env-')
  const envFile = path.join(folder, '.env')
  const kubernetes = await startKubernetesDouble({ token: 'kubernetes-token' })
  const stage = await startClusterStage({
    cluster: { standbys: 1 },
    sections: sections(envFile, kubernetes.port),
  })
  const { cluster } = stage
  Object.assign(stage.env, { KUBERNETES_TOKEN: kubernetes.token })
  await createHeartbeatTable(stage)
  const writeEnv = (text: string): Promise<void> => writeFile(envFile, text)
  const url = (node: NodeName = one): string => appUrl(stage, cluster.node(node))
  const setSecret = (values: Readonly<Record<string, string>> = {}): void => {
    const { host, port } = cluster.node(one)
    const { user, password } = cluster.logins.backend
    const base = { PGHOST: host, PGPORT: String(port), PGUSER: user, PGPASSWORD: password }
    kubernetes.secrets[secretName] = { ...base, ...values }
  }
  const reset = async (): Promise<void> => {
    await rm(envFile, { force: true })
    await writeEnv(`DATABASE_URL=${url()}\n`)
    kubernetes.forbid = false
    kubernetes.misbehaviour = undefined
    setSecret()
  }
  await reset()
  return {
    ...stage,
    kubernetes,
    envFile,
    writeEnv,
    url,
    setSecret,
    reset,
    async replaceEnv(text) {
      await writeFile(`${envFile}.new`, text)
      await rename(`${envFile}.new`, envFile)
    },
    async heal() {
      await reset()
      await stage.heal()
      await grant(stage)
    },
    async stop() {
      await stage.stop()
      await kubernetes.close()
      await removeFolder(folder)
    },
  }
}

const fromSecret = (key: string) => ({ kubernetes: { namespace: 'keybuzz', secret: 'keybuzz-db', key } })

const sections = (envFile: string, kubernetesPort: number) => ({
  kubernetes: { url: `http://127.0.0.1:${kubernetesPort}`, token: { env: 'KUBERNETES_TOKEN' } },
  write_path: [
    {
      name: 'app',
      cluster: clusterName,
      url: { dotenv: envFile, key: 'DATABASE_URL' },
      heartbeat: { table: heartbeatTable },
    },
    {
      name: 'secret PGHOST',
      cluster: clusterName,
      host: fromSecret('PGHOST'),
      port: fromSecret('PGPORT'),
      user: fromSecret('PGUSER'),
      password: fromSecret('PGPASSWORD'),
      database: 'keybuzz_backend',
    },
  ],
})

async function createHeartbeatTable(stage: ClusterStage): Promise<void> {
  const { cluster } = stage
  const create = `create table ${heartbeatTable} (target text primary key, beat timestamptz not null)`
  await cluster.node(one).query(create, [], cluster.database)
  await grant(stage)
}

export async function grant({ cluster }: ClusterStage): Promise<void> {
  const to = cluster.logins.backend.user
  await cluster.node(one).query(`grant select, insert, update on ${heartbeatTable} to ${to}`, [], cluster.database)
}

export async function revoke({ cluster }: ClusterStage): Promise<void> {
  const from = cluster.logins.backend.user
  await cluster.node(one).query(`revoke all on ${heartbeatTable} from ${from}`, [], cluster.database)
}
