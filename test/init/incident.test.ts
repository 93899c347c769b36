/** The first three commands of a new user, on the platform of the demo in the state of the incident. */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { secrets, smtpUser, startPlatform, type Platform } from '../demo/platform.ts'
import type { Listening } from '../servers/hostile.ts'
import { startPatroniDouble, type PatroniKnobs } from '../servers/patroni-double.ts'
import { startProcess } from '../servers/processes.ts'
import { program } from '../servers/program.ts'

let platform: Platform
let patronis: readonly (PatroniKnobs & Listening)[] = []

beforeAll(async () => {
  platform = await startPlatform()
  const { nodes } = platform.cluster
  const primary = await platform.cluster.primary()
  patronis = await Promise.all(nodes.map(() => startPatroniDouble()))
  const members = nodes.map((node, i) => ({
    name: node.name,
    role: node === primary ? 'leader' : 'replica',
    state: node === primary ? 'running' : 'streaming',
    api_url: `http://127.0.0.1:${patronis[i]?.port ?? 0}/patroni`,
    host: node.host,
    port: node.port,
    timeline: 1,
  }))
  for (const [i, node] of nodes.entries())
    Object.assign(patronis[i] ?? {}, {
      ...{ scope: 'keybuzz', name: node.name, leader: primary.name, members, timeline: 1, followers: [] },
      ...{ isLeader: node === primary, role: node === primary ? 'primary' : 'replica' },
    })
})
afterAll(async () => {
  for (const patroni of patronis) await patroni.close()
  await platform.stop()
})

async function ran(...args: string[]): Promise<{ code: number | null; output: string }> {
  const running = startProcess('mailpath-exporter', process.execPath, [...program, ...args])
  onTestFinished(() => running.stop())
  return { code: await running.exited, output: running.log() }
}

it('finds the incident in three commands without an edit, from a .env, a Patroni that is a replica, and a Vault that is down', async () => {
  const output = path.join(platform.folder, 'first.yml')
  const port = patronis[1]?.port ?? 0
  const init = await ran(
    'init',
    `--dotenv=${platform.app.env.path}`,
    `--patroni=http://127.0.0.1:${port}`,
    `--vault=https://127.0.0.1:${platform.vault.port}`,
    `--output=${output}`,
  )
  // Vault did not answer.
  expect(init.code).toBe(1)
  expect(init.output).toContain(`127.0.0.1:${platform.vault.port}: connect ECONNREFUSED`)
  expect(init.output).toContain(`${program.at(-1) ?? ''} check --config.file=${output}\n`)
  const text = readFileSync(output, 'utf8')
  for (const value of [...Object.values(secrets), smtpUser, 'kb_backend']) expect(text).not.toContain(value)

  const valid = await ran('check-config', `--config.file=${output}`)
  expect(valid).toEqual({ code: 0, output: `${output}: 12 checks, ok\n` })

  const { code, output: audit } = await ran('check', `--config.file=${output}`)
  expect(code).toBe(2)
  const said = audit.replace(/\s+/g, ' ')
  expect(audit.split('\n')[0]).toBe('keybuzz-backend: BLOCKED by write_path/keybuzz-backend DATABASE_URL')
  expect(said).toContain('lands on db-postgres-03 (standby): a write fails with SQLSTATE 25006')
  expect(said).toContain('Now it is db-postgres-01')
  expect(said).toMatch(/ok Postgres leader \(keybuzz\): .*db-postgres-01 holds the leader lock of Patroni/)
  expect(said).toMatch(/fail Vault 127\.0\.0\.1 127\.0\.0\.1:\d+: connect ECONNREFUSED/)
  expect(said).toContain('SMTP_PASS: has no SMTP_PASS')
  // Patroni was only asked.
  expect(patronis.flatMap(({ requests }) => requests).map(({ line }) => line)).toSatisfy((lines: string[]) =>
    lines.every(line => /^GET \/(?:leader|cluster) HTTP/.test(line)),
  )
})
