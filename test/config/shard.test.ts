import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseConfig } from '../../src/config/load.ts'
import { shardOf } from '../../src/config/shard.ts'
import { checkId } from '../../src/core/probe.ts'
import { leavesBy } from '../../src/probes/canary/leaves-by.ts'

const names = (count: number, prefix: string): string[] => Array.from({ length: count }, (_, n) => `${prefix}-${n}`)

/** Clusters with three nodes and two write paths each, relays, and a mail path for each cluster that uses some of them. */
function configOf(clusters: number, relays: number, shared: number) {
  const url = 'postgres://kb@127.0.0.1:5432/kb'
  const password = { env: 'PASSWORD' }
  const fromVault = { vault: { target: 'vault-0', path: 'secret/data/smtp', key: 'PASS' } }
  const all = names(clusters, 'cluster')
  const relayNames = names(relays, 'relay')
  const text = JSON.stringify({
    postgres: all.flatMap(cluster => names(3, `${cluster}-db`).map(name => ({ name, cluster, url, password }))),
    write_path: all.flatMap(cluster => names(2, `${cluster}-way`).map(name => ({ name, cluster, url, password }))),
    smtp: relayNames.map((name, n) => ({
      name,
      host: '127.0.0.1',
      user: 'a',
      password: n < shared ? fromVault : password,
    })),
    vault: [{ name: 'vault-0', url: 'http://127.0.0.1:8200', token: { env: 'TOKEN' } }],
    mail: all.map((cluster, n) => ({
      name: `app-${n}`,
      write_path: names(2, `${cluster}-way`),
      smtp: relayNames.slice(n, n + 1),
    })),
  })
  return parseConfig(text, 'mailpath.yml')
}

const shards = (config: ReturnType<typeof configOf>, count: number) =>
  Array.from({ length: count }, (_, index) => shardOf(config, { index, count }))

function expectWhole(config: ReturnType<typeof configOf>, parts: ReturnType<typeof shards>): void {
  const ids = parts.flatMap(({ checks }) => checks.map(checkId))
  expect(ids.toSorted()).toEqual(config.checks.map(checkId).toSorted())
  expect(parts.flatMap(({ mail }) => mail.map(({ name }) => name)).toSorted()).toEqual(
    config.mail.map(({ name }) => name).toSorted(),
  )
  for (const part of parts) {
    const clustersHere = new Set(part.checks.flatMap(({ config: own }) => own.cluster ?? []))
    const ofClusters = config.checks.filter(check => clustersHere.has(check.config.cluster ?? '')).map(checkId)
    const ofMail = part.mail.flatMap(path => [
      ...(path.write_path ?? []).map(name => `write_path/${name}`),
      ...(path.smtp ?? []).map(name => `smtp/${name}`),
    ])
    const ofRelays = part.checks
      .filter(check => part.mail.some(({ smtp }) => smtp?.includes(check.target)))
      .flatMap(check => check.needs)
    const mine = new Set(part.checks.map(checkId))
    expect([...ofClusters, ...ofMail, ...ofRelays].filter(id => !mine.has(id))).toEqual([])
  }
}

