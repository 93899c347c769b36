import { execFileSync, spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, readdirSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseDocument } from 'yaml'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { parseConfig } from '../../src/config/load.ts'
import { waitFor } from '../servers/processes.ts'
import { configText, targets, withSections } from './config.ts'
import { exporterPort, type StatusJson } from './exporter.ts'
import { keysIn } from './interactive.ts'
import { parseOptions } from './options.ts'
import { secrets } from './platform.ts'

// It starts three Postgres servers, on a machine that may be busy.
vi.setConfig({ testTimeout: 300_000 })

const root = fileURLToPath(new URL('../..', import.meta.url))

interface Demo {
  readonly pid: number
  /** What it has printed so far, on both streams; a part of it once it has been waited for. */
  readonly output: () => string
  readonly stdout: () => string
  readonly exited: Promise<number | null>
  type(text: string): void
  /** Waits for a text, after the one waited for before; gives all from there on. */
  until(pattern: RegExp, timeoutMs?: number): Promise<string>
  /** Fails if anything it started or made is still there, or any of its secrets was printed. */
  expectNothingLeft(): Promise<void>
  kill(): void
}

const running: Demo[] = []
const folders: string[] = []

afterEach(async () => {
  for (const demo of running.splice(0)) {
    demo.kill()
    await demo.exited
  }
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true })
})

function startDemo(...args: string[]): Demo {
  const folder = mkdtempSync(path.join(tmpdir(), 'demo-test-'))
  // Where we are root, Postgres is somebody else.
  chmodSync(folder, 0o755)
  folders.push(folder)
  const child = spawn(process.execPath, ['--import', 'tsx', 'test/demo/main.ts', ...args], {
    cwd: root,
    env: { ...process.env, TMPDIR: folder },
    stdio: 'pipe',
  })
  const { pid = 0 } = child
  const exited = new Promise<number | null>(resolve => child.once('close', resolve))
  let [output, stdout, waitedFor] = ['', '', 0]
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const family = new Set<number>()
  const count = (): void => descendants(pid).forEach(one => family.add(one))
  const census = setInterval(count, 1_000)
  void exited.then(() => clearInterval(census))

  const demo: Demo = {
    pid,
    output: () => output,
    stdout: () => stdout,
    exited,
    type: text => void child.stdin.write(text),
    async until(pattern, timeoutMs = 90_000) {
      const found = await waitFor(() => pattern.exec(output.slice(waitedFor)) ?? undefined, {
        timeoutMs,
        what: `the demo prints ${String(pattern)}`,
      }).catch((error: unknown) => {
        throw new Error(`${String(error)}; it has printed:\n${output}`)
      })
      waitedFor += found.index
      count()
      return output.slice(waitedFor)
    },
    async expectNothingLeft() {
      expect(family.size).toBeGreaterThan(0)
      await waitFor(() => alive(family).length === 0, { what: 'all processes of the demo have ended' })
      // tsx keeps what it has compiled.
      await waitFor(() => readdirSync(folder).every(name => name.startsWith('tsx-')), { what: 'its folders are gone' })
      for (const secret of Object.values(secrets)) expect(output).not.toContain(secret)
    },
    kill: () => child.kill('SIGKILL'),
  }
  running.push(demo)
  return demo
}

