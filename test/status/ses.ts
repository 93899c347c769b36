/** What SES says of an account that is well, and how it refuses. */
import type { AwsAnswer, AwsFault } from '../../src/clients/aws/answers.ts'
import type { SesAccount, SesAsked, SesIdentity } from '../../src/probes/ses/seen.ts'

const answered = <T>(value: T): AwsAnswer<T> => ({ kind: 'ok', value })

const verifiedDomain: SesIdentity = {
  of: 'domain',
  domain: 'keybuzz.io',
  verified: true,
  status: 'SUCCESS',
  errorType: undefined,
  checkedAt: Date.UTC(2026, 0, 12, 6),
  successAt: Date.UTC(2026, 0, 12, 6),
  dkim: { enabled: true, status: 'SUCCESS' },
  mailFrom: { domain: 'bounce.keybuzz.io', status: 'SUCCESS', behavior: 'USE_DEFAULT_VALUE' },
  inherited: false,
}

/** Everything was asked, and all is well but what is said here. */
export const askedSes = (account: Partial<SesAccount> = {}, identity: Partial<SesIdentity> = {}): SesAsked => ({
  address: 'email.eu-west-1.amazonaws.com:443',
  account: answered({
    sendingEnabled: true,
    productionAccess: true,
    enforcement: 'HEALTHY',
    max24Hours: 50_000,
    sent24Hours: 1_200,
    maxRate: 14,
    review: 'GRANTED',
    ...account,
  }),
  identity: answered({ ...verifiedDomain, ...identity }),
  statistics: answered({ attempts: 1_200, bounces: 6, complaints: 0, rejects: 0 }),
  clockSkewSeconds: 0.4,
})

/** The first request was refused, so nothing else was asked. */
export const refusedBySes = (kind: AwsFault, action?: string): Partial<SesAsked> => ({
  account: { kind, text: `email.eu-west-1.amazonaws.com:443: ${kind}`, action },
  identity: undefined,
  statistics: undefined,
})
