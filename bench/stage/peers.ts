/** What one would run instead: blackbox_exporter, and a postgres_exporter for each node. */
import { spawnSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { have } from '../../test/servers/processes.ts'
import type { Login, PostgresNode } from '../../test/servers/postgres.ts'
import { start, type Program, type Subject } from './subject.ts'

interface Peer {
  readonly name: string
  readonly binary: string | undefined
  readonly install: string
}

const peer = (name: string, given: string, debian: string): Peer => ({
  name,
  binary: have(process.env[given] ?? debian),
  install: `apt-get install ${debian}, or ${given} of another build`,
})

export const blackbox = peer('blackbox_exporter', 'BLACKBOX_BIN', 'prometheus-blackbox-exporter')
export const postgresExporter = peer('postgres_exporter', 'POSTGRES_EXPORTER_BIN', 'prometheus-postgres-exporter')

export const missing = ({ name, binary, install }: Peer): string | undefined =>
  binary === undefined ? `${name} is not installed: ${install}` : undefined

/** As it says it; `none` where it is not installed. */
export function versionOf({ binary }: Peer): string {
  if (binary === undefined) return 'none'
  const { stdout, stderr } = spawnSync(binary, ['--version'], { encoding: 'utf8', timeout: 5_000 })
  return /version ([^\s,]+)/.exec(`${stdout}${stderr}`)?.[1] ?? 'unknown'
}

const binaryOf = (one: Peer): string => {
  if (one.binary === undefined) throw new Error(missing(one))
  return one.binary
}

/** What it can do of a check of ours: connect, say hello to a relay and begin TLS, ask a Vault for its health. JSON is YAML. */
const modules = JSON.stringify({
  modules: {
    tcp_connect: { prober: 'tcp' },
    smtp_starttls: {
      prober: 'tcp',
      tcp: {
        query_response: [
          { expect: '^220' },
          { send: 'EHLO prober\r' },
          { expect: '^250 ' },
          { send: 'STARTTLS\r' },
          { expect: '^220' },
          { starttls: true },
          { send: 'EHLO prober\r' },
          { expect: '^250 ' },
          { send: 'QUIT\r' },
        ],
        tls_config: { insecure_skip_verify: true },
      },
    },
    vault: { prober: 'http' },
  },
})

/** How it is started on that port, with a configuration of its own; its /metrics are about itself. */
export async function blackboxProgram(folder: string): Promise<(port: number) => Program> {
  const configFile = path.join(folder, 'blackbox.yml')
  await writeFile(configFile, modules)
  return port => ({
    name: blackbox.name,
    command: binaryOf(blackbox),
    args: [`--config.file=${configFile}`, `--web.listen-address=127.0.0.1:${port}`],
    folder,
  })
}

export const startBlackbox = async (folder: string): Promise<Subject> => start(await blackboxProgram(folder))

/** Looks at a node on every scrape, with the metrics it has by default. */
export const startPostgresExporter = (folder: string, node: PostgresNode, login: Login): Promise<Subject> =>
  start(port => ({
    name: postgresExporter.name,
    command: binaryOf(postgresExporter),
    args: [`--web.listen-address=127.0.0.1:${port}`],
    env: { DATA_SOURCE_NAME: `${node.url(login)}?sslmode=disable` },
    folder,
  }))
