/** A process of its own that has used up its file descriptors. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it, onTestFinished } from 'vitest'
import type { Reason } from '../../../src/core/probe.ts'
import { startDnsDouble } from '../../servers/dns-double.ts'

const tsx = fileURLToPath(import.meta.resolve('tsx'))
const at = (file: string): string => JSON.stringify(fileURLToPath(new URL(`../../../${file}`, import.meta.url)))

const script = (port: number): string => `
  import { openSync } from 'node:fs'
  import { openDns } from ${at('src/clients/dns/index.ts')}
  import { dns } from ${at('src/probes/dns/index.ts')}
  import { look } from ${at('test/probes/look.ts')}
  const signal = new AbortController().signal
  const open = () => openDns({ servers: ['127.0.0.1:${port}'], signal, note: () => undefined, timeoutMs: 5000 })
  // So that all is loaded.
  await open().ask('a.test', 'A')
  const target = { name: 'mail', domain: 'a.test', servers: ['127.0.0.1:${port}'], direct: false, bulk: true }
  await look(dns, target)
  try { for (;;) openSync('/dev/null', 'r') } catch {}
  const answer = await open().ask('a.test', 'A')
  const { reasons } = await look(dns, target)
  process._rawDebug(JSON.stringify({ answer, reasons }))
`

it.runIf(process.platform === 'linux')('a shortage of the exporter is told from a server that refuses', async () => {
  const server = await startDnsDouble({ 'a.test': { found: ['192.0.2.1'] } })
  onTestFinished(() => server.close())
  const args = ['--import', tsx, '--input-type=module', '-e', script(server.port)]
  // The double answers from this process, so it must not wait.
  const limited = ['-c', 'ulimit -n 200; exec "$@"', 'bash', process.execPath, ...args]
  const { stderr } = await promisify(execFile)('bash', limited)
  const { answer, reasons } = JSON.parse(stderr) as { answer: unknown; reasons: readonly Reason[] }
  expect(answer).toEqual({
    kind: 'failed',
    code: 'unreachable',
    text: `127.0.0.1:${server.port} cannot be reached for a.test A`,
    want: { resource: 'file_descriptors', code: 'EMFILE' },
  })
  expect(reasons.map(({ code, because }) => [code, because])).toEqual([
    ['exporter_starved', 'exporter/file_descriptors'],
  ])
})
