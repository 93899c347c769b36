import type { Socket } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { HandOver } from '../../../src/probes/canary/seen.ts'
import type { Way } from '../../../src/probes/canary/target.ts'
import { smtp } from '../../../src/probes/smtp/index.ts'
import { certificates } from '../../servers/certificates.ts'
import { longLine, refusedPort, scripted, type Handler, type Script, type Scripted } from '../../servers/hostile.ts'
import { waitFor } from '../../servers/ports.ts'
import { look, values } from '../look.ts'
import { addresses, handOverOnce, type HandedOverOnce, type Handing } from './handing-over.ts'

const password = 'correct horse/battery'
const made = await certificates()
const references = values({ SMTP_PASS: password, '/ca.pem': made.ca })

const relayAt = (port: number, more: Record<string, unknown> = {}): Way => ({
  kind: 'smtp',
  target: smtp.target.parse({
    name: 'relay',
    host: '127.0.0.1',
    port,
    user: 'postmaster',
    password: { env: 'SMTP_PASS' },
    ca_file: '/ca.pem',
    ...more,
  }),
})
const openRelay = { security: 'none', user: undefined, password: undefined }

/** Takes mails: the lines of the last one, dots and all. */
function mailbox(atEnd: string | ((socket: Socket) => string) = '250 2.0.0 Ok: queued as 4ZxY') {
  const lines: string[] = []
  let within = false
  const handler: Handler = (line, socket) => {
    if (within) {
      if (line !== '.') {
        lines.push(line)
        return ''
      }
      within = false
      return typeof atEnd === 'string' ? atEnd : atEnd(socket)
    }
    if (line !== 'DATA') return undefined
    within = true
    return '354 End data with <CR><LF>.<CR><LF>'
  }
  return { lines, handler }
}
const answer =
  (verb: string, reply: string): Handler =>
  line =>
    line.startsWith(verb) ? reply : undefined

async function script(options: Script = {}): Promise<Scripted> {
  const server = await scripted({ security: 'starttls', certificate: made.good, ...options })
  onTestFinished(() => server.close())
  return server
}

/** With what holds for every hand-over: no secret is in anything, and no connection stays. */
async function handedTo(server: Scripted, more: Record<string, unknown> = {}, options: Handing = {}) {
  const handed = await handOverOnce(relayAt(server.port, more), { references, ...options })
  const { mark, handOver, notes } = handed
  expect(handed.address).toBe(`127.0.0.1:${server.port}`)
  for (const secret of [mark.token, 'horse', addresses.from, addresses.to, addresses.envelope_from]) {
    expect(JSON.stringify(handOver)).not.toContain(secret)
    expect(notes).not.toContain(secret)
  }
  await waitFor(() => server.connections === 0, { timeoutMs: 1000, what: 'the canary left the relay' })
  return handed
}
const said = (server: Scripted): string[] => server.commands.map(({ line }) => line)

describe('a relay that takes the mail', () => {
  it('gets it as the application would send it: over TLS, logged in, with its own envelope', async () => {
    const { lines, handler } = mailbox()
    const server = await script({ handlers: [handler] })
    const { handOver, message, phases } = await handedTo(server)
    expect(handOver).toEqual({
      kind: 'accepted',
      at: expect.closeTo(Date.now(), -4) as number,
      reply: '250 2.0.0 Ok: queued as 4ZxY',
    })
    expect(`${lines.join('\r\n')}\r\n`).toBe(message)
    expect(phases).toEqual([
      'references',
      'connect',
      'greeting',
      'ehlo',
      'starttls',
      'tls',
      'auth',
      'envelope',
      'data',
      'quit',
    ])
    const dialogue = said(server)
    expect(dialogue).toContain(`MAIL FROM:<${addresses.envelope_from}>`)
    expect(dialogue).toContain(`RCPT TO:<${addresses.to}>`)
    expect(dialogue.at(-1)).toBe('QUIT')
    const clear = server.commands.filter(({ encrypted }) => !encrypted).map(({ line }) => line.replace(/ .*/, ''))
    expect(clear).toEqual(['EHLO', 'STARTTLS'])
  })

  it.each([
    ['pipelined', ['PIPELINING']],
    ['one by one', []],
  ])('has its dots stuffed: %s', async (_, capabilities) => {
    const { lines, handler } = mailbox()
    const server = await script({ security: 'none', capabilities, handlers: [handler] })
    await handedTo(server, openRelay, { message: 'A: b\r\n\r\n.\r\n..\r\n.x\r\nQUIT\r\nend' })
    expect(lines).toEqual(['A: b', '', '..', '...', '..x', 'QUIT', 'end'])
    expect(said(server).filter(line => line === 'QUIT')).toHaveLength(2)
  })

  it('takes it without a login where it offers none', async () => {
    const server = await script({ security: 'none', capabilities: [], handlers: [mailbox().handler] })
    const { handOver } = await handedTo(server, { security: 'none' })
    expect(handOver.kind).toBe('accepted')
  })

  it('is believed with a reply of several lines, and quoted in one', async () => {
    const { handler } = mailbox('250-2.6.0 taken\r\n250 2.6.0 as 1\u001b[31m')
    const server = await script({ security: 'none', handlers: [handler] })
    const { handOver } = await handedTo(server, openRelay)
    expect(handOver).toMatchObject({
      kind: 'accepted',
      reply: expect.stringMatching(/^250-2\.6\.0 taken 250 2\.6\.0 as 1\W*31m$/) as string,
    })
  })

  it('does not give away what it quotes: token, recipient and sender', async () => {
    let token = ''
    const box = mailbox(() => `250 2.0.0 ${token} for <${addresses.to}> from ${addresses.envelope_from}`)
    const server = await script({
      security: 'none',
      handlers: [
        line => {
          token = /^Message-ID: <([^@]+)@/.exec(line)?.[1] ?? token
          return undefined
        },
        box.handler,
      ],
    })
    const { handOver } = await handedTo(server, openRelay)
    expect(token).toMatch(/^[a-z2-7]{26}$/)
    expect(handOver).toMatchObject({ kind: 'accepted', reply: '250 2.0.0 <secret> for <<secret>> from <secret>' })
  })
})

