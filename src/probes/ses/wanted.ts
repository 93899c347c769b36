import type { AwsService } from '../../clients/aws/ask.ts'
import type { AwsKeys } from '../../clients/aws/sign.ts'
import { readPemFiles } from '../../clients/pem.ts'
import { Unresolved, describeError } from '../../core/errors.ts'
import { isAsciiAddress, withAsciiDomain } from '../../core/mail-address.ts'
import type { Look } from '../../core/probe.ts'
import type { Reference, Resolvable } from '../../core/reference.ts'
import { shapes } from '../../core/shape.ts'
import { sourceOf } from '../../core/source.ts'
import type { SesKeys, SesTarget } from './target.ts'

/** What SES is asked about, and where. It holds values of the application: none of it is shown. */
export interface SesWanted {
  readonly service: Omit<AwsService, 'keys'>
  readonly from: string | undefined
  readonly configurationSet: string | undefined
  readonly recipients: readonly string[]
  readonly monitor: AwsKeys | undefined
}

/** Reads the values of the target that SES is asked with, besides the settings. Those that could not be read are named. */
export async function readWanted(
  target: SesTarget,
  region: string,
  look: Look,
): Promise<SesWanted | { readonly unreadable: readonly string[] }> {
  const { endpoint, monitor, recipients = [], configuration_set: set } = target
  const unreadable: string[] = []
  const orNone = async <T>(reading: Promise<T> | undefined): Promise<T | undefined> => {
    try {
      return await reading
    } catch (error) {
      if (!(error instanceof Unresolved)) throw error
      unreadable.push(describeError(error))
      return undefined
    }
  }
  const address = async (field: string, value: Resolvable): Promise<string> => {
    const found = await look.text(field, value, shapes.mailAddress)
    look.conceal(found)
    // As SES has it.
    return withAsciiDomain(found)
  }
  const sender = async (value: Resolvable): Promise<string> => {
    const found = await address('from', value)
    // It has no SMTPUTF8: https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html
    if (isAsciiAddress(found)) return found
    throw new Unresolved(`from: ${sourceOf(value)}: has letters before the @ that SES does not take (only ASCII)`)
  }
  const [trust, from, configurationSet, keys, ...to] = await Promise.all([
    orNone(readPemFiles({ ca_file: target.ca_file }, look)),
    orNone(target.from === undefined ? undefined : sender(target.from)),
    orNone(set === undefined ? undefined : look.text('configuration_set', set, shapes.line)),
    orNone(monitor && keysOf(monitor, look)),
    ...recipients.map((value, i) => orNone(address(`recipients[${i}]`, value))),
  ])
  if (unreadable.length > 0) return { unreadable: unreadable.sort() }
  return {
    service: { service: 'ses', region, endpoint, ca: trust?.ca },
    from,
    configurationSet,
    recipients: to.filter(one => one !== undefined),
    monitor: keys,
  }
}

async function keysOf({ access_key, secret_key, session_token }: SesKeys, look: Look): Promise<AwsKeys> {
  return {
    accessKey: await look.text('monitor.access_key', access_key, shapes.accessKey),
    secretKey: await look.secret('monitor.secret_key', secret_key),
    sessionToken: await readToken('monitor.session_token', session_token, look),
  }
}

/** Undefined if there is none, or if its source has no such value: then the keys are no temporary ones. */
export async function readToken(field: string, from: Reference | undefined, look: Look): Promise<string | undefined> {
  const token = from && (await look.secret(field, { ...from, default: from.default ?? '' }))
  return token === '' ? undefined : token
}
