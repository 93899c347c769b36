import { createServer, type Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createReferences } from '../../src/references/index.ts'
import type { Observation } from '../../src/core/probe.ts'
import { haproxy } from '../../src/probes/haproxy/index.ts'
import { pgbouncer } from '../../src/probes/pgbouncer/index.ts'
import { postgres } from '../../src/probes/postgres/index.ts'
import { ses } from '../../src/probes/ses/index.ts'
import { smtp } from '../../src/probes/smtp/index.ts'
import { vault } from '../../src/probes/vault/index.ts'
import { look, values } from '../probes/look.ts'
import { certificates } from '../servers/certificates.ts'
import { flood, floodOf, listen, scripted, type Listening } from '../servers/hostile.ts'
import { waitFor } from '../servers/ports.ts'
import { startHostileImap } from '../servers/hostile-imap.ts'
import { accessKeyOf, startSesDouble } from '../servers/ses-double.ts'
import { withMailbox } from './imap/mailbox-look.ts'

const timeoutMs = 20_000
/** Of a few MiB at most; the system keeps the rest of a connection (tcp_rmem, tcp_wmem) for who has not read it. */
const fewBytes = 48 * 1_048_576

const made = await certificates()
const references = values({ P: 'unused-password', '/ca.pem': made.ca })

async function open<S extends Listening>(starting: Promise<S>): Promise<S> {
  const server = await starting
  onTestFinished(() => server.close())
  return server
}

/** It is the bound that ended the run, and not the deadline, which is far off; and the server is rid of us. */
async function expectCutOff(
  found: Observation | undefined,
  server: Listening,
  sent: number,
  codes: readonly string[],
): Promise<void> {
  expect(found?.reasons.map(({ code }) => code)).toEqual(codes)
  expect(sent).toBeLessThan(fewBytes)
  await waitFor(() => server.connections === 0, { timeoutMs: 5_000, what: 'the connection was given up' })
}

const sesKey = { id: accessKeyOf(), secret: 'hT4n/Zp0q+'.repeat(4) }
const keysOfSes = values({ KEY: sesKey.id, SECRET: sesKey.secret })
const sesAt = (endpoint: string) =>
  ses.target.parse({
    name: 'x',
    access_key: { env: 'KEY' },
    secret_key: { env: 'SECRET' },
    region: 'eu-west-1',
    endpoint,
  })

const textOf = (found: Observation | undefined): string | undefined => found?.reasons[0]?.text

describe('a mail server that without end sends', () => {
  const target = (port: number, more: object) =>
    smtp.target.parse({ name: 'x', host: '127.0.0.1', port, ca_file: '/ca.pem', ...more })

  it.each([
    ['one line', '', 'x'],
    ['one greeting', '', '220-mail.keybuzz.io\r\n'],
    ['empty lines', '', '\r\n'],
    ['line breaks alone', '', '\n'],
    ['empty lines after the greeting', '220 mail.keybuzz.io\r\n', '\r\n'],
    ['replies that nobody asked for', '220 mail.keybuzz.io\r\n', '199 x\r\n'],
  ])('%s', async (_, opening, block) => {
    const server = await open(flood(block, { opening }))
    const found = await look(smtp, target(server.port, { security: 'none' }), { timeoutMs, references })
    await expectCutOff(found, server, server.sent, ['smtp_protocol_error'])
  })

  it.each(['starttls', 'tls'] as const)('empty lines within TLS (%s)', async security => {
    const flow = floodOf('\r\n')
    const handlers = [
      (line: string, socket: object) => {
        if (!line.startsWith('EHLO') || !(socket instanceof TLSSocket)) return undefined
        flow.into(socket)
        return ''
      },
    ]
    const server = await open(scripted({ security, certificate: made.good, handlers }))
    const found = await look(smtp, target(server.port, { security }), { timeoutMs, references })
    await expectCutOff(found, server, flow.sent(), ['smtp_protocol_error'])
    expect(textOf(found)).toContain('the server sent too much: more than 256 KiB (phase ehlo)')
  })
})

