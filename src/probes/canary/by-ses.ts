import { fieldsIn, refusesKeys, type AwsFailure } from '../../clients/aws/answers.ts'
import { askAws, type AwsReply, type AwsService } from '../../clients/aws/ask.ts'
import { forgetKeysOfRole, keysOfRole } from '../../clients/aws/roles.ts'
import type { AwsKeys } from '../../clients/aws/sign.ts'
import { readPemFiles } from '../../clients/pem.ts'
import { Unresolved, describeError } from '../../core/errors.ts'
import type { Look } from '../../core/probe.ts'
import { shapes } from '../../core/shape.ts'
import { readCredentials } from '../ses/credentials.ts'
import { faults, usable } from '../ses/settings.ts'
import type { SesTarget } from '../ses/target.ts'
import { ended, notSent, type HandedOver, type Outgoing } from './outgoing.ts'
import type { HandOver } from './seen.ts'

/** Sends the mail by the API, with the keys or the role of the `ses` target, and its configuration set. */
export async function bySes(target: SesTarget, mail: Outgoing, look: Look): Promise<HandedOver> {
  const name = `ses/${target.name}`
  try {
    const { service, set } = await readService(target, look)
    const keys = await keysFor(target, service.region, look)
    if (typeof keys === 'string') return notSent(name, keys)
    const reply = await look.phase('data', () => askAws(sendEmail(mail, set), { ...service, keys }, look))
    if (target.credentials !== undefined && refusesKeys(reply.answer)) forgetKeysOfRole(target)
    return ended(reply.address, handOverOf(reply))
  } catch (error) {
    if (!(error instanceof Unresolved)) throw error
    return notSent(name, describeError(error))
  }
}

interface Service {
  readonly service: Omit<AwsService, 'keys'>
  /** The configuration set. */
  readonly set: string | undefined
}

async function readService(target: SesTarget, look: Look): Promise<Service> {
  const { endpoint, ca_file, configuration_set: set } = target
  const [region, trust, name] = await Promise.all([
    look.text('region', target.region, shapes.region),
    readPemFiles({ ca_file }, look),
    set === undefined ? undefined : look.text('configuration_set', set, shapes.line),
  ])
  return { service: { service: 'ses', region, endpoint, ca: trust.ca }, set: name }
}

/** The keys that the application signs with; or why there are none. */
async function keysFor(target: SesTarget, region: string, look: Look): Promise<AwsKeys | string> {
  if (target.credentials !== undefined) {
    const { credentials } = target
    const { keys, unusable } = await look.phase('role', () => keysOfRole(target, { credentials, region }, look))
    return keys ?? unusable
  }
  const { token, keys, pair } = await readCredentials(target, look)
  if (token.unreadable !== undefined) return token.unreadable
  if (keys) return keys
  for (const [name, read] of [
    ['access_key', pair?.accessKey],
    ['secret_key', pair?.secretKey],
  ] as const) {
    if (!read || usable(read) !== undefined) continue
    const { setting } = read
    if (setting.state === 'unreadable') return setting.why
    return `${name}: ${setting.source}: ${setting.state === 'malformed' ? faults[setting.fault] : 'is empty'}`
  }
  return 'there are no keys'
}

/** https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html */
const sendEmail = ({ from, to, envelopeFrom, message }: Outgoing, set: string | undefined) => ({
  name: 'SendEmail',
  path: ['v2', 'email', 'outbound-emails'],
  json: {
    FromEmailAddress: from,
    Destination: { ToAddresses: [to] },
    // SES has an envelope sender of its own, and sends bounces on to this address. Default: From.
    ...(envelopeFrom !== from && { FeedbackForwardingEmailAddress: envelopeFrom }),
    Content: { Raw: { Data: Buffer.from(message).toString('base64') } },
    ...(set !== undefined && { ConfigurationSetName: set }),
  },
  read: (body: string): string | undefined => {
    const id = fieldsIn(body)?.['MessageId']
    return typeof id === 'string' ? id : undefined
  },
})

/** Such as 0102018f2b7c1d3e-5f6a7b8c-9d0e-1f2a-3b4c-5d6e7f8a9b0c-000000. */
const asId = (id: string): string => (/^[\w-]{1,100}$/.test(id) ? ` ${id}` : '')

/** AWS said nothing about the mail: it takes no request at all that is signed like this. */
const refusesAll = (failure: AwsFailure): boolean =>
  refusesKeys(failure) || failure.kind === 'clock_skewed' || failure.kind === 'region_disabled'

function handOverOf({ answer, mayBeDone }: AwsReply<string>): HandOver {
  const at = Date.now()
  if (answer.kind === 'ok') return { kind: 'accepted', at, reply: `MessageId${asId(answer.value)}` }
  const { kind, text, status: code } = answer
  if (mayBeDone) return { kind: 'unanswered', at, text }
  if (code === undefined || refusesAll(answer)) return { kind: 'not_sent', text }
  return {
    kind: 'refused',
    verb: 'SendEmail',
    code,
    status: undefined,
    text,
    forNow: kind === 'throttled' || code >= 500,
  }
}