describe('a relay that refuses', () => {
  it.each<[string, Handler, Partial<HandOver>]>([
    ['the sender', answer('MAIL', '550 5.7.1 not yours'), { verb: 'MAIL', code: 550, status: '5.7.1', forNow: false }],
    [
      'the sender for now',
      answer('MAIL', '452 4.3.1 full'),
      { verb: 'MAIL', code: 452, status: '4.3.1', forNow: true },
    ],
    ['the recipient', answer('RCPT', '550 5.1.1 unknown'), { verb: 'RCPT', code: 550, status: '5.1.1', forNow: false }],
    ['the recipient for now', answer('RCPT', '450 4.2.0 greylisted'), { verb: 'RCPT', code: 450, forNow: true }],
    ['DATA', answer('DATA', '554 5.5.1 no'), { verb: 'DATA', code: 554, status: '5.5.1', forNow: false }],
    ['DATA for now', answer('DATA', '451 try later'), { verb: 'DATA', code: 451, status: undefined, forNow: true }],
    [
      'the mail',
      mailbox('550 5.7.26 unauthenticated').handler,
      { verb: 'mail', code: 550, status: '5.7.26', forNow: false },
    ],
    [
      'the mail for now',
      mailbox('451 4.7.1 later').handler,
      { verb: 'mail', code: 451, status: '4.7.1', forNow: true },
    ],
    ['the mail, and hangs up', mailbox('421 4.3.2 going down').handler, { verb: 'mail', code: 421, forNow: true }],
  ])('%s', async (_, handler, expected) => {
    for (const capabilities of [['PIPELINING'], []]) {
      const box = mailbox()
      const server = await script({ security: 'none', capabilities, handlers: [handler, box.handler] })
      const { handOver } = await handedTo(server, openRelay)
      expect(handOver).toMatchObject({ kind: 'refused', ...expected })
      expect(box.lines.join('')).not.toContain('X-Mailpath')
    }
  })
})

describe('a mail that went out without an answer', () => {
  it.each<[string, Parameters<typeof mailbox>[0], RegExp]>([
    ['cut off', socket => (socket.resetAndDestroy(), ''), /ECONNRESET|closed/],
    ['ended', socket => (socket.end(), ''), /Connection closed unexpectedly/],
    ['half an answer', socket => (socket.end('250 2.0'), ''), /Connection closed unexpectedly/],
    ['noise', 'garbage', /garbage/],
    ['an answer to something else', '354 go on', /354 go on/],
    ['a line without end', longLine(250), /exceeds maximum allowed size|too much/],
  ])('may have been taken: %s', async (_, atEnd, text) => {
    const server = await script({ security: 'none', handlers: [mailbox(atEnd).handler] })
    const { handOver } = await handedTo(server, openRelay)
    expect(handOver).toMatchObject({ kind: 'unanswered', at: expect.closeTo(Date.now(), -4) as number })
    const line = handOver.kind === 'unanswered' ? handOver.text : ''
    expect(line).toMatch(text)
    expect(line.startsWith(`127.0.0.1:${server.port}: `)).toBe(true)
  })

  it('also where the relay is silent until the deadline', async () => {
    const server = await script({ security: 'none', handlers: [mailbox('').handler] })
    const { handOver } = await handedTo(server, openRelay, { timeoutMs: 600 })
    expect(handOver).toMatchObject({
      kind: 'unanswered',
      text: expect.stringContaining('no answer within 0.6 s') as string,
    })
  })
})

