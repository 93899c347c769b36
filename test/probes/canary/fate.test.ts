import { describe, expect, test, vi, beforeEach, afterEach } from 'vitest'
import {
  noteBounce,
  noteArrival,
  noteHandOver,
  hasPlace,
  noteAttempt,
  isDue,
  settle,
  shownMails,
  tookMs,
  type FoundMail,
} from '../../../src/probes/canary/fate.ts'
import { emptyMemory, timeOfDay, type Memory } from '../../../src/probes/canary/memory.ts'
import type { HandOver } from '../../../src/probes/canary/seen.ts'

const minute = 60_000
const lostAfter = 15 * minute
const lateAfter = minute

const accepted = (): HandOver => ({ kind: 'accepted', at: Date.now(), reply: '250 2.0.0 Ok: queued' })
const refused = (code: number): HandOver => ({
  kind: 'refused',
  verb: 'RCPT',
  code,
  status: undefined,
  text: `${code} no`,
  forNow: code < 500,
})
const headers = { authentication: undefined, hops: 1, slowestHopSeconds: undefined, clearHops: [] }

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date', 'performance'] })
})
afterEach(() => {
  vi.useRealTimers()
})

const wait = (ms: number): void => void vi.advanceTimersByTime(ms)

const send = (memory: Memory, token: string, result: HandOver = accepted(), isAwaited = true): void =>
  noteHandOver(memory, { token, result, since: performance.now(), isAwaited })

/** The mail is in the mailbox, and is seen now. */
const arrive = (memory: Memory, token: string, more: Partial<FoundMail> = {}): boolean =>
  noteArrival(
    memory,
    {
      token,
      receivedAt: Math.floor(Date.now() / 1000) * 1000,
      seenAt: performance.now(),
      readBefore: undefined,
      folder: 'inbox',
      folderName: 'INBOX',
      headers,
      ...more,
    },
    lateAfter,
  )

/** All folders are read to the end, now. */
const read = (memory: Memory): void => {
  memory.readAt = performance.now()
  settle(memory, lostAfter)
}

const fates = ({ mails }: Memory): string => mails.map(({ token, fate }) => `${token} ${fate}`).join(', ')

test('one interval sends one mail, however often somebody looks', () => {
  const memory = emptyMemory()
  const sentAt: number[] = []
  for (let second = 0; second < 36_000; second++) {
    const now = performance.now()
    if (isDue(memory, now, 5 * minute)) {
      noteAttempt(memory, now, 5 * minute)
      sentAt.push(second)
    }
    wait(1000)
  }
  // The first at once, and 12 an hour.
  expect(sentAt).toHaveLength(121)
  expect(Math.min(...sentAt.slice(1).map((at, i) => at - (sentAt[i] ?? 0)))).toBeGreaterThanOrEqual(285)
})

test('a run that begins a little early still sends', () => {
  const memory = emptyMemory()
  noteAttempt(memory, performance.now(), 5 * minute)
  wait(5 * minute - 2_000)
  expect(isDue(memory, performance.now(), 5 * minute)).toBe(true)
})

