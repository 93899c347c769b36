/** The words of a server are for people: what is concluded is the same in every language. */
import { chown, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { Client } from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { seenBy, type Observation } from '../../src/core/probe.ts'
import { postgres } from '../../src/probes/postgres/index.ts'
import { writePath } from '../../src/probes/write_path/index.ts'
import type { WritePathTarget } from '../../src/probes/write_path/target.ts'
import { certificates } from '../servers/certificates.ts'
import { languageInstall, languages, speaking } from '../servers/locales.ts'
import { startPgbouncer, pgbouncerBinary, pgbouncerInstall } from '../servers/pgbouncer.ts'
import { startCluster, type Cluster, type PostgresNode } from '../servers/postgres.ts'
import { needs, removeFolder, tempFolder, unprivileged, waitFor } from '../servers/processes.ts'
import { env, look } from './look.ts'

describe.each(languages)('in %s', language => {
  const binDir = speaking(language)
  describe.skipIf(!needs(`a server that speaks ${language}`, binDir, languageInstall(language)))('the server', () => {
    let cluster: Cluster
    let folder: string
    beforeAll(async () => {
      const made = await certificates()
      folder = tempFolder('mailpath-language-', unprivileged())
      const owner = unprivileged()
      for (const [name, text] of Object.entries({ 'server.crt': made.good.cert, 'server.key': made.good.key })) {
        await writeFile(path.join(folder, name), text, { mode: 0o600 })
        if (owner) await chown(path.join(folder, name), owner.uid, owner.gid)
      }
      const settings = {
        lc_messages: `${language}.UTF-8`,
        ssl: 'on',
        ssl_cert_file: path.join(folder, 'server.crt'),
        ssl_key_file: path.join(folder, 'server.key'),
      }
      cluster = await startCluster({ standbys: 0, settings, ...(binDir !== undefined && { binDir }) })
    })
    afterAll(async () => {
      await cluster.stop()
      await removeFolder(folder)
    })
    const node = (): PostgresNode => cluster.node('db-postgres-01')

    const seenAt = async (
      port: number,
      fields: Partial<WritePathTarget> & { login?: string } = {},
      timeoutMs = 5000,
    ): Promise<Observation> => {
      const { user, password } = cluster.logins.backend
      const { login = password, ...more } = fields
      const at = {
        name: 'app',
        cluster: 'kb',
        driver: 'libpq',
        host: '127.0.0.1',
        port,
        user,
        database: cluster.database,
      }
      const target = writePath.target.parse({ ...at, password: { env: 'PASSWORD' }, ...more })
      const seen = await look(writePath, target, { timeoutMs, references: env({ PASSWORD: login }) })
      if (!seen) throw new Error('the run was not recorded')
      return seen
    }
    const codesOf = ({ reasons }: Observation): string[] => reasons.map(({ code }) => code)

    const hba = async (rules: readonly string[]): Promise<void> => {
      const file = path.join(node().dataDir, 'pg_hba.conf')
      const own = ['host all postgres 127.0.0.1/32 trust', 'host all all 127.0.0.1/32 scram-sha-256']
      await writeFile(file, `${[...rules, ...own].join('\n')}\n`)
      await node().query('select pg_reload_conf()')
    }
    afterEach(() => hba([]))

    it('is as it should be', async () => {
      expect((await seenAt(node().port)).verdict).toBe('ok')
      // Or nothing would be tested here.
      const said = (await seenAt(node().port, { login: 'wrong' })).evidence
      expect(said).not.toContain('password authentication failed')
    })

    it('shows the sessions of the application', async () => {
      const { backend, monitor } = cluster.logins
      const client = new Client({ host: '127.0.0.1', port: node().port, database: cluster.database, ...backend })
      await client.connect()
      onTestFinished(() => client.end())
      const url = `postgres://${monitor.user}@127.0.0.1:${node().port}/postgres`
      const target = postgres.target.parse({ name: 'db', cluster: 'kb', url, password: { env: 'PASSWORD' } })
      const seen = await look(postgres, target, { references: env({ PASSWORD: monitor.password }) })
      expect(seenBy(postgres, seen)?.seen.facts?.sessions).toMatchObject([
        { role: backend.user, database: cluster.database, count: 1, idle: 1 },
      ])
    })

    it('refuses a password', async () => {
      expect(codesOf(await seenAt(node().port, { login: 'wrong' }))).toEqual(['write_path_login_failed'])
    })

    it('has no such role, and no such database', async () => {
      expect(codesOf(await seenAt(node().port, { user: 'nobody' }))).toEqual(['write_path_login_failed'])
      expect(codesOf(await seenAt(node().port, { database: 'nowhere' }))).toEqual(['write_path_database_missing'])
    })

    it('lets a role in only over TLS', async () => {
      await hba(['hostnossl all kb_backend 127.0.0.1/32 reject'])
      const seen = await waitFor(
        async () => {
          const now = await seenAt(node().port, { sslmode: 'disable' })
          return now.verdict === 'fail' && now
        },
        { what: 'the rules are read' },
      )
      expect(codesOf(seen)).toEqual(['write_path_tls_failed'])
      expect(seen.reasons[0]?.remedy).toMatch(/only over TLS.*sslmode=require/)
      expect((await seenAt(node().port, { sslmode: 'require' })).verdict).toBe('ok')
    })

    it('rejects a role that came over TLS', async () => {
      await hba(['host all kb_backend 127.0.0.1/32 reject'])
      const seen = await waitFor(
        async () => {
          const now = await seenAt(node().port, { sslmode: 'require' })
          return now.verdict === 'fail' && now
        },
        { what: 'the rules are read' },
      )
      expect(codesOf(seen)).toEqual(['write_path_login_failed'])
    })

    it('does not let this role into this database', async () => {
      await node().query(`revoke connect on database ${cluster.database} from public`)
      await node().query(`alter database ${cluster.database} owner to postgres`)
      onTestFinished(async () => {
        await node().query(`alter database ${cluster.database} owner to kb_backend`)
        await node().query(`grant connect on database ${cluster.database} to public`)
      })
      expect(codesOf(await seenAt(node().port))).toEqual(['write_path_login_failed'])
    })

    it('has no slot left for this role', async () => {
      await node().query('alter role kb_backend connection limit 0')
      onTestFinished(async () => {
        await node().query('alter role kb_backend connection limit -1')
      })
      expect(codesOf(await seenAt(node().port))).toEqual(['write_path_too_many_connections'])
    })

    it('waits for a synchronous standby', async () => {
      await cluster.stickSyncCommit()
      onTestFinished(() => cluster.unstickSyncCommit())
      const seen = await seenAt(node().port, {}, 1000)
      expect(codesOf(seen)).toEqual(['write_path_commit_stuck'])
      expect(seen.evidence).toContain('waits for a synchronous standby')
    })

    describe.skipIf(!needs('PgBouncer', pgbouncerBinary(), pgbouncerInstall))('behind PgBouncer', () => {
      const cause = async (
        setUp: string,
        undo: string,
        fields: Partial<WritePathTarget> = {},
      ): Promise<Observation> => {
        const pgbouncer = await startPgbouncer({ to: node(), logins: [cluster.logins.backend] })
        onTestFinished(async () => {
          await pgbouncer.stop()
          await node().query(undo)
        })
        await node().query(setUp)
        return seenAt(pgbouncer.port, fields)
      }

      it.each([
        ['the password that PgBouncer has', `alter role kb_backend password 'other'`],
        ['the role', 'alter role kb_backend nologin'],
        ['one more session', 'alter role kb_backend connection limit 0'],
      ])('refuses %s', async (_, setUp) => {
        const undo = `alter role kb_backend login connection limit -1 password '${cluster.logins.backend.password}'`
        const seen = await cause(setUp, undo)
        expect(codesOf(seen), JSON.stringify(seen.reasons)).toEqual(['write_path_pooler_refused'])
        expect(seen.reasons[0]?.remedy).toContain('login that the pooler has')
      })

      it('has no such database', async () => {
        const seen = await cause('select 1', 'select 1', { database: 'nowhere' })
        expect(codesOf(seen)).toEqual(['write_path_pooler_refused'])
      })
    })
  })
})