/** Logs in at this server without TLS, and opens the inbox. */
function inboxAt({ port }: { readonly port: number }) {
  const login = { user: 'a', secret: 'unused-password', token: false } as const
  const plan = { host: '127.0.0.1', port, name: 'localhost', security: 'none', tls: {}, ...login } as const
  return withMailbox(plan, mailbox => mailbox.open('INBOX'), { timeoutMs })
}

describe('a mailbox that without end sends', () => {
  it.each([
    ['one line', 'x'],
    ['empty lines', '\r\n'],
    ['stars', '* \r\n'],
    ['alerts', '* OK [ALERT] beware\r\n'],
    ['capabilities', '* CAPABILITY IMAP4rev1 X\r\n'],
    ['folders', '* LIST () "/" x\r\n'],
    ['rows', '* 1 FETCH (UID 7)\r\n'],
    ['expunged mails', '* 1 EXPUNGE\r\n'],
    ['continuations', '+ go on\r\n'],
    ['tags that nobody asked for', 'x1 OK done\r\n'],
    ['brackets', '* OK ['],
    ['parentheses', '('],
    ['empty literals', '{0}\r\n'],
    ['atoms', '1 '],
  ])('%s', async (_, block) => {
    const flow = floodOf(block)
    const handlers = [
      (command: string, socket: Socket) => {
        if (!command.startsWith('SELECT')) return undefined
        flow.into(socket)
        return ''
      },
    ]
    const server = await open(startHostileImap({ handlers }))
    const found = inboxAt(server)
    await expect(found).rejects.toMatchObject({ name: 'MailboxError', fault: 'not_imap' })
    expect(flow.sent()).toBeLessThan(fewBytes)
    await waitFor(() => server.connections === 0, { timeoutMs: 5_000, what: 'the connection was given up' })
  })

  it.each(['* OK ready', '220 '])('a greeting that begins with %j', async greeting => {
    const server = await open(flood('x', { opening: greeting }))
    const found = inboxAt(server)
    await expect(found).rejects.toMatchObject({ fault: 'not_imap' })
    expect(server.sent).toBeLessThan(fewBytes)
  })
})

const message = (type: string, body: Buffer): Buffer => {
  const head = Buffer.alloc(5)
  head.write(type, 0, 'latin1')
  head.writeInt32BE(body.length + 4, 1)
  return Buffer.concat([head, body])
}
const text = (type: string, body: string): Buffer => message(type, Buffer.from(body, 'latin1'))
const postgresAt = (port: number, query = 'sslmode=disable') =>
  postgres.target.parse({
    name: 'x',
    cluster: 'kb',
    url: `postgres://a@127.0.0.1:${port}/b?${query}`,
    password: { env: 'P' },
  })

describe('a Postgres server that without end sends', () => {
  const loggedIn = Buffer.concat([message('R', Buffer.alloc(4)), text('Z', 'I')])
  const columns = text('T', `\0\x01a${'\0'.repeat(9)}\x19${'\xff'.repeat(6)}\0\0`)

  it.each([
    ['its parameters', 1, Buffer.alloc(0), text('S', 'a\0b\0')],
    ['notices', 1, Buffer.alloc(0), text('N', 'SNOTICE\0Mx\0\0')],
    ['rows', 2, loggedIn, Buffer.concat([columns, ...Array<Buffer>(4_000).fill(text('D', '\0\x01\0\0\0\x01x'))])],
    ['notices instead of an answer', 2, loggedIn, text('N', 'SNOTICE\0Mx\0\0')],
  ])('%s', async (_, words, opening, block) => {
    const server = await open(flood(block, { opening, words }))
    const found = await look(postgres, postgresAt(server.port), { timeoutMs, references })
    await expectCutOff(found, server, server.sent, ['postgres_protocol_error'])
    expect(textOf(found)).toContain('the server sent too much: more than 1024 KiB')
  })

  it('what comes before TLS', async () => {
    const server = await open(flood('SSSS', { words: 1 }))
    const found = await look(postgres, postgresAt(server.port, 'sslmode=require'), { timeoutMs, references })
    await expectCutOff(found, server, server.sent, ['postgres_protocol_error'])
  })
})