const processes = (columns: string): string[][] =>
  execFileSync('ps', ['-axo', columns], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map(line => line.trim().split(/\s+/))

function descendants(pid: number): number[] {
  const all = processes('pid=,ppid=').map(row => row.map(Number))
  const below = (parent: number): number[] =>
    all.flatMap(([child = 0, of]) => (of === parent ? [child, ...below(child)] : []))
  return below(pid)
}

/** A zombie is nobody's fault but that of a container without an init. */
const alive = (pids: ReadonlySet<number>): number[] =>
  processes('pid=,stat=').flatMap(([pid, state = '']) =>
    pids.has(Number(pid)) && !state.startsWith('Z') ? [Number(pid)] : [],
  )

test('--once prints the audit of the incident and exits with its code', async () => {
  const demo = startDemo('--once')
  expect(await demo.exited).toBe(2)
  const audit = demo.stdout()
  // Lines are wrapped to the width of a terminal.
  const text = audit.replace(/\s+/g, ' ')
  expect(audit.split('\n')[0]).toBe(`keybuzz-backend: BLOCKED by write_path/${targets.databaseUrl}`)
  expect(text).toContain('SQLSTATE 25006')
  expect(text).toContain('lands on db-postgres-03 (standby)')
  expect(text).toMatch(/→ Point it at db-postgres-01 \(127\.0\.0\.1:\d+\), the primary/)
  expect(text).toContain(`write_path/${targets.databaseUrl} (root blocker) · write_path_read_only`)
  expect(text).toMatch(/fail Vault vault-01 127\.0\.0\.1:\d+: connect ECONNREFUSED/)
  expect(text).toMatch(/unreadable SMTP_PASS/)
  expect(text).toMatch(/absent AWS_SES_REGION/)
  expect(text).toContain('has "SES not implemented" in it')
  expect(text).toMatch(/ok Write path secret PGHOST \S+ a write was committed in \S+ ms, on db-postgres-01 \(primary\)/)
  expect(text).toMatch(/ok Write path haproxy-write \S+ a write was committed in \S+ ms, on db-postgres-01 \(primary\)/)
  expect(text).toMatch(
    /fail Outbox outbound mail \S+ public\.outbound_email: \d+ mails wait, the oldest for 20 minutes follows from write_path\/backend DATABASE_URL/,
  )
  expect(text).toContain('DNS of keybuzz.io, as 127.0.0.1')
  expect(text).toMatch(/ok SPF keybuzz\.io v=spf1 ip4:192\.0\.2\.10 -all/)
  expect(demo.output()).toContain('double of Vault')
  expect(demo.output()).toContain('double of the Kubernetes API')
  await demo.expectNothingLeft()
})

test('keys break the platform and heal it, and the exporter says so', { tags: 'slow' }, async () => {
  const demo = startDemo('--port=0')
  const url = /http:\S+\/metrics/.exec(await demo.until(/http:\S+\/metrics/))?.[0] ?? ''
  await demo.until(/FAIL.*root blocker write_path\/backend DATABASE_URL write_path_read_only/)
  expect(await (await fetch(url)).text()).toMatch(/^mailpath_mail_verdict\{[^}]*verdict="fail"\} 1$/m)

  demo.type('l')
  await demo.until(/nothing was done: no canary can leave.*heal first \(h\)/)
  demo.type('heal\n')
  await demo.until(/OK: Mail can be sent \(seen after/)
  expect(await (await fetch(url)).text()).toMatch(/^mailpath_canary_arrived_total\{[^}]*folder="inbox"[^}]*\} 1$/m)
  demo.type('lose mail\n')
  await demo.until(/FAIL.*root blocker canary\/keybuzz.io canary_lost/)
  demo.type('j')
  await demo.until(/WARN: Mail can be sent, except …; broken canary\/keybuzz.io canary_in_junk/)
  demo.type('h')
  await demo.until(/OK: Mail can be sent \(seen after/)
  demo.type('d')
  await demo.until(/FAIL.*root blocker dns\/keybuzz.io dns_unauthenticated/)
  const { dns } = (await (await fetch(url.replace('/metrics', '/api/v1/status'))).json()) as StatusJson
  expect(dns[0]?.records.find(({ record }) => record === 'SPF')).toMatchObject({
    state: 'missing',
    publish: expect.stringContaining('v=spf1 ip4:192.0.2.10') as string,
  })
  demo.type('h')
  await demo.until(/OK: Mail can be sent \(seen after/)
  demo.type('o')
  await demo.until(/FAIL.*root blocker outbox\/outbound mail outbox_stuck/)
  demo.type('he')
  await demo.until(/OK: Mail can be sent \(seen after/)
  await demo.until(/\ne: set up SES …/)
  await demo.until(/OK: Mail can be sent \(seen after/)
  demo.type('p')
  await demo.until(/WARN: Mail can be sent, except …; broken smtp\/mail.keybuzz.io smtp_auth_failed/)
  demo.type('h')
  await demo.until(/OK: Mail can be sent \(seen after/)
  demo.type('fx')
  const failover = await demo.until(/promoted db-postgres-02.*\n.*FAIL.*\n.*\n.*\n/)
  expect(failover).toContain('DATABASE_URL still names db-postgres-01')
  expect(failover).toMatch(/root blocker write_path\/backend DATABASE_URL write_path_read_only/)
  expect(failover).toContain('Point it at db-postgres-02')
  expect(demo.output()).toContain('keys: i incident')

  // One after the other, whatever is under way.
  demo.type('pv')
  await demo.until(/v: seal Vault, after what is under way/)
  await demo.until(/also .*smtp_auth_failed/)
  await demo.until(/also .*vault_sealed/)
  demo.type('split brain\n')
  await demo.until(/FAIL.*root blocker cluster\/keybuzz cluster_split_brain/)
  demo.type('chq')
  await demo.until(/also .*write_path_commit_stuck/)
  await demo.until(/OK: Mail can be sent/)
  expect(await demo.exited).toBe(0)
  await demo.expectNothingLeft()
})

test('a signal in the middle of the start leaves nothing behind', { tags: 'slow' }, async () => {
  const codes = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const
  const ends = Object.entries(codes).map(async ([signal, code]) => {
    const demo = startDemo()
    await demo.until(/data folder made/)
    process.kill(demo.pid, signal)
    expect(await demo.exited).toBe(code)
    await demo.expectNothingLeft()
  })
  await Promise.all(ends)
})

test('a mistake in the command line is explained', async () => {
  const demo = startDemo('--prot=1')
  expect(await demo.exited).toBe(64)
  expect(demo.output()).toContain("Unknown option '--prot'")
  expect(() => parseOptions(['--port=http'])).toThrow('--port must be a number from 0 to 65535')
  expect(() => parseOptions(['--once', '--port=1'])).toThrow('--port does not go with --once')
  expect(parseOptions([])).toEqual({ once: false, port: undefined, help: false })
})

describe('the port of the exporter', () => {
  test('is refused where it was asked for and is taken, else the next free one', async () => {
    const taken = createServer()
    await new Promise<void>(resolve => taken.listen(0, '127.0.0.1', resolve))
    const { port } = taken.address() as { port: number }
    await expect(exporterPort(port)).rejects.toThrow(`port ${port} is taken: choose another one with --port`)
    taken.close()
    expect(await exporterPort(0)).toBeGreaterThan(0)
    expect(await exporterPort(undefined)).toBeGreaterThanOrEqual(10_587)
  })
})

test('what is typed into a pipe is keys, or the name of a scenario', () => {
  expect(keysIn('hv\nseal Vault\n q \nquit\n')).toEqual(['h', 'v', 'v', 'q', 'q'])
})

test('sections of the configuration can be replaced', () => {
  const text = configText({
    nodes: [{ name: 'db-postgres-01', host: '127.0.0.1', port: 5433 }],
    database: 'keybuzz_backend',
    backendUser: 'kb_backend',
    monitorUser: 'mailpath',
    writePort: 5432,
    smtpPort: 587,
    smtpUser: 'postmaster@keybuzz.io',
    vaultUrl: 'https://127.0.0.1:8200',
    kubernetesUrl: 'https://127.0.0.1:6443',
    caFile: '/a folder: with "signs" in it/ca.pem',
    secret: name => `/a folder: with "signs" in it/${name}`,
    appFolder: '/app',
    envFile: '/app/.env',
    sesUrl: 'https://127.0.0.1:4443',
    imapPort: 993,
    canaryAddress: 'canary@keybuzz.io',
    dnsPort: 5353,
  })
  const other = withSections(text, {
    interval: '9s',
    smtp: undefined,
    canary: undefined,
    mail: [{ name: 'other', smtp: [] }],
  })
  const data = parseDocument(other).toJS() as Record<string, unknown>
  expect(data).toMatchObject({ interval: '9s', mail: [{ name: 'other' }] })
  expect(data).not.toHaveProperty('smtp')
  expect(parseConfig(other, 'mailpath.yml').checks.map(check => check.intervalMs)).toContain(9_000)
})
