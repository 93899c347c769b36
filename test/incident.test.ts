import { afterAll, beforeAll, expect, it } from 'vitest'
import { startExporter, type Exporter } from './demo/exporter.ts'
import { startPlatform, type Platform } from './demo/platform.ts'
import { incidentsProblems, statusProblems } from './report/published.ts'
import { freePort, waitFor } from './servers/processes.ts'

let platform: Platform
let exporter: Exporter

beforeAll(async () => {
  platform = await startPlatform()
  exporter = await startExporter({ configFile: platform.configFile, folder: platform.folder, port: await freePort() })
})
afterAll(async () => {
  await exporter.stop()
  await platform.stop()
})

const metrics = async (): Promise<string> => (await fetch(`${exporter.url}/metrics`)).text()
const holds = (series: string, what: string, timeoutMs: number) =>
  waitFor(async () => (await metrics()).includes(series), { timeoutMs, what })

/** What the published schemas find wrong with what is answered right now. */
const offends = async (): Promise<readonly string[]> => {
  const json = async (path: string): Promise<unknown> => (await fetch(`${exporter.url}${path}`)).json()
  return [...statusProblems(await json('/api/v1/status')), ...incidentsProblems(await json('/incidents?format=json'))]
}

it('finds the incident by itself, and sees at once when the .env is healed, without a restart', async () => {
  // Some checks have not run yet.
  expect(await offends()).toEqual([])
  await waitFor(async () => (await fetch(`${exporter.url}/-/ready`)).ok, {
    timeoutMs: 15_000,
    what: 'every check has run',
  })
  expect(await offends()).toEqual([])
  const text = await metrics()
  expect(text).toContain('mailpath_mail_verdict{mail_path="keybuzz-backend",verdict="fail"} 1')
  const roots = text
    .split('\n')
    .filter(line => line.startsWith('mailpath_mail_blocker') && line.includes('root="true"'))
  expect(roots).toEqual([
    'mailpath_mail_blocker{mail_path="keybuzz-backend",reason="write_path_read_only",probe="write_path",target="backend DATABASE_URL",root="true"} 1',
  ])
  for (const series of [
    'mailpath_write_path_read_only_cause{target="backend DATABASE_URL",postgres_cluster="keybuzz",cause="standby"} 1',
    'mailpath_write_path_landed_info{target="backend DATABASE_URL",postgres_cluster="keybuzz",node="db-postgres-03"} 1',
    'mailpath_write_path_on_primary{target="haproxy-write",postgres_cluster="keybuzz"} 1',
    'mailpath_cluster_primary_info{postgres_cluster="keybuzz",node="db-postgres-01"} 1',
    'mailpath_vault_reachable{target="vault-01"} 0',
    'mailpath_check_verdict{probe="smtp",target="mail.keybuzz.io",verdict="unknown"} 1',
    'mailpath_ses_config{target="backend SES",state="absent"} 1',
    'mailpath_ses_implemented{target="backend SES"} 0',
    'mailpath_check_verdict{probe="outbox",target="outbound mail",verdict="fail"} 1',
  ])
    expect(text).toContain(series)

  const interval = Number(
    /mailpath_check_interval_seconds\{probe="write_path",target="backend DATABASE_URL"\} (\S+)/.exec(text)?.[1],
  )
  platform.pointDatabaseUrl(platform.cluster.node('db-postgres-01'))
  // Within one interval; the run itself and a slow machine get as much again.
  await holds(
    'mailpath_write_path_writable{target="backend DATABASE_URL",postgres_cluster="keybuzz"} 1',
    'the write path is healed',
    2 * interval * 1000,
  )
  // What is left: the SMTP password is in a Vault that is down, and the mails of the outbox wait on.
  const after = await metrics()
  expect(after).toContain('mailpath_mail_verdict{mail_path="keybuzz-backend",verdict="fail"} 1')
  for (const blocker of ['reason="vault_unreachable",probe="vault"', 'reason="outbox_stuck",probe="outbox"'])
    expect(after).toContain(`mailpath_mail_blocker{mail_path="keybuzz-backend",${blocker}`)
  expect(await offends()).toEqual([])
}, 60_000)
