import type { Socket } from 'node:net'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { smtp } from '../../src/probes/smtp/index.ts'
import type { SmtpTarget } from '../../src/probes/smtp/target.ts'
import type { Observation } from '../../src/core/probe.ts'
import { certificates } from '../servers/certificates.ts'
import { longLine, scripted, type Listening, type Script, type Scripted } from '../servers/hostile.ts'
import { waitFor } from '../servers/ports.ts'
import { postfixBinary, postfixInstall, startPostfix } from '../servers/postfix.ts'
import { needs } from '../servers/processes.ts'
import { startSmtp, type Smtp, type SmtpOptions } from '../servers/smtp.ts'
import { expectReasons, expectSamples, probeContract } from './contract.ts'
import { look, values, type LookOptions } from './look.ts'
import { valueOf } from './values.ts'

const password = 'correct horse/battery'
const made = await certificates()
const references = values({ SMTP_PASS: password, WRONG: 'wrong horse/battery', '/ca.pem': made.ca })

const targetOf = (port: number, more: Record<string, unknown> = {}): SmtpTarget =>
  smtp.target.parse({
    name: 'relay',
    host: '127.0.0.1',
    port,
    user: 'postmaster',
    password: { env: 'SMTP_PASS' },
    ca_file: '/ca.pem',
    ...more,
  })

async function relay(options: Partial<SmtpOptions> = {}): Promise<Smtp> {
  const server = await startSmtp({
    security: 'starttls',
    certificate: made.good,
    users: { postmaster: password },
    ...options,
  })
  onTestFinished(() => server.close())
  return server
}

async function script(options: Script = {}): Promise<Scripted> {
  const server = await scripted({ security: 'starttls', certificate: made.good, ...options })
  onTestFinished(() => server.close())
  return server
}

/** One run, with what holds for every run. */
async function seenAt(server: Listening, target: SmtpTarget, options: LookOptions = {}): Promise<Observation> {
  const observation = await look(smtp, target, { references, ...options })
  if (!observation) throw new Error('the run was not recorded')
  expectSamples(observation, smtp)
  if (observation.verdict !== 'ok') expectReasons(observation, `127.0.0.1:${server.port}`, smtp)
  expect(JSON.stringify(observation)).not.toContain('horse')
  await waitFor(() => server.connections === 0, { timeoutMs: 1000, what: 'the probe left the server' })
  return observation
}

const codes = ({ reasons }: Observation): string[] => reasons.map(({ code }) => code)
const lines = (server: Scripted): string[] => server.commands.map(({ line }) => line.replace(/ .*/, ''))
const answer =
  (verb: string, reply: string) =>
  (line: string): string | undefined =>
    line.startsWith(verb) ? reply : undefined

for (const security of ['starttls', 'tls', 'none'])
  describe(`security: ${security}`, () => probeContract(smtp, port => targetOf(port, { security, ca_file: undefined })))

