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
  const region = sesRegionOf(host)
  return region === undefined || token ? undefined : { region, fingerprint: fingerprint(secret) }
}

/** `email-smtp.<region>.…`, also FIPS and by way of a VPC: https://docs.aws.amazon.com/general/latest/gr/ses.html */
export const sesRegionOf = (host: string): string | undefined =>
  /(?:^|\.)email-smtp(?:-fips)?\.([a-z]{2,4}(?:-[a-z]+){1,2}-\d{1,2})\./i.exec(host)?.[1]?.toLowerCase()
