import { setImmediate } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { fairQueue } from '../../src/web/fair-queue.ts'

describe('a line that is joined as fast as it gets shorter', () => {
  // Each comes again as soon as it had its turn, like a client that guesses passwords.
  const crowd = (network: string, { of }: { readonly of: number }) => {
    const queue = fairQueue({ atOnce: 2, waiting: 100, waitingInAll: 1_000 })
    let turns = 0
    let isOver = false
    const others = Array.from({ length: of }, async () => {
      while (!isOver) if (await queue(network, () => setImmediate(true))) turns++
    })
    /** How many of the others have their turn before somebody who comes now. */
    const waitOf = async (own: string): Promise<number> => {
      const before = turns
      expect(await queue(own, () => setImmediate(true))).toBe(true)
      return turns - before
    }
    const end = async () => {
      isOver = true
      await Promise.all(others)
    }
    return { waitOf, end }
  }

  it('lets few wait behind all that came before', async () => {
    const { waitOf, end } = crowd('theirs', { of: 60 })
    const waits: number[] = []
    for (let i = 0; i < 400; i++) waits.push(await waitOf('theirs'))
    await end()
    // About one in eight comes to stand behind all of them. In a line by age, all would.
    expect(waits.filter(wait => wait >= 30).length).toBeLessThan(100)
  })

  it('is passed by who stands in a line of his own', async () => {
    const { waitOf, end } = crowd('theirs', { of: 60 })
    for (let i = 0; i < 100; i++) expect(await waitOf('his own')).toBeLessThanOrEqual(4)
    await end()
  })
})