describe('a relay that works', () => {
  it('is logged in to over STARTTLS, phase by phase, and left with QUIT', async () => {
    const server = await relay()
    const observation = await seenAt(server, targetOf(server.port))
    expect(observation.verdict).toBe('ok')
    const phases = ['references', 'connect', 'greeting', 'ehlo', 'starttls', 'tls', 'auth', 'quit']
    expect(Object.keys(observation.phases)).toEqual(phases)
    expect(observation.phases['greeting']).toBeGreaterThan(0.05)
    expect(valueOf(observation, 'mailpath_smtp_response_code')).toBe(235)
    expect(server).toMatchObject({ logins: 1, quits: 1, messages: 0 })
  })

  it('is logged in to over TLS from the start', async () => {
    const server = await relay({ security: 'tls' })
    const observation = await seenAt(server, targetOf(server.port, { security: 'tls' }))
    expect(observation.verdict).toBe('ok')
    expect(Object.keys(observation.phases)).toEqual([
      'references',
      'connect',
      'tls',
      'greeting',
      'ehlo',
      'auth',
      'quit',
    ])
    expect(valueOf(observation, 'mailpath_smtp_starttls')).toBeUndefined()
    expect(server.quits).toBe(1)
  })

  it('is found by name, on whichever of its addresses it listens', async () => {
    const server = await relay()
    const observation = await look(smtp, targetOf(server.port, { host: 'localhost' }), { references })
    expect(observation?.verdict).toBe('ok')
    expect(observation?.phases['dns']).toBeGreaterThanOrEqual(0)
  })

  it('is asked for the envelope and sent nothing', async () => {
    const server = await relay()
    const envelope = { from: 'probe@example.com', to: 'probe@example.org' }
    const taken = await seenAt(server, targetOf(server.port, { envelope }))
    expect(taken.verdict).toBe('ok')
    expect(valueOf(taken, 'mailpath_smtp_response_code')).toBe(250)
    server.rejectRcpt(451)
    expect(codes(await seenAt(server, targetOf(server.port, { envelope })))).toEqual(['smtp_recipient_deferred'])
    server.rejectFrom(550)
    expect(codes(await seenAt(server, targetOf(server.port, { envelope })))).toEqual(['smtp_sender_refused'])
    expect(server).toMatchObject({ logins: 3, quits: 3, messages: 0 })
  })

  it('needs no login where it takes the envelope without one; else nothing is proven', async () => {
    const server = await script({ security: 'none', capabilities: [] })
    const open = { security: 'none', user: undefined, password: undefined }
    expect(codes(await seenAt(server, targetOf(server.port, open)))).toEqual(['smtp_login_not_configured'])
    const envelope = { from: 'probe@example.com', to: 'probe@example.org' }
    expect((await seenAt(server, targetOf(server.port, { ...open, envelope }))).verdict).toBe('ok')
    expect(lines(server)).toEqual(['EHLO', 'QUIT', 'EHLO', 'MAIL', 'RCPT', 'RSET', 'QUIT'])
  })

  it.each([
    ['PLAIN', [/^AUTH PLAIN \S+$/]],
    ['LOGIN', [/^AUTH LOGIN$/, /^cG9zdG1hc3Rlcg==$/, /^Y29y/]],
    ['CRAM-MD5', [/^AUTH CRAM-MD5$/, /^cG9zdG1hc3Rlci/]],
  ])('takes a password by %s', async (mechanism, said) => {
    const replies = ['334 PDFAbWFpbD4=', '334 UGFzc3dvcmQ6'].slice(0, said.length - 1).concat('235 2.7.0 welcome')
    const login = (line: string): string | undefined => replies[said.findIndex(pattern => pattern.test(line))]
    const server = await script({ capabilities: ['STARTTLS', `AUTH ${mechanism}`], handlers: [login] })
    expect((await seenAt(server, targetOf(server.port))).verdict).toBe('ok')
    expect(replies).toHaveLength(said.length)
  })
})

describe('a login counts as taken', () => {
  const early = '250-mail.keybuzz.io\r\n250 AUTH PLAIN\r\n235 2.7.0 welcome'
  it.each([
    ['by 235 alone, not by another 2xx', answer('AUTH', '250 2.0.0 Ok')],
    ['not by a 235 that came before AUTH', (line: string) => (line.startsWith('EHLO') ? early : undefined)],
  ])('%s', async (_, handler) => {
    const server = await script({ security: 'none', handlers: [handler] })
    const observation = await seenAt(server, targetOf(server.port, { security: 'none' }))
    expect(codes(observation)).toEqual(['smtp_protocol_error'])
    expect(valueOf(observation, 'mailpath_smtp_authenticated')).not.toBe(1)
  })
})

