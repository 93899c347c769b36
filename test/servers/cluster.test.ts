import { existsSync } from 'node:fs'
import { connect } from 'node:net'
import path from 'node:path'
import { createTransport } from 'nodemailer'
import { Client } from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { haproxyBinary, haproxyInstall, startHaproxy } from './haproxy.ts'
import { pgbouncerBinary, pgbouncerInstall, startPgbouncer } from './pgbouncer.ts'
import { postfixBinary, postfixInstall, startPostfix, type Postfix } from './postfix.ts'
import { startCluster, type Cluster } from './postgres.ts'
import { freePort, needs, startProcess, tempFolder, waitFor } from './processes.ts'
import { startRouter } from './router.ts'

let cluster: Cluster

beforeAll(async () => {
  cluster = await startCluster()
})
afterAll(() => cluster.stop())

/** One statement as an application: its own session, with or without `timeoutMs` for the whole of it. */
async function asApplication(url: string, sql: string, timeoutMs = 3000): Promise<Record<string, unknown>[]> {
  const client = new Client({
    connectionString: url,
    connectionTimeoutMillis: timeoutMs,
    query_timeout: timeoutMs,
  })
  client.on('error', () => undefined)
  try {
    await client.connect()
    return (await client.query<Record<string, unknown>>(sql)).rows
  } finally {
    client.end().catch(() => undefined)
  }
}

const write = `update outbound_email set status = 'sent'`
const urlOf = (name: string) => cluster.node(name).url(cluster.logins.backend, cluster.database)
const writeTo = (name: string, timeoutMs?: number) => asApplication(urlOf(name), write, timeoutMs)
const throughPort = (port: number, sql: string, timeoutMs?: number) => {
  const { user, password } = cluster.logins.backend
  return asApplication(`postgres://${user}:${password}@127.0.0.1:${port}/${cluster.database}`, sql, timeoutMs)
}
const landed = (port: number) =>
  throughPort(port, 'select inet_server_port() as port').then(rows => Number(rows[0]?.['port']))

const names = (nodes: readonly { name: string }[]) => nodes.map(node => node.name).sort()
const [one, two, three] = ['db-postgres-01', 'db-postgres-02', 'db-postgres-03'] as const

async function expectHealthy(primary: string): Promise<void> {
  expect((await cluster.primary()).name).toBe(primary)
  expect(names(await cluster.standbys())).toEqual([one, two, three].filter(name => name !== primary))
  await expect(writeTo(primary)).resolves.toEqual([])
  const senders = await cluster
    .node(primary)
    .query(`select application_name as name from pg_stat_replication where state = 'streaming' order by 1`)
  expect(senders.map(row => row['name'])).toEqual([one, two, three].filter(name => name !== primary))
}

describe('a cluster', () => {
  test('has a primary, streaming standbys, and the roles', async () => {
    await expectHealthy(one)
    const { backend, monitor, plain } = cluster.logins
    const first = cluster.node(one)
    const member = `select pg_has_role(current_user, 'pg_monitor', 'member') as yes, current_setting('cluster_name') as name`
    expect(await asApplication(first.url(monitor), member)).toEqual([{ yes: true, name: one }])
    expect(await asApplication(first.url(plain), member)).toEqual([{ yes: false, name: one }])
    await expect(asApplication(first.url({ ...backend, password: 'wrong' }), 'select 1')).rejects.toMatchObject({
      code: '28P01',
    })
  })

  test('refuses a write on a standby', async () => {
    await expect(writeTo(two)).rejects.toMatchObject({ code: '25006' })
  })

  test('starts a node with other settings, which healing takes back', async () => {
    const node = cluster.node(three)
    await node.stop()
    await node.start({ hot_standby: 'off' })
    await expect(writeTo(three)).rejects.toMatchObject({ code: '57P03' })
    await cluster.heal()
    await expectHealthy(one)
  })

  test('is not the same as another cluster', async () => {
    const other = await startCluster({ standbys: 0, names: ['other'] })
    const ask = 'select system_identifier::text as id from pg_control_system()'
    const ids = await Promise.all([cluster.node(one).query(ask), other.node('other').query(ask)])
    await other.stop()
    expect(ids[0]).not.toEqual(ids[1])
  })
})

