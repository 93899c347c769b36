import { expect, it } from 'vitest'
import { createRecall } from '../../src/core/memo.ts'

/** Counts how often something is made. */
function counted<Result>() {
  const recalled = createRecall<object, Result>()
  let made = 0
  return {
    recall: (key: object, of: readonly unknown[], result: Result, isLasting?: (result: Result) => boolean): Result =>
      recalled(key, of, () => (made++, result), isLasting),
    made: () => made,
  }
}
const key = {}

it('makes a result again only of other things, told by identity', () => {
  const { recall, made } = counted<string>()
  const node = { role: 'primary' }
  expect(recall(key, [node], 'first')).toBe('first')
  expect(recall(key, [node], 'not made')).toBe('first')
  expect(recall(key, [{ ...node }], 'second')).toBe('second')
  expect(recall(key, [node, node], 'third')).toBe('third')
  expect(recall({}, [node, node], 'of another key')).toBe('of another key')
  expect(made()).toBe(4)
})

it('gives the result before where the new one equals it, so that what follows from it is recalled too', () => {
  const { recall, made } = counted<{ verdict: string }>()
  const first = recall(key, [1], { verdict: 'ok' })
  expect(recall(key, [2], { verdict: 'ok' })).toBe(first)
  expect(recall(key, [3], { verdict: 'fail' })).not.toBe(first)
  expect(made()).toBe(3)
})

it('keeps nothing that does not last', () => {
  const { recall, made } = counted<string>()
  const never = (): boolean => false
  expect(recall(key, [1], 'at one time', never)).toBe('at one time')
  expect(recall(key, [1], 'at another', never)).toBe('at another')
  expect(made()).toBe(2)
})
