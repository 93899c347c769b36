import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { openVault, readSecret } from '../../src/clients/vault.ts'

const vaultWith = async (body: string) => {
  const server = createServer((_, response) => response.end(body)).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await new Promise(resolve => server.once('listening', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return openVault({ url, token: 't', signal: new AbortController().signal })
}
const nested = (levels: number): string => `${'['.repeat(levels)}${']'.repeat(levels)}`

it.each([101, 400_000])('a secret nested %i levels deep is an answer that says so', async levels => {
  const vault = await vaultWith(`{"data": {"a": ${nested(levels)}}}`)
  const text = 'HTTP 200: its JSON is nested deeper than 100 levels'
  expect(await readSecret(vault, 'secret/app')).toEqual({ kind: 'failed', text })
})

it('brackets in texts nest nothing, and a key may be called __proto__', async () => {
  const vault = await vaultWith(`{"data": {"a": "\\"${'['.repeat(1_000)}\\\\", "__proto__": "b"}}`)
  const read = await readSecret(vault, 'secret/app')
  const valueOf = (key: string) => (read.kind === 'ok' ? read.value(key) : undefined)
  expect(valueOf('a')).toBe(`"${'['.repeat(1_000)}\\`)
  expect([valueOf('__proto__'), valueOf('constructor')]).toEqual(['b', undefined])
})