it('does as many rounds of hashing as a Postgres server asks for, up to a hundred thousand', async () => {
  // The salt and the count of RFC 5802: two thousand million rounds would take a thread for half an hour.
  const server = await open(
    listen(
      createServer(socket => {
        socket.on('data', (said: Buffer) => {
          const nonce = /r=([^,\0]+)$/.exec(said.toString('latin1'))?.[1]
          if (nonce === undefined) socket.write(text('R', '\0\0\0\x0aSCRAM-SHA-256\0\0'))
          else socket.write(text('R', `\0\0\0\x0br=${nonce}x,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=2000000000`))
        })
      }),
    ),
  )
  const found = await look(postgres, postgresAt(server.port), { timeoutMs, references })
  expect(textOf(found)).toContain('iteration count 2000000000 exceeds scramMaxIterations of 100000')
})

it('reads no certificates out of what is no file, though the settings of an application name it', async () => {
  const server = await open(listen(createServer(socket => void socket.once('data', () => socket.write('S')))))
  const found = await look(postgres, postgresAt(server.port, 'sslmode=verify-full&sslrootcert=/dev/zero'), {
    timeoutMs,
    references,
  })
  expect(found?.reasons.map(({ code }) => code)).toEqual(['postgres_tls_failed'])
  expect(textOf(found)).toContain('the certificates of the authority in /dev/zero: is not a regular file')
})

describe('an HTTP server that without end sends', () => {
  const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'
  /** A Secret may be larger than any answer of a Vault. */
  const ofKubernetes: Readonly<Record<string, string>> = { '1 MiB': '2.5 MiB', '2048 KiB': '5120 KiB' }
  const cases: readonly (readonly [what: string, opening: string, block: string, text: string])[] = [
    ['a body', 'HTTP/1.1 200 OK\r\n\r\n', 'x', 'the answer is larger than 1 MiB'],
    ['chunks', chunked, '1\r\nx\r\n', 'more than 2048 KiB'],
    ['an extension of a chunk', `${chunked}1;`, 'x', 'Chunk extensions overflow'],
    ['trailers', `${chunked}0\r\n`, 'a: b\r\n', 'Header overflow'],
    ['headers', 'HTTP/1.1 200 OK\r\n', 'a: b\r\n', 'Header overflow'],
    ['one header', 'HTTP/1.1 200 OK\r\na: ', 'x', 'Header overflow'],
    ['one status line', 'HTTP/1.1 200 ', 'x', 'Header overflow'],
    ['early hints', '', 'HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n', 'more than 2048 KiB'],
    ['invitations to send', '', 'HTTP/1.1 100 Continue\r\n\r\n', 'more than 2048 KiB'],
  ]

  it.each(cases)('%s, in the place of a Vault', async (_, opening, block, text) => {
    const server = await open(flood(block, { opening, words: 1 }))
    const target = vault.target.parse({ name: 'x', url: `http://127.0.0.1:${server.port}` })
    const found = await look(vault, target, { timeoutMs })
    await expectCutOff(found, server, server.sent, ['vault_unreachable'])
    expect(textOf(found)).toContain(text)
  })

  it.each(cases)('%s, in the place of SES', async (_, opening, block, text) => {
    const server = await open(flood(block, { opening, words: 1 }))
    const found = await look(ses, sesAt(`http://127.0.0.1:${server.port}`), { timeoutMs, references: keysOfSes })
    await expectCutOff(found, server, server.sent, ['ses_not_ses'])
    expect(textOf(found)).toContain(text)
  })

  it('statistics, behind answers of SES', async () => {
    const sesDouble = await open(startSesDouble({ keys: [sesKey] }))
    sesDouble.misbehave('endless', 'GetSendStatistics')
    const found = await look(ses, sesAt(sesDouble.url), { timeoutMs, references: keysOfSes })
    // The statistics say nothing of whether SES takes mail.
    expect(found?.reasons.map(({ code }) => code)).toEqual(['ses_sender_not_said'])
    await waitFor(() => sesDouble.connections === 0, { timeoutMs: 5_000, what: 'the connection was given up' })
  })

  it.each([
    ['a token of an instance', '/latest/api/token', 'instance'],
    ['keys of a container', '/v1/credentials', 'container'],
  ] as const)('%s', async (_, path, credentials) => {
    const server = await open(flood('x', { opening: 'HTTP/1.1 200 OK\r\n\r\n', words: 1 }))
    const at = `http://127.0.0.1:${server.port}`
    const env = {
      AWS_EC2_METADATA_SERVICE_ENDPOINT: at,
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `${at}${path}`,
      AWS_CONTAINER_AUTHORIZATION_TOKEN: 'unused-token',
    }
    const target = ses.target.parse({ name: 'x', credentials, region: 'eu-west-1', endpoint: at })
    const found = await look(ses, target, {
      timeoutMs,
      references: createReferences({ env, vaults: [], kubernetes: undefined }),
    })
    await expectCutOff(found, server, server.sent, ['ses_role_unusable'])
    expect(textOf(found)).toContain('the answer is larger than 64 KiB')
  })

  it.each(cases)('%s, in the place of a Kubernetes API', async (_, opening, block, text) => {
    const server = await open(flood(block, { opening, words: 1 }))
    const kubernetes = { url: `http://127.0.0.1:${server.port}`, token: { env: 'TOKEN' } }
    const fetched = createReferences({ env: { TOKEN: 'unused-token' }, vaults: [], kubernetes })
    const secret = { kubernetes: { namespace: 'mail', secret: 'db', key: 'PGHOST' } }
    const larger = text.replace(/1 MiB|2048 KiB/, limit => ofKubernetes[limit] ?? limit)
    await expect(fetched.value(secret, AbortSignal.timeout(timeoutMs))).rejects.toThrow(larger)
    expect(server.sent).toBeLessThan(fewBytes)
  })
})

