import { setMaxListeners } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { parseConfig } from '../../src/config/load.ts'
import { createReferences } from '../../src/references/index.ts'
import { createLog } from '../../src/core/log.ts'
import { createMonitor } from '../../src/monitor/index.ts'
import { sharing } from '../../src/references/sharing.ts'
import { startKubernetesDouble } from '../servers/kubernetes-double.ts'
import { waitFor } from '../servers/ports.ts'
import { startVaultDouble } from '../servers/vault-double.ts'
import { canary, never, referencesTo, whyNot } from './resolve.ts'

const path = 'secret/data/keybuzz/smtp'

async function startVault() {
  const double = await startVaultDouble({ token: canary, secrets: { [path]: { SMTP_PASS: 'at first', USER: 'me' } } })
  onTestFinished(() => double.close())
  const reads = () => double.requests.filter(request => request.path === `/v1/${path}`).length
  return { double, reads }
}

describe('a round', () => {
  it('of 50 targets that refer to one secret takes one request, and the next has what it is then', async () => {
    const { double, reads } = await startVault()
    const rows = Array.from(
      { length: 50 },
      (_, i) =>
        `  - { name: t${i}, sources: { vault: { vault: { target: v, path: ${path}, key: SMTP_PASS } }, env: { env: PASS } } }`,
    )
    const config = parseConfig(
      `interval: 20s\ntimeout: 15s\nvault: [{ name: v, url: "http://127.0.0.1:${double.port}", token: { env: T } }]\ndrift:\n${rows.join('\n')}`,
      'mailpath.yml',
    )
    const env = { T: canary, PASS: 'at first' }
    const references = createReferences({ env, vaults: config.vaults, kubernetes: undefined })
    const checks = config.checks.filter(({ probe }) => probe === 'drift')
    const monitor = createMonitor(
      { checks, mail: [] },
      references,
      createLog('error', 'json', () => undefined),
    )
    const round = async () => {
      await monitor.runAll(never)
      return [...new Set(monitor.status().checks.map(({ verdict }) => verdict))]
    }
    expect([await round(), reads()]).toEqual([['ok'], 1])
    double.put(path, { SMTP_PASS: 'rotated' })
    // What was fetched is shared for a second: the next round is to fetch for itself.
    await sleep(1_050)
    expect([await round(), reads()]).toEqual([['warn'], 2])

    // On their own intervals they are not all looked at in the same moment, but over a second.
    const stop = new AbortController()
    setMaxListeners(0, stop.signal)
    const daemon = createMonitor(
      { checks, mail: [] },
      references,
      createLog('error', 'json', () => undefined),
    )
    const running = daemon.run(stop.signal)
    await waitFor(() => daemon.ready(), { timeoutMs: 15_000, what: 'every check has run' })
    stop.abort(new Error('the test has ended'))
    await running
    expect(reads() - 2).toBeLessThan(6)
  })
})

describe('a fetch', () => {
  const secret = { namespace: 'keybuzz', secret: 'app' }

  async function startKubernetes() {
    const api = await startKubernetesDouble({ token: canary, secrets: { 'keybuzz/app': { HOST: 'db-1', PASS: 'x' } } })
    onTestFinished(() => api.close())
    const kubernetes = { url: `http://127.0.0.1:${api.port}`, token: { env: 'T' } }
    return { api, references: referencesTo({ env: { T: canary }, kubernetes }) }
  }

  it('is one for all keys and all settings of a Secret', async () => {
    const { api, references } = await startKubernetes()
    const all = await Promise.all([
      references.value({ kubernetes: { ...secret, key: 'HOST' } }, never),
      references.value({ kubernetes: { ...secret, key: 'PASS' } }, never),
      references.settings({ kubernetes: secret }, never),
    ])
    expect([all, api.requests.length]).toEqual([['db-1', 'x', { HOST: 'db-1', PASS: 'x' }], 1])
  })

  it('is not shared with another source, nor with one who asks later and takes nothing old', async () => {
    const { double, reads } = await startVault()
    const other = await startVault()
    const vaults = [double, other.double].map(({ port }, i) => ({
      name: `v${i}`,
      url: `http://127.0.0.1:${port}`,
      token: { env: 'T' },
    }))
    const references = referencesTo({ env: { T: canary }, vaults })
    const ask = (target: string, maxAgeMs?: number) =>
      references.value({ vault: { target, path, key: 'SMTP_PASS' } }, never, { maxAgeMs })
    await Promise.all([ask('v0'), ask('v1')])
    expect([reads(), other.reads()]).toEqual([1, 1])
    double.put(path, { SMTP_PASS: 'rotated' })
    expect([await ask('v0', 10_000), await ask('v0')]).toEqual(['at first', 'rotated'])
  })

  it('goes on for the others when one leaves, and ends with the last', async () => {
    const { api, references } = await startKubernetes()
    api.delayMs = 300
    const HOST = { kubernetes: { ...secret, key: 'HOST' } }
    const [first, second] = [new AbortController(), new AbortController()]
    const one = references.value(HOST, first.signal)
    const two = references.value(HOST, second.signal)
    await waitFor(() => api.accepted === 1, { what: 'the request' })
    first.abort(new Error('no answer within 0.1 s'))
    expect(await whyNot(one)).toContain(`127.0.0.1:${api.port}: no answer within 0.1 s`)
    expect(await two).toBe('db-1')
    expect(api.requests).toHaveLength(1)

    api.misbehaviour = 'silent'
    api.delayMs = 0
    const alone = new AbortController()
    const three = references.value(HOST, alone.signal)
    await waitFor(() => api.accepted === 2, { what: 'the next request' })
    alone.abort(new Error('no answer within 0.1 s'))
    await whyNot(three)
    await waitFor(() => api.connections === 0, { what: 'the fetch ended' })
    api.misbehaviour = undefined
    expect(await references.value(HOST, never)).toBe('db-1')
  })

  it('that fails does so for all', async () => {
    const { api, references } = await startKubernetes()
    api.forbid = true
    const reference = { kubernetes: { ...secret, key: 'HOST' } }
    const all = await Promise.all(Array.from({ length: 10 }, () => whyNot(references.value(reference, never))))
    expect([new Set(all).size, api.requests.length]).toEqual([1, 1])
    expect(await whyNot(references.value(reference, never, { maxAgeMs: 10_000 }))).toContain('403 forbidden')
    expect(api.requests).toHaveLength(1)
  })

  it('is kept for a second, and joined for a second, however long one would wait', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'performance'] })
    onTestFinished(() => void vi.useRealTimers())
    let fetches = 0
    const hangs = () => new Promise<number>(() => undefined)
    const share = sharing<number>()
    const asking = { signal: never, maxAgeMs: 3_600_000 }
    const ask = (fetch: () => Promise<number>) => share('key', 'it', asking, fetch)
    const counted = () => Promise.resolve(++fetches)
    expect([await ask(counted), await ask(counted)]).toEqual([1, 1])
    vi.advanceTimersByTime(999)
    expect(await ask(counted)).toBe(1)
    vi.advanceTimersByTime(1)
    void ask(hangs)
    vi.advanceTimersByTime(1_000)
    expect(await ask(counted)).toBe(2)
  })
})
