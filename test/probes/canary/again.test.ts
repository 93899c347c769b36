import { expect, it } from 'vitest'
import { againInMs } from '../../../src/probes/canary/again.ts'
import { canarySeen, canaryTarget, mailAt, outSince } from '../../status/canary.ts'
import { start } from '../../status/looked.ts'

const second = 1_000
const minute = 60 * second
const target = canaryTarget()
const box = { address: 'imap.example.net:993', missing: [] }
const cut = { fault: 'unreachable', text: 'it is gone' } as const

/** Ages of mails that are out; the mailbox was last read `readAgo` before the end of the run. */
const after = (ages: readonly number[], readAgo = 0, failure?: typeof cut) =>
  againInMs(
    canarySeen({
      mails: [...ages.map(ms => outSince(start - ms)), mailAt(start - 30 * minute)],
      mailbox: { ...box, failure, readAt: readAgo === Infinity ? undefined : start - readAgo },
    }),
    target,
  )

it('a mail that is out is looked for when it becomes late, and when it is lost, and then no more', () => {
  expect([3 * second, minute, 5 * minute, 15 * minute].map(ms => after([ms]))).toEqual([
    57 * second,
    14 * minute,
    10 * minute,
    undefined,
  ])
})

it('the oldest that is waited for decides', () => {
  expect(after([3 * second, 5 * minute])).toBe(10 * minute)
  const newer = [mailAt(start - 3 * second), outSince(start - 14 * minute)]
  expect(againInMs(canarySeen({ mails: newer }), target)).toBeUndefined()
  expect(againInMs(canarySeen({ mails: [outSince(start), mailAt(start, { fate: 'written_off' })] }), target)).toBe(
    undefined,
  )
})

it('where nothing is out, there is nothing to look for', () => {
  expect(againInMs(canarySeen(), target)).toBeUndefined()
  expect(againInMs(canarySeen({ mails: [], mailbox: undefined }), target)).toBeUndefined()
})

it('a mail that became late after the folders were read is looked for at once', () => {
  expect(after([minute + 500], 1_000)).toBe(0)
})

it('a mailbox that cannot be read is not asked again for a time that has passed', () => {
  expect(after([2 * minute], 5 * minute, cut)).toBe(13 * minute)
  expect(after([20 * minute], Infinity, cut)).toBeUndefined()
})

it('a mail that was not sent is tried again within a minute, for its way may be fixed', () => {
  const notSent = { kind: 'not_sent', text: 'connect ECONNREFUSED' } as const
  expect(againInMs(canarySeen({ handOver: notSent }), target)).toBe(minute)
  expect(againInMs(canarySeen({ handOver: notSent, mails: [outSince(start - 50 * second)] }), target)).toBe(10 * second)
})
