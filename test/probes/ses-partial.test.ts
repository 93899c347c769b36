import { describe, expect, it } from 'vitest'
import { accountIn, configurationSetIn, identityIn } from '../../src/probes/ses/answers.ts'
import { decide, identitiesOf } from '../../src/probes/ses/identities.ts'
import { ses } from '../../src/probes/ses/index.ts'
import { canDeliver } from '../../src/probes/ses/judge.ts'
import type { SesSeen } from '../../src/probes/ses/seen.ts'
import { configurationSet, healthyAccount, verifiedIdentity } from '../servers/ses-double.ts'

// What SES answers, with one field after the other left out, or with a value of another kind in its place.

const from = 'no-reply@app.example.com'
const target = ses.target.parse({
  name: 'a',
  access_key: { env: 'A' },
  secret_key: { env: 'B' },
  region: 'eu-west-1',
  from,
  configuration_set: 'transactional',
})

const mailFrom = { MailFromDomain: 'bounce.app.example.com', BehaviorOnMxFailure: 'REJECT_MESSAGE' }
const good = (): Record<string, Record<string, unknown>> => ({
  account: healthyAccount(),
  identity: {
    ...verifiedIdentity('DOMAIN'),
    MailFromAttributes: { ...mailFrom, MailFromDomainStatus: 'SUCCESS' },
  },
  set: configurationSet('transactional'),
})

/** As `observe` has it of these answers; undefined if one of them is none of SES. */
function delivering(answers: ReturnType<typeof good>): 'yes' | 'no' | 'unknown' {
  const [account, identity, set] = [
    accountIn(JSON.stringify(answers['account'])),
    identityIn(JSON.stringify(answers['identity'])),
    configurationSetIn(JSON.stringify(answers['set'])),
  ]
  const foreign = { kind: 'not_aws', text: 'x' } as const
  const decision = decide(
    identitiesOf(from).slice(1, 2),
    new Map([['app.example.com', identity ? { kind: 'ok', value: identity } : foreign]]),
  )
  const seen: SesSeen = {
    settings: {},
    asked: {
      address: 'a:443',
      account: account ? { kind: 'ok', value: account } : foreign,
      identity: decision?.answer,
      configurationSet: set ? { kind: 'ok', value: set } : foreign,
    },
  }
  return canDeliver(seen, target)
}

/** The paths of all values. */
function leaves(value: unknown, path: readonly string[] = []): readonly (readonly string[])[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [path]
  return [
    ...(path.length > 1 ? [path] : []),
    ...Object.entries(value).flatMap(([name, one]) => leaves(one, [...path, name])),
  ]
}

function withValue(path: readonly string[], value: unknown): ReturnType<typeof good> {
  const answers = good()
  const [name = '', ...rest] = path.toReversed()
  const holder = rest
    .reverse()
    .reduce<Record<string, unknown>>((one, key) => one[key] as Record<string, unknown>, answers)
  holder[name] = value
  return answers
}

/** Nothing that mail needs. */
const harmless =
  /^account,(?:Details|Dedicated|SuppressionAttributes|SendQuota,MaxSendRate)|^identity,(?:IdentityType|Feedback|Dkim|Policies|Tags|Verification|MailFromAttributes,(?:MailFromDomain$|Behavior))|^set,(?:ConfigurationSetName|Delivery|Reputation|Tags)/
const others: readonly unknown[] = [undefined, null, '', 'x', 'true', 0, -7, [], {}, [true], { toString: 1 }]

describe('an answer of SES', () => {
  it('proves that it takes mail as it is', () => {
    expect(delivering(good())).toBe('yes')
  })

  const paths = leaves(good())
  it.each(paths.filter(path => !harmless.test(path.join())).map(path => [path.join('.'), path] as const))(
    'proves it no more with another value in %s',
    (name, path) => {
      for (const value of others) {
        // A limit of none was used up by nobody; nothing was sent.
        if (value === 0 && name.endsWith('SentLast24Hours')) continue
        // A word that is new is a warning, as a review is.
        if (name === 'account.EnforcementStatus' && typeof value === 'string' && /^\w+$/.test(value)) continue
        // Without its own domain SES uses amazonses.com.
        if (name === 'identity.MailFromAttributes') continue
        expect([value, delivering(withValue(path, value))]).not.toEqual([value, 'yes'])
      }
    },
  )

  it('proves it whatever mail does not need', () => {
    for (const path of paths.filter(one => harmless.test(one.join())))
      for (const value of others)
        expect([path, value, delivering(withValue(path, value))]).toEqual([path, value, 'yes'])
  })

  it('proves nothing by what every object has', () => {
    const inherited = Object.create({ SendingEnabled: true }) as Record<string, unknown>
    expect(delivering({ ...good(), account: inherited })).toBe('unknown')
    const named = JSON.stringify(healthyAccount()).replace(
      '"SendingEnabled":true',
      '"__proto__":{"SendingEnabled":true}',
    )
    expect(accountIn(named)?.sendingEnabled).toBeUndefined()
    const twice = JSON.stringify(healthyAccount()).replace(/}$/, ',"SendingEnabled":false}')
    expect(accountIn(twice)?.sendingEnabled).toBe(false)
  })
})
