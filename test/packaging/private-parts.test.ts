import { once } from 'node:events'
import { accessSync, readFileSync } from 'node:fs'
import net from 'node:net'
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'
import { TLSSocket } from 'node:tls'
import express from 'express'
import nodeVault from 'node-vault'
import SMTPConnection from 'nodemailer/lib/smtp-connection'
import wellKnown from 'nodemailer/lib/well-known'
import pg from 'pg'
import { describe, expect, it, onTestFinished } from 'vitest'
import { certificates } from '../servers/certificates.ts'
import { listen, scripted, type Script } from '../servers/hostile.ts'

// What the exporter needs of these packages and their documentation does not promise. Run this file after each update of
// one: the name of a test that fails says which file of ours no longer works. The name in EHLO, which is worked out as
// nodemailer does, is in test/probes/smtp-url.test.ts.

const root = new URL('../../', import.meta.url)

it('every dependency is pinned exactly: an update may take away a part that is used', () => {
  const { dependencies } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as {
    dependencies: Record<string, string>
  }
  for (const [name, version] of Object.entries(dependencies)) expect(`${name} ${version}`).toMatch(/ \d+\.\d+\.\d+$/)
})

/** A file of ours. Throws where there is none, so that the names of the tests stay true. */
function ours(file: string): string {
  accessSync(new URL(file, root))
  return file
}

describe(`pg: ${ours('src/clients/postgres-connect.ts')} needs`, () => {
  const message = (letter: string, ...parts: (string | number)[]): Buffer => {
    const body = Buffer.concat(parts.map(part => (typeof part === 'string' ? Buffer.from(`${part}\0`) : int32(part))))
    return Buffer.concat([Buffer.from(letter), int32(body.length + 4), body])
  }
  const int32 = (value: number): Buffer => {
    const bytes = Buffer.alloc(4)
    bytes.writeInt32BE(value)
    return bytes
  }
  const letIn = Buffer.concat([
    message('R', 0),
    message('S', 'server_version', '17.0'),
    message('K', 4711, 4712),
    Buffer.from('Z\0\0\0\x05I', 'latin1'),
  ])

  /** A client on a stream of ours, at a server that answers its first message with `answer`. */
  async function clientAt(answer: Buffer, config: pg.ClientConfig = {}) {
    const startups: string[] = []
    const server = net.createServer(socket => {
      socket.once('data', bytes => {
        startups.push(bytes.toString('latin1'))
        socket.write(answer)
      })
    })
    const { port, close } = await listen(server)
    onTestFinished(close)
    const socket = net.connect(port, '127.0.0.1').on('error', () => undefined)
    await once(socket, 'connect')
    const calls: string[] = []
    const stream = Object.assign(socket, {
      connect() {
        calls.push('connect')
        process.nextTick(() => socket.emit('connect'))
        return socket
      },
    })
    const on = stream.on.bind(stream)
    Object.assign(stream, {
      on: (event: string, listener: () => void) => (calls.push(`on ${event}`), on(event, listener)),
    })
    const client = new pg.Client({ user: 'usual', ssl: false, stream: () => stream, ...config })
    client.on('error', () => undefined)
    return { client, calls, startups }
  }
  const part = (client: pg.Client, name: string): unknown => Reflect.get(client, name)

  it('a stream of ours: Client calls its connect(), and takes data by its on() alone', async () => {
    const { client, calls } = await clientAt(letIn)
    await client.connect()
    expect(calls.filter(call => ['connect', 'on data'].includes(call))).toEqual(['connect', 'on data'])
  })

  it('client.getStartupConf(), in whose place we put what the startup message says', async () => {
    const { client, startups } = await clientAt(letIn)
    expect(part(client, 'getStartupConf')).toBeTypeOf('function')
    Object.assign(client, { getStartupConf: () => ({ user: 'ours', search_path: 'theirs' }) })
    await client.connect()
    expect(startups[0]).toContain('user\0ours\0search_path\0theirs\0')
    expect(startups[0]).not.toContain('usual')
  })

  it('client.processID and client.secretKey, for cancel requests', async () => {
    const { client } = await clientAt(letIn)
    await client.connect()
    expect([part(client, 'processID'), part(client, 'secretKey')]).toEqual([4711, 4712])
  })

  it('client.connection, which emits authenticationOk and parameterStatus', async () => {
    const { client } = await clientAt(letIn)
    const seen: unknown[] = []
    const connection = part(client, 'connection') as NodeJS.EventEmitter
    connection.on('authenticationOk', () => seen.push('ok'))
    connection.on('parameterStatus', status => seen.push(status))
    await client.connect()
    expect(seen).toMatchObject(['ok', { parameterName: 'server_version', parameterValue: '17.0' }])
  })

  it('authenticationSASL with the mechanisms, before the function of the password is called', async () => {
    const offer = message('R', 10, 'SCRAM-SHA-256-PLUS', 'SCRAM-SHA-256', '')
    const seen: unknown[] = []
    const { client } = await clientAt(offer, {
      password() {
        seen.push('password')
        throw new Error('not given')
      },
    })
    const connection = part(client, 'connection') as NodeJS.EventEmitter
    connection.on('authenticationSASL', ({ mechanisms }: { mechanisms: unknown }) => seen.push(mechanisms))
    await expect(client.connect()).rejects.toThrow('not given')
    expect(seen).toEqual([['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-256'], 'password'])
  })
})

