/** A real Alertmanager, alone: it groups, inhibits and notifies. */
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import {
  freePort,
  have,
  removeFolder,
  startProcess,
  tempFolder,
  untilListening,
  waitFor,
  type RunningProcess,
} from './processes.ts'

export const alertmanagerInstall = 'apt-get install prometheus-alertmanager'
/** Debian's name for it, or else that of everybody else. */
export const alertmanagerBinary = () => have('prometheus-alertmanager') ?? have('alertmanager')
export const amtoolBinary = () => have('amtool')

/** An alert that Alertmanager has now. */
interface ActiveAlert {
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly fingerprint: string
  /** ISO 8601; when Prometheus began to fire it. */
  readonly startsAt: string
  readonly status: {
    readonly state: 'unprocessed' | 'active' | 'suppressed'
    /** Fingerprints of the alerts that inhibit it. */
    readonly inhibitedBy: readonly string[]
  }
}

export interface Alertmanager {
  readonly port: number
  readonly url: string
  readonly process: RunningProcess
  /** All that fire, inhibited ones too. */
  alerts(): Promise<readonly ActiveAlert[]>
  stop(): Promise<void>
}

/** Starts it on this configuration (YAML), and waits until it takes alerts. */
export async function startAlertmanager(config: string): Promise<Alertmanager> {
  const binary = alertmanagerBinary()
  if (binary === undefined) throw new Error(`alertmanager is not installed: ${alertmanagerInstall}`)
  const folder = tempFolder('mailpath-alertmanager-')
  const port = await freePort()
  const configFile = path.join(folder, 'alertmanager.yml')
  await writeFile(configFile, config)
  const args = [
    `--config.file=${configFile}`,
    `--storage.path=${path.join(folder, 'data')}`,
    `--web.listen-address=127.0.0.1:${port}`,
    // No cluster: it would look for peers, and wait for them before it notifies.
    '--cluster.listen-address=',
  ]
  const running = startProcess('alertmanager', binary, args, { cwd: folder, logFile: path.join(folder, 'log') })
  await untilListening(running, port)
  const url = `http://127.0.0.1:${port}`
  await waitFor(async () => (await fetch(`${url}/-/ready`)).ok, { what: 'Alertmanager is ready', timeoutMs: 10_000 })
  return {
    port,
    url,
    process: running,
    alerts: async () => (await (await fetch(`${url}/api/v2/alerts`)).json()) as ActiveAlert[],
    stop: async () => {
      await running.stop()
      await removeFolder(folder)
    },
  }
}
