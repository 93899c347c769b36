import { expect, it } from 'vitest'
import { createRecent } from '../../src/core/recent.ts'

it('makes each once, and keeps those that were used last', () => {
  const recent = createRecent<object>(2)
  const [a, b] = [recent('a', () => ({})), recent('b', () => ({}))]
  expect(recent('a', () => ({}))).toBe(a)
  recent('c', () => ({}))
  expect(recent('a', () => ({}))).toBe(a)
  expect(recent('b', () => ({}))).not.toBe(b)
})

it('keeps nothing of what throws', () => {
  const recent = createRecent<string>(2)
  const fail = (): string => {
    throw new Error('no')
  }
  expect(() => recent('a', fail)).toThrow('no')
  expect(recent('a', () => 'made')).toBe('made')
})
