/**
 * The base URL of a service of AWS in a region, as its SDK resolves it. Whether the service exists there is another
 * question: if not, the name does not resolve.
 */
export const awsEndpoint = (service: 'email' | 'sts', region: string): string =>
  `https://${service}.${region}.${suffixOf(region)}`

/** https://docs.aws.amazon.com/general/latest/gr/rande.html and `partitions.json` of the SDKs, by the begin of a region. */
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
