import { setMaxListeners } from 'node:events'
import { expect, it, onTestFinished } from 'vitest'
import { parseConfig } from '../../src/config/load.ts'
import { createReferences } from '../../src/references/index.ts'
import { createLog } from '../../src/core/log.ts'
import { checkId } from '../../src/core/probe.ts'
import { spreadMs } from '../../src/monitor/scheduler.ts'
import { createMonitor } from '../../src/monitor/index.ts'
import { audit } from '../../src/report/audit.ts'
import { never } from '../references/resolve.ts'
import { startKubernetesDouble, type KubernetesKnobs } from '../servers/kubernetes-double.ts'
import { waitFor } from '../servers/ports.ts'
import { startVaultDouble } from '../servers/vault-double.ts'

const secret = (key: string): string => `{ kubernetes: { namespace: mail, secret: app, key: ${key} } }`

/** An application with so many settings files that are compared with one Secret, and what more it has. */
async function start(count: number, more = '') {
  const secrets = { 'mail/app': { PASS: 'hunter2', HOST: '127.0.0.1', PROVIDER: 'smtp', TOKEN: 'vault-token' } }
  const api = await startKubernetesDouble({ token: 'token-of-us', secrets })
  onTestFinished(() => api.close())
  const sources = Array.from(
    { length: count },
    (_, i) => `  - { name: t${i}, sources: { a: ${secret('PASS')}, b: { env: PASS } } }`,
  )
  const config = parseConfig(
    `interval: 20s
timeout: 3s
kubernetes: { url: "http://127.0.0.1:${api.port}", token: { env: TOKEN } }
mail: [{ name: app, provider: ${secret('PROVIDER')}, write_path: [] }]
smtp: [{ name: relay, host: ${secret('HOST')}, user: me, password: ${secret('PASS')} }]
drift:
${sources.join('\n')}
${more}`,
    'mailpath.yml',
  )
  const monitorOf = () =>
    createMonitor(
      config,
      createReferences({
        env: { TOKEN: 'token-of-us', PASS: 'hunter2' },
        vaults: config.vaults,
        kubernetes: config.kubernetes,
        roundMs: spreadMs(config.checks.length) + 500,
      }),
      createLog('error', 'json', () => undefined),
    )
  return { api, config, monitorOf }
}

it.each<[string, string, (api: KubernetesKnobs & { close(): Promise<void> }) => unknown]>([
  ['is down', 'kubernetes_unreachable', api => api.close()],
  ['does not accept the token', 'kubernetes_unauthorized', api => (api.token = 'another')],
  ['turns requests away', 'kubernetes_throttled', api => (api.misbehaviour = 'throttled')],
  ['has lost etcd', 'kubernetes_failed', api => (api.misbehaviour = 'no etcd')],
  ['hangs', 'kubernetes_no_answer', api => (api.misbehaviour = 'silent')],
])('an API server that %s is the one thing to fix for all who read from it', async (_, code, turn) => {
  const { api, monitorOf } = await start(150)
  await turn(api)
  const monitor = monitorOf()
  await monitor.runAll(never)
  const [mail] = monitor.status().mail
  expect(mail?.root && [checkId(mail.root), mail.root.reason.code]).toEqual(['kubernetes/api-server', code])
  expect(mail?.verdict).toBe('unknown')
  expect(mail?.needs.kubernetes).toEqual(['api-server'])
  const { actions, answers } = audit(monitor.status())
  expect(actions.map(({ where, root, reason }) => [where, root, reason.code])).toEqual([
    [['kubernetes/api-server'], true, code],
  ])
  expect(answers[0]?.sentence).toContain('kubernetes/api-server')
  const consumer = monitor.status().checks.find(({ id }) => id === 'drift/t149')
  expect(consumer?.evidence).toContain('the API server 127.0.0.1:')
  expect(consumer?.reasons[0]?.remedy).toBe('Fix kubernetes/api-server first: this follows from it.')
})

it('an API server that works is not to blame for one Secret', async () => {
  const { api, monitorOf } = await start(2)
  api.forbid = true
  const monitor = monitorOf()
  await monitor.runAll(never)
  const status = monitor.status()
  expect(status.checks.find(({ id }) => id === 'kubernetes/api-server')?.verdict).toBe('ok')
  expect(status.mail[0]?.root?.probe).toBe('mail')
  expect(audit(status).actions.length).toBeGreaterThan(1)
})

it('an API server is the root of a Vault whose token is in a Secret, and of who waits for that Vault', async () => {
  const vault = await startVaultDouble({ token: 'vault-token', secrets: { 'kv/smtp': { PASS: 'x' } } })
  onTestFinished(() => vault.close())
  const { api, monitorOf } = await start(
    1,
    `vault: [{ name: v, url: "http://127.0.0.1:${vault.port}", token: ${secret('TOKEN')} }]
settings: [{ name: s, from: { dotenv: /nowhere }, expect: { P: { from: { vault: { target: v, path: kv/smtp, key: PASS } }, present: true } } }]`,
  )
  api.token = 'another'
  const monitor = monitorOf()
  await monitor.runAll(never)
  const status = monitor.status()
  const [mail] = status.mail
  expect(mail?.root && checkId(mail.root)).toBe('kubernetes/api-server')
  expect(mail?.blockers.map(checkId).slice(0, 2)).toEqual(['kubernetes/api-server', 'vault/v'])
  expect(mail?.needs).toMatchObject({ vault: ['v'], kubernetes: ['api-server'] })
  expect(audit(status).actions.map(({ reason }) => reason.code)).toEqual(['kubernetes_unauthorized'])
})

it(
  'a round of 150 checks that read one Secret is one request, and the next round another',
  { timeout: 60_000 },
  async () => {
    const { api, config, monitorOf } = await start(150)
    const monitor = monitorOf()
    const stop = new AbortController()
    setMaxListeners(0, stop.signal)
    const running = monitor.run(stop.signal)
    await waitFor(() => monitor.ready(), { timeoutMs: 20_000, what: 'every check has run' })
    expect(api.requests.length).toBe(1)
    expect(config.checks.length).toBeGreaterThan(150)
    stop.abort(new Error('the test has ended'))
    await running
    const changed = { ...api.secrets['mail/app'], PASS: 'rotated' }
    api.secrets = { 'mail/app': changed }
    // At once: what a check has had in its last run it is not given in the next.
    await monitor.runAll(never)
    const drifts = monitor.status().checks.filter(({ probe }) => probe === 'drift')
    expect([...new Set(drifts.map(({ verdict }) => verdict))]).toEqual(['warn'])
    expect(api.requests.length).toBe(2)
  },
)