describe(`pg: ${ours('src/clients/scram.ts')} needs`, () => {
  // What is said with them is compared with node-postgres in test/clients/scram.test.ts.
  it('the parts of a login by SCRAM: the two handlers of a client, its session, and what sends the answer', async () => {
    const client = new pg.Client({ password: 'pw' })
    const names = ['_handleAuthSASLContinue', '_handleAuthSASLFinal', 'connection.sendSCRAMClientFinalMessage']
    for (const name of names)
      expect(name.split('.').reduce((part: unknown, key) => Reflect.get(part as object, key), client)).toBeTypeOf(
        'function',
      )
    const file: string = 'pg/lib/crypto/sasl.js'
    const sasl = (await import(file)) as { startSession: (offer: string[]) => object }
    expect(sasl.startSession(['SCRAM-SHA-256'])).toMatchObject({
      mechanism: 'SCRAM-SHA-256',
      clientNonce: expect.stringMatching(/^.{24}$/) as unknown,
      message: 'SASLInitialResponse',
    })
    expect(client).toMatchObject({ password: 'pw', enableChannelBinding: false })
  })
})

describe(`imapflow: ${ours('src/clients/imap/session.ts')} needs`, () => {
  // What a server says with BYE (byeReason) is in test/clients/imap/hostile.test.ts.
  it('exec, which sends a command', async () => {
    const { ImapFlow } = await import('imapflow')
    const flow = new ImapFlow({ host: 'localhost', logger: false })
    expect(flow).toMatchObject({ exec: expect.any(Function) as unknown, usable: false })
  })
})

describe(`nodemailer: ${ours('src/probes/smtp/session.ts')} needs`, () => {
  interface Entry {
    readonly tnx?: string
    readonly discarded?: number
    readonly text: string
  }

  /** Set up as in session.ts, and not yet connected to a relay that follows the script. */
  async function connectionTo(script: Script, options: SMTPConnection.Options = {}) {
    const { port, close } = await scripted(script)
    onTestFinished(close)
    const socket = net.connect(port, '127.0.0.1').on('error', () => undefined)
    await once(socket, 'connect')
    const entries: Entry[] = []
    const log = (entry: object, text: unknown): void => void entries.push({ ...entry, text: String(text) })
    const connection = new SMTPConnection({
      connection: socket,
      host: 'localhost',
      opportunisticTLS: true,
      transactionLog: true,
      logger: { debug: log, info: log, warn: log, error: log } as never,
      ...options,
    })
    const failed = new Promise<Error>(resolve => connection.on('error', resolve))
    onTestFinished(() => connection.close())
    const connect = () =>
      new Promise<void>((resolve, reject) => connection.connect(error => (error ? reject(error) : resolve())))
    return { connection, socket, entries, failed, connect }
  }
  const login = (connection: SMTPConnection, auth: object): Promise<unknown> =>
    new Promise(resolve => connection.login(auth, resolve))

  it('the subpaths nodemailer/lib/smtp-connection and nodemailer/lib/well-known', () => {
    expect(SMTPConnection).toBeTypeOf('function')
    expect(wellKnown('Gmail')).toMatchObject({ host: 'smtp.gmail.com', port: 465, secure: true })
    expect(wellKnown('no such service')).toBe(false)
  })

  it('connection._socket, .secure, .upgrading and .destroyed, which STARTTLS and close() change', async () => {
    const { good } = await certificates()
    const tls = { ca: good.ca }
    const { connection, socket, connect } = await connectionTo({ security: 'starttls', certificate: good }, { tls })
    const upgrading: unknown[] = []
    Object.defineProperty(connection, 'upgrading', { set: value => upgrading.push(value) })
    const connecting = connect()
    expect([connection._socket === socket, connection.secure, connection.destroyed]).toEqual([true, false, false])
    await connecting
    expect(connection._socket).toBeInstanceOf(TLSSocket)
    expect([connection.secure, connection.destroyed, upgrading]).toEqual([true, false, [true, false]])
    connection.close()
    expect(connection.destroyed).toBe(true)
  })

  it('connection._connectStartedAt, from which connectionTimeout counts', async () => {
    const { connection, failed, connect } = await connectionTo({ greeting: '' }, { connectionTimeout: 60_000 })
    Object.assign(connection, { _connectStartedAt: Date.now() - 60_000 })
    const late = sleep(5_000, 'counted from now', { ref: false })
    expect(await Promise.race([failed, connect(), late])).toMatchObject({ code: 'ETIMEDOUT' })
  })

  it('a log of the dialogue: lines with tnx client and server, a secret left out', async () => {
    const { connection, entries, connect } = await connectionTo({})
    await connect()
    await login(connection, { user: 'app', pass: 'hunter2', method: 'PLAIN' })
    const said = (tnx: string) => entries.filter(entry => entry.tnx === tnx).map(({ text }) => text)
    expect(said('client')[0]).toMatch(/^EHLO /)
    expect(said('client').at(-1)).toMatch(/^AUTH PLAIN /)
    expect(said('server').map(text => text.slice(0, 3))).toEqual(['220', '250', '235'])
    expect(JSON.stringify(entries)).not.toContain(Buffer.from('\0app\0hunter2').toString('base64'))
  })

  it('`discarded` in that log, for clear text behind the reply to STARTTLS', async () => {
    const { good } = await certificates()
    const script: Script = { security: 'starttls', certificate: good, inject: '250 AUTH PLAIN\r\n' }
    const { entries, connect } = await connectionTo(script, { tls: { ca: good.ca } })
    await connect()
    expect(entries.some(({ discarded = 0 }) => discarded > 0)).toBe(true)
  })

  it('connection.customAuth, set after it was made, as the way to a command of our own', async () => {
    const { connection, entries, connect } = await connectionTo({ handlers: [line => (line === 'NOOP' ? '250 fine' : undefined)] }) // prettier-ignore
    await connect()
    const response = await new Promise(resolve => {
      connection.customAuth.set('RAW', session => session.sendCommand('NOOP', (_, reply) => resolve(reply.response)))
      void login(connection, { method: 'RAW' }).then(resolve)
    })
    expect(response).toBe('250 fine')
    expect(entries.findLast(({ tnx }) => tnx === 'client')?.text).toBe('/* secret */')
  })

  it('an error, within a turn of the loop, for a reply without a command before it', async () => {
    const { connection, failed, connect } = await connectionTo({})
    await connect()
    ;(connection._socket as net.Socket).emit('data', Buffer.from('250 unasked\r\n'))
    expect(await Promise.race([failed, turn('no error')])).toMatchObject({ code: 'EPROTOCOL' })
  })
})