describe('shards', () => {
  it('are together exactly the whole, and keep together what is assessed together', () => {
    const size = (max: number) => fc.integer({ min: 1, max })
    fc.assert(
      fc.property(size(8), size(12), fc.integer({ min: 0, max: 3 }), (clusters, relays, shared) => {
        const config = configOf(clusters, relays, shared)
        for (const count of [1, 2, 3, 4, 5, 6]) expectWhole(config, shards(config, count))
      }),
      { numRuns: 40, seed: 20261122 },
    )
  })

  it('share the work', () => {
    const config = configOf(60, 400, 0)
    const sizes = shards(config, 4).map(({ checks }) => checks.length)
    const fair = config.checks.length / 4
    for (const size of sizes) expect(Math.abs(size - fair) / fair).toBeLessThan(0.4)
  })

  it('have the API server in each part that reads from it, and are not tied together by it', () => {
    const password = { kubernetes: { namespace: 'mail', secret: 'smtp', key: 'PASS' } }
    const relays = names(40, 'relay').map((name, n) => ({
      name,
      host: '127.0.0.1',
      ...(n > 1 && { user: 'a', password }),
    }))
    const mail = relays.map(({ name }) => ({ name: `app-${name}`, write_path: [], smtp: [name] }))
    const config = parseConfig(JSON.stringify({ smtp: relays, mail }), 'mailpath.yml')
    const parts = shards(config, 4).map(({ checks }) => checks)
    for (const part of parts) {
      const isThere = part.some(({ probe }) => probe === 'kubernetes')
      expect(isThere).toBe(part.some(({ needs }) => needs.includes('kubernetes/api-server')))
      expect(part.length).toBeGreaterThan(4)
    }
    const others = parts.flat().filter(({ probe }) => probe !== 'kubernetes')
    expect(others.map(checkId).toSorted()).toEqual(
      config.checks.flatMap(check => (check.probe === 'kubernetes' ? [] : [checkId(check)])).toSorted(),
    )
  })

  it('have a HAProxy and a PgBouncer in each part with a write path through it, and are not tied together by them', () => {
    const url = 'postgres://kb@127.0.0.1:5432/kb'
    const clusters = names(40, 'cluster')
    const config = parseConfig(
      JSON.stringify({
        postgres: clusters.map(cluster => ({ name: `${cluster}-db`, cluster, url })),
        patroni: clusters.map(cluster => ({ name: `${cluster}-patroni`, cluster, url: 'http://127.0.0.1:8008' })),
        haproxy: ['lb', 'unused'].map(name => ({ name, url: 'http://127.0.0.1:8404/metrics' })),
        pgbouncer: [{ name: 'pool', url: 'postgres://stats@127.0.0.1:6432/pgbouncer' }],
        write_path: clusters.map((cluster, n) => ({
          name: `${cluster}-way`,
          cluster,
          url,
          ...(n < 2 && { haproxy: { target: 'lb', proxy: 'write' }, pgbouncer: { target: 'pool', database: 'kb' } }),
        })),
        mail: clusters.map(cluster => ({ name: cluster, write_path: [`${cluster}-way`], smtp: [] })),
      }),
      'mailpath.yml',
    )
    const parts = shards(config, 4).map(({ checks }) => checks)
    for (const part of parts) {
      const ids = part.map(checkId)
      const goesThrough = ids.includes('write_path/cluster-0-way') || ids.includes('write_path/cluster-1-way')
      expect([ids.includes('haproxy/lb'), ids.includes('pgbouncer/pool')]).toEqual([goesThrough, goesThrough])
      expect(part.length).toBeGreaterThan(4)
      for (const id of ids.filter(one => one.startsWith('patroni/')))
        expect(ids).toContain(id.replace(/patroni/g, 'db').replace('db/', 'postgres/'))
    }
    expect(parts.flat().filter(({ target }) => target === 'unused')).toHaveLength(1)
    expect(new Set(parts.flat().map(checkId))).toEqual(new Set(config.checks.map(checkId)))
  })

  it('have an outbox and an account of SES with the mail path that needs them, and an outbox with its cluster', () => {
    const clusters = names(40, 'cluster')
    const table = { host: '127.0.0.1', table: 'mails', created: 'created_at', pending: 'sent_at is null' }
    const keys = { access_key: { env: 'KEY' }, secret_key: { env: 'SECRET' }, region: 'eu-west-1' }
    const config = parseConfig(
      JSON.stringify({
        postgres: clusters.map(cluster => ({ name: cluster, cluster, url: 'postgres://kb@127.0.0.1:5432/kb' })),
        outbox: clusters.map(cluster => ({ name: `mails of ${cluster}`, cluster, ...table })),
        ses: clusters.map(cluster => ({ name: `SES of ${cluster}`, ...keys })),
        mail: clusters.map(cluster => ({
          name: cluster,
          write_path: [],
          ses: [`SES of ${cluster}`],
          outbox: [`mails of ${cluster}`],
        })),
      }),
      'mailpath.yml',
    )
    const parts = shards(config, 4)
    for (const { checks, mail } of parts) {
      expect(mail.length).toBeGreaterThan(2)
      const own = mail.flatMap(({ name }) => [`outbox/mails of ${name}`, `ses/SES of ${name}`, `postgres/${name}`])
      expect(
        checks
          .filter(({ probe }) => probe !== 'mail')
          .map(checkId)
          .toSorted(),
      ).toEqual(own.toSorted())
    }
    expectWhole(config, parts)
  })

  it('have a canary with the way that it leaves by, with and without a list of canaries, and are not tied together by them', () => {
    const relays = names(40, 'relay')
    const accounts = names(8, 'account')
    const keys = { access_key: { env: 'KEY' }, secret_key: { env: 'SECRET' }, region: 'eu-west-1' }
    const addresses = { from: 'a@example.com', to: 'b@example.net' }
    const config = parseConfig(
      JSON.stringify({
        smtp: relays.map(name => ({ name, host: '127.0.0.1' })),
        ses: accounts.map(name => ({ name, ...keys })),
        canary: [
          ...relays.map(smtp => ({ name: `by ${smtp}`, smtp, ...addresses })),
          ...accounts.map(ses => ({ name: `by ${ses}`, ses, ...addresses })),
        ],
        mail: relays.map((name, n) => ({
          name,
          write_path: [],
          smtp: [name],
          ses: accounts.slice(n, n + 1),
          ...(n % 2 === 0 && { canary: [`by ${name}`] }),
        })),
      }),
      'mailpath.yml',
    )
    const parts = shards(config, 4)
    expectWhole(config, parts)
    for (const { checks, mail } of parts) {
      expect(mail.length).toBeGreaterThan(4)
      const ids = new Set(checks.map(checkId))
      const apart = checks.filter(check => !ids.has(leavesBy(check)?.id ?? checkId(check)))
      expect(apart).toEqual([])
    }
  })

  it('of a file without mail lists are one', () => {
    const config = parseConfig(
      JSON.stringify({ smtp: names(20, 'relay').map(name => ({ name, host: '127.0.0.1' })) }),
      'mailpath.yml',
    )
    expect(
      shards(config, 3)
        .map(({ checks }) => checks.length)
        .toSorted((a, b) => a - b),
    ).toEqual([0, 0, 21])
  })

  it('are the same wherever a target stands in the file', () => {
    const config = configOf(5, 10, 2)
    const turned = { ...config, checks: config.checks.toReversed(), mail: config.mail.toReversed() }
    for (const index of [0, 1, 2])
      expect(shardOf(turned, { index, count: 3 }).checks.map(checkId).toSorted()).toEqual(
        shardOf(config, { index, count: 3 }).checks.map(checkId).toSorted(),
      )
  })

  it('keep a domain with the relay and the SES that it names', () => {
    const all = names(12, 'relay')
    const text = JSON.stringify({
      smtp: all.map(name => ({ name, host: 'mail.example.com' })),
      dns: all.map(name => ({ name: `${name}.example.com`, domain: 'example.com', smtp: name })),
      mail: all.map(name => ({ name: `app ${name}`, smtp: [name] })),
    })
    const parts = shards(parseConfig(text, 'mailpath.yml'), 4).map(({ checks }) => checks.map(checkId))
    for (const ids of parts)
      for (const name of all) expect(ids.includes(`smtp/${name}`)).toBe(ids.includes(`dns/${name}.example.com`))
    // A mail path takes the domains of its own ways, so these tie nothing together.
    expect(parts.filter(ids => ids.length > 0).length).toBeGreaterThan(1)
  })
})
