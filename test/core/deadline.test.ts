import { once } from 'node:events'
import { expect, it } from 'vitest'
import { deadline } from '../../src/core/deadline.ts'
import { DeadlineExceeded } from '../../src/core/errors.ts'

it('ends when the time is up', async () => {
  const limit = deadline(20, new AbortController().signal)
  await once(limit.signal, 'abort')
  expect(limit.signal.reason).toBeInstanceOf(DeadlineExceeded)
  limit.clear()
})

it('once it is lifted, only a stop ends it', async () => {
  const stop = new AbortController()
  const [lifted, other] = [deadline(20, stop.signal), deadline(60, stop.signal)]
  lifted.lift()
  // The other time is up later than the one that was lifted.
  await once(other.signal, 'abort')
  expect(lifted.signal.aborted).toBe(false)
  stop.abort(new Error('shutting down'))
  expect(lifted.signal.reason).toMatchObject({ message: 'shutting down' })
  for (const limit of [lifted, other]) limit.clear()
})
