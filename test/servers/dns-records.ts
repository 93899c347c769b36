/** Records as they travel: RFC 1035, 3.3 and 4.1.3. */

/** A record of an answer. Default name: that of the question. */
export interface DnsRecord {
  readonly type: number
  readonly data: Buffer
  readonly name?: string
}

export const uint16 = (value: number): Buffer => {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16BE(value)
  return bytes
}

const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

export const nameOf = (name: string): Buffer => {
  const labels = name.split('.').filter(label => label !== '')
  return Buffer.concat([
    ...labels.flatMap(label => [Buffer.from([label.length]), Buffer.from(label)]),
    Buffer.from([0]),
  ])
}

export const a = (address: string): DnsRecord => ({ type: 1, data: Buffer.from(address.split('.').map(Number)) })
export const ns = (host: string): DnsRecord => ({ type: 2, data: nameOf(host) })
export const cname = (target: string): DnsRecord => ({ type: 5, data: nameOf(target) })
export const ptr = (host: string): DnsRecord => ({ type: 12, data: nameOf(host) })
export const mx = (preference: number, host: string): DnsRecord => ({
  type: 15,
  data: Buffer.concat([uint16(preference), nameOf(host)]),
})
export const soa = (primary: string, serial: number): DnsRecord => ({
  type: 6,
  data: Buffer.concat([nameOf(primary), nameOf('hostmaster.invalid'), ...[serial, 1, 1, 1, 1].map(uint32)]),
})
/** Each part is a string of at most 255 bytes. */
export const text = (...parts: readonly (string | Buffer)[]): DnsRecord => ({
  type: 16,
  data: Buffer.concat(
    parts.flatMap(part => {
      const bytes = Buffer.from(part)
      return [Buffer.from([bytes.length]), bytes]
    }),
  ),
})

export const encoded = (name: string, { type, data, name: own = name }: DnsRecord): Buffer =>
  Buffer.concat([nameOf(own), uint16(type), uint16(1), uint32(60), uint16(data.length), data])