describe('a balancer that without end sends', () => {
  const series = 'haproxy_server_status{proxy="a",server="b",state="UP"} 1\n'
  const titles = '# pxname,svname,status,type\n'
  const rowOfConsole = Buffer.concat(Array<Buffer>(4_000).fill(text('D', '\0\x01\0\0\0\x01x')))

  it('metrics', async () => {
    const server = await open(flood(series, { opening: 'HTTP/1.1 200 OK\r\n\r\n', words: 1 }))
    const target = haproxy.target.parse({ name: 'x', url: `http://127.0.0.1:${server.port}` })
    const found = await look(haproxy, target, { timeoutMs })
    await expectCutOff(found, server, server.sent, ['haproxy_unreachable'])
    expect(textOf(found)).toContain('the answer is larger than 8 MiB')
  })

  it.each([
    ['servers', titles, 'a,b,UP,2\n'],
    ['one line', '', 'x'],
  ])('%s, by its socket', async (_, opening, block) => {
    const server = await open(flood(block, { opening, words: 1 }))
    const target = haproxy.target.parse({ name: 'x', socket: `127.0.0.1:${server.port}` })
    const found = await look(haproxy, target, { timeoutMs })
    await expectCutOff(found, server, server.sent, ['haproxy_unreachable'])
    expect(textOf(found)).toContain('the server sent too much: more than 8192 KiB')
  })

  it('databases, by its console', async () => {
    const opening = Buffer.concat([message('R', Buffer.alloc(4)), text('Z', 'I')])
    const server = await open(flood(rowOfConsole, { opening, words: 2 }))
    const url = `postgres://a@127.0.0.1:${server.port}/pgbouncer?sslmode=disable`
    const found = await look(pgbouncer, pgbouncer.target.parse({ name: 'x', url }), { timeoutMs })
    await expectCutOff(found, server, server.sent, ['pgbouncer_protocol_error'])
  })
})
