/** Logins at servers that compute what node-postgres itself would say, and at a real one. */
import { randomBytes } from 'node:crypto'
import net from 'node:net'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { useKeptKeys, type KeptKeys } from '../../src/clients/scram.ts'
import { listen } from '../servers/hostile.ts'
import { startCluster, type Cluster } from '../servers/postgres.ts'

interface Session {
  readonly mechanism: string
  readonly clientNonce: string
  message: string
  response?: string
  serverSignature?: string
}
/** It has no types. */
const file: string = 'pg/lib/crypto/sasl.js'
const sasl = (await import(file)) as {
  continueSession: (session: Session, password: string, data: string) => Promise<void>
}

const message = (type: number, body: string): Buffer => {
  const head = Buffer.from('R\0\0\0\0\0\0\0\0', 'latin1')
  head.writeInt32BE(8 + Buffer.byteLength(body), 1)
  head.writeInt32BE(type, 5)
  return Buffer.concat([head, Buffer.from(body)])
}
const letIn = Buffer.concat([message(0, ''), Buffer.from('Z\0\0\0\x05I', 'latin1')])

interface Said {
  /** The client's first message without its header, and its final message. */
  readonly first: string
  readonly final: string
  /** What node-postgres would have said in its place. */
  readonly original: string
}

interface Server {
  /** Of the one right password. */
  readonly password: string
  readonly salt?: () => string
  readonly rounds?: number | string
  readonly nonce?: (client: string) => string
  /** What the server says instead of its proof. */
  readonly proof?: (right: string) => string
}

/** A server that lets in who says what node-postgres would. */
async function server({
  password,
  salt = () => 'W22ZaJ0SNY7soEsUEjb6gQ==',
  rounds = 4096,
  nonce = client => `${client}3rfcNHYJY1ZVvWVs7j`,
  proof = right => right,
}: Server) {
  const said: Said[] = []
  const { port, close } = await listen(
    net.createServer(socket => {
      let [step, first, challenge] = [0, '', '']
      let session: Session | undefined
      const answer = async (bytes: Buffer): Promise<Buffer> => {
        if (step++ === 0) return message(10, 'SCRAM-SHA-256\0\0')
        if (step === 2) {
          first = bytes.toString('utf8').replace(/^.*?n,,/s, '')
          const [, client = ''] = /r=(.*)$/.exec(first) ?? []
          session = { mechanism: 'SCRAM-SHA-256', clientNonce: client, message: 'SASLInitialResponse' }
          challenge = `r=${nonce(client)},s=${salt()},i=${rounds}`
          return message(11, challenge)
        }
        const final = bytes.toString('utf8', 5)
        if (session) await sasl.continueSession(session, password, challenge)
        const original = session?.response ?? ''
        said.push({ first, final, original })
        if (final !== original) return refused
        return Buffer.concat([message(12, `v=${proof(session?.serverSignature ?? '')}`), letIn])
      }
      socket.on('data', bytes => void answer(bytes).then(reply => socket.write(reply)))
    }),
  )
  onTestFinished(close)
  return { port, said }
}
const refusal = 'SFATAL\0VFATAL\0C28P01\0Mpassword authentication failed\0\0'
const length = Buffer.alloc(4)
length.writeInt32BE(4 + refusal.length)
const refused = Buffer.concat([Buffer.from('E'), length, Buffer.from(refusal, 'latin1')])

/** Logs in, with kept keys unless there are none. */
async function logIn(config: pg.ClientConfig, keys?: KeptKeys): Promise<void> {
  const client = new pg.Client({ host: '127.0.0.1', user: 'app', database: 'app', ssl: false, ...config })
  client.on('error', () => undefined)
  if (keys) useKeptKeys(client, keys)
  try {
    await client.connect()
  } finally {
    // A scripted server does not take the end of a session.
    ;(client as unknown as { connection: { stream: net.Socket } }).connection.stream.destroy()
  }
}

describe('what a client says to a server', () => {
  it.each([
    ['a usual password', 'kb-backend-password', 4096, 1],
    ['every printable character', ' !"#$%&\'()*+,-./09:;<=>?@AZ[\\]^_`az{|}~ ', 1, 1],
    ['many rounds', 'pw', 100_000, 1],
    // SASLprep may change these, and node-postgres does that.
    ['another alphabet', 'Пароль', 4096, 0],
    ['spaces and ligatures of Unicode', 'a\u00a0b\u2168ﬁ\u00ad', 4096, 0],
  ])('%s: the same as of node-postgres, time and again', async (_, password, rounds, size) => {
    const { port, said } = await server({ password, rounds })
    const keys: KeptKeys = new Map()
    await logIn({ port, password }, keys)
    const [derived] = keys.values()
    await logIn({ port, password }, keys)
    expect(said.map(({ final }) => final)).toEqual(said.map(({ original }) => original))
    expect(new Set(said.map(({ final }) => final)).size).toBe(2)
    expect([keys.size, [...keys.values()][0] === derived]).toEqual([size, true])
  })

  it('a salt of any length', async () => {
    const keys: KeptKeys = new Map()
    for (let bytes = 1; bytes <= 20; bytes++) {
      const { port } = await server({ password: 'pw', salt: () => randomBytes(bytes).toString('base64') })
      await logIn({ port, password: 'pw' }, keys)
    }
  })
})