describe('failover', () => {
  test('makes another node the primary; the old one rejoins', async () => {
    await cluster.failover(two)
    expect((await cluster.primary()).name).toBe(two)
    expect(names(await cluster.standbys())).toEqual([three])
    expect(cluster.node(one).pid).toBeUndefined()
    await cluster.rejoin(one)
    await expectHealthy(two)
  })

  test('after a crash leaves an old primary that can come back as a second one', async () => {
    const old = await cluster.primary()
    await cluster.failover(one, { crash: true })
    await old.start()
    await expect(writeTo(old.name)).resolves.toEqual([])
    await expect(writeTo(one)).resolves.toEqual([])
    expect((await cluster.primary()).name).toBe(one)
    await cluster.heal()
    await expectHealthy(one)
  })

  test('a split brain heals to the node that is primary by right', async () => {
    await cluster.splitBrain(three)
    await expect(writeTo(one)).resolves.toEqual([])
    await expect(writeTo(three)).resolves.toEqual([])
    expect((await cluster.primary()).name).toBe(one)
    await cluster.heal()
    await expectHealthy(one)
  })
})

describe('broken things', () => {
  afterEach(async () => {
    await cluster.heal()
    await expectHealthy(one)
  })

  test('a stuck synchronous commit hangs until it is unstuck', async () => {
    await cluster.stickSyncCommit()
    await expect(writeTo(one, 300)).rejects.toThrow('timeout')
    const waiting = writeTo(one)
    await cluster.unstickSyncCommit()
    await expect(waiting).resolves.toEqual([])
  })

  test.each(['server', 'database', 'role'] as const)('the %s is read-only', async scope => {
    await cluster.setReadOnly(scope, true)
    await expect(writeTo(one)).rejects.toMatchObject({ code: '25006' })
    await cluster.setReadOnly(scope, false)
    await expect(writeTo(one)).resolves.toEqual([])
    await cluster.setReadOnly(scope, true)
  })

  test('a standby loses its receiver', async () => {
    await cluster.cutReceiver(two)
    expect(await cluster.node(two).query('select from pg_stat_wal_receiver')).toHaveLength(0)
    await cluster.restoreReceiver(two)
    expect(await cluster.node(two).query('select from pg_stat_wal_receiver')).toHaveLength(1)
    await cluster.cutReceiver(two)
  })

  test('a standby stops replaying', async () => {
    await cluster.pauseReplay(three)
    await writeTo(one)
    const lag = () => cluster.node(three).query('select pg_last_wal_receive_lsn() > pg_last_wal_replay_lsn() as behind')
    await waitFor(async () => (await lag())[0]?.['behind'] === true, { what: 'it receives what it does not replay' })
  })

  test('a paused node accepts and stays silent', async () => {
    cluster.node(two).pause()
    await expect(asApplication(urlOf(two), 'select 1', 300)).rejects.toThrow('timeout')
  })

  test('everything at once', async () => {
    await cluster.setReadOnly('server', true)
    await cluster.node(two).kill()
    cluster.node(three).pause()
    await cluster.node(one).kill()
  })
})