describe(`node-vault: ${ours('src/clients/vault.ts')} needs`, () => {
  it('a transport of ours, asked with method, uri, headers and json; token, namespace and prefix as set later', async () => {
    const requests: Record<string, unknown>[] = []
    const answer = { statusCode: 418, body: { errors: ['no'] }, request: { path: '/' } }
    const send = (request: Record<string, unknown>) => (
      requests.push(structuredClone(request)),
      Promise.resolve(answer)
    )
    const debug: unknown[] = []
    const client = nodeVault({
      endpoint: 'http://vault.example:8200',
      debug: (...args: unknown[]) => debug.push(args),
      'request-promise': { defaults: () => send },
    })
    Object.assign(client, { token: 'ours', namespace: 'team', pathPrefix: '' })
    client.handleVaultResponse = response => Promise.resolve({ status: response?.statusCode })
    // No answer is an error, and none loses its status.
    expect(await client.read('a/data/a')).toEqual({ status: 418 })
    expect(await client.health()).toEqual({ status: 418 })
    expect(await client.tokenLookupSelf()).toEqual({ status: 418 })
    await client.write('auth/approle/login', { role_id: 'r' })
    const headers = { 'X-Vault-Token': 'ours', 'X-Vault-Namespace': 'team' }
    expect(requests).toMatchObject([
      { method: 'GET', uri: 'http://vault.example:8200/v1/a/data/a', headers },
      { method: 'GET', uri: expect.stringContaining('/v1/sys/health') as string },
      { method: 'GET', uri: expect.stringContaining('/v1/auth/token/lookup-self') as string },
      { method: 'POST', uri: 'http://vault.example:8200/v1/auth/approle/login', json: { role_id: 'r' } },
    ])
    // Ours is called, so its own does not print.
    expect(debug).not.toEqual([])
  })
})

it(`express: ${ours('src/web/http2.ts')} needs app.handle(), which gives a request the prototypes of the app`, () => {
  const app = express()
  expect(Reflect.get(app, 'handle')).toBeTypeOf('function')
  const [request, response] = [Object.create(app.request as object), Object.create(app.response as object)] as object[]
  const second = Object.create(app, { request: { value: request }, response: { value: response } }) as {
    handle: (request: object, response: object, done: () => void) => void
  }
  const [asked, answered] = [
    { headers: {}, url: '/', method: 'GET' },
    { setHeader: () => undefined, locals: {} },
  ]
  second.handle(asked, answered, () => undefined)
  expect([Object.getPrototypeOf(asked), Object.getPrototypeOf(answered)]).toEqual([request, response])
})