describe('keys are kept', () => {
  it('and used, by nothing in which the password can be read', async () => {
    const { port } = await server({ password: 'canary-pw' })
    const keys: KeptKeys = new Map()
    await logIn({ port, password: 'canary-pw' }, keys)
    const [[name, right] = []] = [...keys]
    expect(name).toMatch(/^[A-Za-z0-9+/]{43}=$/)
    if (name === undefined || !right) throw new Error('nothing was kept')
    keys.set(name, { ...right, client: randomBytes(32) })
    await expect(logIn({ port, password: 'canary-pw' }, keys)).rejects.toMatchObject({ code: '28P01' })
  })

  it('by password, salt and rounds', async () => {
    const keys: KeptKeys = new Map()
    const [salt, other] = ['W22ZaJ0SNY7soEsUEjb6gQ==', 'QSXCR+Q6sek8bf92AAAAAA==']
    for (const [password, mine, rounds] of [
      ['a', salt, 4096],
      ['b', salt, 4096],
      ['a', other, 4096],
      ['a', salt, 4097],
    ] as const) {
      const { port } = await server({ password, salt: () => mine, rounds })
      await logIn({ port, password }, keys)
      await expect(logIn({ port, password: 'c' }, keys)).rejects.toMatchObject({ code: '28P01' })
    }
    expect(keys.size).toBe(4)
  })

  it('of the last few logins, where each has another salt', async () => {
    const keys: KeptKeys = new Map()
    const { port } = await server({ password: 'pw', salt: () => randomBytes(16).toString('base64'), rounds: 1 })
    for (let n = 0; n < 20; n++) await logIn({ port, password: 'pw' }, keys)
    expect(keys.size).toBe(8)
  })

  it('of no server that does not prove that it knows the password, and such a login fails each time', async () => {
    const zeros = Buffer.alloc(32).toString('base64')
    const { port } = await server({ password: 'pw', proof: () => zeros })
    const keys: KeptKeys = new Map()
    const failed = /server signature does not match/
    await expect(logIn({ port, password: 'pw' }, keys)).rejects.toThrow(failed)
    expect(keys.size).toBe(0)
    const honest = await server({ password: 'pw' })
    await logIn({ port: honest.port, password: 'pw' }, keys)
    expect(keys.size).toBe(1)
    await expect(logIn({ port, password: 'pw' }, keys)).rejects.toThrow(failed)
    const forged = await server({
      password: 'pw',
      proof: right => `${right.startsWith('A') ? 'B' : 'A'}${right.slice(1)}`,
    })
    await expect(logIn({ port: forged.port, password: 'pw' }, keys)).rejects.toThrow(failed)
  })
})

it.each<[string, Omit<Server, 'password'>]>([
  ['two thousand million rounds', { rounds: 2 ** 31 }],
  ['one round too many', { rounds: 100_001 }],
  ['no rounds', { rounds: 0 }],
  ['rounds that are no number', { rounds: '1e3' }],
  ['no salt', { salt: () => '' }],
  ['a salt that is not base64', { salt: () => 'abc' }],
  ['the nonce of the client alone', { nonce: client => client }],
  ['the nonce of another client', { nonce: () => 'AAAAAAAAAAAAAAAAAAAAAAAA' }],
  ['a nonce with a space', { nonce: client => `${client} x` }],
  ['an extension in front', { nonce: client => `${client},m=x` }],
])('%s: the same end as with node-postgres', async (_, given) => {
  const { port } = await server({ password: 'pw', ...given })
  const endOf = (keys?: KeptKeys): Promise<string> =>
    logIn({ port, password: 'pw' }, keys).then(() => 'in', String) // prettier-ignore
  const [ours, theirs] = [await endOf(new Map()), await endOf()]
  // Each login has another nonce.
  const nameless = (text: string): string => text.replace(/[A-Za-z0-9+/]{24,}/g, '…')
  expect(nameless(ours)).toBe(nameless(theirs))
})

describe('at a real server', () => {
  let cluster: Cluster
  beforeAll(async () => {
    cluster = await startCluster({ standbys: 0 })
  }, 60_000)
  afterAll(() => cluster.stop())

  it('a changed password counts at once', async () => {
    const node = await cluster.primary()
    await node.query(`create role renewed login password 'before'`)
    const keys: KeptKeys = new Map()
    const at = (password: string) =>
      logIn({ port: node.port, user: 'renewed', database: cluster.database, password }, keys)
    await node.query(`grant connect on database ${cluster.database} to renewed`)
    await at('before')
    await at('before')
    expect(keys.size).toBe(1)
    await node.query(`alter role renewed password 'after'`)
    await expect(at('before')).rejects.toMatchObject({ code: '28P01' })
    await at('after')
    await expect(at('before')).rejects.toMatchObject({ code: '28P01' })
    expect(keys.size).toBe(2)
  })
})
