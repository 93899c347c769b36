import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Mailbox, MailboxPlan } from '../../../src/clients/imap/index.ts'
import { certificates } from '../../servers/certificates.ts'
import { dovecotBinary, dovecotInstall, startDovecot, untilStored, type Dovecot } from '../../servers/dovecot.ts'
import { needs, waitFor } from '../../servers/processes.ts'
import { withMailbox } from './mailbox-look.ts'

const mail = (subject: string, more = ''): string =>
  `From: a@example.com\nTo: canary@example.test\nSubject: ${subject}\nX-Mailpath-Canary: v1 ${subject}\n${more}\nHello.\n`

const ours = { fields: ['X-Mailpath-Canary'], wants: (headers: string) => headers.includes('v1 ') }
const subjectsOf = (mails: readonly { headers: string }[]): string[] =>
  mails.map(({ headers }) => /^Subject: (.*?)\r?$/m.exec(headers)?.[1] ?? '')

describe.skipIf(!needs('Dovecot', dovecotBinary(), dovecotInstall))('a mailbox of Dovecot', () => {
  let dovecot: Dovecot
  beforeAll(async () => {
    // A password that has to be quoted, and is not ASCII.
    dovecot = await startDovecot({ users: { 'canary@example.test': 'se"cr\\et ü', 'other@example.test': 'o' } })
  })
  afterAll(() => dovecot.stop())
  beforeEach(async () => {
    for (const folder of ['INBOX', 'Junk', 'Trash'])
      await dovecot.doveadm(['expunge', '-u', dovecot.user, 'mailbox', folder, 'all'])
  })
  const plan = (more: Partial<MailboxPlan> = {}): MailboxPlan => ({
    host: '127.0.0.1',
    port: more.security === 'tls' ? dovecot.ports.imaps : dovecot.ports.imap,
    security: 'starttls',
    name: 'localhost',
    tls: { ca: dovecot.ca },
    user: dovecot.user,
    secret: dovecot.password,
    token: false,
    ...more,
  })
  const using = <T>(use: (mailbox: Mailbox) => Promise<T>, more: Partial<MailboxPlan> = {}): Promise<T> =>
    withMailbox(plan(more), use)

  it.each(['none', 'starttls', 'tls'] as const)('shows its folders and its certificate (%s)', async security => {
    const found = await using(async mailbox => ({ ...mailbox, folders: await mailbox.folders() }), { security })
    expect(found.folders).toEqual([
      { path: 'INBOX', use: 'inbox' },
      { path: 'Junk', use: 'junk' },
      { path: 'Trash', use: 'trash' },
    ])
    expect(found.certificates?.verified).toBe(security === 'none' ? undefined : true)
  })

  it('reads mails from a UID on, and never one before it', async () => {
    for (const subject of ['one', 'two', 'three']) await dovecot.deliver(mail(subject))
    await using(async mailbox => {
      const opened = await mailbox.open('INBOX')
      expect(opened?.exists).toBe(3)
      const first = (opened?.uidNext ?? 0) - 3
      expect(subjectsOf(await mailbox.from(first, 500))).toEqual(['one', 'two', 'three'])
      expect(subjectsOf(await mailbox.from(first + 1, 500))).toEqual(['two', 'three'])
      expect(subjectsOf(await mailbox.from(first, 2))).toEqual(['two', 'three'])
      // A server gives the last mail for `99999:*`.
      expect(await mailbox.from(first + 3, 500)).toEqual([])
      expect(await mailbox.from(99_999, 500)).toEqual([])
      expect(await mailbox.open('Nowhere/at all')).toBeUndefined()
    })
  })

  it('reads of the mail of others only the fields that were asked for', async () => {
    await dovecot.fill(30)
    await dovecot.deliver(mail('ours', 'Subject: again\n'))
    const found = await using(async mailbox => {
      const opened = await mailbox.open('INBOX')
      return mailbox.from((opened?.uidNext ?? 0) - 31, 500, ours)
    })
    expect(subjectsOf(found)).toEqual(['ours'])
    expect(Math.abs((found[0]?.receivedAt ?? 0) - Date.now())).toBeLessThan(60_000)
  })

  it('reads on where a mail of somebody else has headers without end', async () => {
    for (let i = 0; i < 6; i++) await dovecot.save(mail(`long ${i}`, 'a:\n'.repeat(30_000)))
    await dovecot.deliver(mail('last'))
    const found = await using(async mailbox => {
      const opened = await mailbox.open('INBOX')
      return mailbox.from((opened?.uidNext ?? 0) - 7, 500)
    })
    expect(subjectsOf(found)).toHaveLength(7)
    expect(Math.max(...found.map(({ headers }) => headers.length))).toBe(65_536)
  })

  it('hears of a mail that comes while it waits', async () => {
    await using(async mailbox => {
      const opened = await mailbox.open('INBOX')
      const late = new AbortController()
      const news = mailbox.news(late.signal)
      await dovecot.deliver(mail('news'))
      await news
      expect(late.signal.aborted).toBe(false)
      expect(subjectsOf(await mailbox.from(opened?.uidNext ?? 0, 500))).toEqual(['news'])
      // And waits for the next one, until it is to stop.
      const more = mailbox.news(late.signal)
      late.abort()
      await more
    })
  })

  it('deletes these mails, and none that somebody else has marked as deleted', async () => {
    await dovecot.fill(3)
    await dovecot.deliver(mail('ours'))
    await untilStored(dovecot, 4)
    const [marked] = await dovecot.messages()
    await dovecot.doveadm([
      'flags',
      'add',
      '-u',
      dovecot.user,
      '\\Deleted',
      'mailbox',
      'INBOX',
      'uid',
      String(marked?.uid),
    ])
    await using(async mailbox => {
      await mailbox.open('INBOX')
      const found = await mailbox.from(1, 500, ours)
      expect(
        await mailbox.remove(
          found.map(({ uid }) => uid),
          'Trash',
        ),
      ).toBeUndefined()
    })
    expect((await dovecot.messages()).map(({ subject }) => subject)).toEqual(['other 0', 'other 1', 'other 2'])
    expect(await dovecot.messages('Trash')).toEqual([])
  })

  it('says that the mailbox is full', async () => {
    await dovecot.deliver(mail('last'))
    await dovecot.limit('*:messages=1')
    const alert = await using(async mailbox => {
      await mailbox.open('INBOX')
      return mailbox.alert
    })
    await dovecot.limit(undefined)
    expect(alert).toBe('the mailbox is full: 1 of 1 mails')
  })

  const refused = (more: Partial<MailboxPlan>) => using(() => Promise.resolve(), more).catch((error: unknown) => error)
  const at = () => `127.0.0.1:${dovecot.ports.imap}: `

  it('logs in with a token', async () => {
    expect(await refused({ token: true, secret: 'wrong-token' })).toMatchObject({ fault: 'login' })
    await using(mailbox => mailbox.open('INBOX'), { token: true })
  })

  it.each(['none', 'starttls', 'tls'] as const)('says that the password is wrong, once (%s)', async security => {
    const failures = () => dovecot.process.log().match(/auth failed, \d+ attempts/g) ?? []
    const before = failures().length
    const error = await refused({ security, secret: 'wrong-password' })
    expect(error).toMatchObject({ fault: 'login' })
    expect(String(error)).toContain('the login was refused: [AUTHENTICATIONFAILED] Authentication failed.')
    expect(String(error)).not.toContain('wrong-password')
    await waitFor(() => failures().length > before, { timeoutMs: 5000, what: 'it is in the log' })
    expect(failures().slice(before)).toEqual(['auth failed, 1 attempts'])
  })

  it('shows the certificate that it refuses', async () => {
    const { expired, good } = await certificates()
    await dovecot.certificate(expired)
    for (const security of ['starttls', 'tls'] as const) {
      const error = await refused({ security })
      expect(error).toMatchObject({ fault: 'certificate', certificates: { verified: false } })
      expect(String(error)).toContain('the certificate expired on 2024-02-01')
    }
    await dovecot.certificate(good)
    const error = await refused({ name: 'imap.example.net' })
    expect(error).toMatchObject({ fault: 'certificate' })
    expect(String(error)).toContain('is not for imap.example.net')
  })

  it('says what a port speaks', async () => {
    expect(String(await refused({ port: dovecot.ports.lmtp }))).toContain('this is a server of SMTP, not of IMAP')
    expect(String(await refused({ port: dovecot.ports.imap, security: 'tls' }))).toContain(
      'does the server want STARTTLS',
    )
  })

  it('says that the server went away in the middle', async () => {
    const error = await using(async mailbox => {
      await mailbox.open('INBOX')
      await dovecot.down()
      // What serves us lives on for a moment.
      for (;;) await mailbox.from(1, 500)
    }).catch((error: unknown) => error)
    await dovecot.up()
    expect(error).toMatchObject({ name: 'MailboxError' })
    expect(String(error)).toContain(at())
  })

  it('is found to be down, and paused', async () => {
    await dovecot.down()
    expect(await refused({})).toMatchObject({ fault: 'unreachable' })
    await dovecot.up()
    dovecot.pause()
    const error = await withMailbox(plan(), () => Promise.resolve(), { timeoutMs: 500 }).catch(
      (error: unknown) => error,
    )
    dovecot.resume()
    expect(error).toMatchObject({ fault: 'silent' })
    expect(String(error)).toContain(`${at()}no answer within 0.5 s`)
  })
})

