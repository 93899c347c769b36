import net from 'node:net'
import fc from 'fast-check'
import { expect, it, onTestFinished } from 'vitest'
import type { Observation } from '../../src/core/probe.ts'
import { postgres } from '../../src/probes/postgres/index.ts'
import { listen } from '../servers/hostile.ts'
import { env, look } from '../probes/look.ts'

/** A server that answers the login with these bytes, and whatever comes next with the same or others. */
async function answering(bytes: Buffer, next = bytes): Promise<number> {
  const server = await listen(
    net.createServer(socket => {
      socket.on('error', () => undefined)
      let heard = 0
      socket.on('data', () => socket.write([Buffer.from('N'), bytes][heard++] ?? next))
    }),
    {},
  )
  onTestFinished(() => server.close())
  return server.port
}

const message = (type: string, body: Buffer, length = body.length + 4): Buffer => {
  const head = Buffer.alloc(5)
  head.write(type, 0, 'latin1')
  head.writeInt32BE(length, 1)
  return Buffer.concat([head, body])
}

async function verdictOn(bytes: Buffer) {
  return (await seenOf(bytes))?.verdict
}

async function seenOf(bytes: Buffer, next?: Buffer): Promise<Observation | undefined> {
  const port = await answering(bytes, next)
  const target = postgres.target.parse({
    name: 'x',
    cluster: 'kb',
    url: `postgres://a@127.0.0.1:${port}/b`,
    password: { env: 'P' },
  })
  return look(postgres, target, { timeoutMs: 150, references: env({ P: 'x' }) })
}

const authenticated = Buffer.concat([message('R', Buffer.from([0, 0, 0, 0])), message('Z', Buffer.from('I'))])

// Each of these freezes or ends a process that gives it to the parser of node-postgres as it is.
it.each([
  ['an error without its final zeros', message('E', Buffer.from('SFATAL'))],
  ['an error that ends in the middle of a field', message('E', Buffer.from('SFATAL\0Mx\0C'))],
  ['a length of -1', message('Z', Buffer.from('I'), -1)],
  ['a length of 0', message('Z', Buffer.from('I'), 0)],
  ['a length of 2 GB', message('D', Buffer.from('I'), 0x7fffffff)],
  ['a row with -1 fields', Buffer.concat([authenticated, message('D', Buffer.from([0xff, 0xff]))])],
  ['a row description cut short', Buffer.concat([authenticated, message('T', Buffer.from([0, 9, 65]))])],
  ['a copy response cut short', Buffer.concat([authenticated, message('G', Buffer.from([0]))])],
])('survives %s', async (_, bytes) => {
  expect(await verdictOn(bytes)).toBe('fail')
})

it('survives any sequence of messages, and never calls it ok', async () => {
  const types = fc.constantFrom(...'RKZSTDEN12CAsnIGHWdcv3tX'.split(''))
  const messages = fc.array(fc.tuple(types, fc.uint8Array({ maxLength: 40 })), { minLength: 1, maxLength: 6 })
  await fc.assert(
    fc.asyncProperty(fc.boolean(), messages, async (loggedIn, parts) => {
      const noise = parts.map(([type, body]) => message(type, Buffer.from(body)))
      expect(await verdictOn(Buffer.concat([loggedIn ? authenticated : Buffer.alloc(0), ...noise]))).toBe('fail')
    }),
    { numRuns: 60 },
  )
}, 60_000)

/** A row of one column each, as text; the type is by its OID (bool, int4, float8, text). */
function rowOf(columns: Readonly<Record<string, boolean | number | string | null>>): Buffer {
  const int = (bytes: 2 | 4, value: number): Buffer => {
    const buffer = Buffer.alloc(bytes)
    buffer.writeIntBE(value, 0, bytes)
    return buffer
  }
  const typeOf = (value: unknown): number => (typeof value === 'boolean' ? 16 : typeof value === 'number' ? 701 : 25)
  const entries = Object.entries(columns)
  const described = entries.map(([name, value]) =>
    Buffer.concat([
      Buffer.from(`${name}\0`),
      int(4, 0),
      int(2, 0),
      int(4, typeOf(value)),
      int(2, -1),
      int(4, -1),
      int(2, 0),
    ]),
  )
  const values = entries.map(([, value]) => {
    if (value === null) return int(4, -1)
    const text = Buffer.from(typeof value === 'boolean' ? (value ? 't' : 'f') : String(value))
    return Buffer.concat([int(4, text.length), text])
  })
  const count = int(2, entries.length)
  return Buffer.concat([
    message('T', Buffer.concat([count, ...described])),
    message('D', Buffer.concat([count, ...values])),
    message('C', Buffer.from('SELECT 1\0')),
    message('Z', Buffer.from('I')),
  ])
}

it('takes no more for a label than a version and a number, whatever the server says it is', async () => {
  const nothing = Object.fromEntries(
    ['read_only_source', 'server_address', 'server_port', 'wal_lsn', 'wal_file_timeline', 'receiver_status']
      .concat(['received_timeline', 'upstream_host', 'upstream_port', 'receiver_silent_seconds', 'replay_lag_bytes'])
      .concat(['last_replay_seconds', 'replay_paused', 'connections'])
      .map(name => [name, null]),
  )
  const facts = { in_recovery: false, read_only: false, postmaster_start: 'x', receiver_running: false, monitor: true }
  const rest = { ...nothing, ...facts, synchronous: false, max_connections: 100, sync_standbys: 0 }
  const told = async (version: string, system_identifier: string) =>
    seenOf(authenticated, rowOf({ ...rest, version, system_identifier }))
  const labels = (await told(`18.0\n${'x'.repeat(50_000)}`, '7301'))?.samples.find(
    ({ metric }) => metric.name === 'mailpath_postgres_info',
  )?.labels
  expect(labels).toMatchObject({ version: `18.0 ${'x'.repeat(59)}`, system_identifier: '7301' })
  const odd = await told('18.0', 'x'.repeat(50_000))
  expect(odd?.samples.map(({ labels }) => JSON.stringify(labels).length > 200)).not.toContain(true)
  expect(odd?.reasons.map(({ code }) => code)).toEqual(['postgres_protocol_error'])
})
