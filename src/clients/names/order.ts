import { createSocket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import { bytesOf as plainBytesOf, type Bytes } from '../../core/address.ts'
import { ownAddresses } from '../../core/own-addresses.ts'
import { linesOf } from './machine.ts'

/** A prefix of addresses as 16 bytes (IPv4 as ::ffff:a.b.c.d), and its value in a table. */
interface Row {
  readonly prefix: readonly number[]
  readonly bits: number
  readonly value: number
}

const mapped = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255]
const loopback = [...Array<number>(15).fill(0), 1]
const isMapped = (bytes: readonly number[]): boolean => mapped.every((byte, index) => bytes[index] === byte)

const row = (prefix: string, value: number): Row => {
  const [address = '', length = '128'] = prefix.split('/')
  return { prefix: bytesOf(address), bits: Number(length), value }
}
/** The tables of glibc, which differ a little from RFC 6724 §2.1. */
const labels = [
  row('::1/128', 0),
  row('::/0', 1),
  row('2002::/16', 2),
  row('::/96', 3),
  row('::ffff:0:0/96', 4),
  row('fec0::/10', 5),
  row('fc00::/7', 6),
  row('2001:0::/32', 7),
]
const precedences = [
  row('::1/128', 50),
  row('::/0', 40),
  row('2002::/16', 30),
  row('::/96', 20),
  row('::ffff:0:0/96', 10),
]

interface Place {
  readonly address: string
  readonly bytes: readonly number[]
  /** The source address that would be used; undefined if there is no route. */
  readonly source: readonly number[] | undefined
  readonly isV6: boolean
}

/** The order of RFC 6724 §6 with gai.conf(5), as far as a connected socket tells the source address. */
export async function inOrder(addresses: readonly string[], gaiConf: string): Promise<readonly string[]> {
  if (addresses.length < 2) return addresses
  const tables = { labels: tableOf(gaiConf, 'label', labels), precedences: tableOf(gaiConf, 'precedence', precedences) }
  const places = await placesOf(addresses)
  const subnets = ownSubnets()
  return places.toSorted((a, b) => compare(a, b, tables, subnets)).map(({ address }) => address)
}

function tableOf(gaiConf: string, key: string, usual: readonly Row[]): readonly Row[] {
  const rows = linesOf(gaiConf).flatMap(([word, prefix = '', value = '']) => {
    if (word !== key || !/^\d+$/.test(value) || !isIPv6(prefix.replace(/\/\d+$/, ''))) return []
    return [row(prefix, Number(value))]
  })
  return rows.length === 0 ? usual : rows
}

interface Tables {
  readonly labels: readonly Row[]
  readonly precedences: readonly Row[]
}

function compare(a: Place, b: Place, { labels, precedences }: Tables, subnets: readonly Subnet[]): number {
  // Rule 1: addresses that cannot be reached come last.
  if (!a.source || !b.source) return Number(!a.source) - Number(!b.source)
  const by = (rule: (place: Place, source: readonly number[]) => number): number =>
    rule(a, a.source ?? []) - rule(b, b.source ?? [])
  return (
    // Rule 2: the scope of both ends. 5: their label. 6: the precedence. 8: the smaller scope. 9: the longer prefix.
    by(({ bytes }, source) => Number(scopeOf(bytes) !== scopeOf(source))) ||
    by(({ bytes }, source) => Number(valueIn(labels, bytes) !== valueIn(labels, source))) ||
    -by(({ bytes }) => valueIn(precedences, bytes)) ||
    by(({ bytes }) => scopeOf(bytes)) ||
    (a.isV6 === b.isV6
      ? -by(({ bytes, isV6 }, source) => (isV6 ? commonBits(bytes, source) : commonWithin(subnets, bytes, source)))
      : 0)
  )
}

const valueIn = (table: readonly Row[], bytes: readonly number[]): number =>
  table
    .filter(({ prefix, bits }) => commonBits(prefix, bytes) >= bits)
    .reduce<Row | undefined>((best, one) => (best && best.bits >= one.bits ? best : one), undefined)?.value ?? 0

/** RFC 6724 §3.1 and §3.2: 2 is the link, 14 the world. */
function scopeOf(bytes: readonly number[]): number {
  const [first = 0, second = 0] = bytes
  if (isMapped(bytes)) return bytes[12] === 127 || (bytes[12] === 169 && bytes[13] === 254) ? 2 : 14
  if (first === 0xff) return second & 15
  if (first === 0xfe && second >= 0xc0) return 5
  return (first === 0xfe && second >= 0x80) || commonBits(bytes, loopback) === 128 ? 2 : 14
}

function commonBits(a: readonly number[], b: readonly number[]): number {
  const index = a.findIndex((byte, at) => byte !== b[at])
  return index === -1 ? 128 : index * 8 + Math.clz32((a[index] ?? 0) ^ (b[index] ?? 0)) - 24
}

/** A prefix of IPv4, as part of 128 bits. */
interface Subnet {
  readonly address: readonly number[]
  readonly bits: number
}

const ownSubnets = (): Subnet[] =>
  ownAddresses().flatMap(({ cidr, family, address }) =>
    family === 'IPv4' && cidr !== null ? [{ address: bytesOf(address), bits: 96 + Number(cidr.split('/')[1]) }] : [],
  )

/** As in glibc, the prefix counts only if both ends are in the same subnet. */
function commonWithin(subnets: readonly Subnet[], bytes: readonly number[], source: readonly number[]): number {
  const bits = subnets.find(({ address }) => commonBits(address, source) === 128)?.bits ?? 128
  const common = commonBits(bytes, source)
  return common >= bits ? common : 0
}

/** Of IPv4 as `::ffff:a.b.c.d`. */
function bytesOf(address: string): Bytes {
  const bytes = plainBytesOf(address) ?? []
  return bytes.length === 4 ? [...mapped, ...bytes] : bytes
}

/** Connects a UDP socket to each address to see the source address. This sends nothing. */
async function placesOf(addresses: readonly string[]): Promise<Place[]> {
  const sockets = new Map<boolean, ReturnType<typeof createSocket>>()
  const places: Place[] = []
  try {
    for (const address of addresses) {
      const isV6 = isIPv6(address)
      const socket = sockets.get(isV6) ?? createSocket(isV6 ? 'udp6' : 'udp4')
      sockets.set(isV6, socket)
      const source = await sourceFor(socket, address)
      places.push({
        address,
        bytes: bytesOf(address),
        isV6,
        source: source === undefined ? undefined : bytesOf(source),
      })
    }
  } finally {
    for (const socket of sockets.values()) socket.close()
  }
  return places
}

const anyPort = 65_535

const sourceFor = (socket: ReturnType<typeof createSocket>, address: string): Promise<string | undefined> =>
  new Promise(resolve => {
    const connected = (): void => {
      socket.off('error', failed)
      resolve(socket.address().address)
      socket.disconnect()
    }
    const failed = (): void => {
      socket.off('connect', connected)
      resolve(undefined)
    }
    socket.once('connect', connected).once('error', failed)
    socket.connect(anyPort, address)
  })