describe('three are out at most', () => {
  /** Runs in an outage in which every mail is accepted and discarded. When was each sent, in minutes? */
  function sentIn(hours: number, heal: (memory: Memory, at: number) => void = () => undefined) {
    const memory = emptyMemory()
    const sent: number[] = []
    for (let at = 0; at < hours * 60; at += 5) {
      heal(memory, at)
      read(memory)
      if (hasPlace(memory, performance.now(), lostAfter)) {
        send(memory, `t${at}`)
        sent.push(at)
      }
      expect(memory.mails.filter(({ fate }) => fate === 'out').length).toBeLessThanOrEqual(3)
      wait(5 * minute)
    }
    return { sent, memory }
  }

  test('so a night of outage is three mails, and one more each hour', () => {
    const { sent, memory } = sentIn(8)
    expect(sent).toEqual([0, 5, 10, 70, 130, 190, 250, 310, 370, 430])
    expect(memory.counts).toMatchObject({ sent: 10, lost: 10 })
  })

  test('once one of them comes, mails are sent as before', () => {
    const { sent } = sentIn(1, (memory, at) => {
      if (at === 30) for (const { token, fate } of memory.mails) if (fate === 'out') arrive(memory, token)
    })
    expect(sent).toEqual([0, 5, 10, 30, 35, 40])
  })

  test('one that is written off is known when it comes after all', () => {
    const { memory } = sentIn(2)
    expect(fates(memory)).toContain('t0 written_off')
    expect(arrive(memory, 't0')).toBe(true)
    expect(fates(memory)).toContain('t0 arrived')
  })

  test('one that is written off makes room only if another one leaves', () => {
    const { memory } = sentIn(1)
    wait(10 * minute)
    expect(hasPlace(memory, performance.now(), lostAfter)).toBe(true)
    send(memory, 'refused', refused(550))
    expect(fates(memory)).toBe('t10 out, t5 out, t0 out')
  })

  test('none gives way while the mailbox cannot be read: it may lie there', () => {
    const memory = emptyMemory()
    for (const token of ['a', 'b', 'c']) send(memory, token)
    wait(24 * 60 * minute)
    settle(memory, lostAfter)
    expect(hasPlace(memory, performance.now(), lostAfter)).toBe(false)
    read(memory)
    expect(hasPlace(memory, performance.now(), lostAfter)).toBe(true)
  })

  test('one that perhaps was never taken gives up its place when it is lost', () => {
    const memory = emptyMemory()
    for (const token of ['a', 'b', 'c']) send(memory, token, { kind: 'unanswered', at: Date.now(), text: 'cut off' })
    expect(hasPlace(memory, performance.now(), lostAfter)).toBe(false)
    wait(lostAfter)
    read(memory)
    expect(fates(memory)).toBe('c written_off, b written_off, a written_off')
    expect(memory.counts).toMatchObject({ sent: 0, lost: 3 })
    expect(hasPlace(memory, performance.now(), lostAfter)).toBe(true)
  })
})

test('a mail that was refused is not out', () => {
  const memory = emptyMemory()
  send(memory, 'a', refused(550))
  send(memory, 'b', refused(451))
  send(memory, 'c', { kind: 'not_sent', text: 'refused' })
  expect(memory.mails).toEqual([])
  expect(memory.counts).toMatchObject({ sent: 0, rejected: 1 })
})

test('without a mailbox none is awaited', () => {
  const memory = emptyMemory()
  for (const token of ['a', 'b', 'c', 'd']) send(memory, token, accepted(), false)
  expect(memory.mails).toEqual([])
  expect(memory.counts.sent).toBe(4)
})

test('it is known since when each mail is refused for now', () => {
  const memory = emptyMemory()
  const began = performance.now()
  send(memory, 'a', refused(451))
  wait(5 * minute)
  send(memory, 'b', refused(450))
  expect(memory.deferredSince).toBe(began)
  send(memory, 'c')
  expect(memory.deferredSince).toBeUndefined()
})

describe('a mail is lost', () => {
  test('once the mailbox was read after its time, and only once', () => {
    const memory = emptyMemory()
    send(memory, 'a')
    wait(lostAfter - 1)
    read(memory)
    expect(memory.counts.lost).toBe(0)
    wait(1)
    // Without a look at the mailbox nothing is known.
    settle(memory, lostAfter)
    expect(memory.counts.lost).toBe(0)
    read(memory)
    read(memory)
    expect(memory.counts.lost).toBe(1)
    expect(fates(memory)).toBe('a out')
  })

  test('and may still come', () => {
    const memory = emptyMemory()
    send(memory, 'a')
    wait(2 * lostAfter)
    read(memory)
    arrive(memory, 'a')
    expect(memory.counts).toMatchObject({ lost: 1, late: 1, arrived: { inbox: 1 } })
  })
})

test('a second copy is a duplicate, also in another folder', () => {
  const memory = emptyMemory()
  send(memory, 'a')
  arrive(memory, 'a')
  arrive(memory, 'a', { folder: 'junk', folderName: 'Junk' })
  expect(memory.counts).toMatchObject({ arrived: { inbox: 1, junk: 0 }, duplicates: 1 })
  expect(shownMails(memory, timeOfDay(memory))).toMatchObject([{ arrival: { copies: 2, folder: 'inbox' } }])
})

