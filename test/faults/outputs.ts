import { createServer } from 'node:http'
import { inspect } from 'node:util'
import { createLog } from '../../src/core/log.ts'
import type { Check } from '../../src/core/probe.ts'
import type { Monitor } from '../../src/monitor/index.ts'
import { link } from '../../src/page/link.ts'
import { report, reportFormats } from '../../src/report/report.ts'
import { createRouter } from '../../src/web/router.ts'
import { exporterAtRest } from '../core/exporter-at-rest.ts'
import { listen } from '../servers/hostile.ts'

/** `/probe` runs up to ten checks at a time. */
const probedAtOnce = 8

/**
 * What an exporter shows now, by the name of the output; with what it keeps, which some output may show one day. Each check
 * is run once by `/probe`, which shows what was said. `logged` is what was written to the log so far.
 */
export async function outputsOf(
  monitor: Monitor,
  logged: readonly string[],
): Promise<Readonly<Record<string, string>>> {
  const log = createLog('error', 'json', () => undefined)
  const server = await listen(
    createServer(createRouter({ monitor, configFile: 'mailpath.yml', exporter: () => exporterAtRest, log })),
  )
  const get = async (path: string, headers: Readonly<Record<string, string>> = {}): Promise<string> => {
    const response = await fetch(new URL(path, `http://127.0.0.1:${server.port}`), { headers })
    if (!response.ok) throw new Error(`HTTP ${response.status} from ${path}: ${await response.text()}`)
    return response.text()
  }
  const probe = async (checks: readonly Check[]): Promise<string> => {
    if (checks.length === 0) return ''
    const shown = await Promise.all(
      checks
        .slice(0, probedAtOnce)
        .map(check => get(link('/probe', { probe: check.probe, target: check.target, debug: 'true' }))),
    )
    return [...shown, await probe(checks.slice(probedAtOnce))].join('\n')
  }
  try {
    // Before the status is read, since it records runs.
    const transcripts = await probe(monitor.checks())
    const status = monitor.status()
    const reports = reportFormats.map(format => [`check as ${format}`, report(status, { format })] as const)
    const kept = {
      checks: status.checks.map(({ config: _, ...check }) => check),
      mail: status.mail,
      records: status.records,
    }
    return {
      ...Object.fromEntries(reports),
      metrics: await get('/metrics'),
      OpenMetrics: await get('/metrics', { accept: 'application/openmetrics-text; version=1.0.0' }),
      transcripts,
      log: logged.join(''),
      page: await get('/'),
      API: await get('/api/v1/status'),
      failures: (
        await Promise.all(status.checks.map(({ probe, target }) => get(link('/failures', { probe, target }))))
      ).join('\n'),
      'what is kept': inspect(kept, { depth: 12 }),
    }
  } finally {
    await server.close()
  }
}

/** The outputs that have one of these texts in them, as it is or as something in between may write it. Not which: it is a secret. */
export async function leaks(
  monitor: Monitor,
  logged: readonly string[],
  secrets: readonly string[],
): Promise<string[]> {
  const outputs = Object.entries(await outputsOf(monitor, logged))
  return secrets.flatMap((secret, which) => {
    const forms = formsOf(secret)
    return outputs.flatMap(([name, text]) =>
      forms.some(form => text.includes(form)) ? [`secret ${which} of the stage is in: ${name}`] : [],
    )
  })
}

const formsOf = (secret: string): string[] => [
  secret,
  encodeURIComponent(secret),
  encodeURIComponent(encodeURIComponent(secret)),
  Buffer.from(secret).toString('base64'),
  Buffer.from(secret).toString('hex'),
]
