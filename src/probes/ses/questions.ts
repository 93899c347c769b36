import type { AwsAnswer } from '../../clients/aws/answers.ts'
import type { AwsCall } from '../../clients/aws/ask.ts'
import {
  accountIn,
  configurationSetIn,
  identityIn,
  statisticsIn,
  suppressionIn,
  type IdentityFacts,
} from './answers.ts'
import { identitiesOf, verifiedOf, type IdentityName } from './identities.ts'
import type { SesAccount, SesConfigurationSet, SesStatistics, SesSuppressed } from './seen.ts'
import type { SesWanted } from './wanted.ts'

/** A question to SES, with its last answer. */
export interface Question<T> {
  readonly call: AwsCall<T>
  /** The phase of the run. */
  readonly phase: string
  /** `at`: by the monotonic clock. An answer that says only that SES throttles is not kept. */
  last?: { readonly at: number; readonly answer: AwsAnswer<T> }
}

type IdentityQuestion = IdentityName & { readonly question: Question<IdentityFacts> }

/** All that a target asks SES. */
export interface Questions {
  readonly account: Question<SesAccount>
  /** The account, by the keys of `monitor`. */
  readonly monitored: Question<SesAccount>
  readonly identities: readonly IdentityQuestion[]
  readonly configurationSet: Question<SesConfigurationSet> | undefined
  /** In the order of `recipients`. Good is the answer that there is no such entry. */
  readonly suppressed: readonly Question<Omit<SesSuppressed, 'index'>>[]
  readonly statistics: Question<SesStatistics>
}

/** The calls: https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_Operations.html. All of them only read. */
export function questionsFor({ from, configurationSet, recipients }: SesWanted): Questions {
  const v2 = <T>(phase: string, name: string, path: readonly string[], read: (body: string) => T | undefined) => ({
    phase,
    call: { name, path: ['v2', 'email', ...path], read },
  })
  const account = () => v2('account', 'GetAccount', ['account'], accountIn)
  return {
    account: account(),
    monitored: account(),
    identities: (from === undefined ? [] : identitiesOf(from)).map(one => ({
      ...one,
      question: v2('identity', 'GetEmailIdentity', ['identities', one.name], identityIn),
    })),
    configurationSet:
      configurationSet === undefined
        ? undefined
        : v2('configuration_set', 'GetConfigurationSet', ['configuration-sets', configurationSet], configurationSetIn),
    suppressed: recipients.map(address =>
      v2('suppression', 'GetSuppressedDestination', ['suppression', 'addresses', address], suppressionIn),
    ),
    statistics: {
      phase: 'statistics',
      call: {
        name: 'GetSendStatistics',
        form: { Version: '2010-12-01' },
        read: body => statisticsIn(body, Date.now()),
      },
    },
  }
}

/** The last answers about identities, by name. */
export const answersTo = (identities: readonly IdentityQuestion[]) =>
  new Map(identities.flatMap(({ name, question: { last } }) => (last ? [[name, last.answer] as const] : [])))

/** The identity that is verified by the last answers. */
export const verifiedIn = (identities: readonly IdentityQuestion[]): IdentityQuestion | undefined =>
  verifiedOf(identities, answersTo(identities))
