import { randomBytes } from 'node:crypto'
import { jsonReply, type Reply } from './aws-answers.ts'
import { refusal, type RawRequest, type Refusal } from './aws-signature.ts'

/** A mail that SES took. */
export interface SentMail {
  /** What SendEmail answered. */
  readonly id: string
  readonly from: string
  readonly to: readonly string[]
  /** Where bounces go. */
  readonly feedbackTo: string
  readonly configurationSet: string | undefined
  /** As it was given. */
  readonly raw: string
  /** As it leaves: SES puts its own Message-ID and Date in place of those of the sender. */
  readonly message: string
}

/** What SES knows of the account that sends. */
interface Account {
  readonly region: string
  readonly account: Readonly<Record<string, unknown>>
  readonly identities: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  readonly configurationSets: Readonly<Record<string, Readonly<Record<string, unknown>>>>
}

/** https://docs.aws.amazon.com/ses/latest/dg/send-an-email-from-console.html: taken from the sandbox, too, with a label or without. */
const isSimulator = (address: string): boolean =>
  /^(?:success|bounce|complaint|ooto|suppressionlist)(?:\+[^@]*)?@simulator\.amazonses\.com$/i.test(address)

const bare = (address: string): string => /<([^<>]+)>\s*$/.exec(address)?.[1] ?? address.trim()

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)
const fields = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    return undefined
  }
}

const badRequest = (message: string): Refusal => refusal(400, 'BadRequestException', 'BadRequest', message)

/** The header of a raw mail; undefined without it. */
function headerOf(raw: string, name: string): string | undefined {
  const [head = ''] = raw.split(/\r?\n\r?\n/)
  return new RegExp(`^${name}:[ \\t]*(.*)$`, 'im').exec(head)?.[1]?.trim()
}

/**
 * SendEmail with a raw mail. Gives the mail, or why it is refused.
 * https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html
 */
export function mailIn({ headers, body }: RawRequest, account: Account): SentMail | Refusal {
  if (!/^application\/(?:json|x-amz-json-1\.1)/.test(headers['content-type'] ?? 'application/json'))
    return refusal(415, 'UnsupportedMediaTypeException', 'UnsupportedMediaType', 'The content type is not supported.')
  const asked = fields(parsed(body))
  const data = text(fields(fields(asked['Content'])['Raw'])['Data'])
  if (data === undefined) return badRequest('Content must contain Raw.')
  const raw = Buffer.from(data, 'base64').toString('utf8')
  const from = bare(text(asked['FromEmailAddress']) ?? headerOf(raw, 'From') ?? '')
  const named = fields(asked['Destination'])['ToAddresses']
  const to = Array.isArray(named) ? named.map(one => bare(String(one))) : []
  if (to.length === 0) return badRequest('Missing final recipient.')
  const configurationSet = text(asked['ConfigurationSetName'])
  const feedbackTo = bare(text(asked['FeedbackForwardingEmailAddress']) ?? headerOf(raw, 'Return-Path') ?? from)
  const refused =
    refusedFor(account, configurationSet) ?? unverified(account, [from, feedbackTo], to) ?? noMailFrom(account, from)
  if (refused) return refused
  const { region } = account
  const id = `0102${randomBytes(6).toString('hex')}-${randomBytes(4).toString('hex')}-000000`
  const message = raw
    .replace(/^Message-ID:.*$/im, `Message-ID: <${id}@${region}.amazonses.com>`)
    .replace(/^Date:.*$/im, `Date: ${new Date().toUTCString().replace('GMT', '+0000')}`)
  return { id, from, to, feedbackTo, configurationSet, raw, message }
}

export const sentReply = ({ id }: SentMail): Reply => jsonReply(200, { MessageId: id })

function refusedFor({ account, configurationSets }: Account, set: string | undefined): Refusal | undefined {
  if (account['EnforcementStatus'] === 'SHUTDOWN')
    return refusal(400, 'AccountSuspendedException', 'AccountSuspended', 'The account is suspended.')
  if (account['SendingEnabled'] === false)
    return refusal(400, 'SendingPausedException', 'SendingPaused', 'Email sending is disabled for your account.')
  if (set === undefined) return undefined
  const found = configurationSets[set]
  if (!found) return refusal(404, 'NotFoundException', 'NotFound', `Configuration set <${set}> does not exist.`)
  if (fields(found['SendingOptions'])['SendingEnabled'] === false)
    return refusal(400, 'SendingPausedException', 'SendingPaused', `Email sending is disabled for ${set}.`)
  return undefined
}

/** The address, its domain, or a domain above. */
function identityOf({ identities }: Account, address: string): Readonly<Record<string, unknown>> | undefined {
  const labels = address.slice(address.lastIndexOf('@') + 1).split('.')
  const names = [address, ...labels.map((_, i) => labels.slice(i).join('.'))]
  return names.map(name => identities[name]).find(one => one?.['VerifiedForSendingStatus'] === true)
}

/** In the sandbox recipients have to be verified, too. */
function unverified(account: Account, senders: readonly string[], to: readonly string[]): Refusal | undefined {
  const inSandbox = account.account['ProductionAccessEnabled'] === false
  const failed = [...senders, ...(inSandbox ? to.filter(one => !isSimulator(one)) : [])].filter(
    one => !identityOf(account, one),
  )
  if (failed.length === 0) return undefined
  const list = [...new Set(failed)].join(', ')
  return refusal(
    400,
    'MessageRejected',
    'MessageRejected',
    `Email address is not verified. The following identities failed the check in region ${account.region.toUpperCase()}: ${list}`,
  )
}

function noMailFrom(account: Account, from: string): Refusal | undefined {
  const { MailFromDomainStatus: status, BehaviorOnMxFailure: behavior } = fields(
    identityOf(account, from)?.['MailFromAttributes'],
  )
  if (status === undefined || status === 'SUCCESS' || behavior !== 'REJECT_MESSAGE') return undefined
  return refusal(
    400,
    'MailFromDomainNotVerifiedException',
    'MailFromDomainNotVerified',
    'The MAIL FROM domain of the identity is not verified.',
  )
}