describe('a way that is broken', () => {
  const notSent = (handed: HandedOverOnce): string => (handed.handOver.kind === 'not_sent' ? handed.handOver.text : '')

  it.each<[string, Script, Record<string, unknown>, RegExp]>([
    ['wrong password', { handlers: [answer('AUTH', '535 5.7.8 no')] }, {}, /the login was refused/],
    ['wrong certificate', { certificate: made.expired }, {}, /its certificate does not verify: CERT_HAS_EXPIRED/],
    ['no STARTTLS', { security: 'none' }, {}, /there is no TLS/],
    ['answers injected', { inject: '250 AUTH PLAIN\r\n' }, {}, /clear text followed the answer to STARTTLS/],
    ['no mechanism', { capabilities: ['STARTTLS', 'AUTH GSSAPI'] }, {}, /no mechanism on offer takes a password/],
    ['no service', { greeting: '554 5.7.1 no service for you' }, {}, /no service for you/],
    ['no password', {}, { password: { env: 'NONE' } }, /password: .*NONE/],
  ])('sends nothing: %s', async (_, options, more, text) => {
    const box = mailbox()
    const server = await script({ ...options, handlers: [...(options.handlers ?? []), box.handler] })
    const handed = await handedTo(server, more)
    expect(notSent(handed)).toMatch(text)
    expect(notSent(handed).startsWith(`127.0.0.1:${server.port}: `)).toBe(true)
    expect(said(server).some(line => /^(?:MAIL|RCPT|DATA)/.test(line))).toBe(false)
  })

  it('breaks off before the mail was out, or stays silent', async () => {
    const cut = await script({
      security: 'none',
      handlers: [(line, socket) => (line === 'DATA' ? (socket.end(), '') : undefined)],
    })
    expect(notSent(await handedTo(cut, openRelay))).toMatch(/Connection closed unexpectedly \(phase envelope\)$/)
    const mute = await script({ security: 'none', handlers: [answer('RCPT', '')] })
    expect(notSent(await handedTo(mute, openRelay, { timeoutMs: 500 }))).toMatch(
      /no answer within 0.5 s \(phase envelope\)$/,
    )
  })

  it('is not there, or has a host that cannot be read', async () => {
    const nobody = await refusedPort()
    onTestFinished(() => nobody.close())
    expect(notSent(await handOverOnce(relayAt(nobody.port), { references }))).toMatch(
      new RegExp(`^127\\.0\\.0\\.1:${nobody.port}: .*ECONNREFUSED`),
    )
    const unread = await handOverOnce(relayAt(1, { host: { env: 'NONE' } }), { references })
    expect(unread.address).toBe('smtp/relay')
    expect(notSent(unread)).toMatch(/^smtp\/relay: host: .*NONE/)
  })

  it('shares the refused login with the check of the relay: one of them tries, and the other waits', async () => {
    const server = await script({ handlers: [answer('AUTH', '535 5.7.8 no')] })
    const way = relayAt(server.port)
    if (way.kind !== 'smtp') throw new Error('it is no relay')
    await look(smtp, way.target, { references })
    expect(notSent(await handedTo(server))).toMatch(/the login was refused, and is not tried again yet/)
    expect(said(server).filter(line => line.startsWith('AUTH'))).toHaveLength(1)
  })
})

describe('the addresses of a canary', () => {
  it('have their domain in ASCII, and come out nowhere', async () => {
    const box = mailbox()
    const server = await script({ security: 'none', handlers: [box.handler] })
    const to = 'Postbote <kanarie@Bücher.example>'
    const { handOver, notes, redact } = await handedTo(server, openRelay, { target: { to, envelope_from: undefined } })
    expect(handOver.kind).toBe('accepted')
    expect(said(server)).toContain('RCPT TO:<kanarie@xn--bcher-kva.example>')
    expect(said(server)).toContain(`MAIL FROM:<${addresses.from}>`)
    expect(box.lines).toContain('To: kanarie@xn--bcher-kva.example')
    expect(notes).not.toContain('kanarie')
    expect(redact('to kanarie@bücher.example')).not.toContain('kanarie')
  })

  it('are ASCII before the @', async () => {
    await expect(handOverOnce(relayAt(1, openRelay), { target: { to: 'bücher@example.test' } })).rejects.toThrow(
      /^to: .*only ASCII/,
    )
  })
})