test('a router routes, refuses and holds', async () => {
  const router = await startRouter()
  const [first, second] = [cluster.node(one), cluster.node(two)]
  const dead = { host: '127.0.0.1', port: await freePort() }
  await expect(landed(router.port)).rejects.toThrow('terminated unexpectedly')
  router.route([dead, first, second])
  expect(await landed(router.port)).toBe(first.port)
  router.route([first, second], 'round-robin')
  expect([await landed(router.port), await landed(router.port)]).toEqual([first.port, second.port])
  router.noBackend()
  await expect(landed(router.port)).rejects.toThrow('terminated unexpectedly')
  router.hold()
  await expect(throughPort(router.port, 'select 1', 300)).rejects.toThrow('timeout')
  expect(router.accepted()).toBe(6)
  await router.close()
  await expect(landed(router.port)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
})

describe.skipIf(!needs('HAProxy', haproxyBinary(), haproxyInstall))('HAProxy', () => {
  test('sends writes to standbys too, and closes without a backend', async () => {
    const haproxy = await startHaproxy({ servers: cluster.nodes })
    const ports = new Set<number>()
    for (let session = 0; session < 6; session += 1) ports.add(await landed(haproxy.write))
    expect([...ports].sort()).toEqual(cluster.nodes.map(node => node.port).sort())
    await expect(landed(haproxy.noBackend)).rejects.toThrow('terminated unexpectedly')
    await haproxy.route([cluster.node(two)])
    await expect(throughPort(haproxy.write, write)).rejects.toMatchObject({ code: '25006' })
    await haproxy.stop()
    await expect(landed(haproxy.write)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })
})

describe.skipIf(!needs('PgBouncer', pgbouncerBinary(), pgbouncerInstall))('PgBouncer', () => {
  test.each(['session', 'transaction'] as const)('pools per %s, pauses and resumes', async pooling => {
    const { logins } = cluster
    const bouncer = await startPgbouncer({ to: cluster.node(one), logins: [logins.backend, logins.plain], pooling })
    await expect(throughPort(bouncer.port, write)).resolves.toEqual([])
    await bouncer.pause()
    await expect(throughPort(bouncer.port, 'select 1', 300)).rejects.toThrow('timeout')
    const waiting = throughPort(bouncer.port, write)
    await bouncer.resume()
    await expect(waiting).resolves.toEqual([])
    await bouncer.retarget(cluster.node(two))
    await expect(throughPort(bouncer.port, write)).rejects.toMatchObject({ code: '25006' })
    const databases = await bouncer.admin('SHOW DATABASES')
    expect(databases.map(row => row['name'])).toContain(cluster.database)
    await bouncer.stop()
  })
})

describe.skipIf(!needs('Postfix', postfixBinary(), postfixInstall))('Postfix', () => {
  let postfix: Postfix
  beforeAll(async () => {
    postfix = await startPostfix()
  })
  afterAll(() => postfix.stop())

  const login = async (port: keyof Postfix['ports'], pass = postfix.login.password) => {
    const transport = createTransport({
      host: 'localhost',
      port: postfix.ports[port],
      secure: port === 'tls',
      requireTLS: port !== 'plain',
      ignoreTLS: port === 'plain',
      tls: { ca: postfix.ca },
      auth: { user: postfix.login.user, pass },
    })
    return transport.verify().finally(() => transport.close())
  }

  test.each(['starttls', 'plain', 'tls'] as const)('accepts the login on %s and no other', async port => {
    await expect(login(port)).resolves.toBe(true)
    await expect(login(port, 'wrong')).rejects.toMatchObject({ code: 'EAUTH', responseCode: 535 })
  })

  test('shows an expired certificate', async () => {
    await expect(login('expired')).rejects.toThrow('certificate has expired')
  })
})

describe('the end', () => {
  test('nothing is left after stop', async () => {
    const short = await startCluster({ standbys: 1 })
    const pids = short.nodes.flatMap(node => node.pid ?? [])
    expect(pids).toHaveLength(2)
    short.nodes[1]?.pause()
    const began = Date.now()
    await short.stop()
    expect(Date.now() - began).toBeLessThan(1500)
    for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow('ESRCH')
    expect(existsSync(short.folder)).toBe(false)
    const port = short.nodes[0]?.port ?? 0
    await expect(landed(port)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })

  test('a paused child that ignores signals is stopped', async () => {
    const script = `trap '' TERM; echo ready; while :; do sleep 0.1; done`
    const child = startProcess('stubborn', '/bin/sh', ['-c', script])
    await waitFor(() => child.log().includes('ready'), { what: 'it says so' })
    child.signal('SIGSTOP')
    await child.stop('SIGTERM', 100)
    expect(child.alive()).toBe(false)
    expect(await child.exited).toBeNull()
  })

  test('nothing is left when the parent is killed', async () => {
    const folder = tempFolder('mailpath-test-')
    const script = `
      import { startProcess, tempFolder } from ${JSON.stringify(path.join(import.meta.dirname, 'processes.ts'))}
      const folder = tempFolder('mailpath-test-')
      const child = startProcess('sleeper', '/bin/sleep', ['60'], { cwd: folder })
      console.log(JSON.stringify({ pid: child.pid, folder }))
    `
    const parent = startProcess('parent', process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script])
    await waitFor(() => parent.log().includes('}') || !parent.alive(), { timeoutMs: 10_000, what: 'the child runs' })
    const line = /\{.*\}/.exec(parent.log())?.[0]
    const left = JSON.parse(line ?? `"${parent.log()}"`) as { pid: number; folder: string }
    expect(existsSync(left.folder)).toBe(true)
    await parent.stop('SIGKILL')
    await waitFor(() => !existsSync(left.folder), { what: 'the reaper removes its folder' })
    expect(folder).not.toBe(left.folder)
    await waitFor(() => isGone(left.pid), { what: 'the reaper ends its child' })
  })
})

/** A zombie is gone too: who adopts it may be slow to notice. */
async function isGone(pid: number): Promise<boolean> {
  const stat = startProcess('ps', 'ps', ['-o', 'stat=', '-p', String(pid)])
  await stat.exited
  return /^Z|^$/.test(stat.log().trim())
}

test('free ports are refused until somebody listens', async () => {
  const port = await freePort()
  const error = await new Promise(resolve => connect(port, '127.0.0.1').once('error', resolve))
  expect(error).toMatchObject({ code: 'ECONNREFUSED' })
})
