/** `hastened-main.ts FILE PORT INTERVAL_MS`: an exporter whose canaries are sent as often as that. */
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { parseConfig } from '../../src/config/load.ts'
import { createLog } from '../../src/core/log.ts'
import { createMonitor } from '../../src/monitor/index.ts'
import { createReferences } from '../../src/references/index.ts'
import { createRouter } from '../../src/web/router.ts'
import { exporterAtRest } from '../core/exporter-at-rest.ts'
import { listen } from '../servers/hostile.ts'
import { hastened } from './hastened.ts'

const [file = '', port = '', intervalMs = ''] = process.argv.slice(2)
const config = hastened(parseConfig(readFileSync(file, 'utf8'), file), Number(intervalMs))
const references = createReferences({ env: process.env, vaults: config.vaults, kubernetes: config.kubernetes })
const log = createLog('info', 'json', line => process.stdout.write(line))
const monitor = createMonitor(config, references, log)
const router = createRouter({ monitor, configFile: file, exporter: () => exporterAtRest, log })
await listen(createServer(router), { port: Number(port) })
await monitor.run(new AbortController().signal)
