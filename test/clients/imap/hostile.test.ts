import { describe, expect, it, onTestFinished } from 'vitest'
import type { Mailbox, MailboxPlan } from '../../../src/clients/imap/index.ts'
import { MailboxError } from '../../../src/clients/imap/index.ts'
import { certificates } from '../../servers/certificates.ts'
import { closesAtOnce, cutOff, drip, garbage, refusedPort, silent, type Listening } from '../../servers/hostile.ts'
import { row, startHostileImap } from '../../servers/hostile-imap.ts'
import { waitFor } from '../../servers/ports.ts'
import { withMailbox } from './mailbox-look.ts'

const made = await certificates()
const secret = 'canary-Zq7/pS+word'
const timeoutMs = 1_000
const graceMs = 500

const planFor = (port: number, security: MailboxPlan['security'] = 'none'): MailboxPlan => ({
  host: '127.0.0.1',
  port,
  security,
  name: 'localhost',
  tls: { ca: made.ca },
  user: 'canary',
  secret,
  token: false,
})

async function started<S extends Listening>(starting: Promise<S>): Promise<S> {
  const server = await starting
  onTestFinished(() => server.close())
  return server
}

type Script = Parameters<typeof startHostileImap>[0]
const everything = async (mailbox: Mailbox): Promise<unknown> => {
  await mailbox.folders()
  await mailbox.open('INBOX')
  const mails = await mailbox.from(1, 500)
  await mailbox.text(7, 1_000)
  await mailbox.remove([7], 'Trash')
  return mails
}

/** It fails, in time, without the password, and the server is rid of us. */
async function failed(
  server: Listening,
  use: (mailbox: Mailbox) => Promise<unknown> = everything,
  { security, patienceMs = timeoutMs }: { security?: MailboxPlan['security']; patienceMs?: number } = {},
): Promise<MailboxError> {
  const from = performance.now()
  const error = await withMailbox(planFor(server.port, security), use, { timeoutMs: patienceMs }).catch(
    (error: unknown) => error,
  )
  expect(performance.now() - from).toBeLessThan(patienceMs + graceMs)
  if (!(error instanceof MailboxError)) throw new Error(`no MailboxError but ${JSON.stringify(error)}`)
  expect(error.message).toContain(`127.0.0.1:${server.port}: `)
  expect(error.message).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/)
  expect(error.message).not.toContain(secret)
  await waitFor(() => server.connections === 0, { timeoutMs: 500, what: 'the connection was given up' })
  return error
}

const answering = (verb: RegExp, said: string): Script => ({
  handlers: [command => (verb.test(command) ? said : undefined)],
})

it('gets along with a polite server', async () => {
  const server = await started(startHostileImap())
  const mails = await withMailbox(planFor(server.port), everything)
  expect(mails).toMatchObject([{ uid: 7, size: 100, receivedAt: Date.UTC(2026, 0, 1) }])
  expect(server.commands).toContain('UID STORE 7 +FLAGS.SILENT (\\Deleted)')
  expect(server.commands.slice(-2)).toEqual(['UID EXPUNGE 7', 'LOGOUT'])
  await waitFor(() => server.connections === 0, { timeoutMs: 500, what: 'the connection was closed' })
})

