import net from 'node:net'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Observation } from '../../src/core/probe.ts'
import { postgres } from '../../src/probes/postgres/index.ts'
import { writePath } from '../../src/probes/write_path/index.ts'
import { expectSamples } from '../probes/contract.ts'
import { env, look } from '../probes/look.ts'
import { listen } from '../servers/hostile.ts'
import { startCluster, type Cluster } from '../servers/postgres.ts'
import { assertAsync, bounded, endsWith, patienceMs, patientMs, sampled } from './limits.ts'

const canary = 'Canary7Zq'
const usualMs = 400
const atOnce = 40

/** What a server said, by what it was in answer to: the bytes that came between one packet of the client and the next. */
type Session = readonly Buffer[]
type Kind = 'postgres' | 'write_path'

let cluster: Cluster
let sessions: Readonly<Record<Kind, Session>>
beforeAll(async () => {
  cluster = await startCluster({ standbys: 0 })
  sessions = { postgres: await recorded('postgres'), write_path: await recorded('write_path') }
}, 60_000)
afterAll(() => cluster.stop())

async function observed(kind: Kind, port: number, timeoutMs = patientMs): Promise<Observation> {
  // The superuser of the tests is asked for no password: what is said at such a login can be said again.
  const target = {
    ...{ name: 'x', cluster: 'kb', url: `postgres://postgres@127.0.0.1:${port}/postgres?sslmode=disable` },
    ...{ password: { env: 'P' }, driver: 'libpq' },
  }
  const given = { timeoutMs, references: env({ P: canary }) }
  const run =
    kind === 'postgres'
      ? look(postgres, postgres.target.parse(target), given)
      : look(writePath, writePath.target.parse(target), given)
  const seen = await endsWith(timeoutMs, run)
  if (!seen) throw new Error('the run was not recorded')
  return seen
}

/** A run against the real server, through a proxy that takes down what that says. */
async function recorded(kind: Kind): Promise<Session> {
  const said: Buffer[] = []
  const server = await listen(
    net.createServer(socket => {
      const behind = net.connect(cluster.nodes[0]?.port ?? 0, '127.0.0.1')
      behind.on('error', () => undefined).on('close', () => socket.destroy())
      socket.on('close', () => behind.destroy())
      socket.on('data', chunk => {
        said.push(Buffer.alloc(0))
        behind.write(chunk)
      })
      behind.on('data', chunk => {
        said.push(Buffer.concat([said.pop() ?? Buffer.alloc(0), chunk]))
        socket.write(chunk)
      })
    }),
  )
  try {
    const { verdict, reasons } = await observed(kind, server.port)
    expect(verdict, JSON.stringify(reasons)).toBe('ok')
    return said
  } finally {
    await server.close()
  }
}

/** https://www.postgresql.org/docs/current/protocol-message-formats.html; what is no whole message is left out. */
function messagesIn(bytes: Buffer): Buffer[] {
  const found: Buffer[] = []
  for (let at = 0; at + 5 <= bytes.length;) {
    const end = at + 1 + bytes.readUInt32BE(at + 1)
    if (end < at + 5 || end > bytes.length) break
    found.push(bytes.subarray(at, end))
    at = end
  }
  return found
}

const message = (type: string, body: Buffer | string): Buffer => {
  const head = Buffer.alloc(5)
  head.write(type, 0, 'latin1')
  head.writeInt32BE(Buffer.byteLength(body) + 4, 1)
  return Buffer.concat([head, Buffer.from(body)])
}

const refusal = fc
  .record({
    type: fc.constantFrom('E', 'E', 'N'),
    severity: fc.constantFrom('FATAL', 'ERROR', 'PANIC', 'WARNING', 'LOG', ''),
    code: fc.constantFrom(
      '28P01',
      '28000',
      '25006',
      '57P03',
      '57P01',
      '53300',
      '3D000',
      '08P01',
      '00000',
      '42501',
      'X',
    ),
    words: fc.oneof(
      fc.constantFrom(`no ${canary}`, 'the database system is starting up', '\u202e\u0007\u001b[31m', 'a\nb', ''),
      fc.string({ maxLength: 30 }).map(text => text.replaceAll('\0', '')),
    ),
  })
  .map(({ type, severity, code, words }) =>
    message(type, `S${severity}\0V${severity}\0C${code}\0M${words}\0Rauth_failed\0\0`),
  )
const inserted = fc.oneof(
  { weight: 4, arbitrary: refusal },
  fc.constantFrom(
    message('R', Buffer.from([0, 0, 0, 0])),
    message('R', Buffer.from([0, 0, 0, 3])),
    message('R', Buffer.from([0, 0, 0, 5, 1, 2, 3, 4])),
    message('R', Buffer.concat([Buffer.from([0, 0, 0, 10]), Buffer.from('SCRAM-SHA-256\0\0')])),
    message('R', Buffer.concat([Buffer.from([0, 0, 0, 11]), Buffer.from('r=x,s=AAAA,i=4096')])),
    message('Z', 'I'),
    message('Z', 'T'),
    message('Z', 'E'),
    message('C', 'COMMIT\0'),
    message('C', 'ROLLBACK\0'),
    message('S', `in_hot_standby\0on\0`),
    message('S', `server_version\0${canary}\0`),
    message('K', Buffer.alloc(8)),
    message('G', Buffer.from([0, 0, 0])),
    message('A', Buffer.concat([Buffer.alloc(4), Buffer.from('a\0b\0')])),
  ),
  fc
    .tuple(fc.constantFrom(...Array.from('RKZSTDEN12CAsnIGHWdcv3tX')), fc.uint8Array({ maxLength: 40 }))
    .map(([type, body]) => message(type, Buffer.from(body))),
)

