import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Observation } from '../../src/core/probe.ts'
import { smtp } from '../../src/probes/smtp/index.ts'
import { securities } from '../../src/probes/smtp/url.ts'
import { certificates } from '../servers/certificates.ts'
import { scripted, type Handler } from '../servers/hostile.ts'
import { waitFor } from '../servers/processes.ts'
import { look, values } from '../probes/look.ts'
import { bounded, patienceMs } from './limits.ts'

const [user, password] = ['postmaster', 'canary-Zq7/pS+word']
const token = Buffer.from(`\0${user}\0${password}`).toString('base64')
const forms = [password, encodeURIComponent(password), Buffer.from(password).toString('base64'), token, 'canary-Zq7']
const { ca, good } = await certificates()
const timeoutMs = 250
/** Many dialogues at the same time, on a machine that does other things as well. */
const slackMs = 2_000
const atOnce = 16

/** What the server says in place of a polite answer; undefined leaves the answer polite. */
interface Say {
  readonly text: string
  /** Puts what was received behind it: `decoded` as a server that logs passwords would. */
  readonly echo: 'no' | 'line' | 'decoded'
  /** Instead of the line's end. */
  readonly then: 'nothing' | 'fin' | 'destroy'
  /** Sent as it is, without a line's end. */
  readonly raw: boolean
}
interface Case {
  readonly security: (typeof securities)[number]
  readonly login: boolean
  readonly envelope: boolean
  readonly capabilities: readonly string[]
  /** By the number of the line that is answered, from 0. */
  readonly says: Readonly<Record<number, Say>>
  /** To AUTH and what follows it, before `says`. */
  readonly auth: Say | undefined
  readonly greeting: string | undefined
}

const code = fc.oneof(
  fc.constantFrom(220, 235, 250, 334, 354, 421, 450, 451, 454, 500, 530, 535, 538, 550, 554),
  fc.integer({ min: 0, max: 1_000 }),
)
const words = fc.oneof(fc.string({ maxLength: 30 }), fc.string({ unit: 'binary', maxLength: 300 }))
const line = fc.tuple(code, fc.constantFrom(' ', '-', '', '  ', '\t', ' 4.3.0 '), words).map(parts => parts.join(''))
const lines = fc
  .tuple(fc.array(line, { minLength: 1, maxLength: 5 }), fc.constantFrom('\r\n', '\n', '\r'))
  .map(([list, end]) => list.join(end))
const extensions = fc
  .array(
    fc.constantFrom(
      'STARTTLS',
      'AUTH',
      'AUTH PLAIN',
      'AUTH=LOGIN',
      'AUTH  CRAM-MD5 ',
      'AUTH GSSAPI',
      'SIZE 1',
      '250 X',
    ),
    { maxLength: 6 },
  )
  .map(list => ['250-x', ...list.map(one => `250-${one}`), '250 OK'].join('\r\n'))
const noise = fc.uint8Array({ maxLength: 400 }).map(bytes => Buffer.from(bytes).toString('latin1'))
const endless = fc.tuple(code, fc.integer({ min: 1_000, max: 80_000 })).map(([n, size]) => `${n} ${'x'.repeat(size)}`)

const say: fc.Arbitrary<Say> = fc.record({
  text: fc.oneof({ weight: 6, arbitrary: lines }, { weight: 2, arbitrary: extensions }, noise, endless),
  echo: fc.constantFrom('no', 'no', 'line', 'decoded'),
  then: fc.constantFrom('nothing', 'nothing', 'nothing', 'fin', 'destroy'),
  raw: fc.oneof({ weight: 5, arbitrary: fc.constant(false) }, fc.constant(true)),
})
const nearly235 = fc.constantFrom(
  '235',
  '235-',
  '235 ',
  ' 235 x',
  '2355 x',
  '23',
  '250 ok',
  '200',
  '2',
  '334 ',
  '354 x',
  '535',
  '5',
)
const auth: fc.Arbitrary<Say> = fc.tuple(say, fc.oneof(nearly235, line)).map(([one, text]) => ({ ...one, text }))
const oneCase: fc.Arbitrary<Case> = fc.record({
  security: fc.constantFrom(...securities),
  login: fc.oneof({ weight: 4, arbitrary: fc.constant(true) }, fc.constant(false)),
  envelope: fc.boolean(),
  capabilities: fc.constantFrom(['AUTH PLAIN'], ['AUTH LOGIN'], ['AUTH CRAM-MD5'], ['AUTH=PLAIN GSSAPI']),
  says: fc.dictionary(fc.integer({ min: 0, max: 8 }).map(String), say, { maxKeys: 2 }),
  auth: fc.option(auth, { nil: undefined }),
  greeting: fc.oneof({ weight: 6, arbitrary: fc.constant(undefined) }, lines, noise),
})