describe('in the place of a mailbox', () => {
  const opening = '* OK [CAPABILITY IMAP4rev1] ready\r\n'
  it.each<[string, MailboxError['fault'], () => Promise<Listening>]>([
    ['refuses the connection', 'unreachable', refusedPort],
    ['stays silent', 'silent', silent],
    ['drips', 'silent', () => drip(opening, 100)],
    ['drips for ever', 'silent', () => drip(opening, 100, { after: 'repeat' })],
    ['sends garbage', 'not_imap', garbage],
    ['resets the connection half-way', 'unreachable', () => cutOff(20, { greeting: opening, how: 'rst' })],
    ['ends the connection half-way', 'unreachable', () => cutOff(20, { greeting: opening, how: 'fin' })],
    ['ends the connection behind its greeting', 'unreachable', () => cutOff(99, { greeting: opening, how: 'fin' })],
    ['closes at once', 'unreachable', closesAtOnce],
    ['resets at once', 'unreachable', () => closesAtOnce({ how: 'rst' })],
    ['speaks SMTP', 'not_imap', () => startHostileImap({ greeting: '220 mail.example.com ESMTP' })],
    ['speaks POP3', 'not_imap', () => startHostileImap({ greeting: '+OK ready' })],
    ['has no room', 'refused', () => startHostileImap({ greeting: '* BYE too many connections' })],
  ])('a server that %s', async (_, fault, start) => {
    expect((await failed(await started(start()))).fault).toBe(fault)
  })

  it('ends at once on shutdown', async () => {
    for (const server of [await started(silent()), await started(startHostileImap(answering(/^SELECT/, '')))]) {
      const stop = new AbortController()
      setTimeout(() => stop.abort(new Error('shutting down')), 100)
      const from = performance.now()
      const run = withMailbox(planFor(server.port), everything, { timeoutMs: 10_000, stop: stop.signal })
      await expect(run).rejects.toThrow('shutting down')
      expect(performance.now() - from).toBeLessThan(1_500)
      await waitFor(() => server.connections === 0, { timeoutMs: 500, what: 'the connection was given up' })
    }
  })
})

describe('TLS', () => {
  const withTls = { security: 'starttls', certificate: made.good } as const

  it('takes nothing that was put in before it', async () => {
    const server = await started(startHostileImap({ ...withTls, inject: '* CAPABILITY IMAP4rev1\r\na2 OK done\r\n' }))
    expect((await failed(server, everything, { security: 'starttls' })).message).toContain('somebody in between')
    expect(server.commands).toEqual(['STARTTLS'])
  })

  it.each([
    ['is refused', 'no_tls', answering(/^STARTTLS/, 'TAG BAD what?')],
    ['is impossible since the server let us in', 'no_tls', { greeting: '* PREAUTH welcome' }],
    ['is answered with something else', 'not_imap', answering(/^STARTTLS/, '+ go on')],
    ['is never answered', 'silent', answering(/^STARTTLS/, '')],
  ] as const)('that %s sends no password', async (_, fault, script) => {
    const server = await started(startHostileImap({ ...withTls, ...script }))
    expect((await failed(server, everything, { security: 'starttls' })).fault).toBe(fault)
    expect(server.commands.filter(command => command !== 'STARTTLS')).toEqual([])
  })

  it('is not spoken by a server that is silent, or speaks in the clear', async () => {
    expect((await failed(await started(silent()), everything, { security: 'tls' })).fault).toBe('silent')
    const clear = await started(startHostileImap())
    expect(await failed(clear, everything, { security: 'tls' })).toMatchObject({
      fault: 'not_imap',
      message: expect.stringContaining('does the server want STARTTLS on this port?') as string,
    })
  })

  it('LOGINDISABLED sends no password', async () => {
    const server = await started(startHostileImap({ capabilities: 'IMAP4rev1 LOGINDISABLED' }))
    expect((await failed(server)).fault).toBe('no_tls')
    expect(server.commands.join('\n')).not.toMatch(/LOGIN |AUTHENTICATE/)
  })
})

describe('a server that refuses', () => {
  it.each([
    ['the password', 'login', /^LOGIN/, 'TAG NO [AUTHENTICATIONFAILED] Invalid credentials'],
    ['the password without a code', 'login', /^LOGIN/, 'TAG NO wrong'],
    ['each login for now', 'refused', /^LOGIN/, 'TAG NO [UNAVAILABLE] the directory is down'],
    ['each login without TLS', 'no_tls', /^LOGIN/, 'TAG NO [PRIVACYREQUIRED] use TLS'],
    ['more sessions', 'refused', /^LOGIN/, '* BYE too many connections'],
    ['its folders', 'refused', /^SELECT/, 'TAG NO [SERVERBUG] internal error'],
    ['mails', 'refused', /FETCH/, 'TAG BAD what?'],
    ['to go on', 'refused', /FETCH/, '* BYE shutting down'],
  ] as const)('%s', async (_, fault, verb, said) => {
    const error = await failed(await started(startHostileImap(answering(verb, said))))
    expect(error.fault).toBe(fault)
    expect(error.message).toContain(said.replace(/^\S+ (NO|BAD|BYE) /, ''))
  })

  it.each([/^CAPABILITY/, /^LOGIN/, /^SELECT/, /FETCH/, /^UID STORE/, /^UID EXPUNGE/, /^LIST/])(
    'to answer %s',
    async verb => {
      expect((await failed(await started(startHostileImap(answering(verb, ''))))).fault).toBe('silent')
    },
  )

  it('to answer LOGOUT', async () => {
    const server = await started(startHostileImap(answering(/^LOGOUT/, '')))
    const from = performance.now()
    await withMailbox(planFor(server.port), everything, { timeoutMs: 10_000 })
    expect(performance.now() - from).toBeLessThan(4_000)
  })
})

