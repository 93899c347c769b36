import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { dovecotBinary, dovecotInstall, startDovecot, type Dovecot } from './dovecot.ts'
import { needs } from './processes.ts'

const mail = (subject: string) =>
  `From: a@example.com\nTo: canary@example.test\nSubject: ${subject}\nX-Mailpath-Canary: v1 ${subject}\n\nHello.\n.\n`

describe.skipIf(!needs('Dovecot', dovecotBinary(), dovecotInstall))('Dovecot', () => {
  let dovecot: Dovecot
  beforeAll(async () => {
    dovecot = await startDovecot()
  })
  afterAll(() => dovecot.stop())
  const subjects = async (folder?: string) => (await dovecot.messages(folder)).map(({ subject }) => subject)

  it('takes mail by LMTP, into the inbox and into Junk', async () => {
    expect(await dovecot.deliver(mail('one'))).toMatch(/^250 2\.0\.0/)
    await dovecot.deliver(mail('two'), { to: 'canary+Junk@example.test' })
    expect(await dovecot.messages()).toMatchObject([{ uid: 1, subject: 'one', canary: 'v1 one' }])
    expect(await subjects('Junk')).toEqual(['two'])
    await dovecot.move('Junk', 'Trash')
    expect(await subjects('Trash')).toEqual(['two'])
  })

  it('is filled with mail of others, and numbered again', async () => {
    await dovecot.fill(1000)
    expect(await dovecot.messages()).toHaveLength(1001)
    await dovecot.renumber()
    expect(await dovecot.messages()).toHaveLength(1001)
  })

  it('refuses mail when it is full', async () => {
    await dovecot.limit('*:messages=1')
    expect(await dovecot.deliver(mail('too much'))).toMatch(/^552 5\.2\.2/)
    await dovecot.limit(undefined)
    expect(await dovecot.deliver(mail('fits'))).toMatch(/^250/)
  })

  it('comes back where it was, with what it had', async () => {
    await dovecot.deliver(mail('kept'))
    await dovecot.setPassword('another')
    await dovecot.down()
    await expect(dovecot.deliver(mail('none'))).rejects.toThrow('ECONNREFUSED')
    await dovecot.up()
    expect(await subjects()).toContain('kept')
    await dovecot.doveadm(['auth', 'test', dovecot.user, 'another'])
  })
})
