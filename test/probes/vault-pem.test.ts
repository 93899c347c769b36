import { beforeAll, expect, it, onTestFinished } from 'vitest'
import { createReferences } from '../../src/references/index.ts'
import { vault } from '../../src/probes/vault/index.ts'
import { file, never, whyNot } from '../references/resolve.ts'
import { certificates, type Certificates } from '../servers/certificates.ts'
import { refusedPort } from '../servers/hostile.ts'
import { look } from './look.ts'

let made: Certificates
beforeAll(async () => {
  made = await certificates()
})

/** A Vault that is not asked: what is needed for TLS is not usable. */
async function asked(files: (of: Certificates) => { ca_file?: string; cert_file?: string; key_file?: string }) {
  const server = await refusedPort()
  onTestFinished(() => server.close())
  const paths = await Promise.all(
    Object.entries(files(made)).map(async ([key, text]) => [key, await file(text, key)] as const),
  )
  const url = `https://127.0.0.1:${server.port}`
  const target = vault.target.parse({ name: 'v', url, token: { env: 'T' }, ...Object.fromEntries(paths) })
  const references = createReferences({ env: { T: 'a-token' }, vaults: [target], kubernetes: undefined })
  const observation = await look(vault, target, { references })
  const read = references.value({ vault: { target: 'v', path: 'kv/a', key: 'A' } }, never)
  return { reason: observation?.reasons[0], why: await whyNot(read) }
}

it('a Vault is not blamed for an authority, certificate or key of ours', async () => {
  const authority = await asked(({ ca }) => ({ ca_file: ca.slice(0, 200) }))
  expect(authority.reason).toMatchObject({ code: 'reference_unresolved', verdict: 'unknown' })
  expect(authority.reason?.text).toContain('ca_file: the certificate in it is damaged')
  expect(authority.why).toContain('ca_file: the certificate in it is damaged')
  const pair = await asked(({ ca, client, good }) => ({ ca_file: ca, cert_file: client.cert, key_file: good.key }))
  expect(pair.reason).toMatchObject({ code: 'reference_unresolved', verdict: 'unknown' })
  expect(pair.reason?.text).toContain('key_file: the key does not belong to the certificate of ')
  expect(pair.why).toContain('key_file: the key does not belong to the certificate of ')
})
