import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { dovecotBinary, dovecotInstall, startDovecot, type Dovecot } from '../../servers/dovecot.ts'
import { needs } from '../../servers/processes.ts'
import { run, startRelay, targetOf, type Relay } from './post-office.ts'

describe.skipIf(!needs('Dovecot', dovecotBinary(), dovecotInstall))('a canary and a real Dovecot', () => {
  let dovecot: Dovecot
  let relay: Relay
  beforeAll(async () => {
    dovecot = await startDovecot()
    relay = await startRelay(dovecot)
  })
  afterAll(async () => {
    await relay.close()
    await dovecot.stop()
  })
  beforeEach(async () => {
    relay.fate = 'deliver'
    relay.refusal = undefined
    relay.queue.length = 0
    await dovecot.doveadm(['expunge', '-u', dovecot.user, 'mailbox', '*', 'all'])
  })
  const all = async () => [...(await dovecot.messages()), ...(await dovecot.messages('Junk'))]

  test('a mail leaves, arrives and is deleted in one run', async () => {
    const { saw } = await run(targetOf(relay, dovecot), dovecot)
    expect(saw).toMatchObject({
      handOver: { kind: 'accepted', reply: expect.stringMatching(/^250/) as string },
      mails: [{ fate: 'arrived', arrival: { folder: 'inbox', folderName: 'INBOX', copies: 1 } }],
      counts: { sent: 1, arrived: { inbox: 1 }, duplicates: 0 },
    })
    expect(saw.mailbox?.failure).toBeUndefined()
    expect(saw.mails[0]?.arrival?.seconds).toBeLessThan(2)
    expect(await all()).toEqual([])
  })
})
