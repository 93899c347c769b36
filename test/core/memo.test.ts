import { expect, it } from 'vitest'
import { createMemo } from '../../src/core/memo.ts'

/** Counts how often something is made. */
function counted<Result>() {
  const memo = createMemo<object, Result>()
  let made = 0
  return {
    remember: (key: object, of: readonly unknown[], result: Result, isLasting?: (result: Result) => boolean): Result =>
      memo(key, of, () => (made++, result), isLasting),
    made: () => made,
  }
}
const key = {}

it('makes a result again only of other things, compared by identity', () => {
  const { remember, made } = counted<string>()
  const node = { role: 'primary' }
  expect(remember(key, [node], 'first')).toBe('first')
  expect(remember(key, [node], 'not made')).toBe('first')
  expect(remember(key, [{ ...node }], 'second')).toBe('second')
  expect(remember(key, [node, node], 'third')).toBe('third')
  expect(remember({}, [node, node], 'of another key')).toBe('of another key')
  expect(made()).toBe(4)
})

it('gives the result before where the new one equals it, so that what follows from it is kept too', () => {
  const { remember, made } = counted<{ verdict: string }>()
  const first = remember(key, [1], { verdict: 'ok' })
  expect(remember(key, [2], { verdict: 'ok' })).toBe(first)
  expect(remember(key, [3], { verdict: 'fail' })).not.toBe(first)
  expect(made()).toBe(3)
})

it('keeps nothing that does not last', () => {
  const { remember, made } = counted<string>()
  const never = (): boolean => false
  expect(remember(key, [1], 'at one time', never)).toBe('at one time')
  expect(remember(key, [1], 'at another', never)).toBe('at another')
  expect(made()).toBe(2)
})

it('takes no promise for another, and forgets one that rejects', async () => {
  const memo = createMemo<object, Promise<string>>()
  const first = memo(key, [1], () => Promise.resolve('first'))
  expect(memo(key, [1], () => Promise.resolve('not made'))).toBe(first)
  const failed = memo(key, [2], () => Promise.reject(new Error('no')))
  expect(failed).not.toBe(first)
  await expect(failed).rejects.toThrow('no')
  expect(await memo(key, [2], () => Promise.resolve('second'))).toBe('second')
})
