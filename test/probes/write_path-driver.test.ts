/** `driver: auto` on real servers: when are other ways tried, and what is concluded of them. */
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import net from 'node:net'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Observation } from '../../src/core/probe.ts'
import { writePath } from '../../src/probes/write_path/index.ts'
import type { WritePathTarget } from '../../src/probes/write_path/target.ts'
import { pgbouncerBinary, pgbouncerInstall, startPgbouncer } from '../servers/pgbouncer.ts'
import { recordLoad, type Recording } from '../servers/postgres-log.ts'
import { writeTlsFiles, type TlsFiles } from '../servers/postgres-tls.ts'
import { startCluster, type Cluster, type PostgresNode } from '../servers/postgres.ts'
import { needs, removeFolder, waitFor } from '../servers/processes.ts'
import { env, look } from './look.ts'

let cluster: Cluster
let files: TlsFiles
let recording: Recording
const primary = (): PostgresNode => cluster.node('db-postgres-01')
const standby = (): PostgresNode => cluster.node('db-postgres-02')

beforeAll(async () => {
  files = await writeTlsFiles('mailpath-driver-')
  cluster = await startCluster({ standbys: 1, settings: files.settings })
  recording = await recordLoad(primary())
}, 60_000)
afterAll(async () => {
  await cluster.stop()
  await removeFolder(files.folder)
})

const backend = () => cluster.logins.backend
const url = (query = '', node = primary(), password = backend().password): string =>
  `postgres://${backend().user}:${password}@127.0.0.1:${node.port}/${cluster.database}${query}`
const targetOf = (fields: Partial<WritePathTarget> = {}): WritePathTarget =>
  writePath.target.parse({ name: 'app', cluster: 'kb', url: { env: 'URL' }, ...fields })

async function run(target: WritePathTarget, at: string): Promise<Observation> {
  const observation = await look(writePath, target, { timeoutMs: 10_000, references: env({ URL: at }) })
  if (!observation) throw new Error('the run was not recorded')
  return observation
}
const codes = ({ reasons }: Observation): string[] => reasons.map(({ code }) => code)

/** Logins that the primary let in, since the last call. */
async function logins(): Promise<number> {
  const end = `end ${String(Math.random())}`
  await waitFor(
    async () => {
      await primary().query(`select '${end}'`)
      return primary().log().includes(end)
    },
    { what: 'the log is written' },
  )
  return (await recording.take(backend().user)).connections
}

