/** The whole chain: the platform, exporters in front of it, and the monitoring that scrapes them. */
import { createExporters, type Exporters } from './exporters.ts'
import { startMonitoring, type Monitoring } from './monitoring.ts'
import { startPlatform, type Platform } from './platform.ts'

export interface Stage {
  readonly platform: Platform
  readonly exporters: Pick<Exporters, 'kill'>
  /** What watches the first exporter; there all the time. */
  readonly monitoring: Monitoring
  /** Starts the second exporter, and another monitoring that watches the pair; to be stopped. */
  startPair(): Promise<Monitoring>
  heal(): Promise<void>
  stop(): Promise<void>
}

export async function startStage(): Promise<Stage> {
  const platform = await startPlatform()
  const stops = [() => platform.stop()]
  const stop = async (): Promise<void> => {
    for (const one of stops.splice(0).reverse()) await one()
  }
  try {
    const exporters = await createExporters(platform.configFile, platform.folder)
    stops.push(() => exporters.stop('first'))
    await exporters.start('first')
    const { first, second } = exporters.ports
    const monitoring = await startMonitoring([first])
    stops.push(() => monitoring.stop())
    return {
      platform,
      exporters,
      monitoring,
      async startPair() {
        await exporters.start('second')
        const pair = await startMonitoring([first, second]).catch(async (error: unknown) => {
          await exporters.stop('second')
          throw error
        })
        return {
          ...pair,
          async stop() {
            await pair.stop()
            await exporters.stop('second')
          },
        }
      },
      async heal() {
        await platform.heal()
        await exporters.revive()
      },
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}
