/** Exporters on one configuration, from source, that are killed and come back. */
import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { startExporter, type Exporter } from '../demo/exporter.ts'
import { freePort } from '../servers/processes.ts'

type Which = 'first' | 'second'

export interface Exporters {
  readonly ports: Readonly<Record<Which, number>>
  start(which: Which): Promise<void>
  /** With SIGKILL; `revive` brings it back. */
  kill(which: Which): Promise<void>
  revive(): Promise<void>
  stop(which: Which): Promise<void>
}

export async function createExporters(configFile: string, folder: string): Promise<Exporters> {
  const ports = { first: await freePort(), second: await freePort() }
  const running = new Map<Which, Exporter>()
  const killed = new Set<Which>()
  const start = async (which: Which): Promise<void> => {
    const own = path.join(folder, which)
    mkdirSync(own, { recursive: true })
    running.set(which, await startExporter({ configFile, folder: own, port: ports[which] }))
  }
  const end = async (which: Which, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> => {
    await running.get(which)?.process.stop(signal)
    running.delete(which)
    killed.delete(which)
  }
  return {
    ports,
    start,
    async kill(which) {
      await end(which, 'SIGKILL')
      killed.add(which)
    },
    async revive() {
      for (const which of killed) {
        await start(which)
        killed.delete(which)
      }
    },
    stop: which => end(which, 'SIGTERM'),
  }
}
