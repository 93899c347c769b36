/** A service of AWS, and where it is. */
export interface AwsPlace {
  readonly service: 'ses' | 'sts'
  readonly region: string
  /** Base URL. Default: that of the service in the region. */
  readonly endpoint?: string | undefined
}

/**
 * The base URL of a service, as its SDK resolves it. Whether the service exists in the region is another question: if not,
 * the name does not resolve.
 */
export const awsEndpoint = ({ service, region, endpoint }: AwsPlace): string =>
  endpoint?.replace(/\/+$/, '') ?? `https://${hosts[service]}.${region}.${suffixOf(region)}`

const hosts = { ses: 'email', sts: 'sts' } as const

/** https://docs.aws.amazon.com/general/latest/gr/rande.html and `partitions.json` of the SDKs, by what a region begins with. */
const suffixes: readonly (readonly [begin: string, suffix: string])[] = [
  ['cn-', 'amazonaws.com.cn'],
  ['eusc-', 'amazonaws.eu'],
  ['us-iso-', 'c2s.ic.gov'],
  ['us-isob-', 'sc2s.sgov.gov'],
  ['us-isof-', 'csp.hci.ic.gov'],
  ['eu-isoe-', 'cloud.adc-e.uk'],
]

const usual = 'amazonaws.com'

const suffixOf = (region: string): string => suffixes.find(([begin]) => region.startsWith(begin))?.[1] ?? usual

/** Whether AWS itself is behind a URL: an endpoint of a region, with IPv6 (`api.aws`), or in a VPC. */
export function isOfAws(url: string): boolean {
  const host = URL.canParse(url) ? new URL(url).hostname : ''
  return [usual, 'api.aws', ...suffixes.map(([, suffix]) => suffix)].some(suffix => host.endsWith(`.${suffix}`))
}

/** Whether what is sent to a URL leaves this machine without TLS. */
export function isInTheClear(url: string): boolean {
  const { protocol, hostname } = new URL(url)
  return protocol !== 'https:' && !/^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname)
}

/** `eu-west-1`, `us-gov-east-1`, `eusc-de-east-1`; `eu-west-1a` is an availability zone. */
export const isRegion = (text: string): boolean => /^[a-z]{2,4}(?:-[a-z]+){1,2}-\d{1,2}$/.test(text)

/** The region of a relay of SES, also FIPS and by way of a VPC: `email-smtp.<region>.…`; undefined for another host. */
export function smtpRegionOf(host: string): string | undefined {
  const [, region = ''] = /(?:^|\.)email-smtp(?:-fips)?\.([^.]+)\./.exec(host.toLowerCase()) ?? []
  return isRegion(region) ? region : undefined
}