const polite: Case = {
  ...{ security: 'starttls', login: true, envelope: false, capabilities: ['AUTH PLAIN'] },
  ...{ says: {}, auth: undefined, greeting: undefined },
}

const decoded = (received: string): string =>
  Buffer.from(received.split(' ').at(-1) ?? '', 'base64')
    .toString()
    .replaceAll('\0', ' ')

function spoken({ text, echo }: Say, received: string): string {
  if (echo === 'no') return text
  return `${text} ${echo === 'line' ? received : decoded(received)}`
}

function speak({ then, raw }: Say, text: string, socket: Socket): string {
  if (!raw && then === 'nothing') return text
  socket.write(raw ? text : `${text}\r\n`)
  if (then === 'fin') socket.end()
  if (then === 'destroy') socket.destroy()
  return ''
}

/** What there must have been for the verdict to be ok: the server's word for it, on a channel that may be believed. */
interface Truth {
  loggedIn: boolean
  recipientTaken: boolean
}

const mustEncrypt = (security: Case['security']): boolean => security === 'starttls' || security === 'tls'

function serverOf({ security, says, auth }: Case, truth: Truth): Handler {
  let count = 0
  let inAuth = false
  return (received, socket) => {
    inAuth = received.startsWith('AUTH') || (inAuth && !/^[A-Z]{4}\b/.test(received))
    const own = (inAuth ? auth : undefined) ?? says[count++]
    const text = own && spoken(own, received)
    const believed = !mustEncrypt(security) || socket instanceof TLSSocket
    if (believed && inAuth && (text === undefined || /(^|[\r\n])235/.test(text))) truth.loggedIn = true
    if (believed && received.startsWith('RCPT') && (text === undefined || /(^|[\r\n])2\d\d/.test(text)))
      truth.recipientTaken = true
    return own && speak(own, text ?? '', socket)
  }
}

async function observed(one: Case, truth: Truth): Promise<Observation> {
  const { login, envelope, capabilities, greeting } = one
  const security = one.security === 'opportunistic' ? 'starttls' : one.security
  const server = await scripted({
    security,
    certificate: good,
    capabilities: [...capabilities, ...(security === 'starttls' ? ['STARTTLS'] : [])],
    handlers: [serverOf(one, truth)],
    ...(greeting !== undefined && { greeting }),
  })
  try {
    const target = smtp.target.parse({
      name: 'relay',
      host: '127.0.0.1',
      port: server.port,
      security: one.security,
      ca_file: '/ca.pem',
      ...(login && { user, password: { env: 'PASSWORD' } }),
      ...(envelope && { envelope: { from: 'a@example.com', to: 'b@example.com' } }),
    })
    const from = performance.now()
    const observation = await look(smtp, target, {
      timeoutMs,
      references: values({ PASSWORD: password, '/ca.pem': ca }),
    })
    expect(performance.now() - from).toBeLessThan(timeoutMs + slackMs)
    if (!observation) throw new Error('the run was not recorded')
    return observation
  } finally {
    await server.close()
  }
}

async function survives(one: Case): Promise<Observation> {
  const truth: Truth = { loggedIn: false, recipientTaken: false }
  const observation = await observed(one, truth)
  const { verdict, reasons, evidence } = observation
  // Where no AUTH is offered, nodemailer hands its mail over without a login: what came of that is not ok either.
  const withoutLogin = reasons.some(({ code }) => code === 'smtp_auth_not_offered')
  if (verdict === 'ok' || (verdict === 'warn' && !withoutLogin)) {
    expect(one.login ? truth.loggedIn : truth.recipientTaken, evidence).toBe(true)
    if (mustEncrypt(one.security) && verdict === 'ok') expect(evidence).toContain('over TLSv1.')
  }
  expect(reasons.map(reason => reason.code)).not.toContain('probe_error')
  for (const { text } of reasons) expect(text).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/)
  const all = JSON.stringify({ ...observation, config: undefined })
  for (const form of forms) expect(all.includes(form), `${form} is in ${all}`).toBe(false)
  return observation
}

it(
  'says ok of no relay that did not take the login over TLS, hangs on none and gives no secret away',
  { timeout: patienceMs },
  async () => {
    // A relay that says nothing strange is ok: the others have something to lose.
    const isOk = async (): Promise<boolean> => (await survives(polite)).verdict === 'ok'
    await waitFor(isOk, { timeoutMs: 10_000, everyMs: 50, what: 'a polite relay is ok' })
    await fc.assert(
      fc.asyncProperty(fc.array(oneCase, { minLength: atOnce, maxLength: atOnce }), async cases => {
        await Promise.all(cases.map(survives))
      }),
      bounded(12, 40),
    )
  },
)
