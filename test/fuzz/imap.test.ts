import fc from 'fast-check'
import { expect, it } from 'vitest'
import { MailboxError } from '../../src/clients/imap/index.ts'
import { costOfAnswers } from '../../src/clients/imap/limit.ts'
import { withMailbox } from '../clients/imap/mailbox-look.ts'
import { row, startHostileImap } from '../servers/hostile-imap.ts'
import { waitFor } from '../servers/processes.ts'
import { bounded, patienceMs } from './limits.ts'

const secret = 'canary-Zq7/pS+word'
const graceMs = 1_000
/** Servers at once: most of the time is spent waiting. */
const atOnce = 8

const words = ['*', '+', 'TAG', 'x1', 'OK', 'NO', 'BAD', 'BYE', 'PREAUTH', 'FETCH', 'EXISTS', 'EXPUNGE', 'CAPABILITY']
const parts = [
  'LIST',
  'UID',
  '7',
  '3',
  '0',
  '4294967296',
  '-1',
  'NIL',
  '(',
  ')',
  '[',
  ']',
  '{3}\r\nabc',
  '{0}\r\n',
  '{9}',
  '""',
]
const texts = [
  '"a',
  '\\Deleted',
  '[UIDVALIDITY 2]',
  '[UIDNEXT 99]',
  '[ALERT]',
  '[CAPABILITY IMAP4rev1]',
  'UIDPLUS',
  '\0',
  '\u00fc',
]
const rows = [
  row(7),
  row(3),
  row(8, 'a'),
  '* 1 FETCH (UID 7 FLAGS (\\Deleted))',
  '* 0 EXISTS',
  '* 9 EXISTS',
  'TAG OK done',
  'TAG NO no',
]
const line = fc.oneof(
  fc.constantFrom(...rows),
  fc.array(fc.constantFrom(...words, ...parts, ...texts), { maxLength: 12 }).map(list => list.join(' ')),
  fc.string({ maxLength: 40 }),
)
/** What it says to a command; undefined: what a polite server says. */
const answer = fc.option(
  fc.array(line, { maxLength: 4 }).map(lines => lines.join('\r\n')),
  { nil: undefined },
)
const verbs = [
  'CAPABILITY',
  'LOGIN',
  'LIST',
  'SELECT',
  'NOOP',
  'FETCH',
  'UID FETCH',
  'UID STORE',
  'UID EXPUNGE',
  'IDLE',
  'DONE',
]
const oneCase = fc.record({
  greeting: fc.option(line, { nil: undefined, freq: 5 }),
  answers: fc.dictionary(fc.constantFrom(...verbs), answer, { maxKeys: 3 }),
  wholeToo: fc.boolean(),
})
type Case = typeof oneCase extends fc.Arbitrary<infer T> ? T : never

/** True if all went well. */
async function survives({ greeting, answers, wholeToo }: Case, timeoutMs = 400): Promise<boolean> {
  const server = await startHostileImap({
    ...(greeting !== undefined && { greeting }),
    handlers: [
      command => {
        const said = answers[verbs.find(verb => command.startsWith(verb)) ?? '']
        return said === undefined ? undefined : `${said}${wholeToo ? '\r\nTAG OK done' : ''}`
      },
    ],
  })
  const plan = {
    host: '127.0.0.1',
    port: server.port,
    name: 'localhost',
    tls: {},
    user: 'canary',
    secret,
    token: false,
  }
  const from = performance.now()
  try {
    const mails = await withMailbox(
      { ...plan, security: 'none' },
      async mailbox => {
        await mailbox.folders()
        await mailbox.open('INBOX')
        const late = AbortSignal.timeout(20)
        await mailbox.news(late)
        const found = await mailbox.from(5, 3)
        await mailbox.text(7, 10)
        await mailbox.remove([7], 'Trash')
        return found
      },
      { timeoutMs },
    )
    expect(mails.length).toBeLessThanOrEqual(3)
    for (const { uid } of mails) expect(uid).toBeGreaterThanOrEqual(5)
    return true
  } catch (error) {
    if (!(error instanceof MailboxError)) throw error
    expect(error.message).toContain(`127.0.0.1:${server.port}: `)
    expect(error.message).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/)
    expect(error.message).not.toContain(secret)
    return false
  } finally {
    expect(performance.now() - from).toBeLessThan(timeoutMs + graceMs)
    // Never without UIDs, and never any other.
    expect(server.commands.filter(one => /EXPUNGE|STORE|MOVE|COPY/.test(one) && !/^UID \w+ 7\b/.test(one))).toEqual([])
    await waitFor(() => server.connections === 0, { timeoutMs: 1_000, what: 'the connection was given up' })
    await server.close()
  }
}

it('hangs on no mailbox, deletes no mail of others and gives no secret away', { timeout: patienceMs }, async () => {
  expect(await survives({ greeting: undefined, answers: {}, wholeToo: false }, 10_000)).toBe(true)
  await fc.assert(
    fc.asyncProperty(fc.array(oneCase, { minLength: atOnce, maxLength: atOnce }), async cases => {
      await Promise.all(cases.map(one => survives(one)))
    }),
    bounded(12, 30),
  )
})

it('counts the same however the bytes are cut, and no lines within a literal', () => {
  const piece = fc.oneof(
    fc.constantFrom('\r\n', '{2}\r\n\n\n', '{0}\r\n', '{x}\r\n', '* OK\r\n', '{3}', '{12345678901234567890}\n'),
    fc.string({ maxLength: 20 }),
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 20 }), fc.array(fc.nat(400), { maxLength: 8 }), (pieces, cuts) => {
      const bytes = Buffer.from(pieces.join(''), 'latin1')
      const [whole, some] = [costOfAnswers(), costOfAnswers()]
      const ends = [...cuts.filter(cut => cut < bytes.length).sort((a, b) => a - b), bytes.length]
      const parts = ends.map((end, i) => bytes.subarray(ends[i - 1] ?? 0, end))
      expect(parts.reduce((sum, part) => sum + some(part), 0)).toBe(whole(bytes))
    }),
    bounded(5, 5_000),
  )
  const cost = (text: string): number => costOfAnswers()(Buffer.from(text)) - text.length
  const line = cost('a\r\n')
  expect(line).toBeGreaterThan(0)
  expect(cost(`* 1 FETCH (X {6}\r\n\n\n\n\n\n\n)\r\n`)).toBe(2 * line)
})
