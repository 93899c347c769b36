import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ses } from '../../src/probes/ses/index.ts'
import type { SesTarget } from '../../src/probes/ses/target.ts'
import { tokensOf } from '../../src/probes/ses/tokens.ts'
import { accessKeyOf, startSesDouble, verifiedIdentity, type AwsKey } from '../servers/ses-double.ts'
import { look, values } from './look.ts'

const key: AwsKey = { id: accessKeyOf(), secret: 'q8Zt0pLm3Vx7Rk1Wc5Yd9Hb2Nf6Js4Ga/Ue+To0P' }
let server: Awaited<ReturnType<typeof startSesDouble>>
beforeAll(async () => (server = await startSesDouble({ keys: [key] })))
beforeEach(() => server.reset())
afterAll(() => server.close())

const targetOf = (more: object = {}): SesTarget =>
  ses.target.parse({
    name: 'backend SES',
    access_key: key.id,
    secret_key: { env: 'SECRET' },
    region: 'eu-west-1',
    from: 'No Reply <no-reply@App.example.com>',
    endpoint: server.url,
    ...more,
  })

const run = async (target: SesTarget): Promise<void> => {
  await look(ses, target, { references: values({ SECRET: key.secret }), intervalMs: 60_000 })
}

async function signsWith(dkim: object): Promise<ReturnType<typeof tokensOf>> {
  server.identities['app.example.com'] = { ...verifiedIdentity('DOMAIN'), DkimAttributes: dkim }
  const target = targetOf()
  await run(target)
  return tokensOf(target)
}

const easy = {
  SigningEnabled: true,
  Status: 'PENDING',
  SigningAttributesOrigin: 'AWS_SES',
  Tokens: ['abc', 'def', 'ghi'],
}
const identity = 'app.example.com'

/** https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_DkimAttributes.html */
describe('what SES signs with', () => {
  it('is not known before it was asked, nor while it does not answer', async () => {
    const target = targetOf()
    expect(tokensOf(target)).toBeUndefined()
    server.keys = []
    await run(target)
    expect(tokensOf(target)).toBeUndefined()
  })

  it.each([
    ['Easy DKIM', easy, { identity, tokens: ['abc', 'def', 'ghi'], zone: 'dkim.amazonses.com' }],
    [
      'in a zone of the region',
      { ...easy, SigningHostedZone: 'dkim.Af-South-1.amazonses.com.' },
      { identity, tokens: ['abc', 'def', 'ghi'], zone: 'dkim.af-south-1.amazonses.com' },
    ],
    [
      'a key of its owner',
      { ...easy, SigningAttributesOrigin: 'EXTERNAL', Tokens: ['mine'] },
      { identity, tokens: ['mine'], zone: undefined },
    ],
    ['switched off', { ...easy, SigningEnabled: false }, { identity, tokens: [], zone: 'dkim.amazonses.com' }],
    ['not set up', {}, { identity, tokens: [], zone: 'dkim.amazonses.com' }],
    [
      'what is no name',
      { ...easy, Tokens: ['abc', 'a.b', '*', 7, null, 'x'.repeat(64), '-_'], SigningHostedZone: 'a b' },
      { identity, tokens: ['abc', '-_'], zone: 'dkim.amazonses.com' },
    ],
    ['without end', { ...easy, Tokens: Array.from({ length: 99 }, (_, i) => `t${i}`) }, { tokens: { length: 10 } }],
  ])('%s', async (_, dkim, expected) => {
    expect(await signsWith(dkim)).toMatchObject(expected)
  })

  it('stays while SES does not answer, and follows what it says next', async () => {
    const target = targetOf()
    await run(target)
    const before = tokensOf(target)
    expect(before?.tokens).toHaveLength(2)
    server.keys = []
    await run(target)
    expect(tokensOf(target)).toEqual(before)
    server.keys = [key]
    server.identities['app.example.com'] = { ...verifiedIdentity('DOMAIN'), DkimAttributes: easy }
    await run(target)
    expect(tokensOf(target)?.tokens).toEqual(easy.Tokens)
  })

  it('is shared with the target of a reload, also where the check goes on with the one before', async () => {
    const [before, same, other] = [targetOf(), targetOf({ quota_warning: 0.5 }), targetOf({ region: 'eu-central-1' })]
    for (const target of [same, other]) ses.bind(target).inherit?.(before)
    await run(before)
    expect(tokensOf(same)?.tokens).toHaveLength(2)
    expect(tokensOf(other)).toBeUndefined()
  })
})
