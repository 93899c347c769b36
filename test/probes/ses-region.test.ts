import { expect, it } from 'vitest'
import { ses } from '../../src/probes/ses/index.ts'
import { freePort } from '../servers/processes.ts'
import { env, look } from './look.ts'

const accessKey = 'AKIAQYLPMN5HHHFPZAM2'
const secretKey = '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'

async function evidenceWith(region: string, host: string): Promise<string> {
  const target = ses.target.parse({
    name: 'backend SES',
    access_key: { env: 'KEY' },
    secret_key: { env: 'SECRET' },
    region: { env: 'REGION' },
    endpoint: `http://${host}:${await freePort()}`,
  })
  const references = env({ KEY: accessKey, SECRET: secretKey, REGION: region })
  const ran = await look(ses, target, { references })
  return JSON.stringify([ran?.evidence, ran?.reasons, ran?.transcript()])
}

it('shows the region, which is in the address of SES', async () => {
  expect(await evidenceWith('eu-west-1', 'eu-west-1.localhost')).toContain('eu-west-1.localhost:')
})

it('shows neither what stands in the place of the region, nor a key', async () => {
  const text = await evidenceWith(secretKey, '127.0.0.1')
  for (const value of [accessKey, secretKey]) expect(text).not.toContain(value)
})