/** What happens to one of the messages. */
const change = fc.record({
  /** Which one, by its place in the whole. */
  at: fc.double({ min: 0, max: 0.999, noNaN: true }),
  how: fc.constantFrom('drop', 'twice', 'insert', 'insert', 'flip', 'flip', 'length', 'cut', 'swap'),
  where: fc.double({ min: 0, max: 0.999, noNaN: true }),
  byte: fc.nat(255),
  inserted,
})
type Change = typeof change extends fc.Arbitrary<infer T> ? T : never

interface Changed {
  readonly steps: readonly Buffer[]
  /** After the last of them, and at once. */
  readonly hangsUp: boolean
}

function changed(session: Session, changes: readonly Change[]): Changed {
  const steps = session.map(messagesIn)
  let hangsUp = false
  for (const { at, how, where, byte, inserted } of changes) {
    const places = steps.flatMap((all, step) => all.map((_, index) => ({ step, index })))
    const place = places[Math.floor(at * places.length)]
    const all = place && steps[place.step]
    const old = place && all?.[place.index]
    if (!place || !all || !old || hangsUp) continue
    const copy = Buffer.from(old)
    if (how === 'flip') copy[Math.min(copy.length - 1, 5 + Math.floor(where * (copy.length - 5)))] = byte
    if (how === 'length') copy.writeInt32BE(byte < 128 ? byte : -byte, 1)
    const instead = { drop: [], twice: [old, old], insert: [inserted, old], swap: [all[place.index + 1] ?? old, old] }
    if (how === 'cut') {
      steps[place.step] = [...all.slice(0, place.index), copy.subarray(0, Math.floor(where * copy.length))]
      steps.length = place.step + 1
      hangsUp = true
    } else
      all.splice(place.index, how === 'swap' ? 2 : 1, ...(how === 'flip' || how === 'length' ? [copy] : instead[how]))
  }
  return { steps: steps.map(all => Buffer.concat(all)), hangsUp }
}

/** Says the next step at each packet of the client, and nothing when there is none. */
async function replaying({ steps, hangsUp }: Changed) {
  return listen(
    net.createServer(socket => {
      let step = 0
      socket.on('error', () => undefined)
      socket.on('data', () => {
        const next = steps[step++]
        if (next) socket.write(next)
        if (hangsUp && step === steps.length) socket.end()
      })
    }),
  )
}

/** The tags of the statements that came to their end, up to the first message that is none. */
const tagsIn = (steps: readonly Buffer[]): string[] =>
  steps.flatMap(messagesIn).flatMap(one => (one[0] === 0x43 ? [one.toString('latin1', 5, one.length - 1)] : []))

const includesInOrder = (all: readonly string[], wanted: readonly string[]): boolean => {
  let next = 0
  for (const one of all) if (one === wanted[next]) next++
  return next === wanted.length
}

const one = fc.record({
  kind: fc.constantFrom<Kind>('postgres', 'write_path'),
  changes: fc.array(change, { minLength: 1, maxLength: 3 }),
})
type OneCase = typeof one extends fc.Arbitrary<infer T> ? T : never

it('calls no changed session ok that lacks an answer, and says no secret', { timeout: patienceMs }, async () => {
  const verdicts = new Set<string>()
  await assertAsync(
    fc.array(one, { minLength: atOnce, maxLength: atOnce }),
    async all => {
      for (const verdict of await Promise.all(all.map(each => survives(each, usualMs)))) verdicts.add(verdict)
    },
    bounded(20, 3),
  )
  // Some are harmless, and some are not: be it alone and with more time, on a machine that is busy.
  for (const each of sampled(one)) {
    if (verdicts.has('ok') && verdicts.has('fail')) return
    verdicts.add(await survives(each, patientMs))
  }
  expect([...verdicts]).toEqual(expect.arrayContaining(['ok', 'fail']))
})

async function survives({ kind, changes }: OneCase, timeoutMs: number): Promise<string> {
  const session = changed(sessions[kind], changes)
  const server = await replaying(session)
  const seen = await observed(kind, server.port, timeoutMs).finally(() => server.close())
  if (seen.verdict === 'ok')
    expect(includesInOrder(tagsIn(session.steps), tagsIn(sessions[kind])), seen.evidence).toBe(true)
  else expect(seen.reasons.length).toBeGreaterThan(0)
  expect(seen.reasons.map(({ code }) => code)).not.toContain('probe_error')
  for (const { text } of seen.reasons) expect(text).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/)
  expect(JSON.stringify({ ...seen, config: undefined })).not.toContain(canary)
  if (kind === 'postgres') expectSamples(seen, postgres)
  else expectSamples(seen, writePath)
  return seen.verdict
}
