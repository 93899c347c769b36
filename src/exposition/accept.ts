import type { Format } from './text-format.ts'

const openMetricsVersions: readonly (string | undefined)[] = [undefined, '1.0.0', '0.0.1']
const textTypes: readonly (string | undefined)[] = ['text/plain', 'text/*', '*/*']

/** The format that a scraper prefers, by its Accept header (RFC 9110, section 12.5.1); Prometheus text if it takes neither. */
export const formatFor = remembering((accept: string | undefined): Format => {
  for (const { type, version } of rangesOf(accept)) {
    if (type === 'application/openmetrics-text' && openMetricsVersions.includes(version)) return 'openmetrics'
    if (textTypes.includes(type)) return 'prometheus'
  }
  return 'prometheus'
})

/** The first of these types that a client names, by its preference; undefined if it names none. */
export const preferredType = (accept: string | undefined, types: readonly string[]): string | undefined =>
  rangesOf(accept).find(({ type }) => type !== undefined && types.includes(type))?.type

/** Best first. */
const rangesOf = (accept = '') =>
  accept
    .split(',')
    .map(parseRange)
    .filter(range => range.quality > 0)
    .sort((a, b) => b.quality - a.quality)

/** Whether a client prefers gzip, or likes it as much as an uncompressed body (Accept-Encoding; RFC 9110, section 12.5.3). */
export const takesGzip = remembering((acceptEncoding: string | undefined): boolean => {
  if (acceptEncoding === undefined) return false
  const codings = acceptEncoding.split(',').map(parseRange)
  const quality = (name: string): number | undefined =>
    (codings.find(({ type }) => type === name) ?? codings.find(({ type }) => type === '*'))?.quality
  const gzip = quality('gzip') ?? 0
  return gzip > 0 && gzip >= (codings.find(({ type }) => type === 'identity')?.quality ?? 0)
})

const remembered = 20

/** A cache of the last headers: a scraper sends the same one each time. */
function remembering<Result>(read: (header: string | undefined) => Result): (header: string | undefined) => Result {
  const known = new Map<string | undefined, Result>()
  return header => {
    const found = known.get(header)
    if (found !== undefined) return found
    if (known.size >= remembered) known.clear()
    const result = read(header)
    known.set(header, result)
    return result
  }
}

function parseRange(range: string) {
  const [type, ...rest] = range.split(';').map(part => part.trim().toLowerCase())
  const parameters = new Map(
    rest.map(part => {
      const [name = '', value = ''] = part.split('=', 2)
      return [name.trim(), value.trim().replace(/^"(.*)"$/, '$1')]
    }),
  )
  return { type, version: parameters.get('version'), quality: Number(parameters.get('q') ?? 1) }
}