/** A proxy to a server that breaks down: it takes no TLS, and cuts off who has logged in and sends a statement. */
async function startBreakingDown(to: number) {
  const server = net.createServer(client => {
    const upstream = net.connect(to, '127.0.0.1')
    for (const socket of [client, upstream]) socket.on('error', () => undefined)
    client.on('close', () => upstream.destroy())
    upstream.pipe(client)
    client.on('data', bytes => {
      const isTls = bytes.length === 8 && bytes.readInt32BE(4) === 80877103
      if (isTls || /^[PQ]/.test(bytes.toString('latin1'))) client.destroy()
      else upstream.write(bytes)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { port: (server.address() as net.AddressInfo).port, stop: () => promisify(server.close.bind(server))() }
}

/** A proxy that can leave those without an answer who do not ask for TLS. */
async function startTlsOnly(to: number) {
  const sockets = new Set<net.Socket>()
  let hangs = false
  const server = net.createServer(client => {
    sockets.add(client)
    client.on('error', () => undefined)
    client.once('data', first => {
      if (hangs && first.readInt32BE(4) !== 80877103) return
      const upstream = net.connect(to, '127.0.0.1')
      sockets.add(upstream)
      upstream.on('error', () => undefined)
      upstream.write(first)
      client.pipe(upstream).pipe(client)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as net.AddressInfo).port,
    hangInClear: () => (hangs = true),
    async stop() {
      for (const socket of sockets) socket.destroy()
      await promisify(server.close.bind(server))()
    },
  }
}

/** A balancer in a failover: what it does with its next connections, and then with all others. */
async function startBalancer(to: number) {
  const sockets = new Set<net.Socket>()
  let next: ('serve' | 'close' | 'hold')[] = []
  const server = net.createServer(client => {
    sockets.add(client)
    client.on('error', () => undefined)
    const what = next.length > 1 ? next.shift() : next[0]
    if (what === 'hold') return
    if (what === 'close') return void client.once('data', () => client.destroy())
    const upstream = net.connect(to, '127.0.0.1')
    sockets.add(upstream)
    upstream.on('error', () => undefined)
    client.pipe(upstream).pipe(client)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as net.AddressInfo).port,
    does: (...what: typeof next) => (next = what),
    async stop() {
      for (const socket of sockets) socket.destroy()
      await promisify(server.close.bind(server))()
    },
  }
}

describe('a path whose drivers would connect differently', () => {
  beforeEach(() => logins())
  afterEach(() => vi.restoreAllMocks())

  it('is tried as each of them at first, and then no more while nothing changes', async () => {
    const target = targetOf()
    expect((await run(target, url())).verdict).toBe('ok')
    // With TLS, and in the clear.
    expect(await logins()).toBe(2)
    for (let n = 0; n < 3; n++) expect((await run(target, url())).verdict).toBe('ok')
    expect(await logins()).toBe(3)
  })

  it('is tried again when the URL changes, when another server is reached, and after an hour', async () => {
    const target = targetOf()
    await run(target, url())
    await logins()
    await run(target, url('?application_name=other'))
    expect(await logins()).toBe(2)
    const now = performance.now.bind(performance)
    vi.spyOn(performance, 'now').mockImplementation(() => now() + 3_600_001)
    await run(target, url('?application_name=other'))
    expect(await logins()).toBe(2)
    await primary().stop('fast')
    await primary().start()
    await run(target, url('?application_name=other'))
    expect(await logins()).toBe(2)
  })

  it('is not tried another way with a password that was refused', async () => {
    const refusals = (): number => primary().log().split('password authentication failed for user "kb_backend"').length
    const before = refusals()
    const target = targetOf()
    for (let n = 1; n <= 2; n++) {
      expect(codes(await run(target, url('', primary(), 'wrong')))).toEqual(['write_path_login_failed'])
      await waitFor(() => refusals() >= before + n, { what: 'the server says so' })
    }
    await logins()
    expect(refusals()).toBe(before + 2)
  })

  it('fails, whatever the driver, where who gets in cannot write: also while a commit takes all of the time', async () => {
    await cluster.stickSyncCommit()
    try {
      const hung = await look(writePath, targetOf(), { timeoutMs: 1_000, references: env({ URL: url() }) })
      expect(hung && codes(hung)).toEqual(['write_path_commit_stuck'])
    } finally {
      await cluster.unstickSyncCommit()
    }
    expect(codes(await run(targetOf(), url('', standby())))).toEqual(['write_path_read_only'])
    await waitFor(async () => (await logins()) === 0, { what: 'the sessions that hung are logged' })
    await primary().query(`alter role ${backend().user} set default_transaction_read_only = on`)
    try {
      expect(codes(await run(targetOf(), url()))).toEqual(['write_path_read_only'])
      expect(await logins()).toBe(1)
    } finally {
      await primary().query(`alter role ${backend().user} reset default_transaction_read_only`)
    }
  })

  it('is tried again soon if no login gets in, so that it is no failure for an hour once others do', async () => {
    const target = targetOf()
    const at = url('?dbname=nowhere').replace(`/${cluster.database}?`, '/later?')
    expect(codes(await run(target, at))).toEqual(['write_path_database_missing'])
    await primary().query(`create database later`)
    const now = performance.now.bind(performance)
    vi.spyOn(performance, 'now').mockImplementation(() => now() + 300_001)
    expect(codes(await run(target, at))).toEqual(['write_path_driver_unclear'])
  })

  it('is unknown once its other ways hang, however they went before', async () => {
    const proxy = await startTlsOnly(primary().port)
    try {
      const target = targetOf()
      const at = url().replace(`:${primary().port}/`, `:${proxy.port}/`)
      expect(codes(await run(target, at))).toEqual([])
      proxy.hangInClear()
      expect(codes(await run(target, at))).toEqual([])
      const now = performance.now.bind(performance)
      vi.spyOn(performance, 'now').mockImplementation(() => now() + 3_600_001)
      const seen = await look(writePath, target, { timeoutMs: 1_500, references: env({ URL: at }) })
      expect(seen?.reasons[0]?.code).toBe('write_path_driver_unclear')
      expect(seen?.verdict).toBe('unknown')
    } finally {
      await proxy.stop()
    }
  })

  it('has failed, whatever login gets in, if the server goes down before anything was asked of it', async () => {
    const proxy = await startBreakingDown(primary().port)
    try {
      const at = url().replace(`:${primary().port}/`, `:${proxy.port}/`)
      expect(codes(await run(targetOf(), at))).toEqual(['write_path_closed'])
    } finally {
      await proxy.stop()
    }
  })

  describe('behind a balancer', () => {
    let balancer: Awaited<ReturnType<typeof startBalancer>>
    let at: string
    beforeEach(async () => {
      balancer = await startBalancer(primary().port)
      at = url().replace(`:${primary().port}/`, `:${balancer.port}/`)
    })
    afterEach(() => balancer.stop())

    it('has failed if it is closed and there is no time to try the others, which agreed before', async () => {
      const target = targetOf()
      expect(codes(await run(target, at))).toEqual([])
      balancer.does('close', 'hold')
      const seen = await look(writePath, target, { timeoutMs: 1_000, references: env({ URL: at }) })
      expect(seen && codes(seen)).toEqual(['write_path_closed'])
    })

    it('is unknown in the same case if they were never compared', async () => {
      balancer.does('close', 'hold')
      const seen = await look(writePath, targetOf(), { timeoutMs: 1_000, references: env({ URL: at }) })
      expect(seen && codes(seen)).toEqual(['write_path_driver_unclear'])
    })

    it('has failed once all are refused, though one got in a moment before', async () => {
      const target = targetOf()
      balancer.does('close', 'serve')
      expect(codes(await run(target, at))).toEqual(['write_path_driver_unclear'])
      balancer.does('close')
      expect(codes(await run(target, at))).toEqual(['write_path_closed'])
    })

    it('works again once all get in, though one was refused a moment before', async () => {
      const target = targetOf()
      balancer.does('serve', 'close')
      expect(codes(await run(target, at))).toEqual(['write_path_driver_unclear'])
      balancer.does('serve')
      expect(codes(await run(target, at))).toEqual([])
    })
  })

  it('by a Unix socket that is not there leads to no server', async () => {
    const at = url(`?host=${encodeURIComponent(files.folder)}`)
    expect(codes(await run(targetOf({ driver: 'libpq' }), at))).toEqual(['write_path_unreachable'])
  })

  it('has one way where the driver is set', async () => {
    expect((await run(targetOf({ driver: 'node-postgres' }), url())).verdict).toBe('ok')
    expect(await logins()).toBe(1)
  })

  it('is unknown where only some get in, and says who', async () => {
    const { user } = backend()
    await writeFile(
      path.join(primary().dataDir, 'pg_hba.conf'),
      [
        'host all postgres 127.0.0.1/32 trust',
        'host replication postgres 127.0.0.1/32 trust',
        `hostssl all ${user} 127.0.0.1/32 scram-sha-256`,
      ].join('\n') + '\n',
    )
    await primary().query('select pg_reload_conf()')
    const target = targetOf()
    const seen = await waitFor(
      async () => {
        const observation = await run(target, url('?application_name=tls'))
        return codes(observation).includes('write_path_driver_unclear') && observation
      },
      { timeoutMs: 5_000, what: 'the rules are read' },
    )
    expect(seen).toMatchObject({ verdict: 'unknown', samples: [] })
    expect(seen.reasons[0]?.text).toMatch(
      /libpq and prisma get in; node-postgres and postgres\.js are refused: .*no pg_hba\.conf entry.*no encryption/,
    )
    expect((await run(targetOf({ driver: 'libpq' }), url())).verdict).toBe('ok')
    expect(codes(await run(targetOf({ driver: 'node-postgres' }), url()))).toEqual(['write_path_tls_failed'])
    // What was found holds, and nobody tries again.
    await logins()
    expect(codes(await run(target, url('?application_name=tls')))).toEqual(['write_path_driver_unclear'])
    expect(await logins()).toBe(1)
  })

  it('is unknown where they land on different servers, and says on which', async () => {
    const seen = await run(targetOf(), url(`?host=127.0.0.1&port=${standby().port}`))
    expect(codes(seen)).toEqual(['write_path_driver_unclear'])
    expect(seen.reasons[0]?.text).toMatch(
      new RegExp(`libpq and node-postgres land on \\S+:${standby().port}, read-only`),
    )
    const read = await run(targetOf({ driver: 'node-postgres' }), url(`?host=127.0.0.1&port=${standby().port}`))
    expect(codes(read)).toEqual(['write_path_read_only'])
  })

  it('names ca_file where the authority of the server is not known', async () => {
    const seen = await run(targetOf({ driver: 'node-postgres' }), url('?sslmode=require'))
    expect(codes(seen)).toEqual(['write_path_tls_failed'])
    expect(seen.reasons[0]?.remedy).toMatch(/^Have the server send its whole chain.*`ca_file`/)
  })

  it('fails where no driver could write: all that get in land on a standby', async () => {
    const seen = await run(targetOf(), url('?host=127.0.0.1', standby()))
    expect(codes(seen)).toEqual(['write_path_read_only'])
  })
})

describe.skipIf(!needs('PgBouncer', pgbouncerBinary(), pgbouncerInstall))('behind a transaction pooler', () => {
  it('leaves no name of ours on the sessions of the application', async () => {
    const settings = { default_pool_size: 1, server_tls_sslmode: 'prefer' }
    const pooler = await startPgbouncer({ to: primary(), logins: [backend()], settings })
    try {
      const through = `postgres://${backend().user}:${backend().password}@127.0.0.1:${pooler.port}/${cluster.database}`
      for (const driver of ['auto', 'libpq', 'node-postgres'] as const)
        expect((await run(targetOf({ driver }), through)).verdict).toBe('ok')
      const names = await primary().query<{ name: string }>(
        `select application_name as name from pg_stat_activity where usename = '${backend().user}'`,
      )
      expect(names.length).toBeGreaterThan(0)
      expect(names.filter(({ name }) => name.includes('mailpath'))).toEqual([])
    } finally {
      await pooler.stop()
    }
  })
})
