import { createServer } from 'node:http'
import { inspect } from 'node:util'
import { createLog } from '../../src/core/log.ts'
import type { Monitor } from '../../src/monitor/index.ts'
import { about } from '../../src/page/format.ts'
import { audit } from '../../src/report/audit.ts'
import { report, reportFormats } from '../../src/report/report.ts'
import { createRouter } from '../../src/web/router.ts'
import { exporterAtRest } from '../core/exporter-at-rest.ts'
import { listen } from '../servers/hostile.ts'

/** What an exporter shows now, by the name of the output; with what it keeps, which some output may show one day. */
export async function outputsOf(monitor: Monitor): Promise<Readonly<Record<string, string>>> {
  const log = createLog('error', 'json', () => undefined)
  const server = await listen(
    createServer(createRouter({ monitor, configFile: 'mailpath.yml', exporter: () => exporterAtRest, log })),
  )
  const get = async (path: string): Promise<string> => (await fetch(`http://127.0.0.1:${server.port}${path}`)).text()
  try {
    const status = monitor.status()
    const reports = reportFormats.map(format => [`check as ${format}`, report(audit(status), { format })] as const)
    const kept = {
      checks: status.checks.map(({ config: _, ...check }) => check),
      mail: status.mail,
      records: status.records,
    }
    return {
      ...Object.fromEntries(reports),
      metrics: await get('/metrics'),
      page: await get('/'),
      API: await get('/api/v1/status'),
      failures: (await Promise.all(status.checks.map(check => get(about('/failures', check))))).join('\n'),
      'what is kept': inspect(kept, { depth: 12 }),
    }
  } finally {
    await server.close()
  }
}

/** The outputs that have one of these texts in them, as it is or as something in between may write it. Not which: it is a secret. */
export async function leaks(monitor: Monitor, secrets: readonly string[]): Promise<string[]> {
  const outputs = Object.entries(await outputsOf(monitor))
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
