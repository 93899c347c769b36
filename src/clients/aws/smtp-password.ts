import { hmacChain } from './sign.ts'

/**
 * The password that SES takes by SMTP for an access key in one region: an HMAC of its secret key with a version byte in
 * front, 44 characters. https://docs.aws.amazon.com/ses/latest/dg/smtp-credentials.html
 */
export function smtpPassword(secretKey: string, region: string): string {
  // The date is fixed, so that the password lasts.
  const chain = ['11111111', region, 'ses', 'aws4_request', 'SendRawEmail']
  return Buffer.concat([Buffer.of(version), hmacChain(`AWS4${secretKey}`, chain)]).toString('base64')
}

/** Whether a text has the form of such a password. */
export function isSmtpPassword(text: string): boolean {
  if (!/^[A-Za-z0-9+/]{44}$/.test(text)) return false
  const bytes = Buffer.from(text, 'base64')
  return bytes.length === 33 && bytes[0] === version
}

/** The first byte. */
const version = 4

/** The regions of AWS that SES may be in: https://docs.aws.amazon.com/general/latest/gr/ses.html */
export const sesRegions: readonly string[] = [
  ...['us-east-1', 'us-east-2', 'us-west-1', 'us-west-2', 'us-gov-east-1', 'us-gov-west-1'],
  ...['ca-central-1', 'ca-west-1', 'mx-central-1', 'sa-east-1'],
  ...['eu-central-1', 'eu-central-2', 'eu-north-1', 'eu-south-1', 'eu-south-2', 'eu-west-1', 'eu-west-2', 'eu-west-3'],
  ...['eusc-de-east-1', 'af-south-1', 'il-central-1', 'me-central-1', 'me-south-1'],
  ...['ap-east-1', 'ap-east-2', 'ap-northeast-1', 'ap-northeast-2', 'ap-northeast-3', 'ap-south-1', 'ap-south-2'],
  ...['ap-southeast-1', 'ap-southeast-2', 'ap-southeast-3', 'ap-southeast-4', 'ap-southeast-5', 'ap-southeast-6'],
  ...['ap-southeast-7', 'cn-north-1', 'cn-northwest-1'],
]
