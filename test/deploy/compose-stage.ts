/**
 * The platform of deploy/compose.yml without Docker: its own scripts and configurations, with the addresses of the
 * containers replaced by those of real servers on this machine. Doubles stand in for Vault and Mailpit.
 */
import { chmod, cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { createNode, serverOptions, type PostgresNode } from '../servers/postgres-node.ts'
import { initdb } from '../servers/postgres-copy.ts'
import { haproxyBinary } from '../servers/haproxy.ts'
import {
  freePort,
  removeFolder,
  runProcess,
  startProcess,
  tempFolder,
  unprivileged,
  untilListening,
  type RunningProcess,
} from '../servers/processes.ts'
import { program } from '../servers/program.ts'
import { startSmtp } from '../servers/smtp.ts'
import { startVaultDouble } from '../servers/vault-double.ts'
import { deployFolder, mounted, serviceOf } from './compose-file.ts'

export interface Stage {
  /** What stands for the root of the project: a copy of what the README names. */
  readonly folder: string
  readonly appEnv: string
  /** `check`: its exit code, and what it printed. */
  check(): Promise<{ readonly code: number | null; readonly text: string }>
  /** The addresses of the containers in this text become those of this machine. */
  translate(text: string): string
  stop(): Promise<void>
}

const host = '127.0.0.1'
const environmentOf = (service: string) => serviceOf(service).environment ?? {}
const fileOf = (service: string, file: string): string => mounted(serviceOf(service), file) ?? ''

interface Postgres {
  readonly folder: string
  readonly binDir: string
}

/** What the image does for a new primary: initdb, and then the script. */
async function startPrimary({ folder, binDir }: Postgres): Promise<PostgresNode> {
  const node = createNode({ name: 'postgres-primary', port: await freePort(), folder, binDir })
  await initdb({
    binDir,
    dataDir: node.dataDir,
    conf: [
      `listen_addresses = '${host}'`,
      `unix_socket_directories = '${folder}'`,
      'fsync = off',
      `shared_buffers = '16MB'`,
    ],
    hba: ['local all all trust', `host all postgres ${host}/32 trust`, 'host all all all scram-sha-256'],
  })
  await node.start()
  const { env, ...options } = serverOptions()
  await runProcess('sh', [fileOf('postgres-primary', '/docker-entrypoint-initdb.d/primary.sh')], {
    ...options,
    env: { ...env, PATH: `${binDir}:${env.PATH}`, PGDATA: node.dataDir, PGHOST: folder, PGPORT: String(node.port) },
  })
  // As the image does after its scripts. A reload would take effect only some time later.
  await node.stop()
  await node.start()
  return node
}

/** The script of the standby, with what the image's own entry point does in the end. */
async function startStandby({ folder, binDir }: Postgres, primary: PostgresNode): Promise<[RunningProcess, number]> {
  const port = await freePort()
  const entrypoint = path.join(folder, 'docker-entrypoint.sh')
  await writeFile(entrypoint, `exec "$@" -p ${port}\n`)
  await chmod(entrypoint, 0o755)
  const { env, ...options } = serverOptions()
  const running = startProcess('postgres-standby', 'sh', [fileOf('postgres-standby', '/standby.sh')], {
    ...options,
    env: {
      ...env,
      ...environmentOf('postgres-standby'),
      PATH: `${folder}:${binDir}:${env.PATH}`,
      PGHOST: host,
      PGPORT: String(primary.port),
      PGDATA: path.join(folder, 'postgres-standby'),
    },
    lastSignal: 'SIGQUIT',
  })
  await untilListening(running, port, 30_000)
  return [running, port]
}

async function startHaproxy(folder: string, primary: PostgresNode): Promise<[RunningProcess, number]> {
  const port = await freePort()
  const text = await readFile(fileOf('haproxy', '/usr/local/etc/haproxy/haproxy.cfg'), 'utf8')
  const file = path.join(folder, 'haproxy.cfg')
  await writeFile(
    file,
    text
      .replace('bind :5432', `bind ${host}:${port}`)
      .replace('postgres-primary:5432', `${host}:${primary.port}`)
      .replace(' resolvers docker init-addr none', ''),
  )
  const running = startProcess('haproxy', haproxyBinary() ?? '', ['-db', '-f', file], { ...unprivileged(), cwd: '/' })
  await untilListening(running, port)
  return [running, port]
}

/** Mailpit with the certificate that the script makes. */
async function startMailpit(tls: string) {
  const script = await readFile(fileOf('certificate', '/certificate.sh'), 'utf8')
  await runProcess('sh', ['-c', script.replace('/tls', tls)])
  const [cert, key] = await Promise.all(['cert', 'key'].map(name => readFile(`${tls}/${name}.pem`, 'utf8')))
  const [user = '', password = ''] = environmentOf('mailpit')['MP_SMTP_AUTH']?.split(':') ?? []
  if (cert === undefined || key === undefined) throw new Error('no certificate')
  return startSmtp({ security: 'starttls', certificate: { cert, key, ca: cert }, users: { [user]: password } })
}

/** With what `vault kv put` leaves there. */
function startVault() {
  const [, , , secret = '', pair = ''] = serviceOf('vault-secret').entrypoint ?? []
  const [key = '', value] = pair.split('=')
  return startVaultDouble({
    token: environmentOf('vault')['VAULT_DEV_ROOT_TOKEN_ID'] ?? '',
    tokenTtl: 'never',
    secrets: { [secret.replace('/', '/data/')]: { [key]: value } },
  })
}

export async function startStage(binDir: string): Promise<Stage> {
  const folder = tempFolder('mailpath-compose-', unprivileged())
  await chmod(folder, 0o755)
  const etc = path.join(folder, 'deploy/compose/exporter')
  const tls = path.join(folder, 'tls')
  await mkdir(tls)
  await cp(path.join(deployFolder, 'compose/exporter'), etc, { recursive: true })

  const [mailpit, vault, primary] = await Promise.all([
    startMailpit(tls),
    startVault(),
    startPrimary({ folder, binDir }),
  ])
  const [standby, standbyPort] = await startStandby({ folder, binDir }, primary)
  const [haproxy, writePort] = await startHaproxy(folder, primary)

  const translate = (text: string): string =>
    text
      .replaceAll('postgres-primary:5432', `${host}:${primary.port}`)
      .replaceAll('postgres-standby:5432', `${host}:${standbyPort}`)
      .replaceAll('haproxy:5432', `${host}:${writePort}`)
      .replaceAll('vault:8200', `${host}:${vault.port}`)
      .replace(' host: mailpit', ` host: ${host}\n    servername: mailpit`)
      .replace(' port: 1025', ` port: ${mailpit.port}`)
      .replaceAll('/etc/mailpath', etc)
      .replaceAll('/tls/', `${tls}/`)
  const appEnv = path.join(etc, 'app.env')
  const configFile = path.join(etc, 'mailpath.yml')
  for (const file of [appEnv, configFile]) await writeFile(file, translate(await readFile(file, 'utf8')))

  return {
    folder,
    appEnv,
    translate,
    async check() {
      const args = [...program, 'check', `--config.file=${configFile}`]
      const running = startProcess('mailpath-exporter', process.execPath, args, {
        cwd: path.join(deployFolder, '..'),
        env: { ...process.env, ...environmentOf('mailpath-exporter') },
      })
      return { code: await running.exited, text: running.log() }
    },
    async stop() {
      await Promise.all([haproxy.stop(), standby.stop('SIGQUIT'), mailpit.close(), vault.close()])
      await primary.stop('immediate')
      await removeFolder(folder)
    },
  }
}
