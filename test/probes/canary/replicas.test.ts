import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { createReferences } from '../../../src/references/index.ts'
import { dovecotBinary, dovecotInstall, startDovecot, type Dovecot } from '../../servers/dovecot.ts'
import { needs, waitFor } from '../../servers/processes.ts'
import { mailboxOf, startRelay, type Relay } from './post-office.ts'

const intervalMs = 1_500
const intervals = 4

describe.skipIf(!needs('Dovecot', dovecotBinary(), dovecotInstall))('two exporters with one canary', () => {
  let dovecot: Dovecot
  let relay: Relay
  beforeAll(async () => {
    dovecot = await startDovecot()
    relay = await startRelay(dovecot)
  })
  afterAll(async () => {
    await relay.close()
    await dovecot.stop()
  })

  /** With its own copy of each module, as a process of its own has it. */
  async function exporter() {
    vi.resetModules()
    const [{ parseConfig }, { serving }] = await Promise.all([
      import('../../../src/config/load.ts'),
      import('../../web/serving.ts'),
    ])
    const { checks } = parseConfig(
      JSON.stringify({
        smtp: [{ name: 'relay', host: '127.0.0.1', port: relay.port, security: 'none' }],
        canary: [
          {
            name: 'outside',
            smtp: 'relay',
            from: 'app@example.test',
            to: dovecot.user,
            mailbox: mailboxOf(dovecot),
          },
        ],
      }),
      'mailpath.yml',
    )
    const env = { PASSWORD: dovecot.password }
    const web = await serving({
      // In a file a minute is the least.
      checks: checks.filter(({ probe }) => probe === 'canary').map(check => ({ ...check, intervalMs })),
      references: createReferences({ env, vaults: [], kubernetes: undefined }),
    })
    const get = async (path: string): Promise<string> => (await fetch(`http://127.0.0.1:${web.port}${path}`)).text()
    /** Of the inbox, where there are several folders. */
    const count = async (metric: string): Promise<number> => {
      const series = new RegExp(`^mailpath_canary_${metric}\\{target="outside"(?:,folder="inbox")?\\} (\\d+)$`, 'm')
      return Number(series.exec(await get('/metrics'))?.[1])
    }
    return { monitor: web.monitor, get, count }
  }

  test('and two Prometheus servers that scrape both: one mail each in an interval, and each deletes its own', async () => {
    const exporters = [await exporter(), await exporter()]
    const stop = new AbortController()
    const [from, before] = [performance.now(), relay.taken]
    const prometheus = async (): Promise<void> => {
      while (!stop.signal.aborted) {
        await Promise.all(exporters.flatMap(({ get }) => ['/metrics', '/probe?probe=canary&target=outside'].map(get)))
        await sleep(50)
      }
    }
    const running = [...exporters.map(({ monitor }) => monitor.run(stop.signal)), prometheus(), prometheus()]
    try {
      const all = (series: string) => Promise.all(exporters.map(({ count }) => count(series)))
      await waitFor(async () => (await all('arrived_total')).every(count => count > intervals), {
        timeoutMs: 60_000,
        what: `${intervals} intervals are over`,
      })
      const sent = relay.taken - before
      expect(sent).toBeLessThanOrEqual(2 * (1 + Math.ceil((performance.now() - from) / intervalMs)))
      await waitFor(async () => (await dovecot.messages()).length === 0, { what: 'all is deleted' })
      expect(await all('duplicates_total')).toEqual([0, 0])
      expect(await all('leftovers_removed_total')).toEqual([0, 0])
    } finally {
      stop.abort(new Error('the test has ended'))
      await Promise.all(running)
    }
  })
})
