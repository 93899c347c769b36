/** A record at `_mta-sts` or `_smtp._tls`: the fields of the one that counts, or what is wrong. */
type Fields =
  | { readonly kind: 'missing' }
  /** `problem` completes "the record …". */
  | { readonly kind: 'invalid'; readonly problem: string }
  | { readonly kind: 'found'; readonly fields: ReadonlyMap<string, string> }

/**
 * The fields of the one record of this version. Others do not count, as the RFCs say: a wildcard may have given them. One that
 * begins almost right is a mistake.
 */
function oneOf(records: readonly string[], version: string): Fields {
  const ours = records.filter(record => new RegExp(`^v=${version}[ \\t]*(?:;|$)`).test(record))
  const meant = new RegExp(`^[\\s"']*v?[\\s=:"']*${version.replace(/v1$/, '')}`, 'i')
  if (ours.length === 0)
    return records.some(record => meant.test(record))
      ? { kind: 'invalid', problem: `does not begin with v=${version};` }
      : { kind: 'missing' }
  if (ours.length > 1) return { kind: 'invalid', problem: `is there ${ours.length} times, so none counts` }
  const parts = (ours[0] ?? '').split(';').map(part => part.trim())
  const fields = parts.filter(part => part !== '').map(part => /^([A-Za-z0-9][\w.-]{0,31})=(.*)$/s.exec(part))
  if (fields.includes(null)) return { kind: 'invalid', problem: 'has a part that is not key=value' }
  // Of a field that is there twice the first counts.
  const pairs = fields.map(field => [field?.[1] ?? '', field?.[2] ?? ''] as const)
  return { kind: 'found', fields: new Map([...pairs].reverse()) }
}

/** The record that announces MTA-STS, and its `id` (RFC 8461, 3.1). */
export function readStsRecord(
  records: readonly string[],
): Exclude<Fields, { kind: 'found' }> | { readonly kind: 'found'; readonly id: string } {
  const read = oneOf(records, 'STSv1')
  if (read.kind !== 'found') return read
  const id = read.fields.get('id')
  if (id === undefined) return { kind: 'invalid', problem: 'has no id' }
  return /^[A-Za-z0-9]{1,32}$/.test(id)
    ? { kind: 'found', id }
    : { kind: 'invalid', problem: 'has an id that is not made of 1 to 32 letters and digits' }
}

/** The record that asks for reports of TLS (RFC 8460, 3). */
export function readReportsRecord(records: readonly string[]): Exclude<Fields, { kind: 'found' }> | { kind: 'found' } {
  const read = oneOf(records, 'TLSRPTv1')
  if (read.kind !== 'found') return read
  const rua = read.fields.get('rua')
  if (rua === undefined) return { kind: 'invalid', problem: 'has no rua' }
  const wrong = rua
    .split(',')
    .some(uri => !/^(?:mailto:[^\s@,]+@[^\s@,]+\.[^\s@,]+|https:\/\/[^\s,/]+\S*)$/i.test(uri.trim()))
  return wrong ? { kind: 'invalid', problem: 'has a rua that is no mailto: or https: address' } : { kind: 'found' }
}
