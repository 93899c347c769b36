import { smtpRegionOf } from '../../clients/aws/endpoints.ts'
import { fingerprint } from '../../core/fingerprint.ts'
import type { Credentials } from './plan.ts'

/** The password that is used at a relay of SES. It is good in one region only. */
export interface SesPassword {
  /** The region of the relay. */
  readonly region: string
  /** Fingerprint of the password, to compare with those that a secret key derives. */
  readonly fingerprint: string
}

/** Undefined for another relay, or with a token. */
export function sesPasswordOf(host: string, { secret, token }: Credentials): SesPassword | undefined {
  const region = smtpRegionOf(host)
  return region === undefined || token ? undefined : { region, fingerprint: fingerprint(secret) }
}