describe('a report', () => {
  const report = { status: '5.2.2', text: 'full', isFailure: true }
  const bounce = (memory: Memory, token: string, more = {}): boolean =>
    noteBounce(memory, { token, ...report, seenAt: performance.now(), ...more })

  test('of a failure is a bounce, and counts once', () => {
    const memory = emptyMemory()
    send(memory, 'a')
    expect([bounce(memory, 'a'), bounce(memory, 'a'), bounce(memory, 'b')]).toEqual([true, true, false])
    expect(memory.counts.bounced).toBe(1)
    expect(fates(memory)).toBe('a bounced')
  })

  test('of a delay, or about a mail that has arrived, is none', () => {
    const memory = emptyMemory()
    send(memory, 'a')
    bounce(memory, 'a', { isFailure: false })
    expect(fates(memory)).toBe('a out')
    arrive(memory, 'a')
    bounce(memory, 'a')
    expect(fates(memory)).toBe('a arrived')
    expect(memory.counts.bounced).toBe(0)
  })
})

describe('how long a mail took', () => {
  const second = 1000
  /** It was sent 300 s ago and is seen now. INTERNALDATE says it came after `stamped` seconds. */
  const after = (stamped: number, readBeforeSeconds?: number): number => {
    const since = performance.now()
    const sentAt = Date.now()
    wait(300 * second)
    const mail: FoundMail = {
      token: 'a',
      receivedAt: Math.floor((sentAt + stamped * second) / 1000) * 1000,
      seenAt: performance.now(),
      readBefore: readBeforeSeconds === undefined ? undefined : since + readBeforeSeconds * second,
      folder: 'inbox',
      folderName: 'INBOX',
      headers,
    }
    return Math.round(tookMs(since, mail) / second)
  }
  test.each([
    ['INTERNALDATE says it', after.bind(undefined, 40, 25), 41],
    ['not later than it was seen: its clock is ahead', after.bind(undefined, 4000, 25), 300],
    ['not before the look that did not find it: its clock is behind', after.bind(undefined, -4000, 25), 25],
    ['and never below 0', after.bind(undefined, -4000), 0],
  ])('%s', (_, took, expected) => {
    vi.setSystemTime(1_800_000_000_000)
    expect(took()).toBeGreaterThanOrEqual(expected - 1)
    expect(took()).toBeLessThanOrEqual(expected)
  })

  test('a step of our clock neither delays nor loses a mail', () => {
    for (const step of [-86_400_000, -3_600_000, 3_600_000, 86_400_000]) {
      const memory = emptyMemory()
      send(memory, 'a')
      const before = shownMails(memory, timeOfDay(memory))[0]?.sentAt ?? 0
      wait(10 * second)
      vi.setSystemTime(Date.now() + step)
      read(memory)
      const clock = timeOfDay(memory)
      expect(clock(performance.now()) - (shownMails(memory, clock)[0]?.sentAt ?? 0)).toBe(10 * second)
      expect((shownMails(memory, clock)[0]?.sentAt ?? 0) - before).toBe(step)
      arrive(memory, 'a', { readBefore: performance.now() - 4 * second })
      expect(memory.counts).toMatchObject({ late: 0, lost: 0, arrived: { inbox: 1 } })
    }
  })

  test('the discipline of a clock does not move what is shown', () => {
    const memory = emptyMemory()
    const before = timeOfDay(memory)(0)
    vi.setSystemTime(Date.now() + 400)
    expect(timeOfDay(memory)(0)).toBe(before)
  })
})

test('nothing grows: of those whose fate is known a hundred are kept, and the newest that arrived is shown', () => {
  const memory = emptyMemory()
  for (let i = 0; i < 300; i++) {
    send(memory, `t${i}`)
    if (i < 250) arrive(memory, `t${i}`)
    else noteBounce(memory, { token: `t${i}`, status: undefined, text: '', isFailure: true, seenAt: performance.now() })
    read(memory)
  }
  expect(memory.mails).toHaveLength(100)
  const shown = shownMails(memory, timeOfDay(memory))
  expect(shown.map(({ fate }) => fate)).toEqual([...Array<string>(10).fill('bounced'), 'arrived'])
})
