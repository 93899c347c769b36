import { describe, expect, it } from 'vitest'
import { told } from './told.ts'

describe('what is told of counted work', () => {
  it.each([
    ['nothing within a tenth', 109, { figures: { scrape: 100 }, changes: [] }],
    ['nothing within a tenth below', 91, { figures: { scrape: 100 }, changes: [] }],
    [
      'what takes more',
      111,
      { figures: { scrape: 111 }, changes: ['scrape takes more than it did: 111, and not 100'] },
    ],
    ['what takes less', 89, { figures: { scrape: 89 }, changes: ['scrape takes less than it did: 89, and not 100'] }],
  ])('is %s', (_, scrape, expected) => {
    expect(told({ scrape: 100 }, { scrape })).toEqual(expected)
  })

  it('is what is new, and what is gone', () => {
    expect(told({ page: 1 }, { scrape: 2 })).toEqual({
      figures: { scrape: 2 },
      changes: ['page is no longer counted', 'scrape is new: 2'],
    })
  })
})