describe('a server that announces too much', () => {
  it.each([
    ['a literal of a gigabyte', '* 1 FETCH (UID 7 BODY[HEADER]<0> {1073741824}'],
    ['a literal of any size', '* 1 FETCH (UID 7 BODY[HEADER]<0> {99999999999999999999999}'],
    ['deep nesting', `* 1 FETCH (UID 7 BODYSTRUCTURE ${'('.repeat(100_000)}`],
  ])('%s', async (_, said) => {
    const heap = process.memoryUsage().rss
    const error = await failed(await started(startHostileImap(answering(/FETCH/, said))))
    expect(['not_imap', 'silent']).toContain(error.fault)
    expect(process.memoryUsage().rss - heap).toBeLessThan(200 * 1_048_576)
  })
})

describe('mail of others', () => {
  it('is not expunged, though the server takes UIDPLUS back in between', async () => {
    const server = await started(startHostileImap(answering(/^UID STORE/, '* CAPABILITY IMAP4rev1\r\nTAG OK done')))
    await withMailbox(planFor(server.port), everything)
    expect(server.commands.filter(command => command.includes('EXPUNGE'))).toEqual([])
  })

  it('is not taken for ours: what has a lower UID, no UID, or was not asked for', async () => {
    const said = [row(3), '* 2 FETCH (FLAGS (\\Seen))', row(9), row(7), 'TAG OK done'].join('\r\n')
    const server = await started(startHostileImap(answering(/FETCH/, said)))
    const mails = await withMailbox(planFor(server.port), async mailbox => {
      await mailbox.open('INBOX')
      return mailbox.from(7, 500)
    })
    expect(mails.map(({ uid }) => uid)).toEqual([7, 9])
  })
})

describe('an alert', () => {
  const fullAfter = async (
    greeting: string,
    capabilities = '',
    ...handlers: ((command: string) => string | undefined)[]
  ) => {
    const server = await started(
      startHostileImap({
        greeting: `* OK [ALERT] ${greeting}`,
        capabilities: `IMAP4rev1 UIDPLUS ${capabilities}`,
        handlers,
      }),
    )
    return withMailbox(planFor(server.port), async mailbox => {
      await mailbox.open('INBOX')
      return mailbox.full
    })
  }

  it.each([
    'Quota exceeded (for\u0007 this user)',
    'Mailbox is over quota',
    'Your quota has been exceeded',
    'No space left on device',
    'The mailbox is full',
  ])('says in one line that there is no room: %s', async text => {
    const full = await fullAfter(text)
    expect(full).toMatch(/^the server warns: /)
    expect(full).not.toContain('\u0007')
  })

  it.each([
    'Log in successful. The full maintenance of the storage is on Sunday',
    'Your mailbox is 80% full',
    'Mailbox is almost full',
    'New: more space for your quota',
  ])('of another kind is no excuse for a mail that did not come: %s', async text => {
    expect(await fullAfter(text)).toBeUndefined()
  })

  it('does not hide what QUOTA says', async () => {
    const quota = (command: string) =>
      command.startsWith('GETQUOTAROOT') ? '* QUOTAROOT INBOX ""\r\n* QUOTA "" (MESSAGE 9 9)\r\nTAG OK done' : undefined
    expect(await fullAfter('Use an app password', 'QUOTA', quota)).toBe('the mailbox is full: 9 of 9 mails')
  })
})
