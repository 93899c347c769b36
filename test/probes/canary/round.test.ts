import { canary } from '../../../src/probes/canary/index.ts'
import { memoryOf } from '../../../src/probes/canary/memory.ts'
import { targetMark } from '../../../src/probes/canary/mark.ts'
import type { CanaryTarget } from '../../../src/probes/canary/target.ts'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { dovecotBinary, dovecotInstall, startDovecot, type Dovecot } from '../../servers/dovecot.ts'
import { freePort, needs, waitFor } from '../../servers/processes.ts'
import { createLog } from '../../../src/core/log.ts'
import { createMonitor } from '../../../src/monitor/index.ts'
import { references } from '../../monitor/checks.ts'
import { values } from '../look.ts'
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
  /** Without `Recent`, which any session takes from a mail that it is the first to see. */
  const all = async () =>
    [...(await dovecot.messages()), ...(await dovecot.messages('Junk'))].map(mail => ({
      ...mail,
      flags: mail.flags.replace('\\Recent', '').trim(),
    }))

  test('a mail leaves, arrives and is deleted in one run', async () => {
    const { saw, startedAt, finishedAt } = await run(targetOf(relay, dovecot), dovecot)
    expect(saw).toMatchObject({
      handOver: { kind: 'accepted', reply: expect.stringMatching(/^250/) as string },
      mails: [{ fate: 'arrived', arrival: { folder: 'inbox', folderName: 'INBOX', copies: 1 } }],
      counts: { sent: 1, arrived: { inbox: 1 }, duplicates: 0 },
    })
    expect(saw.mailbox?.failure).toBeUndefined()
    expect(saw.mails[0]?.arrival?.seconds).toBeLessThanOrEqual((finishedAt - startedAt) / 1000)
    expect(await all()).toEqual([])
  })

  test('a mail in the junk folder, and one that comes twice', async () => {
    const target = targetOf(relay, dovecot)
    relay.fate = 'junk'
    const first = await run(target, dovecot)
    expect(first.saw.mails).toMatchObject([{ fate: 'arrived', arrival: { folder: 'junk', folderName: 'Junk' } }])
    relay.fate = 'twice'
    await run(target, dovecot)
    const { saw } = await run(target, dovecot, { intervalMs: 60_000 })
    expect(saw.counts).toMatchObject({ sent: 2, arrived: { inbox: 1, junk: 1 }, duplicates: 1 })
    expect(await all()).toEqual([])
  })

  test('a bounce is read and deleted, and the addresses in it are kept back', async () => {
    relay.fate = 'bounce'
    const { saw } = await run(targetOf(relay, dovecot), dovecot)
    expect(saw.mails).toMatchObject([{ fate: 'bounced', bounce: { status: '5.2.2' } }])
    expect(saw.mails[0]?.bounce?.text).toContain('Quota exceeded')
    expect(JSON.stringify(saw)).not.toContain(dovecot.user)
    expect(await all()).toEqual([])
  })

  test('a relay that takes a mail and does not answer leaves time to find and delete it', async () => {
    relay.fate = 'silent'
    const { saw } = await run(targetOf(relay, dovecot), dovecot, { timeoutMs: 3_000 })
    expect(saw).toMatchObject({
      handOver: { kind: 'unanswered' },
      mails: [{ fate: 'arrived', reply: undefined }],
      mailbox: { failure: undefined },
    })
    expect(await all()).toEqual([])
  })

  test('three are out at most, and all of them are found when the queue is worked off', async () => {
    const target = targetOf(relay, dovecot)
    relay.fate = 'hold'
    for (let i = 0; i < 5; i++) await run(target, dovecot, { timeoutMs: 800 })
    expect(relay.queue).toHaveLength(3)
    await relay.flush()
    const { saw } = await run(target, dovecot, { intervalMs: 60_000 })
    expect(saw.counts).toMatchObject({ sent: 3, arrived: { inbox: 3 }, lost: 0 })
    expect(await all()).toEqual([])
  })

  test('a look in between sends nothing, and does not hide that the relay refuses', async () => {
    const target = targetOf(relay, dovecot)
    relay.refusal = 550
    const before = relay.taken
    await run(target, dovecot)
    relay.refusal = undefined
    const { saw } = await run(target, dovecot, { intervalMs: 60_000 })
    expect(saw).toMatchObject({ handOver: { kind: 'refused', code: 550 }, mails: [], counts: { sent: 0, rejected: 1 } })
    expect(relay.taken).toBe(before)
  })

  test('a mail that was not sent leaves with the next look, once its way is fixed', async () => {
    const target = targetOf({ port: await freePort() }, dovecot)
    const first = await run(target, dovecot)
    expect(first.saw).toMatchObject({ handOver: { kind: 'not_sent' }, counts: { sent: 0 } })
    Object.assign(target.way?.target ?? {}, { port: relay.port })
    const { saw } = await run(target, dovecot, { intervalMs: 60_000 })
    expect(saw.counts).toMatchObject({ sent: 1, arrived: { inbox: 1 } })
  })

  test('no mail of others is touched, also if it is marked as deleted', async () => {
    await dovecot.fill(30)
    await dovecot.fill(5, 'Junk')
    await dovecot.doveadm(['flags', 'add', '-u', dovecot.user, '\\Deleted', 'mailbox', 'INBOX', '1:10'])
    const before = await all()
    for (let i = 0; i < 2; i++) await run(targetOf(relay, dovecot), dovecot)
    expect(await all()).toEqual(before)
  })

  describe('a reload', () => {
    const reload = (before: CanaryTarget, changes: Partial<CanaryTarget>): CanaryTarget => {
      const target = structuredClone({ ...before, ...changes })
      canary.bind(target).inherit?.(before)
      return target
    }

    test('that changes only times sends nothing more, and what is out stays out', async () => {
      const target = targetOf(relay, dovecot)
      relay.fate = 'hold'
      for (let i = 0; i < 3; i++) await run(target, dovecot, { timeoutMs: 800 })
      const changed = reload(target, { late_after: 30_000 })
      await run(changed, dovecot, { timeoutMs: 800 })
      expect(relay.queue).toHaveLength(3)
      await relay.flush()
      const { saw } = await run(changed, dovecot, { intervalMs: 60_000 })
      expect(saw.counts).toMatchObject({ sent: 3, arrived: { inbox: 3 }, leftoversRemoved: 0 })
    })

    test('that gives it another way or mailbox begins from nothing', async () => {
      const target = targetOf(relay, dovecot)
      await run(target, dovecot)
      for (const changes of [{ from: 'other@example.test' }, { mailbox: { ...target.mailbox, folders: ['Junk'] } }]) {
        const { saw } = await run(reload(target, changes as Partial<CanaryTarget>), dovecot, { intervalMs: 60_000 })
        expect(saw.counts.sent).toBe(1)
      }
    })

    test('that cuts a run off does not blame the relay', async () => {
      const target = targetOf(relay, dovecot)
      await run(target, dovecot)
      relay.fate = 'silent'
      const stop = new AbortController()
      const cut = run(target, dovecot, { stop: stop.signal }).catch(() => undefined)
      const { taken } = relay
      await waitFor(() => relay.taken > taken, { what: 'the mail was taken' })
      stop.abort(new Error('the configuration was changed'))
      await cut
      const { saw, reasons } = await run(reload(target, { late_after: 30_000 }), dovecot, { intervalMs: 60_000 })
      expect(saw).toMatchObject({ handOver: { kind: 'accepted' }, counts: { arrived: { inbox: 2 } } })
      expect(reasons).toEqual([])
    })
  })

  test('after a restart what comes is a leftover, and is deleted', async () => {
    relay.fate = 'hold'
    await run(targetOf(relay, dovecot), dovecot, { timeoutMs: 800 })
    await relay.flush()
    relay.fate = 'deliver'
    // Another target object stands for another memory: that of a reload, or of another process.
    const { saw } = await run(targetOf(relay, dovecot), dovecot)
    expect(saw.counts).toMatchObject({ arrived: { inbox: 1 }, leftoversRemoved: 1 })
    expect(await all()).toEqual([])
  })

  describe('another exporter with the same target', () => {
    const mailOf = (target: string, token = 'b'.repeat(26)): string =>
      `From: app@example.test\nSubject: mailpath canary\nX-Mailpath-Canary: v1 ${token} ${'a'.repeat(13)} ${target}\n\nHello\n`
    const ours = (name: string): string => targetMark([name, dovecot.user])

    test('deletes its own mails: ours does not, until they are so old that it is gone', async () => {
      const target = targetOf(relay, dovecot, { late_after: 100, lost_after: 1_500 })
      await dovecot.deliver(mailOf(ours(target.name)))
      const first = await run(target, dovecot)
      expect(first.saw.counts).toMatchObject({ arrived: { inbox: 1 }, leftoversRemoved: 0, duplicates: 0 })
      expect(await all()).toHaveLength(1)
      await waitFor(
        async () => {
          await run(target, dovecot, { intervalMs: 60_000 })
          return (await all()).length === 0
        },
        { what: 'the leftover to be deleted' },
      )
      const last = await run(target, dovecot, { intervalMs: 60_000 })
      expect(last.saw.counts.leftoversRemoved).toBe(1)
    })

    test('and a mail of another target is never deleted', async () => {
      const target = targetOf(relay, dovecot, { late_after: 1, lost_after: 2 })
      await dovecot.deliver(mailOf(ours('another')))
      for (let i = 0; i < 3; i++) await run(target, dovecot)
      expect(await all()).toHaveLength(1)
    })
  })

  test('another UIDVALIDITY: all is looked at again', async () => {
    const target = targetOf(relay, dovecot)
    await dovecot.fill(20)
    await run(target, dovecot)
    relay.fate = 'hold'
    await run(target, dovecot, { timeoutMs: 800 })
    await dovecot.renumber()
    await relay.flush()
    await dovecot.renumber()
    const { saw } = await run(target, dovecot, { intervalMs: 60_000 })
    expect(saw.counts).toMatchObject({ sent: 2, arrived: { inbox: 2 }, duplicates: 0 })
    expect(await all()).toHaveLength(20)
  })

  test('between two runs a mail is looked for when it becomes late, and when it is lost, and none is sent', async () => {
    const target = targetOf(relay, dovecot, { late_after: 4_000, lost_after: 7_000 })
    const before = relay.taken
    await run(target, dovecot)
    // As if the interval were over.
    memoryOf(target).lastAttempt = undefined
    relay.fate = 'hold'
    const hour = 3_600_000
    const check = { ...canary.bind(target), target: target.name, intervalMs: hour, timeoutMs: 3_000, needs: [] }
    const given = references(values({ PASSWORD: dovecot.password }).value)
    const monitor = createMonitor(
      { checks: [check], mail: [] },
      given,
      createLog('error', 'json', () => undefined),
    )
    const stop = new AbortController()
    const running = monitor.run(stop.signal)
    const seen = () => monitor.status().checks[0]
    await waitFor(() => seen()?.reasons[0]?.code === 'canary_lost', {
      what: 'the canary to be lost',
      timeoutMs: 30_000,
    })
    stop.abort(new Error('SIGTERM'))
    await running
    expect(monitor.status().records.get(`canary/${target.name}`)?.history).toEqual(['ok', 'warn', 'fail'])
    expect(relay.taken).toBe(before + 2)
  })

  test('a folder of the configuration that is not there', async () => {
    await dovecot.doveadm(['mailbox', 'create', '-u', dovecot.user, 'Alerts']).catch(() => undefined)
    const target = targetOf(relay, dovecot, { mailbox: { folders: ['Alerts', 'inbox', 'Nowhere'] } })
    relay.fate = 'hold'
    await run(target, dovecot, { timeoutMs: 800 })
    for (const mail of relay.queue.splice(0)) await dovecot.save(mail, 'Alerts')
    const { saw } = await run(target, dovecot, { intervalMs: 60_000 })
    expect(saw.mailbox).toMatchObject({ missing: ['Nowhere'], failure: undefined })
    expect(saw.mails).toMatchObject([{ arrival: { folder: 'other', folderName: 'Alerts' } }])
    expect(await dovecot.messages('Alerts')).toEqual([])
  })

  describe('a mailbox that cannot be read', () => {
    test('does not keep the mail from leaving, and loses none', async () => {
      const target = targetOf(relay, dovecot, { late_after: 1, lost_after: 2 })
      relay.fate = 'hold'
      await dovecot.down()
      const { saw } = await run(target, dovecot).finally(() => dovecot.up())
      expect(saw).toMatchObject({
        handOver: { kind: 'accepted' },
        mails: [{ fate: 'out' }],
        mailbox: { failure: { fault: 'unreachable' }, readAt: undefined },
        counts: { sent: 1, lost: 0 },
      })
      await relay.flush()
      const next = await run(target, dovecot, { intervalMs: 60_000 })
      expect(next.saw).toMatchObject({ counts: { arrived: { inbox: 1 }, lost: 0 } })
    })

    test('is never a mail that is lost, however long it lasts', async () => {
      const target = targetOf(relay, dovecot, { late_after: 1, lost_after: 2 })
      relay.fate = 'hold'
      await dovecot.down()
      const verdicts: unknown[] = []
      try {
        for (let i = 0; i < 6; i++) {
          const { saw, verdict } = await run(target, dovecot)
          verdicts.push([verdict, saw.counts.sent, saw.counts.lost])
        }
      } finally {
        await dovecot.up()
      }
      expect(verdicts).toEqual([1, 2, 3, 3, 3, 3].map(sent => ['unknown', sent, 0]))
    })

    test('nor does one that says nothing', async () => {
      dovecot.pause()
      const { saw } = await run(targetOf(relay, dovecot), dovecot, { timeoutMs: 3_000 }).finally(() => dovecot.resume())
      expect(saw).toMatchObject({ handOver: { kind: 'accepted' }, mailbox: { failure: { fault: 'silent' } } })
    })

    test('a refused login is not sent again at once', async () => {
      const target = targetOf(relay, dovecot, { mailbox: { user: 'nobody@example.test' } })
      const faults: (string | undefined)[] = []
      for (let i = 0; i < 3; i++) faults.push((await run(target, dovecot)).saw.mailbox?.failure?.fault)
      expect(faults).toEqual(['login', 'backed_off', 'backed_off'])
      const renamed = targetOf(relay, dovecot, { name: 'renamed', mailbox: { user: 'nobody@example.test' } })
      expect((await run(renamed, dovecot)).saw.mailbox?.failure?.fault).toBe('backed_off')
    })

    test('a value that cannot be fetched is one of them', async () => {
      const target = targetOf(relay, dovecot, { mailbox: { password: { env: 'NOWHERE' } } })
      const { saw } = await run(target, dovecot)
      expect(saw).toMatchObject({
        handOver: { kind: 'accepted' },
        mailbox: { failure: { fault: 'unresolved', text: expect.stringContaining('mailbox.password') as string } },
      })
    })
  })

  test('without a mailbox it is known that the mail was accepted, and no more', async () => {
    const { mailbox: _, ...target } = targetOf(relay, dovecot)
    for (let i = 0; i < 4; i++) await run(target, dovecot)
    const { saw } = await run(target, dovecot)
    expect(saw).toMatchObject({ handOver: { kind: 'accepted' }, mails: [], mailbox: undefined, counts: { sent: 5 } })
  })

  test('an address that cannot be fetched: no mail leaves, and the run says which', async () => {
    const before = relay.taken
    const { saw } = await run(targetOf(relay, dovecot, { to: { env: 'NOWHERE' } }), dovecot)
    expect(saw.handOver).toMatchObject({ kind: 'not_sent', text: expect.stringContaining('to: ') as string })
    expect(relay.taken).toBe(before)
  })

  test('no token of a mail that is out is in what a run says', async () => {
    relay.fate = 'hold'
    const ran = await run(targetOf(relay, dovecot), dovecot, { timeoutMs: 800 })
    const [, token = ''] = /X-Mailpath-Canary: v1 (\w+)/.exec(relay.queue[0] ?? '') ?? []
    expect(token).toHaveLength(26)
    expect(JSON.stringify([ran.seen, ran.reasons, ran.evidence, ran.transcript()])).not.toContain(token)
  })
})