describe('no password is sent', () => {
  const verified = ['expired', 'notYetValid', 'wrongName', 'selfSigned'] as const
  const words = {
    expired: /expired on 2024-02-01/,
    notYetValid: /not valid before 2099/,
    wrongName: /other\.example/,
    selfSigned: /self-signed/,
  }

  it.each(verified.flatMap(kind => [[kind, 'starttls'] as const, [kind, 'tls'] as const]))(
    'to a server with a certificate that is %s (%s), and its expiry is exported',
    async (kind, security) => {
      const server = await script({ security, certificate: made[kind] })
      const observation = await seenAt(server, targetOf(server.port, { security }))
      expect(codes(observation)).toEqual(['smtp_certificate_invalid'])
      expect(observation.evidence).toMatch(words[kind])
      expect(valueOf(observation, 'mailpath_smtp_certificate_valid')).toBe(0)
      expect(valueOf(observation, 'mailpath_smtp_certificate_not_after_timestamp_seconds')).toBeGreaterThan(
        1_700_000_000,
      )
      expect(valueOf(observation, 'mailpath_smtp_authenticated')).toBeUndefined()
      expect(lines(server)).not.toContain('AUTH')
      expect(lines(server).at(-1)).toBe('QUIT')
    },
  )

  it('where the authority is not known, and is where its certificate is for another name that was set', async () => {
    const server = await relay()
    const strange = await seenAt(server, targetOf(server.port, { ca_file: undefined }))
    expect(codes(strange)).toEqual(['smtp_certificate_invalid'])
    expect(server.logins).toBe(0)
    server.certificate(made.wrongName)
    expect((await seenAt(server, targetOf(server.port, { servername: 'other.example' }))).verdict).toBe('ok')
  })

  it('where STARTTLS is not offered, although it would be taken', async () => {
    const server = await relay({ hideStarttls: true })
    const observation = await seenAt(server, targetOf(server.port))
    expect(codes(observation)).toEqual(['smtp_starttls_missing'])
    expect(valueOf(observation, 'mailpath_smtp_starttls')).toBe(0)
    expect(server).toMatchObject({ logins: 0, quits: 1 })
  })

  it('where STARTTLS is refused', async () => {
    const server = await script({ handlers: [answer('STARTTLS', '454 4.7.0 TLS not available')] })
    const observation = await seenAt(server, targetOf(server.port))
    expect(codes(observation)).toEqual(['smtp_starttls_refused'])
    expect(lines(server)).toEqual(['EHLO', 'STARTTLS', 'QUIT'])
  })

  it('where replies are injected behind STARTTLS', async () => {
    const server = await script({ inject: '250-mail.keybuzz.io\r\n250 AUTH PLAIN\r\n' })
    const observation = await seenAt(server, targetOf(server.port))
    expect(codes(observation)).toEqual(['smtp_protocol_error'])
    expect(lines(server)).toEqual(['EHLO', 'STARTTLS', 'EHLO', 'QUIT'])
  })

  it('where no fitting mechanism is offered', async () => {
    const server = await script({ capabilities: ['STARTTLS', 'AUTH GSSAPI XOAUTH2'] })
    expect(codes(await seenAt(server, targetOf(server.port)))).toEqual(['smtp_auth_method_not_offered'])
    expect(lines(server)).toEqual(['EHLO', 'STARTTLS', 'EHLO', 'QUIT'])
  })

  it('in the clear, unless the config says so', async () => {
    const server = await relay({ security: 'none' })
    expect(codes(await seenAt(server, targetOf(server.port)))).toEqual(['smtp_starttls_missing'])
    expect(server.logins).toBe(0)
    expect((await seenAt(server, targetOf(server.port, { security: 'none' }))).verdict).toBe('ok')
  })
})

