/** A process of its own that has used up its file descriptors. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it, onTestFinished } from 'vitest'
import { startDnsDouble } from '../../servers/dns-double.ts'

const tsx = fileURLToPath(import.meta.resolve('tsx'))
const client = fileURLToPath(new URL('../../../src/clients/dns/index.ts', import.meta.url))

const script = (port: number): string => `
  import { openSync } from 'node:fs'
  import { openDns } from ${JSON.stringify(client)}
  const signal = new AbortController().signal
  const open = () => openDns({ servers: ['127.0.0.1:${port}'], signal, note: () => undefined, timeoutMs: 5000 })
  // So that all is loaded.
  await open().ask('a.test', 'A')
  try { for (;;) openSync('/dev/null', 'r') } catch {}
  const answer = await open().ask('a.test', 'A')
  process._rawDebug(JSON.stringify(answer))
`

it.runIf(process.platform === 'linux')('a shortage of the exporter is told from a server that refuses', async () => {
  const server = await startDnsDouble({ 'a.test': { found: ['192.0.2.1'] } })
  onTestFinished(() => server.close())
  const args = ['--import', tsx, '--input-type=module', '-e', script(server.port)]
  // The double answers from this process, so it must not wait.
  const limited = ['-c', 'ulimit -n 200; exec "$@"', 'bash', process.execPath, ...args]
  const { stderr } = await promisify(execFile)('bash', limited)
  expect(JSON.parse(stderr)).toEqual({
    kind: 'failed',
    code: 'unreachable',
    text: `127.0.0.1:${server.port} cannot be reached for a.test A`,
    want: { resource: 'file_descriptors', code: 'EMFILE' },
  })
})
