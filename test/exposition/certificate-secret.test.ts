/** Whoever makes a certificate chooses its texts, and they are labels in /metrics: a secret in them is blotted out. */
import { randomBytes } from 'node:crypto'
import { describe, expect, it, onTestFinished } from 'vitest'
import { parseConfig } from '../../src/config/load.ts'
import { createLog } from '../../src/core/log.ts'
import { expose } from '../../src/exposition/text-format.ts'
import { samplesOf } from '../../src/exposition/samples.ts'
import { createMonitor } from '../../src/monitor/index.ts'
import { createReferences } from '../../src/references/index.ts'
import { certificateFor } from '../servers/certificates.ts'
import { startSmtp } from '../servers/smtp.ts'
import { exporter } from '../status/incident.ts'

/** The metrics of a relay that shows a certificate for this name, and for another one. */
async function metricsWith(name: string, password: string): Promise<string> {
  const certificate = await certificateFor(name, `${name}.example`)
  const server = await startSmtp({ security: 'tls', certificate, users: { probe: password } })
  onTestFinished(() => server.close())
  const text = `smtp: [{ name: relay, host: 127.0.0.1, port: ${server.port}, security: tls, user: probe, password: { env: PASS } }]\n`
  const { checks } = parseConfig(text, 'mailpath.yml')
  const references = createReferences({ env: { PASS: password }, vaults: [], kubernetes: undefined })
  const quiet = createLog('error', 'json', () => undefined)
  const monitor = createMonitor({ checks, mail: [] }, references, quiet)
  await monitor.runAll(new AbortController().signal)
  return expose(samplesOf(monitor.status(), exporter), 'prometheus')
}

const seriesIn = (text: string): string => /^mailpath_certificate_info\{.*$/m.exec(text)?.[0] ?? ''

describe('mailpath_certificate_info', () => {
  const password = `pw${randomBytes(8).toString('hex')}`

  it('shows the subject and the other names of a certificate', async () => {
    const series = seriesIn(await metricsWith('relay', password))
    expect(series).toContain('subject="CN=relay')
    expect(series).toContain('relay.example')
  })

  it('shows no secret that is the subject, or a part of another name', async () => {
    const text = await metricsWith(password, password)
    expect(text).not.toContain(password)
    expect(seriesIn(text)).toContain('subject="CN=<secret>')
    expect(seriesIn(text)).toContain('<secret>.example')
  })
})