describe('a dialogue that breaks off', () => {
  const silentHandshake = (line: string, socket: Socket): string | undefined => {
    if (line === 'STARTTLS') socket.write('220 go ahead\r\n')
    return line.startsWith('EHLO') ? undefined : ''
  }
  const cases: [string, Script, string, phase: string][] = [
    ['greets with 554', { greeting: '554 5.7.1 no service for you' }, 'smtp_greeting_refused', 'greeting'],
    ['greets with 421', { greeting: '421 4.3.2 shutting down' }, 'smtp_greeting_refused', 'greeting'],
    ['is an SSH server', { greeting: 'SSH-2.0-OpenSSH_9.2' }, 'smtp_protocol_error', 'greeting'],
    ['greets without end', { greeting: longLine(220) }, 'smtp_protocol_error', 'greeting'],
    [
      'refuses EHLO and HELO',
      { handlers: [answer('EHLO', '550 no'), answer('HELO', '550 no')] },
      'smtp_greeting_refused',
      'ehlo',
    ],
    ['hangs up on EHLO', { handlers: [(_, socket) => (socket.end(), '')] }, 'smtp_closed', 'ehlo'],
    ['is silent on STARTTLS', { handlers: [answer('STARTTLS', '')] }, 'smtp_no_answer', 'starttls'],
    ['is silent in the handshake', { handlers: [silentHandshake] }, 'smtp_no_answer', 'tls'],
    ['is silent on AUTH', { handlers: [answer('AUTH', '')] }, 'smtp_no_answer', 'auth'],
    ['drips its reply to EHLO', { dripEhloMs: 50 }, 'smtp_no_answer', 'ehlo'],
  ]
  it.each(cases)('with a server that %s', async (_, options, code, phase) => {
    const server = await script(options)
    const from = performance.now()
    const observation = await seenAt(server, targetOf(server.port), { timeoutMs: 700 })
    expect(performance.now() - from).toBeLessThan(1700)
    expect(codes(observation)).toEqual([code])
    expect(observation.evidence).toContain(`(phase ${phase})`)
  })

  it('names the TLS handshake where the other side speaks none', async () => {
    const server = await script({ security: 'none' })
    const observation = await seenAt(server, targetOf(server.port, { security: 'tls' }))
    expect(codes(observation)).toEqual(['smtp_tls_failed'])
    expect(observation.evidence).toContain('wrong version number')
  })

  it('says QUIT to a server that only refused to go on, and at the deadline to one that is slow', async () => {
    const refusing = await script({ greeting: '554 5.7.1 no service for you' })
    await seenAt(refusing, targetOf(refusing.port))
    expect(lines(refusing)).toEqual(['QUIT'])
    const slow = await script({ dripEhloMs: 100 })
    await seenAt(slow, targetOf(slow.port), { timeoutMs: 300 })
    expect(lines(slow)).toEqual(['EHLO', 'QUIT'])
  })

  it('does not resolve the name', async () => {
    const observation = await look(smtp, targetOf(587, { host: 'relay.invalid' }), { references })
    expect(observation && codes(observation)).toEqual(['smtp_unreachable'])
    expect(observation?.evidence).toMatch(/^relay\.invalid:587: .*\(phase dns\)$/)
  })

  it('finds no name with a line break at its end', async () => {
    const host = { env: 'HOST' }
    const observation = await look(smtp, targetOf(587, { host }), {
      references: values({ HOST: '127.0.0.1\n', SMTP_PASS: password, '/ca.pem': made.ca }),
    })
    expect(observation && codes(observation)).toEqual(['smtp_unreachable'])
    expect(observation?.reasons[0]?.remedy).toContain('Take the white space out')
  })
})

describe('a password that cannot be fetched', () => {
  it('leaves all the rest to be seen, and the verdict unknown', async () => {
    const server = await relay()
    const observation = await seenAt(server, targetOf(server.port, { password: { env: 'NOWHERE' } }))
    expect(observation.verdict).toBe('unknown')
    expect(codes(observation)).toEqual(['smtp_password_unresolved'])
    expect(observation.evidence).toContain('NOWHERE is not there')
    expect(valueOf(observation, 'mailpath_smtp_certificate_valid')).toBe(1)
    expect(server).toMatchObject({ logins: 0, quits: 1 })
  })

  it('is reported beside a relay that is down', async () => {
    const server = await relay()
    await server.close()
    const observation = await seenAt(server, targetOf(server.port, { password: { env: 'NOWHERE' } }))
    expect(codes(observation)).toEqual(['smtp_unreachable', 'smtp_password_unresolved'])
  })

  it('ends with QUIT also where the source hangs until the deadline', async () => {
    const server = await relay()
    const hangs = (_: unknown, signal: AbortSignal): Promise<string> =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
    const target = targetOf(server.port, { ca_file: undefined, security: 'none' })
    const observation = await seenAt(server, target, { timeoutMs: 400, references: { value: hangs } })
    expect(codes(observation)).toEqual(['smtp_password_unresolved'])
    expect(valueOf(observation, 'mailpath_smtp_reachable')).toBe(1)
    expect(server.quits).toBe(1)
  })
})

