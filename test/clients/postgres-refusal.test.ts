/** A server that cannot even take the connection says so in answer to the SSLRequest. */
import net from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import type { Observation } from '../../src/core/probe.ts'
import { writePath } from '../../src/probes/write_path/index.ts'
import { look } from '../probes/look.ts'

/** An ErrorResponse of fields. https://www.postgresql.org/docs/current/protocol-message-formats.html */
const errorResponse = (fields: Readonly<Record<string, string>>): Buffer => {
  const body = Buffer.concat([
    ...Object.entries(fields).map(([letter, text]) => Buffer.from(`${letter}${text}\0`)),
    Buffer.from([0]),
  ])
  const head = Buffer.alloc(5)
  head.write('E')
  head.writeInt32BE(body.length + 4, 1)
  return Buffer.concat([head, body])
}

/** What is seen of a server that answers with these pieces, and then hangs up, or does not. */
async function seenOf(pieces: readonly Buffer[], { hangsUp = true } = {}): Promise<Observation> {
  const server = net.createServer(socket => {
    socket.on('error', () => undefined)
    socket.once('data', () => {
      const [first, ...rest] = pieces
      socket.write(first ?? '')
      setTimeout(() => {
        for (const piece of rest) socket.write(piece)
        if (hangsUp) socket.end()
      }, 20)
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const { port } = server.address() as net.AddressInfo
  const target = writePath.target.parse({ name: 'app', cluster: 'kb', host: '127.0.0.1', port, user: 'app' })
  const seen = await look(writePath, target, { timeoutMs: 1000 })
  if (!seen) throw new Error('the run was not recorded')
  return seen
}

const killed = errorResponse({
  S: 'FATAL',
  V: 'FATAL',
  C: '57P01',
  M: 'breche Verbindung ab aufgrund von Anweisung des Administrators',
  R: 'ProcessInterrupts',
})

it.each<[string, readonly Buffer[], string, string]>([
  ['is being shut down', [killed], 'write_path_starting_up', 'SQLSTATE 57P01'],
  [
    'says it in pieces',
    [killed.subarray(0, 1), killed.subarray(1, 9), killed.subarray(9)],
    'write_path_starting_up',
    'Administrators',
  ],
  [
    'is full',
    [errorResponse({ C: '53300', M: 'tut mir leid, schon zu viele Verbindungen', R: 'InitProcess' })],
    'write_path_too_many_connections',
    'schon zu viele',
  ],
  [
    'has no process for it',
    [Buffer.from('Ekonnte neuen Prozess nicht starten: fork\n\0')],
    'write_path_too_many_connections',
    'konnte neuen Prozess',
  ],
  ['breaks off', [killed.subarray(0, 60)], 'write_path_starting_up', 'breche'],
  ['says only E', [Buffer.from('E')], 'write_path_protocol_error', 'odd answer'],
  ['says no code', [errorResponse({ M: 'no' })], 'write_path_protocol_error', 'odd answer'],
])('a server that %s', async (_, pieces, code, text) => {
  const seen = await seenOf(pieces)
  expect(seen.reasons.map(reason => reason.code)).toEqual([code])
  expect(seen.evidence).toContain(text)
})

it('reads no more of it than a message can be', async () => {
  const seen = await seenOf([Buffer.from('E'), Buffer.alloc(1_000_000, 'x')], { hangsUp: false })
  expect(seen.reasons.map(reason => reason.code)).toEqual(['write_path_too_many_connections'])
  expect(seen.evidence.length).toBeLessThan(500)
})

it('waits for the rest of it no longer than a run may take', async () => {
  const seen = await seenOf([killed.subarray(0, 20)], { hangsUp: false })
  expect(seen.reasons.map(reason => reason.code)).toEqual(['write_path_no_answer'])
})
