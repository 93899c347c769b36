/**
 * A name server that does what a real one cannot be made to do: it never answers, fails, answers too much or for another
 * question. Written from RFC 1035 (§4.1 is the format, §4.2.2 the length over TCP) and RFC 3596 (AAAA).
 */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, isIPv6, type Socket } from 'node:net'
import { encoded, nameOf, text, uint16, type DnsRecord } from './dns-records.ts'

/** `found`: addresses, IPv4 and IPv6; `alias`: of another name. What is not there answers NXDOMAIN. */
export type DnsRow =
  | { readonly found: readonly string[] }
  /** A TXT record, of at most 255 characters in each of its strings. */
  | { readonly text: string }
  | { readonly alias: string }
  | { readonly rcode: number }
  /** Silent for both kinds, or for one of them (1 is A, 28 AAAA); for the first `times` questions only, where that is given. */
  | { readonly silent: 'all' | 1 | 28; readonly found?: readonly string[]; readonly times?: number }
  /** So much later. */
  | { readonly lateMs: number; readonly found: readonly string[] }
  /** Answers that do not belong to the question: with another id, or for another name. Then the true one. */
  | { readonly noise: number; readonly found: readonly string[] }
  /** Bytes that are no answer. */
  | { readonly garbage: number }
  /** Those of the type that is asked for, and aliases (CNAME). */
  | { readonly records: readonly DnsRecord[] }
  /** Bytes behind the head of an answer that says it has so many records. */
  | { readonly answers: number; readonly tail: Buffer }
  /** Too long for UDP. Over TCP it says nothing, closes, sends a byte of an answer at a time, or other answers without end. */
  | { readonly truncated: 'silent' | 'closed' | 'drip' | 'endless' }
  /** Answers to other questions without end, over UDP. */
  | { readonly endless: true }

export interface DnsDouble {
  readonly host: string
  readonly port: number
  /** What was asked, as `A name`, in lower case; those over TCP begin with `tcp`. */
  readonly asked: readonly string[]
  /** Takes other rows from now on; a row for `*.zone` is for all names below. */
  serve: (rows: Readonly<Record<string, DnsRow>>) => void
  close: () => Promise<void>
}

const typeNames: Readonly<Record<number, string>> = {
  1: 'A',
  2: 'NS',
  5: 'CNAME',
  6: 'SOA',
  12: 'PTR',
  15: 'MX',
  16: 'TXT',
  28: 'AAAA',
}
/** Between two answers of those without end, in milliseconds. */
const dripMs = 5
const nxdomain = 3

export async function startDnsDouble(
  rows: Readonly<Record<string, DnsRow>> = {},
  {
    host = '127.0.0.1',
    port = 0,
    tcp: hasTcp = true,
  }: { readonly host?: string; readonly port?: number; readonly tcp?: boolean } = {},
): Promise<DnsDouble> {
  let served = rows
  const asked: string[] = []
  const counts = new Map<string, number>()
  const timers = new Set<NodeJS.Timeout>()
  const open = new Set<Socket>()
  const later = (ms: number, work: () => void): void => {
    const timer = setTimeout(() => {
      timers.delete(timer)
      work()
    }, ms)
    timers.add(timer)
  }

  /** Until it is closed. */
  const forEver = (work: (n: number) => void, n = 0): void => {
    work(n)
    later(dripMs, () => forEver(work, n + 1))
  }
  const badly = (question: Buffer, how: 'silent' | 'closed' | 'drip' | 'endless', socket: Socket): void => {
    if (how === 'closed') socket.destroy()
    const whole = Buffer.concat([uint16(2_000), header(question, 0, 1), Buffer.alloc(2_000)])
    const other = wrong(question, 1, 0)
    other.writeUInt16BE((other.readUInt16BE(0) + 1) % 65_536, 0)
    if (how === 'drip') forEver(n => socket.write(whole.subarray(n, n + 1)))
    if (how === 'endless') forEver(() => socket.write(Buffer.concat([uint16(other.length), other])))
  }

  function handle(question: Buffer, overTcp: Socket | undefined, send: (answer: Buffer) => void): void {
    const { name, type } = questionOf(question)
    asked.push(`${overTcp ? 'tcp ' : ''}${typeNames[type] ?? type} ${name}`)
    const row = rowFor(served, name)
    const reply = (addresses: readonly string[] = []): void => {
      const answer = answerTo(question, type, addresses, served, name)
      sendWhole(answer)
    }
    const sendWhole = (answer: Buffer): void => send(!overTcp && answer.length > 512 ? truncated(question) : answer)
    if (row === undefined) send(header(question, nxdomain, 0))
    else if ('rcode' in row) send(header(question, row.rcode, 0))
    else if ('text' in row) {
      const strings = text(...(row.text.match(/.{1,255}/g) ?? []))
      send(withRecords(question, type === strings.type ? [encoded(name, strings)] : []))
    } else if ('records' in row) {
      const found = row.records.filter(record => record.type === type || record.type === 5)
      sendWhole(
        withRecords(
          question,
          found.map(record => encoded(name, record)),
        ),
      )
    } else if ('tail' in row) {
      sendWhole(Buffer.concat([header(question, 0, row.answers), row.tail]))
    } else if ('truncated' in row) {
      if (overTcp) badly(question, row.truncated, overTcp)
      else send(truncated(question))
    } else if ('endless' in row) forEver(n => send(wrong(question, type, n)))
    else if ('garbage' in row) send(Buffer.alloc(row.garbage, 0xc0))
    else if ('lateMs' in row) later(row.lateMs, () => reply(row.found))
    else if ('silent' in row) {
      const count = (counts.get(name) ?? 0) + 1
      counts.set(name, count)
      if (count > (row.times ?? Infinity) || (row.silent !== 'all' && row.silent !== type)) reply(row.found)
    } else {
      for (let n = 0; n < ('noise' in row ? row.noise : 0); n++) send(wrong(question, type, n))
      reply('found' in row ? row.found : [])
    }
  }

  const udp = createSocket(isIPv6(host) ? 'udp6' : 'udp4')
  udp.on('message', (question, { port, address }) =>
    handle(question, undefined, answer => udp.send(answer, port, address, () => undefined)),
  )
  const tcp = createServer(socket => {
    open.add(socket)
    socket.on('error', () => undefined).on('close', () => open.delete(socket))
    let bytes = Buffer.alloc(0)
    socket.on('data', chunk => {
      bytes = Buffer.concat([bytes, chunk])
      while (bytes.length >= 2 && bytes.length >= 2 + bytes.readUInt16BE(0)) {
        const end = 2 + bytes.readUInt16BE(0)
        handle(bytes.subarray(2, end), socket, answer => socket.write(Buffer.concat([uint16(answer.length), answer])))
        bytes = bytes.subarray(end)
      }
    })
  })
  tcp.listen(port, host)
  await once(tcp, 'listening')
  const bound = tcp.address()
  if (bound === null || typeof bound === 'string') throw new Error('not a TCP server')
  if (!hasTcp) await new Promise<void>(resolve => tcp.close(() => resolve()))
  udp.bind(bound.port, host)
  await once(udp, 'listening')
  return {
    host,
    port: bound.port,
    asked,
    serve(next) {
      served = next
    },
    async close() {
      for (const timer of timers) clearTimeout(timer)
      for (const socket of open) socket.destroy()
      await Promise.all([
        new Promise<void>(resolve => udp.close(() => resolve())),
        hasTcp ? new Promise<void>(resolve => tcp.close(() => resolve())) : undefined,
      ])
    },
  }
}

