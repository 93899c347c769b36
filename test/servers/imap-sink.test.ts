import { ImapFlow } from 'imapflow'
import net from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it, onTestFinished } from 'vitest'
import { certificates } from './certificates.ts'
import { startImapSink } from './imap-sink.ts'
import { wordsIn } from './imap-words.ts'
import { waitFor } from './ports.ts'

// imapflow, an independent client, is the judge of what the sink says.

const user = 'canary@example.test'
const password = 'with "signs" \\ in it'
const { good, ca } = await certificates()
const mail = (subject: string): Buffer =>
  Buffer.from(`Subject: ${subject}\r\nX-Long: a\r\n b\r\nTo: ${user}\r\n\r\nHello (you) {3}\r\n`)

async function sink({ secure = true } = {}) {
  const server = await startImapSink({ users: { [user]: password }, certificate: secure ? good : undefined })
  onTestFinished(() => server.close())
  return server
}

async function client(port: number, pass = password): Promise<ImapFlow> {
  const flow = new ImapFlow({
    host: '127.0.0.1',
    port,
    secure: true,
    tls: { ca },
    auth: { user, pass },
    logger: false,
    disableAutoIdle: true,
  })
  flow.on('error', () => undefined)
  await flow.connect()
  onTestFinished(() => flow.close())
  return flow
}

it('shows its folders and what is in them', async () => {
  const server = await sink()
  server.deliver(mail('one'))
  server.deliver(mail('two'))
  server.deliver(mail('bad'), 'Junk')
  const flow = await client(server.port)
  expect((await flow.list()).map(({ path, specialUse }) => [path, specialUse])).toEqual([
    ['INBOX', '\\Inbox'],
    ['Junk', '\\Junk'],
    ['Trash', '\\Trash'],
  ])
  expect(await flow.mailboxOpen('INBOX')).toMatchObject({ exists: 2, uidNext: 3, readOnly: false })
  const [first] = await flow.fetchAll('1:*', {
    uid: true,
    flags: true,
    size: true,
    internalDate: true,
    source: true,
    headers: ['x-long', 'Subject'],
  })
  expect(first).toMatchObject({ seq: 1, uid: 1, size: mail('one').length, flags: new Set() })
  expect(first?.source?.equals(mail('one'))).toBe(true)
  expect(first?.headers?.toString()).toBe('Subject: one\r\nX-Long: a\r\n b\r\n\r\n')
  const part = await flow.fetchOne('2', { bodyParts: [{ key: 'HEADER', start: 9, maxLength: 3 }] })
  expect(part && part.headers?.toString()).toBe('two')
  expect(Math.abs(Date.now() - Number(first?.internalDate))).toBeLessThan(60_000)
  // RFC 3501: `*` is the last mail, also where its UID is lower.
  expect(await flow.fetchAll('99:*', { uid: true }, { uid: true })).toMatchObject([{ uid: 2 }])
  await expect(flow.mailboxOpen('Work')).rejects.toMatchObject({ responseStatus: 'NO' })
})

it('expunges only the mails that are named', async () => {
  const server = await sink()
  for (const subject of ['one', 'two', 'three']) server.deliver(mail(subject))
  const flow = await client(server.port)
  const lock = await flow.getMailboxLock('INBOX')
  const gone: number[] = []
  flow.on('expunge', ({ seq = 0 }) => gone.push(seq))
  await flow.messageFlagsAdd('3', ['\\Deleted'], { uid: true })
  expect(await flow.messageDelete('1:2', { uid: true })).toBe(true)
  expect(gone).toEqual([2, 1])
  expect(server.mails()).toEqual([mail('three').toString()])
  expect((await flow.fetchOne('1', { flags: true })) as unknown).toMatchObject({ flags: new Set(['\\Deleted']) })
  lock.release()
})

it('tells a session in IDLE of a mail, and another one once it asks', async () => {
  const server = await sink()
  const [idling, asking] = [await client(server.port), await client(server.port)]
  await idling.mailboxOpen('INBOX')
  await asking.mailboxOpen('INBOX')
  const counts: number[] = []
  idling.on('exists', ({ count }) => counts.push(count))
  const idle = idling.idle()
  await sleep(50)
  server.deliver(mail('one'))
  await waitFor(() => counts.length > 0, { what: 'news in IDLE' })
  await idling.noop()
  await idle
  expect(asking.mailbox && asking.mailbox.exists).toBe(0)
  await asking.noop()
  expect(asking.mailbox && asking.mailbox.exists).toBe(1)
  expect(counts).toEqual([1])
  await idling.logout()
  await waitFor(() => server.connections === 1, { what: 'the connection has ended' })
})

it('lets in only who knows the password', async () => {
  const server = await sink()
  await expect(client(server.port, 'wrong')).rejects.toMatchObject({
    authenticationFailed: true,
    serverResponseCode: 'AUTHENTICATIONFAILED',
  })
})

it('says what it does not know, and takes a literal', async () => {
  const server = await sink({ secure: false })
  const socket = net.connect(server.port, '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  let heard = ''
  socket.on('data', (chunk: Buffer) => (heard += chunk.toString()))
  const until = (text: string) => waitFor(() => heard.includes(text), { what: text })
  socket.write('a SELECT INBOX\r\n')
  await until('a BAD log in first')
  socket.write(`b LOGIN "${user}" {${password.length}}\r\n`)
  await until('+ go on')
  socket.write(`${password}\r\n`)
  await until('b OK')
  socket.write('c SELECT inbox\r\nd SEARCH ALL\r\ne UID FETCH 1:x (UID)\r\nf (\r\n')
  await until('f BAD a parenthesis is missing')
  expect(heard).toMatch(/c OK.*\r\nd BAD SEARCH is not known here\r\ne BAD what set is this/s)
  socket.write('x'.repeat(70_000))
  await until('BYE')
})

it('splits a command into words', () => {
  expect(wordsIn('UID FETCH 1:* (UID BODY.PEEK[HEADER.FIELDS (A "B")]<0.10> (x)) {3}\r\na b "q\\"q"')).toEqual([
    'UID',
    'FETCH',
    '1:*',
    ['UID', 'BODY.PEEK[HEADER.FIELDS (A "B")]<0.10>', ['x']],
    'a b',
    'q"q',
  ])
})
