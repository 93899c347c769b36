import { fieldsIn, isFields, type Fields } from '../../clients/aws/answers.ts'
import { elements, textIn } from '../../clients/aws/xml.ts'
import type { SesAccount, SesConfigurationSet, SesIdentity, SesStatistics, SesSuppressed } from './seen.ts'

// What the answers of SES say. Each returns undefined for a body that is not such an answer.

const fields = (value: unknown): Fields | undefined => (isFields(value) ? value : undefined)
const flag = (value: unknown): boolean | undefined => (typeof value === 'boolean' ? value : undefined)
const count = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) ? value : undefined
/** AWS sets no number below it. */
const atLeast = (least: number, value: unknown): number | undefined => {
  const found = count(value)
  return found !== undefined && found >= least ? found : undefined
}
/** One of the words of AWS, such as PENDING; new ones come. Never part of a text: half a secret is not found by its name. */
const word = (value: unknown): string | undefined =>
  typeof value === 'string' && /^[A-Za-z][A-Za-z0-9_-]{0,39}$/.test(value) ? value : undefined
const domainName = (value: unknown): string | undefined =>
  typeof value === 'string' && /^[A-Za-z0-9._-]{1,253}$/.test(value) ? value : undefined
/** Easy DKIM has three. */
const mostTokens = 10
const labels = (value: unknown): readonly string[] =>
  (Array.isArray(value) ? value : [])
    .filter((one): one is string => typeof one === 'string' && /^[A-Za-z0-9_-]{1,63}$/.test(one))
    .slice(0, mostTokens)
/** Seconds since the epoch, as milliseconds. */
const time = (value: unknown): number | undefined =>
  typeof value === 'number' && Math.abs(value) < 8.64e12 ? value * 1000 : undefined

/** AWS sets it in place of a quota. */
const noLimit = -1

/** One that names neither is not the account, but the answer of another service. */
export function accountIn(body: string): SesAccount | undefined {
  const account = fieldsIn(body)
  if (!account || !('SendQuota' in account || 'SendingEnabled' in account)) return undefined
  const quota = fields(account['SendQuota'])
  const limit = quota?.['Max24HourSend']
  return {
    sendingEnabled: flag(account['SendingEnabled']),
    productionAccess: flag(account['ProductionAccessEnabled']),
    enforcement: word(account['EnforcementStatus'])?.toUpperCase(),
    max24Hours: limit === noLimit ? limit : atLeast(0, limit),
    sent24Hours: atLeast(0, quota?.['SentLast24Hours']),
    maxRate: atLeast(0, quota?.['MaxSendRate']),
    review: word(fields(fields(account['Details'])?.['ReviewDetails'])?.['Status']),
  }
}

const isSet = (value: unknown): boolean => value !== undefined && value !== null && value !== ''

/** What the answer for one identity says. Which identity decides is a question of several (`identities.ts`). */
export type IdentityFacts = Omit<SesIdentity, 'of' | 'domain' | 'inherited'>

export function identityIn(body: string): IdentityFacts | undefined {
  const identity = fieldsIn(body)
  if (!identity || !('IdentityType' in identity || 'VerifiedForSendingStatus' in identity)) return undefined
  const info = fields(identity['VerificationInfo'])
  const dkim = fields(identity['DkimAttributes'])
  const mailFrom = fields(identity['MailFromAttributes'])
  const { MailFromDomain: domain, MailFromDomainStatus: mailFromStatus } = mailFrom ?? {}
  return {
    verified: flag(identity['VerifiedForSendingStatus']),
    status: word(identity['VerificationStatus']),
    errorType: word(info?.['ErrorType']),
    checkedAt: time(info?.['LastCheckedTimestamp']),
    successAt: time(info?.['LastSuccessTimestamp']),
    dkim: {
      enabled: flag(dkim?.['SigningEnabled']),
      status: word(dkim?.['Status']),
      origin: word(dkim?.['SigningAttributesOrigin']),
      tokens: labels(dkim?.['Tokens']),
      zone: domainName(dkim?.['SigningHostedZone'])?.replace(/\.$/, '').toLowerCase(),
    },
    mailFrom:
      isSet(domain) || isSet(mailFromStatus)
        ? {
            domain: domainName(domain),
            status: word(mailFromStatus),
            behavior: word(mailFrom?.['BehaviorOnMxFailure']),
          }
        : undefined,
  }
}

export function configurationSetIn(body: string): SesConfigurationSet | undefined {
  const set = fieldsIn(body)
  if (!set || !('ConfigurationSetName' in set || 'SendingOptions' in set)) return undefined
  return { sendingEnabled: flag(fields(set['SendingOptions'])?.['SendingEnabled']) }
}

export function suppressionIn(body: string): Omit<SesSuppressed, 'index'> | undefined {
  const destination = fields(fieldsIn(body)?.['SuppressedDestination'])
  return destination && { reason: word(destination['Reason']) }
}

const dayMs = 86_400_000

/** The answer is XML, with a sum for each quarter of an hour of two weeks. `now`: by our clock, which SES has just taken. */
export function statisticsIn(xml: string, now: number): SesStatistics | undefined {
  const [result] = elements(xml, 'GetSendStatisticsResult')
  if (result === undefined) return /<GetSendStatisticsResult\s*\/>/.test(xml) ? nothingSent : undefined
  const points = elements(result, 'member').filter(point => isWithin(Date.parse(textIn(point, 'Timestamp') ?? ''), now))
  const sum = (name: string): number => points.reduce((total, point) => total + amount(textIn(point, name)), 0)
  return { attempts: sum('DeliveryAttempts'), bounces: sum('Bounces'), complaints: sum('Complaints') }
}

const nothingSent: SesStatistics = { attempts: 0, bounces: 0, complaints: 0 }

/** A point has the time at which its quarter of an hour began. */
const isWithin = (at: number, now: number): boolean => now - at < dayMs

const amount = (text: string | undefined): number => (text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : 0)
