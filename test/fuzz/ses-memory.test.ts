import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Observation } from '../../src/core/probe.ts'
import { ses } from '../../src/probes/ses/index.ts'
import { look, values } from '../probes/look.ts'
import { accessKeyOf, configurationSet, startSesDouble, verifiedIdentity } from '../servers/ses-double.ts'
import { bounded, patienceMs } from './limits.ts'

const key = { id: accessKeyOf(), secret: 'hT4n/Zp0q+'.repeat(4) }
const references = values({ KEY: key.id, SECRET: key.secret })

let double: Awaited<ReturnType<typeof startSesDouble>>
beforeAll(async () => {
  double = await startSesDouble({ keys: [key] })
})
afterAll(() => double.close())

const target = () =>
  ses.target.parse({
    name: 'app',
    access_key: { env: 'KEY' },
    secret_key: { env: 'SECRET' },
    region: 'eu-west-1',
    from: 'no-reply@mail.app.example.com',
    recipients: ['canary@box.example.net'],
    configuration_set: 'transactional',
    endpoint: double.url,
  })

/** What SES may be like at one time. */
const world = fc.record({
  account: fc.constantFrom(
    {},
    {},
    { SendingEnabled: false },
    { EnforcementStatus: 'SHUTDOWN' },
    { SendQuota: undefined },
  ),
  identities: fc.uniqueArray(
    fc.record({
      name: fc.constantFrom('no-reply@mail.app.example.com', 'mail.app.example.com', 'app.example.com'),
      verified: fc.boolean(),
    }),
    { selector: ({ name }) => name },
  ),
  configurationSet: fc.constantFrom('sends', 'sends', 'paused', 'missing'),
  key: fc.constantFrom('good', 'good', 'good', 'secret_changed', 'off'),
  allows: fc.constantFrom(['*'], ['*'], ['ses:GetAccount'], ['ses:GetAccount', 'ses:GetEmailIdentity'], []),
})
type World = typeof world extends fc.Arbitrary<infer T> ? T : never

function become({ account, identities, configurationSet: set, key: state, allows }: World): void {
  double.reset()
  double.account = { ...double.account, ...account }
  double.identities = Object.fromEntries(
    identities.map(({ name, verified }) => [
      name,
      {
        ...verifiedIdentity('DOMAIN'),
        VerifiedForSendingStatus: verified,
        VerificationStatus: verified ? 'SUCCESS' : 'PENDING',
      },
    ]),
  )
  const transactional = { ...configurationSet('transactional'), SendingOptions: { SendingEnabled: set === 'sends' } }
  double.configurationSets = set === 'missing' ? {} : { transactional }
  double.keys = [
    {
      ...key,
      allows: [...allows],
      active: state !== 'off',
      ...(state === 'secret_changed' && { secret: `x${key.secret.slice(1)}` }),
    },
  ]
}

/** What decides whether mail can be sent. Warnings may come from what is asked in turn. */
const decisive = (found: Observation | undefined): readonly string[] =>
  (found?.reasons ?? [])
    .filter(({ verdict }) => verdict === 'fail' || verdict === 'unknown')
    .map(({ code }) => code)
    .sort()

/** Of those, what the first question shows: it is asked in each run. */
const ofAccount = (codes: readonly string[]): readonly string[] =>
  codes.filter(code => /^ses_(?:sending_paused|account_shut_down|error|key_unknown|secret_wrong)$/.test(code))

const requestsOf = async (work: Promise<unknown>): Promise<number> => {
  double.requests.length = 0
  await work
  expect(double.requests.map(({ beside }) => beside)).toEqual(double.requests.map(() => 0))
  return double.requests.length
}

it('notices each change, at once or after a few runs, and asks little', { timeout: patienceMs }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(world, { minLength: 2, maxLength: 4 }), async worlds => {
      const old = target()
      for (const one of worlds) {
        become(one)
        const right = decisive(await look(ses, target(), { references }))
        expect(ofAccount(decisive(await look(ses, old, { references })))).toEqual(ofAccount(right))
        await look(ses, old, { references })
        let found: Observation | undefined
        const count = await requestsOf(look(ses, old, { references }).then(last => (found = last)))
        expect(decisive(found)).toEqual(right)
        // Without a verified sender each identity is asked.
        expect(count).toBeLessThanOrEqual(['ok', 'warn'].includes(found?.verdict ?? '') ? 4 : 6)
      }
    }),
    bounded(5, 2_000),
  )
})