function rowFor(rows: Readonly<Record<string, DnsRow>>, name: string): DnsRow | undefined {
  const labels = name.split('.')
  const above = labels.map((_, at) => `*.${labels.slice(at + 1).join('.')}`)
  return [name, ...above].map(one => rows[one]).find(row => row !== undefined)
}

export function questionOf(message: Buffer): { readonly name: string; readonly type: number; readonly end: number } {
  const labels: string[] = []
  let at = 12
  for (let length = message[at] ?? 0; length > 0; length = message[at] ?? 0) {
    labels.push(message.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  return { name: labels.join('.').toLowerCase(), type: message.readUInt16BE(at + 1), end: at + 5 }
}

/** QR, RD and RA set; the question repeated. */
export function header(question: Buffer, rcode: number, answers: number, flags = 0x8180): Buffer {
  const { end } = questionOf(question)
  const bytes = Buffer.from(question.subarray(0, end))
  bytes.writeUInt16BE(flags | rcode, 2)
  bytes.writeUInt16BE(1, 4)
  bytes.writeUInt16BE(answers, 6)
  bytes.writeUInt16BE(0, 8)
  bytes.writeUInt16BE(0, 10)
  return bytes
}

export const truncated = (question: Buffer): Buffer => header(question, 0, 0, 0x8380)

const record = (name: string, type: number, data: Buffer): Buffer => encoded(name, { type, data })

const withRecords = (question: Buffer, records: readonly Buffer[]): Buffer =>
  Buffer.concat([header(question, 0, records.length), ...records])

function answerTo(
  question: Buffer,
  type: number,
  addresses: readonly string[],
  rows: Readonly<Record<string, DnsRow>>,
  name: string,
): Buffer {
  const records: Buffer[] = []
  let at = name
  let found = addresses
  // Far enough for a circle.
  for (let row = rowFor(rows, at); row && 'alias' in row && records.length < 8; row = rowFor(rows, at)) {
    records.push(record(at, 5, nameOf(row.alias)))
    at = row.alias
    const next = rowFor(rows, at)
    found = next && 'found' in next ? (next.found ?? []) : []
  }
  for (const address of type === 1 || type === 28 ? found : [])
    if (isIPv6(address) === (type === 28)) records.push(record(at, type, bytesOf(address)))
  return withRecords(question, records)
}

function bytesOf(address: string): Buffer {
  if (!isIPv6(address)) return Buffer.from(address.split('.').map(Number))
  const [head = '', tail = ''] = address.split('::')
  const groups = (half: string): string[] => (half === '' ? [] : half.split(':'))
  const zeros = Array<string>(8 - groups(head).length - groups(tail).length).fill('0')
  return Buffer.concat([...groups(head), ...zeros, ...groups(tail)].map(group => uint16(Number.parseInt(group, 16))))
}

/** An answer to another question under the id of this one, or one to this question under another id. */
function wrong(question: Buffer, type: number, n: number): Buffer {
  const other = Buffer.concat([question.subarray(0, 12), nameOf('other.test'), uint16(type), uint16(1)])
  if (n % 2 === 0) return Buffer.concat([header(other, 0, 1), record('other.test', 1, Buffer.from([6, 6, 6, 6]))])
  const answer = answerTo(question, type, ['6.6.6.6'], {}, questionOf(question).name)
  answer.writeUInt16BE((answer.readUInt16BE(0) + 1 + n) % 65_536, 0)
  return answer
}
