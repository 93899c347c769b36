import { chown, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { certificates, type Certificate, type Certificates } from '../servers/certificates.ts'
import { removeFolder, tempFolder, unprivileged } from '../servers/processes.ts'
import { clusterName, one, startClusterStage, type ClusterStage } from './cluster-stage.ts'
import type { Expectation, Fault } from './fault.ts'
import { reload, restoreHba, setHba } from './postgres-hba.ts'
import { connectWith } from './postgres-login.ts'

/** A cluster that offers TLS, and an application that verifies whom it speaks to. */
export interface TlsStage extends ClusterStage {
  readonly use: (certificate: Certificate) => Promise<void>
  /** Where the authority is that the application trusts. */
  readonly caFile: string
}

export async function startTlsStage(): Promise<TlsStage> {
  const made = await certificates()
  const folder = tempFolder('mailpath-pgtls-', unprivileged())
  const file = (name: string): string => path.join(folder, name)
  await writeFile(file('ca.pem'), made.ca)
  await write(folder, made.good)
  const settings = { ssl: 'on', ssl_cert_file: file('server.crt'), ssl_key_file: file('server.key') }
  // By an address, postgres.js would verify the name `localhost`: that row is of another area.
  const app = [{ name: 'app', cluster: clusterName, url: { env: 'DATABASE_URL' }, driver: 'libpq' }]
  const stage = await startClusterStage({ cluster: { standbys: 0, settings }, sections: { write_path: app } })
  const use = async (certificate: Certificate): Promise<void> => {
    await write(folder, certificate)
    await reload(stage.cluster.node(one))
  }
  const caFile = file('ca.pem')
  await verifying({ ...stage, caFile })
  return {
    ...stage,
    use,
    caFile,
    async heal() {
      await stage.heal()
      await use(made.good)
      await verifying({ ...stage, caFile })
    },
    async stop() {
      await stage.stop()
      await removeFolder(folder)
    },
  }
}

const verifying = (stage: ClusterStage & { readonly caFile: string }): Promise<void> =>
  connectWith(stage, `sslmode=verify-full&sslrootcert=${stage.caFile}`)

async function write(folder: string, { cert, key }: Certificate): Promise<void> {
  const owner = unprivileged()
  for (const [name, text] of [
    ['server.crt', cert],
    ['server.key', key],
  ] as const) {
    await writeFile(path.join(folder, name), text, { mode: 0o600 })
    if (owner) await chown(path.join(folder, name), owner.uid, owner.gid)
  }
}

const refused: Expectation = {
  verdict: 'fail',
  root: 'write_path/app write_path_tls_failed',
  not: [`postgres/${one} postgres_tls_failed`],
  samples: { 'mailpath_write_path_reachable{target="app",postgres_cluster="kb"}': 0 },
}

const presents = (what: string, which: Exclude<keyof Certificates, 'ca' | 'caKey'>): Fault<TlsStage> => ({
  name: `Postgres TLS: server certificate ${what}`,
  inject: async stage => stage.use((await certificates())[which]),
  seen: refused,
})

/** What two sides that speak TLS can disagree about. */
export const tlsFaults: readonly Fault<TlsStage>[] = [
  {
    name: 'Postgres TLS: verified, as it should be',
    inject: () => Promise.resolve(),
    seen: { verdict: 'ok', not: ['write_path/app write_path_tls_failed'] },
  },
  presents('expired', 'expired'),
  presents('not yet valid', 'notYetValid'),
  presents('for another name', 'wrongName'),
  presents('self-signed', 'selfSigned'),
  {
    name: 'Postgres TLS: required by the application, refused by the server',
    async inject(stage) {
      await stage.cluster.node(one).query('alter system set ssl = off')
      await reload(stage.cluster.node(one))
    },
    seen: refused,
  },
  {
    name: 'Postgres TLS: required by the server, refused by the application',
    async inject(stage) {
      await connectWith(stage, 'sslmode=disable')
      const scram = '127.0.0.1/32 scram-sha-256'
      await setHba(stage, [`hostssl all kb_backend ${scram}`, `host all mailpath ${scram}`], /scram/)
    },
    heal: async stage => {
      await restoreHba(stage)
      await stage.heal()
    },
    seen: refused,
  },
]
