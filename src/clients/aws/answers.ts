/**
 * Why a signed request was not answered as asked. AWS checks the signature first and the policy then, so `denied` proves
 * the keys. https://docs.aws.amazon.com/ses/latest/APIReference-V2/CommonErrors.html
 */
export const awsFaults = [
  'key_unknown',
  'secret_wrong',
  'clock_skewed',
  'token_expired',
  'denied',
  'region_disabled',
  'throttled',
  'not_found',
  /** A request that AWS calls wrong: our own mistake, or a proxy took a header. */
  'bad_request',
  /** 5xx, or an error of AWS that is none of these. */
  'error',
  /** No answer of AWS: HTML, cut off, not JSON, a redirect, too large. */
  'not_aws',
  'unreachable',
  'no_answer',
  'certificate_invalid',
] as const
export type AwsFault = (typeof awsFaults)[number]

/** What AWS answered to one request. */
export type AwsAnswer<T> =
  | { readonly kind: 'ok'; readonly value: T }
  /** `text`: one line without a secret, an address or a token. `action`: that which is not allowed, as AWS names it. */
  | { readonly kind: AwsFault; readonly text: string; readonly action?: string | undefined }
