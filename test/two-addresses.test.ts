/**
 * A name with several addresses, by a file of hosts that only the exporter sees: it runs in a mount namespace of its own.
 * The system's resolver keeps the order of these addresses, since neither is nearer to 127.0.0.1 (RFC 6724, rule 9).
 */
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { startCluster, type Cluster } from './servers/postgres.ts'
import { removeFolder, startProcess, tempFolder, waitFor } from './servers/processes.ts'
import { program } from './servers/program.ts'
import { startSmtp, type Smtp } from './servers/smtp.ts'
import { startVaultDouble } from './servers/vault-double.ts'

const [dead, alive] = ['127.0.0.2', '127.0.0.3']
const name = 'two.test'

const permitted = spawnSync('unshare', ['--mount', 'mount', '--bind', '/etc/hosts', '/etc/hosts']).status === 0
if (!permitted) console.warn('no mount namespace can be made (needs root and unshare): its tests are skipped')

let folder: string
let config: string
let cluster: Cluster
let smtp: Smtp
let vault: Awaited<ReturnType<typeof startVaultDouble>>

beforeAll(async () => {
  if (!permitted) return
  folder = tempFolder('mailpath-addresses-')
  config = path.join(folder, 'mailpath.yml')
  cluster = await startCluster({ standbys: 0, settings: { listen_addresses: `127.0.0.1,${alive}` } })
  smtp = await startSmtp({ host: alive, security: 'none', users: { postmaster: 'relay-password' } })
  vault = await startVaultDouble({ host: alive, token: 'vault-token' })
  const { port } = primary()
  const sections = {
    timeout: '3s',
    postgres: [
      { name: 'node', cluster: 'kb', url: `postgres://mailpath@${name}:${port}/postgres`, ...secret('MONITOR') },
    ],
    write_path: [
      {
        name: 'app',
        cluster: 'kb',
        url: `postgres://kb_backend@${name}:${port}/${cluster.database}`,
        ...secret('APP'),
      },
    ],
    smtp: [{ name: 'relay', host: name, port: smtp.port, security: 'none', user: 'postmaster', ...secret('RELAY') }],
    vault: [{ name: 'vault', url: `http://${name}:${vault.port}`, token: { env: 'VAULT' } }],
  }
  await writeFile(config, JSON.stringify(sections))
})
afterAll(async () => {
  if (!permitted) return
  await Promise.all([cluster.stop(), smtp.close(), vault.close()])
  await removeFolder(folder)
})

const secret = (variable: string) => ({ password: { env: variable } })
const env = (): NodeJS.ProcessEnv => ({
  ...process.env,
  MONITOR: cluster.logins.monitor.password,
  APP: cluster.logins.backend.password,
  RELAY: 'relay-password',
  VAULT: 'vault-token',
})
const primary = () => cluster.node('db-postgres-01')

/** `mailpath-exporter check` where the name has these addresses: its exit code, and what it wrote. */
async function check(
  addresses: readonly string[],
  ...args: string[]
): Promise<{ code: number | null; output: string }> {
  const hosts = path.join(folder, 'hosts')
  await writeFile(hosts, addresses.map(address => `${address} ${name}\n`).join(''))
  const enter = 'mount --bind "$0" /etc/hosts && exec "$@"'
  const command = [process.execPath, ...program, 'check', `--config.file=${config}`, ...args]
  const running = startProcess('check', 'unshare', ['--mount', 'sh', '-c', enter, hosts, ...command], { env: env() })
  onTestFinished(() => running.stop())
  return { code: await running.exited, output: running.log() }
}

/** Nobody there accepts, refuses or answers, as with a host that is down: a queue of connections that is full. */
async function goSilent(host: string, port: number): Promise<void> {
  const script = `require('net').createServer().listen({ host: '${host}', port: ${port}, backlog: 1 }, () => console.log('up'))`
  const listener = startProcess('listener', process.execPath, ['-e', script])
  const queue: Socket[] = []
  onTestFinished(async () => {
    for (const socket of queue) socket.destroy()
    await listener.stop('SIGKILL')
  })
  await waitFor(() => listener.log().includes('up'), { what: 'it listens' })
  listener.signal('SIGSTOP')
  for (let answered = true; answered;) {
    const socket = connect(port, host).on('error', () => undefined)
    queue.push(socket)
    answered = await Promise.race([once(socket, 'connect').then(() => true), sleep(500, false)])
  }
}

const ours = async (): Promise<number> => {
  const sessions = `select from pg_stat_activity where application_name = 'mailpath-exporter'`
  return (await primary().query(sessions)).length
}

describe.skipIf(!permitted)('a name with two addresses', () => {
  it.each([
    ['the first is dead', [dead, alive]],
    ['the second is dead', [alive, dead]],
  ])('is reached where %s', async (_, addresses) => {
    const { code, output } = await check(addresses, '--format=json')
    expect(JSON.parse(output)).toMatchObject({ verdict: 'ok' })
    expect(code).toBe(0)
  })

  it('is not reached where both are dead, and both are named', async () => {
    const { code, output } = await check([dead, '127.0.0.4'], '--only=smtp', '--format=json')
    expect(output).toContain(
      `${name}:${smtp.port}: connect ECONNREFUSED ${dead}:${smtp.port}; connect ECONNREFUSED 127.0.0.4:${smtp.port}`,
    )
    expect(code).toBe(2)
  })

  it('is reached where the first does not even refuse, and a commit that hangs there is cancelled', async () => {
    await goSilent(dead, primary().port)
    expect((await check([dead, alive], '--only=write_path')).code).toBe(0)
    await cluster.stickSyncCommit()
    const { code, output } = await check([dead, alive], '--only=write_path')
    await waitFor(async () => (await ours()) === 0, { what: 'no session is left on the server' }).finally(() =>
      cluster.unstickSyncCommit(),
    )
    expect(output).toContain('waits for a synchronous standby')
    expect(code).toBe(2)
  })
})