describe.skipIf(!needs('Dovecot', dovecotBinary(), dovecotInstall))('a mailbox without', () => {
  const started = async <T>(
    settings: string,
    use: (dovecot: Dovecot, mailbox: Mailbox) => Promise<T>,
    { host = '127.0.0.1', ...more }: { host?: string; tlsOnly?: boolean } = {},
  ): Promise<T> => {
    const dovecot = await startDovecot({ settings, ...more })
    try {
      const { user, password: secret, ca, ports } = dovecot
      const plan = { host, port: ports.imap, name: 'localhost', tls: { ca }, user, secret, token: false }
      return await withMailbox({ ...plan, security: 'none' }, mailbox => use(dovecot, mailbox))
    } finally {
      await dovecot.stop()
    }
  }
  const removed = (settings: string) =>
    started(settings, async (dovecot, mailbox) => {
      await dovecot.fill(1)
      await dovecot.deliver(mail('ours'))
      await untilStored(dovecot, 2)
      await dovecot.doveadm(['flags', 'add', '-u', dovecot.user, '\\Deleted', 'mailbox', 'INBOX', 'subject', 'other'])
      await mailbox.open('INBOX')
      const found = await mailbox.from(1, 500, ours)
      const why = await mailbox.remove(
        found.map(({ uid }) => uid),
        'Trash',
      )
      const subjects = async (folder: string) => (await dovecot.messages(folder)).map(({ subject }) => subject)
      return { why, inbox: await subjects('INBOX'), trash: await subjects('Trash') }
    })

  it('UIDPLUS: moves them to the trash', async () => {
    expect(await removed('imap_capability = IMAP4rev1 IDLE MOVE')).toEqual({
      why: undefined,
      inbox: ['other 0'],
      trash: ['ours'],
    })
  })

  it('UIDPLUS and MOVE: only marks them, and leaves the mail of others', async () => {
    const { why, inbox, trash } = await removed('imap_capability = IMAP4rev1 IDLE')
    expect(why).toContain('neither UIDPLUS nor MOVE')
    expect(inbox.sort()).toEqual(['other 0', 'ours'])
    expect(trash).toEqual([])
  })

  it('IDLE: asks again and again', async () => {
    await started('imap_capability = IMAP4rev1 UIDPLUS', async (dovecot, mailbox) => {
      await mailbox.open('INBOX')
      await dovecot.deliver(mail('ours'))
      await mailbox.news(new AbortController().signal)
      expect(subjectsOf(await mailbox.from(1, 500))).toEqual(['ours'])
    })
  })

  it('a login in the clear: says so, and sends no password', async () => {
    const error = await started('', () => Promise.resolve(), { tlsOnly: true, host: '127.0.0.2' }).catch(
      (error: unknown) => error,
    )
    expect(error).toMatchObject({ fault: 'no_tls' })
    expect(String(error)).toContain('it takes no login without TLS (LOGINDISABLED)')
  })
})