describe('a refused login', () => {
  /** Both clocks go on together: how long a login is held off is measured by the one that cannot be set. */
  const at = (time: string): void => void vi.advanceTimersByTime(Date.parse(time) - Date.now())
  const clock = (): void => {
    vi.useFakeTimers({ toFake: ['Date', 'performance'], now: new Date('2030-01-01T00:00:00Z') })
    onTestFinished(() => void vi.useRealTimers())
  }
  // Certificates are for the years we live in.
  const plain = { security: 'none' } as const

  it('waits longer after each refusal while the other phases go on; then it is tried again', async () => {
    clock()
    const server = await relay(plain)
    const target = targetOf(server.port, { ...plain, password: { env: 'WRONG' } })
    const refused = await seenAt(server, target)
    expect(codes(refused)).toEqual(['smtp_auth_failed'])
    expect(refused.evidence).toMatch(/"535 .*next try not before 2030-01-01T00:01:00.000Z$/)
    at('2030-01-01T00:00:59Z')
    const held = await seenAt(server, target)
    expect(codes(held)).toEqual(['smtp_auth_failed'])
    expect(valueOf(held, 'mailpath_smtp_authenticated')).toBe(0)
    expect(valueOf(held, 'mailpath_smtp_response_code')).toBe(250)
    expect(server).toMatchObject({ logins: 1, quits: 2 })
    at('2030-01-01T00:01:00Z')
    const again = await seenAt(server, target)
    expect(server.logins).toBe(2)
    const until = Date.parse('2030-01-01T00:03:00Z') / 1000
    expect(valueOf(again, 'mailpath_smtp_auth_suspended_until_timestamp_seconds')).toBe(until)
    at('2030-01-01T00:03:00Z')
    server.password('postmaster', 'wrong horse/battery')
    const well = await seenAt(server, target)
    expect(well.verdict).toBe('ok')
    expect(valueOf(well, 'mailpath_smtp_auth_suspended_until_timestamp_seconds')).toBeUndefined()
  })

  it('is not sent again because the configuration was reloaded with another interval, or name', async () => {
    const server = await relay(plain)
    const target = targetOf(server.port, { ...plain, password: { env: 'WRONG' } })
    for (const changed of [{}, { interval: 20_000 }, { timeout: 4_000 }, { name: 'renamed' }, { hello: 'mail-01' }])
      expect(codes(await seenAt(server, { ...target, ...changed }))).toEqual(['smtp_auth_failed'])
    expect(server.logins).toBe(1)
  })

  it('waits for an hour at most', async () => {
    clock()
    const server = await relay(plain)
    const target = targetOf(server.port, { ...plain, password: { env: 'WRONG' } })
    for (let hour = 0; hour < 9; hour++) {
      at(`2030-01-01T0${hour}:00:00Z`)
      await seenAt(server, target)
    }
    const held = await seenAt(server, target)
    expect(server.logins).toBe(9)
    const until = Date.parse('2030-01-01T09:00:00Z') / 1000
    expect(valueOf(held, 'mailpath_smtp_auth_suspended_until_timestamp_seconds')).toBe(until)
  })

  it('is tried at once when the password changes, and the old one stays forgotten', async () => {
    const server = await relay()
    let current = 'wrong horse/battery'
    const rotating = { value: (ref: { file?: string | undefined }) => Promise.resolve(ref.file ? made.ca : current) }
    const target = targetOf(server.port)
    expect(codes(await seenAt(server, target, { references: rotating }))).toEqual(['smtp_auth_failed'])
    current = password
    expect((await seenAt(server, target, { references: rotating })).verdict).toBe('ok')
    expect(server.logins).toBe(2)
  })

  it.each([454, 421])('for a while (%i) does not make the next login wait', async code => {
    const server = await relay()
    server.refuse(code)
    const target = targetOf(server.port)
    for (const logins of [1, 2]) {
      expect(codes(await seenAt(server, target))).toEqual(['smtp_auth_temporary'])
      expect(server.logins).toBe(logins)
    }
  })

  it('does not bring the password out where the server repeats what it was sent', async () => {
    const echo = (line: string): string | undefined => (line.startsWith('AUTH') ? `535 5.7.8 bad: ${line}` : undefined)
    const server = await script({ handlers: [echo] })
    const observation = await seenAt(server, targetOf(server.port))
    expect(codes(observation)).toEqual(['smtp_auth_failed'])
    const token = Buffer.from(`\0postmaster\0${password}`).toString('base64')
    expect(server.commands.some(({ line }) => line.includes(token))).toBe(true)
    expect(JSON.stringify(observation)).not.toContain(token)
  })
})

describe('a token', () => {
  const tokens = (given: Record<string, unknown> = {}) => ({
    ...{ password: undefined, token: { env: 'SMTP_PASS' } },
    ...given,
  })

  it('is taken by smtp-server; one that has ended is answered with an empty line, and comes out nowhere', async () => {
    const server = await relay({ methods: ['XOAUTH2'] })
    expect((await seenAt(server, targetOf(server.port, tokens()))).verdict).toBe('ok')
    const ended = await seenAt(server, targetOf(server.port, tokens({ token: { env: 'WRONG' } })))
    expect(codes(ended)).toEqual(['smtp_auth_failed'])
    expect(ended.evidence).toContain('(status 401 of the token)')
    expect(ended.reasons[0]?.remedy).toContain('renews it')
    expect(server.quits).toBe(2)
  })

  it('is what the remedy names where the relay takes nothing else', async () => {
    const server = await relay({ methods: ['XOAUTH2'] })
    const [reason] = (await seenAt(server, targetOf(server.port))).reasons
    expect(reason?.code).toBe('smtp_auth_method_not_offered')
    expect(reason?.remedy).toMatch(/`token` and `auth: xoauth2`/)
    expect(server.logins).toBe(0)
  })
})

describe.each(['starttls', 'tls'] as const)('a relay for clients with a certificate (%s)', security => {
  const files = { '/cert.pem': made.client.cert, '/key.pem': made.client.key, '/other.pem': made.selfSigned.key }
  const given = { security, cert_file: '/cert.pem', key_file: '/key.pem' }
  const withFiles = values({ SMTP_PASS: password, '/ca.pem': made.ca, ...files })

  it('takes one that has it, and says of any other that it wants one', async () => {
    const server = await relay({ security, clientsOf: made.ca })
    const well = await seenAt(server, targetOf(server.port, given), { references: withFiles })
    expect(well.verdict).toBe('ok')
    const without = await seenAt(server, targetOf(server.port, { security }))
    expect(codes(without)).toEqual(['smtp_client_certificate_wanted'])
    expect(without.reasons[0]?.remedy).toContain('`cert_file` and `key_file`')
  })

  it.each([
    [
      'a key of another certificate',
      { ...given, key_file: '/other.pem' },
      /key_file: .*does not belong to the certificate of/,
    ],
    ['a key that is none', { ...given, key_file: '/ca.pem' }, /key_file: .*holds a certificate and no private key/],
    ['a certificate that is missing', { ...given, cert_file: '/nowhere.pem' }, /cert_file: .*not there/],
  ])('is not asked with %s', async (_, more, why) => {
    const server = await relay({ security, clientsOf: made.ca })
    const observation = await look(smtp, targetOf(server.port, more), { references: withFiles })
    expect(observation && codes(observation)).toEqual(['reference_unresolved'])
    expect(observation?.evidence).toMatch(why)
    expect(observation?.evidence).not.toMatch(/error:|OSSL/)
    expect(server.accepted).toBe(0)
  })
})

describe('a URL', () => {
  it('is followed, and its password comes out nowhere', async () => {
    const server = await relay()
    const url = `smtp://postmaster:${encodeURIComponent(password)}@127.0.0.1:${server.port}?requireTLS=true`
    const own = values({ SMTP_URL: url, DOUBT: url.replace('%20', ' ').replace('%2F', '/'), '/ca.pem': made.ca })
    const byUrl = (env: string) =>
      smtp.target.parse({ name: 'relay', url: { env }, ca_file: '/ca.pem', hello: 'app.example.com' })
    expect((await seenAt(server, byUrl('SMTP_URL'), { references: own })).verdict).toBe('ok')
    const doubt = await look(smtp, byUrl('DOUBT'), { references: own })
    expect(doubt?.verdict).toBe('unknown')
    expect(doubt?.evidence).toMatch(/^url \(env DOUBT\): it cannot be split without doubt/)
    expect(JSON.stringify(doubt)).not.toContain('horse')
    expect(server.accepted).toBe(1)
  })
})

describe('a slow relay', () => {
  it('is quoted as far as its greeting came, and the remedy names the timeout', async () => {
    const server = await script({ greeting: '220-mail.keybuzz.io please wait' })
    const [reason] = (await seenAt(server, targetOf(server.port), { timeoutMs: 400 })).reasons
    expect(reason?.code).toBe('smtp_no_answer')
    expect(reason?.text).toContain('was still greeting: "220-mail.keybuzz.io please wait"')
    expect(reason?.remedy).toContain('`timeout`')
  })

  it('that does not answer QUIT costs no more than a second', async () => {
    const server = await script({ handlers: [answer('QUIT', '')] })
    const from = performance.now()
    expect((await seenAt(server, targetOf(server.port), { timeoutMs: 20_000 })).verdict).toBe('ok')
    expect(performance.now() - from).toBeLessThan(10_000)
  })
})

describe('the config', () => {
  it.each([
    ['both a URL and a host', { url: { env: 'URL' } }, /exactly one of url and host/],
    ['neither', { host: undefined }, /exactly one of url and host/],
    ['a security beside a URL', { url: { env: 'URL' }, host: undefined, port: undefined, security: 'tls' }, /url says/],
    ['a password in a URL', { url: 'smtp://a:secret@b', host: undefined, port: undefined }, /secret must not stand/],
    ['a URL with a strange parameter', { url: 'smtp://b?proxy=x', host: undefined, port: undefined }, /proxy/],
    ['a token beside a password', { token: { env: 'T' } }, /not both/],
    ['a token for PLAIN', { password: undefined, token: { env: 'T' }, auth: 'plain' }, /XOAUTH2/],
    ['XOAUTH2 with a password', { auth: 'xoauth2' }, /takes a token/],
    ['a certificate without a key', { cert_file: '/cert.pem' }, /go together/],
  ])('does not take %s', (_, more, message) => {
    expect(() => targetOf(587, more)).toThrow(message)
  })
  it.each([
    ['starttls', 587],
    ['tls', 465],
    ['none', 587],
  ])('has a default port for security %s', (security, port) => {
    expect(smtp.target.parse({ name: 'relay', host: 'mail.keybuzz.io', security }).port).toBe(port)
  })

  it.each([
    ['a user without a password', { password: undefined }, /password: is missing|go together/],
    ['a password without a user', { user: undefined }, /go together/],
    ['a sender that would end the command', { envelope: { from: 'a@b>\r\nDATA', to: 'c@d' } }, /mail address/],
    ['an EHLO name with a space', { hello: 'a b' }, /host name/],
  ])('does not take %s', (_, more, message) => {
    expect(() => targetOf(587, more)).toThrow(message)
  })

  it('does not take an authority that is none', async () => {
    const server = await relay()
    const observation = await look(smtp, targetOf(server.port, { ca_file: 'X' }), {
      references: values({ X: 'nothing' }),
    })
    expect(observation && codes(observation)).toEqual(['reference_unresolved'])
    expect(server.accepted).toBe(0)
  })
})

describe.skipIf(!needs('Postfix', postfixBinary(), postfixInstall))('Postfix', () => {
  const login = { user: 'probe', password }
  it('is probed as it was installed: STARTTLS, TLS, an expired certificate, a wrong password, an envelope', async () => {
    const postfix = await startPostfix({ login })
    onTestFinished(() => postfix.stop())
    const { starttls, plain, expired, tls, postscreen } = postfix.ports
    const probe = async (port: number, more: Record<string, unknown> = {}, timeoutMs = 5_000): Promise<Observation> => {
      const target = targetOf(port, { user: login.user, ...more })
      const observation = await look(smtp, target, { references, timeoutMs })
      if (!observation) throw new Error('the run was not recorded')
      expect(JSON.stringify(observation)).not.toContain('horse')
      return observation
    }
    const envelope = { from: 'probe@example.com', to: 'probe@example.org' }
    expect((await probe(starttls, { envelope })).verdict).toBe('ok')
    expect((await probe(tls, { security: 'tls' })).verdict).toBe('ok')
    expect((await probe(plain, { security: 'none' })).verdict).toBe('ok')
    expect(codes(await probe(plain))).toEqual(['smtp_starttls_missing'])
    expect(codes(await probe(expired))).toEqual(['smtp_certificate_invalid'])
    const refused = await probe(starttls, { password: { env: 'WRONG' } })
    expect(codes(refused)).toEqual(['smtp_auth_failed'])
    expect(valueOf(refused, 'mailpath_smtp_response_code')).toBe(535)
    const unauthorised = await probe(plain, { security: 'none', user: undefined, password: undefined, envelope })
    expect(codes(unauthorised)).toEqual(['smtp_recipient_refused'])
    const waited = await probe(postscreen, { security: 'opportunistic' }, 10_000)
    expect(codes(waited)).toEqual(['smtp_login_in_clear'])
    expect(codes(await probe(plain, { security: 'opportunistic' }))).toEqual(['smtp_login_in_clear'])
    await waitFor(() => (postfix.process.log().match(/disconnect from .* quit=1/g) ?? []).length === 9, {
      what: 'nine QUITs in the log',
    })
    expect(postfix.process.log()).not.toMatch(/lost connection after (?!CONNECT)/)
  })
})
