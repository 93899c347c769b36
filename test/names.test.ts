/**
 * A zone whose name servers do not answer, under the whole program: it runs in a mount namespace, with name servers of
 * its own. Other names are looked up as ever, and the end of the process waits for none.
 */
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { permitted, within } from './clients/names/namespace.ts'
import { startDnsDouble, type DnsDouble } from './servers/dns-double.ts'
import { freePort, removeFolder, startProcess, tempFolder, waitFor, type RunningProcess } from './servers/processes.ts'
import { program } from './servers/program.ts'
import { startSmtp, type Smtp } from './servers/smtp.ts'
import { startVaultDouble } from './servers/vault-double.ts'

let folder: string
let dns: DnsDouble
let smtp: Smtp
let vault: Awaited<ReturnType<typeof startVaultDouble>>

beforeAll(async () => {
  if (!permitted) return
  folder = tempFolder('mailpath-zone-')
  dns = await startDnsDouble(
    { '*.dead.test': { silent: 'all' }, '*.alive.test': { found: ['127.0.0.1'] } },
    { host: '127.0.53.21', port: 53 },
  )
  smtp = await startSmtp({ security: 'none', users: { postmaster: 'relay-password' } })
  vault = await startVaultDouble({ token: 'vault-token' })
})
afterAll(async () => {
  if (!permitted) return
  await Promise.all([dns.close(), smtp.close(), vault.close()])
  await removeFolder(folder)
})

const names = (zone: string): string[] => Array.from({ length: 6 }, (_, n) => `relay-${n}.${zone}.test`)

/** Relays and Vaults by names of a zone. */
function targets(zone: string) {
  const relay = { port: smtp.port, security: 'none', user: 'postmaster', password: { env: 'RELAY' } }
  return {
    smtp: names(zone).map(host => ({ name: host, host, ...relay })),
    vault: names(zone).map(host => ({ name: host, url: `http://${host}:${vault.port}`, token: { env: 'VAULT' } })),
  }
}
const ofPostgres = {
  postgres: [{ name: 'db.dead.test', cluster: 'kb', url: 'postgres://a@db.dead.test/a', password: { env: 'RELAY' } }],
  write_path: [
    { name: 'pooler.dead.test', cluster: 'kb', url: 'postgres://a@pooler.dead.test/a', password: { env: 'RELAY' } },
  ],
}

const files = { hosts: '', nsswitch: 'hosts: files dns\n', resolvConf: 'nameserver 127.0.53.21\n' }

async function start(config: object, ...args: string[]): Promise<RunningProcess> {
  const file = path.join(tempFolder('mailpath-zone-'), 'mailpath.yml')
  onTestFinished(() => removeFolder(path.dirname(file)))
  await writeFile(file, JSON.stringify(config))
  const [command, all] = within(files, [process.execPath, ...program, ...args, `--config.file=${file}`])
  const env = { PATH: process.env['PATH'], RELAY: 'relay-password', VAULT: 'vault-token', RES_OPTIONS: 'use-vc' }
  const running = startProcess('mailpath-exporter', command, all, { env })
  onTestFinished(() => running.stop('SIGKILL'))
  return running
}

/** What the system makes of a dead name in that machine: it takes the 10 s of resolv.conf(5). */
function systemLookup(): RunningProcess {
  const running = startProcess('getent', ...within(files, ['getent', 'ahosts', 'another.dead.test']))
  onTestFinished(() => running.stop('SIGKILL'))
  return running
}

interface Shown {
  readonly checks: readonly {
    readonly probe: string
    readonly target: string
    readonly verdict: string
    readonly reasons: readonly { readonly code: string; readonly text: string; readonly remedy: string }[]
  }[]
}

describe.skipIf(!permitted)('a zone that does not answer', () => {
  it('holds up only its own checks, and the end of the process not at all', async () => {
    const [dead, alive] = [targets('dead'), targets('alive')]
    const port = await freePort()
    const all = {
      interval: '6s',
      timeout: '3s',
      smtp: [...dead.smtp, ...alive.smtp],
      vault: [...dead.vault, ...alive.vault],
      ...ofPostgres,
    }
    const running = await start(all, 'serve', `--web.listen-address=127.0.0.1:${port}`)
    const ask = async (at: string): Promise<string> =>
      (await fetch(`http://127.0.0.1:${port}${at}`).catch(() => undefined))?.text() ?? ''
    const have = async (zone: string): Promise<Shown['checks'] | undefined> => {
      const text = await ask('/api/v1/status')
      if (!text.startsWith('{')) return undefined
      const { checks } = JSON.parse(text) as Shown
      const wanted = checks.filter(({ target }) => target.includes(`.${zone}.`))
      return wanted.length > 0 && wanted.every(({ verdict }) => verdict !== 'unknown') ? wanted : undefined
    }
    const healthy = await waitFor(() => have('alive'), { what: 'the others have run', timeoutMs: 60_000 })
    // Those of the dead zone still wait for it: they began at the same time.
    expect(await have('dead')).toBeUndefined()
    expect(dns.asked.filter(one => one.startsWith('tcp'))).toEqual([])
    for (const check of healthy) expect(check).toMatchObject({ verdict: 'ok', reasons: [] })
    const failed = await waitFor(() => have('dead'), { what: 'the dead ones have run', timeoutMs: 60_000 })
    for (const { probe, verdict, reasons } of failed) {
      expect([probe, verdict, reasons.length]).toEqual([probe, 'fail', 1])
      expect(reasons[0]?.code).toMatch(/_(?:no_answer|unreachable)$/)
      expect(reasons[0]?.remedy).toMatch(/Look at the name servers in \/etc\/resolv\.conf|^Fix postgres\//)
    }
    const before = dns.asked.length
    await waitFor(() => dns.asked.slice(before).filter(one => one.includes('dead')).length >= 8, {
      what: 'the next round hangs',
      timeoutMs: 60_000,
    })
    for (const check of (await have('alive')) ?? []) expect(check.verdict).toBe('ok')
    const system = systemLookup()
    running.signal('SIGTERM')
    expect(await running.exited).toBe(0)
    expect(system.alive()).toBe(true)
  }, 120_000)

  it.each([
    ['of the address to serve at', () => ['serve', '--web.listen-address=web.dead.test:10587'], 1],
    ['of a relay, in a single look', () => ['check', '--only=smtp'], 3],
  ] as const)(
    'does not keep the process from its end by the name %s',
    async (_, args, code) => {
      const before = dns.asked.length
      const running = await start(targets('dead'), ...args())
      await waitFor(() => dns.asked.slice(before).some(one => one.includes('dead')), {
        what: 'it asks',
        timeoutMs: 60_000,
      })
      const system = systemLookup()
      running.signal('SIGTERM')
      expect([await running.exited, system.alive()]).toEqual([code, true])
    },
    60_000,
  )
})
