import { expect, it } from 'vitest'
import { pressureLately, pressureNow } from '../../src/core/pressure.ts'

it('is shared by runs that start together, and read anew later', async () => {
  await expect.poll(() => pressureLately() === pressureLately()).toBe(true)
  const first = pressureLately()
  await expect.poll(() => pressureLately()).not.toBe(first)
  expect(pressureLately().at).toBeGreaterThan(first.at)
})

it('is never later than a reading of its own', () => {
  const before = pressureLately()
  expect(pressureNow().at).toBeGreaterThan(before.at)
})
