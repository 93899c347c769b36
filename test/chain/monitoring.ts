/** Prometheus with the shipped rules and Alertmanager with the shipped routes, both scaled, and who gets the alerts. */
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { startAlertmanager, type Alertmanager } from '../servers/alertmanager.ts'
import { removeFolder, tempFolder, waitFor } from '../servers/processes.ts'
import { startPrometheus, type Prometheus } from '../servers/prometheus.ts'
import { startReceiver, type Receiver } from './receiver.ts'
import { scaleRoutes, scaleRules } from './scale.ts'

/** How fast it all is: [130s] are 4.3 s then, `for: 1m` 2 s, and group_wait 1 s. */
export const scale = 30
/** Between two scrapes, and two evaluations: half of group_wait, so that a page has its cause in it. */
const interval = '1s'

export interface Monitoring {
  readonly prometheus: Prometheus
  readonly alertmanager: Alertmanager
  readonly receiver: Receiver
  stop(): Promise<void>
}

const shipped = (name: string): string =>
  readFileSync(fileURLToPath(new URL(`../../alerts/${name}`, import.meta.url)), 'utf8')

/** Scrapes exporters at these ports of this machine twice a second. Waits until the first alert, the MailWatchdog, came through. */
export async function startMonitoring(ports: readonly number[]): Promise<Monitoring> {
  const folder = tempFolder('mailpath-rules-')
  const stops = [() => removeFolder(folder)]
  const stop = async (): Promise<void> => {
    for (const one of stops.splice(0).reverse()) await one()
  }
  try {
    const rules = path.join(folder, 'mailpath.rules.yml')
    writeFileSync(rules, scaleRules(shipped('mailpath.rules.yml'), scale))
    const receiver = await startReceiver()
    stops.push(() => receiver.close())
    const alertmanager = await startAlertmanager(scaleRoutes(shipped('alertmanager.example.yml'), scale, receiver.url))
    stops.push(() => alertmanager.stop())
    const prometheus = await startPrometheus({
      scrape: { mailpath: ports.map(port => `127.0.0.1:${port}`) },
      interval,
      ruleFiles: [rules],
      alertmanagerPort: alertmanager.port,
      // Prometheus's own minute, scaled.
      resendDelay: `${60_000 / scale}ms`,
    })
    stops.push(() => prometheus.stop())
    await waitFor(() => receiver.notifications.length > 0, { timeoutMs: 60_000, what: 'a first notification' })
    return { prometheus, alertmanager, receiver, stop }
  } catch (error) {
    await stop()
    throw error
  }
}
